"""Answers: those of a vendor's API, good or bad, and those of something that fails or stands in front of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import msgspec

from freight.connectors.decoding import decode
from freight.connectors.errors import ConnectorError, Unavailable, UnexpectedAnswer

Json = Any
"""What decoding an answer gives: dicts, lists, texts, numbers, booleans and None."""

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of an answer, unpacked; pages of 500 rows have a few MB. A small body may unpack to any size."""

OF_TRANSFER = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers, in lower case, that are about how the bytes of a body travelled."""

FINAL = frozenset({400, 413, 414, 415, 422, 431, 501})
"""Refusals that are about the request, also if they come from a proxy in front of the vendor."""


class VendorErrorBody(msgspec.Struct, frozen=True):
    """What a vendor says in the body of an error."""

    code: str | None = None
    message: str | None = None
    attribute: str | None = None
    """Slug or id of the attribute that it is about."""


class Fault(NamedTuple):
    """Why an answer is not one of the vendor's API, though it may answer at the next attempt."""

    reason: str
    error: type[ConnectorError] = Unavailable
    """What is raised after the last attempt."""
    is_outage: bool = True
    """Whether it says that the vendor fails, and not only at this request."""


EMPTY = Fault("it answered with nothing", UnexpectedAnswer)
MISSHAPEN = Fault("it answered 200 with something else than was asked for", UnexpectedAnswer, is_outage=False)
"""An error body with status 200, for example."""

Accepts = Callable[[Json], bool]
"""Tells an answer to a request from something else that is JSON."""


def judge(
    response: httpx.Response, accepts: Accepts, complaint_in: Callable[[httpx.Response], VendorErrorBody]
) -> tuple[Json, Fault | None]:
    """Return the decoded answer if it is a success, else None; and why it is no answer of the API, if it is none.

    `complaint_in` reads the body of an error as the vendor words it.
    """
    status = response.status_code
    if response.is_success:
        try:
            answer = decode(response.content)
        except ValueError:
            return None, Fault("it answered with something that is not JSON") if response.content else EMPTY
        return answer, None if accepts(answer) else MISSHAPEN
    # 501 is as final as any refusal: what is not implemented will not be at the next attempt either.
    if status == 408 or (status >= 500 and status not in FINAL):
        return None, Fault(f"it answered {status}")
    if status < 400:
        return None, Fault(f"it answered with a redirect ({status}), which is not followed", UnexpectedAnswer)
    # Firewalls and proxies refuse in the vendor's name; a 403 of theirs is no missing permission.
    if status not in FINAL and complaint_in(response) == VendorErrorBody():
        return None, Fault(f"something in front of its API, such as a firewall or a proxy, answered {status}")
    return None, None


async def whole(response: httpx.Response) -> httpx.Response:
    """Read a response that is being streamed to its end, unpacked. Raises `httpx.DecodingError` if it is too large."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > LARGEST_ANSWER:
            raise httpx.DecodingError(f"The answer has more than {LARGEST_ANSWER} bytes.", request=response.request)
        parts.append(part)
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in OF_TRANSFER]
    return httpx.Response(response.status_code, headers=headers, content=b"".join(parts), request=response.request)


def anything(_: Json) -> bool:
    """Whatever is JSON."""
    return True


def holds(*keys: str) -> Accepts:
    """An object with these keys."""
    return lambda answer: isinstance(answer, dict) and answer.keys() >= set(keys)


def said(complaint: VendorErrorBody) -> str:
    """What the vendor said, as the end of a sentence."""
    if not complaint.message:
        return "."
    return f": {complaint.message}{'' if complaint.message.endswith(('.', '!', '?', '…')) else '.'}"
