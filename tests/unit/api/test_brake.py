"""Callers who go on although they are refused: their answers are held back, and nobody else's."""

import asyncio

import pytest

from freight.api.http.brake import FREE, HOLD_SECONDS, MAX_HELD, Brake


class Time:
    """A clock, and what was slept by it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.hold: asyncio.Event | None = None
        """Sleeps end when it is set; without it at once."""

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.hold is not None:
            await self.hold.wait()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def brake(time: Time) -> Brake:
    return Brake(clock=time.clock, sleep=time.sleep)


async def test_the_first_refusals_are_answered_at_once_and_further_ones_late(brake: Brake, time: Time) -> None:
    for _ in range(FREE):
        await brake.refused("loud")
    assert time.slept == []
    for _ in range(3):
        await brake.refused("loud")
    assert time.slept == [HOLD_SECONDS] * 3


async def test_other_callers_are_answered_at_once(brake: Brake, time: Time) -> None:
    for _ in range(FREE):
        await brake.refused("loud")
    await brake.refused("quiet")
    assert time.slept == []


async def test_a_caller_is_answered_at_once_again_after_a_minute(brake: Brake, time: Time) -> None:
    for _ in range(FREE):
        await brake.refused("loud")
    time.now += 60
    await brake.refused("loud")
    assert time.slept == []


async def test_no_more_than_a_few_connections_of_a_caller_are_held(brake: Brake, time: Time) -> None:
    time.hold = asyncio.Event()
    for _ in range(FREE):
        await brake.refused("loud")
    held = [asyncio.create_task(brake.refused("loud")) for _ in range(MAX_HELD)]
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await brake.refused("loud")
    assert not any(task.done() for task in held)
    time.hold.set()
    await asyncio.gather(*held)
    await brake.refused("loud")
    assert len(time.slept) == MAX_HELD + 1
