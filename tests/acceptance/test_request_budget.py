"""What a migration asks of the vendors: pages of the source, one write for each record, and nothing twice."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from freight.sandbox import Sandbox, SandboxOptions
from freight.sandbox import running as running_sandbox
from freight.settings import Settings
from support import budget, migration, workspaces
from support import service as support
from support.service import Service, Tenant

SCALE = 25
"""The workspace that the figures are promised for is so many times as large."""


@pytest.fixture(scope="module")
async def workspace() -> AsyncIterator[Sandbox]:
    options = SandboxOptions(
        companies=5_000 // SCALE,
        people=20_000 // SCALE,
        opportunities=2_000 // SCALE,
        lists=10,
        entries=15_000 // SCALE,
        notes=10_000 // SCALE,
        reminders=2_000 // SCALE,
        files=200 // SCALE,
        custom_fields=True,
        unlimited=True,
        deals_enabled=True,
    )
    async with running_sandbox(options) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
async def service(settings: Settings) -> AsyncIterator[Service]:
    """With a worker, and for every sandbox on this host."""
    chosen = msgspec.structs.replace(settings, vendor_hosts="127.0.0.1,localhost")
    async with support.running(chosen, with_worker=True) as service:
        yield service


async def test_a_migration_reads_pages_writes_each_record_once_and_then_nothing(
    workspace: Sandbox, service: Service, tenant: Tenant
) -> None:
    cost = await budget.measure(tenant, workspace)
    assert cost.reads <= cost.reads_allowed
    assert cost.writes <= cost.writes_allowed
    assert cost.schema_writes == cost.schema_parts

    before = await workspaces.writes_received(workspace)
    await migration.carry(tenant, workspace)
    assert await workspaces.writes_received(workspace) == before
