"""Trouble: a failure that repeats, logged when it begins, now and then while it lasts, and when it is over."""

import time
from collections.abc import Callable
from typing import Any

import structlog

AGAIN_SECONDS = 60.0
"""How long failures of one kind are only counted after one of them was logged."""

log = structlog.get_logger()


class Trouble:
    """One kind of failure, however many tasks of this process meet it."""

    def __init__(self, event: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._event = event
        self._clock = clock
        self._log_at = float("-inf")
        self._failures = 0

    def failed(self, error: BaseException, **about: Any) -> None:
        """Count a failure, and log it unless one was logged within the last minute."""
        self._failures += 1
        if self._clock() < self._log_at:
            return
        self._log_at = self._clock() + AGAIN_SECONDS
        reason = f"{type(error).__name__}: {error}"
        log.warning(self._event, reason=reason, failures=self._failures, exc_info=error, **about)

    def passed(self) -> None:
        """Note a success, which is logged if there were failures before and a minute has gone by."""
        if not self._failures or self._clock() < self._log_at:
            return
        log.info(self._event, is_over=True, failures=self._failures)
        self._failures, self._log_at = 0, float("-inf")
