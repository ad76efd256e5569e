"""Extract: store every page of a stream in `records`, together with the cursor after it."""

from uuid import UUID

import msgspec

from freight import database
from freight.connectors import registry
from freight.connectors.errors import CursorRefused
from freight.connectors.protocols import Issue, Page, Reader, Source
from freight.database import Connection
from freight.domain.current_step import Interrupted
from freight.domain.jobs import discovered_schema, usage
from freight.domain.jobs import model as jobs
from freight.domain.jobs.discovered_schema import DiscoveredSchema
from freight.domain.jobs.model import Job
from freight.domain.migration.availability import Availability
from freight.domain.migration.planning.fan_out import fan_out
from freight.domain.migration.planning.sample import read_sample
from freight.domain.migration.records import conventions, leases, ledger, logs, staging, streams
from freight.domain.migration.records.conventions import NumericFields
from freight.domain.migration.records.leases import Lease
from freight.domain.migration.records.logs import Entry
from freight.domain.migration.records.streams import Stream
from freight.domain.migration.steps import runner
from freight.domain.migration.steps.dispatch import dispatch
from freight.domain.migration.steps.progress import PagingLoops, Progress
from freight.domain.migration.steps.runner import Failure, Step
from freight.domain.migration.steps.worker_context import WorkerContext
from freight.domain.slots import Slot
from freight.model.crm import Entity

MAX_RESTARTS = 3
"""How often a stream is restarted because its cursor is refused, without a new row in between."""

UNREADABLE = frozenset({"cursor_refused", "rejected_by_source", "not_found", "paging_loops", "unexpected_answer"})
"""Errors that the page at the cursor may cause."""


async def extract(context: WorkerContext, tenant_id: UUID, stream_id: UUID, slot: Slot) -> UUID | None:
    """Read a stream to its end, or some pages of it if others need the slot.

    Return the id of its job, or None if another worker reads it or the job does not run.
    """

    async def read(tx: Connection, lease: Lease) -> Step:
        stream = await streams.get(tx, stream_id)
        job = await jobs.get(tx, stream.job_id)
        return _Extraction(context, job, lease, slot, stream, await discovered_schema.get(tx, job.id))

    return await runner.run("streams", tenant_id, stream_id, context.worker, read)


class _Extraction(Step):
    """One attempt at reading a stream."""

    def __init__(
        self,
        context: WorkerContext,
        job: Job,
        lease: Lease,
        slot: Slot,
        stream: Stream,
        discovered: DiscoveredSchema,
    ) -> None:
        super().__init__(job, lease)
        self._context = context
        self._slot = slot
        self._stream = stream
        self._discovered = discovered
        self._numeric = NumericFields.of(discovered.layout)
        self._progress = Progress()
        self._restarts = 0
        """How often the stream was restarted without a new row since."""
        self._has_new = False
        """Whether anything new was read."""

    async def run(self) -> None:
        async with (
            self._context.reader(self.job, self._discovered) as (source, reader),
            Availability(self.job.id, self._context.waits, source=source).outages_waited_for(),
        ):
            await self._read_pages(source, reader)

    async def give_up(self, tx: Connection, failure: Failure) -> None:
        if failure.code in UNREADABLE:
            # A retry of the job restarts the stream.
            await streams.forget_cursor(tx, self.lease)
        message = f"Not all {self._stream.entity} could be read: {failure.message}"
        await jobs.stop(tx, self.job.id, code=failure.code, message=message)

    async def _read_pages(self, source: Source, reader: Reader) -> None:
        while not self._stream.done:
            full_batches = self._stream.read_records // self.job.batch_size
            try:
                page = await self._read(reader)
                await self._save(page, source)
            except CursorRefused as error:
                await self._start_over(error)
            except PagingLoops as error:
                await self._stop(error)
                raise Interrupted from error
            if self._stream.done or self._stream.read_records // self.job.batch_size > full_batches:
                # Loading starts while the rest is still being read.
                await dispatch(self._context.queue, self.job.tenant_id, self.job.id)
            # A later attempt may have to start over and does not know that the pages repeat. So that this ends, each
            # attempt has to read something new.
            if self._has_new and self._slot.is_wanted and not self._stream.done:
                raise Interrupted

    async def _read(self, reader: Reader) -> Page:
        if self.job.mode == "sample":
            return await read_sample(reader, self.job, self._stream.entity)
        return fan_out(await reader.read(self._stream.entity, self._stream.cursor), self.job.mapping)

    async def _save(self, page: Page, source: Source) -> None:
        """Stage the rows of a page, and store the cursor after it in the same transaction. Raise `LeaseLost`."""
        job, stream, before = self.job, self._stream, self._stream.read_records
        async with database.as_tenant(job.tenant_id) as tx:
            if not (await jobs.get(tx, job.id)).may_go_on:
                raise Interrupted
            await leases.check(tx, self.lease)
            unique = registry.target_role(job.target_system).unique
            staged = await staging.stage(
                tx, job.tenant_id, job.id, stream.entity, page.rows, first_position=before, unique=unique
            )
            await staging.stage_replies(tx, job.tenant_id, job.id, page.replies)
            await conventions.add(tx, stream.id, self._numeric.observe(staged.records))
            self._stream = await streams.advance(tx, self.lease, stream, page, staged, batch_size=job.batch_size)
            if self._stream.done:
                await _conclude(tx, job, self._stream.entity, page.incomplete)
            await usage.add(tx, job.id, source=source.take_usage())
        self._context.waits.over(job.id)
        new = self._stream.read_records - before
        if new:
            self._restarts = 0
        self._has_new = self._has_new or bool(new or page.replies)
        self._progress.note(page, new=new, read=self._stream.read_records)

    async def _start_over(self, error: CursorRefused) -> None:
        """Restart the stream. Raise the error if restarting did not help before."""
        if self._stream.cursor is None or self._restarts >= MAX_RESTARTS:
            raise error
        self._restarts += 1
        self._has_new = False
        self._progress = Progress()
        message = (
            f"The source no longer accepts the cursor for the {self._stream.entity}, so they are read from the start. "
            "Records that were read before are recognised. You do not have to do anything."
        )
        entry = Entry(issue=Issue(code="cursor_refused", message=message))
        async with database.as_tenant(self.job.tenant_id) as tx:
            await streams.forget_cursor(tx, self.lease)
            await logs.write(tx, self.job.tenant_id, self.job.id, [entry])
        self._stream = msgspec.structs.replace(self._stream, cursor=None)

    async def _stop(self, error: PagingLoops) -> None:
        message = (
            f"Not all {self._stream.entity} could be read: {error}. Contact the vendor's support. A retry of the job "
            "reads them from the start."
        )
        async with database.as_tenant(self.job.tenant_id) as tx:
            await streams.forget_cursor(tx, self.lease)
            await jobs.stop(tx, self.job.id, code=error.code, message=message)


async def _conclude(tx: Connection, job: Job, entity: Entity, incomplete: Issue | None) -> None:
    """Log what is known only once a stream has been read to its end."""
    if incomplete is not None:
        await logs.write(tx, job.tenant_id, job.id, [Entry(issue=incomplete, entity=entity)])
    if entity == "notes":
        await staging.log_orphaned_replies(tx, job.id)
    # Records missing from a sample, or from a job that skips lists, may still exist at the source.
    left_behind = entity == "list_entries" and (job.mapping.only_lists is not None or _skips_lists(job))
    if job.mode != "sample" and not left_behind and incomplete is None:
        await ledger.log_gone(tx, job.tenant_id, job.id, job.pair, entity)


def _skips_lists(job: Job) -> bool:
    return any(mapping.skip for mapping in job.mapping.lists.values())
