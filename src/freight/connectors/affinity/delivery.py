"""Checks whether the bytes that a storage delivered are the file that Affinity lists.

Neither is always right: storages answer 200 with an error page or with half of a file, and the listed size is off by
some bytes in some workspaces. A length that the storage announces and delivers takes precedence over the listing,
unless the content is an error page.
"""

import re
from pathlib import PurePath
from typing import Literal

import msgspec

from freight.connectors.protocols import Issue
from freight.model.crm import File

MAX_FILE_BYTES = 256 * 1024 * 1024
"""Bytes of the largest file that is fetched: several times what any target accepts."""

SLACK = 16 * 1024 * 1024

Cause = Literal["failed", "storage_down", "refused", "incomplete"]
Page = Literal["html", "xml", "json"]

PAGES_BY_SUFFIX: dict[str, Page] = {
    ".htm": "html",
    ".html": "html",
    ".mht": "html",
    ".mhtml": "html",
    ".xhtml": "html",
    ".gpx": "xml",
    ".kml": "xml",
    ".svg": "xml",
    ".xml": "xml",
    ".xsl": "xml",
    ".geojson": "json",
    ".json": "json",
}
PAGES_BY_TYPE: dict[str, Page] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/xml": "xml",
    "text/xml": "xml",
    "image/svg+xml": "xml",
    "application/json": "json",
}
"""Types of error pages, which files can have too: by the suffix of a name, and by content type."""

HTML = re.compile(rb"^\s*(<!--.*?-->\s*)?<(!doctype\s+html|html\b|head\b|body\b)", re.IGNORECASE | re.DOTALL)
XML = re.compile(rb"^\s*<(\?xml\b|Error>)")
STORAGE_ERROR = re.compile(rb"<Error>\s*<Code>")
"""The beginning of errors of S3 and of compatible storages."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """The result of downloading a file."""

    size: int
    """Bytes, unpacked."""
    announced: int | None
    """The number of bytes that the storage announced; None if it did not."""
    received: int
    """The number of bytes that it sent, before they were unpacked."""
    content_type: str | None
    beginning: bytes


class NotDelivered(Exception):
    """The storage did not deliver a file, and a retry may help; the message says what it did."""

    def __init__(self, reason: str, cause: Cause = "failed") -> None:
        super().__init__(reason)
        self.cause = cause


def largest(file: File) -> int:
    """Return the maximum number of bytes for a file: far more than it is listed with means that it is another file."""
    return MAX_FILE_BYTES if file.size is None else min(MAX_FILE_BYTES, 4 * file.size + SLACK)


def check(file: File, delivery: Delivery) -> tuple[Issue, ...]:
    """Return the issue about a delivery that is accepted as the file, if any; raise `NotDelivered` for any other."""
    if delivery.announced is not None and delivery.received != delivery.announced:
        raise _incomplete(f"it sent {delivery.received:,} of the {delivery.announced:,} bytes that it announced")
    if delivery.size == file.size:
        return ()
    if (page := _page_in(delivery)) is not None and (page != _page_of(file) or _is_storage_error(delivery)):
        raise _incomplete(f"it sent {delivery.size:,} bytes of {page.upper()}, an error page instead of the file")
    if file.size is None:
        return ()
    if delivery.announced is None or delivery.size == 0:
        raise _incomplete(f"it sent {delivery.size:,} bytes of the {file.size:,} that Affinity lists")
    return (_differs(file, delivery.size),)


def _page_in(delivery: Delivery) -> Page | None:
    """Return the type of page that the bytes are, or None."""
    if HTML.search(delivery.beginning):
        return "html"
    if XML.search(delivery.beginning):
        return "xml"
    return PAGES_BY_TYPE.get((delivery.content_type or "").partition(";")[0].strip().lower())


def _page_of(file: File) -> Page | None:
    """Return the type of page that the file itself is, by its name or else by its listed type."""
    by_name = PAGES_BY_SUFFIX.get(PurePath(file.name).suffix.lower())
    return by_name or PAGES_BY_TYPE.get((file.content_type or "").partition(";")[0].strip().lower())


def _is_storage_error(delivery: Delivery) -> bool:
    return STORAGE_ERROR.search(delivery.beginning) is not None


def _incomplete(reason: str) -> NotDelivered:
    return NotDelivered(reason, "incomplete")


def _differs(file: File, size: int) -> Issue:
    return Issue(
        code="file_size_differs",
        message=f"Affinity lists the file {file.name!r} with {file.size:,} bytes, and its storage delivered {size:,}, "
        "as many as it announced. These were migrated: open the file in the target to check that it is complete.",
        field="size",
        value=str(size),
    )
