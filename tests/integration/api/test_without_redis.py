"""What can do without Redis does."""

from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
import structlog
from structlog.testing import capture_logs

from freight.api.http import optional_redis
from freight.settings import Settings
from freight_sandbox import Sandbox
from support import service as support
from support.errors import error_of
from support.service import job_request

JOBS = "/api/v1/jobs"


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, requests_per_minute=10)


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    """Where Redis is looked for and is not."""
    return tmp_path / "redis.sock"


@pytest.fixture
def away(settings: Settings, socket: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(optional_redis, "RETRY_AFTER", 0)
    return msgspec.structs.replace(settings, redis_url=f"unix://{socket}")


def bring_back(settings: Settings, socket: Path) -> None:
    socket.symlink_to(urlsplit(settings.redis_url or "").path)


async def test_requests_pass_and_the_log_says_so_once_and_again_when_redis_is_back(
    settings: Settings, away: Settings, socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A logger that has been used before is not captured.
    monkeypatch.setattr(optional_redis, "log", structlog.get_logger())
    async with support.running(away) as service, support.a_tenant(service) as tenant:
        with capture_logs() as lines:
            for _ in range(15):
                answer = await tenant.client.get(JOBS)
                assert answer.status_code == 200
                assert "X-RateLimit-Limit" not in answer.headers
            bring_back(settings, socket)
            for _ in range(10):
                assert (await tenant.client.get(JOBS)).status_code == 200
            error_of(await tenant.client.get(JOBS), 429)
    events = [line["event"] for line in lines]
    assert [event for event in events if event in ("redis_unavailable", "redis_back")] == [
        "redis_unavailable",
        "redis_back",
    ]


async def test_the_list_of_jobs_is_right(away: Settings, sandbox: Sandbox) -> None:
    async with support.running(away) as service, support.a_tenant(service) as tenant:
        assert (await tenant.client.get(JOBS)).json()["total"] == 0
        assert (await tenant.client.post(JOBS, json=job_request(sandbox))).status_code == 201
        assert (await tenant.client.get(JOBS)).json()["total"] == 1


async def test_prometheus_is_told_what_the_database_knows(away: Settings) -> None:
    async with support.running(away) as service, service.client() as client:
        lines = (await client.get("/metrics")).text.splitlines()
    assert "freight_redis_up 0.0" in lines
    assert "freight_database_up 1.0" in lines
    assert 'freight_jobs{status="pending"} 0.0' in lines or 'freight_jobs{status="pending"} 1.0' in lines
    assert not any(line.startswith("freight_workers") for line in lines)
