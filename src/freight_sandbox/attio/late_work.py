"""Work that Attio does by itself a little after a request, such as links and enrichment."""

import asyncio
import random
from collections.abc import Callable

import msgspec

Delay = tuple[float, float]
"""The minimum and maximum time in seconds until the work is done."""


class LateCounts(msgspec.Struct, frozen=True):
    """The amount of late work that is pending, and that has been done since the start."""

    pending: int
    done: int


class _Piece(msgspec.Struct, frozen=True, eq=False):
    due: float
    work: Callable[[], None]
    handle: asyncio.TimerHandle | None


class LateWork:
    """Work that the event loop does later. The same seed draws the same delays.

    With `held`, the work waits until `finish` is called.
    """

    def __init__(self, seed: int, *, held: bool = False) -> None:
        self._held = held
        self._random = random.Random(seed)  # noqa: S311
        self._pieces: dict[int, _Piece] = {}
        self._numbered = 0
        self._done = 0

    def schedule(self, delay: Delay, work: Callable[[], None]) -> None:
        """Do work after a random time within `delay`. It has to check the state at that time."""
        loop, number = asyncio.get_running_loop(), self._numbered
        self._numbered += 1
        due = loop.time() + self._random.uniform(*delay)
        handle = None if self._held else loop.call_at(due, self._do, number)
        self._pieces[number] = _Piece(due, work, handle)

    def counts(self) -> LateCounts:
        """Return how much work is pending and how much is done."""
        return LateCounts(pending=len(self._pieces), done=self._done)

    def finish(self) -> None:
        """Do all pending work now, in the order in which it is due, including what follows from it."""
        while self._pieces:
            number = min(self._pieces, key=lambda number: (self._pieces[number].due, number))
            self._do(number)

    def cancel(self) -> None:
        """Drop all pending work, so that nothing outlives the sandbox."""
        for number in list(self._pieces):
            self._take(number)

    def _do(self, number: int) -> None:
        piece = self._take(number)
        self._done += 1
        piece.work()

    def _take(self, number: int) -> _Piece:
        piece = self._pieces.pop(number)
        if piece.handle is not None:
            piece.handle.cancel()
        return piece
