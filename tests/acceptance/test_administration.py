"""What the platform's administrator does, with the programs that users have."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import msgspec
import pytest

from freight.settings import Settings
from freight_sandbox import Sandbox
from freight_sandbox import running as running_sandbox
from support import jobs, processes
from support.errors import error_of
from support.processes import BIN
from support.sandboxes import sandbox_options
from support.service import Service, Tenant

TENANTS = "/api/v1/tenants"


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Slow enough for a tenant to be suspended in the middle of a job."""
    return msgspec.structs.replace(settings, attio_writes_per_second=20)


@pytest.fixture
async def empty_target() -> AsyncIterator[Sandbox]:
    """A workspace of its own for a job that must have something to write."""
    async with running_sandbox(sandbox_options(companies=40, people=10, unlimited=True)) as sandbox:
        yield sandbox


async def freight(settings: Settings, *arguments: str) -> tuple[int, str]:
    """What the command prints, and its exit status."""
    async with processes.started(str(BIN / "freight"), *arguments, env=processes.environment(settings)) as command:
        status = await command.process.wait()
    return status, "".join(command.lines).strip()


async def test_the_command_line_makes_an_administrator_s_key_and_takes_it_away(
    service: Service, settings: Settings
) -> None:
    status, key = await freight(settings, "admin", "create-key", "--name", "on call")
    assert status == 0
    async with service.client(key) as administrator:
        assert (await administrator.get(TENANTS)).status_code == 200
        made = (await administrator.get("/api/v1/audit", params={"action": "key.created"})).json()["items"][0]
        assert (made["actor"], made["details"]["name"]) == ("command line", "on call")
        assert key not in str(made)
        assert (await freight(settings, "admin", "revoke-key", key[:17]))[0] == 0
        error_of(await administrator.get(TENANTS), 401)
    status, said = await freight(settings, "admin", "revoke-key", key[:17])
    assert status == 1
    assert key[:17] in said


async def test_a_tenant_that_the_command_line_creates_is_in_the_trail(
    service: Service, settings: Settings, administrator: httpx.AsyncClient
) -> None:
    status, key = await freight(settings, "tenants", "create", f"Firm {uuid4()}")
    assert status == 0
    async with service.client(key) as client:
        (event,) = (await client.get("/api/v1/audit")).json()["items"]
        assert (event["action"], event["actor"], event["address"]) == ("key.created", "command line", None)
    event = (await administrator.get("/api/v1/audit", params={"action": "tenant.created"})).json()["items"][0]
    assert event["actor"] == "command line"


async def test_a_suspended_tenant_s_job_stops_and_goes_on_by_itself_when_that_is_over(
    tenant: Tenant, administrator: httpx.AsyncClient, empty_target: Sandbox
) -> None:
    job = await jobs.create(tenant, empty_target, batch_size=100)
    await jobs.until(tenant, job["id"], lambda job: job["processed_records"] > 0)
    answer = await administrator.patch(f"{TENANTS}/{tenant.id}", json={"suspended": True})
    assert answer.json()["jobs"] == {"paused": 1}
    error_of(await tenant.client.get(f"/api/v1/jobs/{job['id']}"), 403)
    await administrator.patch(f"{TENANTS}/{tenant.id}", json={"suspended": False})
    job = await jobs.until_ended(tenant, job["id"])
    assert job["status"] == "completed"
    for entity in ("companies", "people"):
        counts = jobs.counts(job, entity)
        assert counts["read"] == counts["created"] + counts["updated"] + counts["unchanged"] + counts["skipped"]


async def test_a_tenant_is_deleted_while_its_job_runs_and_the_worker_goes_on_with_others(
    tenant: Tenant, other_tenant: Tenant, administrator: httpx.AsyncClient, empty_target: Sandbox
) -> None:
    job = await jobs.create(tenant, empty_target, batch_size=100)
    await jobs.until(tenant, job["id"], lambda job: job["processed_records"] > 0)
    error_of(await administrator.delete(f"{TENANTS}/{tenant.id}"), 409)
    answer = await administrator.delete(f"{TENANTS}/{tenant.id}", params={"force": "true"})
    assert answer.status_code == 204, answer.text
    error_of(await administrator.get(f"{TENANTS}/{tenant.id}"), 404)
    other = await jobs.create(other_tenant, empty_target, batch_size=100)
    assert (await jobs.until_ended(other_tenant, other["id"]))["status"] == "completed"
