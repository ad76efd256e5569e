"""Operations of the sandbox itself, below `/_sandbox` of each vendor: counters, faults and a summary."""

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Response, Router, delete, get, post
from litestar.connection import Request
from litestar.response.base import ASGIResponse
from litestar.types import ControllerRouterHandler

from freight.sandbox.faults import Fault
from freight.sandbox.gate import Vendor

Summary = dict[str, Any]


def answer(content: object, status: int = 200, headers: dict[str, str] | None = None) -> ASGIResponse:
    """A JSON answer."""
    return ASGIResponse(
        body=msgspec.json.encode(content), status_code=status, media_type="application/json", headers=headers
    )


def error_answer(body: object, status: int, headers: dict[str, str] | None = None) -> Response[bytes]:
    """The same for an exception handler, of which Litestar wants another type."""
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json", headers=headers)


def control_router(vendor: Vendor, summary: Callable[[], Summary], *further: ControllerRouterHandler) -> Router:
    """The routes below `/_sandbox`, which need no key and are not counted."""

    @get("/counters", sync_to_thread=False)
    def read_counters() -> ASGIResponse:
        return answer(vendor.counters.read())

    @delete("/counters", status_code=200, sync_to_thread=False)
    def clear_counters() -> ASGIResponse:
        vendor.counters.clear()
        return answer({})

    @get("/faults", sync_to_thread=False)
    def read_faults() -> ASGIResponse:
        return answer(vendor.faults.read())

    @post("/faults", status_code=200)
    async def add_fault(request: Request[Any, Any, Any]) -> ASGIResponse:
        try:
            fault = msgspec.json.decode(await request.body(), type=Fault)
        except msgspec.DecodeError as error:
            return answer({"message": f"This is not a fault: {error}."}, 422)
        vendor.faults.add(fault)
        return answer(vendor.faults.read())

    @delete("/faults", status_code=200, sync_to_thread=False)
    def clear_faults() -> ASGIResponse:
        vendor.faults.clear()
        return answer({})

    @get("/summary", sync_to_thread=False)
    def read_summary() -> ASGIResponse:
        return answer(summary())

    handlers: list[ControllerRouterHandler] = [
        read_counters,
        clear_counters,
        read_faults,
        add_fault,
        clear_faults,
        read_summary,
        *further,
    ]
    return Router("/_sandbox", route_handlers=handlers)
