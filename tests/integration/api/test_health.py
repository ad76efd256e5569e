"""Whether Freight says how it is."""

import asyncio
from pathlib import Path

import httpx
import msgspec
import pytest
from arq.connections import ArqRedis

from freight import __version__, database, queue
from freight.api.routes.health import FRESH_SECONDS, Checks
from freight.queue import Queue
from freight.settings import Settings
from freight_sandbox import Sandbox
from support import service as support
from support.errors import error_of
from support.failover import read_only
from support.relay import relaying
from support.service import job_request


@pytest.fixture
def away(tmp_path: Path) -> str:
    """The address of a Redis that is not there."""
    return f"unix://{tmp_path}/redis.sock"


async def test_with_everything_there_it_is_healthy(settings: Settings) -> None:
    redis = queue.connect(settings.redis_url or "")
    await Queue(redis).report_worker("a worker")
    async with support.running(settings) as service, service.client() as client:
        for path in ("/health", "/health/ready"):
            answer = await client.get(path)
            assert answer.status_code == 200
            health = answer.json()
            assert (health["status"], health["version"]) == ("healthy", __version__)
            components = health["components"]
            assert {component["status"] for component in components.values()} == {"healthy"}
            assert all(component["response_time_ms"] >= 0 for component in components.values())
            assert (components["workers"]["count"], components["redis"]["queue_depth"]) == (1, 0)
    await Queue(redis).forget_worker("a worker")
    await redis.aclose(close_connection_pool=True)


async def test_without_a_worker_it_is_degraded_and_ready(settings: Settings) -> None:
    async with support.running(settings) as service, service.client() as client:
        answer = await client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["components"]["workers"] | {"response_time_ms": 0} == {
        "status": "unhealthy",
        "response_time_ms": 0,
        "count": 0,
    }


async def test_without_redis_it_is_degraded_and_jobs_can_be_created(
    settings: Settings, away: str, sandbox: Sandbox
) -> None:
    without_redis = msgspec.structs.replace(settings, redis_url=away)
    async with support.running(without_redis) as service, support.a_tenant(service) as tenant:
        answer = await tenant.client.get("/health/ready")
        assert answer.status_code == 200
        health = answer.json()
        assert health["status"] == "degraded"
        assert health["components"]["redis"] == {"status": "unhealthy", "response_time_ms": None, "queue_depth": None}
        created = await tenant.client.post("/api/v1/jobs", json=job_request(sandbox))
        assert created.status_code == 201
        assert (await tenant.client.get(created.headers["Location"])).json()["status"] == "pending"


async def test_without_the_database_it_is_unhealthy_and_recovers_by_itself(settings: Settings, tmp_path: Path) -> None:
    async with relaying(tmp_path, settings.database_url or "") as relay:
        behind_relay = msgspec.structs.replace(settings, database_url=relay.url)
        async with support.running(behind_relay) as service, support.a_tenant(service) as tenant:
            await relay.cut()
            for path in ("/health", "/health/ready"):
                answer = await tenant.client.get(path)
                assert answer.status_code == 503
                assert answer.json()["status"] == "unhealthy"
                assert answer.json()["components"]["database"]["status"] == "unhealthy"
            assert error_of(await tenant.client.get("/api/v1/jobs"), 503)["error"] == "database_unavailable"
            assert (await tenant.client.get("/health/live")).json() == {"status": "alive"}
            await relay.open()
            assert (await tenant.client.get("/api/v1/jobs")).status_code == 200
            await until_ready(tenant.client)


async def until_ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(20):
        while (await client.get("/health/ready")).status_code != 200:  # noqa: ASYNC110 - a server's state
            await asyncio.sleep(0.1)


async def test_a_database_that_cannot_be_written_is_unhealthy_and_requests_are_503_until_it_can(
    settings: Settings, sandbox: Sandbox
) -> None:
    async with support.running(settings) as service, support.a_tenant(service) as tenant:
        async with read_only(settings.database_url or ""):
            answer = await tenant.client.get("/health/ready")
            assert answer.status_code == 503
            assert answer.json()["components"]["database"]["status"] == "unhealthy"
            for method, body in (("GET", None), ("POST", job_request(sandbox))):
                refused = await tenant.client.request(method, "/api/v1/jobs", json=body)
                assert error_of(refused, 503)["error"] == "database_unavailable"
                assert int(refused.headers["Retry-After"]) > 0
        assert (await tenant.client.post("/api/v1/jobs", json=job_request(sandbox))).status_code == 201
        await until_ready(tenant.client)


async def test_the_components_are_asked_once_for_all_who_ask_at_the_same_time(
    database_url: str, redis_url: str
) -> None:
    redis, now = CountingRedis(redis_url), 0.0
    checks = Checks(Queue(redis), clock=lambda: now)
    async with database.connected(database_url, pool_size=2):
        answers = await asyncio.gather(*(checks.health() for _ in range(40)))
        assert {id(answer) for answer in answers} == {id(answers[0])}
        assert redis.asked == 1
        now = FRESH_SECONDS
        assert await checks.health() is not answers[0]
    await redis.aclose(close_connection_pool=True)


class CountingRedis(ArqRedis):
    """Counts how often the depth of the queue is asked for."""

    def __init__(self, url: str) -> None:
        super().__init__(queue.connect(url).connection_pool)
        self.asked = 0

    async def zcard(self, name: str) -> int:
        self.asked += 1
        return int(await super().zcard(name))


async def test_a_database_that_hangs_does_not_make_the_answer_hang(settings: Settings, tmp_path: Path) -> None:
    async with relaying(tmp_path, settings.database_url or "") as relay:
        behind_relay = msgspec.structs.replace(settings, database_url=relay.url)
        async with support.running(behind_relay) as service, service.client() as client:
            relay.hang()
            answer = await client.get("/health/ready")
            assert answer.status_code == 503
            assert answer.json()["components"]["database"] == {"status": "unhealthy", "response_time_ms": None}
            assert (await client.get("/health/live")).status_code == 200
            await relay.cut()
