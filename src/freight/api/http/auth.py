"""Authentication and authorisation: the API key of a request, and the scopes it needs."""

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
    """Return a guard that identifies the key of a request, and counts the request.

    The connection's `user` is then a `Caller` or an `Administrator`. It is no middleware, because the
    response to what Litestar's middleware raises bypasses all other middleware.
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
    """Return a guard that admits only tenants' keys with this scope, and on request the administrator's."""

    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        if isinstance(connection.user, Administrator):
            if or_administrator:
                return
            raise _refused("tenant_key_needed", "Use a tenant's key; this is the administrator's.")
        if scope not in connection.user.scopes:
            raise _refused("missing_scope", f"The API key lacks the scope {scope}.")

    return guard


async def needs_administrator(connection: Connection, _: BaseRouteHandler) -> None:
    """Admit only the platform administrator's keys, as a guard."""
    if not isinstance(connection.user, Administrator):
        raise _refused(
            "administrator_key_needed",
            "Use a key of the platform's administrator, from `freight admin create-key`.",
        )


async def provide_caller(request: Request[Caller, None, Any]) -> Caller:
    """Return the tenant's key of a request that the guard has admitted."""
    return request.user


async def provide_actor(request: Request[Caller | Administrator, None, Any]) -> Actor:
    """Return the author of the request, for the audit trail."""
    user = request.user
    return Actor(
        tenant_id=user.tenant_id if isinstance(user, Caller) else None,
        name=f"API key {user.key_prefix}… ({user.key_name})",
        address=request.client.host if request.client else None,
        request_id=request.state.request_id,
    )


def _refused(kind: str, message: str) -> PermissionDeniedException:
    return PermissionDeniedException(extra=[Problem(type=kind, message=message, field=None)])
