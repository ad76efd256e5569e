"""What a worker has at hand while it carries out a step."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

from freight import database
from freight.connectors.errors import ConnectorError
from freight.connectors.protocols import Source, Target
from freight.domain.jobs import discovered_schema
from freight.domain.jobs import model as jobs
from freight.domain.jobs.discovered_schema import DiscoveredSchema, Rates
from freight.domain.jobs.model import Credentials, Job
from freight.domain.migration.steps.availability import Waits
from freight.domain.migration.steps.cancellation import CancellationMonitor
from freight.domain.slots import Slots
from freight.domain.vendors import Vendors
from freight.encryption import CredentialCipher
from freight.queue import Queue

WRITES_AT_ONCE = 32
"""Writes that a worker has under way to one account: enough for 25 a second when each takes a second."""

IN_DOUBT_SECONDS = 60.0
"""A gateway that answers 504 may pass the request on for as long as this."""

C = TypeVar("C", bound=Source | Target)


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
        """For how long a record is looked for whose creation was not confirmed, before it is sent again."""
        self._writers = WeakValueDictionary[tuple[str, ...], asyncio.Semaphore]()
        self._cipher = cipher
        self._vendors = vendors
        self._sources = _Shared[Source](
            self._look_up,
            lambda job, keys, watch: vendors.source(
                job.source_system,
                api_key=keys.source,
                base_url=job.source_base_url,
                account=job.source_workspace,
                watched=watch.pacer,
            ),
            lambda source, job, discovered: source.use(discovered.schema, job.mapping),
        )
        self._targets = _Shared[Target](
            self._look_up,
            lambda job, keys, watch: vendors.target(
                job.target_system,
                api_key=keys.target,
                base_url=job.target_base_url,
                account=job.target_workspace,
                watched=watch.pacer,
            ),
            lambda target, _, discovered: target.use(discovered.layout),
        )

    def rates(self, job: Job) -> Rates:
        """Return the requests a second on which the job can count."""
        return Rates(
            source=self._vendors.expected_rates(job.source_system),
            target=self._vendors.expected_rates(job.target_system),
        )

    @asynccontextmanager
    async def writing(self, job: Job) -> AsyncIterator[None]:
        """Bound the writes that are under way to the job's target, over all steps and jobs that write there: a target
        that takes a minute for each holds up no other one."""
        account = (job.target_system, job.target_base_url, job.target_workspace)
        if (writers := self._writers.get(account)) is None:
            writers = self._writers[account] = asyncio.Semaphore(WRITES_AT_ONCE)
        async with writers:
            yield

    @asynccontextmanager
    async def source(self, job: Job) -> AsyncIterator[Source]:
        """The job's source."""
        async with self._sources.of(job) as source:
            yield source

    @asynccontextmanager
    async def target(self, job: Job) -> AsyncIterator[Target]:
        """The job's target."""
        async with self._targets.of(job) as target:
            yield target

    async def _look_up(self, job: Job) -> tuple[Credentials, DiscoveredSchema | None]:
        async with database.as_tenant(job.tenant_id) as tx:
            return await jobs.credentials(tx, self._cipher, job.id), await discovered_schema.read(tx, job.id)


class _Shared(Generic[C]):
    """One connector per job for all steps that go on at once: they share its connections and what it has learned."""

    def __init__(
        self,
        look_up: Callable[[Job], Awaitable[tuple[Credentials, DiscoveredSchema | None]]],
        connect: Callable[[Job, Credentials, CancellationMonitor], C],
        instruct: Callable[[C, Job, DiscoveredSchema], None],
    ) -> None:
        """`instruct` tells a new connector of what the job found out before it began."""
        self._look_up = look_up
        self._connect = connect
        self._instruct = instruct
        self._opened: dict[UUID, tuple[C, CancellationMonitor]] = {}
        self._users: dict[UUID, int] = {}
        self._opening = WeakValueDictionary[UUID, asyncio.Lock]()

    @asynccontextmanager
    async def of(self, job: Job) -> AsyncIterator[C]:
        if (opening := self._opening.get(job.id)) is None:
            opening = self._opening[job.id] = asyncio.Lock()
        async with opening:
            if job.id not in self._opened:
                self._opened[job.id] = await self._open(job)
            self._users[job.id] = self._users.get(job.id, 0) + 1
        connector, watch = self._opened[job.id]
        watch.begin()
        try:
            yield connector
        finally:
            self._users[job.id] -= 1
            if self._users[job.id] == 0:
                del self._users[job.id], self._opened[job.id]
                await watch.aclose()
                await connector.aclose()

    async def _open(self, job: Job) -> tuple[C, CancellationMonitor]:
        keys, discovered = await self._look_up(job)
        watch = CancellationMonitor(job)
        try:
            connector = self._connect(job, keys, watch)
        except ConnectorError:
            await watch.aclose()
            raise
        if discovered is not None:
            self._instruct(connector, job, discovered)
        return connector, watch
