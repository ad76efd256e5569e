"""Tenants, as the platform's administrator keeps them."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from freight import database
from freight.domain.migration.steps.scheduling import live_jobs, schedule_next
from freight_sandbox import Sandbox
from support import rows
from support.errors import error_of, fields_of
from support.service import Service, Tenant, job_request

JOBS = "/api/v1/jobs"
KEYS = "/api/v1/keys"
TENANTS = "/api/v1/tenants"


async def created(administrator: httpx.AsyncClient, **wanted: Any) -> dict[str, Any]:
    answer = await administrator.post(TENANTS, json={"name": f"Firm {uuid4()}", **wanted})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"{TENANTS}/{answer.json()['id']}"
    tenant: dict[str, Any] = answer.json()
    return tenant


async def changed(administrator: httpx.AsyncClient, tenant_id: object, **change: Any) -> dict[str, Any]:
    answer = await administrator.patch(f"{TENANTS}/{tenant_id}", json=change)
    assert answer.status_code == 200, answer.text
    tenant: dict[str, Any] = answer.json()
    return tenant


async def new_job(tenant: Tenant, sandbox: Sandbox) -> str:
    answer = await tenant.client.post(JOBS, json=job_request(sandbox))
    assert answer.status_code == 201
    return str(answer.json()["id"])


async def status_of(job_id: str) -> tuple[str, str | None]:
    async with database.as_platform() as tx:
        row = await tx.fetchrow("SELECT status, paused_by FROM jobs WHERE id = $1", job_id)
    assert row is not None
    return row["status"], row["paused_by"]


async def test_a_new_tenant_has_a_first_key_that_may_do_everything(
    service: Service, administrator: httpx.AsyncClient
) -> None:
    tenant = await created(administrator)
    key = tenant.pop("first_key")
    assert key["scopes"] == ["jobs:read", "jobs:write", "admin"]
    assert (tenant["retention_days"], tenant["suspended_at"], tenant["jobs"]) == (90, None, {})
    assert set(tenant["limits"].values()) == {None}
    async with service.client(key["key"]) as client:
        assert (await client.get(JOBS)).status_code == 200
        assert (await client.get(KEYS)).json()["total"] == 1
    found = await administrator.get(f"{TENANTS}/{tenant['id']}")
    assert found.json() == tenant
    assert key["key"] not in found.text


async def test_a_name_is_taken_once(administrator: httpx.AsyncClient) -> None:
    one, other = await created(administrator), await created(administrator)
    error = error_of(await administrator.post(TENANTS, json={"name": one["name"]}), 409)
    assert error["error"] == "tenant_exists"
    error_of(await administrator.patch(f"{TENANTS}/{other['id']}", json={"name": one["name"]}), 409)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"retention_days": 0}, "retention_days"),
        ({"limits": {"requests_per_minute": 0}}, "limits.requests_per_minute"),
        ({"limits": {"a_day": 1}}, "limits.a_day"),
    ],
)
async def test_a_tenant_that_makes_no_sense_is_refused_with_the_field(
    wanted: dict[str, Any], field: str, administrator: httpx.AsyncClient
) -> None:
    answer = await administrator.post(TENANTS, json={"name": "Firm", **wanted})
    assert set(fields_of(error_of(answer, 422))) == {field}


async def test_tenants_are_listed_by_name_with_their_jobs(
    administrator: httpx.AsyncClient, tenant: Tenant, sandbox: Sandbox
) -> None:
    await new_job(tenant, sandbox)
    page = (await administrator.get(TENANTS, params={"limit": 1000})).json()
    names = [one["name"] for one in page["items"]]
    assert page["total"] == len(names) == len(set(names))
    found = next(one for one in page["items"] if one["id"] == str(tenant.id))
    assert found["jobs"] == {"pending": 1}
    first = (await administrator.get(TENANTS, params={"limit": 1})).json()
    assert (await administrator.get(first["links"]["next"])).json()["items"] == page["items"][1:2]


async def test_a_change_leaves_what_it_does_not_name(administrator: httpx.AsyncClient) -> None:
    tenant = await created(administrator, retention_days=10, limits={"requests_per_minute": 7})
    tenant.pop("first_key")
    after = await changed(administrator, tenant["id"], retention_days=20)
    assert after == {**tenant, "retention_days": 20}
    after = await changed(administrator, tenant["id"], limits={"creations_per_hour": 5})
    assert after["limits"] == {**tenant["limits"], "requests_per_minute": None, "creations_per_hour": 5}
    assert await changed(administrator, tenant["id"]) == after


async def test_a_suspended_tenant_s_keys_are_refused_and_work_again_afterwards(
    administrator: httpx.AsyncClient, tenant: Tenant
) -> None:
    assert (await changed(administrator, tenant.id, suspended=True))["suspended_at"] is not None
    error = error_of(await tenant.client.get(JOBS), 403)
    assert error["error"] == "tenant_suspended"
    assert (await changed(administrator, tenant.id, suspended=False))["suspended_at"] is None
    assert (await tenant.client.get(JOBS)).status_code == 200


async def test_a_suspended_tenant_s_jobs_pause_and_go_on_by_themselves(
    administrator: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, sandbox: Sandbox
) -> None:
    mine, others = await new_job(tenant, sandbox), await new_job(other_tenant, sandbox)
    await changed(administrator, tenant.id, suspended=True)
    assert (await status_of(mine), await status_of(others)) == (("paused", "suspension"), ("pending", None))
    assert (tenant.id, mine) not in [(tenant_id, str(job_id)) for tenant_id, job_id in await live_jobs()]
    await changed(administrator, tenant.id, suspended=False)
    assert await status_of(mine) == ("pending", None)
    assert (tenant.id, mine) in [(tenant_id, str(job_id)) for tenant_id, job_id in await live_jobs()]


async def test_a_job_that_was_begun_while_its_tenant_was_being_suspended_pauses_too(
    administrator: httpx.AsyncClient, tenant: Tenant, sandbox: Sandbox
) -> None:
    job_id = await new_job(tenant, sandbox)
    async with database.as_platform() as tx:
        await tx.execute("UPDATE tenants SET suspended_at = now() WHERE id = $1", tenant.id)
        await tx.execute("UPDATE jobs SET status = 'running', started_at = now() WHERE id = $1", job_id)
    assert job_id not in [str(found) for _, found in await live_jobs()]
    assert await status_of(job_id) == ("paused", "suspension")
    await changed(administrator, tenant.id, suspended=False)
    assert await status_of(job_id) == ("running", None)


async def test_a_job_that_was_paused_before_stays_paused(
    administrator: httpx.AsyncClient, tenant: Tenant, sandbox: Sandbox
) -> None:
    job_id = await new_job(tenant, sandbox)
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute("UPDATE jobs SET status = 'paused' WHERE id = $1", job_id)
    await changed(administrator, tenant.id, suspended=True)
    await changed(administrator, tenant.id, suspended=False)
    assert (await status_of(job_id))[0] == "paused"


async def test_deleting_a_tenant_removes_everything_that_is_theirs_and_nothing_else(
    service: Service, administrator: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, sandbox: Sandbox
) -> None:
    mine, others = await new_job(tenant, sandbox), await new_job(other_tenant, sandbox)
    for one in (tenant, other_tenant):
        await rows.fill_all(one.id)
    error = error_of(await administrator.delete(f"{TENANTS}/{tenant.id}"), 409)
    assert error["error"] == "tenant_busy"
    assert (await status_of(mine), (await tenant.client.get(JOBS)).status_code) == (("pending", None), 200)
    answer = await administrator.delete(f"{TENANTS}/{tenant.id}", params={"force": "true"})
    assert answer.status_code == 204, answer.text
    error_of(await administrator.get(f"{TENANTS}/{tenant.id}"), 404)
    error_of(await tenant.client.get(JOBS), 401)
    async with database.as_platform() as tx:
        for table in await rows.tenant_tables(tx):
            found = await tx.fetchval(f"SELECT count(*) FROM {table} WHERE tenant_id = $1", tenant.id)
            assert found == 0, table
    assert await status_of(others) == ("pending", None)
    assert (await other_tenant.client.get(JOBS)).json()["total"] == 1
    async with database.as_tenant(other_tenant.id) as tx:
        for table in await rows.tenant_tables(tx):
            assert await tx.fetchval(f"SELECT count(*) FROM {table}") > 0, table


async def test_deleting_twice_at_once_does_it_once(administrator: httpx.AsyncClient) -> None:
    tenant = await created(administrator)
    answers = await asyncio.gather(*(administrator.delete(f"{TENANTS}/{tenant['id']}") for _ in range(3)))
    assert {answer.status_code for answer in answers} <= {204, 404}
    trail = await administrator.get("/api/v1/audit", params={"object_id": tenant["id"], "action": "tenant.deleted"})
    assert trail.json()["total"] == 1


async def test_a_worker_does_not_mind_that_a_tenant_has_gone(service: Service) -> None:
    assert await schedule_next(uuid4(), uuid4()) == []


async def test_a_tenant_s_key_opens_no_tenants_and_the_administrator_s_nothing_else(
    administrator: httpx.AsyncClient, tenant: Tenant
) -> None:
    error = error_of(await tenant.client.get(TENANTS), 403)
    assert error["details"][0]["type"] == "administrator_key_needed"
    assert "freight admin create-key" in error["details"][0]["message"]
    error = error_of(await administrator.get(JOBS), 403)
    assert error["details"][0]["type"] == "tenant_key_needed"
