"""Load: write a batch to the target, chunk by chunk, and store what became of each record.

Records that were not met by any trouble come first. Then come those that an earlier attempt may have written or failed
at, those that are in doubt, and at last those at which a vendor failed while it took others.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import msgspec
import structlog

from freight import database
from freight.connectors.errors import ConnectorError, MustWait, Unavailable, UnexpectedAnswer
from freight.connectors.protocols import Issue, Source, Target
from freight.database import Connection
from freight.domain.jobs import model as jobs
from freight.domain.jobs import usage
from freight.domain.jobs.model import Job
from freight.domain.migration.planning import implied
from freight.domain.migration.planning.chunks import failed, is_about_records, plan_each
from freight.domain.migration.planning.lookup import find_match, reserve_created
from freight.domain.migration.planning.plan import RecordPlan
from freight.domain.migration.records import batches, in_flight, leases, logs, records, staging
from freight.domain.migration.records.batches import Batch, Clash, Result
from freight.domain.migration.records.leases import Lease
from freight.domain.migration.records.logs import Entry
from freight.domain.migration.records.records import Staged
from freight.domain.migration.steps import clashes as clashing
from freight.domain.migration.steps import doubles
from freight.domain.migration.steps.attempts import Failure, attempt
from freight.domain.migration.steps.availability import Availability
from freight.domain.migration.steps.doubts import SENT_TWICE, Doubts
from freight.domain.migration.steps.running import Interrupted
from freight.domain.migration.steps.worker_context import WorkerContext
from freight.domain.migration.steps.write import Doubted, SourceFailed, Writer
from freight.domain.slots import Slot

log = structlog.get_logger()

CHUNK = 100
"""Records that are matched by one query and whose outcomes are stored together."""

CONCURRENT_CHUNKS = 2
"""Chunks of a batch that are under way at once, so that the target never waits for a query or a commit."""

STORE_SECONDS = 1
"""How often outcomes are stored while a chunk is being written: what a kill leaves to be looked up again."""

WAIT_SECONDS = 10
"""How long an attempt waits for the next look for records in doubt; for longer, its lease and its worker are free."""

GRACE_SECONDS = 2
"""How long requests that are under way may take to finish when the worker is told to stop, or the job ends."""


async def load(context: WorkerContext, tenant_id: UUID, batch_id: UUID, slot: Slot) -> UUID | None:
    """Load a batch, or some chunks of it if the slot is wanted for others; the id of its job, or None if another
    worker loads it or there is nothing to do."""
    async with database.as_tenant(tenant_id) as tx:
        lease = await leases.claim(tx, "batches", tenant_id, batch_id, context.worker)
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
        target = await stack.enter_async_context(context.target(job))
        source = await stack.enter_async_context(context.source(job)) if batch.entity == "files" else None
        await _Loading(context, job, batch, lease, slot, target, source).run()
    return job.id


Chunks = Callable[[], Awaitable[list[Staged]]]
"""Hands out the next records to load, none when there are no more."""


class _NotSent(Interrupted):
    """The request of a record was not sent, since the attempt ends."""


class _Suspect(msgspec.Struct, frozen=True):
    """Records about which a vendor gave no usable answer, though it answers."""

    record_ids: tuple[int, ...]
    error: ConnectorError
    successes: int
    """How many others had succeeded before these were tried."""


class _Loading:
    """One attempt at a batch."""

    def __init__(
        self,
        context: WorkerContext,
        job: Job,
        batch: Batch,
        lease: Lease,
        slot: Slot,
        target: Target,
        source: Source | None,
    ) -> None:
        self._context = context
        self._job = job
        self._batch = batch
        self._lease = lease
        self._slot = slot
        self._target = target
        self._source = source
        self._writer = Writer(target, source, look_up=partial(find_match, job, target))
        self._availability = Availability(job.id, context.waits, source=source, target=target)
        self._doubts = Doubts(context.in_doubt_seconds)
        self._double_at = 0.0
        """When to look for doubles, on the clock of `time.monotonic`."""
        self._uncounted: list[int] = []
        """Records whose doubts are not counted yet."""
        self._suspects: list[_Suspect] = []
        self._met_before: list[int] = []
        """Records that an earlier attempt may have written or failed at: the others go first."""
        self._last_position = -1
        self._handing_out = asyncio.Lock()
        self._is_second_try = False
        """Whether those are tried at which a vendor failed in this attempt already, while it took others."""
        self._suspicion: ConnectorError | None = None
        """Why several of these could not be looked up together."""
        self._failure: ConnectorError | Interrupted | None = None
        """Why no more requests are sent."""
        self._left: ConnectorError | None = None
        """Why records are left to the next attempt, while the others go on."""
        self._has_unread = False
        """Whether there are suspects that could not be looked up together."""
        self._gives_way = False
        """Whether the rest of the chunks is left to a later step."""

    async def run(self) -> None:
        """Load what has no outcome yet. Raises the `ConnectorError` or `Interrupted` that kept it from being all."""
        async with database.as_tenant(self._job.tenant_id) as tx:
            self._met_before = await in_flight.ids(tx, self._job.id, self._batch.entity, self._batch.positions)
        await self._work(self._in_order)
        if self._gives_way and self._failure is None:
            raise Interrupted
        await self._work(self._those(self._met_before))
        await self._clear_doubts()
        await self._try_suspects_again()
        await self._clear_doubts()
        if (failure := self._failure or self._left) is not None:
            raise failure
        async with self._availability.outages_waited_for():
            await asyncio.sleep(self._double_at - time.monotonic())
            await doubles.remove(self._job, self._batch, self._lease, self._target)
        async with database.as_tenant(self._job.tenant_id) as tx:
            await usage.add(tx, self._job.id, target=self._target.take_usage())
            await batches.complete(tx, self._lease)
        log.info("batch_completed", job=str(self._job.id), entity=self._batch.entity, number=self._batch.number)

    async def _work(self, chunks: Chunks) -> None:
        """Load all that is handed out."""
        if self._failure is not None:
            return
        try:
            async with asyncio.TaskGroup() as lanes:
                for _ in range(CONCURRENT_CHUNKS):
                    lanes.create_task(self._lane(chunks))
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _lane(self, chunks: Chunks) -> None:
        while self._failure is None and (chunk := await chunks()):
            try:
                await self._load(chunk)
            except (ConnectorError, Interrupted) as error:
                # Not raised, so that the other lane's requests finish.
                self._fail(error)

    async def _load(self, chunk: Sequence[Staged]) -> None:
        before = self._availability.successes
        availability = self._availability if self._is_second_try else None
        try:
            plans, failed_results = await plan_each(self._job, self._target, chunk, availability=availability)
            plans = await implied.foresee(self._job, self._target, plans)
        except (Unavailable, UnexpectedAnswer) as error:
            await self._availability.failed(error)
            self._has_unread = True
            self._suspects.append(_Suspect(tuple(staged.id for staged in chunk), error, before))
            return
        if self._suspicion is not None and not self._availability.successes and not plans:
            # Not a single record can be looked up: it is as likely that the vendor just fails.
            self._left = self._suspicion
            return
        plans = [plan for plan in plans if self._doubts.may_send(plan)]
        hopeless = [plan for plan in plans if self._doubts.is_hopeless(plan)]
        plans = [plan for plan in plans if plan not in hopeless]
        await self._announce(plans)
        if failed_results or hopeless:
            await self._store([*failed_results, *map(self._writer.never_confirmed, hopeless)])
        await self._carry_out(plans)

    async def _in_order(self) -> list[Staged]:
        # What could not be looked up bears no mark: a later step would only meet it again, and give way as well.
        if self._last_position >= 0 and not self._has_unread and self._slot.is_wanted:
            self._gives_way = True
            return []
        async with self._handing_out, database.as_tenant(self._job.tenant_id) as tx:
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

    def _those(self, record_ids: Collection[int]) -> Chunks:
        """Hand out those of these records that have no outcome."""
        left = list(record_ids)

        async def those() -> list[Staged]:
            while left:
                chunk = [left.pop(0) for _ in range(min(CHUNK, len(left)))]
                async with database.as_tenant(self._job.tenant_id) as tx:
                    if found := await records.waiting_among(tx, chunk):
                        return await self._complete(tx, found)
            return []

        return those

    async def _complete(self, tx: Connection, chunk: list[Staged]) -> list[Staged]:
        return await staging.with_replies(tx, self._job.id, chunk) if self._batch.entity == "notes" else chunk

    async def _clear_doubts(self) -> None:
        """Look for the records in doubt until each is found, or was looked for long enough and is sent again."""
        while self._failure is None and self._doubts:
            await self._count_doubts()
            seconds = self._doubts.seconds_left()
            if seconds > WAIT_SECONDS:
                self._fail(self._waits_for_doubts(seconds))
                return
            await asyncio.sleep(min(seconds, 1))
            async with database.as_tenant(self._job.tenant_id) as tx:
                if not (await jobs.get(tx, self._job.id)).may_go_on:
                    self._fail(Interrupted())
            await self._work(self._those(self._doubts.take_due()))

    async def _count_doubts(self) -> None:
        """Count the doubts of this attempt, which is not ended by an outage: they may be due to the records."""
        counted, self._uncounted = self._uncounted, []
        if counted:
            async with database.as_tenant(self._job.tenant_id) as tx:
                await leases.check(tx, self._lease)
                await in_flight.count_doubts(tx, counted)

    def _waits_for_doubts(self, seconds: float) -> MustWait:
        message = (
            f"The target did not confirm whether it created {len(self._doubts):,} of the {self._batch.entity}, and "
            "they have not been found there so far. Freight looks for them again before it sends them a second time; "
            "nothing has to be done."
        )
        return MustWait(message, until=datetime.now(UTC) + timedelta(seconds=seconds), code="create_in_doubt")

    async def _try_suspects_again(self) -> None:
        """Try those once more at which a vendor failed, while it took others; now they fail alone."""
        again: list[int] = []
        for suspect in self._suspects:
            if len(suspect.record_ids) > 1:
                # They could not be looked up together: it shows now which of them it is.
                self._suspicion = suspect.error
                again += suspect.record_ids
            elif suspect.successes < self._availability.successes:
                again += suspect.record_ids
            else:
                self._left = suspect.error
        self._suspects.clear()
        self._is_second_try = True
        await self._work(self._those(again))
        if self._suspects:
            self._left = self._suspects[-1].error

    def _fail(self, error: ConnectorError | Interrupted) -> None:
        """Send no more requests. A wait comes before all failures, which count as attempts."""
        if self._failure is None or (isinstance(error, MustWait) and not isinstance(self._failure, MustWait)):
            self._failure = error

    async def _announce(self, plans: Sequence[RecordPlan]) -> None:
        async with database.as_tenant(self._job.tenant_id) as tx:
            await leases.check(tx, self._lease)
            if not (await jobs.get(tx, self._job.id)).may_go_on:
                raise Interrupted
            if self._job.writes:
                intents = {plan.staged.id: plan.write for plan in plans if plan.write is not None}
                await in_flight.mark(tx, intents)

    async def _carry_out(self, plans: Sequence[RecordPlan]) -> None:
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

    async def _carry_out_one(self, plan: RecordPlan, stopping: asyncio.Event) -> Result | None:
        """The result; None for a record that is left for later."""
        if plan.write is None:
            return self._writer.leave(plan)
        if not self._job.writes:
            return self._writer.predict(plan)
        try:
            async with self._context.writing(self._job):
                if stopping.is_set() or self._failure is not None:
                    raise _NotSent
                before = self._availability.successes
                if plan.write == "create" and (plan.staged.is_doubted or plan.staged.doubts):
                    await self._name_sent_twice(plan)
                result = await self._writer.write(plan)
            if self._batch.entity == "files" and result.settled.target_id is not None:
                await reserve_created(self._job, "files", result.source_id, result.settled.target_id)
        except (SourceFailed, Unavailable, UnexpectedAnswer) as error:
            return await self._without_answer(plan, error, before)
        except Doubted as error:
            return await self._doubted(plan, error)
        self._availability.succeeded()
        return result

    async def _without_answer(
        self, plan: RecordPlan, error: SourceFailed | Unavailable | UnexpectedAnswer, before: int
    ) -> Result | None:
        """What becomes of a record about which a vendor gave no usable answer, while it answers others."""
        cause = error.cause if isinstance(error, SourceFailed) else error
        await self._availability.failed(cause)
        if self._is_second_try:
            return self._writer.given_up(plan, error)
        self._suspects.append(_Suspect((plan.staged.id,), cause, before))
        return None

    async def _doubted(self, plan: RecordPlan, error: Doubted) -> Result | None:
        """Keep a record in doubt, and name what was left out of it. Raises what keeps all others from going on."""
        async with database.as_tenant(self._job.tenant_id) as tx:
            await leases.check(tx, self._lease)
            await in_flight.mark_doubted(tx, [plan.staged.id])
            sent = [*error.draft.issues[len(plan.draft.issues) :], *self._writer.of_delivery(plan)]
            await logs.write(tx, self._job.tenant_id, self._job.id, [self._entry(plan, issue) for issue in sent])
        await self._availability.failed(error)
        self._uncounted.append(plan.staged.id)
        self._doubts.add(msgspec.structs.replace(plan.staged, in_flight_seconds=0.0, is_doubted=True))
        return None

    async def _name_sent_twice(self, plan: RecordPlan) -> None:
        self._double_at = time.monotonic() + self._context.in_doubt_seconds * doubles.LOOK
        async with database.as_tenant(self._job.tenant_id) as tx:
            await leases.check(tx, self._lease)
            await logs.write(tx, self._job.tenant_id, self._job.id, [self._entry(plan, SENT_TWICE)])

    def _entry(self, plan: RecordPlan, issue: Issue) -> Entry:
        return Entry(issue=issue, entity=self._batch.entity, source_id=plan.staged.source_id)

    async def _settle(self, tasks: Mapping[asyncio.Task[Result | None], RecordPlan]) -> None:
        results: list[Result] = []
        unsent: list[int] = []
        error: BaseException | None
        for task, plan in tasks.items():
            if (error := task.exception()) is None:
                results += filter(None, [task.result()])
            elif isinstance(error, ConnectorError | Interrupted):
                if _is_unsent(plan, error):
                    unsent.append(plan.staged.id)
                self._fail(error)
            elif is_about_records(error):
                results.append(failed(msgspec.structs.replace(plan.staged, in_flight=plan.write), error))
            else:
                raise error
        clashes = await self._store(results, unsent=unsent)
        plans = {plan.staged.id: plan for plan in tasks.values()}
        for clash in clashes:
            await self._part(plans[clash.result.settled.id], clash)

    async def _store(
        self, results: Sequence[Result], about_others: Sequence[Entry] = (), *, unsent: Sequence[int] = ()
    ) -> list[Clash]:
        async with database.as_tenant(self._job.tenant_id) as tx:
            results = await implied.name(tx, self._job, results)
            learning = self._job.pair if self._job.writes else None
            stored = await batches.store(tx, self._lease, self._batch, results, learning=learning)
            await in_flight.mark_unsent(tx, unsent)
            await logs.write(tx, self._job.tenant_id, self._job.id, about_others)
            read = self._source.take_usage() if self._source else None
            written = self._target.take_usage()
            await usage.add(tx, self._job.id, source=read, target=written, has_progressed=bool(results))
        return stored

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
            # The record has no outcome yet: the next attempt meets the clash again.
            self._fail(error.cause if isinstance(error, SourceFailed) else error)


def _is_unsent(plan: RecordPlan, error: ConnectorError | Interrupted) -> bool:
    """Return whether the target surely holds nothing of a record whose request ended with this error.

    A request that can be sent twice is repeated, also after a failure that may have come after its effect; a wait says
    nothing of what went before it.
    """
    if plan.staged.in_flight is not None:
        return False
    is_waiting = isinstance(error, MustWait) and plan.write == "create" and not plan.draft.unique
    return isinstance(error, _NotSent) or is_waiting
