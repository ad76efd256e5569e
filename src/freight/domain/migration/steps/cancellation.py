"""Stop the requests of a job that was paused or is ending.

About a second after a job is paused, no more requests are sent to vendors for it. Requests in progress of a job that is
ending are cancelled soon afterwards.
"""

import asyncio
from datetime import datetime
from uuid import UUID
from weakref import WeakSet

from freight import database, throttled
from freight.connectors.protocols import Kind, Pacer
from freight.domain import current_step
from freight.domain.current_step import CurrentStep, Interrupted
from freight.domain.errors import NotFound
from freight.domain.jobs import model as jobs
from freight.domain.jobs import transitions
from freight.domain.jobs.model import Job

LOOK_SECONDS = 0.5
"""How often the state of a running job is read."""


class CancellationMonitor:
    """Watches the state of a job for as long as this process runs its steps."""

    def __init__(self, job: Job) -> None:
        self._tenant_id: UUID = job.tenant_id
        self._job_id: UUID = job.id
        self._may_go_on = True
        self._waiting: set[asyncio.Timeout] = set()
        self._steps: WeakSet[CurrentStep] = WeakSet()
        """The pending requests for a turn."""
        self._looking = asyncio.create_task(self._look())

    def begin(self) -> None:
        """Record that a step begins, which has just read that the job may go on: an earlier pause is over."""
        self._may_go_on = True

    def pacer(self, pacer: Pacer) -> Pacer:
        """Return a pacer for the job's connectors that raises `Interrupted` while the job must not go on."""
        return _WatchedPacer(self, pacer)

    async def turn(self, pacer: Pacer, kind: Kind) -> None:
        """Wait for a turn. Raise `Interrupted` as soon as the job must not go on."""
        if (step := current_step.get()) is not None:
            self._steps.add(step)
        if not self._may_go_on:
            raise Interrupted
        try:
            async with asyncio.timeout(None) as waiting:
                self._waiting.add(waiting)
                try:
                    await pacer.turn(kind)
                finally:
                    self._waiting.discard(waiting)
        except TimeoutError:
            if waiting.expired():
                raise Interrupted from None
            raise
        if not self._may_go_on:
            raise Interrupted

    async def aclose(self) -> None:
        """Stop watching."""
        self._looking.cancel()
        await asyncio.wait([self._looking])

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            is_over = False
            try:
                async with database.as_tenant(self._tenant_id) as tx:
                    job = await jobs.get(tx, self._job_id)
                self._may_go_on = job.may_go_on
                is_over = job.is_ending or job.status not in transitions.LIVE
            except NotFound:
                self._may_go_on, is_over = False, True
            except Exception as error:  # noqa: BLE001 - the next read may succeed; until then no step can be paused
                throttled.warning("job_not_looked_at", error, job=str(self._job_id))
                continue
            if not self._may_go_on:
                self._end_waits()
            if is_over:
                self._end_steps()

    def _end_waits(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._waiting:
            self._waiting.pop().reschedule(now)

    def _end_steps(self) -> None:
        for step in list(self._steps):
            step.end()


class _WatchedPacer:
    def __init__(self, watch: CancellationMonitor, pacer: Pacer) -> None:
        self._watch = watch
        self._pacer = pacer

    async def turn(self, kind: Kind) -> None:
        await self._watch.turn(self._pacer, kind)

    async def pause(self, kind: Kind, until: datetime) -> None:
        await self._pacer.pause(kind, until)

    async def succeeded(self) -> None:
        await self._pacer.succeeded()

    async def failed(self) -> None:
        await self._pacer.failed()
