"""The vendors' rate limits, counted in memory; the clock is a parameter."""

import calendar
import math
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import msgspec

Clock = Callable[[], float]
WindowKind = Literal["sliding", "calendar"]
"""Whether a limit applies to any second, or to each second of the clock."""


class SlidingWindow:
    """At most `limit` within any `seconds`, of requests or of their weights: the strictest reading of such limits."""

    def __init__(self, limit: int, seconds: float = 1.0, clock: Clock = time.time) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._admitted: deque[tuple[float, int]] = deque()
        self._sum = 0

    def admit(self, weight: int = 1) -> float | None:
        """Admit a request and return None, or refuse it and return the time (epoch seconds) at which it fits.

        A request that weighs more than the limit never fits; it is refused until a whole window has passed.
        """
        now = self._clock()
        while self._admitted and self._admitted[0][0] <= now - self._seconds:
            self._sum -= self._admitted.popleft()[1]
        if self._sum + weight <= self._limit:
            self._admitted.append((now, weight))
            self._sum += weight
            return None
        return self._fits_at(now, weight)

    def _fits_at(self, now: float, weight: int) -> float:
        left = self._sum
        for admitted_at, admitted in self._admitted:
            left -= admitted
            if left + weight <= self._limit:
                return admitted_at + self._seconds
        return now + self._seconds


class CalendarSeconds:
    """At most `limit` requests within each second of the clock, like counters that are reset every second."""

    def __init__(self, limit: int, clock: Clock = time.time) -> None:
        self._limit = limit
        self._clock = clock
        self._second = 0
        self._used = 0

    def admit(self) -> float | None:
        """Admit a request and return None, or refuse it and return the time (epoch seconds) at which it fits."""
        second = math.floor(self._clock())
        if second != self._second:
            self._second, self._used = second, 0
        if self._used >= self._limit:
            return second + 1.0
        self._used += 1
        return None


def per_second(limit: int, window: WindowKind) -> SlidingWindow | CalendarSeconds:
    """Return a limit of so many requests a second."""
    return SlidingWindow(limit) if window == "sliding" else CalendarSeconds(limit)


class Allowance(msgspec.Struct, frozen=True):
    """The state of a limit; `reset` is in whole seconds."""

    limit: int
    remaining: int
    reset: int
    used: int


class MinuteWindow:
    """At most `limit` requests within a minute that begins with its first request."""

    def __init__(self, limit: int, clock: Clock = time.time) -> None:
        self._limit = limit
        self._clock = clock
        self._started = -math.inf
        self._used = 0

    def admit(self) -> bool:
        """Count a request and return whether it fits."""
        now = self._clock()
        if now >= self._started + 60:
            self._started, self._used = now, 0
        if self._used >= self._limit:
            return False
        self._used += 1
        return True

    def allowance(self) -> Allowance:
        """Return the state that the headers and `/rate-limit` report."""
        left = self._started + 60 - self._clock()
        used = self._used if left > 0 else 0
        return Allowance(self._limit, self._limit - used, max(0, math.ceil(left)) if used else 0, used)


class MonthlyQuota:
    """At most `limit` requests within a calendar month (UTC)."""

    def __init__(self, limit: int, clock: Clock = time.time) -> None:
        self._limit = limit
        self._clock = clock
        self._month = (0, 0)
        self._used = 0

    def admit(self) -> bool:
        """Count a request and return whether it fits."""
        self._turn_page()
        if self._used >= self._limit:
            return False
        self._used += 1
        return True

    def allowance(self) -> Allowance:
        """Return the state that the headers and `/rate-limit` report."""
        now = self._turn_page()
        days = calendar.monthrange(now.year, now.month)[1]
        month_end = datetime(now.year, now.month, days, 23, 59, 59, tzinfo=UTC)
        reset = int((month_end - now).total_seconds()) + 1
        return Allowance(self._limit, self._limit - self._used, reset, self._used)

    def _turn_page(self) -> datetime:
        now = datetime.fromtimestamp(self._clock(), UTC)
        if (now.year, now.month) != self._month:
            self._month, self._used = (now.year, now.month), 0
        return now
