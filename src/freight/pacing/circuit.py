"""Circuit: whether a vendor is asked at all while it answers nothing but errors. Pure; times are handed in.

It is our own because those of libraries read a clock themselves, and the decision is a few lines.
"""

FAILURES_TO_OPEN = 8
MOST_FAILURES_TO_OPEN = 64
SHORTEST_OPEN = 10.0
LONGEST_OPEN = 45.0
"""Seconds until the next trial. An outage may last a night; what follows it goes on within a minute."""

TRIAL_TIMEOUT = 30.0
"""Seconds after which another trial is admitted while the outcome of one is not reported."""

REMEMBERED_SECONDS = 600.0
"""For how long after it opened last a circuit remembers that single requests did it."""

CONFIRMED_BY = 3
"""Trials that have to fail before an outage is taken for one."""

POLL = 0.25
"""Seconds after which to ask again while a trial is under way."""


class Circuit:
    """Open after so many failures in a row; then one request at a time tries whether the vendor answers again.

    Single requests that always fail can open it as well. If the next other request closes it at once, twice as many
    failures have to follow each other until it opens again, so that those requests come to their own end.
    """

    def __init__(self) -> None:
        self.open_for = 0.0
        """Seconds for which it was opened last; 0 while it is closed."""
        self._needed = FAILURES_TO_OPEN
        self._opened_at = 0.0
        self.failures = 0
        """Failures in a row."""
        self.is_trying = False
        """Whether the outcome of a trial is waited for."""
        self._trials_failed = 0
        self._trial_at = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until it is worth asking `admits`; 0 if it may say yes."""
        if not self.open_for or now >= self._trial_at:
            return 0.0
        return POLL if self.is_trying else self._trial_at - now

    def admits(self, now: float) -> bool:
        """Return whether a request may be sent. On an open circuit that makes it the trial, whose outcome must be
        reported."""
        if not self.open_for:
            return True
        if now < self._trial_at:
            return False
        self.is_trying = True
        self._trial_at = now + TRIAL_TIMEOUT
        return True

    def succeeded(self) -> None:
        """Close it: the vendor answered."""
        if self.open_for:
            was_outage = self._trials_failed >= CONFIRMED_BY
            self._needed = FAILURES_TO_OPEN if was_outage else min(MOST_FAILURES_TO_OPEN, 2 * self._needed)
        self.failures = 0
        self._trials_failed = 0
        self.open_for = 0.0
        self.is_trying = False

    def failed(self, now: float) -> bool:
        """Count a failure; return True if that opened it, also after a trial."""
        self.failures += 1
        if now - self._opened_at > REMEMBERED_SECONDS:
            self._needed = FAILURES_TO_OPEN
        # Requests that were already on their way when the circuit opened say nothing new.
        if self.failures < self._needed or (self.open_for and not self.is_trying):
            return False
        self._trials_failed += bool(self.open_for)
        self.open_for = min(LONGEST_OPEN, self.open_for * 2 or SHORTEST_OPEN)
        self._opened_at = now
        self._trial_at = now + self.open_for
        self.is_trying = False
        return True
