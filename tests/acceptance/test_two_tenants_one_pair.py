"""Two tenants whose keys open the same two workspaces."""

import asyncio
from uuid import UUID

import msgspec
import pytest

from freight import database
from freight.domain.migration.steps import start
from freight.settings import Settings
from freight_sandbox import Sandbox
from support import jobs, workspaces
from support.service import Tenant


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Slow enough for the first job to be paused in the middle."""
    return msgspec.structs.replace(settings, attio_writes_per_second=10)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the workspaces are free is looked at often."""
    monkeypatch.setattr(start, "BUSY_SECONDS", 0.1)


async def test_the_second_waits_learns_nothing_of_the_first_and_doubles_nothing(
    tenant: Tenant, other_tenant: Tenant, sandbox: Sandbox
) -> None:
    first = await jobs.create(tenant, sandbox, entities=["companies"])
    await jobs.until(tenant, first["id"], lambda job: job["stage"] is not None or job["completed_at"] is not None)
    paused = await tenant.client.post(first["links"]["pause"])
    assert paused.status_code == 200, paused.text
    second = await jobs.create(other_tenant, sandbox, entities=["companies"])
    async with asyncio.timeout(30):
        while not (said := await jobs.logs(other_tenant, second["id"], code="workspace_busy")):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert len(said) == 1
    for secret in (str(tenant.id), first["id"], first["started_by"], "tenant"):
        assert secret not in said[0]["message"]
    waiting = (await other_tenant.client.get(second["links"]["self"])).json()
    assert (waiting["total_records"], waiting["stage"], waiting["completed_at"]) == (0, None, None)
    await tenant.client.post(first["links"]["self"] + "/resume")
    first = await jobs.until_ended(tenant, first["id"])
    second = await jobs.until_ended(other_tenant, second["id"])
    assert (first["status"], second["status"]) == ("completed", "completed")
    assert (jobs.counts(first, "companies")["created"], jobs.counts(second, "companies")["created"]) == (20, 0)
    assert {len(records) for records in (await workspaces.in_target(sandbox, "companies")).values()} == {1}


async def test_a_job_does_not_wait_for_its_workspaces_without_end(
    tenant: Tenant, other_tenant: Tenant, sandbox: Sandbox
) -> None:
    first = await jobs.create(tenant, sandbox, entities=["people"])
    await jobs.until(tenant, first["id"], lambda job: job["stage"] is not None)
    assert (await tenant.client.post(first["links"]["pause"])).status_code == 200
    second = await jobs.create(other_tenant, sandbox, entities=["people"])
    async with asyncio.timeout(30):
        while not await jobs.logs(other_tenant, second["id"], code="workspace_busy"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    async with database.as_tenant(other_tenant.id) as tx:
        await tx.execute(
            """UPDATE jobs SET waiting_for = waiting_for || jsonb_build_object('since', now() - interval '8 days')
               WHERE id = $1""",
            UUID(second["id"]),
        )
    second = await jobs.until_ended(other_tenant, second["id"])
    assert (second["status"], second["error"]["code"]) == ("failed", "workspace_busy")
    await tenant.client.post(first["links"]["self"] + "/cancel")
    await jobs.until_ended(tenant, first["id"])
