"""Log lines about an outage: the first of each kind at once, then one in a while that counts the others.

An outage makes every request and every task fail in the same way. One line for each would fill the disk and say
nothing more than the first.
"""

import time
from collections.abc import Callable

import structlog

SECONDS = 30.0
"""Time between two lines of the same kind."""


class Throttle:
    """Admits one line of a kind in a stretch of `seconds` and counts those that it holds back."""

    def __init__(self, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._last: dict[tuple[str, str], float] = {}
        self._held_back: dict[tuple[str, str], int] = {}

    def admit(self, event: str, kind: str) -> int | None:
        """Return how many lines of this kind were held back since the last one, or None to hold back this one."""
        key, now = (event, kind), self._clock()
        last = self._last.get(key)
        if last is not None and now - last < self._seconds:
            self._held_back[key] = self._held_back.get(key, 0) + 1
            return None
        self._last[key] = now
        return self._held_back.pop(key, 0)


def warning(event: str, error: Exception, *, throttle: Throttle | None = None, **fields: object) -> None:
    """Log a failure that comes from an outage. Its kind is the event together with the type of the error."""
    held_back = (throttle or _SHARED).admit(event, type(error).__name__)
    if held_back is None:
        return
    if held_back:
        fields["similar_lines_held_back"] = held_back
    structlog.get_logger(__name__).warning(event, error=type(error).__name__, reason=str(error), **fields)


_SHARED = Throttle()
