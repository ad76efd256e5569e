"""The storage of files: another host, with signed URLs that are valid for a minute."""

import hashlib
import hmac
import mimetypes
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Stream

from freight_sandbox.affinity.collection import Gone
from freight_sandbox.affinity.requests import AnyRequest, workspace_of
from freight_sandbox.affinity.rows import File
from freight_sandbox.answers import Answer, Headers, of_gateway, xml_error
from freight_sandbox.counters import Counters
from freight_sandbox.faults import REDIRECTED, STORAGE, Fault, FaultKind, Faults
from freight_sandbox.limits import Clock

EXPIRES_SECONDS = 60
TIME_FORMAT = "%Y%m%dT%H%M%SZ"
OTHER_NAMES = {"127.0.0.1": "localhost", "localhost": "127.0.0.1", "[::1]": "localhost"}
"""Another name of the same server, which is a different host for clients."""

CHUNK = 64 * 1024
ANY_BYTES = "surrogateescape"
"""Error handler with which the text of an uploaded file can hold any bytes."""

Refusal = tuple[int, str, str]
"""Status, code and message."""


class Storage:
    """Signs URLs and checks them."""

    def __init__(self, clock: Clock = time.time) -> None:
        self._secret = secrets.token_bytes(32)
        self._clock = clock

    def url(self, api: str, file: File) -> str:
        """Return a URL from which a file can be downloaded for the next minute; `api` is the API's origin."""
        signed_at = datetime.fromtimestamp(self._clock(), UTC).strftime(TIME_FORMAT)
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Date": signed_at,
            "X-Amz-Expires": EXPIRES_SECONDS,
            "X-Amz-Signature": self._signature(file.id, signed_at),
        }
        return f"{storage_url(api)}{STORAGE}{file.id}/{quote(file.name, safe='')}?{urlencode(query)}"

    def refusal(self, query: Mapping[str, str], headers: Mapping[str, str], file_id: int) -> Refusal | None:
        """Return why a request may not download the file, or None if it may."""
        if "authorization" in headers:
            return 400, "InvalidArgument", "Only one auth mechanism allowed"
        signed_at, signature = query.get("X-Amz-Date", ""), query.get("X-Amz-Signature", "")
        if not hmac.compare_digest(signature.encode(), self._signature(file_id, signed_at).encode()):
            return 403, "SignatureDoesNotMatch", "The request signature does not match."
        began = datetime.strptime(signed_at, TIME_FORMAT).replace(tzinfo=UTC).timestamp()
        if self._clock() >= began + EXPIRES_SECONDS:
            return 403, "AccessDenied", "Request has expired"
        return None

    def _signature(self, file_id: int, signed_at: str) -> str:
        return hmac.new(self._secret, f"{file_id} {signed_at}".encode(), hashlib.sha256).hexdigest()


class StorageVendor:
    """The storage as a vendor: it shows the vendor's faults, has no limits, and does not count."""

    def __init__(self, faults: Faults) -> None:
        self.counters = Counters()
        self.faults = faults

    def is_write(self, method: str, path: str) -> bool:  # noqa: ARG002 - files are only read here
        """Return False: files are only read."""
        return False

    def admit(self, method: str, path: str) -> Answer | None:  # noqa: ARG002 - there is no limit
        """Admit every request."""
        return None

    def headers(self) -> Headers:
        """Return no headers."""
        return []

    def fault(self, fault: Fault, url: str) -> Answer:
        """Return the answer for a fault; a redirect leads to the same storage, and is given once."""
        if fault.kind == "storage_redirect":
            moved = xml_error(307, "TemporaryRedirect", "Please re-send this request to the specified endpoint.")
            return Answer(307, moved.body, [*moved.headers, (b"location", f"{url}&{REDIRECTED}=2".encode())])
        return of_gateway(fault.kind) or xml_error(*ERRORS.get(fault.kind, ERROR))


ERROR = (500, "InternalError", "We encountered an internal error. Please try again.")
ERRORS: dict[FaultKind, Refusal] = {
    "forbidden": (403, "AccessDenied", "Access Denied"),
    "rate_limit": (503, "SlowDown", "Please reduce your request rate."),
    "unavailable": (503, "ServiceUnavailable", "Please reduce your request rate."),
}


def storage_url(api: str) -> str:
    """Return the storage's origin for the API's origin: another host name, if the server has one."""
    scheme, _, authority = api.partition("://")
    name, colon, port = authority.rpartition(":")
    return f"{scheme}://{OTHER_NAMES.get(name, name)}{colon}{port}"


def download_url(request: AnyRequest, file: File) -> str:
    """Return a URL from which a file can be downloaded for the next minute, on the host of the request."""
    return _storage(request).url(f"{request.scope['scheme']}://{request.headers['host']}", file)


@get(f"{STORAGE}{{file_id:int}}/{{name:str}}")
async def get_content(request: AnyRequest, file_id: FromPath[int], name: FromPath[str]) -> Response[Any]:
    """Return the bytes of a file."""
    if (refusal := _storage(request).refusal(request.query_params, request.headers, file_id)) is not None:
        return _xml(*refusal)
    try:
        file = workspace_of(request).files.row(file_id)
    except Gone:
        return _xml(404, "NoSuchKey", "The specified key does not exist.")
    headers = {
        "content-type": content_type(file),
        "content-length": str(len(_text(file)) if file.content else file.size),
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
    }
    return Stream(_bytes(file), headers=headers)


def content_type(file: File) -> str:
    """Return the file's media type, guessed from its name if the row has none."""
    return file.content_type or mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def _storage(request: AnyRequest) -> Storage:
    storage: Storage = request.app.state.storage
    return storage


async def _bytes(file: File) -> AsyncIterator[bytes]:
    if file.content:
        yield _text(file)
        return
    line = f"File {file.id} of the sandbox.\n".encode()
    pattern = line * (CHUNK // len(line))
    left = file.size
    while left > 0:
        yield pattern[:left]
        left -= len(pattern[:left])


def _text(file: File) -> bytes:
    return (file.content or "").encode(errors=ANY_BYTES)


def _xml(status: int, code: str, message: str) -> Response[bytes]:
    error = xml_error(status, code, message)
    return Response(error.body, status_code=error.status, media_type="application/xml")
