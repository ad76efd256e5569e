"""Work that Attio does by itself a little after a request: links, enrichment, whatever else is not in the answer."""

import asyncio
import random
from collections.abc import Callable

import msgspec

Delay = tuple[float, float]
"""The shortest and the longest time in seconds until a piece of work is done."""


class LateCounts(msgspec.Struct, frozen=True):
    """How much late work waits, and how much has been done since the start."""

    pending: int
    done: int


class _Piece(msgspec.Struct, frozen=True, eq=False):
    due: float
    work: Callable[[], None]
    handle: asyncio.TimerHandle | None


class LateWork:
    """Pieces of work that the event loop does later. The same seed draws the same delays.

    Where they are held, they wait until `finish` is called, however long that takes.
    """

    def __init__(self, seed: int, *, held: bool = False) -> None:
        self._held = held
        self._random = random.Random(seed)  # noqa: S311
        self._pieces: dict[int, _Piece] = {}
        self._numbered = 0
        self._done = 0

    def schedule(self, delay: Delay, work: Callable[[], None]) -> None:
        """Do a piece of work after a random time within `delay`. It has to look at what is there by then."""
        loop, number = asyncio.get_running_loop(), self._numbered
        self._numbered += 1
        due = loop.time() + self._random.uniform(*delay)
        handle = None if self._held else loop.call_at(due, self._do, number)
        self._pieces[number] = _Piece(due, work, handle)

    def counts(self) -> LateCounts:
        """Return what waits and what is done."""
        return LateCounts(pending=len(self._pieces), done=self._done)

    def finish(self) -> None:
        """Do all that waits now, in the order in which it is due, with what follows from it."""
        while self._pieces:
            number = min(self._pieces, key=lambda number: (self._pieces[number].due, number))
            self._do(number)

    def cancel(self) -> None:
        """Drop all that waits, so that nothing outlives the sandbox."""
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
