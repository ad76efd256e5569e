"""Asking again: what is remembered of the job list, and what need not be sent twice."""

from typing import Any

import pytest
from redis.asyncio import Redis

from freight import database
from freight.api.http.caching import MAX_PAGE_BYTES, PAGES_EACH
from freight.domain.jobs import search
from freight.settings import Settings
from freight_sandbox import Sandbox
from support.service import Service, Tenant, job_request

JOBS = "/api/v1/jobs"


@pytest.fixture
async def job(tenant: Tenant, sandbox: Sandbox) -> dict[str, Any]:
    created: dict[str, Any] = (await tenant.client.post(JOBS, json=job_request(sandbox))).json()
    return created


async def listed(tenant: Tenant, **params: Any) -> dict[str, Any]:
    answer = await tenant.client.get(JOBS, params=params)
    assert answer.status_code == 200
    page: dict[str, Any] = answer.json()
    return page


async def test_the_list_is_remembered_for_each_tenant_and_each_question(
    settings: Settings, tenant: Tenant, other_tenant: Tenant, job: dict[str, Any]
) -> None:
    redis = Redis.from_url(settings.redis_url or "")
    assert (await listed(tenant))["total"] == 1
    names = [name async for name in redis.scan_iter(match=f"freight:job-list:{tenant.id}:*")]
    assert len(names) == 1
    assert 0 < await redis.ttl(names[0]) <= 60
    # What is remembered is what is answered.
    await redis.set(names[0], b"{}", keepttl=True)
    assert (await listed(tenant))["items"][0]["name"] is None
    assert (await listed(tenant, limit=7))["items"][0]["name"] is None
    assert (await listed(tenant, status="running"))["total"] == 0
    assert (await listed(other_tenant))["total"] == 0
    await redis.aclose()


async def test_a_remembered_list_is_answered_without_reading_the_jobs(
    tenant: Tenant, job: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await listed(tenant)
    monkeypatch.setattr(search, "page", None)
    assert await listed(tenant) == first


@pytest.mark.parametrize("poison", ["another page", "another type"])
async def test_what_another_has_written_into_redis_is_not_answered(
    poison: str, settings: Settings, tenant: Tenant, other_tenant: Tenant, job: dict[str, Any]
) -> None:
    redis = Redis.from_url(settings.redis_url or "")
    right = await listed(tenant)
    name = await anext(redis.scan_iter(match=f"freight:job-list:{tenant.id}:*"))
    if poison == "another page":
        await listed(other_tenant)
        theirs = await anext(redis.scan_iter(match=f"freight:job-list:{other_tenant.id}:*"))
        await redis.copy(theirs, name, replace=True)
    else:
        await redis.delete(name)
        await redis.lpush(name, b"x")
    for _ in range(3):
        assert await listed(tenant) == right
    assert await redis.type(name) == b"string"
    await redis.aclose()


async def test_a_tenant_s_remembered_lists_are_bounded_in_number_and_size(
    settings: Settings, tenant: Tenant, job: dict[str, Any]
) -> None:
    redis = Redis.from_url(settings.redis_url or "")
    for limit in range(1, 60):
        await listed(tenant, limit=limit)
    names = [name async for name in redis.scan_iter(match=f"freight:job-list:{tenant.id}:*")]
    assert 1 < len(names) <= PAGES_EACH
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute("UPDATE jobs SET error_code = 'a_code', error_message = $1", "x" * MAX_PAGE_BYTES)
    large = await listed(tenant, sort="name")
    assert large["items"][0]["error"]["message"] == "x" * MAX_PAGE_BYTES
    assert all([await redis.strlen(name) <= MAX_PAGE_BYTES for name in names])
    await redis.aclose()


async def test_whatever_changes_a_job_is_in_the_list_at_once(
    tenant: Tenant, job: dict[str, Any], sandbox: Sandbox
) -> None:
    before = await listed(tenant)
    for change in (
        "UPDATE jobs SET status = 'running'",
        "UPDATE jobs SET processed_records = processed_records + 1",
        "UPDATE jobs SET processed_records = processed_records + 1",
        "UPDATE jobs SET status = 'completed'",
    ):
        # As a worker does it: in another process, and without telling anybody.
        async with database.as_tenant(tenant.id) as tx:
            await tx.execute(change)
        after = await listed(tenant)
        assert after != before
        before = after
    assert (await tenant.client.post(JOBS, json=job_request(sandbox))).status_code == 201
    assert (await listed(tenant))["total"] == 2


async def test_a_change_that_is_committed_late_is_not_missed(tenant: Tenant, job: dict[str, Any]) -> None:
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute("UPDATE jobs SET status = 'running'")
        assert (await listed(tenant))["items"][0]["status"] == "pending"
    assert (await listed(tenant))["items"][0]["status"] == "running"


@pytest.mark.parametrize("path", [JOBS, JOBS + "/{id}"])
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_an_answer_that_the_client_has_is_not_sent_again_until_it_changes(
    tenant: Tenant, job: dict[str, Any], path: str, encoding: str
) -> None:
    path, accepting = path.format(id=job["id"]), {"Accept-Encoding": encoding}
    first = await tenant.client.get(path, headers=accepting)
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    assert first.headers["Cache-Control"] == "private, no-cache"
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = await tenant.client.get(path, headers={**accepting, "If-None-Match": known})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
        assert again.headers["X-Request-ID"]
    assert (await tenant.client.get(path, headers={**accepting, "If-None-Match": '"other"'})).status_code == 200
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute("UPDATE jobs SET status = 'running'")
    changed = await tenant.client.get(path, headers={**accepting, "If-None-Match": tag})
    assert (changed.status_code, changed.headers["ETag"] != tag) == (200, True)


async def test_long_answers_are_compressed_for_clients_that_take_it(
    service: Service, tenant: Tenant, job: dict[str, Any]
) -> None:
    compressed = await tenant.client.get(JOBS, headers={"Accept-Encoding": "gzip"})
    assert compressed.headers["Content-Encoding"] == "gzip"
    plain = await tenant.client.get(JOBS, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert compressed.json() == plain.json()
