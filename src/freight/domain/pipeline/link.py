"""Link: give records the references to what was loaded after them, as companies name people and people each other."""

import asyncio
from uuid import UUID

from freight import crm, database
from freight.database import Connection
from freight.domain import jobs, leases, ledger, logs, records, streams, usage
from freight.domain.batches import Result
from freight.domain.jobs import Job
from freight.domain.leases import Lease
from freight.domain.logs import Entry
from freight.domain.pipeline import plan as planning
from freight.domain.pipeline.attempts import Failure, attempt
from freight.domain.pipeline.plan import Plan
from freight.domain.pipeline.watch import Interrupted
from freight.domain.pipeline.workplace import Workplace
from freight.domain.pipeline.write import Writer
from freight.domain.records import Staged

CHUNK = 100


async def link(place: Workplace, tenant_id: UUID, job_id: UUID) -> None:
    """Link all records of a job that await references, unless somebody else is at it or the job does not run."""
    async with database.as_tenant(tenant_id) as tx:
        lease = await leases.claim(tx, "jobs", tenant_id, job_id, place.worker)
        if lease is None:
            return
        job = await jobs.get(tx, job_id)
        if not job.may_go_on:
            await leases.release(tx, lease)
            return

    async def retry(tx: Connection, _failure: Failure) -> None:
        await leases.postpone(tx, lease, seconds=job.retry_policy.delay(lease.attempt + 1))

    async def give_up(tx: Connection, failure: Failure) -> None:
        await jobs.stop(tx, job_id, code=failure.code, message=failure.message)

    async with attempt(job, lease, retry=retry, give_up=give_up), place.target(job) as target:
        while chunk := await _next_chunk(job):
            plans = await planning.plan(job, target, chunk, late=True)
            results = await _carry_out(place, job, Writer(target), plans)
            async with database.as_tenant(tenant_id) as tx:
                await _store(tx, lease, job, chunk, plans, results)
                await usage.add(tx, job_id, target=target.take_usage())


async def _next_chunk(job: Job) -> list[Staged]:
    async with database.as_tenant(job.tenant_id) as tx:
        if not (await jobs.get(tx, job.id)).may_go_on:
            raise Interrupted
        return await records.awaiting(tx, job.id, limit=CHUNK)


async def _carry_out(place: Workplace, job: Job, writer: Writer, plans: list[Plan]) -> list[Result]:
    async def carry_out(plan: Plan) -> Result:
        if plan.write is None:
            return writer.leave(plan)
        if not job.writes:
            return writer.predict(plan)
        async with place.writers:
            return await writer.write(plan)

    # All of them finish before an error is raised: repeating the chunk sends again only what was not written.
    results = await asyncio.gather(*map(carry_out, plans), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if isinstance(result, Result)]


async def _store(
    tx: Connection, lease: Lease, job: Job, chunk: list[Staged], plans: list[Plan], results: list[Result]
) -> None:
    await leases.check(tx, lease)
    entity = crm.entity_of(chunk[0].record)
    updated = [result.settled.id for result in results if result.settled.outcome == "updated"]
    changed = await records.settle_references(tx, [staged.id for staged in chunk], updated)
    await streams.recount(tx, job.id, entity, updated=changed)
    await usage.add_written_twice(tx, job.id, sum(plan.write is not None for plan in plans) - changed)
    if job.writes:
        learned = [result.learned for result in results if result.learned is not None]
        await ledger.remember(tx, job.tenant_id, job.id, job.pair, entity, learned)
    entries = [
        Entry(issue=issue, entity=entity, source_id=result.source_id) for result in results for issue in result.issues
    ]
    await logs.write(tx, job.tenant_id, job.id, entries)
