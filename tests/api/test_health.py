"""Whether Freight says how it is."""

from pathlib import Path

import msgspec
import pytest

from freight import __version__, queue
from freight.queue import Queue
from freight.sandbox import Sandbox
from freight.settings import Settings
from support import service as support
from support.errors import error_of
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
            assert error_of(await tenant.client.get("/api/v1/jobs"), 503)["error"] == "unavailable"
            assert (await tenant.client.get("/health/live")).json() == {"status": "alive"}
            await relay.open()
            assert (await tenant.client.get("/health/ready")).status_code == 200
            assert (await tenant.client.get("/api/v1/jobs")).status_code == 200


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
