"""A tenant's API keys."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from freight import database
from support.errors import error_of, fields_of
from support.service import Service, Tenant

JOBS = "/api/v1/jobs"
KEYS = "/api/v1/keys"


async def created(tenant: Tenant, **wanted: Any) -> dict[str, Any]:
    answer = await tenant.client.post(KEYS, json={"name": "deployment", "scopes": ["jobs:read"], **wanted})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"{KEYS}/{answer.json()['id']}"
    key: dict[str, Any] = answer.json()
    return key


async def status(service: Service, key: str, path: str = JOBS) -> int:
    async with service.client(key) as client:
        return (await client.get(path)).status_code


async def own_id(tenant: Tenant) -> str:
    page = (await tenant.client.get(KEYS)).json()
    return next(str(key["id"]) for key in page["items"] if tenant.key.startswith(key["prefix"]))


async def test_a_created_key_is_shown_once_and_lets_in(service: Service, tenant: Tenant) -> None:
    new = await created(tenant)
    assert new["key"].startswith(new["prefix"])
    assert await status(service, new["key"]) == 200
    assert await status(service, new["key"], KEYS) == 403
    found = await tenant.client.get(f"{KEYS}/{new['id']}")
    assert found.json()["last_used_at"] is not None
    assert {**found.json(), "last_used_at": None, "key": new["key"]} == new
    for answer in (found, await tenant.client.get(KEYS)):
        assert new["key"] not in answer.text
        assert tenant.key not in answer.text


async def test_keys_are_listed_newest_first_with_those_that_have_ended(tenant: Tenant) -> None:
    ids = [await own_id(tenant)]
    for _ in range(2):
        ids.insert(0, (await created(tenant))["id"])
    await tenant.client.delete(f"{KEYS}/{ids[0]}")
    page = (await tenant.client.get(KEYS, params={"limit": 2})).json()
    assert [key["id"] for key in page["items"]] == ids[:2]
    assert (page["total"], page["has_more"]) == (3, True)
    assert page["items"][0]["revoked_at"] is not None
    assert [key["id"] for key in (await tenant.client.get(page["links"]["next"])).json()["items"]] == ids[2:]


async def test_a_key_may_be_given_an_end(service: Service, tenant: Tenant) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    dated, days = await created(tenant, expires_at=soon.isoformat()), await created(tenant, expires_in_days=30)
    assert datetime.fromisoformat(dated["expires_at"]) == soon
    assert await status(service, dated["key"]) == 200
    left = datetime.fromisoformat(days["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29) < left < timedelta(days=31)
    async with database.as_platform() as tx:
        await tx.execute("UPDATE api_keys SET expires_at = now() WHERE id = $1", UUID(dated["id"]))
    assert await status(service, dated["key"]) == 401


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes[0]"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
        ({"expires_at": "2030-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": "2030-01-01T00:00:00Z", "expires_in_days": 1}, "expires_in_days"),
    ],
)
async def test_a_key_that_makes_no_sense_is_refused_with_the_field(
    wanted: dict[str, Any], field: str, tenant: Tenant
) -> None:
    answer = await tenant.client.post(KEYS, json={"name": "deployment", "scopes": ["jobs:read"], **wanted})
    assert set(fields_of(error_of(answer, 422))) == {field}


async def test_a_key_cannot_give_what_it_may_not_do_itself(service: Service, tenant: Tenant) -> None:
    everything = await created(tenant, scopes=["jobs:read", "jobs:write", "admin"])
    async with service.client(await service.new_key(tenant.id, ["admin", "jobs:read"])) as client:
        request = {"name": "more", "scopes": ["jobs:read", "jobs:write"]}
        error = error_of(await client.post(KEYS, json=request), 403)
        assert error["error"] == "scopes_exceeded"
        assert "jobs:write" in error["message"]
        error_of(await client.post(f"{KEYS}/{everything['id']}/rotate"), 403)
        assert (await client.post(KEYS, json={**request, "scopes": ["jobs:read"]})).status_code == 201
    assert await status(service, everything["key"]) == 200


async def test_a_revoked_key_is_refused_from_the_next_request_on(service: Service, tenant: Tenant) -> None:
    new = await created(tenant)
    async with service.client(new["key"]) as client:
        for _ in range(3):
            assert (await client.get(JOBS)).status_code == 200
        assert (await tenant.client.delete(f"{KEYS}/{new['id']}")).status_code == 204
        error_of(await client.get(JOBS), 401)
    first = (await tenant.client.get(f"{KEYS}/{new['id']}")).json()["revoked_at"]
    assert (await tenant.client.delete(f"{KEYS}/{new['id']}")).status_code == 204
    assert (await tenant.client.get(f"{KEYS}/{new['id']}")).json()["revoked_at"] == first


async def test_a_rotated_key_stays_valid_for_the_overlap(service: Service, tenant: Tenant) -> None:
    old = await created(tenant, expires_in_days=30)
    answer = await tenant.client.post(f"{KEYS}/{old['id']}/rotate")
    assert answer.status_code == 201
    new = answer.json()
    assert answer.headers["Location"] == f"{KEYS}/{new['id']}"
    assert (new["name"], new["scopes"]) == (old["name"], old["scopes"])
    assert new["key"] != old["key"]
    assert new["expires_at"] > old["expires_at"]
    for key in (old, new):
        assert await status(service, key["key"]) == 200
    ends = datetime.fromisoformat((await tenant.client.get(f"{KEYS}/{old['id']}")).json()["expires_at"])
    assert timedelta(hours=23) < ends - datetime.now(UTC) <= timedelta(hours=24)


async def test_without_an_overlap_a_rotated_key_ends_at_once(service: Service, tenant: Tenant) -> None:
    old = await created(tenant)
    new = (await tenant.client.post(f"{KEYS}/{old['id']}/rotate", params={"overlap_seconds": 0})).json()
    assert (await status(service, old["key"]), await status(service, new["key"])) == (401, 200)
    assert error_of(await tenant.client.post(f"{KEYS}/{old['id']}/rotate"), 409)["error"] == "state_conflict"
    for seconds in (-1, 7 * 24 * 3600 + 1):
        answer = await tenant.client.post(f"{KEYS}/{new['id']}/rotate", params={"overlap_seconds": seconds})
        assert set(fields_of(error_of(answer, 422))) == {"overlap_seconds"}


async def test_the_last_key_that_may_manage_keys_cannot_be_revoked(tenant: Tenant) -> None:
    await created(tenant)
    mine = await own_id(tenant)
    error = error_of(await tenant.client.delete(f"{KEYS}/{mine}"), 409)
    assert error["error"] == "last_admin_key"
    await created(tenant, scopes=["admin"], expires_in_days=1)
    error_of(await tenant.client.delete(f"{KEYS}/{mine}"), 409)
    await created(tenant, scopes=["admin"], expires_in_days=300)
    assert (await tenant.client.delete(f"{KEYS}/{mine}")).status_code == 204


async def test_a_key_that_is_being_replaced_does_not_count_as_the_one_that_is_left(
    service: Service, tenant: Tenant
) -> None:
    mine = await own_id(tenant)
    new = (await tenant.client.post(f"{KEYS}/{mine}/rotate")).json()
    error_of(await tenant.client.delete(f"{KEYS}/{new['id']}"), 409)
    assert (await tenant.client.delete(f"{KEYS}/{mine}")).status_code == 204
    assert await status(service, new["key"], KEYS) == 200


async def test_of_two_keys_that_are_revoked_at_once_one_is_left(service: Service, tenant: Tenant) -> None:
    for _ in range(5):
        mine, other = await own_id(tenant), await created(tenant, scopes=["jobs:read", "jobs:write", "admin"])
        answers = await asyncio.gather(*(tenant.client.delete(f"{KEYS}/{one}") for one in (mine, other["id"])))
        assert sorted(answer.status_code for answer in answers) in ([204, 401], [204, 409])
        if await status(service, tenant.key) == 401:
            return


async def test_there_is_no_such_key(tenant: Tenant) -> None:
    for answer in (
        await tenant.client.get(f"{KEYS}/{uuid4()}"),
        await tenant.client.delete(f"{KEYS}/{uuid4()}"),
        await tenant.client.post(f"{KEYS}/{uuid4()}/rotate"),
    ):
        assert error_of(answer, 404)["error"] == "not_found"


async def test_only_a_digest_of_a_key_is_stored(tenant: Tenant) -> None:
    new = await created(tenant)
    async with database.as_tenant(tenant.id) as tx:
        row = await tx.fetchval("SELECT api_keys::text FROM api_keys WHERE id = $1", new["id"])
    assert new["prefix"] in row
    assert new["key"][len(new["prefix"]) :] not in row
