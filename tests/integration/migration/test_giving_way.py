"""Long steps that end early because others wait for their slot: nothing is lost, and nothing counts as a failure."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from freight import database, queue, tasks
from freight.connectors.errors import CursorRefused, MustWait, Unavailable
from freight.connectors.protocols import Kind, Pacer, Page, Source, Target
from freight.domain.migration.availability import Availability
from freight.domain.migration.planning import chunks
from freight.domain.migration.steps.extract import _Extraction, extract
from freight.domain.migration.steps.load import load
from freight.domain.migration.steps.resolve_references import resolve_references
from freight.domain.migration.steps.scheduling import schedule_swept
from freight.domain.migration.steps.start import start
from freight.domain.migration.steps.worker_context import WorkerContext
from freight.domain.slots import Slot, Slots, Step
from freight.domain.vendors import Vendors, Watched
from freight.settings import Settings
from freight_sandbox import Sandbox, running
from support import jobs
from support.sandboxes import sandbox_options
from support.scheduling import schedule_next
from support.service import Service, Tenant


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    """An Affinity of several pages and chunks."""
    options = sandbox_options(companies=210, people=20, custom_fields=True, unlimited=True)
    async with running(options) as sandbox:
        yield sandbox


class ObservedVendors(Vendors):
    """Vendors that note whether a transaction was under way when a request waited for its turn, and that can be told
    to let no request be sent for an hour."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.within_transactions: list[bool] = []
        self.are_limited = False

    def source(self, system: str, *, watched: Watched, **kwargs: Any) -> Source:
        return super().source(system, watched=lambda pacer: ObservedPacer(self, watched(pacer)), **kwargs)

    def target(self, system: str, *, watched: Watched, **kwargs: Any) -> Target:
        return super().target(system, watched=lambda pacer: ObservedPacer(self, watched(pacer)), **kwargs)


class ObservedPacer:
    def __init__(self, vendors: ObservedVendors, pacer: Pacer) -> None:
        self._vendors = vendors
        self._pacer = pacer

    async def turn(self, kind: Kind) -> None:
        self._vendors.within_transactions.append(database._in_progress.get())
        if self._vendors.are_limited:
            raise MustWait("Too many requests.", until=datetime.now(UTC) + timedelta(hours=1), code="rate_limited")
        await self._pacer.turn(kind)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pacer, name)


@pytest.fixture
async def vendors(service: Service, settings: Settings) -> AsyncIterator[ObservedVendors]:
    redis = queue.connect(settings.redis_url or "")
    yield ObservedVendors(settings, redis, workers=lambda: 1)
    await redis.aclose(close_connection_pool=True)


class Contested(Slot):
    """A slot that others wait for from the beginning."""

    def __init__(self) -> None:
        super().__init__(Slots(1), Step("tenant", "job", "row"))

    @property
    def is_wanted(self) -> bool:
        return True


class Free(Contested):
    """A slot that only its own step wants."""

    @property
    def is_wanted(self) -> bool:
        return False


async def test_every_long_step_gives_way_where_nothing_is_lost_and_goes_on_later(
    context: WorkerContext, vendors: ObservedVendors, tenant: Tenant, sandbox: Sandbox
) -> None:
    made = await jobs.create(tenant, sandbox, entities=["companies", "people"])
    job_id = UUID(made["id"])
    await start(context, tenant.id, job_id)

    (stream,) = await rows(tenant, "SELECT id FROM streams WHERE job_id = $1 AND entity = 'companies'", job_id)
    pages = 0
    while not (await state(tenant, "streams", stream["id"]))["done"]:
        await extract(context, tenant.id, stream["id"], Contested())
        pages += 1
        left = await state(tenant, "streams", stream["id"])
        assert left["read_records"] == min(210, 100 * pages)
        check_released(left)
    (people,) = await rows(tenant, "SELECT id FROM streams WHERE job_id = $1 AND entity = 'people'", job_id)
    await extract(context, tenant.id, people["id"], Free())

    (batch, *_) = await rows(tenant, "SELECT id FROM batches WHERE job_id = $1 AND entity = 'companies'", job_id)
    processed = []
    while (await state(tenant, "batches", batch["id"]))["status"] != "completed":
        await load(context, tenant.id, batch["id"], Contested())
        left = await state(tenant, "batches", batch["id"])
        processed.append(left["processed_records"])
        check_released(left)
    # A lane has taken up another chunk, or not, before the first one asks.
    assert 100 <= processed[0] <= 200
    assert processed[-1] == 210
    (batch,) = await rows(tenant, "SELECT id FROM batches WHERE job_id = $1 AND entity = 'people'", job_id)
    await load(context, tenant.id, batch["id"], Free())

    awaiting = [await awaited(tenant, job_id)]
    assert awaiting[0] > 100
    while awaiting[-1]:
        await resolve_references(context, tenant.id, job_id, Contested())
        awaiting.append(await awaited(tenant, job_id))
        check_released(await state(tenant, "jobs", job_id))
    assert awaiting[1] == awaiting[0] - 100
    await schedule_next(tenant.id, job_id)
    assert (await state(tenant, "jobs", job_id))["status"] == "completed"
    # Meanwhile no connection to the database was kept from others for as long as a vendor takes.
    assert vendors.within_transactions
    assert not any(vendors.within_transactions)


async def test_a_reading_whose_cursors_do_not_outlast_a_step_comes_to_its_end_although_it_gives_way(
    context: WorkerContext, tenant: Tenant, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = _Extraction._read
    begun: list[_Extraction] = []

    async def refuse_first(extraction: _Extraction, source: Source) -> Page:
        is_first = extraction not in begun
        begun.append(extraction)
        if is_first and extraction._stream.cursor is not None:
            raise CursorRefused("The cursor has expired.")
        return await read(extraction, source)

    monkeypatch.setattr(_Extraction, "_read", refuse_first)
    job_id = UUID((await jobs.create(tenant, sandbox, entities=["companies"], mode="dry_run"))["id"])
    await start(context, tenant.id, job_id)
    (stream,) = await rows(tenant, "SELECT id FROM streams WHERE job_id = $1", job_id)
    known = []
    for _ in range(3):
        await extract(context, tenant.id, stream["id"], Contested())
        left = await state(tenant, "streams", stream["id"])
        known.append(left["read_records"])
        check_released(left)
    assert known == [100, 200, 210]
    assert left["done"]


async def test_records_that_cannot_be_looked_up_together_are_tried_alone_although_others_want_the_slot(
    context: WorkerContext, tenant: Tenant, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail_for_many(*args: Any, availability: Availability | None = None, **kwargs: Any) -> Any:
        if availability is None:
            raise Unavailable("The target answers no query about so many.")
        return await chunks.plan_each(*args, availability=availability, **kwargs)

    batch_id = await batch_of_companies(context, tenant, sandbox, mode="dry_run")
    monkeypatch.setattr("freight.domain.migration.steps.chunk_runner.plan_each", fail_for_many)
    await load(context, tenant.id, batch_id, Contested())
    left = await state(tenant, "batches", batch_id)
    assert (left["status"], left["processed_records"], left["failed_records"]) == ("completed", 210, 0)


async def batch_of_companies(context: WorkerContext, tenant: Tenant, sandbox: Sandbox, **settings: Any) -> UUID:
    """The only batch of a job that carries companies, which have been read."""
    job_id = UUID((await jobs.create(tenant, sandbox, entities=["companies"], batch_size=500, **settings))["id"])
    await start(context, tenant.id, job_id)
    (stream,) = await rows(tenant, "SELECT id FROM streams WHERE job_id = $1", job_id)
    await extract(context, tenant.id, stream["id"], Free())
    (batch,) = await rows(tenant, "SELECT id FROM batches WHERE job_id = $1", job_id)
    return UUID(str(batch["id"]))


async def test_a_job_that_has_to_wait_holds_no_slot_and_no_lease_and_is_enqueued_later(
    context: WorkerContext, vendors: ObservedVendors, tenant: Tenant, sandbox: Sandbox
) -> None:
    ctx = {"context": context, "workers": 1, "job_try": 1}
    made = await jobs.create(tenant, sandbox, entities=["companies"])
    job_id = UUID(made["id"])
    await start(context, tenant.id, job_id)
    (stream,) = await rows(tenant, "SELECT id FROM streams WHERE job_id = $1", job_id)
    vendors.are_limited = True
    async with asyncio.timeout(30):
        await tasks.extract_stream(ctx, str(tenant.id), str(stream["id"]), str(job_id))
    assert not context.slots.held
    left = await state(tenant, "streams", stream["id"])
    assert (left["leased_by"], left["attempt"], left["is_due"]) == (None, 0, False)
    assert await schedule_next(tenant.id, job_id) == await schedule_swept(tenant.id, job_id) == []


def check_released(row: dict[str, Any]) -> None:
    """Others can claim the row at once, and no attempt has failed."""
    assert (row["leased_by"], row["lease_until"], row["attempt"], row["is_due"]) == (None, None, 0, True)


async def state(tenant: Tenant, table: str, row_id: UUID) -> dict[str, Any]:
    (row,) = await rows(tenant, f"SELECT *, due_at <= now() AS is_due FROM {table} WHERE id = $1", row_id)
    return row


async def awaited(tenant: Tenant, job_id: UUID) -> int:
    (row,) = await rows(
        tenant, "SELECT count(*) AS number FROM records WHERE job_id = $1 AND awaits_references", job_id
    )
    return int(row["number"])


async def rows(tenant: Tenant, query: str, *args: object) -> list[dict[str, Any]]:
    async with database.as_tenant(tenant.id) as tx:
        return [dict(row) for row in await tx.fetch(query, *args)]
