"""What is logged of a request, and what never is."""

import asyncio
import io
import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest
import structlog

from freight import logging as freight_logging
from freight.domain.jobs import model as jobs
from freight.domain.jobs import search
from freight.settings import Settings
from freight_sandbox import Sandbox
from support.service import Service, Tenant, job_request

JOBS = "/api/v1/jobs"


@pytest.fixture(params=["json", "console"])
def log_format(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def printed(settings: Settings, log_format: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """What has been logged on standard error, as `freight serve` logs."""
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    root = logging.getLogger()
    level = root.level
    freight_logging.configure(msgspec.structs.replace(settings, log_format=log_format, log_level="debug"))
    (ours,) = root.handlers
    yield stderr.getvalue
    root.removeHandler(ours)
    root.setLevel(level)
    structlog.reset_defaults()


def lines_of(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines()]


@pytest.mark.parametrize("log_format", ["json"])
async def test_the_start_and_the_end_of_each_request_are_logged(tenant: Tenant, printed: Callable[[], str]) -> None:
    answer = await tenant.client.get(JOBS, params={"limit": 5})
    started, ended = (line for line in lines_of(printed()) if line["event"].startswith("request_"))
    for line in (started, ended):
        assert (line["method"], line["path"]) == ("GET", JOBS)
        assert line["request_id"] == answer.headers["X-Request-ID"]
    assert (started["event"], ended["event"]) == ("request_started", "request_ended")
    assert (ended["status"], ended["tenant"]) == (200, str(tenant.id))
    assert ended["duration_ms"] >= 0


@pytest.mark.parametrize("log_format", ["json"])
async def test_requests_that_find_nothing_are_logged_too(service: Service, printed: Callable[[], str]) -> None:
    async with service.client() as client:
        await client.get("/nothing")
        await client.delete("/health")
    ended = [line for line in lines_of(printed()) if line["event"] == "request_ended"]
    assert [(line["path"], line["status"]) for line in ended] == [("/nothing", 404), ("/health", 405)]


@pytest.mark.parametrize("log_format", ["json"])
async def test_a_crash_is_logged_with_its_traceback_under_the_request_s_id(
    tenant: Tenant, printed: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("the inside of the machine")

    monkeypatch.setattr(search, "page", crash)
    answer = await tenant.client.get(JOBS)
    (crashed,) = (line for line in lines_of(printed()) if line["event"] == "request_crashed")
    assert crashed["request_id"] == answer.json()["request_id"]
    assert "the inside of the machine" in crashed["exception"]
    assert "test_request_log.py" in crashed["exception"]


async def test_no_key_is_ever_logged(
    tenant: Tenant, sandbox: Sandbox, printed: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = job_request(sandbox)
    wrong = job_request(sandbox)
    wrong["source_config"]["api_key"] = "planted-marker"
    misplaced = {**request, "source_system": "planted-marker", "planted-marker": "planted-marker"}
    answers = [
        await tenant.client.post(JOBS, json=wrong),
        await tenant.client.post(JOBS, json=misplaced),
        await tenant.client.post(JOBS, content=b'{"api_key": "planted-marker"'),
        await tenant.client.post(JOBS, json=request),
        await tenant.client.post(JOBS, json=request),
        await tenant.client.get(JOBS, headers={"X-API-Key": "planted-marker"}),
    ]
    monkeypatch.setattr(jobs, "create", _crash)
    answers.append(await tenant.client.post(JOBS, json=wrong | {"source_config": request["source_config"]}))
    assert [answer.status_code for answer in answers] == [400, 422, 400, 201, 409, 401, 500]
    logged = printed()
    assert "request_crashed" in logged
    for key in ("planted-marker", tenant.key, sandbox.affinity_key, sandbox.attio_key):
        assert key not in logged


async def _crash(*_: object, **__: object) -> None:
    raise RuntimeError("crash")


@pytest.mark.parametrize("given", ["abc", "req_1", "A.b_c-9", "x" * 64])
async def test_a_well_formed_request_id_is_kept(given: str, service: Service) -> None:
    async with service.client() as client:
        answer = await client.get("/health/live", headers={"X-Request-ID": given})
        assert answer.headers.get_list("X-Request-ID") == [given]
        failed = await client.get("/nothing", headers={"X-Request-ID": given})
        assert failed.json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "with space", "x" * 65, "a;b", "\xe9"])
async def test_any_other_request_id_is_replaced(given: str, service: Service) -> None:
    async with service.client() as client:
        answer = await client.get("/health/live", headers={b"X-Request-ID": given.encode("latin-1")})
    assert re.fullmatch(r"req_[0-9a-f]{16}", answer.headers["X-Request-ID"])


async def test_every_answer_has_a_request_id_of_its_own(tenant: Tenant) -> None:
    ids = set()
    for path in ("/health", "/health/live", "/schema", "/api/docs", JOBS, "/nothing", f"{JOBS}/x"):
        ids.add((await tenant.client.get(path)).headers["X-Request-ID"])
    ids.add((await tenant.client.delete(JOBS)).headers["X-Request-ID"])
    ids.add((await tenant.client.post(JOBS, content=b"{")).headers["X-Request-ID"])
    assert len(ids) == 9


async def test_a_client_that_goes_while_it_sends_is_no_error_of_freight(
    service: Service, tenant: Tenant, printed: Callable[[], str]
) -> None:
    url = httpx.URL(service.url)
    _, writer = await asyncio.open_connection(url.host, url.port)
    head = f"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nX-API-Key: {tenant.key}\r\nContent-Length: 100\r\n\r\n{{"
    writer.write(head.encode())
    async with asyncio.timeout(20):
        while "request_started" not in printed():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)
        writer.close()
        while "request_ended" not in printed():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert "request_crashed" not in printed()
    assert "Traceback" not in printed()
