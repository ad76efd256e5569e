"""Who may do what: the API key of a request, and the scopes it needs."""

from typing import Any

import structlog
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Guard

from freight import database
from freight.api.http.rate_limits import Limiter
from freight.api.http.validation import Problem
from freight.domain.errors import KeyRefused, TenantSuspended
from freight.domain.tenancy import api_keys
from freight.domain.tenancy.api_keys import Administrator, Caller, Scope
from freight.domain.tenancy.audit import Actor
from freight.egress import ON_BEHALF_OF
from freight.encryption import CredentialCipher

HEADER = "X-API-Key"

Connection = ASGIConnection[Any, Any, Any, Any]


def requires_api_key(cipher: CredentialCipher, limiter: Limiter) -> Guard:
    """A guard that finds out whose key a request carries, and counts the request.

    The connection's `user` is then a `Caller` or an `Administrator`. It is no middleware, because what Litestar's
    middleware raises is answered past all other middleware.
    """

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        try:
            async with database.as_platform() as tx:
                caller = await api_keys.authenticate(tx, cipher, connection.headers.get(HEADER))
        except (KeyRefused, TenantSuspended):
            await limiter.admit_without_key(connection)
            raise
        connection.scope["user"] = caller
        if isinstance(caller, Caller):
            structlog.contextvars.bind_contextvars(tenant=str(caller.tenant_id))
            ON_BEHALF_OF.set(str(caller.tenant_id))
        await limiter.admit(connection, handler, caller)

    return guard


def requires_scope(scope: Scope, *, or_administrator: bool = False) -> Guard:
    """A guard that lets in only tenants' keys with this scope, and if said so the administrator's."""

    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        if isinstance(connection.user, Administrator):
            if or_administrator:
                return
            raise _refused("tenant_key_needed", "A tenant's key is needed; this one is the administrator's.")
        if scope not in connection.user.scopes:
            raise _refused("missing_scope", f"The scope {scope} is needed.")

    return guard


async def needs_administrator(connection: Connection, _: BaseRouteHandler) -> None:
    """A guard that lets in only the platform administrator's keys."""
    if not isinstance(connection.user, Administrator):
        raise _refused(
            "administrator_key_needed",
            "A key of the platform's administrator is needed, from freight admin create-key.",
        )


async def provide_caller(request: Request[Caller, None, Any]) -> Caller:
    """The tenant's key of a request that `needs` has let in."""
    return request.user


async def provide_actor(request: Request[Caller | Administrator, None, Any]) -> Actor:
    """Who makes the request, for the audit trail."""
    user = request.user
    return Actor(
        tenant_id=user.tenant_id if isinstance(user, Caller) else None,
        name=f"API key {user.key_prefix}… ({user.key_name})",
        address=request.client.host if request.client else None,
        request_id=request.state.request_id,
    )


def _refused(kind: str, message: str) -> PermissionDeniedException:
    return PermissionDeniedException(extra=[Problem(type=kind, message=message, field=None)])
