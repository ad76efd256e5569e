"""Extract: every page of a stream into `records`, each together with the cursor behind it."""

from uuid import UUID

from freight import database
from freight.connectors.protocols import Issue, Page, Source
from freight.crm import Entity
from freight.database import Connection
from freight.domain import blueprints, jobs, leases, ledger, logs, staging, streams, usage
from freight.domain.conventions import NumericFields
from freight.domain.jobs import Job
from freight.domain.logs import Entry
from freight.domain.pipeline.advance import advance
from freight.domain.pipeline.attempts import Failure, attempt
from freight.domain.pipeline.sample import read_sample
from freight.domain.pipeline.watch import Interrupted
from freight.domain.pipeline.workplace import Workplace
from freight.domain.slots import Slot
from freight.domain.streams import Stream
from freight.layout import Layout


async def extract(place: Workplace, tenant_id: UUID, stream_id: UUID, slot: Slot) -> UUID | None:
    """Read a stream to its end, or some pages of it if the slot is wanted for others; the id of its job, or None if
    somebody else is at it or the job does not run."""
    async with database.as_tenant(tenant_id) as tx:
        lease = await leases.claim(tx, "streams", tenant_id, stream_id, place.worker)
        if lease is None:
            return None
        stream = await streams.get(tx, stream_id)
        job = await jobs.get(tx, stream.job_id)
        if not job.may_go_on:
            await leases.release(tx, lease)
            return None
        blueprint = await blueprints.read(tx, job.id)

    async def retry(tx: Connection, _failure: Failure) -> None:
        await leases.postpone(tx, lease, seconds=job.retry_policy.delay(lease.attempt + 1))

    async def give_up(tx: Connection, failure: Failure) -> None:
        await jobs.stop(
            tx, job.id, code=failure.code, message=f"The {stream.entity} could not all be read: {failure.message}"
        )

    numeric = NumericFields.of(Layout() if blueprint is None else blueprint.layout)
    async with attempt(job, lease, retry=retry, give_up=give_up), place.source(job) as source:
        while not stream.done:
            full_batches = stream.read_records // job.batch_size
            page = await _read(source, job, stream)
            async with database.as_tenant(tenant_id) as tx:
                if not (await jobs.get(tx, job.id)).may_go_on:
                    raise Interrupted
                stream = await streams.save_page(tx, lease, stream, page, batch_size=job.batch_size, numeric=numeric)
                if stream.done:
                    await _conclude(tx, job, stream.entity, page.incomplete)
                await usage.add(tx, job.id, source=source.take_usage())
            if stream.done or stream.read_records // job.batch_size > full_batches:
                # Loading begins while the rest is still being read.
                await place.queue.ring(await advance(tenant_id, job.id))
            if slot.is_wanted and not stream.done:
                raise Interrupted
    return job.id


async def _read(source: Source, job: Job, stream: Stream) -> Page:
    if job.mode == "sample":
        return await read_sample(source, job, stream.entity)
    return await source.read_page(stream.entity, stream.cursor)


async def _conclude(tx: Connection, job: Job, entity: Entity, incomplete: Issue | None) -> None:
    """Name what can be seen only once a stream has been read to its end."""
    if incomplete is not None:
        await logs.write(tx, job.tenant_id, job.id, [Entry(issue=incomplete, entity=entity)])
    if entity == "notes":
        await staging.log_orphaned_replies(tx, job.id)
    # A sample sees too little to miss anything, and so does a job that leaves lists behind.
    left_behind = entity == "list_entries" and (job.mapping.only_lists is not None or _skips_lists(job))
    if job.mode != "sample" and not left_behind and incomplete is None:
        await ledger.log_gone(tx, job.tenant_id, job.id, job.pair, entity)


def _skips_lists(job: Job) -> bool:
    return any(mapping.skip for mapping in job.mapping.lists.values())
