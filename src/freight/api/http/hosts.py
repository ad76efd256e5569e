"""Allowed hosts: the names at which the API can be reached."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.exceptions import ClientException
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Guard

from freight.api.http.validation import Problem

ANY_HOST = "any_host"
"""Mark in the `opt` of operations that are answered under any host name, as load balancers need."""


def needs_host(allowed: Sequence[str]) -> Guard:
    """Return a guard that admits only requests to one of these names; `*.example.com` includes all subdomains.

    Litestar's own check ignores ports and answers in another form.
    """
    names = frozenset(name for name in allowed if not name.startswith("*."))
    domains = tuple(name.removeprefix("*") for name in allowed if name.startswith("*."))

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        if not allowed or handler.opt.get(ANY_HOST):
            return
        host = _name(connection.headers.get("Host", ""))
        if host not in names and not host.endswith(domains):
            problem = Problem(type="unknown_host", message="Host not allowed.", field=None)
            raise ClientException(extra=[problem])

    return guard


def _name(host: str) -> str:
    """Return a Host header without its port, in lower case; empty if it is not valid."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
