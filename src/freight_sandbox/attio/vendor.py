"""Attio's rate limits: 25 writes and 100 reads a second, counted per workspace, and less for two operations."""

import time
from typing import Annotated

import msgspec
from msgspec import Meta

from freight_sandbox.answers import JSON_HEADERS, Answer, Headers, of_gateway, with_headers
from freight_sandbox.attio.errors import AttioError, too_many
from freight_sandbox.counters import Counters
from freight_sandbox.faults import Fault, FaultKind, Faults
from freight_sandbox.limits import WindowKind, per_second

READS_PER_SECOND = 100
WRITES_PER_SECOND = 25
OWN_LIMITS = {("GET", "/v2/notes"): 10, ("POST", "/v2/files/upload"): 1}
"""Requests a second to the operations for which Attio documents separate limits."""


class RateLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of all operations together; None means no limit."""

    reads_per_second: Annotated[int, Meta(ge=1)] | None = READS_PER_SECOND
    writes_per_second: Annotated[int, Meta(ge=1)] | None = WRITES_PER_SECOND
    window: WindowKind = "sliding"


class AttioVendor:
    """Attio's limits, and its answers to faults."""

    def __init__(self, seed: int, *, unlimited: bool, window: WindowKind = "sliding") -> None:
        self.counters = Counters()
        self.faults = Faults(seed)
        self._own = {} if unlimited else {key: per_second(limit, window) for key, limit in OWN_LIMITS.items()}
        unbounded = RateLimits(reads_per_second=None, writes_per_second=None)
        self.set_limits(unbounded if unlimited else RateLimits(window=window))

    def set_limits(self, limits: RateLimits) -> None:
        """Replace the limits, forgetting the requests of the last second."""
        reads, writes = limits.reads_per_second, limits.writes_per_second
        self._reads = None if reads is None else per_second(reads, limits.window)
        self._writes = None if writes is None else per_second(writes, limits.window)

    def is_write(self, method: str, path: str) -> bool:
        """Return whether the request writes. A query is a read, though it is a POST."""
        return method != "GET" and not path.endswith("/query")

    def admit(self, method: str, path: str) -> Answer | None:
        """Count the request, or refuse it until a date."""
        of_all = self._writes if self.is_write(method, path) else self._reads
        for window in (self._own.get((method, path)), of_all):
            fits_at = None if window is None else window.admit()
            if fits_at is not None:
                return _too_many(fits_at)
        return None

    def headers(self) -> Headers:
        """Return no headers: Attio reports its limits only when they are reached."""
        return []

    def fault(self, fault: Fault, url: str) -> Answer:  # noqa: ARG002 - the other vendor's storage needs the URL
        """Return the answer for a fault."""
        if fault.kind in {"rate_limit", "odd_wait"}:
            return with_headers(_too_many(time.time() + 1), fault)
        return of_gateway(fault.kind) or with_headers(_json(FAULTS[fault.kind]), fault)


FAULTS: dict[FaultKind, AttioError] = {
    "unauthorized": AttioError(401, "unauthorized", "The API key is not valid.", kind="auth_error"),
    "forbidden": AttioError(403, "unauthorized", "The API key lacks a scope that this needs.", kind="auth_error"),
    "write_conflict": AttioError(
        409,
        "concurrent_write_conflict",
        "The record was modified by another request while this write was being validated. Please try again.",
    ),
    "unavailable": AttioError(503, "service_unavailable", "The service is unavailable.", kind="api_error"),
    "wrong_body": AttioError(200, "internal_error", "An unexpected error occurred.", kind="api_error"),
    "cursor_expired": AttioError(400, "validation_type", "The cursor is not valid."),
    "old_cursors_expired": AttioError(400, "validation_type", "The cursor is not valid."),
    "server_error": AttioError(500, "internal_error", "An unexpected error occurred.", kind="api_error"),
    "server_error_after_write": AttioError(500, "internal_error", "An unexpected error occurred.", kind="api_error"),
}


def _too_many(fits_at: float) -> Answer:
    return _json(too_many("Rate limit exceeded, please try again later", fits_at))


def _json(error: AttioError) -> Answer:
    headers = [(name.encode(), value.encode()) for name, value in error.headers.items()]
    return Answer(error.status, msgspec.json.encode(error.body), JSON_HEADERS + headers)
