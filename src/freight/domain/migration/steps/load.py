"""Load: write a batch to the target, chunk by chunk, and store the outcome of each record.

Records without earlier problems come first. Then come those that an earlier attempt may have written or failed to
write, those that are in doubt, and finally those at which a vendor failed while it accepted others.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

import structlog

from freight import database
from freight.connectors.errors import ConnectorError
from freight.connectors.protocols import Reader, Source, Target, Writer
from freight.database import Connection
from freight.domain.current_step import Interrupted
from freight.domain.jobs import discovered_schema, usage
from freight.domain.jobs import model as jobs
from freight.domain.jobs.discovered_schema import DiscoveredSchema
from freight.domain.jobs.model import Job
from freight.domain.migration.availability import Availability
from freight.domain.migration.planning import implied
from freight.domain.migration.planning.lookup import find_match, reserve_created
from freight.domain.migration.planning.plan import RecordPlan
from freight.domain.migration.records import batches, in_flight, leases, ledger, logs, records, refusals, staging
from freight.domain.migration.records.batches import Batch
from freight.domain.migration.records.leases import Lease
from freight.domain.migration.records.logs import Entry
from freight.domain.migration.records.records import Staged
from freight.domain.migration.records.results import Clash, Result, find_clashes, log_entries, not_storable
from freight.domain.migration.steps import clashes as clashing
from freight.domain.migration.steps import doubles, runner
from freight.domain.migration.steps.chunk_runner import CHUNK, ChunkRunner, ChunkWork
from freight.domain.migration.steps.doubts import CreatesInDoubt
from freight.domain.migration.steps.runner import Failure, Step
from freight.domain.migration.steps.worker_context import WorkerContext
from freight.domain.migration.steps.write import Doubted, RecordWriter, SourceFailed
from freight.domain.slots import Slot

log = structlog.get_logger()

WAIT_SECONDS = 10
"""How long an attempt waits for the next look for records in doubt. For longer waits it releases lease and worker."""


async def load(context: WorkerContext, tenant_id: UUID, batch_id: UUID, slot: Slot) -> UUID | None:
    """Load a batch, or some chunks of it if others need the slot.

    Return the id of its job, or None if another worker loads it or there is nothing to do.
    """

    async def read(tx: Connection, lease: Lease) -> Step:
        batch = await batches.get(tx, batch_id)
        job = await jobs.get(tx, batch.job_id)
        return _LoadStep(context, job, lease, slot, batch, await discovered_schema.get(tx, job.id))

    return await runner.run("batches", tenant_id, batch_id, context.worker, read)


class _LoadStep(Step):
    """One attempt at a batch."""

    def __init__(
        self,
        context: WorkerContext,
        job: Job,
        lease: Lease,
        slot: Slot,
        batch: Batch,
        discovered: DiscoveredSchema,
    ) -> None:
        super().__init__(job, lease)
        self._context = context
        self._slot = slot
        self._batch = batch
        self._discovered = discovered

    @property
    def may_begin(self) -> bool:
        return self.job.may_go_on and self._batch.status not in batches.ENDED

    async def begin(self, tx: Connection) -> None:
        await batches.begin(tx, self.lease)

    async def run(self) -> None:
        context, job, batch = self._context, self.job, self._batch
        async with AsyncExitStack() as stack:
            target, writer = await stack.enter_async_context(context.writer(job, self._discovered))
            source: Source | None = None
            reader: Reader | None = None
            if batch.entity == "files":
                source, reader = await stack.enter_async_context(context.reader(job, self._discovered))
            vendors = _Vendors(target=target, writer=writer, source=source, reader=reader)
            await _Loading(context, job, batch, self.lease, self._slot, vendors).run()

    async def retry(self, tx: Connection, failure: Failure, *, seconds: float) -> datetime:
        return await batches.retry_later(tx, self.lease, seconds=seconds, code=failure.code, message=failure.message)

    async def give_up(self, tx: Connection, failure: Failure) -> None:
        await batches.fail(tx, self.lease, self._batch, code=failure.code, message=failure.message)


class _Vendors(NamedTuple):
    """The two sides of a job; the source only for files, for their content."""

    target: Target
    writer: Writer
    source: Source | None
    reader: Reader | None


class _Loading(ChunkWork):
    """The records of a batch in one attempt."""

    def __init__(
        self,
        context: WorkerContext,
        job: Job,
        batch: Batch,
        lease: Lease,
        slot: Slot,
        vendors: _Vendors,
    ) -> None:
        self._job = job
        self._batch = batch
        self._lease = lease
        self._vendors = vendors
        self._writer = RecordWriter(
            vendors.writer,
            vendors.reader,
            look_up=partial(find_match, job, vendors.writer),
            reserve=partial(reserve_created, job, "files"),
        )
        self._availability = Availability(job.id, context.waits, source=vendors.source, target=vendors.target)
        self._runner = ChunkRunner(context, job, lease, slot, self, self._writer, self._availability)
        self._doubts = CreatesInDoubt(job, batch, lease, seconds=context.in_doubt_seconds)
        self._met_before: list[int] = []
        """Records that an earlier attempt may have written or failed to write: the others come first."""
        self._last_position = -1

    async def run(self) -> None:
        """Load the records without an outcome. Raise the `ConnectorError` or `Interrupted` that stopped some."""
        async with database.as_tenant(self._job.tenant_id) as tx:
            self._met_before = await in_flight.ids(tx, self._job.id, self._batch.entity, self._batch.positions)
        await self._runner.run()
        if self._runner.gives_way and not self._runner.has_failed:
            raise Interrupted
        await self._runner.run_again(self._met_before)
        await self._clear_doubts()
        await self._runner.try_suspects_again()
        await self._clear_doubts()
        self._runner.raise_failure()
        async with self._availability.outages_waited_for():
            await self._doubts.doubles_appear()
            await doubles.remove(self._job, self._batch, self._lease, self._vendors.writer)
        async with database.as_tenant(self._job.tenant_id) as tx:
            await usage.add(tx, self._job.id, target=self._vendors.target.take_usage())
            await batches.complete(tx, self._lease)
        log.info("batch_completed", job=str(self._job.id), entity=self._batch.entity, number=self._batch.number)

    async def next_chunk(self, tx: Connection) -> list[Staged]:
        """Return the next records that no earlier attempt has tried."""
        found = await records.waiting(
            tx,
            self._job.id,
            self._batch.entity,
            self._batch.positions,
            after=self._last_position,
            without=self._met_before,
            limit=CHUNK,
        )
        if found:
            self._last_position = found[-1][0]
        return await self._complete(tx, [staged for _, staged in found])

    async def unsettled(self, tx: Connection, record_ids: Sequence[int]) -> list[Staged]:
        """Return those of these records that have no outcome."""
        return await self._complete(tx, await records.waiting_among(tx, record_ids))

    async def screen(self, plans: list[RecordPlan]) -> tuple[list[RecordPlan], list[Result]]:
        """Leave records in doubt that may not be sent yet for later, and give up those that were sent often enough."""
        plans = await implied.foresee(self._job, self._vendors.writer, plans)
        plans = [plan for plan in plans if self._doubts.schedule.may_send(plan)]
        hopeless = [plan for plan in plans if self._doubts.schedule.is_hopeless(plan)]
        left = [plan for plan in plans if plan not in hopeless]
        return left, [self._writer.never_confirmed(plan) for plan in hopeless]

    async def before_write(self, plan: RecordPlan) -> None:
        """Store that a record is sent again whose earlier request may still take effect."""
        await self._doubts.before_write(plan)

    async def doubted(self, plan: RecordPlan, error: Doubted) -> None:
        """Leave a record in doubt for later. Raise what stops all others."""
        await self._doubts.mark(plan, [*error.draft.issues[len(plan.draft.issues) :], *self._writer.of_delivery(plan)])
        await self._availability.failed(error)
        self._doubts.add(plan)

    async def store(self, results: Sequence[Result], plans: Mapping[int, RecordPlan]) -> None:
        """Store results, and separate records that the target treats as one."""
        for clash in await self._store(results):
            await self._part(plans[clash.result.settled.id], clash)

    async def _complete(self, tx: Connection, chunk: list[Staged]) -> list[Staged]:
        return await staging.with_replies(tx, self._job.id, chunk) if self._batch.entity == "notes" else chunk

    async def _clear_doubts(self) -> None:
        """Look for the records in doubt until each is found, or is sent again after the required time."""
        schedule = self._doubts.schedule
        while schedule and not self._runner.has_failed:
            await self._doubts.count()
            seconds = schedule.seconds_left()
            if seconds > WAIT_SECONDS:
                self._runner.fail(self._doubts.wait(seconds))
                return
            await asyncio.sleep(min(seconds, 1))
            async with database.as_tenant(self._job.tenant_id) as tx:
                if not (await jobs.get(tx, self._job.id)).may_go_on:
                    self._runner.fail(Interrupted())
            await self._runner.run_again(schedule.take_due())

    async def _store(self, results: Sequence[Result], about_others: Sequence[Entry] = ()) -> list[Clash]:
        """Store results, all counters and the usage of the vendors in one transaction. Raise `LeaseLost`.

        Return the clashes, which are not stored. A result that cannot be stored fails its record.
        """
        job, batch, vendors = self._job, self._batch, self._vendors
        async with database.as_tenant(job.tenant_id) as tx:
            results = await implied.name(tx, job, results)
            await leases.check(tx, self._lease)
            clashes = await find_clashes(tx, job.id, job.pair, batch.entity, results) if job.writes else []
            clashing = {clash.result.settled.id for clash in clashes}
            clear = [result for result in results if result.settled.id not in clashing]
            stored = await refusals.store(tx, clear, partial(self._store_outcomes, tx), not_storable)
            await batches.count(tx, batch, Counter(result.settled.outcome for result in stored))
            await logs.write(tx, job.tenant_id, job.id, about_others)
            read = vendors.source.take_usage() if vendors.source else None
            written = vendors.target.take_usage()
            await usage.add(tx, job.id, source=read, target=written, has_progressed=bool(results))
        return clashes

    async def _store_outcomes(self, tx: Connection, results: Sequence[Result]) -> Sequence[Result]:
        """Store the outcomes, ledger entries and log rows of results."""
        job, entity = self._job, self._batch.entity
        await records.settle(tx, [result.settled for result in results])
        entries = log_entries(entity, results)
        if job.writes:
            learned = [result.learned for result in results if result.learned is not None]
            entries += await ledger.hand_over(tx, job.pair, entity, learned)
            await ledger.remember(tx, job.tenant_id, job.id, job.pair, entity, learned)
        await logs.write(tx, job.tenant_id, job.id, entries)
        return results

    async def _part(self, plan: RecordPlan, clash: Clash) -> None:
        try:
            for part in (clashing.part, clashing.restore):
                result, about_first = await part(self._job, self._writer, plan, clash)
                again = await self._store([result], about_first)
                if not again:
                    return
                (clash,) = again
        except Doubted as error:
            await self.doubted(plan, error)
        except (ConnectorError, Interrupted, SourceFailed) as error:
            # The record has no outcome yet, so the next attempt repeats this.
            self._runner.fail(error.cause if isinstance(error, SourceFailed) else error)
