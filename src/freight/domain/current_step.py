"""The step that a task runs, and whether requests may still be sent for it.

Tasks that a step starts inherit it, so the transport that sends its requests and the monitor of its job find it
without an argument.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

END_SECONDS = 1.5
"""How long the requests of a step that has to end may take to finish."""


class Interrupted(Exception):
    """The step has to end early because its job was paused or is ending. Nothing has failed."""


class TimedOut(Exception):
    """The step took longer than any step may."""


class CurrentStep:
    """One attempt at a row of a job."""

    def __init__(self, table: str, ensure: Callable[[], Awaitable[None]]) -> None:
        """`ensure` raises `Interrupted` unless the lease of the step is certainly held."""
        self.table = table
        self.has_progressed = False
        """Whether anything has been stored that is progress for the job."""
        self._ensure = ensure
        self._is_ending = False
        self._limit: asyncio.Timeout | None = None

    async def ensure(self) -> None:
        """Return if a request of the step may be sent now. Raise `Interrupted` otherwise."""
        if self._is_ending:
            raise Interrupted
        await self._ensure()

    def end(self, *, within: float = END_SECONDS) -> None:
        """Send nothing more for the step, and cancel its requests that are still in progress after `within` seconds."""
        if self._is_ending or self._limit is None or self._limit.expired():
            return
        self._is_ending = True
        self._limit.reschedule(asyncio.get_running_loop().time() + within)

    @asynccontextmanager
    async def running(self, *, seconds: float) -> AsyncIterator[None]:
        """Make it the current step while the body runs.

        Raise `Interrupted` if the step was ended, `TimedOut` if the body took longer than `seconds`.
        """
        token = _current.set(self)
        try:
            async with asyncio.timeout(seconds) as self._limit:
                yield
        except TimeoutError:
            if self._limit is None or not self._limit.expired():
                raise
            raise (Interrupted if self._is_ending else TimedOut) from None
        finally:
            _current.reset(token)


_current: ContextVar[CurrentStep | None] = ContextVar("step", default=None)


def get() -> CurrentStep | None:
    """Return the step that this task runs, if any."""
    return _current.get()
