"""What a worker has at hand while it carries out a step."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar
from uuid import UUID

from freight import database
from freight.connectors.errors import ConnectorError
from freight.connectors.protocols import Source, Target
from freight.domain import jobs
from freight.domain.jobs import Credentials, Job
from freight.domain.pipeline.watch import Watch
from freight.domain.vendors import Vendors
from freight.encryption import Vault
from freight.queue import Queue

WRITES_AT_ONCE = 32
"""Enough to keep 25 writes a second going when each takes a second."""

C = TypeVar("C", bound=Source | Target)


class Workplace:
    """The worker's name and its tools."""

    def __init__(self, *, worker: str, vault: Vault, vendors: Vendors, queue: Queue) -> None:
        self.worker = worker
        self.queue = queue
        self.writers = asyncio.Semaphore(WRITES_AT_ONCE)
        """Bounds the writes that this worker has under way, over all its batches."""
        self._vault = vault
        self._sources = _Shared[Source](
            self._credentials,
            lambda job, keys, watch: vendors.source(
                job.source_system,
                api_key=keys.source,
                base_url=job.source_base_url,
                account=job.source_workspace,
                watched=watch.pacer,
            ),
        )
        self._targets = _Shared[Target](
            self._credentials,
            lambda job, keys, watch: vendors.target(
                job.target_system,
                api_key=keys.target,
                base_url=job.target_base_url,
                account=job.target_workspace,
                watched=watch.pacer,
            ),
        )

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

    async def _credentials(self, job: Job) -> Credentials:
        async with database.as_tenant(job.tenant_id) as tx:
            return await jobs.credentials(tx, self._vault, job.id)


class _Shared(Generic[C]):
    """One connector per job for all steps that go on at once: they share its connections and what it has learned."""

    def __init__(
        self, credentials: Callable[[Job], Awaitable[Credentials]], connect: Callable[[Job, Credentials, Watch], C]
    ) -> None:
        self._credentials = credentials
        self._connect = connect
        self._opened: dict[UUID, tuple[C, Watch]] = {}
        self._users: dict[UUID, int] = {}
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def of(self, job: Job) -> AsyncIterator[C]:
        async with self._opening:
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

    async def _open(self, job: Job) -> tuple[C, Watch]:
        keys = await self._credentials(job)
        watch = Watch(job)
        try:
            return self._connect(job, keys, watch), watch
        except ConnectorError:
            await watch.aclose()
            raise
