"""Log lines about an outage: the first of each kind at once, then one per interval that counts the others.

An outage makes every request and every task fail in the same way. A line for each would fill the disk without adding
anything to the first.
"""

import time
from collections.abc import Callable

import structlog

SECONDS = 30.0
"""The interval between two lines of the same kind."""


class Throttle:
    """Admits one line of a kind per `seconds` and counts those that it suppresses."""

    def __init__(self, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._last: dict[tuple[str, str], float] = {}
        self._held_back: dict[tuple[str, str], int] = {}

    def admit(self, event: str, kind: str) -> int | None:
        """Return how many lines of this kind were suppressed since the last one, or None to suppress this one."""
        key, now = (event, kind), self._clock()
        last = self._last.get(key)
        if last is not None and now - last < self._seconds:
            self._held_back[key] = self._held_back.get(key, 0) + 1
            return None
        self._last[key] = now
        return self._held_back.pop(key, 0)


def warning(event: str, error: Exception, *, throttle: Throttle | None = None, **fields: object) -> None:
    """Log a failure caused by an outage. Its kind is the event together with the type of the error."""
    held_back = (throttle or _SHARED).admit(event, type(error).__name__)
    if held_back is None:
        return
    if held_back:
        fields["similar_lines_held_back"] = held_back
    structlog.get_logger(__name__).warning(event, error=type(error).__name__, reason=str(error), **fields)


_SHARED = Throttle()
