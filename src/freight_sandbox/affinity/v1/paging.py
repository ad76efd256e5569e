"""Pages of API v1: a token holds an offset, so rows shift when others come and go between two pages."""

import base64
from collections.abc import Callable, Sequence

import msgspec
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.errors import RefusedByVersion1
from freight_sandbox.affinity.requests import AnyRequest, as_told
from freight_sandbox.control import answer

MAXIMUM_PAGE_SIZE = 500


class Token(msgspec.Struct, frozen=True):
    """What a page token holds."""

    params: dict[str, list[str]]
    page_size: int
    offset: int


def page_answer(request: AnyRequest, name: str, ids: Sequence[int], render: Callable[[int], object]) -> ASGIResponse:
    """The page that the request asks for, as `{name: [...], "next_page_token"}`.

    A page with rows always has a token, also when nothing follows: the last page is an empty one, whose token is null.
    Raises `RefusedByVersion1`.
    """
    page_size = _page_size(request)
    params = {key: request.query_params.getall(key) for key in request.query_params if key not in PAGE_PARAMETERS}
    offset = _offset(request, Token(params, page_size, 0))
    rows = as_told(request, [render(row_id) for row_id in ids[offset : offset + page_size]])
    following = _write(Token(params, page_size, offset + len(rows))) if rows else None
    return answer({name: rows, "next_page_token": following})


PAGE_PARAMETERS = frozenset({"page_size", "page_token"})


def _page_size(request: AnyRequest) -> int:
    text = request.query_params.get("page_size", str(MAXIMUM_PAGE_SIZE))
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= MAXIMUM_PAGE_SIZE:
        raise RefusedByVersion1(f"page_size must be an integer between 1 and {MAXIMUM_PAGE_SIZE}")
    return int(text)


def _offset(request: AnyRequest, asked: Token) -> int:
    text = request.query_params.get("page_token")
    if text is None:
        return 0
    try:
        token = msgspec.json.decode(base64.b64decode(text, validate=True), type=Token)
    except ValueError:
        token = None
    if token is None or (token.params, token.page_size) != (asked.params, asked.page_size):
        raise RefusedByVersion1("Invalid page_token variable")
    return token.offset


def _write(token: Token) -> str:
    return base64.b64encode(msgspec.json.encode(token)).decode()
