"""The context of a worker: the tools with which it runs steps."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

from freight import database
from freight.connectors.errors import ConnectorError
from freight.connectors.protocols import Reader, Source, Target, Writer
from freight.domain.jobs import model as jobs
from freight.domain.jobs.discovered_schema import DiscoveredSchema, Rates
from freight.domain.jobs.model import Credentials, Job
from freight.domain.migration.availability import Waits
from freight.domain.migration.steps.cancellation import CancellationMonitor
from freight.domain.slots import Slots
from freight.domain.vendors import Vendors
from freight.encryption import CredentialCipher
from freight.queue import Queue

WRITES_AT_ONCE = 32
"""Concurrent writes of a worker to one account: enough for 25 a second if each takes a second."""

IN_DOUBT_SECONDS = 60.0
"""How long after a 504 a gateway may still forward the request."""

C = TypeVar("C", bound=Source | Target)
B = TypeVar("B", bound=Reader | Writer)


class WorkerContext:
    """The worker's name and its tools."""

    def __init__(
        self,
        *,
        worker: str,
        cipher: CredentialCipher,
        vendors: Vendors,
        queue: Queue,
        slots: Slots,
        in_doubt_seconds: float = IN_DOUBT_SECONDS,
    ) -> None:
        self.worker = worker
        self.queue = queue
        self.slots = slots
        self.waits = Waits()
        self.in_doubt_seconds = in_doubt_seconds
        """How long a record whose creation was not confirmed is looked for before it is sent again."""
        self._writers = WeakValueDictionary[tuple[str, ...], asyncio.Semaphore]()
        self._cipher = cipher
        self._vendors = vendors
        self._sources = _Shared[Source, Reader](
            self._credentials,
            lambda job, keys, watch: vendors.source(
                job.source_system,
                api_key=keys.source,
                base_url=job.source_base_url,
                account=job.source_workspace,
                watched=watch.pacer,
            ),
            lambda source, job, discovered: source.reader(discovered.schema, job.mapping),
        )
        self._targets = _Shared[Target, Writer](
            self._credentials,
            lambda job, keys, watch: vendors.target(
                job.target_system,
                api_key=keys.target,
                base_url=job.target_base_url,
                account=job.target_workspace,
                watched=watch.pacer,
            ),
            lambda target, _, discovered: target.writer(discovered.layout),
        )

    def rates(self, job: Job) -> Rates:
        """Return the requests a second that the job can expect."""
        return Rates(
            source=self._vendors.expected_rates(job.source_system),
            target=self._vendors.expected_rates(job.target_system),
        )

    @asynccontextmanager
    async def writing(self, job: Job) -> AsyncIterator[None]:
        """Limit the concurrent writes to the job's target, over all steps and jobs that write there.

        A target that takes a minute for each write does not slow down others.
        """
        account = (job.target_system, job.target_base_url, job.target_workspace)
        if (writers := self._writers.get(account)) is None:
            writers = self._writers[account] = asyncio.Semaphore(WRITES_AT_ONCE)
        async with writers:
            yield

    @asynccontextmanager
    async def source(self, job: Job) -> AsyncIterator[Source]:
        """Yield the job's source."""
        async with self._sources.of(job) as shared:
            yield shared.connector

    @asynccontextmanager
    async def target(self, job: Job) -> AsyncIterator[Target]:
        """Yield the job's target."""
        async with self._targets.of(job) as shared:
            yield shared.connector

    @asynccontextmanager
    async def reader(self, job: Job, discovered: DiscoveredSchema) -> AsyncIterator[tuple[Source, Reader]]:
        """Yield the job's source, and a reader bound to the discovered schema."""
        async with self._sources.of(job) as shared:
            yield shared.connector, shared.bound(job, discovered)

    @asynccontextmanager
    async def writer(self, job: Job, discovered: DiscoveredSchema) -> AsyncIterator[tuple[Target, Writer]]:
        """Yield the job's target, and a writer bound to the discovered schema."""
        async with self._targets.of(job) as shared:
            yield shared.connector, shared.bound(job, discovered)

    async def _credentials(self, job: Job) -> Credentials:
        async with database.as_tenant(job.tenant_id) as tx:
            return await jobs.credentials(tx, self._cipher, job.id)


class _Opened(Generic[C, B]):
    """A connector of a job, with its reader or writer once a step needs it."""

    def __init__(
        self, connector: C, monitor: CancellationMonitor, bind: Callable[[C, Job, DiscoveredSchema], B]
    ) -> None:
        self.connector = connector
        self.monitor = monitor
        self.users = 0
        self._bind = bind
        self._bound: tuple[DiscoveredSchema, B] | None = None

    def bound(self, job: Job, discovered: DiscoveredSchema) -> B:
        """Return the reader or writer, which all steps with the same schema share."""
        if self._bound is None or self._bound[0] != discovered:
            self._bound = discovered, self._bind(self.connector, job, discovered)
        return self._bound[1]


class _Shared(Generic[C, B]):
    """One connector per job for all concurrent steps: they share its connections and what it has learned."""

    def __init__(
        self,
        credentials: Callable[[Job], Awaitable[Credentials]],
        connect: Callable[[Job, Credentials, CancellationMonitor], C],
        bind: Callable[[C, Job, DiscoveredSchema], B],
    ) -> None:
        """`bind` returns the reader or writer of a connector."""
        self._credentials = credentials
        self._connect = connect
        self._bind = bind
        self._opened: dict[UUID, _Opened[C, B]] = {}
        self._opening = WeakValueDictionary[UUID, asyncio.Lock]()

    @asynccontextmanager
    async def of(self, job: Job) -> AsyncIterator[_Opened[C, B]]:
        if (opening := self._opening.get(job.id)) is None:
            opening = self._opening[job.id] = asyncio.Lock()
        async with opening:
            if job.id not in self._opened:
                self._opened[job.id] = await self._open(job)
            opened = self._opened[job.id]
            opened.users += 1
        opened.monitor.begin()
        try:
            yield opened
        finally:
            opened.users -= 1
            if opened.users == 0:
                del self._opened[job.id]
                await opened.monitor.aclose()
                await opened.connector.aclose()

    async def _open(self, job: Job) -> _Opened[C, B]:
        keys = await self._credentials(job)
        monitor = CancellationMonitor(job)
        try:
            return _Opened(self._connect(job, keys, monitor), monitor, self._bind)
        except ConnectorError:
            await monitor.aclose()
            raise
