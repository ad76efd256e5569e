"""What workers do: the tasks that arq runs, and how a worker is set up for them.

A task only names a row: the worker that claims the row in PostgreSQL does the work.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import structlog
from arq import Retry
from redis.exceptions import RedisError

from freight import database, deployment, logging, queue, throttled, worker_loop
from freight.database import DatabaseError
from freight.deployment import Deployment
from freight.domain import slots
from freight.domain.migration.records import leases
from freight.domain.migration.records.clocks import DatabaseClock
from freight.domain.migration.steps.dispatch import dispatch
from freight.domain.migration.steps.extract import extract
from freight.domain.migration.steps.load import load
from freight.domain.migration.steps.resolve_references import resolve_references
from freight.domain.migration.steps.scheduling import live_jobs, schedule_swept
from freight.domain.migration.steps.start import start
from freight.domain.migration.steps.worker_context import WorkerContext
from freight.domain.slots import Slot, Slots, Step
from freight.domain.tenancy import retention
from freight.domain.vendors import Vendors
from freight.domain.webhooks import deliveries
from freight.domain.webhooks import sender as webhook_sender
from freight.domain.webhooks.sender import WebhookSender
from freight.egress import EgressPolicy
from freight.encryption import SecretError
from freight.queue import Queue
from freight.settings import Settings, SettingsError
from freight_embedded import EmbeddedError

SWEEP_SECONDS = 5
"""How often a sweep looks for work of live jobs that is due and not enqueued."""

PURGE_SECONDS = 3600
"""How often data is erased after its retention time."""

FIRST_PURGE_SECONDS = 60
"""When a worker first does so: not at once, so that frequent restarts do not cause additional purges."""
SWEEP_BUDGET_SECONDS = 2.5
MAX_SWEPT = 200
"""How long one sweep may take, and how many tasks it may enqueue. The next sweep begins with other jobs."""

MAX_SHORT = 32
"""Concurrent tasks other than long steps. They take milliseconds, apart from deliveries, which have their own limit."""

PASSES = 3
"""How often a worker without a free slot hands a long step back to the queue, for other workers, before it waits for a
slot of its own."""

HEARTBEAT_SECONDS = 5

TURN_SHARE = 0.9
"""The fraction of a periodic task's interval for which the worker that ran it keeps other workers from running it."""

FAREWELL_SECONDS = 1.0
"""How long a worker that stops tries to remove its name from the list of live workers."""

MAX_HOST_LENGTH = 40
"""Characters of the host name in a worker's name, which has at most 64."""

log = structlog.get_logger()

TASK_SECONDS = 900
"""How long a task may take before arq cancels it. The rest of its work is enqueued again."""

Context = dict[str, Any]

LongStep = Callable[[WorkerContext, UUID, UUID, Slot], Awaitable[UUID | None]]
"""Attempts a tenant's row and returns its job's id, or None if there is nothing to do."""


def arq_settings(settings: Settings, redis_url: str) -> dict[str, Any]:
    """Return the settings of an arq worker."""
    return {
        "ctx": {"settings": settings},
        "functions": [advance_job, start_job, extract_stream, load_batch, link_records, deliver_webhook],
        "on_startup": on_startup,
        "on_shutdown": on_shutdown,
        "redis_pool": queue.connect(redis_url),
        "queue_name": queue.QUEUE,
        "job_serializer": queue.pack,
        "job_deserializer": queue.unpack,
        # As many slots as there are may be lent.
        "max_jobs": 2 * settings.worker_concurrency + slots.ROOM + webhook_sender.AT_ONCE + MAX_SHORT,
        "job_timeout": TASK_SECONDS,
        # A result that is kept would make arq refuse the task's id.
        "keep_result": 0,
        "max_tries": 1000,
        # The default of 0.5 s would allow 20 short tasks a second.
        "poll_delay": 0.05,
        "job_completion_wait": worker_loop.FINISH_SECONDS,
    }


async def advance_job(ctx: Context, tenant_id: str, job_id: str) -> None:
    """Enqueue what is due for a job."""
    context: WorkerContext = ctx["context"]
    await dispatch(context.queue, UUID(tenant_id), UUID(job_id))


async def start_job(ctx: Context, tenant_id: str, row_id: str, job_id: str) -> None:
    """Start a job if it has not been started."""
    await _step(ctx, tenant_id, row_id, job_id, lambda context, tenant, job, _slot: start(context, tenant, job))


async def extract_stream(ctx: Context, tenant_id: str, stream_id: str, job_id: str) -> None:
    """Read a stream to its end."""
    await _step(ctx, tenant_id, stream_id, job_id, extract)


async def load_batch(ctx: Context, tenant_id: str, batch_id: str, job_id: str) -> None:
    """Load a batch."""
    await _step(ctx, tenant_id, batch_id, job_id, load)


async def link_records(ctx: Context, tenant_id: str, row_id: str, job_id: str) -> None:
    """Write the references of records to what was loaded after them."""
    await _step(ctx, tenant_id, row_id, job_id, resolve_references)


async def deliver_webhook(ctx: Context, tenant_id: str, delivery_id: str) -> None:
    """Deliver an event to a webhook."""
    sender: WebhookSender = ctx["sender"]
    await sender.deliver(UUID(tenant_id), UUID(delivery_id))


async def sweep(ctx: Context) -> None:
    """Enqueue all due work of live jobs and deliveries, whose tasks may be lost or may never have been enqueued."""
    context: WorkerContext = ctx["context"]
    async with database.as_platform() as tx:
        due = await deliveries.due(tx)
    await context.queue.enqueue(due)
    live = await live_jobs()
    enqueued, until = 0, time.monotonic() + SWEEP_BUDGET_SECONDS
    for number, (tenant_id, job_id) in enumerate(live):
        if enqueued >= MAX_SWEPT or time.monotonic() > until:
            log.info("sweep_cut_short", looked_at=number, live=len(live))
            return
        try:
            wake_ups = await schedule_swept(tenant_id, job_id)
        except database.Unavailable:
            raise
        except Exception:  # one job that cannot be scheduled must not block all others
            log.exception("job_not_advanced", job=str(job_id))
            continue
        await context.queue.enqueue(wake_ups)
        enqueued += len(wake_ups)


async def _repeatedly(tasks: Queue, name: str, work: Callable[[], Awaitable[None]], *, seconds: float) -> None:
    """Run `work` every `seconds` of the monotonic clock, in one worker at a time. Failures do not end the loop."""
    while True:
        if await tasks.has_turn(name, seconds * TURN_SHARE):
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - the next time may succeed
                known = isinstance(error, database.Unavailable)
                throttled.warning(f"{name}_interrupted", error, exc_info=None if known else error)
                await tasks.give_turn_back(name)
        await asyncio.sleep(seconds)


async def _step(ctx: Context, tenant_id: str, row_id: str, job_id: str, run: LongStep) -> None:
    """Run a long step if there is a slot for it, then enqueue what is due for its job."""
    context: WorkerContext = ctx["context"]
    async with _slot(ctx, tenant_id, job_id, row_id) as slot:
        if slot is None or await run(context, UUID(tenant_id), UUID(row_id), slot) is None:
            return
    await dispatch(context.queue, UUID(tenant_id), UUID(job_id))


@asynccontextmanager
async def _slot(ctx: Context, tenant_id: str, job_id: str, row_id: str) -> AsyncIterator[Slot | None]:
    """Hold a slot for a long step, or yield None if there is none. Other workers get a chance before it waits here."""
    context: WorkerContext = ctx["context"]
    waits = ctx["workers"] == 1 or ctx["job_try"] > PASSES
    async with context.slots.taken(Step(tenant_id, job_id, row_id), wait=waits) as slot:
        if slot is None and not waits:
            raise Retry
        yield slot


async def on_startup(ctx: Context) -> None:
    """Open the resources that tasks use."""
    settings: Settings = ctx["settings"]
    logging.configure(settings)
    stack = ctx["stack"] = AsyncExitStack()
    try:
        # Inside `freight serve` the deployment is open already.
        if "deployment" not in ctx:
            ctx["deployment"] = await stack.enter_async_context(deployment.opened(settings))
    except (SettingsError, EmbeddedError, DatabaseError, SecretError) as error:
        raise SystemExit(str(error)) from error
    opened: Deployment = ctx["deployment"]
    # A separate client: arq's waits for Redis, while pacing and enqueueing must not.
    redis = queue.connect(opened.redis_url)
    stack.push_async_callback(redis.aclose, close_connection_pool=True)
    tasks = Queue(redis)
    name = worker_name(socket.gethostname())
    ctx["workers"] = 1
    ctx["context"] = WorkerContext(
        worker=name,
        cipher=opened.cipher,
        vendors=Vendors(settings, redis, workers=lambda: int(ctx["workers"])),
        queue=tasks,
        slots=Slots(settings.worker_concurrency),
        in_doubt_seconds=settings.in_doubt_seconds,
    )
    ctx["sender"] = WebhookSender(
        worker=name, cipher=opened.cipher, egress_policy=EgressPolicy(settings.extra_webhook_hosts)
    )
    for repeated in (_beat(ctx, tasks, name), _sweeping(ctx, tasks), _purging(tasks)):
        stack.push_async_callback(_stop, asyncio.create_task(repeated))
    log.info("worker_started", worker=name)


def worker_name(host: str) -> str:
    """Return a unique name for this worker that fits into the column of its leases."""
    return f"{host[:MAX_HOST_LENGTH]}-{os.getpid()}-{uuid4().hex[:6]}"


async def on_shutdown(ctx: Context) -> None:
    """Close what `on_startup` opened, also if it failed halfway."""
    log.info("worker_stopped")
    if "stack" in ctx:
        await ctx["stack"].aclose()


async def _sweeping(ctx: Context, tasks: Queue) -> None:
    clock = DatabaseClock()

    async def follow_and_sweep() -> None:
        await clock.follow()
        await sweep(ctx)

    await _repeatedly(tasks, "sweep", follow_and_sweep, seconds=SWEEP_SECONDS)


async def _purging(tasks: Queue) -> None:
    await asyncio.sleep(FIRST_PURGE_SECONDS)
    await _repeatedly(tasks, "purge", retention.purge, seconds=PURGE_SECONDS)


async def _beat(ctx: Context, tasks: Queue, name: str) -> None:
    reported = leases.LOSSES.total
    try:
        while True:
            try:
                lost = leases.LOSSES.total
                await tasks.report_worker(name, leases_lost=lost - reported)
                reported = lost
                ctx["workers"] = max(1, await tasks.workers())
            except RedisError as error:
                throttled.warning("heartbeat_missed", error)
            await asyncio.sleep(HEARTBEAT_SECONDS)
    finally:
        with contextlib.suppress(RedisError, TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await tasks.forget_worker(name)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
