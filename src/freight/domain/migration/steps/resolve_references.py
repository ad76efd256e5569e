"""Link: give records the references to what was loaded after them, as companies name people and people each other."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from freight import database
from freight.connectors.errors import ConnectorError, MustWait, PlanLimitReached
from freight.connectors.protocols import Issue, Target
from freight.database import Connection
from freight.domain.jobs import model as jobs
from freight.domain.jobs import usage
from freight.domain.jobs.model import Job
from freight.domain.migration.planning.chunks import failed, is_about_records, plan_each
from freight.domain.migration.planning.plan import RecordPlan
from freight.domain.migration.records import batches, in_flight, leases, ledger, logs, records, refusals, streams
from freight.domain.migration.records.batches import Result
from freight.domain.migration.records.leases import Lease
from freight.domain.migration.records.logs import Entry
from freight.domain.migration.records.records import Staged
from freight.domain.migration.steps.attempts import Failure, attempt
from freight.domain.migration.steps.availability import MAX_FAILURES_IN_A_ROW, UNUSABLE, Availability
from freight.domain.migration.steps.running import Interrupted
from freight.domain.migration.steps.worker_context import WorkerContext
from freight.domain.migration.steps.write import Writer
from freight.domain.slots import Slot
from freight.model import crm
from freight.model.crm import Entity

CHUNK = 100


async def resolve_references(context: WorkerContext, tenant_id: UUID, job_id: UUID, slot: Slot) -> None:
    """Link all records of a job that await references, or some of them if the slot is wanted for others, unless
    another worker links them or the job does not run."""
    async with database.as_tenant(tenant_id) as tx:
        lease = await leases.claim(tx, "jobs", tenant_id, job_id, context.worker)
        if lease is None:
            return
        job = await jobs.get(tx, job_id)
        if not job.may_go_on:
            await leases.release(tx, lease)
            return
    linking = _Resolving(context, job, lease, slot)

    async def retry(tx: Connection, _failure: Failure) -> None:
        await leases.postpone(tx, lease, seconds=job.retry_policy.delay(lease.attempt + 1))

    async with attempt(job, lease, retry=retry, give_up=linking.give_up), context.target(job) as target:
        availability = Availability(job.id, context.waits, target=target)
        async with availability.outages_waited_for():
            await linking.run(target, availability)


class _Resolving:
    """One attempt at linking all records that await references."""

    def __init__(self, context: WorkerContext, job: Job, lease: Lease, slot: Slot) -> None:
        self._context = context
        self._job = job
        self._lease = lease
        self._slot = slot
        self._failing: list[Staged] = []
        self._entity: Entity = "companies"

    async def run(self, target: Target, availability: Availability) -> None:
        """Link them chunk by chunk. Raises the `ConnectorError` or `Interrupted` that kept it from being all."""
        writer = Writer(target)
        while chunk := await self._next_chunk():
            self._failing = chunk
            self._entity = crm.entity_of(chunk[0].record)
            plans, failed_results = await plan_each(self._job, target, chunk, references_only=True)
            await self._announce(plans)
            results = await self._carry_out(writer, plans)
            if any(isinstance(result, Result) for result in results):
                results = await self._try_again(writer, plans, results, availability)
            outcomes = [*zip(plans, results, strict=True)]
            done = [(plan, result) for plan, result in outcomes if isinstance(result, Result)]
            failed_results += [
                failed(plan.staged, error)
                for plan, error in outcomes
                if isinstance(error, BaseException) and is_about_records(error)
            ]
            await self._store(target, done, failed_results)
            settled = {result.settled.id for result in [*failed_results, *(result for _, result in done)]}
            self._failing = [staged for staged in chunk if staged.id not in settled]
            # What was written is stored by now, so that a repetition sends only the rest. A wait and a full plan come
            # first, since neither of them counts as a failed attempt.
            errors = [error for error in results if isinstance(error, BaseException) and not is_about_records(error)]
            for error in sorted(errors, key=lambda error: not isinstance(error, MustWait | PlanLimitReached)):
                raise error
            if self._slot.is_wanted:
                raise Interrupted

    async def _try_again(
        self, writer: Writer, plans: list[RecordPlan], results: list[Result | BaseException], availability: Availability
    ) -> list[Result | BaseException]:
        """The results once those records were tried again to which the target gave no usable answer, while it took
        others: then they fail alone."""
        stuck = [plan for plan, result in zip(plans, results, strict=True) if isinstance(result, UNUSABLE)]
        if not stuck or len(stuck) > MAX_FAILURES_IN_A_ROW:
            return results
        again = dict(zip([plan.staged.id for plan in stuck], await self._carry_out(writer, stuck), strict=True))
        try:
            await availability.ask()
        except ConnectorError as outage:
            again = dict.fromkeys(again, outage)
        for plan in stuck:
            if isinstance(error := again[plan.staged.id], UNUSABLE):
                again[plan.staged.id] = writer.given_up(plan, error)
        return [again.get(plan.staged.id, result) for plan, result in zip(plans, results, strict=True)]

    async def give_up(self, tx: Connection, failure: Failure) -> None:
        """Leave those without their references that cannot be written, and let the others have theirs."""
        if not self._failing:
            await jobs.stop(tx, self._job.id, code=failure.code, message=failure.message)
            return
        await leases.start_over(tx, self._lease)
        await records.settle_references(tx, [staged.id for staged in self._failing], [])
        entries = [_not_written(self._entity, staged.source_id, failure.message) for staged in self._failing]
        await logs.write(tx, self._job.tenant_id, self._job.id, entries)

    async def _next_chunk(self) -> list[Staged]:
        async with database.as_tenant(self._job.tenant_id) as tx:
            if not (await jobs.get(tx, self._job.id)).may_go_on:
                raise Interrupted
            return await records.awaiting(tx, self._job.id, limit=CHUNK)

    async def _announce(self, plans: list[RecordPlan]) -> None:
        if self._job.writes:
            async with database.as_tenant(self._job.tenant_id) as tx:
                await leases.check(tx, self._lease)
                await in_flight.mark(tx, {plan.staged.id: plan.write for plan in plans if plan.write})

    async def _carry_out(self, writer: Writer, plans: list[RecordPlan]) -> list[Result | BaseException]:
        async def carry_out(plan: RecordPlan) -> Result:
            if plan.write is None:
                return writer.leave(plan)
            if not self._job.writes:
                return writer.predict(plan)
            async with self._context.writing(self._job):
                return await writer.write(plan)

        return await asyncio.gather(*map(carry_out, plans), return_exceptions=True)

    async def _store(
        self, target: Target, done: Sequence[tuple[RecordPlan, Result]], failed_results: Sequence[Result]
    ) -> None:
        job = self._job
        async with database.as_tenant(job.tenant_id) as tx:
            await leases.check(tx, self._lease)
            progress = bool(done or failed_results)
            await usage.add(tx, job.id, target=target.take_usage(), has_progressed=progress)
            changed = await refusals.store(
                tx,
                [*(result for _, result in done), *failed_results],
                lambda results: self._write(tx, results),
                batches.not_storable,
            )
            writes = sum(plan.write is not None for plan, _ in done)
            await usage.add_written_twice(tx, job.id, writes - changed)

    async def _write(self, tx: Connection, results: Sequence[Result]) -> int:
        """Store results; how many records count as updated that had been unchanged."""
        job = self._job
        updated = [result.settled.id for result in results if result.settled.outcome == "updated"]
        changed = await records.settle_references(tx, [result.settled.id for result in results], updated)
        await streams.recount(tx, job.id, self._entity, updated=changed)
        if job.writes:
            learned = [result.learned for result in results if result.learned is not None]
            await ledger.remember(tx, job.tenant_id, job.id, job.pair, self._entity, learned)
        entries = [entry for result in results for entry in self._entries(result)]
        await logs.write(tx, job.tenant_id, job.id, entries)
        return changed

    def _entries(self, result: Result) -> list[Entry]:
        if result.settled.outcome == "failed" and result.settled.message is not None:
            # It was migrated before, and only its references are missing now.
            return [_not_written(self._entity, result.source_id, result.settled.message)]
        return [Entry(issue=issue, entity=self._entity, source_id=result.source_id) for issue in result.issues]


def _not_written(entity: Entity, source_id: str, reason: str) -> Entry:
    message = (
        "The record is in the target without its references to records that were loaded after it: "
        f"{reason} Run the job again to have them written."
    )
    issue = Issue(level="error", code="references_not_written", message=message)
    return Entry(issue=issue, entity=entity, source_id=source_id)
