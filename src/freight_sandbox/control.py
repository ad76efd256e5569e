"""The sandbox's own operations, below `/_sandbox` of each vendor: counters, faults and a summary."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from litestar import Response, Router, delete, get, post, put
from litestar.connection import Request
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from litestar.types import ControllerRouterHandler

from freight_sandbox.faults import Fault
from freight_sandbox.middleware import Vendor

Summary = dict[str, Any]
T = TypeVar("T")


class BadBody(Exception):
    """The body of a request has the wrong form; the message says why."""


def answer(content: object, status: int = 200, headers: dict[str, str] | None = None) -> ASGIResponse:
    """Return a JSON answer."""
    return ASGIResponse(
        body=msgspec.json.encode(content), status_code=status, media_type="application/json", headers=headers
    )


def error_answer(body: object, status: int, headers: dict[str, str] | None = None) -> Response[bytes]:
    """Return a JSON answer for an exception handler, for which Litestar requires another type."""
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json", headers=headers)


async def read_body(request: Request[Any, Any, Any], type_: type[T], wrong: str) -> T:
    """Decode the body. Raise `BadBody` with a sentence that begins with `wrong`, such as `This is not a plan`."""
    try:
        return msgspec.json.decode(await request.body(), type=type_)
    except msgspec.DecodeError as error:
        raise BadBody(f"{wrong}: {error}.") from error


def replacing(
    path: str, shape: type[T], wrong: str, replace: Callable[[Request[Any, Any, Any], T], object]
) -> HTTPRouteHandler:
    """Return a PUT operation that passes its body to `replace` and answers with the result.

    A body of another shape is refused with a sentence that begins with `wrong`.
    """

    @put(path)
    async def put_body(request: Request[Any, Any, Any]) -> ASGIResponse:
        return answer(replace(request, await read_body(request, shape, wrong)))

    return put_body


def _bad_body_answer(_: Request[Any, Any, Any], error: BadBody) -> Response[bytes]:
    return error_answer({"message": str(error)}, 422)


def control_router(vendor: Vendor, summary: Callable[[], Summary], *further: ControllerRouterHandler) -> Router:
    """Return the routes below `/_sandbox`, which need no key and are not counted."""

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
        vendor.faults.add(await read_body(request, Fault, "This is not a fault"))
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
    return Router("/_sandbox", route_handlers=handlers, exception_handlers={BadBody: _bad_body_answer})
