"""A workspace with everything that Affinity can hold goes through, and what cannot is named, value by value."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from freight_sandbox import Sandbox
from support import comparison, everything, migration, workspaces
from support import service as support
from support.comparison import source
from support.comparison.explanation import unexplained
from support.service import Service, Tenant


@pytest.fixture(scope="module")
async def workspace(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    async with everything.running(tmp_path_factory.mktemp("everything")) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
async def tenant(service: Service) -> AsyncIterator[Tenant]:
    async with support.a_tenant(service) as tenant:
        yield tenant


@pytest.fixture(scope="module")
async def carried(workspace: Sandbox, tenant: Tenant) -> dict[str, Any]:
    """The job that carried everything."""
    return await migration.carry(tenant, workspace)


async def test_every_value_arrives_or_the_log_says_why_it_did_not(
    workspace: Sandbox, tenant: Tenant, carried: dict[str, Any]
) -> None:
    found = await comparison.differences(workspace)
    assert unexplained(found, await migration.said(tenant, carried["id"])) == []
    assert {difference.kind for difference in found} >= {"absent", "claimed", "malformed", "owner", "reference"}


async def test_the_outcomes_sum_to_what_the_source_itself_counts(workspace: Sandbox, carried: dict[str, Any]) -> None:
    read = {entity: counts["read"] for entity, counts in migration.outcomes(carried).items()}
    assert read == await source.counted(workspace)


async def test_carried_again_unchanged_nothing_is_written(
    workspace: Sandbox, tenant: Tenant, carried: dict[str, Any]
) -> None:
    before = await workspaces.writes_received(workspace)
    again = await migration.carry(tenant, workspace)
    assert await workspaces.writes_received(workspace) == before
    for entity, counts in migration.outcomes(carried).items():
        unchanged = counts["created"] + counts["updated"] + counts["unchanged"]
        assert migration.outcomes(again)[entity] == {
            **counts, "created": 0, "updated": 0, "unchanged": unchanged,
        }  # fmt: skip
