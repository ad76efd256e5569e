"""Runs that carry nothing, or a little: what they say is what a full run does."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from freight_sandbox import Sandbox, running
from support import budget, everything, jobs, migration, workspaces
from support.comparison import source
from support.sandboxes import sandbox_options
from support.service import Tenant

SAMPLE = 3
REFERRED_TO = ("companies", "people", "deals", "lists")
"""Entities of which a sample may hold more, because others refer to them."""


@pytest.fixture
async def workspace(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    """The workspace with everything, and an empty target."""
    async with everything.running(tmp_path_factory.mktemp("everything")) as sandbox:
        yield sandbox


async def test_a_dry_run_writes_nothing_and_says_of_every_record_what_a_full_run_does(
    workspace: Sandbox, tenant: Tenant
) -> None:
    predicted = await migration.carry(tenant, workspace, mode="dry_run")
    assert await workspaces.writes_received(workspace) == 0
    carried = await migration.carry(tenant, workspace)
    assert migration.outcomes(predicted) == migration.outcomes(carried)
    assert await fates(tenant, predicted) == await fates(tenant, carried)
    assert await issues(tenant, predicted) == await issues(tenant, carried)
    foretold = (await report(tenant, predicted))["estimate"]
    cost = (await report(tenant, carried))["cost"]["vendor_calls"]
    assert foretold["source_reads"] == cost["source_reads"]
    # A company or person that names another is written once more, unless the other one is in the target already: of two
    # chunks that are loaded concurrently, either may be the first.
    again = budget.linked_later(await source.read(workspace))
    assert abs(foretold["target_writes"] - cost["target_writes"]) <= again, again

    facts = (await report(tenant, carried))["mapping"]["facts"]
    assert all(fact["attribute"] for fact in facts)
    assert {
        ("companies", "Description", "description"),
        ("companies", "Location", "primary_location"),
        ("people", "Current Job Title", "job_title"),
        ("people", "Job Titles", "job_title"),
        ("people", "Current Organization", "company"),
        ("deals", "People", "associated_people"),
    } <= {(fact["entity"], fact["name"], fact["attribute"]) for fact in facts}

    after = await migration.carry(tenant, workspace, mode="dry_run")
    for counts in migration.outcomes(after).values():
        assert (counts["created"], counts["updated"], counts["failed"]) == (0, 0, 0)


async def test_a_sample_carries_some_of_each_entity_with_everything_that_they_refer_to(
    workspace: Sandbox, tenant: Tenant
) -> None:
    job = await migration.carry(tenant, workspace, mode="sample", sample_size=SAMPLE)
    for entity, counts in migration.outcomes(job).items():
        assert counts["read"] >= SAMPLE if entity in REFERRED_TO else counts["read"] == SAMPLE
    # These two are nowhere in the source.
    lost = await jobs.logs(tenant, job["id"], code="reference_not_found")
    assert {row["value"] for row in lost} <= {"1999", "2999"}


async def test_a_sample_larger_than_the_workspace_carries_deals_with_all_their_values(tenant: Tenant) -> None:
    options = sandbox_options(
        companies=3,
        people=3,
        opportunities=4,
        lists=1,
        notes=0,
        reminders=0,
        files=0,
        deals_enabled=True,
        unlimited=True,
    )
    async with running(options) as sandbox:
        job = await migration.carry(tenant, sandbox, mode="sample", sample_size=50)
        assert migration.outcomes(job)["deals"]["created"] == 4
        assert await jobs.logs(tenant, job["id"], code="list_read_before") == []


async def report(tenant: Tenant, job: dict[str, Any]) -> dict[str, Any]:
    """The report of a job."""
    answer = (await tenant.client.get(f"/api/v1/jobs/{job['id']}/report")).raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


async def fates(tenant: Tenant, job: dict[str, Any]) -> set[tuple[str | None, ...]]:
    """What became of each record, and why."""
    rows = await migration.records(tenant, job["id"])
    return {(row["entity"], row["source_id"], row["outcome"], row["code"]) for row in rows}


async def issues(tenant: Tenant, job: dict[str, Any]) -> set[tuple[str | None, ...]]:
    """What the log says of records."""
    rows = await jobs.logs(tenant, job["id"])
    return {(row["entity"], row["source_id"], row["code"], row["field"]) for row in rows if row["source_id"]}
