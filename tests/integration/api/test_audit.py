"""Who did what, from where."""

from typing import Any

import asyncpg
import httpx
import pytest

from freight import database
from freight_sandbox import Sandbox
from support.errors import error_of, fields_of
from support.service import Service, Tenant, job_request

AUDIT = "/api/v1/audit"
JOBS = "/api/v1/jobs"
KEYS = "/api/v1/keys"
TENANTS = "/api/v1/tenants"


async def trail(client: httpx.AsyncClient, **filters: Any) -> list[dict[str, Any]]:
    answer = await client.get(AUDIT, params=filters)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def new_key(client: httpx.AsyncClient, name: str = "deployment") -> httpx.Response:
    answer = await client.post(KEYS, json={"name": name, "scopes": ["jobs:read"]})
    assert answer.status_code == 201
    return answer


async def test_a_change_is_recorded_with_who_made_it_from_where(tenant: Tenant) -> None:
    answer = await new_key(tenant.client)
    event = (await trail(tenant.client))[0]
    assert (event["action"], event["object_type"], event["object_id"]) == ("key.created", "key", answer.json()["id"])
    assert tenant.key[:17] in event["actor"]
    assert "(test)" in event["actor"]
    assert event["details"]["scopes"] == ["jobs:read"]
    assert event["request_id"] == answer.headers["X-Request-ID"]
    assert event["address"] == "127.0.0.1"
    assert event["created_at"]


async def test_the_whole_life_of_a_key_is_in_the_trail(tenant: Tenant) -> None:
    key = (await new_key(tenant.client)).json()
    await tenant.client.post(f"{KEYS}/{key['id']}/rotate")
    await tenant.client.delete(f"{KEYS}/{key['id']}")
    await tenant.client.delete(f"{KEYS}/{key['id']}")
    actions = [event["action"] for event in await trail(tenant.client, object_id=key["id"])]
    assert actions == ["key.revoked", "key.rotated", "key.created"]


async def test_creating_a_job_is_in_the_trail_without_the_vendors_keys(tenant: Tenant, sandbox: Sandbox) -> None:
    job = (await tenant.client.post(JOBS, json=job_request(sandbox))).json()
    answer = await tenant.client.get(AUDIT, params={"action": "job.created"})
    assert [event["object_id"] for event in answer.json()["items"]] == [job["id"]]
    for secret in (sandbox.affinity_key, sandbox.attio_key, tenant.key):
        assert secret not in answer.text


async def test_what_was_refused_is_not_in_the_trail(tenant: Tenant) -> None:
    before = await trail(tenant.client)
    error_of(await tenant.client.post(KEYS, json={"name": "x", "scopes": []}), 422)
    error_of(await tenant.client.delete(f"{KEYS}/{before[-1]['object_id']}"), 409)
    assert await trail(tenant.client) == before


async def test_the_trail_is_read_newest_first_filtered_and_in_pages(tenant: Tenant) -> None:
    ids = [(await new_key(tenant.client, name)).json()["id"] for name in ("one", "two", "three")]
    await tenant.client.delete(f"{KEYS}/{ids[0]}")
    events = await trail(tenant.client)
    assert [event["object_id"] for event in events[:4]] == [ids[0], ids[2], ids[1], ids[0]]
    assert await trail(tenant.client, action="key.revoked") == events[:1]
    assert await trail(tenant.client, object_type="job") == []
    assert await trail(tenant.client, object_id=ids[1]) == events[2:3]
    assert await trail(tenant.client, actor=tenant.key[:17]) == events[:4]
    assert await trail(tenant.client, actor="nobody") == []
    assert await trail(tenant.client, created_after=events[2]["created_at"]) == events[:2]
    assert await trail(tenant.client, created_before=events[2]["created_at"]) == events[3:]
    page = (await tenant.client.get(AUDIT, params={"action": "key.created", "limit": 2})).json()
    assert page["items"] == events[1:3]
    following = (await tenant.client.get(page["links"]["next"])).json()
    assert following["items"][0] == events[3]
    assert following["links"]["next"] is None


@pytest.mark.parametrize("moment", ["2026-11-24T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_moment_without_offset_or_outside_of_the_calendar_is_refused(moment: str, tenant: Tenant) -> None:
    answer = await tenant.client.get(AUDIT, params={"created_after": moment})
    assert set(fields_of(error_of(answer, 422))) == {"created_after"}


async def test_a_tenant_reads_its_own_trail_and_the_administrator_the_platform_s(
    tenant: Tenant, other_tenant: Tenant, administrator: httpx.AsyncClient
) -> None:
    key = (await new_key(tenant.client)).json()
    created = await administrator.post(TENANTS, json={"name": f"Made for {key['id']}"})
    for client in (other_tenant.client, administrator):
        assert await trail(client, object_id=key["id"]) == []
    (event,) = await trail(administrator, object_id=created.json()["id"])
    assert event["action"] == "tenant.created"
    assert await trail(tenant.client, object_type="tenant") == []


async def test_nobody_can_alter_the_trail(service: Service, tenant: Tenant) -> None:
    await new_key(tenant.client)
    for statement in ("UPDATE audit_events SET actor = 'x'", "DELETE FROM audit_events"):
        for transaction in (database.as_tenant(tenant.id), database.as_platform()):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with transaction as tx:
                    await tx.execute(statement)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (await tenant.client.request(method, AUDIT)).status_code == 405
