"""The loop of a worker: arq's worker, made to survive an outage of Redis and to end within a bounded time.

arq's own loop ends with the first command that Redis refuses, compares the wall clocks of all machines, and waits for
Redis without a limit when it ends. Here any failure of a command is a log line and a pause, a task is taken from the
queue by one atomic command that uses no clock, and every wait at the end has a limit.

A task that is lost between Redis and a worker does no harm: the sweep enqueues everything that is due according to
PostgreSQL.
"""

import asyncio
import contextlib
import inspect
import os
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import wraps
from signal import Signals
from typing import Any

import structlog
from arq.worker import Function
from arq.worker import Worker as ArqWorker
from redis.exceptions import RedisError, ResponseError

from freight import database, queue, throttled

FINISH_SECONDS = 1.0
"""Seconds that tasks may take to finish before all are cancelled."""

CANCEL_SECONDS = 8.0
"""Seconds that cancelled tasks may take to store their results."""

ABANDON_SECONDS = 1.0
"""Seconds that they may take after the connections for which they wait are closed."""

CLOSE_SECONDS = 5.0
"""Seconds that closing the worker's resources may take."""

LAST_RESORT_SECONDS = 25.0
"""Seconds after which a process that was told to stop ends, whatever it is doing."""

REDIS_SECONDS = 3.0
"""Seconds that a worker waits for Redis to record that a task has ended."""

MAX_PAUSE_SECONDS = 1.0
"""The maximum time between two attempts to read a queue that cannot be read."""

log = structlog.get_logger()


class Worker(ArqWorker):
    """A worker that stops only on a signal or `stop`. It takes arq's own arguments."""

    # arq's command uses those attributes of a module as arguments that the signature names.
    __signature__ = inspect.signature(ArqWorker)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._told_to_stop = asyncio.Event()
        self._scores: dict[str, float] = {}
        for function in self.functions.values():
            if isinstance(function, Function):
                function.coroutine = _without_outages(function.coroutine)  # type: ignore[assignment]

    def run(self) -> None:
        """Work until a signal arrives, then shut down in order. Used by `arq freight.worker`."""
        try:
            self.loop.run_until_complete(self._until_told())
        finally:
            self.loop.run_until_complete(self.stop())
            self.loop.run_until_complete(_end_what_is_left())

    async def _until_told(self) -> None:
        self.main_task = self.loop.create_task(self.main())
        told = self.loop.create_task(self._told_to_stop.wait())
        await asyncio.wait([self.main_task, told], return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if self.main_task.done():
            self.main_task.result()

    def handle_sig(self, signum: Signals) -> None:
        """Request the worker to stop."""
        if not self._told_to_stop.is_set():
            log.info("worker_stopping", signal=signum.name)
            end_at_last(LAST_RESORT_SECONDS)
        self._told_to_stop.set()

    handle_sig_wait_for_completion = handle_sig

    async def main(self) -> None:
        """Start up, and run tasks from the queue until cancelled. Raise only errors of the start-up."""
        if self.on_startup:
            await self.on_startup(self.ctx)
        pause = self.poll_delay_s
        while True:
            try:
                await self._take()
                pause = self.poll_delay_s
            except Exception as error:  # noqa: BLE001 - the worker must outlast any failure
                throttled.warning("queue_not_read", error, consequence="The worker waits until Redis works again.")
                pause = min(MAX_PAUSE_SECONDS, pause * 2)
            await asyncio.sleep(pause)

    async def _take(self) -> None:
        """Start as many tasks as there is room for. Each id in the queue goes to one worker only."""
        free = self.max_jobs - self.job_counter
        if not self.allow_pick_jobs or free <= 0:
            return
        for job_id, score in await self._pop(free):
            self._begin(job_id.decode(errors="replace"), score)

    async def _pop(self, number: int) -> list[tuple[bytes, float]]:
        try:
            taken: list[tuple[bytes, float]] = await self.pool.zpopmin(self.queue_name, number)
        except ResponseError as error:
            if not queue.is_poisoned(error):
                raise
            await self.pool.delete(self.queue_name)
            log.warning("queue_replaced", key=self.queue_name, reason=str(error))
            return []
        return taken

    def _begin(self, job_id: str, score: float) -> None:
        if job_id in self.tasks:
            return
        self.job_counter += 1
        self._scores[job_id] = score
        task = self.loop.create_task(self.run_job(job_id, int(score)))
        self.tasks[job_id] = task
        task.add_done_callback(lambda _: self._ended(job_id))

    def _ended(self, job_id: str) -> None:
        self.job_counter -= 1
        del self.tasks[job_id], self._scores[job_id]

    async def run_job(self, job_id: str, score: int) -> None:
        """Run a task. Never raise: the sweep enqueues again what could not be run."""
        try:
            await super().run_job(job_id, score)
        except (RedisError, OSError) as error:
            throttled.warning("task_not_run", error)
        except Exception:  # Redis may hold data that Freight did not write
            log.exception("task_not_run", task=job_id)
            await self.finish_failed_job(job_id, None)

    async def finish_job(self, job_id: str, finish: bool, *args: Any) -> None:
        """Remove a task that has ended, or enqueue a cancelled one again for another worker."""
        async with _optional("task_not_forgotten"):
            await super().finish_job(job_id, finish, *args)
            if not finish and job_id in self._scores:
                await self.pool.zadd(self.queue_name, {job_id: self._scores[job_id]})

    async def finish_failed_job(self, job_id: str, result_data: bytes | None) -> None:
        """Remove a task that could not be run."""
        async with _optional("task_not_forgotten"):
            await super().finish_failed_job(job_id, result_data)

    async def stop(self) -> None:
        """Stop within some twenty seconds, even if PostgreSQL and Redis are unavailable, and without an error."""
        self.allow_pick_jobs = False
        await self._until_ended(FINISH_SECONDS)
        self._cancel()
        await self._until_ended(CANCEL_SECONDS)
        if self.tasks:
            log.warning("tasks_abandoned", tasks=sorted(self.tasks))
            database.abandon()
            self._cancel()
            await self._until_ended(ABANDON_SECONDS)
        if self.main_task is not None:
            self.main_task.cancel()
            await asyncio.wait([self.main_task], timeout=ABANDON_SECONDS)
        if self.on_shutdown:
            async with _optional("worker_not_closed", seconds=CLOSE_SECONDS):
                await self.on_shutdown(self.ctx)
        async with _optional("worker_not_closed"):
            await self.pool.aclose(close_connection_pool=True)

    def _cancel(self) -> None:
        for task in self.tasks.values():
            task.cancel()

    async def _until_ended(self, seconds: float) -> None:
        if self.tasks:
            await asyncio.wait(list(self.tasks.values()), timeout=seconds)


def end_at_last(seconds: float) -> None:
    """End this process with status 0 after so many seconds, even if its event loop is blocked.

    Nothing is lost: a process of Freight may be killed at any moment.
    """

    def end() -> None:
        log.error("stopped_by_force", reason=f"It has not stopped within {seconds:.0f} seconds of being told to.")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


async def _end_what_is_left() -> None:
    """Cancel what still runs in this loop, so that it causes no warnings when the process ends."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=ABANDON_SECONDS)


@contextlib.asynccontextmanager
async def _optional(event: str, *, seconds: float = REDIS_SECONDS) -> AsyncIterator[None]:
    """Run to the end, or log and continue after `seconds` or a failure."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except Exception as error:  # noqa: BLE001 - by its name
        throttled.warning(event, error)


def _without_outages(coroutine: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return the task, made to end quietly when PostgreSQL is unavailable: arq would log a traceback for each."""

    @wraps(coroutine)
    async def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return await coroutine(*args, **kwargs)
        except database.Unavailable as error:
            throttled.warning("task_interrupted", error, consequence="The sweep enqueues it again.")
            return None

    return run
