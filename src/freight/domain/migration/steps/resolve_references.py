"""Resolve references: write the references of records to what was loaded after them.

Companies and people refer to each other, so one of the two is always loaded before what it refers to.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from freight import database
from freight.connectors.protocols import Issue, Target
from freight.database import Connection
from freight.domain.current_step import Interrupted
from freight.domain.jobs import discovered_schema, usage
from freight.domain.jobs import model as jobs
from freight.domain.jobs.discovered_schema import DiscoveredSchema
from freight.domain.jobs.model import Job
from freight.domain.migration.availability import Availability
from freight.domain.migration.planning.plan import RecordPlan
from freight.domain.migration.records import leases, ledger, logs, records, refusals, streams
from freight.domain.migration.records.leases import Lease
from freight.domain.migration.records.logs import Entry
from freight.domain.migration.records.records import MAY_HAVE_ARRIVED, Staged
from freight.domain.migration.records.results import Result, log_entries, not_storable
from freight.domain.migration.steps import runner
from freight.domain.migration.steps.chunk_runner import CHUNK, ChunkRunner, ChunkWork
from freight.domain.migration.steps.runner import Failure, Step
from freight.domain.migration.steps.worker_context import WorkerContext
from freight.domain.migration.steps.write import RecordWriter
from freight.domain.slots import Slot
from freight.model import crm
from freight.model.crm import LOAD_ORDER, Entity


async def resolve_references(context: WorkerContext, tenant_id: UUID, job_id: UUID, slot: Slot) -> UUID | None:
    """Resolve the references of all records of a job that await some, or of some if others need the slot.

    Return the job's id, or None if another worker resolves them or the job does not run.
    """

    async def read(tx: Connection, lease: Lease) -> Step:
        job = await jobs.get(tx, job_id)
        return _ResolveStep(context, job, lease, slot, await discovered_schema.get(tx, job.id))

    return await runner.run("jobs", tenant_id, job_id, context.worker, read)


class _ResolveStep(Step):
    """One attempt at resolving the references of all records that await some."""

    def __init__(
        self, context: WorkerContext, job: Job, lease: Lease, slot: Slot, discovered: DiscoveredSchema
    ) -> None:
        super().__init__(job, lease)
        self._context = context
        self._slot = slot
        self._discovered = discovered
        self._open: dict[int, Staged] = {}
        """Records that were started and are not finished, by their ids."""

    async def run(self) -> None:
        async with self._context.writer(self.job, self._discovered) as (target, writer):
            availability = Availability(self.job.id, self._context.waits, target=target)
            work = _Resolving(self.job, self.lease, target, self._open)
            chunks = ChunkRunner(
                self._context, self.job, self.lease, self._slot, work, RecordWriter(writer), availability
            )
            await chunks.run()
            await chunks.try_suspects_again()
            chunks.raise_failure()
            if chunks.gives_way:
                raise Interrupted

    async def give_up(self, tx: Connection, failure: Failure) -> None:
        """Give up on the references that cannot be written, and continue with the others."""
        if not self._open:
            await jobs.stop(tx, self.job.id, code=failure.code, message=failure.message)
            return
        await leases.start_over(tx, self.lease)
        await records.settle_references(tx, list(self._open), [])
        entries = [_not_written(staged, failure.message) for staged in self._open.values()]
        await logs.write(tx, self.job.tenant_id, self.job.id, entries)


class _Resolving(ChunkWork):
    """The records of a job that await references."""

    references_only = True

    def __init__(self, job: Job, lease: Lease, target: Target, open_: dict[int, Staged]) -> None:
        self._job = job
        self._lease = lease
        self._target = target
        self._open = open_
        self._last: dict[Entity, int] = {}
        """The ids of the records that were returned last."""

    async def next_chunk(self, tx: Connection) -> list[Staged]:
        """Return the next records, all of one entity."""
        for entity in LOAD_ORDER:
            after = self._last.get(entity, 0)
            if found := await records.awaiting(tx, self._job.id, entity, after=after, limit=CHUNK):
                self._last[entity] = found[-1].id
                self._open |= {staged.id: staged for staged in found}
                return found
        return []

    async def unsettled(self, tx: Connection, record_ids: Sequence[int]) -> list[Staged]:
        """Return those of these records that still await references."""
        return await records.awaiting_among(tx, record_ids)

    async def store(self, results: Sequence[Result], plans: Mapping[int, RecordPlan]) -> None:
        """Store results, so that a repeated attempt sends only the rest."""
        async with database.as_tenant(self._job.tenant_id) as tx:
            await leases.check(tx, self._lease)
            await usage.add(tx, self._job.id, target=self._target.take_usage(), has_progressed=bool(results))
            if not results:
                return
            changed = await refusals.store(tx, results, lambda some: self._store(tx, some), not_storable)
            sent = sum(plans[id_].write is not None for id_ in map(_id, results) if id_ in plans)
            await usage.add_written_twice(tx, self._job.id, sent - changed)
        for result in results:
            self._open.pop(result.settled.id, None)

    async def _store(self, tx: Connection, results: Sequence[Result]) -> int:
        """Store results. Return how many unchanged records became updated."""
        job, entity = self._job, crm.entity_of(self._open[_id(results[0])].record)
        updated = [_id(result) for result in results if result.settled.outcome == "updated"]
        changed = await records.settle_references(tx, [_id(result) for result in results], updated)
        await streams.recount(tx, job.id, entity, updated=changed)
        if job.writes:
            learned = [result.learned for result in results if result.learned is not None]
            await ledger.remember(tx, job.tenant_id, job.id, job.pair, entity, learned)
        entries = [entry for result in results for entry in self._entries(entity, result)]
        await logs.write(tx, job.tenant_id, job.id, entries)
        return changed

    def _entries(self, entity: Entity, result: Result) -> list[Entry]:
        if result.settled.outcome == "failed" and result.settled.message is not None:
            # The record is migrated, and only its references are missing.
            return [_not_written(self._open[_id(result)], result.settled.message.removesuffix(MAY_HAVE_ARRIVED))]
        return log_entries(entity, [result])


def _id(result: Result) -> int:
    return result.settled.id


def _not_written(staged: Staged, reason: str) -> Entry:
    message = (
        "The record is in the target without its references to records that were loaded after it: "
        f"{reason} Run the job again to have them written."
    )
    issue = Issue(level="error", code="references_not_written", message=message)
    return Entry(issue=issue, entity=crm.entity_of(staged.record), source_id=staged.source_id)
