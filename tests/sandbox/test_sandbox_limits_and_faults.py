"""What a client may rely on about limits, counters and faults of both simulated vendors."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from freight_sandbox import Sandbox, running
from freight_sandbox.limits import CalendarSeconds, MinuteWindow, MonthlyQuota, SlidingWindow
from support.clients import TLS
from support.sandboxes import sandbox_options

COMPANIES = "/v2/objects/companies/records"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 2, 28, 23, 59, 0, tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def clean(affinity: httpx.AsyncClient, attio: httpx.AsyncClient) -> AsyncIterator[None]:
    for client in (affinity, attio):
        await client.delete("/_sandbox/counters")
    yield
    for client in (affinity, attio):
        await client.delete("/_sandbox/faults")


async def fault(client: httpx.AsyncClient, **given: Any) -> None:
    (await client.post("/_sandbox/faults", json=given)).raise_for_status()


async def create(client: httpx.AsyncClient, name: str) -> httpx.Response:
    return await client.post(COMPANIES, json={"data": {"values": {"name": name}}})


async def stored(client: httpx.AsyncClient, name: str) -> int:
    answer = await client.post(f"{COMPANIES}/query", json={"filter": {"name": name}})
    return len(answer.raise_for_status().json()["data"])


def test_a_sliding_window_never_lets_more_through_in_any_second():
    clock = Clock()
    window = SlidingWindow(25, clock=clock)
    admitted: list[float] = []
    for _ in range(200):
        if window.admit() is None:
            admitted.append(clock.now)
        clock.now += 0.01
    assert all(later - earlier >= 1 for earlier, later in zip(admitted, admitted[25:], strict=False))
    assert len(admitted) == 50


def test_a_refused_request_is_told_when_one_fits():
    clock = Clock()
    window = SlidingWindow(1, clock=clock)
    assert window.admit() is None
    assert window.admit() == clock.now + 1
    clock.now += 1
    assert window.admit() is None


def test_a_minute_begins_with_its_first_request():
    clock = Clock()
    window = MinuteWindow(2, clock)
    assert window.allowance().reset == 0
    assert [window.admit() for _ in range(3)] == [True, True, False]
    clock.now += 45
    assert window.allowance().reset == 15
    assert window.allowance().remaining == 0
    clock.now += 15
    assert window.admit()


def test_a_monthly_quota_ends_with_the_calendar_month():
    clock = Clock()
    quota = MonthlyQuota(1, clock)
    assert [quota.admit(), quota.admit()] == [True, False]
    assert quota.allowance().reset == 60
    clock.now += 60
    assert quota.admit()


async def test_attio_refuses_the_write_beyond_its_limit_until_a_date():
    async with running(sandbox_options(companies=1, people=1)) as limited:
        headers = {"Authorization": f"Bearer {limited.attio_key}"}
        async with httpx.AsyncClient(verify=TLS, base_url=limited.attio_url, headers=headers) as client:
            answers = await asyncio.gather(*(create(client, "Acme") for _ in range(80)))
            refused = [answer for answer in answers if answer.status_code == 429]
            counts = (await client.get("/_sandbox/counters")).json()
            summary = (await client.get("/_sandbox/summary")).json()
    assert refused
    assert refused[0].json() == {
        "status_code": 429,
        "type": "rate_limit_error",
        "code": "rate_limit_exceeded",
        "message": "Rate limit exceeded, please try again later",
    }
    assert parsedate_to_datetime(refused[0].headers["Retry-After"]).tzinfo is not None
    assert summary["records"]["companies"] == 80 - len(refused)
    assert (counts["writes"], counts["rate_limited"]) == (80, len(refused))


async def test_affinity_tells_what_is_left_and_refuses_the_rest():
    options = sandbox_options(companies=1, people=1, affinity_monthly_quota=2)
    async with running(options) as limited:
        headers = {"Authorization": f"Bearer {limited.affinity_key}"}
        async with httpx.AsyncClient(verify=TLS, base_url=limited.affinity_url, headers=headers) as client:
            for path in ("/v2/auth/whoami", "/auth/whoami", "/rate-limit", "/v2/rate-limit"):
                free = await client.get(path)
                assert free.headers["x-ratelimit-limit-org-remaining"] == "2"
            assert free.headers["x-ratelimit-limit-user"] == "900"
            assert free.headers["x-ratelimit-limit-user-remaining"] == "896"
            assert 0 < int(free.headers["x-ratelimit-limit-user-reset"]) <= 60
            assert free.json()["orgPerMonth"]["limit"] == 2
            answers = [await client.get("/v2/companies") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["errors"][0]["code"] == "rate-limit"
    assert answers[2].headers["x-ratelimit-limit-org-remaining"] == "0"
    assert int(answers[2].headers["x-ratelimit-limit-org-reset"]) > 0


async def test_headers_of_the_month_are_absent_without_a_quota(affinity: httpx.AsyncClient):
    for path in ("/v2/companies", "/v2/persons/1"):
        answer = await affinity.get(path)
        assert "x-ratelimit-limit-user-remaining" in answer.headers
        assert "x-ratelimit-limit-org" not in answer.headers


@pytest.mark.usefixtures("clean")
async def test_counters_tell_operation_status_and_kind(attio: httpx.AsyncClient):
    await create(attio, "Counted")
    await attio.post(f"{COMPANIES}/query", json={})
    await attio.get(f"{COMPANIES}/gone")
    counts = (await attio.get("/_sandbox/counters")).json()
    assert (counts["reads"], counts["writes"], counts["rate_limited"]) == (2, 1, 0)
    seen = {(entry["method"], entry["route"], entry["status"]): entry["count"] for entry in counts["requests"]}
    assert seen == {
        ("GET", "/v2/objects/{object_name}/records/{record_id}", 404): 1,
        ("POST", "/v2/objects/{object_name}/records", 200): 1,
        ("POST", "/v2/objects/{object_name}/records/query", 200): 1,
    }
    await attio.delete("/_sandbox/counters")
    assert (await attio.get("/_sandbox/counters")).json()["requests"] == []


@pytest.mark.usefixtures("clean")
async def test_faults_with_an_answer_come_as_often_as_asked(affinity: httpx.AsyncClient, attio: httpx.AsyncClient):
    cases = [
        ("rate_limit", 429),
        ("server_error", 500),
        ("html_error", 502),
        ("html_success", 200),
        ("html_forbidden", 403),
        ("unauthorized", 401),
        ("forbidden", 403),
        ("unavailable", 503),
    ]
    for client, path in ((affinity, "/v2/companies"), (attio, "/v2/objects")):
        for kind, status in cases:
            await fault(client, kind=kind, times=2)
            answers = [await client.get(path) for _ in range(3)]
            assert [answer.status_code for answer in answers] == [status, status, 200]
            html = answers[0].headers["content-type"].startswith("text/html")
            assert html == kind.startswith("html_")


@pytest.mark.usefixtures("clean")
async def test_a_fault_can_be_kept_to_a_method_and_a_path(attio: httpx.AsyncClient):
    await fault(attio, kind="server_error", times=1, method="POST", path_prefix=COMPANIES)
    assert (await attio.get("/v2/objects")).status_code == 200
    assert (await attio.post("/v2/objects/people/records/query", json={})).status_code == 200
    assert (await create(attio, "Struck")).status_code == 500
    assert await stored(attio, "Struck") == 0


@pytest.mark.usefixtures("clean")
async def test_a_probability_follows_the_seed():
    async def statuses() -> list[int]:
        async with running(sandbox_options(companies=1, people=1, seed=7, unlimited=True)) as seeded:
            headers = {"Authorization": f"Bearer {seeded.attio_key}"}
            async with httpx.AsyncClient(verify=TLS, base_url=seeded.attio_url, headers=headers) as client:
                await fault(client, kind="server_error", probability=0.5)
                return [(await client.get("/v2/objects")).status_code for _ in range(20)]

    first = await statuses()
    assert set(first) == {200, 500}
    assert await statuses() == first


@pytest.mark.usefixtures("clean")
async def test_an_error_after_the_write_leaves_the_write(attio: httpx.AsyncClient):
    await fault(attio, kind="server_error_after_write", times=1)
    assert (await attio.get("/v2/objects")).status_code == 200
    assert (await create(attio, "Hidden success")).status_code == 500
    assert await stored(attio, "Hidden success") == 1


@pytest.mark.parametrize(("kind", "left"), [("drop_before", 0), ("drop_after_write", 1)])
@pytest.mark.usefixtures("clean")
async def test_a_dropped_connection_gives_no_answer(attio: httpx.AsyncClient, kind: str, left: int):
    await fault(attio, kind=kind, times=1, method="POST")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await create(attio, kind)
    assert await stored(attio, kind) == left
    counts = (await attio.get("/_sandbox/counters")).json()["requests"]
    assert {entry["status"] for entry in counts} == {0, 200}


@pytest.mark.usefixtures("clean")
async def test_a_write_conflict_comes_to_writes_only(attio: httpx.AsyncClient):
    await fault(attio, kind="write_conflict", times=1)
    assert (await attio.get("/v2/objects")).status_code == 200
    conflict = await create(attio, "Conflicting")
    assert (conflict.status_code, conflict.json()["code"]) == (409, "concurrent_write_conflict")
    assert await stored(attio, "Conflicting") == 0


@pytest.mark.usefixtures("clean")
async def test_faults_are_listed_with_what_is_left_and_ended_together(attio: httpx.AsyncClient):
    await fault(attio, kind="latency", milliseconds=1, jitter_milliseconds=1)
    await fault(attio, kind="server_error", times=2)
    assert (await attio.get("/v2/objects")).status_code == 500
    left = (await attio.get("/_sandbox/faults")).json()
    assert [(entry["kind"], entry["times"]) for entry in left] == [("latency", None), ("server_error", 1)]
    await attio.delete("/_sandbox/faults")
    assert (await attio.get("/v2/objects")).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{}", b'{"kind":"flood"}', b'{"kind":"latency","often":1}'])
async def test_a_fault_that_is_none_is_refused(attio: httpx.AsyncClient, body: bytes):
    assert (await attio.post("/_sandbox/faults", content=body)).status_code == 422


async def test_the_sandbox_s_own_routes_need_no_key(sandbox: Sandbox):
    async with httpx.AsyncClient(verify=TLS) as stranger:
        for url in (sandbox.affinity_url, sandbox.attio_url):
            assert (await stranger.get(f"{url}/_sandbox/summary")).status_code == 200


def test_calendar_seconds_let_as_much_through_in_each_second_of_the_clock():
    clock = Clock()
    clock.now += 0.5
    window = CalendarSeconds(2, clock)
    assert [window.admit() for _ in range(3)] == [None, None, clock.now + 0.5]
    clock.now += 0.5
    assert [window.admit() for _ in range(3)] == [None, None, clock.now + 1]


async def test_attio_s_rate_limits_can_be_lowered_and_lifted() -> None:
    async with running(sandbox_options(companies=0, people=0, attio_window="calendar")) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.attio_key}"}
        async with httpx.AsyncClient(verify=TLS, base_url=sandbox.attio_url, headers=headers) as client:
            limits = {"reads_per_second": 1, "window": "sliding"}
            assert (await client.put("/_sandbox/rate-limits", json=limits)).json()["writes_per_second"] == 25
            assert [(await client.get("/v2/lists")).status_code for _ in range(3)] == [200, 429, 429]
            await client.put("/_sandbox/rate-limits", json={"reads_per_second": None})
            assert [(await client.get("/v2/lists")).status_code for _ in range(3)] == [200] * 3
            assert (await client.put("/_sandbox/rate-limits", json={"reads_per_second": 0})).status_code == 422


async def test_arrival_jitter_is_latency_that_differs_from_request_to_request() -> None:
    async with running(sandbox_options(companies=0, people=0, arrival_jitter=80)) as sandbox:
        for url in (sandbox.affinity_url, sandbox.attio_url):
            async with httpx.AsyncClient(verify=TLS, base_url=url) as client:
                faults = (await client.get("/_sandbox/faults")).json()
            assert [(fault["kind"], fault["milliseconds"], fault["jitter_milliseconds"]) for fault in faults] == [
                ("latency", 0, 80)
            ]
