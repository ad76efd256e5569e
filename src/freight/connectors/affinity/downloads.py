"""Downloads of files from Affinity's storage, which are checked before they are accepted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

import httpx
import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_base

from freight.connectors.affinity.delivery import Cause, Delivery, NotDelivered, check, largest
from freight.connectors.errors import FileIncomplete, MustWait, NotFound, RejectedBySource, Unavailable
from freight.connectors.protocols import FileContent
from freight.model.crm import File

ATTEMPTS = 5
CHUNK = 64 * 1024
BEGINNING = 1024
"""Bytes at the beginning of a file that are checked for an error page."""

MAX_REDIRECTS = 5
"""Redirects from storage to storage: S3 redirects a request to the region of its bucket with 307."""

GRACE_SECONDS = 30.0
SLOWEST = 32 * 1024
"""A delivery may take `GRACE_SECONDS`, and a second more for each so many bytes that have arrived."""

STORAGE_DOWN = (502, 503, 504)
FILES_TO_WAIT = 3
"""Consecutive files that could not be downloaded because the storage was unavailable; from then on it is waited for."""
WAIT_SECONDS = 60.0

log = structlog.get_logger(__name__)


class Downloads:
    """Downloads files. One object serves a job's source: it knows whether the storage delivers anything at all."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        locate: Callable[[str], Awaitable[httpx.URL]],
        *,
        backoff: wait_base,
        sleep: Callable[[float], Awaitable[None]],
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        """Use `locate` to get the URL of the file with an id; such a URL is valid for a limited time."""
        self._client = client
        self._locate = locate
        self._backoff = backoff
        self._sleep = sleep
        self._grace_seconds = grace_seconds
        self._without_storage: set[str] = set()
        """The number of files that failed since the storage last delivered one, because it was unavailable."""

    async def fetch(self, file: File, into: BinaryIO) -> FileContent:
        """Write the bytes of a file to `into`.

        Raise `NotFound` for one that no longer exists, `FileIncomplete` for one that differs from its listing.
        """
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(NotDelivered),
            stop=stop_after_attempt(ATTEMPTS),
            wait=self._backoff,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            content: FileContent = await attempts(self._attempt, file, into)
        except NotDelivered as failure:
            raise self._given_up(file, failure) from None
        self._without_storage.clear()
        return content

    def _given_up(self, file: File, failure: NotDelivered) -> Exception:
        if failure.cause == "storage_down":
            self._without_storage.add(file.id)
            if len(self._without_storage) >= FILES_TO_WAIT:
                until = datetime.now(UTC) + timedelta(seconds=WAIT_SECONDS)
                return MustWait(
                    f"Affinity's storage of files is unavailable: {failure}. Freight tries again at {until:%F %T} UTC; "
                    "no action is needed.",
                    until=until,
                )
        else:
            self._without_storage.clear()
        said = (
            f"Affinity's storage did not deliver the file {file.name!r} ({file.id}) in {ATTEMPTS} attempts; the last "
            f"time {failure}. Try again later, or add the file by hand."
        )
        match failure.cause:
            case "refused":
                return RejectedBySource(said)
            case "incomplete":
                return FileIncomplete(said)
            case _:
                return Unavailable(said)

    async def _attempt(self, file: File, into: BinaryIO) -> FileContent:
        # The storage accepts a URL for a minute only, so each attempt requests a new one.
        url = await self._locate(file.id)
        into.seek(0)
        into.truncate()
        try:
            async with asyncio.timeout(self._grace_seconds) as deadline, self._opened(url, file) as response:
                delivery = await self._receive(response, file, into, deadline)
        except TimeoutError:
            raise NotDelivered(f"it sent less than {SLOWEST // 1024} KiB a second") from None
        except httpx.HTTPError as error:
            # Only these classes themselves: a subclass is the refusal to connect to an address in Freight's own
            # network.
            cause: Cause = "storage_down" if type(error) in (httpx.ConnectError, httpx.ConnectTimeout) else "failed"
            raise NotDelivered(f"the connection failed ({type(error).__name__})", cause) from None
        issues = check(file, delivery)
        into.seek(0)
        return FileContent(file=into, size=delivery.size, content_type=delivery.content_type, issues=issues)

    @asynccontextmanager
    async def _opened(self, url: httpx.URL, file: File) -> AsyncIterator[httpx.Response]:
        """Return the response of the storage that has the file, before its body is read."""
        for _ in range(MAX_REDIRECTS + 1):
            # Compressing documents and pictures again gains nothing, and a small body could unpack to a huge one.
            headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
            request = self._client.build_request("GET", url, headers=headers)
            # The key is for Affinity and not for the storage of its files.
            del request.headers["Authorization"]
            response = await self._client.send(request, stream=True)
            try:
                if not response.has_redirect_location:
                    _check_status(response, file)
                    yield response
                    return
            finally:
                await response.aclose()
            url = _following(url, response)
        raise NotDelivered(f"it redirected the request more than {MAX_REDIRECTS} times", "refused")

    async def _receive(
        self, response: httpx.Response, file: File, into: BinaryIO, deadline: asyncio.Timeout
    ) -> Delivery:
        loop = asyncio.get_running_loop()
        began, most = loop.time(), largest(file)
        announced = _length(response)
        if announced is not None and announced > most:
            raise _too_much(file, most)
        beginning, size = b"", 0
        async for chunk in response.aiter_bytes(CHUNK):
            beginning = (beginning + chunk)[:BEGINNING] if len(beginning) < BEGINNING else beginning
            size += len(chunk)
            if size > most:
                raise _too_much(file, most)
            into.write(chunk)
            deadline.reschedule(began + self._grace_seconds + response.num_bytes_downloaded / SLOWEST)
        return Delivery(
            size=size,
            announced=announced,
            received=response.num_bytes_downloaded if "Content-Encoding" in response.headers else size,
            content_type=response.headers.get("Content-Type"),
            beginning=beginning,
        )


def is_fetchable(url: httpx.URL, from_url: httpx.URL) -> bool:
    """Return whether a redirect from `from_url` to an address is followed: never to a less secure one."""
    return bool(url.host) and url.scheme in ("https", from_url.scheme)


def _following(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    try:
        following = url.join(response.headers["Location"])
    except httpx.InvalidURL:
        following = httpx.URL()
    if not is_fetchable(following, url):
        raise NotDelivered("it redirected the request to an address that is not used", "refused")
    return following


def _check_status(response: httpx.Response, file: File) -> None:
    status = response.status_code
    if status == 404:
        raise NotFound(f"Affinity's storage no longer has the file {file.id}.")
    if not response.is_success:
        cause: Cause = "storage_down" if status in STORAGE_DOWN else "failed" if status >= 500 else "refused"
        raise NotDelivered(f"it answered {status}", cause)


def _length(response: httpx.Response) -> int | None:
    """Return the number of bytes that the storage announces, before they are unpacked."""
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _too_much(file: File, most: int) -> FileIncomplete:
    return FileIncomplete(
        f"Affinity's storage delivers more than {most:,} bytes for the file {file.name!r} ({file.id}), which is not "
        "what Affinity lists. Download it there and add it by hand."
    )
