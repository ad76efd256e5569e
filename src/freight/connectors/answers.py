"""Responses of a vendor's API, and of proxies and firewalls in front of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import msgspec

from freight.connectors.decoding import decode
from freight.connectors.errors import ConnectorError, Unavailable, UnexpectedAnswer

Json = Any
"""The result of decoding a response: dicts, lists, strings, numbers, booleans and None."""

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""The maximum bytes of an unpacked response; pages of 500 rows have a few MB. A small body can unpack to any size."""

OF_TRANSFER = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers, in lower case, that describe how a body was transferred."""

FINAL = frozenset({400, 413, 414, 415, 422, 431, 501})
"""Refusals that are about the request, even if they come from a proxy in front of the vendor."""


class VendorErrorBody(msgspec.Struct, frozen=True):
    """The parsed body of a vendor's error."""

    code: str | None = None
    message: str | None = None
    attribute: str | None = None
    """The slug or id of the attribute that the error is about."""


class Fault(NamedTuple):
    """Why a response is not one of the vendor's API, if the next attempt may get one."""

    reason: str
    error: type[ConnectorError] = Unavailable
    """The error that is raised after the last attempt."""
    is_outage: bool = True
    """Whether the vendor itself is failing, and not only this request."""


EMPTY = Fault("its answer was empty", UnexpectedAnswer)
MISSHAPEN = Fault("its answer with status 200 does not fit the request", UnexpectedAnswer, is_outage=False)
"""For example an error body with status 200."""

Accepts = Callable[[Json], bool]
"""Returns whether JSON is a response to the request, and not something else."""


def classify(
    response: httpx.Response, accepts: Accepts, complaint_in: Callable[[httpx.Response], VendorErrorBody]
) -> tuple[Json, Fault | None]:
    """Return the decoded response of a success, or None; and the fault if it is not a response of the vendor's API.

    `complaint_in` parses the body of an error in the vendor's form.
    """
    status = response.status_code
    if response.is_success:
        try:
            answer = decode(response.content)
        except ValueError:
            return None, Fault("its answer is not JSON") if response.content else EMPTY
        return answer, None if accepts(answer) else MISSHAPEN
    # 501 is as final as a refusal: what is not implemented remains so at the next attempt.
    if status == 408 or (status >= 500 and status not in FINAL):
        return None, Fault(f"it answered {status}")
    if status < 400:
        return None, Fault(f"it answered with a redirect ({status}), which is not followed", UnexpectedAnswer)
    # Firewalls and proxies refuse in the vendor's name; their 403 does not mean a missing permission.
    if status not in FINAL and complaint_in(response) == VendorErrorBody():
        return None, Fault(f"something in front of its API, such as a firewall or a proxy, answered {status}")
    return None, None


async def read_whole(response: httpx.Response) -> httpx.Response:
    """Read a streamed response to its end, unpacked. Raise `httpx.DecodingError` if it is too large."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise httpx.DecodingError(f"The response has more than {MAX_ANSWER_BYTES} bytes.", request=response.request)
        parts.append(part)
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in OF_TRANSFER]
    return httpx.Response(response.status_code, headers=headers, content=b"".join(parts), request=response.request)


def any_json(_: Json) -> bool:
    """Accept any JSON."""
    return True


def has_keys(*keys: str) -> Accepts:
    """Return a check for an object with these keys."""
    return lambda answer: isinstance(answer, dict) and answer.keys() >= set(keys)


def quoted_message(complaint: VendorErrorBody) -> str:
    """Return the vendor's message, as the end of a sentence."""
    if not complaint.message:
        return "."
    return f": {complaint.message}{'' if complaint.message.endswith(('.', '!', '?', '…')) else '.'}"
