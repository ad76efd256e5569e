"""Who may still send: a lease that is surely held, whatever froze this process or moved a clock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import httpx
import pytest

from freight import database
from freight.domain import current_step
from freight.domain.current_step import CurrentStep, Interrupted
from freight.domain.jobs import model as domain_jobs
from freight.domain.jobs.model import Job
from freight.domain.migration.records import leases
from freight.domain.migration.records.leases import ASK_SECONDS, LEASE_SECONDS, SURE_SECONDS, Hold, Lease, LeaseLost
from freight.domain.sending import OwnedTransport
from freight_sandbox import Sandbox
from support import jobs
from support.service import Tenant


class Database:
    """Answers for how long a lease lasts, or that it is lost (None), or not at all (an exception)."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.asked = 0
        self.answer: float | Exception | None = float(LEASE_SECONDS)
        self.on_ask: Callable[[], None] | None = None
        self.hangs = asyncio.Event()
        self.hangs.set()

    async def ask(self) -> float | None:
        self.asked += 1
        answer = self.answer
        await self.hangs.wait()
        if self.on_ask is not None:
            self.on_ask()
            self.on_ask = None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def hold(self, *, timeout: float = 5) -> Hold:
        return Hold(self.ask, clock=lambda: self.now, timeout=timeout)


async def test_a_lease_that_was_just_confirmed_is_not_asked_about_again() -> None:
    db = Database()
    hold = db.hold()
    for _ in range(10):
        await hold.ensure()
    assert db.asked == 1


async def test_all_requests_that_wait_for_the_same_answer_ask_once() -> None:
    db = Database()
    db.hangs.clear()
    hold = db.hold()
    waiting = [asyncio.create_task(hold.ensure()) for _ in range(32)]
    await asyncio.sleep(0)
    db.hangs.set()
    await asyncio.gather(*waiting)
    assert db.asked == 1


async def test_whoever_slept_asks_before_sending_and_sends_nothing_when_another_has_taken_over() -> None:
    db = Database()
    hold = db.hold()
    await hold.ensure()
    db.now += SURE_SECONDS
    db.answer = None
    for _ in range(3):
        with pytest.raises(LeaseLost):
            await hold.ensure()
    assert db.asked == 2, "what is lost stays lost"


async def test_whoever_slept_beyond_the_lease_goes_on_if_no_other_has_taken_over() -> None:
    db = Database()
    hold = db.hold()
    await hold.ensure()
    db.now += 3600
    await hold.ensure()
    assert db.asked == 2


async def test_a_freeze_while_postgresql_is_asked_makes_the_answer_worth_nothing() -> None:
    db = Database()
    hold = db.hold()

    def freeze() -> None:
        db.now += 3600
        db.answer = None

    db.on_ask = freeze
    with pytest.raises(LeaseLost):
        await hold.ensure()
    assert db.asked == 2


async def test_while_postgresql_is_unavailable_a_lease_lasts_its_time_and_no_longer() -> None:
    db = Database()
    hold = db.hold()
    await hold.ensure()
    db.answer = ConnectionError("connection refused")
    db.now += LEASE_SECONDS - 1
    await hold.ensure()
    db.now += 1
    with pytest.raises(LeaseLost):
        await hold.ensure()


async def test_an_unavailable_postgresql_is_not_asked_by_each_request() -> None:
    db = Database()
    hold = db.hold()
    await hold.ensure()
    db.answer = ConnectionError("connection refused")
    db.now += SURE_SECONDS
    for _ in range(100):
        await hold.ensure()
    assert db.asked == 2
    db.now += ASK_SECONDS
    await hold.ensure()
    assert db.asked == 3


async def test_a_postgresql_that_does_not_answer_holds_no_request_up_for_long() -> None:
    db = Database()
    hold = db.hold(timeout=0.01)
    await hold.ensure()
    db.now += SURE_SECONDS
    db.hangs.clear()
    await hold.ensure()
    db.now += LEASE_SECONDS
    with pytest.raises(LeaseLost):
        await hold.ensure()
    await hold.aclose()


class Vendor(httpx.AsyncBaseTransport):
    """Takes requests, and notes which of them were complete."""

    def __init__(self) -> None:
        self.received: list[bytes] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        self.received.append(b"".join([part async for part in request.stream]))
        return httpx.Response(200)


async def a_body(between: Callable[[], None]) -> AsyncIterator[bytes]:
    yield b"one half "
    between()
    yield b"and the other"


async def test_a_request_without_a_step_is_sent() -> None:
    vendor = Vendor()
    async with httpx.AsyncClient(transport=OwnedTransport(vendor)) as client:
        await client.post("https://vendor.test", content=b"whole")
    assert vendor.received == [b"whole"]


async def test_a_body_is_broken_off_when_the_lease_is_lost_while_it_is_sent() -> None:
    db, vendor = Database(), Vendor()

    def lose() -> None:
        db.now += SURE_SECONDS
        db.answer = None

    step = CurrentStep("batches", db.hold().ensure)
    async with httpx.AsyncClient(transport=OwnedTransport(vendor)) as client, step.running(seconds=60):
        await client.post("https://vendor.test", content=a_body(lambda: None))
        with pytest.raises(LeaseLost):
            await client.post("https://vendor.test", content=a_body(lose))
        with pytest.raises(LeaseLost):
            await client.get("https://vendor.test")
    assert vendor.received == [b"one half and the other"]


async def test_a_request_that_is_sent_again_is_whole() -> None:
    db, vendor = Database(), Vendor()
    async with httpx.AsyncClient(transport=OwnedTransport(vendor)) as client:
        request = client.build_request("POST", "https://vendor.test", content=b"whole")
        async with CurrentStep("batches", db.hold().ensure).running(seconds=60):
            await client.send(request)
            await client.send(request)
    assert vendor.received == [b"whole", b"whole"]


async def test_a_step_that_ends_sends_nothing_more_and_what_is_under_way_may_finish() -> None:
    db = Database()
    step = CurrentStep("batches", db.hold().ensure)
    finished = False

    async def end() -> None:
        nonlocal finished
        async with step.running(seconds=60):
            step.end(within=0.05)
            with pytest.raises(Interrupted):
                await step.ensure()
            await asyncio.sleep(0)
            finished = True
            await asyncio.sleep(60)

    with pytest.raises(Interrupted):
        await end()
    assert finished
    assert current_step.get() is None


async def test_tasks_of_a_step_know_it_and_other_tasks_do_not() -> None:
    step = CurrentStep("batches", Database().hold().ensure)

    async def seen() -> CurrentStep | None:
        return current_step.get()

    async with step.running(seconds=60):
        assert await asyncio.create_task(seen()) is step
    assert await asyncio.create_task(seen()) is None


@pytest.fixture
async def job(tenant: Tenant, sandbox: Sandbox) -> Job:
    """A pending job."""
    made = await jobs.create(tenant, sandbox)
    async with database.as_tenant(tenant.id) as tx:
        return await domain_jobs.get(tx, UUID(made["id"]))


async def claim(job: Job) -> Lease | None:
    async with database.as_tenant(job.tenant_id) as tx:
        return await leases.claim(tx, "jobs", job.tenant_id, job.id, "worker")


async def change(job: Job, values: str) -> None:
    async with database.as_tenant(job.tenant_id) as tx:
        await tx.execute(f"UPDATE jobs SET {values} WHERE id = $1", job.id)


async def test_a_held_lease_is_renewed_and_a_lost_one_is_noticed(job: Job) -> None:
    lease = await claim(job)
    assert lease is not None
    async with leases.kept(lease) as hold:
        await change(job, "lease_until = now() + interval '5 seconds'")
        await hold.confirm()
        assert hold.until - leases.now() > LEASE_SECONDS - 5
        await change(job, "fence = fence + 1")
        await hold.confirm()
        with pytest.raises(LeaseLost):
            await hold.ensure()


async def test_whoever_takes_over_a_lease_that_ran_out_knows_it(job: Job) -> None:
    first = await claim(job)
    assert first is not None
    assert not first.taken_over
    assert await claim(job) is None
    await change(job, "lease_until = now() - interval '1 second'")
    second = await claim(job)
    assert second is not None
    assert second.taken_over
    async with database.as_tenant(job.tenant_id) as tx:
        await leases.release(tx, second)
    third = await claim(job)
    assert third is not None
    assert not third.taken_over


async def test_a_lease_from_before_the_clock_was_set_back_is_free_and_its_holder_renews_it(job: Job) -> None:
    lease = await claim(job)
    assert lease is not None
    await change(job, "lease_until = now() + interval '1 hour'")
    async with leases.kept(lease) as hold:
        await hold.confirm()
        assert hold.until - leases.now() < LEASE_SECONDS + 1
    await change(job, "lease_until = now() + interval '1 hour'")
    assert await claim(job) is not None
