"""Which steps a worker takes: shares of tenants and jobs, whose turn is next, and when a step gives way."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from freight.domain.slots import SILENT_SECONDS, Slot, Slots, Step, fair_share, reserve


class Clock:
    """A clock that stands still unless it is told otherwise."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Steps:
    """Steps of tenants and jobs, that hold or await slots until they are ended."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.held: dict[Step, Slot] = {}
        self.refused: list[Step] = []
        self.ends: dict[Step, asyncio.Event] = {}
        self.tasks: dict[Step, asyncio.Task[None]] = {}
        self._rows = 0

    async def begin(self, tenant: str, job: str = "job", count: int = 1, *, wait: bool = True) -> list[Step]:
        steps = []
        for _ in range(count):
            self._rows += 1
            step = Step(tenant, f"{tenant} {job}", self._rows)
            await self.enter(step, wait=wait)
            steps.append(step)
        return steps

    async def enter(self, step: Step, *, wait: bool = True) -> None:
        self.ends[step] = asyncio.Event()
        self.tasks[step] = asyncio.create_task(self._run(step, wait=wait))
        await settled()

    async def end(self, step: Step) -> None:
        self.ends[step].set()
        await self.tasks[step]
        await settled()

    async def cancel(self, step: Step) -> None:
        self.tasks[step].cancel()
        await asyncio.wait([self.tasks[step]])
        await settled()

    def of(self, tenant: str, job: str = "") -> int:
        """How many slots a tenant, or one of its jobs, has."""
        return sum(step.tenant == tenant and str(step.job).endswith(job) for step in self.held)

    async def looked(self) -> None:
        """Wait until those that wait for a slot have looked again."""
        await asyncio.sleep(0.05)
        await settled()

    async def aclose(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    async def _run(self, step: Step, *, wait: bool) -> None:
        async with self.slots.taken(step, wait=wait) as slot:
            if slot is None:
                self.refused.append(step)
                return
            self.held[step] = slot
            try:
                await self.ends[step].wait()
            finally:
                del self.held[step]


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


Make = Callable[..., Awaitable[Steps]]


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def make(clock: Clock):
    async with AsyncExitStack() as stack:

        async def make(number: int, *, room: int = 64, patience: float = 60.0) -> Steps:
            steps = Steps(Slots(number, room=room, patience=patience, look_seconds=0.01, clock=clock))
            stack.push_async_callback(steps.aclose)
            return steps

        yield make


async def test_a_tenant_finds_a_slot_at_once_beside_one_that_has_a_hundred_steps(make: Make) -> None:
    steps = await make(8)
    await steps.begin("big", count=100)
    assert 1 < steps.of("big") < 8
    await steps.begin("small")
    assert steps.of("small") == 1


async def test_a_job_finds_a_slot_at_once_beside_a_huge_one_of_its_own_tenant(make: Make) -> None:
    steps = await make(8)
    await steps.begin("firm", "huge", count=100)
    await steps.begin("firm", "small")
    assert steps.of("firm", "small") == 1


async def test_slots_are_shared_evenly_once_steps_end(make: Make) -> None:
    steps = await make(8)
    ended = await steps.begin("big", count=50)
    await steps.begin("small", count=20)
    for step in ended:
        if step in steps.held and steps.of("big") > steps.of("small"):
            await steps.end(step)
    assert steps.of("big") == steps.of("small") == 3


async def test_the_jobs_of_a_tenant_share_its_slots_evenly(make: Make) -> None:
    steps = await make(16)
    for job in ("first", "second", "third"):
        await steps.begin("firm", job, count=30)
    for step in list(steps.held):
        await steps.end(step)
    held = [steps.of("firm", job) for job in ("first", "second", "third")]
    assert max(held) - min(held) <= 1
    assert min(held) >= 2


async def test_steps_of_one_tenant_that_end_quickly_keep_no_other_waiting(make: Make) -> None:
    steps = await make(1)
    busy = await steps.begin("busy", count=10)
    (step,) = await steps.begin("patient")
    await steps.end(busy[0])
    assert step in steps.held


async def test_ten_tenants_take_turns_at_a_single_slot(make: Make) -> None:
    steps = await make(1)
    tenants = [f"tenant {number}" for number in range(10)]
    for tenant in tenants:
        await steps.begin(tenant, count=3)
    served = []
    for _ in range(20):
        (step,) = steps.held
        served.append(step.tenant)
        await steps.end(step)
    assert sorted(served[:10]) == sorted(served[10:]) == tenants


@pytest.mark.parametrize("number", range(1, 40))
async def test_a_lone_tenant_with_a_lone_job_always_has_a_slot_and_never_all_of_many(make: Make, number: int) -> None:
    steps = await make(number)
    await steps.begin("only", count=64)
    assert steps.of("only") == fair_share(fair_share(number, 1), 1)
    assert steps.of("only") >= (number + 1) // 2
    assert number - steps.of("only") >= reserve(number)


async def test_a_step_gives_way_after_its_time_to_a_tenant_with_fewer_slots(make: Make, clock: Clock) -> None:
    steps = await make(1)
    (running,) = await steps.begin("big")
    await steps.begin("small")
    assert not steps.held[running].is_wanted
    clock.now += 5
    assert steps.held[running].is_wanted


async def test_a_step_keeps_its_slot_while_only_its_own_job_waits(make: Make, clock: Clock) -> None:
    steps = await make(1)
    (running, *_) = await steps.begin("big", count=10)
    clock.now += 3600
    assert not steps.held[running].is_wanted


async def test_a_step_gives_way_to_another_job_of_its_tenant(make: Make, clock: Clock) -> None:
    steps = await make(1)
    (running,) = await steps.begin("firm", "first")
    await steps.begin("firm", "second")
    clock.now += 5
    assert steps.held[running].is_wanted


async def test_a_step_does_not_give_way_to_tenants_who_have_as_many_slots(make: Make, clock: Clock) -> None:
    steps = await make(2)
    (one,) = await steps.begin("one")
    await steps.begin("two")
    await steps.begin("two")
    clock.now += 5
    assert not steps.held[one].is_wanted


async def test_a_row_has_one_slot_and_one_place_in_the_room(make: Make) -> None:
    steps = await make(1)
    (held,) = await steps.begin("firm")
    (waiting,) = await steps.begin("firm")
    for step in (held, waiting):
        await steps.enter(Step(*step))
    assert steps.refused == [held, waiting]


async def test_a_full_room_turns_away_whoever_has_most_waiting(make: Make) -> None:
    steps = await make(1, room=4)
    await steps.begin("big", count=100)
    assert len(steps.slots.waiting) == 4
    await steps.begin("small")
    assert [step.tenant for step in steps.slots.waiting] == ["big"] * 3 + ["small"]


async def test_a_step_that_must_not_wait_is_refused_at_once(make: Make) -> None:
    steps = await make(1)
    await steps.begin("firm")
    (refused,) = await steps.begin("other", wait=False)
    assert steps.refused == [refused]
    assert not steps.slots.waiting


async def test_a_step_waits_no_longer_than_its_patience(make: Make) -> None:
    steps = await make(1, patience=0.01)
    await steps.begin("firm")
    (late,) = await steps.begin("other")
    await steps.tasks[late]
    assert steps.refused == [late]
    assert not steps.slots.waiting


async def test_the_slot_of_a_cancelled_step_goes_to_the_next(make: Make) -> None:
    steps = await make(1)
    (running,) = await steps.begin("one")
    (cancelled,) = await steps.begin("two")
    (last,) = await steps.begin("three")
    await steps.cancel(cancelled)
    await steps.cancel(running)
    assert steps.slots.held == {last}


async def test_a_step_that_is_cancelled_when_it_gets_its_slot_leaves_it_to_the_next(make: Make) -> None:
    steps = await make(1)
    (running,) = await steps.begin("one")
    (cancelled,) = await steps.begin("two")
    (last,) = await steps.begin("three")
    steps.ends[running].set()
    while cancelled not in steps.slots.held:  # noqa: ASYNC110 - the moment before the step finds out
        await asyncio.sleep(0)
    await steps.cancel(cancelled)
    assert steps.slots.held == {last}
    await steps.end(last)
    assert not steps.slots.held


async def test_the_slot_of_a_step_that_gets_no_answer_is_lent_until_it_does(make: Make, clock: Clock) -> None:
    steps = await make(2)
    silent = await steps.begin("silent", count=2)
    held = [steps.held[step] for step in silent if step in steps.held]
    for slot in held:
        slot.asked()
    (other,) = await steps.begin("other")
    (next_one,) = await steps.begin("another")
    assert not {other, next_one} & steps.held.keys()
    clock.now += SILENT_SECONDS
    await steps.looked()
    assert {other, next_one} <= steps.held.keys()
    for slot in held:
        slot.answered(whole=True)
    (last,) = await steps.begin("one more")
    await steps.end(other)
    await steps.end(next_one)
    assert last not in steps.held
    await steps.end(silent[0])
    assert last in steps.held


async def test_a_step_that_fails_and_asks_again_still_lends_its_slot(make: Make, clock: Clock) -> None:
    steps = await make(1)
    (silent,) = await steps.begin("silent")
    slot = steps.held[silent]
    slot.asked()
    clock.now += SILENT_SECONDS
    slot.answered(whole=False)
    assert slot.is_lent
    slot.asked()
    assert slot.is_lent
    slot.answered(whole=True)
    assert not slot.is_lent
    clock.now += SILENT_SECONDS
    assert not slot.is_lent


async def test_a_step_with_one_slow_request_beside_others_that_are_answered_lends_nothing(
    make: Make, clock: Clock
) -> None:
    steps = await make(1)
    (busy,) = await steps.begin("busy")
    slot = steps.held[busy]
    slot.asked()
    for _ in range(10):
        slot.asked()
        clock.now += 1
        slot.answered(whole=True)
    assert not slot.is_lent


async def test_never_are_more_slots_lent_than_there_are(make: Make, clock: Clock) -> None:
    steps = await make(2)
    for number in range(10):
        for step in await steps.begin(f"silent {number}"):
            if step in steps.held:
                steps.held[step].asked()
        clock.now += SILENT_SECONDS
        await steps.looked()
        for slot in steps.held.values():
            if not slot.is_lent:
                slot.asked()
    assert len(steps.held) == 4
