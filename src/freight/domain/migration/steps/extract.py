"""Extract: every page of a stream into `records`, each together with the cursor behind it."""

from uuid import UUID

import msgspec

from freight import database
from freight.connectors import registry
from freight.connectors.errors import CursorRefused
from freight.connectors.protocols import Issue, Page, Source
from freight.database import Connection
from freight.domain.jobs import discovered_schema, usage
from freight.domain.jobs import model as jobs
from freight.domain.jobs.model import Job
from freight.domain.migration.planning.fan_out import fan_out
from freight.domain.migration.planning.sample import read_sample
from freight.domain.migration.records import leases, ledger, logs, staging, streams
from freight.domain.migration.records.conventions import NumericFields
from freight.domain.migration.records.leases import Lease
from freight.domain.migration.records.logs import Entry
from freight.domain.migration.records.streams import Stream
from freight.domain.migration.steps.attempts import Failure, attempt
from freight.domain.migration.steps.availability import Availability
from freight.domain.migration.steps.progress import PagingLoops, Progress
from freight.domain.migration.steps.running import Interrupted
from freight.domain.migration.steps.scheduling import schedule_next
from freight.domain.migration.steps.worker_context import WorkerContext
from freight.domain.slots import Slot
from freight.model.crm import Entity
from freight.model.resolved_mapping import ResolvedMapping

MAX_RESTARTS = 3
"""How often a stream is read from its start because its cursor is refused, without a new row in between."""

UNREADABLE = frozenset({"cursor_refused", "rejected_by_source", "not_found", "paging_loops", "unexpected_answer"})
"""Failures of which the page that the cursor names may be the cause."""


async def extract(context: WorkerContext, tenant_id: UUID, stream_id: UUID, slot: Slot) -> UUID | None:
    """Read a stream to its end, or some pages of it if the slot is wanted for others; the id of its job, or None if
    another worker reads it or the job does not run."""
    async with database.as_tenant(tenant_id) as tx:
        lease = await leases.claim(tx, "streams", tenant_id, stream_id, context.worker)
        if lease is None:
            return None
        stream = await streams.get(tx, stream_id)
        job = await jobs.get(tx, stream.job_id)
        if not job.may_go_on:
            await leases.release(tx, lease)
            return None
        discovered = await discovered_schema.read(tx, job.id)

    async def retry(tx: Connection, _failure: Failure) -> None:
        await leases.postpone(tx, lease, seconds=job.retry_policy.delay(lease.attempt + 1))

    async def give_up(tx: Connection, failure: Failure) -> None:
        if failure.code in UNREADABLE:
            # A retry of the job reads the stream from its start.
            await streams.forget_cursor(tx, lease)
        await jobs.stop(
            tx, job.id, code=failure.code, message=f"The {stream.entity} could not all be read: {failure.message}"
        )

    numeric = NumericFields.of(ResolvedMapping() if discovered is None else discovered.layout)
    async with (
        attempt(job, lease, retry=retry, give_up=give_up),
        context.source(job) as source,
        Availability(job.id, context.waits, source=source).outages_waited_for(),
    ):
        await _Extraction(context, job, lease, slot, stream, numeric, source).run()
    return job.id


class _Extraction:
    """One attempt at reading a stream."""

    def __init__(
        self,
        context: WorkerContext,
        job: Job,
        lease: Lease,
        slot: Slot,
        stream: Stream,
        numeric: NumericFields,
        source: Source,
    ) -> None:
        self._context = context
        self._job = job
        self._lease = lease
        self._slot = slot
        self._stream = stream
        self._numeric = numeric
        self._source = source
        self._progress = Progress()
        self._restarts = 0
        """How often the stream was read from its start without a new row since."""
        self._has_new = False
        """Whether anything was read that was not known before."""

    async def run(self) -> None:
        """Read it to its end. Raises the `ConnectorError` or `Interrupted` that kept it from that."""
        while not self._stream.done:
            full_batches = self._stream.read_records // self._job.batch_size
            try:
                page = await self._read()
                await self._save(page)
            except CursorRefused as error:
                await self._start_over(error)
            except PagingLoops as error:
                await self._stop(error)
                raise Interrupted from error
            if self._stream.done or self._stream.read_records // self._job.batch_size > full_batches:
                # Loading begins while the rest is still being read.
                await self._context.queue.enqueue(await schedule_next(self._job.tenant_id, self._job.id))
            # Whoever goes on later may have to start over, and does not know yet that pages go round: so that this
            # comes to an end, each attempt has to bring something new.
            if self._has_new and self._slot.is_wanted and not self._stream.done:
                raise Interrupted

    async def _read(self) -> Page:
        if self._job.mode == "sample":
            return await read_sample(self._source, self._job, self._stream.entity)
        return fan_out(await self._source.read_page(self._stream.entity, self._stream.cursor), self._job.mapping)

    async def _save(self, page: Page) -> None:
        job, before = self._job, self._stream.read_records
        async with database.as_tenant(job.tenant_id) as tx:
            if not (await jobs.get(tx, job.id)).may_go_on:
                raise Interrupted
            self._stream = await streams.save_page(
                tx,
                self._lease,
                self._stream,
                page,
                batch_size=job.batch_size,
                numeric=self._numeric,
                unique=registry.target_role(job.target_system).unique,
            )
            if self._stream.done:
                await _conclude(tx, job, self._stream.entity, page.incomplete)
            await usage.add(tx, job.id, source=self._source.take_usage())
        self._context.waits.over(job.id)
        new = self._stream.read_records - before
        if new:
            self._restarts = 0
        self._has_new = self._has_new or bool(new or page.replies)
        self._progress.note(page, new=new, read=self._stream.read_records)

    async def _start_over(self, error: CursorRefused) -> None:
        """Read the stream from its start. Raises the error if that was of no use before."""
        if self._stream.cursor is None or self._restarts >= MAX_RESTARTS:
            raise error
        self._restarts += 1
        self._has_new = False
        self._progress = Progress()
        message = (
            f"The source does not accept the cursor any more at which reading the {self._stream.entity} had arrived, "
            "so they are read from the start. What was read before is recognised; nothing has to be done."
        )
        entry = Entry(issue=Issue(code="cursor_refused", message=message))
        async with database.as_tenant(self._job.tenant_id) as tx:
            await streams.forget_cursor(tx, self._lease)
            await logs.write(tx, self._job.tenant_id, self._job.id, [entry])
        self._stream = msgspec.structs.replace(self._stream, cursor=None)

    async def _stop(self, error: PagingLoops) -> None:
        message = (
            f"The {self._stream.entity} could not all be read: {error}. Tell the vendor's support. A retry of the job "
            "reads them from the start."
        )
        async with database.as_tenant(self._job.tenant_id) as tx:
            await streams.forget_cursor(tx, self._lease)
            await jobs.stop(tx, self._job.id, code=error.code, message=message)


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
