"""Request ids, and the start and end of every request in the log."""

import re
import secrets
import time
from collections.abc import Iterable
from typing import Any

import structlog
from litestar import Request, Response
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import ASGIApp, HTTPScope, Message, Receive, ReceiveMessage, Scope, Send

HEADER = "X-Request-ID"
DISCONNECTED = "disconnected"
"""Mark in the state of a request whose client disconnected before it was complete."""

ONLY_HEAD = "only_head"
"""Mark in the state of a HEAD request, which is answered as GET without the body."""

ON_REFUSAL = "on_refusal"
"""In the state of a request, a callback before it is answered with an error."""

VARY = "vary"
"""In the state of a request, the response's `Vary` before Litestar's CORS replaces it."""

WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = structlog.get_logger()


class RequestLog:
    """Wraps the whole application, because Litestar's own middleware sees only requests that match a route."""

    def __init__(self, app: ASGIApp, *, cross_origin: bool = False) -> None:
        """Wrap an application; with `cross_origin` its responses depend on the origin of the page."""
        self._app = app
        self._vary = ("Origin",) if cross_origin else ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on. Its id is `request.state.request_id`, and bound to every log line written meanwhile."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        headers(scope)[HEADER] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status: int | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status >= 400 and (undo := scope["state"].get(ON_REFUSAL)):
                    await undo()
                answered = MutableScopeHeaders(message)
                answered.update(headers(scope))
                # Browsers must not take a response for a page or a script.
                answered["X-Content-Type-Options"] = "nosniff"
                varied = ", ".join([scope["state"].get(VARY, ""), answered.get("Vary", ""), *self._vary])
                if names := dict.fromkeys(name.strip() for name in varied.split(",") if name.strip()):
                    answered["Vary"] = ", ".join(names)
            await send(message)

        async def receive_noting_the_end() -> ReceiveMessage:
            message = await receive()
            if message["type"] == "http.disconnect":
                scope["state"][DISCONNECTED] = True
            return message

        method, path = scope["method"], scope["path"]
        log.info("request_started", method=method, path=path)
        began = time.perf_counter()
        try:
            await self._app(_as_get(scope), receive_noting_the_end, send_with_headers)
        finally:
            duration = round((time.perf_counter() - began) * 1000, 1)
            log.info("request_ended", method=method, path=path, status=status, duration_ms=duration)


def keep_vary(app: ASGIApp) -> ASGIApp:
    """Record the response's `Vary` for `RequestLog`, as a middleware."""

    async def keeping(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope["state"][VARY] = MutableScopeHeaders(message).get("Vary", "")
            await send(message)

        await app(scope, receive, send_noting)

    return keeping


async def answer_options(request: Request[Any, Any, Any]) -> Response[None] | None:
    """Answer OPTIONS with all methods of a path: Litestar's own response knows only those of one of its handlers."""
    if request.method != "OPTIONS":
        return None
    path = request.scope["path_template"]
    methods = {method for route in request.app.routes if route.path_format == path for method in _methods(route)}
    return Response(None, status_code=204, headers={"Allow": ", ".join(sorted(methods))})


def _methods(route: BaseRoute) -> Iterable[str]:
    methods = route.methods if isinstance(route, HTTPRoute) else set()
    return with_head(methods)


def with_head(methods: Iterable[str]) -> set[str]:
    """Return the methods, with HEAD if GET is among them."""
    offered = set(methods)
    return offered | {"HEAD"} if "GET" in offered else offered


def _as_get(scope: HTTPScope) -> HTTPScope:
    """Return a HEAD request as GET; the server omits the body of its response."""
    if scope["method"] != "HEAD":
        return scope
    scope["state"][ONLY_HEAD] = True
    return {**scope, "method": "GET"}


def headers(scope: Scope) -> dict[str, str]:
    """Return the headers of every response, including errors."""
    given: dict[str, str] = scope.setdefault("state", {}).setdefault("headers", {})
    return given


def _request_id(scope: HTTPScope) -> str:
    given = Headers.from_scope(scope).get(HEADER, "")
    return given if WELL_FORMED.fullmatch(given) else f"req_{secrets.token_hex(8)}"
