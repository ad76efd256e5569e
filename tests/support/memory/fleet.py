"""Workers in this process that run a job step by step, and that are killed, or meet failures, at chosen writes."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from typing import Any, Literal
from uuid import UUID

from freight import database
from freight.connectors.errors import InDoubt, Unavailable
from freight.domain.jobs import model as jobs
from freight.domain.jobs.transitions import LIVE
from freight.domain.migration.records import leases
from freight.domain.migration.steps.extract import extract
from freight.domain.migration.steps.load import load
from freight.domain.migration.steps.resolve_references import resolve_references
from freight.domain.migration.steps.scheduling import schedule_swept
from freight.domain.migration.steps.start import start
from freight.domain.migration.steps.worker_context import WorkerContext
from freight.domain.slots import Slots, Step
from freight.domain.vendors import Vendors
from freight.encryption import CredentialCipher
from freight.model.crm import Entity
from freight.queue import Queue, Task, WakeUp
from freight.settings import Settings
from support.memory.jobs import Pair, create
from support.memory.workspaces import Moment
from support.scheduling import schedule_next
from support.service import Tenant

Accident = tuple[int, Literal["kill", "fail"]]
"""What happens, and at which moment of a write, counted from the previous accident: each write has two."""

MOST_ROUNDS = 500
"""How often a job is advanced until it counts as stuck."""

IN_DOUBT_SECONDS = 0.1

LEASED = {"jobs": "id", "streams": "job_id", "batches": "job_id"}
"""The tables that workers claim rows of, each with the column of the job."""

WORKER: ContextVar[int] = ContextVar("worker")
"""The number of the worker that runs the present step."""


class Fleet:
    """One worker at a time. A worker that is killed stops where it is; the next one takes over its rows."""

    def __init__(self, tenant: Tenant, settings: Settings, vendors: Vendors, queue: Queue) -> None:
        self._tenant = tenant
        self._vendors = vendors
        self._queue = queue
        self._cipher = CredentialCipher(settings.secrets)
        self._accidents: list[Accident] = []
        self._worker = 0
        self._killed = asyncio.Event()
        self._remains: list[asyncio.Task[Any]] = []

    async def run(self, pair: Pair, accidents: Sequence[Accident] = (), **changes: Any) -> jobs.Job:
        """Run a job of the pair with these accidents, and return it when it has ended."""
        self._accidents = list(accidents)
        pair.target.interrupt = self._interrupt
        job_id = await create(
            self._tenant, pair, vendors=self._vendors, cipher=self._cipher, queue=self._queue, **changes
        )
        context = self._context()
        for _ in range(MOST_ROUNDS):
            due = await schedule_next(self._tenant.id, job_id)
            for wake_up in due or await schedule_swept(self._tenant.id, job_id):
                if not await self._step(context, wake_up):
                    await self._take_over(job_id)
                    context = self._context()
                    break
            async with database.as_tenant(self._tenant.id) as tx:
                job = await jobs.get(tx, job_id)
            if job.status not in LIVE:
                await self._bury()
                return job
            await self._let_time_pass(job_id)
        raise AssertionError(f"The job makes no progress: {job}")

    def _context(self) -> WorkerContext:
        return WorkerContext(
            worker=f"worker-{self._worker}",
            cipher=self._cipher,
            vendors=self._vendors,
            queue=self._queue,
            slots=Slots(1),
            in_doubt_seconds=IN_DOUBT_SECONDS,
        )

    async def _step(self, context: WorkerContext, wake_up: WakeUp) -> bool:
        """Run a step. Return whether its worker is still alive."""
        WORKER.set(self._worker)
        step = asyncio.create_task(_attempt(context, wake_up))
        killed = asyncio.create_task(self._killed.wait())
        await asyncio.wait({step, killed}, return_when=asyncio.FIRST_COMPLETED)
        killed.cancel()
        if not self._killed.is_set():
            step.result()
            return True
        self._remains.append(step)
        return False

    async def _interrupt(self, moment: Moment, verb: str, _entity: Entity, _source_id: str) -> None:
        if WORKER.get() != self._worker or self._killed.is_set():
            await asyncio.Event().wait()
        if not self._accidents:
            return
        (count, what), *later = self._accidents
        if count > 0:
            self._accidents[0] = (count - 1, what)
            return
        self._accidents = later
        if what == "kill":
            self._killed.set()
            await asyncio.Event().wait()
        raise InDoubt if (moment, verb) == ("after", "create") else Unavailable

    async def _take_over(self, job_id: UUID) -> None:
        """Have the next worker take over, as after the leases of the killed one have expired."""
        async with database.as_tenant(self._tenant.id) as tx:
            for table, column in LEASED.items():
                await tx.execute(f"UPDATE {table} SET {leases.REVOKED} WHERE {column} = $1", job_id)
        self._worker += 1
        self._killed.clear()

    async def _let_time_pass(self, job_id: UUID) -> None:
        """Make due what waits for its next attempt."""
        async with database.as_tenant(self._tenant.id) as tx:
            for table, column in LEASED.items():
                await tx.execute(f"UPDATE {table} SET due_at = now() WHERE {column} = $1 AND due_at > now()", job_id)

    async def _bury(self) -> None:
        """End what is left of the killed workers."""
        for task in self._remains:
            task.cancel()
        await asyncio.gather(*self._remains, return_exceptions=True)
        self._remains.clear()


async def _attempt(context: WorkerContext, wake_up: WakeUp) -> None:
    tenant_id, row_id = wake_up.tenant_id, wake_up.id
    if wake_up.task == "start_job":
        await start(context, tenant_id, row_id)
        return
    async with context.slots.taken(Step(tenant_id, wake_up.job_id, row_id)) as slot:
        assert slot is not None
        await LONG[wake_up.task](context, tenant_id, row_id, slot)


LONG: dict[Task, Callable[..., Coroutine[Any, Any, UUID | None]]] = {
    "extract_stream": extract,
    "load_batch": load,
    "link_records": resolve_references,
}
