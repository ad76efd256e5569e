"""A running service, and tenants who use it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec

from freight import database
from freight.cli.serve import running as serving
from freight.domain.tenancy import api_keys, tenants
from freight.domain.tenancy.api_keys import ALL_SCOPES, Scope
from freight.domain.tenancy.audit import Actor
from freight.domain.tenancy.tenants import TenantRequest
from freight.encryption import CredentialCipher
from freight.settings import Settings
from freight_sandbox import Sandbox
from support.clients import client

SOMEBODY = Actor(tenant_id=None, name="test")


@dataclass(frozen=True)
class Service:
    """The API on a socket of its own."""

    url: str
    settings: Settings

    def client(self, key: str | None = None) -> httpx.AsyncClient:
        """Return a client that sends this key."""
        return client(self.url, api_key=key)

    async def new_tenant(self) -> UUID:
        async with database.as_platform() as tx:
            return (await tenants.create(tx, SOMEBODY, TenantRequest(name=f"Tenant {uuid4()}"))).id

    async def new_key(self, tenant_id: UUID | None, scopes: Sequence[Scope] = ALL_SCOPES) -> str:
        """Return a key of a tenant, or of the administrator for None."""
        cipher = CredentialCipher(self.settings.secrets)
        actor = msgspec.structs.replace(SOMEBODY, tenant_id=tenant_id)
        async with database.as_platform() as tx:
            new = await api_keys.issue(
                tx, cipher, actor, tenant_id=tenant_id, name="test", environment="test", scopes=scopes
            )
        return new.key


@dataclass(frozen=True)
class Tenant:
    """A firm that uses the service."""

    id: UUID
    key: str
    client: httpx.AsyncClient


@asynccontextmanager
async def running(settings: Settings, *, with_worker: bool = False) -> AsyncIterator[Service]:
    """Yield the service as `freight serve` runs it. The process has one database pool, so one at a time."""
    async with serving(settings, with_worker=with_worker) as started:
        yield Service(url=started.url, settings=settings)


@asynccontextmanager
async def a_tenant(service: Service) -> AsyncIterator[Tenant]:
    """Yield a new tenant with a key that may do everything."""
    tenant_id = await service.new_tenant()
    key = await service.new_key(tenant_id)
    async with service.client(key) as client:
        yield Tenant(id=tenant_id, key=key, client=client)


def job_request(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    """Return a request for a job from the sandbox's Affinity to its Attio."""
    return {
        "source_system": "affinity",
        "target_system": "attio",
        "source_config": {"api_key": sandbox.affinity_key, "base_url": sandbox.affinity_url},
        "target_config": {"api_key": sandbox.attio_key, "base_url": sandbox.attio_url},
        **changes,
    }
