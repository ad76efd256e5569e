"""Affinity's rate limits, the headers that report them, and its answers to faults."""

import msgspec

from freight_sandbox.affinity.errors import AffinityError, Code, RefusedByVersion1
from freight_sandbox.answers import JSON_HEADERS, Answer, Headers, of_gateway, with_headers
from freight_sandbox.counters import Counters
from freight_sandbox.faults import Fault, FaultKind, Faults
from freight_sandbox.limits import Allowance, MinuteWindow, MonthlyQuota

REQUESTS_PER_MINUTE = 900
OUTSIDE_THE_QUOTA = frozenset({"/auth/whoami", "/rate-limit", "/v2/auth/whoami", "/v2/rate-limit"})
"""Affinity documents that these operations do not count against the monthly quota."""


class AffinityVendor:
    """900 requests a minute for the key's user, and a monthly quota for the account, if it has one."""

    def __init__(self, seed: int, *, unlimited: bool, monthly_quota: int | None) -> None:
        self.counters = Counters()
        self.faults = Faults(seed)
        self._unlimited = unlimited
        self._minute = MinuteWindow(REQUESTS_PER_MINUTE)
        self._month = None if monthly_quota is None else MonthlyQuota(monthly_quota)

    def is_write(self, method: str, path: str) -> bool:  # noqa: ARG002 - the other vendor looks at the path
        """Return whether the request writes. Affinity has one limit for both, so this only serves the counters."""
        return method != "GET"

    def admit(self, method: str, path: str) -> Answer | None:  # noqa: ARG002 - the other vendor needs the method
        """Count the request, or refuse it."""
        if not self._unlimited and not self._minute.admit():
            return _error("rate_limit")
        if self._month is not None and path not in OUTSIDE_THE_QUOTA and not self._month.admit():
            return _error("rate_limit")
        return None

    def headers(self) -> Headers:
        """Return the rate-limit headers; those of the account only if it has a quota."""
        user = _headers(b"x-ratelimit-limit-user", self._minute.allowance())
        return user if self._month is None else user + _headers(b"x-ratelimit-limit-org", self._month.allowance())

    def allowances(self) -> tuple[Allowance, Allowance | None]:
        """Return what is left of the minute and of the month."""
        return self._minute.allowance(), None if self._month is None else self._month.allowance()

    def fault(self, fault: Fault, url: str) -> Answer:
        """Return the answer for a fault."""
        if fault.kind in {"cursor_expired", "old_cursors_expired"} and not url.startswith("/v2/"):
            return _answer(RefusedByVersion1("Invalid page_token variable"))
        return of_gateway(fault.kind) or with_headers(_error(fault.kind), fault)


FAULTS: dict[FaultKind, tuple[Code, str]] = {
    "rate_limit": ("rate-limit", "Too many requests."),
    "odd_wait": ("rate-limit", "Too many requests."),
    "unavailable": ("server", "The service is temporarily unavailable."),
    "wrong_body": ("server", "Something went wrong on our side."),
    "unauthorized": ("authentication", "The provided API key is not valid."),
    "forbidden": ("authorization", "You are not authorized to access this resource."),
    "server_error": ("server", "Something went wrong on our side."),
    "server_error_after_write": ("server", "Something went wrong on our side."),
    "write_conflict": ("server", "Something went wrong on our side."),
    "cursor_expired": ("validation", "The cursor is not valid."),
    "old_cursors_expired": ("validation", "The cursor is not valid."),
}
STATUS: dict[FaultKind, int] = {"wrong_body": 200, "unavailable": 503}
"""The statuses of faults for which it does not follow from the error code."""


def _error(kind: FaultKind) -> Answer:
    return _answer(AffinityError(*FAULTS[kind]), STATUS.get(kind))


def _answer(error: AffinityError, status: int | None = None) -> Answer:
    return Answer(status or error.status, msgspec.json.encode(error.body), JSON_HEADERS)


def _headers(name: bytes, allowance: Allowance) -> Headers:
    return [
        (name, str(allowance.limit).encode()),
        (name + b"-remaining", str(allowance.remaining).encode()),
        (name + b"-reset", str(allowance.reset).encode()),
    ]
