"""Circuit breaker: whether a vendor is asked at all while it answers only errors. Pure; times are parameters.

This is our own code because libraries read a clock themselves, and the decision is a few lines.
"""

FAILURES_TO_OPEN = 8
MOST_FAILURES_TO_OPEN = 64
SHORTEST_OPEN = 10.0
LONGEST_OPEN = 45.0
"""The maximum seconds until the next trial. After an outage of a whole night, work continues within a minute."""

TRIAL_TIMEOUT = 30.0
"""Seconds after which another trial is admitted if the outcome of one was not reported."""

REMEMBERED_SECONDS = 600.0
"""Seconds after it last opened for which a circuit remembers that single requests caused it."""

CONFIRMED_BY = 3
"""Trials that must fail before an outage is assumed."""

POLL = 0.25
"""Seconds between two checks while a trial is pending."""


class Circuit:
    """Opens after so many failures in a row; then one request at a time tries whether the vendor answers again.

    Single requests that always fail can open it as well. If the next other request closes it at once, twice as many
    consecutive failures are needed to open it again, so that those requests exhaust their own attempts.
    """

    def __init__(self) -> None:
        self.open_for = 0.0
        """Seconds for which it was last opened; 0 while it is closed."""
        self._needed = FAILURES_TO_OPEN
        self._opened_at = 0.0
        self.failures = 0
        """Consecutive failures."""
        self.is_trying = False
        """Whether the outcome of a trial is pending."""
        self._trials_failed = 0
        self._trial_at = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until `admits` may return True; 0 if it may now."""
        if not self.open_for or now >= self._trial_at:
            return 0.0
        return POLL if self.is_trying else self._trial_at - now

    def admits(self, now: float) -> bool:
        """Return whether a request may be sent. On an open circuit it becomes the trial, whose outcome must be
        reported.
        """
        if not self.open_for:
            return True
        if now < self._trial_at:
            return False
        self.is_trying = True
        self._trial_at = now + TRIAL_TIMEOUT
        return True

    def succeeded(self) -> None:
        """Close the circuit: the vendor answered."""
        if self.open_for:
            was_outage = self._trials_failed >= CONFIRMED_BY
            self._needed = FAILURES_TO_OPEN if was_outage else min(MOST_FAILURES_TO_OPEN, 2 * self._needed)
        self.failures = 0
        self._trials_failed = 0
        self.open_for = 0.0
        self.is_trying = False

    def failed(self, now: float) -> bool:
        """Count a failure. Return True if it opened the circuit, also after a trial."""
        self.failures += 1
        if now - self._opened_at > REMEMBERED_SECONDS:
            self._needed = FAILURES_TO_OPEN
        # Requests that were already sent when the circuit opened say nothing new.
        if self.failures < self._needed or (self.open_for and not self.is_trying):
            return False
        self._trials_failed += bool(self.open_for)
        self.open_for = min(LONGEST_OPEN, self.open_for * 2 or SHORTEST_OPEN)
        self._opened_at = now
        self._trial_at = now + self.open_for
        self.is_trying = False
        return True
