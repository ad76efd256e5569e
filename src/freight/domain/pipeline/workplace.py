"""What a worker has at hand while it carries out a step."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec

from freight import database
from freight.connectors.protocols import Source, Target
from freight.domain import jobs
from freight.domain.jobs import Job
from freight.domain.vendors import Vendors
from freight.encryption import Vault
from freight.queue import Queue

WRITES_AT_ONCE = 32
"""Enough to keep 25 writes a second going when each takes a second."""


class Workplace(msgspec.Struct, frozen=True, kw_only=True):
    """The worker's name and its tools."""

    worker: str
    vault: Vault
    vendors: Vendors
    queue: Queue
    writers: asyncio.Semaphore
    """Bounds the writes that this worker has under way, over all its batches."""

    @asynccontextmanager
    async def source(self, job: Job) -> AsyncIterator[Source]:
        """The job's source."""
        keys = await self._credentials(job.tenant_id, job.id)
        source = self.vendors.source(
            job.source_system, api_key=keys.source, base_url=job.source_base_url, account=job.source_workspace
        )
        try:
            yield source
        finally:
            await source.aclose()

    @asynccontextmanager
    async def target(self, job: Job) -> AsyncIterator[Target]:
        """The job's target."""
        keys = await self._credentials(job.tenant_id, job.id)
        target = self.vendors.target(
            job.target_system, api_key=keys.target, base_url=job.target_base_url, account=job.target_workspace
        )
        try:
            yield target
        finally:
            await target.aclose()

    async def _credentials(self, tenant_id: UUID, job_id: UUID) -> jobs.Credentials:
        async with database.as_tenant(tenant_id) as tx:
            return await jobs.credentials(tx, self.vault, job_id)
