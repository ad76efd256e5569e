"""Run a step's records, chunk by chunk: plan, mark as in flight, write, and store the results.

Several chunks run concurrently. A record at which a vendor fails while it accepts others is tried once more at the end,
and then fails alone. As soon as something stops all records, no more requests are sent, those in progress finish, and
the step ends with that error.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import msgspec

from freight import database
from freight.connectors.errors import ConnectorError, MustWait, PlanLimitReached, Unavailable, UnexpectedAnswer
from freight.database import Connection
from freight.domain.current_step import Interrupted
from freight.domain.jobs import model as jobs
from freight.domain.jobs.model import Job
from freight.domain.migration.availability import UNUSABLE, Availability
from freight.domain.migration.planning.chunks import failed, is_about_records, plan_each
from freight.domain.migration.planning.plan import RecordPlan
from freight.domain.migration.records import in_flight, leases
from freight.domain.migration.records.leases import Lease
from freight.domain.migration.records.records import Staged
from freight.domain.migration.records.results import Result
from freight.domain.migration.steps.unsent import NotSent, had_no_effect
from freight.domain.migration.steps.worker_context import WorkerContext
from freight.domain.migration.steps.write import Doubted, RecordWriter, SourceFailed
from freight.domain.slots import Slot

CHUNK = 100
"""Records that one query matches."""

CONCURRENT_CHUNKS = 2
"""Concurrent chunks of a step, so that the target never waits for a query or a commit."""

STORE_SECONDS = 1
"""How often outcomes are stored while a chunk is written. After a kill, the rest is looked up again."""

GRACE_SECONDS = 2
"""How long requests in progress may take to finish when the worker stops."""


class ChunkWork(ABC):
    """What differs between the kinds of steps that run chunks of records."""

    references_only = False
    """Whether only references are written, to records that were loaded before."""

    @abstractmethod
    async def next_chunk(self, tx: Connection) -> list[Staged]:
        """Return the next records, up to `CHUNK`; none when there are no more."""

    @abstractmethod
    async def unsettled(self, tx: Connection, record_ids: Sequence[int]) -> list[Staged]:
        """Return those of these records, returned by `next_chunk` before, that have no final outcome yet."""

    async def screen(self, plans: list[RecordPlan]) -> tuple[list[RecordPlan], list[Result]]:
        """Return the plans to carry out now, and the results of records that are given up. The others wait."""
        return plans, []

    async def before_write(self, plan: RecordPlan) -> None:  # noqa: B027 - most steps have nothing to store
        """Store what has to be known before the request is sent."""

    async def doubted(self, plan: RecordPlan, error: Doubted) -> None:  # noqa: ARG002
        """Leave a record for later that the target may have created, or raise the error."""
        raise error

    @abstractmethod
    async def store(self, results: Sequence[Result], plans: Mapping[int, RecordPlan]) -> None:
        """Store results and the usage of the vendors. `plans` holds the plans that were carried out, by record id."""


Chunks = Callable[[], Awaitable[list[Staged]]]
"""Returns the next records, none when there are no more."""


class _Suspect(msgspec.Struct, frozen=True):
    """Records about which a vendor gave no usable answer, although it answers others."""

    record_ids: tuple[int, ...]
    error: ConnectorError
    successes: int
    """How many others had succeeded before these were tried."""


class ChunkRunner:
    """Runs the chunks of one attempt at a step."""

    def __init__(
        self,
        context: WorkerContext,
        job: Job,
        lease: Lease,
        slot: Slot,
        work: ChunkWork,
        writer: RecordWriter,
        availability: Availability,
    ) -> None:
        self.gives_way = False
        """Whether the rest of the chunks is left to a later step, because others need the slot."""
        self._context = context
        self._job = job
        self._lease = lease
        self._slot = slot
        self._work = work
        self._writer = writer
        self._availability = availability
        self._handing_out = asyncio.Lock()
        self._has_begun = False
        self._has_unread = False
        """Whether there are suspects that could not be looked up in one chunk."""
        self._suspects: list[_Suspect] = []
        self._suspicion: ConnectorError | None = None
        """Why several suspects could not be looked up in one chunk."""
        self._is_second_try = False
        """Whether the records at which a vendor failed in this attempt are being tried again."""
        self._failure: ConnectorError | Interrupted | None = None
        """Why no more requests are sent."""
        self._left: ConnectorError | None = None
        """Why records are left to the next attempt while the others continue."""

    @property
    def has_failed(self) -> bool:
        """Whether no more requests are sent."""
        return self._failure is not None

    def fail(self, error: ConnectorError | Interrupted) -> None:
        """Send no more requests. A wait or a full plan takes precedence over failures, which count as attempts."""
        if self._failure is None or (_counts(self._failure) and not _counts(error)):
            self._failure = error

    def raise_failure(self) -> None:
        """Raise what stopped records, if anything did."""
        if (failure := self._failure or self._left) is not None:
            raise failure

    async def run(self) -> None:
        """Run all chunks of the step, or some if others need the slot."""
        await self._run(self._next_chunk)
        if self.gives_way and self._has_unread:
            # Records that could not be looked up are not marked: a later step would meet them again, and yield as well.
            self.gives_way = False
            await self._run(self._next_chunk)

    async def run_again(self, record_ids: Collection[int]) -> None:
        """Run those of these records that have no final outcome."""
        left = list(record_ids)

        async def those() -> list[Staged]:
            while left:
                chunk = [left.pop(0) for _ in range(min(CHUNK, len(left)))]
                async with database.as_tenant(self._job.tenant_id) as tx:
                    if found := await self._work.unsettled(tx, chunk):
                        return found
            return []

        await self._run(those)

    async def try_suspects_again(self) -> None:
        """Try records once more at which a vendor failed while it accepted others. Now they fail alone."""
        again: list[int] = []
        for suspect in self._suspects:
            if len(suspect.record_ids) > 1:
                # They could not be looked up together: now it shows which of them is the cause.
                self._suspicion = suspect.error
                again += suspect.record_ids
            elif suspect.successes < self._availability.successes:
                again += suspect.record_ids
            else:
                self._left = suspect.error
        self._suspects.clear()
        self._is_second_try = True
        await self.run_again(again)
        if self._suspects:
            self._left = self._suspects[-1].error

    async def _run(self, chunks: Chunks) -> None:
        if self.has_failed:
            return
        try:
            async with asyncio.TaskGroup() as lanes:
                for _ in range(CONCURRENT_CHUNKS):
                    lanes.create_task(self._lane(chunks))
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _lane(self, chunks: Chunks) -> None:
        while not self.has_failed and (chunk := await chunks()):
            try:
                await self._carry_out(chunk)
            except (ConnectorError, Interrupted) as error:
                # Not raised, so that the requests of the other chunks finish.
                self.fail(error)

    async def _next_chunk(self) -> list[Staged]:
        async with self._handing_out:
            if self._has_begun and not self._has_unread and self._slot.is_wanted:
                self.gives_way = True
                return []
            async with database.as_tenant(self._job.tenant_id) as tx:
                chunk = await self._work.next_chunk(tx)
            self._has_begun = self._has_begun or bool(chunk)
            return chunk

    async def _carry_out(self, chunk: Sequence[Staged]) -> None:
        """Plan, mark, write and store the records of a chunk."""
        before = self._availability.successes
        try:
            plans, results = await self._plan(chunk)
        except (Unavailable, UnexpectedAnswer) as error:
            await self._availability.failed(error)
            self._has_unread = True
            self._suspects.append(_Suspect(tuple(staged.id for staged in chunk), error, before))
            return
        if self._suspicion is not None and not self._availability.successes and not plans:
            # Not even a single record can be looked up: the vendor is as likely to be the cause.
            self._left = self._suspicion
            return
        await self._mark_in_flight(plans)
        if results:
            await self._work.store(results, {})
        await self._write(plans)

    async def _plan(self, chunk: Sequence[Staged]) -> tuple[list[RecordPlan], list[Result]]:
        """Return the plans to carry out now, and the results of records that cannot be planned or are given up."""
        plans, failures = await plan_each(
            self._job,
            self._writer.target,
            chunk,
            references_only=self._work.references_only,
            availability=self._availability if self._is_second_try else None,
        )
        plans, given_up = await self._work.screen(plans)
        return plans, failures + given_up

    async def _mark_in_flight(self, plans: Sequence[RecordPlan]) -> None:
        async with database.as_tenant(self._job.tenant_id) as tx:
            await leases.check(tx, self._lease)
            if not (await jobs.get(tx, self._job.id)).may_go_on:
                raise Interrupted
            if self._job.writes:
                await in_flight.mark(tx, {plan.staged.id: plan.write for plan in plans if plan.write is not None})

    async def _write(self, plans: Sequence[RecordPlan]) -> None:
        """Write records concurrently, and store their results as they come in."""
        stopping = asyncio.Event()
        tasks = {asyncio.create_task(self._write_one(plan, stopping)): plan for plan in plans}
        pending = set(tasks)
        try:
            while pending:
                done, pending = await asyncio.wait(pending, timeout=STORE_SECONDS)
                await self._settle({task: plan for task, plan in tasks.items() if task in done})
        except asyncio.CancelledError:
            # Told to stop: requests in progress finish, and no new ones start.
            stopping.set()
            if pending:
                done, pending = await asyncio.wait(pending, timeout=GRACE_SECONDS)
                await self._settle({task: plan for task, plan in tasks.items() if task in done})
            raise
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def _write_one(self, plan: RecordPlan, stopping: asyncio.Event) -> Result | None:
        """Return the result, None for a record that is left for later."""
        if plan.write is None:
            return self._writer.leave(plan)
        if not self._job.writes:
            return self._writer.predict(plan)
        try:
            async with self._context.writing(self._job):
                if stopping.is_set() or self.has_failed:
                    raise NotSent
                before = self._availability.successes
                result = await self._send(plan)
        except (SourceFailed, *UNUSABLE) as error:
            return await self._without_answer(plan, error, before)
        if result is not None:
            self._availability.succeeded()
        return result

    async def _send(self, plan: RecordPlan) -> Result | None:
        await self._work.before_write(plan)
        try:
            return await self._writer.write(plan)
        except Doubted as error:
            await self._work.doubted(plan, error)
            return None

    async def _without_answer(
        self, plan: RecordPlan, error: SourceFailed | ConnectorError, before: int
    ) -> Result | None:
        """Return the result of a record about which a vendor gave no usable answer while it answers others."""
        cause = error.cause if isinstance(error, SourceFailed) else error
        await self._availability.failed(cause)
        if self._is_second_try:
            return self._writer.given_up(plan, error)
        self._suspects.append(_Suspect((plan.staged.id,), cause, before))
        return None

    async def _settle(self, tasks: Mapping[asyncio.Task[Result | None], RecordPlan]) -> None:
        results: list[Result] = []
        unsent: list[int] = []
        error: BaseException | None
        for task, plan in tasks.items():
            if (error := task.exception()) is None:
                results += filter(None, [task.result()])
            elif isinstance(error, ConnectorError | Interrupted):
                if had_no_effect(plan, error):
                    unsent.append(plan.staged.id)
                self.fail(error)
            elif is_about_records(error):
                results.append(failed(msgspec.structs.replace(plan.staged, in_flight=plan.write), error))
            else:
                raise error
        if unsent:
            async with database.as_tenant(self._job.tenant_id) as tx:
                await leases.check(tx, self._lease)
                await in_flight.mark_unsent(tx, unsent)
        await self._work.store(results, {plan.staged.id: plan for plan in tasks.values()})


def _counts(error: ConnectorError | Interrupted) -> bool:
    """Return whether an attempt that ends with this error may have failed."""
    return not isinstance(error, MustWait | PlanLimitReached)
