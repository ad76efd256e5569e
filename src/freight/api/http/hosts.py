"""Allowed hosts: the names by which the API may be addressed."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.exceptions import ClientException
from litestar.handlers.base import BaseRouteHandler
from litestar.types import Guard

from freight.api.http.validation import Problem

ANY_HOST = "any_host"
"""Mark in the `opt` of what may be asked under any name, as load balancers do."""


def needs_host(allowed: Sequence[str]) -> Guard:
    """A guard that lets in only requests to one of these names; `*.example.com` stands for all below one.

    Litestar's own check knows no ports and answers in a form of its own.
    """
    names = frozenset(name for name in allowed if not name.startswith("*."))
    domains = tuple(name.removeprefix("*") for name in allowed if name.startswith("*."))

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        if not allowed or handler.opt.get(ANY_HOST):
            return
        host = _name(connection.headers.get("Host", ""))
        if host not in names and not host.endswith(domains):
            problem = Problem(type="unknown_host", message="This Freight is not reached by this name.", field=None)
            raise ClientException(extra=[problem])

    return guard


def _name(host: str) -> str:
    """A Host header without its port, in small letters; empty if it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
