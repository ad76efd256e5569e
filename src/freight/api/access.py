"""Who may do what: the API key of a request, and the scopes it needs."""

from typing import Any

import structlog
from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException
from litestar.handlers.base import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.types import ASGIApp, Guard

from freight import database
from freight.api.problems import Problem
from freight.domain import keys
from freight.domain.keys import Scope
from freight.encryption import Vault

HEADER = "X-API-Key"

Connection = ASGIConnection[Any, Any, Any, Any]


class KeyAuthentication(AbstractAuthenticationMiddleware):
    """Finds out whose key a request carries; the connection's `user` is then the `freight.domain.keys.Caller`."""

    def __init__(self, app: ASGIApp, *, vault: Vault) -> None:
        super().__init__(app)
        self.vault = vault

    async def authenticate_request(self, connection: Connection) -> AuthenticationResult:
        """Raises `KeyRefused`."""
        async with database.as_platform() as tx:
            caller = await keys.authenticate(tx, self.vault, connection.headers.get(HEADER))
        structlog.contextvars.bind_contextvars(tenant=str(caller.tenant_id))
        return AuthenticationResult(user=caller, auth=None)


def needs(scope: Scope) -> Guard:
    """A guard that lets in only keys with this scope."""

    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        if scope not in connection.user.scopes:
            problem = Problem(type="missing_scope", message=f"The scope {scope} is needed.", field=None)
            raise PermissionDeniedException(extra=[problem])

    return guard
