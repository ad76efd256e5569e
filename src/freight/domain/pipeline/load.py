"""Load: write a batch to the target, chunk by chunk, and store what became of each record."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from uuid import UUID

import msgspec
import structlog

from freight import database
from freight.connectors.errors import ConnectorError, Unavailable
from freight.connectors.protocols import Source, Target
from freight.database import Connection
from freight.domain import batches, jobs, leases, logs, records, staging, usage
from freight.domain.batches import Batch, Clash, Result
from freight.domain.jobs import Job
from freight.domain.leases import Lease
from freight.domain.logs import Entry
from freight.domain.pipeline import clashes as clashing
from freight.domain.pipeline import implied
from freight.domain.pipeline.attempts import Failure, attempt
from freight.domain.pipeline.availability import Availability
from freight.domain.pipeline.plan import Plan
from freight.domain.pipeline.planned import failed, is_about_records, plan_each
from freight.domain.pipeline.watch import Interrupted
from freight.domain.pipeline.workplace import Workplace
from freight.domain.pipeline.write import SourceFailed, Writer
from freight.domain.records import Staged
from freight.domain.slots import Slot

log = structlog.get_logger()

CHUNK = 100
"""Records that are matched by one query and whose outcomes are stored together."""

LANES = 2
"""Chunks of a batch that are under way at once, so that the target never waits for a query or a commit."""

STORE_SECONDS = 1
"""How often outcomes are stored while a chunk is being written: what a kill leaves to be looked up again."""

ATTEMPTS_AT_ONE = 2
"""Attempts at a batch in which a record may be one at which a vendor fails, before it fails alone. In each, the
connector repeats the request as often as it does any."""

GRACE_SECONDS = 5
"""How long requests that are under way may take to finish when the worker is told to stop."""


async def load(place: Workplace, tenant_id: UUID, batch_id: UUID, slot: Slot) -> UUID | None:
    """Load a batch, or some chunks of it if the slot is wanted for others; the id of its job, or None if somebody else
    is at it or there is nothing to do."""
    async with database.as_tenant(tenant_id) as tx:
        lease = await leases.claim(tx, "batches", tenant_id, batch_id, place.worker)
        if lease is None:
            return None
        batch = await batches.get(tx, batch_id)
        job = await jobs.get(tx, batch.job_id)
        if batch.status in ("completed", "failed") or not job.may_go_on:
            await leases.release(tx, lease)
            return None
        await batches.begin(tx, lease)

    async def retry(tx: Connection, failure: Failure) -> None:
        seconds = job.retry_policy.delay(lease.attempt + 1)
        await batches.retry_later(tx, lease, seconds=seconds, code=failure.code, message=failure.message)

    async def give_up(tx: Connection, failure: Failure) -> None:
        await batches.fail(tx, lease, batch, code=failure.code, message=failure.message)

    async with attempt(job, lease, retry=retry, give_up=give_up), AsyncExitStack() as stack:
        target = await stack.enter_async_context(place.target(job))
        source = await stack.enter_async_context(place.source(job)) if batch.entity == "files" else None
        await _Loading(place, job, batch, lease, slot, target, source).run()
    return job.id


class _Loading:
    """One attempt at a batch."""

    def __init__(
        self, place: Workplace, job: Job, batch: Batch, lease: Lease, slot: Slot, target: Target, source: Source | None
    ) -> None:
        self._place = place
        self._job = job
        self._batch = batch
        self._lease = lease
        self._slot = slot
        self._target = target
        self._source = source
        self._writer = Writer(target, source)
        self._availability = Availability(target, source)
        self._last_position = -1
        self._handing_out = asyncio.Lock()
        self._failure: ConnectorError | Interrupted | None = None
        """Why no more requests are sent."""
        self._left: ConnectorError | None = None
        """Why records are left to the next attempt, while the others go on."""
        self._gives_way = False
        """Whether the rest of the chunks is left to a later step."""

    async def run(self) -> None:
        """Load what has no outcome yet. Raises the `ConnectorError` or `Interrupted` that kept it from being all."""
        try:
            async with asyncio.TaskGroup() as lanes:
                for _ in range(LANES):
                    lanes.create_task(self._lane())
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        if (failure := self._failure or self._left) is not None:
            raise failure
        if self._gives_way:
            raise Interrupted
        async with database.as_tenant(self._job.tenant_id) as tx:
            await batches.complete(tx, self._lease)
        log.info("batch_completed", job=str(self._job.id), entity=self._batch.entity, number=self._batch.number)

    async def _lane(self) -> None:
        while self._failure is None and (chunk := await self._next_chunk()):
            try:
                # Before the last chance it is as likely that the target is just failing.
                availability = self._availability if self._is_last_chance else None
                plans, failed_results = await plan_each(self._job, self._target, chunk, availability=availability)
                plans = await implied.foresee(self._job, self._target, plans)
                await self._announce(plans)
            except (ConnectorError, Interrupted) as error:
                # Not raised, so that the other lane's requests finish.
                self._failure = self._failure or error
                return
            if failed_results:
                await self._store(failed_results)
            await self._carry_out(plans)

    @property
    def _is_last_chance(self) -> bool:
        """Whether this attempt is the last one for a single record about which a vendor gives no usable answer."""
        return self._lease.attempt + 1 >= min(ATTEMPTS_AT_ONE, self._job.retry_policy.max_attempts)

    async def _next_chunk(self) -> list[Staged]:
        if self._last_position >= 0 and self._slot.is_wanted:
            self._gives_way = True
            return []
        async with self._handing_out, database.as_tenant(self._job.tenant_id) as tx:
            found = await records.waiting(
                tx,
                self._job.id,
                self._batch.entity,
                first_position=self._batch.first_position,
                size=self._batch.size,
                after=self._last_position,
                limit=CHUNK,
            )
            if found:
                self._last_position = found[-1][0]
            chunk = [staged for _, staged in found]
            return await staging.with_replies(tx, self._job.id, chunk) if self._batch.entity == "notes" else chunk

    async def _announce(self, plans: Sequence[Plan]) -> None:
        async with database.as_tenant(self._job.tenant_id) as tx:
            await leases.check(tx, self._lease)
            if not (await jobs.get(tx, self._job.id)).may_go_on:
                raise Interrupted
            if self._job.writes:
                intents = {plan.staged.id: plan.write for plan in plans if plan.write is not None}
                await records.mark_in_flight(tx, intents)

    async def _carry_out(self, plans: Sequence[Plan]) -> None:
        stopping = asyncio.Event()
        tasks = {asyncio.create_task(self._carry_out_one(plan, stopping)): plan for plan in plans}
        pending = set(tasks)
        try:
            while pending:
                done, pending = await asyncio.wait(pending, timeout=STORE_SECONDS)
                await self._settle({task: plan for task, plan in tasks.items() if task in done})
        except asyncio.CancelledError:
            # Told to stop: requests that are under way finish, and no new ones start.
            stopping.set()
            if pending:
                done, pending = await asyncio.wait(pending, timeout=GRACE_SECONDS)
                await self._settle({task: plan for task, plan in tasks.items() if task in done})
            raise
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def _carry_out_one(self, plan: Plan, stopping: asyncio.Event) -> Result | None:
        """The result; None for a record that is left to the next attempt."""
        if plan.write is None:
            return self._writer.leave(plan)
        if not self._job.writes:
            return self._writer.predict(plan)
        async with self._place.writing(self._job):
            if stopping.is_set() or self._failure is not None:
                raise Interrupted
            try:
                result = await self._writer.write(plan)
            except (SourceFailed, Unavailable) as error:
                return await self._doubted(plan, error)
        self._availability.succeeded()
        return result

    async def _doubted(self, plan: Plan, error: SourceFailed | Unavailable) -> Result | None:
        """What becomes of a record about which a vendor gave no usable answer: others go on if it answers them, and
        the record itself has another attempt before it fails. Raises the error if it is the vendor that fails."""
        cause = error.cause if isinstance(error, SourceFailed) else error
        if not await self._availability.is_about_one_record():
            raise cause
        if self._is_last_chance:
            return self._writer.given_up(plan, error)
        self._left = cause
        return None

    async def _settle(self, tasks: Mapping[asyncio.Task[Result | None], Plan]) -> None:
        results: list[Result] = []
        error: BaseException | None
        for task, plan in tasks.items():
            if (error := task.exception()) is None:
                results += filter(None, [task.result()])
            elif isinstance(error, ConnectorError | Interrupted):
                self._failure = self._failure or error
            elif is_about_records(error):
                results.append(failed(msgspec.structs.replace(plan.staged, in_flight=plan.write), error))
            else:
                raise error
        clashes = await self._store(results)
        plans = {plan.staged.id: plan for plan in tasks.values()}
        for clash in clashes:
            await self._part(plans[clash.result.settled.id], clash)

    async def _store(self, results: Sequence[Result], about_others: Sequence[Entry] = ()) -> list[Clash]:
        async with database.as_tenant(self._job.tenant_id) as tx:
            results = await implied.name(tx, self._job, results)
            learning = self._job.pair if self._job.writes else None
            stored = await batches.store(tx, self._lease, self._batch, results, learning=learning)
            await logs.write(tx, self._job.tenant_id, self._job.id, about_others)
            read = self._source.take_usage() if self._source else None
            await usage.add(tx, self._job.id, source=read, target=self._target.take_usage())
        return stored

    async def _part(self, plan: Plan, clash: Clash) -> None:
        try:
            for part in (clashing.part, clashing.restore):
                result, about_first = await part(self._job, self._writer, plan, clash)
                again = await self._store([result], about_first)
                if not again:
                    return
                (clash,) = again
        except (ConnectorError, Interrupted, SourceFailed) as error:
            # The record has no outcome yet: the next attempt meets the clash again.
            self._failure = self._failure or (error.cause if isinstance(error, SourceFailed) else error)
