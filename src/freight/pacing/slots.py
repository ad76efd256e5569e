"""Slots: when requests may be sent, at distances that the pace decides (the generic cell rate algorithm). Pure.

A slot may be used late, because processes wake up when they can. Those that follow compensate, so that no second holds
more requests than it would have held otherwise.

This is our own code because `limits` and `pyrate-limiter` neither send at even distances nor share a pause among
processes.
"""

from typing import NamedTuple

TOLERANCE = 0.004
"""Seconds by which a slot can be used late before those that follow compensate."""

CATCH_UP = 0.25
"""Seconds for which an unused slot is kept. A longer quiet time is not caught up on."""

QUIET_OWED = 0.04
"""Seconds that the slots after a longer quiet time compensate in advance: the first requests arrive later than those
that follow, because many are prepared at once.
"""

PAYMENT_SECONDS = 0.9
"""Seconds within which the slots that follow a late one compensate, once for all that are late meanwhile: before a
second is over, in which limits count.
"""

LONGEST_PAUSE = 3600.0
"""The maximum seconds for which nothing is sent, whatever a vendor says or Redis holds."""


class Slot(NamedTuple):
    """A time at which one request may be sent."""

    at: float
    """On the clock that granted it: Redis's, or this process's own."""
    wait: float
    """Seconds from now; negative if it is past."""
    is_taken: bool
    """False if it lies further ahead than the caller waits: then it is left to others."""


class Slots:
    """The slots of one kind of request. `freight.pacing.shared` does the same in Redis."""

    def __init__(self) -> None:
        self._following = 0.0
        self._paused_until = 0.0
        self._owed = 0.0
        self._owed_since = 0.0

    def take(self, now: float, distance: float, longest_wait: float) -> Slot:
        """Take the next slot; the following one is `distance` seconds later."""
        following = self._following
        if following < now - CATCH_UP:
            self._owed, self._owed_since = max(QUIET_OWED, self._owed - (now - following)), now
            following = now
        at = max(following, self._paused_until)
        is_due = self._owed > 0 and at >= self._owed_since + PAYMENT_SECONDS
        if is_due:
            at = max(at, following + self._owed)
        if at - now > longest_wait:
            return Slot(at, at - now, is_taken=False)
        self._following = at + distance
        if is_due:
            self._owed = 0.0
        return Slot(at, at - now, is_taken=True)

    def late(self, now: float, seconds: float) -> None:
        """Compensate for a slot that is used so many seconds late, now: those that follow keep their distance from its
        actual use, not from its time.
        """
        if seconds > TOLERANCE:
            self._owe(now - seconds, seconds - TOLERANCE)

    def follow(self, now: float, wait: float) -> None:
        """Put the next slot so many seconds from now."""
        self._following = now + wait

    def pause(self, now: float, seconds: float) -> None:
        """Grant no slot for so many seconds. A shorter pause does not end a longer one."""
        self._paused_until = max(self._paused_until, now + min(seconds, LONGEST_PAUSE))

    def pause_left(self, now: float) -> float:
        """Return the seconds for which no slot is granted."""
        return max(0.0, self._paused_until - now)

    def _owe(self, since: float, seconds: float) -> None:
        if not self._owed:
            self._owed_since = since
        self._owed = max(self._owed, seconds)
