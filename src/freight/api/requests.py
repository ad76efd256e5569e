"""What is true of every request: it has an id, and its start and its end are in the log."""

import re
import secrets
import time

import structlog
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = structlog.get_logger()


class RequestLog:
    """Wraps the whole application, because Litestar's own middleware sees only requests that found a route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; its id is `request.state.request_id`, and bound to every log line written meanwhile."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableScopeHeaders(message)[HEADER] = request_id
            await send(message)

        log.info("request_started", method=scope["method"], path=scope["path"])
        began = time.perf_counter()
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            duration = round((time.perf_counter() - began) * 1000, 1)
            log.info("request_ended", method=scope["method"], path=scope["path"], status=status, duration_ms=duration)


def _request_id(scope: HTTPScope) -> str:
    given = Headers.from_scope(scope).get(HEADER, "")
    return given if WELL_FORMED.fullmatch(given) else f"req_{secrets.token_hex(8)}"
