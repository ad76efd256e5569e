"""How often a tenant, or an address without a key, may ask."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import msgspec
import pytest
from redis.asyncio import Redis

from freight import database
from freight.settings import Settings
from freight_sandbox import Sandbox
from support.clients import TLS
from support.errors import error_of
from support.processes import BIN, environment, started
from support.service import Service, Tenant, job_request

JOBS = "/api/v1/jobs"
LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(
        settings,
        requests_per_minute=10,
        requests_per_hour=12,
        creations_per_minute=2,
        creations_per_hour=3,
        keyless_requests_per_minute=4,
    )


@pytest.fixture
async def somewhere(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key at an address of its own, as a trusted proxy names it."""
    async with service.client() as client:
        client.headers["X-Forwarded-For"] = f"2001:db8:{uuid4().hex[:4]}::1"
        yield client


def standing(answer: httpx.Response) -> tuple[int, int]:
    return int(answer.headers[LIMITS[0]]), int(answer.headers[LIMITS[1]])


async def set_limits(tenant: Tenant, **limits: int) -> None:
    async with database.as_platform() as tx:
        await tx.execute("UPDATE tenants SET limits = $2 WHERE id = $1", tenant.id, database.jsonb(limits))


async def test_every_answer_says_how_many_requests_are_left_errors_too(tenant: Tenant) -> None:
    for left, path in ((9, JOBS), (8, f"{JOBS}/{uuid4()}"), (7, f"{JOBS}?limit=0")):
        answer = await tenant.client.get(path)
        assert standing(answer) == (10, left)
        assert abs(int(answer.headers[LIMITS[2]]) - time.time()) < 65


async def test_beyond_the_limit_a_tenant_is_told_how_long_to_wait_and_others_are_not_affected(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    for _ in range(10):
        assert (await tenant.client.get(JOBS)).status_code == 200
    refused = await tenant.client.get(JOBS)
    error = error_of(refused, 429)
    assert error["error"] == "rate_limited"
    assert error["details"][0]["type"] == "requests_exceeded"
    assert "10 requests a minute" in error["details"][0]["message"]
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert standing(refused) == (10, 0)
    assert (await other_tenant.client.get(JOBS)).status_code == 200


async def test_the_limit_of_an_hour_holds_beside_that_of_a_minute(tenant: Tenant) -> None:
    await set_limits(tenant, requests_per_minute=1000)
    for left in range(11, -1, -1):
        assert standing(await tenant.client.get(JOBS)) == (12, left)
    refused = await tenant.client.get(JOBS)
    assert "12 requests an hour" in error_of(refused, 429)["details"][0]["message"]
    assert 60 < int(refused.headers["Retry-After"]) <= 3600


async def test_fewer_jobs_may_be_created_than_requests_made(tenant: Tenant, sandbox: Sandbox) -> None:
    for _ in range(2):
        job = (await tenant.client.post(JOBS, json=job_request(sandbox))).json()
        assert (await tenant.client.post(job["links"]["cancel"])).status_code == 200
    refused = await tenant.client.post(JOBS, json=job_request(sandbox))
    assert "2 creations a minute" in error_of(refused, 429)["details"][0]["message"]
    # What was refused counts nowhere: ten requests less the four that were answered, less this one.
    assert standing(await tenant.client.get(JOBS)) == (10, 5)


async def test_a_refused_creation_counts_as_a_request_only(tenant: Tenant, sandbox: Sandbox) -> None:
    wrong = job_request(sandbox, source_config={"api_key": "nobody-s", "base_url": sandbox.affinity_url})
    refusals = [await tenant.client.post(JOBS, json=body) for body in ({}, {"name": 5}, wrong)]
    assert [refusal.status_code for refusal in refusals] == [422, 422, 400]
    assert [standing(refusal) for refusal in refusals] == [(10, 9), (10, 8), (10, 7)]
    created = await tenant.client.post(JOBS, json=job_request(sandbox))
    assert (created.status_code, standing(created)) == (201, (2, 1))
    again = await tenant.client.post(JOBS, json=job_request(sandbox))
    assert (error_of(again, 409)["error"], standing(again)) == ("live_job_exists", (10, 5))


async def test_an_emergency_is_never_refused_for_the_limit(service: Service, tenant: Tenant, sandbox: Sandbox) -> None:
    job = (await tenant.client.post(JOBS, json=job_request(sandbox))).json()
    for _ in range(10):
        await tenant.client.get(JOBS)
    error_of(await tenant.client.get(JOBS), 429)
    async with database.as_platform() as tx:
        await tx.execute("UPDATE jobs SET status = 'running' WHERE id = $1", job["id"])
    paused = await tenant.client.post(job["links"]["pause"])
    assert (paused.status_code, paused.json()["status"]) == (200, "paused")
    assert standing(paused) == (10, 0)
    cancelled = await tenant.client.post(job["links"]["cancel"])
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    error_of(await tenant.client.post(job["links"]["self"] + "/resume"), 429)
    async with service.client() as nobody:
        error_of(await nobody.post(job["links"]["self"] + "/cancel"), 401)


@pytest.mark.parametrize("poison", ["another type", "the future"])
async def test_a_counter_that_cannot_be_right_is_begun_again(poison: str, tenant: Tenant, settings: Settings) -> None:
    redis = Redis.from_url(settings.redis_url or "")
    key = f"freight:limits:tenant:{tenant.id}:requests"
    if poison == "another type":
        await redis.lpush(key, b"x")
    else:
        await redis.zadd(key, {f"request {number}": (time.time() + 3600) * 1_000_000 for number in range(50)})
    assert standing(await tenant.client.get(JOBS)) == (10, 9)
    assert standing(await tenant.client.get(JOBS)) == (10, 8)
    await redis.aclose()


async def test_a_tenants_own_limits_go_before_those_of_the_deployment(tenant: Tenant) -> None:
    await set_limits(tenant, requests_per_minute=3, requests_per_hour=500)
    answers = [await tenant.client.get(JOBS) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert standing(answers[0]) == (3, 2)


async def test_an_address_without_a_valid_key_is_limited_by_itself(
    tenant: Tenant, somewhere: httpx.AsyncClient
) -> None:
    for headers in ({}, {"X-API-Key": "nonsense"}, {"X-API-Key": tenant.key[:-1] + "0"}, {}):
        answer = await somewhere.get(JOBS, headers=headers)
        error_of(answer, 401)
    assert standing(answer) == (4, 0)
    error_of(await somewhere.get(JOBS), 429)
    error_of(await somewhere.get("/schema/openapi.json"), 429)
    # A neighbour within the same network of version 6 may be the same subscriber.
    network = somewhere.headers["X-Forwarded-For"]
    error_of(await somewhere.get(JOBS, headers={"X-Forwarded-For": f"{network}23"}), 429)
    error_of(await somewhere.get(JOBS, headers={"X-Forwarded-For": "192.0.2.7"}), 401)
    with_key = {"X-API-Key": tenant.key}
    assert (await somewhere.get(JOBS, headers=with_key)).status_code == 200


async def test_health_and_metrics_are_never_limited(somewhere: httpx.AsyncClient) -> None:
    for path in ("/health", "/health/live", "/health/ready", "/metrics"):
        for _ in range(6):
            assert (await somewhere.get(path)).status_code == 200


async def test_two_api_processes_together_let_exactly_as_many_requests_pass_as_one(
    settings: Settings, service: Service, tenant: Tenant
) -> None:
    await set_limits(tenant, requests_per_minute=100, requests_per_hour=1000)
    serve = (str(BIN / "freight"), "serve", "--no-worker")
    async with (
        started(*serve, env=environment(settings)) as one,
        started(*serve, env=environment(settings)) as two,
        httpx.AsyncClient(verify=TLS, headers={"X-API-Key": tenant.key}, timeout=60, limits=httpx.Limits()) as client,
    ):
        urls = [(await process.printed("Freight is ready at")).split(" at ")[1].split(" ")[0] for process in (one, two)]
        answers = await asyncio.gather(*(client.get(urls[number % 2] + JOBS) for number in range(300)))
    assert sorted(answer.status_code for answer in answers) == [200] * 100 + [429] * 200
