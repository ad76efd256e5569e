"""`freight serve`: run the API, and a worker in the same process."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import click
import uvicorn

from freight import deployment, logging, queue, tasks, worker_loop
from freight import settings as settings_of
from freight.api.http.connections import (
    BACKLOG,
    ConnectionLimits,
    Connections,
    most_connections,
    quiet_about_descriptors,
)
from freight.app import create_app
from freight.deployment import Deployment
from freight.settings import Settings
from freight.worker_loop import Worker

RESERVED_DESCRIPTORS = 256
"""For files, logs, Redis, and connections that are just being accepted."""

DESCRIPTORS_PER_SLOT = 32
"""Connections to vendors that a worker opens for one batch or stream."""

GRACEFUL_SECONDS = 10
"""Seconds that active requests may take to finish when the service stops."""


@click.command()
@click.option("--no-worker", is_flag=True, help="Run the API only; `arq freight.worker` runs elsewhere.")
def serve(no_worker: bool) -> None:
    """Run the API and a worker.

    Without FREIGHT_DATABASE_URL and FREIGHT_REDIS_URL a PostgreSQL and a Redis are started from the data folder.
    """
    settings = settings_of.load()
    logging.configure(settings)
    asyncio.run(_serve(settings, with_worker=not no_worker))


async def _serve(settings: Settings, *, with_worker: bool) -> None:
    stop, serving = asyncio.Event(), asyncio.current_task()

    def told_to_stop() -> None:
        if not stop.is_set():
            worker_loop.end_at_last(worker_loop.LAST_RESORT_SECONDS)
        stop.set()
        if not ready.is_set() and serving is not None:
            serving.cancel()

    ready = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop)
    try:
        async with running(settings, with_worker=with_worker) as service:
            ready.set()
            click.echo(
                f"Freight is ready at {service.url} (API reference: {service.url}/schema). Press Ctrl-C to stop."
            )
            await service.until(stop)
    except asyncio.CancelledError:
        # Stopped while it was starting, perhaps while waiting for a server that does not answer.
        if not stop.is_set():
            raise


class Service:
    """A running service."""

    def __init__(self, url: str, tasks: list[asyncio.Task[None]]) -> None:
        self.url = url
        """The API's URL, such as `http://127.0.0.1:8000`."""
        self._tasks = tasks

    async def until(self, stop: asyncio.Event) -> None:
        """Wait for `stop`. Raise the error that ends the API or the worker before."""
        waiting = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([waiting, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        for task in done:
            task.result()


@asynccontextmanager
async def running(settings: Settings, *, with_worker: bool) -> AsyncIterator[Service]:
    """Run the service while the context lasts. Raise the same errors as `deployment.opened`."""
    async with deployment.opened(settings) as opened:
        deployment.warn_of_shared_user(settings)
        redis, closing = queue.connect(opened.redis_url), asyncio.Event()
        try:
            server = _Server(
                uvicorn.Config(
                    create_app(opened, redis, closing),
                    host=settings.host,
                    port=settings.port,
                    http=_limited(settings, with_worker=with_worker),
                    ws="none",
                    backlog=BACKLOG,
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    forwarded_allow_ips=settings.trusted_proxies,
                    timeout_graceful_shutdown=GRACEFUL_SECONDS,
                )
            )
            async with contextlib.AsyncExitStack() as stack:
                stack.callback(quiet_about_descriptors(asyncio.get_running_loop()))
                api = await stack.enter_async_context(_listening(server, settings))
                tasks = [api]
                if with_worker:
                    tasks.append(await stack.enter_async_context(_working(opened)))
                port = server.servers[0].sockets[0].getsockname()[1]
                # The API and the worker end concurrently.
                stack.callback(setattr, server, "should_exit", True)
                stack.callback(closing.set)
                host = f"[{settings.host}]" if ":" in settings.host else settings.host
                # Objects that exist by now stay, so the garbage collector need not check them during requests.
                gc.freeze()
                yield Service(f"http://{host}:{port}", tasks)
        finally:
            await redis.aclose(close_connection_pool=True)


def _limited(settings: Settings, *, with_worker: bool) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol, with limits that leave descriptors for the rest of the process."""
    slots = settings.worker_concurrency if with_worker else 0
    reserved = RESERVED_DESCRIPTORS + settings.database_pool_size + slots * DESCRIPTORS_PER_SLOT
    most = most_connections(ConnectionLimits().connections, reserved=reserved)
    return Connections(ConnectionLimits(connections=most)).protocol()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The command handles signals: uvicorn would raise them again while the worker ends.
        yield


@asynccontextmanager
async def _listening(server: uvicorn.Server, settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(_listen(server, settings))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        if task.done():
            task.result()
        yield task
    finally:
        server.should_exit = True
        await asyncio.wait([task])


async def _listen(server: uvicorn.Server, settings: Settings) -> None:
    try:
        await server.serve()
    except SystemExit as error:
        raise settings_of.SettingsError(
            f"The API cannot listen on {settings.host}:{settings.port}. Is something else listening there? "
            "Choose another FREIGHT_PORT."
        ) from error


@asynccontextmanager
async def _working(opened: Deployment) -> AsyncIterator[asyncio.Task[None]]:
    settings = tasks.arq_settings(opened.settings, opened.redis_url)
    settings["ctx"]["deployment"] = opened
    worker = Worker(**settings, handle_signals=False)
    task = asyncio.create_task(worker.async_run())
    try:
        yield task
    finally:
        await worker.stop()
        await asyncio.wait([task])
