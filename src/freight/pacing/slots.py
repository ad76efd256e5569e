"""Slots: when requests may be sent, at distances that their pace decides (the generic cell rate algorithm). Pure.

A slot lies ahead or is now. A quiet time is not caught up on.
"""

from typing import NamedTuple

TOLERANCE = 0.008
"""Seconds by which a slot may be used late without moving those that follow."""

LONGEST_PAUSE = 3600.0
"""Seconds for which nothing is sent at most, whatever a vendor says or Redis holds."""


class Slot(NamedTuple):
    """A time at which one request may be sent."""

    at: float
    """On the clock of whoever handed it out: Redis's, or this process's own."""
    wait: float
    """Seconds from now, from 0 on; a slot used that late as `TOLERANCE` allows counts as now."""
    is_taken: bool
    """False if it lies further ahead than the caller waits: then it is left to others."""


class Slots:
    """The slots of one kind of request. `freight.pacing.shared` does the same in Redis."""

    def __init__(self) -> None:
        self._following = 0.0
        self._paused_until = 0.0

    def take(self, now: float, distance: float, longest_wait: float) -> Slot:
        """Take the next slot, after which there is none for `distance` seconds."""
        following = now if self._following < now - TOLERANCE else self._following
        at = max(following, self._paused_until)
        if at - now > longest_wait:
            return Slot(at, at - now, is_taken=False)
        self._following = at + distance
        return Slot(at, max(0.0, at - now), is_taken=True)

    def follow(self, now: float, wait: float) -> None:
        """Put the next slot so many seconds from now."""
        self._following = now + wait

    def pause(self, now: float, seconds: float) -> None:
        """Hand out no slot for so many seconds. A shorter pause does not end a longer one."""
        self._paused_until = max(self._paused_until, now + min(seconds, LONGEST_PAUSE))

    def pause_left(self, now: float) -> float:
        """Return for how many seconds no slot is handed out."""
        return max(0.0, self._paused_until - now)
