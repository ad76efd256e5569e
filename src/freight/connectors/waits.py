"""Waits that a vendor asks for in headers, and their limits."""

import math
import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

MAX_WAIT = 3600.0
"""The maximum seconds of a wait, whatever the vendor asks for: one wrong header must not stop an account for days."""

MAX_WAIT_IN_STEP = 10.0
"""Seconds that a step waits itself; for longer waits it releases its lease (`MustWait`)."""

PROMPT_REFUSALS = 4
"""Consecutive 429s of one request after which the vendor's wait is obeyed: others may have used up its limit. After
that the waits grow by themselves.
"""

REFUSED_WAIT = 30.0
"""Seconds until the next attempt of a request that was refused so often that the wait became too long for the step."""

EPOCH_UNITS = (1.0, 1e3, 1e6, 1e9)
"""Seconds, milliseconds, microseconds and nanoseconds since 1970, in seconds."""
NEAR_NOW = 366 * 86400.0


def seconds_asked(headers: httpx.Headers, name: str, now: datetime) -> float | None:
    """Return the seconds from now that a header asks to wait, 0 or more; None if it is absent or invalid.

    The header may be a number of seconds, an HTTP date or, though no vendor documents it, the time since 1970. Times
    are compared with the server's own clock if it sends `Date`. The result has no upper bound: see `obeyed`.
    """
    text = headers.get(name, "").strip()
    if not text:
        return None
    server_now = http_date(headers.get("Date", "")) or now
    try:
        number = float(text)
    except ValueError:
        date = http_date(text)
        return None if date is None else max(0.0, (date - server_now).total_seconds())
    if not math.isfinite(number):
        return None
    epoch = server_now.timestamp()
    for unit in EPOCH_UNITS:
        if abs(number / unit - epoch) < NEAR_NOW:
            return max(0.0, number / unit - epoch)
    return max(0.0, number)


def obeyed(seconds: float, *, at_least: float = 0.0) -> float:
    """Return the wait for one that a vendor asks for: at most `MAX_WAIT`."""
    return min(max(seconds, at_least), MAX_WAIT)


def wait_for_limit(asked: float | None, refusals: int, *, alone: bool) -> float:
    """Return the seconds to wait after a 429; if above `MAX_WAIT_IN_STEP`, the step must not wait.

    `asked` is the vendor's wait, `refusals` the number of consecutive refusals of this request, and `alone` whether
    this request alone may be refused, which then fails after a few times.
    """
    if asked is not None and asked > MAX_WAIT_IN_STEP:
        return asked
    if alone:
        return max(asked or 0.0, min(2.0**refusals, MAX_WAIT_IN_STEP))
    if asked is None:
        grown = random.uniform(0.5, 1) * 2.0 ** min(refusals, 5)  # noqa: S311 - spreads retries, no secret
    else:
        grown = 0.0 if refusals <= PROMPT_REFUSALS else 2.0 ** min(refusals - PROMPT_REFUSALS, 5)
    return REFUSED_WAIT if grown > MAX_WAIT_IN_STEP else max(asked or 0.0, grown)


def http_date(text: str) -> datetime | None:
    """Return the time of an HTTP date (aware), or None if it is not one."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
