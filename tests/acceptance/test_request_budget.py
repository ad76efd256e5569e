"""What a migration asks of the vendors: pages of the source, one write for each record, and nothing twice."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from freight_sandbox import Sandbox
from freight_sandbox import running as running_sandbox
from support import budget, migration, workspaces
from support import service as support
from support.budget import Cost
from support.service import Service, Tenant

SCALE = 100
SCALE_WITH_LINKS = 200
"""How many times smaller the workspaces are than the one that figures are promised for."""


@pytest.fixture(scope="module")
async def workspace() -> AsyncIterator[Sandbox]:
    async with running_sandbox(budget.workspace(SCALE)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
async def tenant(service: Service) -> AsyncIterator[Tenant]:
    async with support.a_tenant(service) as tenant:
        yield tenant


@pytest.fixture(scope="module")
async def predicted(workspace: Sandbox, tenant: Tenant) -> dict[str, Any]:
    """The dry run, which comes before anything was written."""
    job = await migration.carry(tenant, workspace, mode="dry_run")
    assert await workspaces.writes_received(workspace) == 0
    return job


@pytest.fixture(scope="module")
async def cost(workspace: Sandbox, tenant: Tenant, predicted: dict[str, Any]) -> Cost:
    """What the migration cost."""
    return await budget.measure(tenant, workspace)


async def test_the_source_is_read_by_the_page(cost: Cost) -> None:
    assert cost.reads <= cost.reads_allowed


async def test_every_record_and_every_part_of_the_schema_is_written_once(cost: Cost) -> None:
    assert cost.linked_later == 0
    assert cost.writes <= budget.SHARE * cost.written
    assert cost.schema_writes == cost.schema_parts


async def test_only_records_that_name_ones_loaded_after_them_are_written_once_more(tenant: Tenant) -> None:
    async with running_sandbox(budget.workspace(SCALE_WITH_LINKS, custom_fields=True)) as sandbox:
        cost = await budget.measure(tenant, sandbox)
    assert cost.linked_later > 0
    assert cost.written < cost.writes <= cost.writes_allowed
    assert cost.schema_writes == cost.schema_parts


async def test_the_dry_run_predicted_what_became_of_every_entity(cost: Cost, predicted: dict[str, Any]) -> None:
    assert migration.outcomes(predicted) == cost.outcomes


async def test_carried_again_unchanged_nothing_is_written(workspace: Sandbox, tenant: Tenant, cost: Cost) -> None:
    before = await workspaces.writes_received(workspace)
    await migration.carry(tenant, workspace)
    assert await workspaces.writes_received(workspace) == before
