"""Load: write a batch to the target, chunk by chunk, and store the outcome of each record.

Records without earlier problems come first. Then come those that an earlier attempt may have written or failed to
write, those that are in doubt, and finally those at which a vendor failed while it accepted others.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

import msgspec
import structlog

from freight import database
from freight.connectors.errors import ConnectorError, MustWait
from freight.connectors.protocols import Issue, Reader, Source, Target, Writer
from freight.database import Connection
from freight.domain.current_step import Interrupted
from freight.domain.jobs import discovered_schema, usage
from freight.domain.jobs import model as jobs
from freight.domain.jobs.discovered_schema import DiscoveredSchema
from freight.domain.jobs.model import Job
from freight.domain.migration.planning import implied
from freight.domain.migration.planning.chunks import plan_each
from freight.domain.migration.planning.lookup import find_match, reserve_created
from freight.domain.migration.planning.plan import RecordPlan
from freight.domain.migration.records import batches, in_flight, leases, logs, records, staging
from freight.domain.migration.records.batches import Batch, Clash, Result
from freight.domain.migration.records.leases import Lease
from freight.domain.migration.records.logs import Entry
from freight.domain.migration.records.records import Staged
from freight.domain.migration.steps import clashes as clashing
from freight.domain.migration.steps import doubles, runner
from freight.domain.migration.steps.availability import Availability
from freight.domain.migration.steps.chunk_runner import CHUNK, ChunkRunner
from freight.domain.migration.steps.doubts import SENT_TWICE, Doubts
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


class _Loading:
    """The records of a batch in one attempt; see `freight.domain.migration.steps.chunk_runner.ChunkWork`."""

    def __init__(
        self,
        context: WorkerContext,
        job: Job,
        batch: Batch,
        lease: Lease,
        slot: Slot,
        vendors: _Vendors,
    ) -> None:
        self._context = context
        self._job = job
        self._batch = batch
        self._lease = lease
        self._vendors = vendors
        self._writer = RecordWriter(vendors.writer, vendors.reader, look_up=partial(find_match, job, vendors.writer))
        self._availability = Availability(job.id, context.waits, source=vendors.source, target=vendors.target)
        self._runner = ChunkRunner(context, job, lease, slot, self, self._writer, self._availability)
        self._doubts = Doubts(context.in_doubt_seconds)
        self._double_at = 0.0
        """When to look for doubles, on the clock of `time.monotonic`."""
        self._uncounted: list[int] = []
        """Records whose latest doubt is not counted yet."""
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
            await asyncio.sleep(self._double_at - time.monotonic())
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

    async def plan(
        self, chunk: Sequence[Staged], availability: Availability | None
    ) -> tuple[list[RecordPlan], list[Result]]:
        """Plan a chunk. Records in doubt that may not be sent yet are left for later."""
        plans, results = await plan_each(self._job, self._vendors.writer, chunk, availability=availability)
        plans = await implied.foresee(self._job, self._vendors.writer, plans)
        plans = [plan for plan in plans if self._doubts.may_send(plan)]
        hopeless = [plan for plan in plans if self._doubts.is_hopeless(plan)]
        results += map(self._writer.never_confirmed, hopeless)
        return [plan for plan in plans if plan not in hopeless], results

    async def write(self, plan: RecordPlan) -> Result | None:
        """Send what is planned. Return None for a record that is in doubt now."""
        if plan.write == "create" and (plan.staged.is_doubted or plan.staged.doubts):
            await self._name_sent_twice(plan)
        elif plan.write == "create" and plan.staged.in_flight == "create" and not plan.draft.unique:
            await self._expect_double(plan)
        try:
            result = await self._writer.write(plan)
        except Doubted as error:
            await self._doubted(plan, error)
            return None
        if self._batch.entity == "files" and result.settled.target_id is not None:
            await reserve_created(self._job, "files", result.source_id, result.settled.target_id)
        return result

    async def store(self, results: Sequence[Result], plans: Mapping[int, RecordPlan]) -> None:
        """Store results, and separate records that the target treats as one."""
        for clash in await self._store(results):
            await self._part(plans[clash.result.settled.id], clash)

    async def _complete(self, tx: Connection, chunk: list[Staged]) -> list[Staged]:
        return await staging.with_replies(tx, self._job.id, chunk) if self._batch.entity == "notes" else chunk

    async def _clear_doubts(self) -> None:
        """Look for the records in doubt until each is found, or is sent again after the required time."""
        while self._doubts and not self._runner.has_failed:
            await self._count_doubts()
            seconds = self._doubts.seconds_left()
            if seconds > WAIT_SECONDS:
                self._runner.fail(self._waits_for_doubts(seconds))
                return
            await asyncio.sleep(min(seconds, 1))
            async with database.as_tenant(self._job.tenant_id) as tx:
                if not (await jobs.get(tx, self._job.id)).may_go_on:
                    self._runner.fail(Interrupted())
            await self._runner.run_again(self._doubts.take_due())

    async def _count_doubts(self) -> None:
        """Count the doubts of this attempt, which no outage has ended: the records may be the cause."""
        counted, self._uncounted = self._uncounted, []
        if counted:
            async with database.as_tenant(self._job.tenant_id) as tx:
                await leases.check(tx, self._lease)
                await in_flight.count_doubts(tx, counted)

    def _waits_for_doubts(self, seconds: float) -> MustWait:
        message = (
            f"The target did not confirm whether it created {len(self._doubts):,} of the {self._batch.entity}, and "
            "they have not been found there so far. Freight looks for them again before it sends them a second time. "
            "You do not have to do anything."
        )
        return MustWait(message, until=datetime.now(UTC) + timedelta(seconds=seconds), code="create_in_doubt")

    async def _doubted(self, plan: RecordPlan, error: Doubted) -> None:
        """Mark a record as doubted, and log what was left out of it. Raise what stops all others."""
        async with database.as_tenant(self._job.tenant_id) as tx:
            await leases.check(tx, self._lease)
            await in_flight.mark_doubted(tx, [plan.staged.id])
            sent = [*error.draft.issues[len(plan.draft.issues) :], *self._writer.of_delivery(plan)]
            await logs.write(tx, self._job.tenant_id, self._job.id, [self._entry(plan, issue) for issue in sent])
        await self._availability.failed(error)
        self._uncounted.append(plan.staged.id)
        self._doubts.add(msgspec.structs.replace(plan.staged, in_flight_seconds=0.0, is_doubted=True))

    async def _expect_double(self, plan: RecordPlan) -> None:
        """Have a record looked for once more whose worker stopped: it may only be frozen in the middle of sending."""
        self._double_at = time.monotonic() + self._context.in_doubt_seconds * doubles.LOOK
        async with database.as_tenant(self._job.tenant_id) as tx:
            await leases.check(tx, self._lease)
            await in_flight.mark_sent_again(tx, [plan.staged.id])

    async def _name_sent_twice(self, plan: RecordPlan) -> None:
        self._double_at = time.monotonic() + self._context.in_doubt_seconds * doubles.LOOK
        async with database.as_tenant(self._job.tenant_id) as tx:
            await leases.check(tx, self._lease)
            await logs.write(tx, self._job.tenant_id, self._job.id, [self._entry(plan, SENT_TWICE)])

    def _entry(self, plan: RecordPlan, issue: Issue) -> Entry:
        return Entry(issue=issue, entity=self._batch.entity, source_id=plan.staged.source_id)

    async def _store(self, results: Sequence[Result], about_others: Sequence[Entry] = ()) -> list[Clash]:
        async with database.as_tenant(self._job.tenant_id) as tx:
            results = await implied.name(tx, self._job, results)
            learning = self._job.pair if self._job.writes else None
            clashes = await batches.store(tx, self._lease, self._batch, results, learning=learning)
            await logs.write(tx, self._job.tenant_id, self._job.id, about_others)
            read = self._vendors.source.take_usage() if self._vendors.source else None
            written = self._vendors.target.take_usage()
            await usage.add(tx, self._job.id, source=read, target=written, has_progressed=bool(results))
        return clashes

    async def _part(self, plan: RecordPlan, clash: Clash) -> None:
        try:
            for part in (clashing.part, clashing.restore):
                result, about_first = await part(self._job, self._writer, plan, clash)
                again = await self._store([result], about_first)
                if not again:
                    return
                (clash,) = again
        except Doubted as error:
            await self._doubted(plan, error)
        except (ConnectorError, Interrupted, SourceFailed) as error:
            # The record has no outcome yet, so the next attempt repeats this.
            self._runner.fail(error.cause if isinstance(error, SourceFailed) else error)
