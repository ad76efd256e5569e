"""Shares: limits on what one tenant holds at a time, and responses that several requests share."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar
from uuid import UUID

from litestar.exceptions import HTTPException

from freight.api.http.validation import Problem

K = TypeVar("K")
V = TypeVar("V")

RETRY_AFTER_SECONDS = 10


class Shares:
    """A number of places, of which each tenant can hold some.

    A request waits a moment for a place and is then refused, so that the client learns the reason.
    """

    def __init__(self, name: str, *, total: int, each: int, wait_seconds: float) -> None:
        """Name the use of the places in the plural: `downloads`."""
        self._name = name
        self._each = each
        self._wait = wait_seconds
        self._all = asyncio.Semaphore(total)
        self._own: dict[UUID, asyncio.Semaphore] = {}
        self._users: Counter[UUID] = Counter()

    @asynccontextmanager
    async def held(self, tenant_id: UUID) -> AsyncIterator[None]:
        """Hold a place. Raise `HTTPException`: 429 if the tenant holds its share, 503 if all places are taken."""
        own = self._own.setdefault(tenant_id, asyncio.Semaphore(self._each))
        self._users[tenant_id] += 1
        try:
            async with (
                _within(self._wait, own, lambda: self._share_is_used()),
                _within(self._wait, self._all, lambda: self._all_is_used()),
            ):
                yield
        finally:
            self._users[tenant_id] -= 1
            if not self._users[tenant_id]:
                del self._users[tenant_id], self._own[tenant_id]

    def _share_is_used(self) -> HTTPException:
        message = f"A tenant may have {self._each} concurrent {self._name}. Try again when one has ended."
        return _refusal(429, f"{self._name}_exceeded", message)

    def _all_is_used(self) -> HTTPException:
        message = f"The maximum number of concurrent {self._name} is reached. Try again shortly."
        return _refusal(503, f"too_many_{self._name}", message)


@asynccontextmanager
async def _within(
    seconds: float, semaphore: asyncio.Semaphore, refusal: Callable[[], HTTPException]
) -> AsyncIterator[None]:
    if semaphore.locked():
        try:
            await asyncio.wait_for(semaphore.acquire(), seconds)
        except TimeoutError:
            raise refusal() from None
    else:
        await semaphore.acquire()
    try:
        yield
    finally:
        semaphore.release()


def _refusal(status: int, kind: str, message: str) -> HTTPException:
    problem = Problem(type=kind, message=message, field=None)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return HTTPException(detail=message, status_code=status, extra=[problem], headers=headers)


class Fresh(Generic[V]):
    """One result that all callers share, computed again when it is too old."""

    def __init__(self, look_up: Callable[[], Awaitable[V]], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._look_up = look_up
        self._clock = clock
        self._looking = asyncio.Lock()
        self._found: tuple[V, float] | None = None
        """The result, and its time."""

    async def get(self, *, max_age: float) -> V:
        """Return a result that is less than so many seconds old, or raise the error of computing it."""
        async with self._looking:
            if self._found is None or self._clock() - self._found[1] >= max_age:
                self._found = await self._look_up(), self._clock()
            return self._found[0]


class Shared(Generic[K, V]):
    """Results that several callers need within a short time, computed once for all of them."""

    def __init__(self, seconds: float) -> None:
        """Share results for up to `seconds`."""
        self._seconds = seconds
        self._known: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K, look_up: Callable[[], Awaitable[V]]) -> V:
        """Return the result, or raise the error of computing it."""
        task = self._known.get(key)
        if task is None:
            task = self._known[key] = asyncio.create_task(_awaited(look_up))
            asyncio.get_running_loop().call_later(self._seconds, self._known.pop, key, None)
            # The caller may have disconnected when it fails.
            task.add_done_callback(_look_at)
        return await asyncio.shield(task)


async def _awaited(look_up: Callable[[], Awaitable[V]]) -> V:
    return await look_up()


def _look_at(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
