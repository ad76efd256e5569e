"""How much of what is scarce one tenant may hold, and how slowly it may take what it is sent."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from litestar.exceptions import HTTPException

from freight.api.http.shares import Shared, Shares
from freight.api.http.streaming import Pace, StreamingResponse

ONE, OTHER, THIRD = uuid4(), uuid4(), uuid4()


async def test_a_tenant_that_holds_its_share_is_429_and_the_others_are_not() -> None:
    shares = Shares("downloads", total=3, each=2, wait_seconds=0)
    async with shares.held(ONE), shares.held(ONE):
        with pytest.raises(HTTPException) as refused:
            await AsyncExitStack().enter_async_context(shares.held(ONE))
        assert refused.value.status_code == 429
        assert refused.value.headers is not None
        assert int(refused.value.headers["Retry-After"]) > 0
        async with shares.held(OTHER):
            with pytest.raises(HTTPException) as full:
                await AsyncExitStack().enter_async_context(shares.held(THIRD))
            assert full.value.status_code == 503
        async with shares.held(THIRD):
            pass
    async with shares.held(ONE):
        pass


async def test_a_place_that_becomes_free_in_time_is_taken() -> None:
    shares = Shares("downloads", total=1, each=1, wait_seconds=10)
    async with shares.held(ONE):
        waiting = asyncio.create_task(AsyncExitStack().enter_async_context(shares.held(ONE)))
        await asyncio.sleep(0)
        assert not waiting.done()
    await waiting


async def test_what_several_ask_for_at_a_time_is_looked_up_once() -> None:
    asked = 0

    async def look_up() -> int:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return asked

    shared: Shared[str, int] = Shared(0.05)
    assert await asyncio.gather(*(shared.get("a", look_up) for _ in range(10))) == [1] * 10
    assert await shared.get("b", look_up) == 2
    await asyncio.sleep(0.1)
    assert await shared.get("a", look_up) == 3


async def test_what_fails_fails_for_all_who_asked_and_is_looked_up_again() -> None:
    async def fail() -> int:
        raise LookupError

    async def succeed() -> int:
        return 1

    shared: Shared[str, int] = Shared(0)
    answers = await asyncio.gather(*(shared.get("a", fail) for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [LookupError] * 3
    await asyncio.sleep(0.01)
    assert await shared.get("a", succeed) == 1


async def sent_to(take: Callable[[], Awaitable[None]], *, pieces: int, pace: Pace) -> int:
    """How many pieces of a body a client takes that does this for each."""

    async def body(_: asyncio.Event) -> AsyncGenerator[bytes, None]:
        for _ in range(pieces):
            yield b"x" * 1000

    taken = 0

    async def send(message: Any) -> None:
        nonlocal taken
        if message.get("body"):
            await take()
            taken += 1

    async def receive() -> Any:
        await asyncio.Event().wait()

    answer = StreamingResponse(body, media_type="text/csv", headers={}, pace=pace)
    await answer({"type": "http", "state": {}}, receive, send)  # type: ignore[typeddict-item]
    return taken


async def test_a_client_that_takes_a_little_now_and_then_is_cut_off_all_the_same() -> None:
    async def slowly() -> None:
        await asyncio.sleep(0.05)

    pace = Pace(grace_seconds=0.2, least_bytes_per_second=1_000_000)
    assert await sent_to(slowly, pieces=100, pace=pace) < 10


async def test_a_client_that_keeps_the_least_rate_gets_everything_however_long_it_takes() -> None:
    async def slowly() -> None:
        await asyncio.sleep(0.01)

    assert await sent_to(slowly, pieces=30, pace=Pace(grace_seconds=5, least_bytes_per_second=1_000)) == 30
