"""Watching a job as it goes."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from freight import database
from freight.api.routes import events as api
from freight.settings import Settings
from freight_sandbox import Sandbox
from support import filled, jobs, processes
from support.clients import TLS
from support.errors import error_of
from support.events import rest, until, watching
from support.service import Service, Tenant


@pytest.fixture
async def job(tenant: Tenant) -> UUID:
    """A running job."""
    return await filled.a_job(tenant, status="running", stage="extract", total_records=100, processed_records=10)


async def change(tenant: Tenant, job_id: UUID, **values: Any) -> None:
    """What a worker would do to the job."""
    columns = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, start=2))
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(f"UPDATE jobs SET {columns} WHERE id = $1", job_id, *values.values())


async def test_what_holds_is_told_first_and_then_each_change_until_the_end(tenant: Tenant, job: UUID) -> None:
    async with watching(tenant.client, job) as events:
        first = await until(events, "progress")
        assert [(event.name, event.data) for event in first[:2]] == [
            ("status", {"status": "running", "resume_at": None}),
            ("stage", {"stage": "extract"}),
        ]
        assert (first[2].data["total_records"], first[2].data["processed_records"]) == (100, 10)
        await change(tenant, job, stage="companies")
        assert [event.data for event in await until(events, "stage")] == [{"stage": "companies"}]
        await change(tenant, job, processed_records=90, failed_records=3)
        (progress,) = await until(events, "progress")
        assert (progress.data["processed_records"], progress.data["failed_records"]) == (90, 3)
        await change(tenant, job, status="failed", stage=None, error_code="a_code", error_message="A sentence.")
        last = await rest(events)
    assert [event.name for event in last] == ["status", "end"]
    assert last[1].data == {
        "status": "failed",
        "error": {"code": "a_code", "message": "A sentence."},
        "completed_at": None,
    }


async def test_whoever_comes_again_is_told_only_what_is_new(tenant: Tenant, job: UUID) -> None:
    async with watching(tenant.client, job) as events:
        status, stage, progress = await until(events, "progress")
    async with watching(tenant.client, job, status.id) as events:
        assert [event.id for event in await until(events, "progress")] == [stage.id, progress.id]
    await change(tenant, job, processed_records=50)
    async with watching(tenant.client, job, progress.id) as events:
        (newer,) = await until(events, "progress")
        assert newer.data["processed_records"] == 50
    await change(tenant, job, status="completed", stage=None)
    async with watching(tenant.client, job, newer.id) as events:
        assert [event.name for event in await rest(events)] == ["status", "end"]


async def test_whoever_was_told_the_end_is_told_to_stay_away_until_the_job_runs_again(
    tenant: Tenant, job: UUID
) -> None:
    await change(tenant, job, status="completed_with_errors", stage=None)
    async with watching(tenant.client, job) as events:
        end = (await rest(events))[-1]
    answer = await tenant.client.get(f"/api/v1/jobs/{job}/events", headers={"Last-Event-ID": str(end.id)})
    assert (answer.status_code, answer.content) == (204, b"")
    await change(tenant, job, status="running", stage="people")
    async with watching(tenant.client, job, end.id) as events:
        assert [event.name for event in await until(events, "stage")] == ["status", "stage"]
        await change(tenant, job, status="completed_with_errors", stage=None)
        assert (await rest(events))[-1].name == "end"


@pytest.mark.parametrize("last_event_id", ["", "17", "running.extract.a.b.c.false", "......", "\u00fc", "x" * 5000])
async def test_an_event_s_id_that_is_not_ours_is_as_good_as_none(tenant: Tenant, job: UUID, last_event_id: str) -> None:
    headers = {"Last-Event-ID": last_event_id.encode("latin-1")}
    async with tenant.client.stream("GET", f"/api/v1/jobs/{job}/events", headers=headers) as answer:  # type: ignore[arg-type]
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            if line == "event: status":
                break


async def test_progress_is_told_at_most_twice_a_second(tenant: Tenant, job: UUID) -> None:
    loop = asyncio.get_running_loop()
    async with watching(tenant.client, job) as events:
        await until(events, "progress")
        began = loop.time()
        for processed in range(11, 61):
            await change(tenant, job, processed_records=processed)
            await asyncio.sleep(0.03)
        told = await until(events, "progress", processed_records=60)
        assert len(told) <= (loop.time() - began) / api.POLL_SECONDS + 1


async def test_after_its_time_a_stream_ends_with_a_hint_to_come_again(
    tenant: Tenant, job: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "LONGEST_SECONDS", 1.0)
    async with watching(tenant.client, job) as events:
        last = (await rest(events))[-1]
    assert (last.name, last.retry) == ("reconnect", api.RETRY_MILLISECONDS)


async def test_a_silent_stream_shows_that_it_is_alive(
    tenant: Tenant, job: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "HEARTBEAT_SECONDS", 0.1)
    async with watching(tenant.client, job) as events:
        await until(events, "progress")
        for _ in range(2):
            assert (await anext(events)).name is None


async def test_nothing_is_asked_any_more_for_a_client_that_has_gone(tenant: Tenant, job: UUID) -> None:
    def streams() -> int:
        coroutines = (task.get_coro() for task in asyncio.all_tasks())
        return sum(getattr(coroutine, "__qualname__", "") == "_until_gone" for coroutine in coroutines)

    async with watching(tenant.client, job) as events:
        await until(events, "progress")
        assert streams() > 0
    async with asyncio.timeout(60):
        while streams():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "end",
    [
        "UPDATE api_keys SET revoked_at = now() WHERE tenant_id = $1",
        "UPDATE api_keys SET expires_at = now() WHERE tenant_id = $1",
        "UPDATE tenants SET suspended_at = now() WHERE id = $1",
    ],
)
async def test_a_stream_ends_with_the_key_that_opened_it(tenant: Tenant, job: UUID, end: str) -> None:
    async with watching(tenant.client, job) as events:
        await until(events, "progress")
        async with database.as_platform() as tx:
            await tx.execute(end, tenant.id)
        async with asyncio.timeout(20):
            assert [event.name for event in await rest(events)] == ["reconnect"]
    assert (await tenant.client.get(f"/api/v1/jobs/{job}/events")).status_code in (401, 403)


async def test_more_streams_than_a_tenant_s_share_are_refused_and_other_tenants_are_not(
    tenant: Tenant, other_tenant: Tenant, job: UUID
) -> None:
    theirs = await filled.a_job(other_tenant, status="running")
    async with AsyncExitStack() as stack:
        for _ in range(api.STREAMS_EACH):
            await stack.enter_async_context(watching(tenant.client, job))
        refused = await tenant.client.get(f"/api/v1/jobs/{job}/events")
        assert error_of(refused, 429)["details"][0]["type"] == "event_streams_exceeded"
        assert int(refused.headers["Retry-After"]) > 0
        async with watching(other_tenant.client, theirs) as events:
            await until(events, "status")


async def test_a_deleted_job_s_stream_ends(tenant: Tenant, job: UUID) -> None:
    async with watching(tenant.client, job) as events:
        await until(events, "progress")
        async with database.as_platform() as tx:
            await tx.execute("DELETE FROM jobs WHERE id = $1", job)
        assert await rest(events) == []


async def test_another_tenant_s_job_cannot_be_watched(other_tenant: Tenant, job: UUID) -> None:
    for job_id in (job, uuid4()):
        error_of(await other_tenant.client.get(f"/api/v1/jobs/{job_id}/events"), 404)


async def test_any_process_tells_what_a_worker_does_in_another(
    service: Service, settings: Settings, tenant: Tenant, sandbox: Sandbox
) -> None:
    async with AsyncExitStack() as stack:
        url = await second_process(stack, settings)
        other = await stack.enter_async_context(
            httpx.AsyncClient(verify=TLS, base_url=url, headers={"X-API-Key": tenant.key}, timeout=60)
        )
        created = await jobs.create(tenant, sandbox)
        events = await stack.enter_async_context(watching(other, created["id"]))
        (pending,) = await until(events, "status")
        assert pending.data["status"] == "pending"
        await stack.enter_async_context(processes.worker(settings))
        told = await rest(events)
    ended = await jobs.until_ended(tenant, created["id"])
    assert [event.data["status"] for event in told if event.name == "status"][-1] == ended["status"]
    progress = [event.data for event in told if event.name == "progress"][-1]
    assert progress["processed_records"] == progress["total_records"] == ended["total_records"] > 0
    assert told[-1].name == "end"
    assert told[-1].data["status"] == "completed"


async def test_a_process_that_is_told_to_stop_sends_its_watchers_elsewhere_and_ends(
    service: Service, settings: Settings, tenant: Tenant, job: UUID
) -> None:
    async with AsyncExitStack() as stack:
        serving = await stack.enter_async_context(
            processes.started(*SERVE, env=processes.environment(msgspec.structs.replace(settings, log_level="error")))
        )
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                verify=TLS, base_url=await address(serving), headers={"X-API-Key": tenant.key}, timeout=60
            )
        )
        async with watching(client, job) as events:
            seen = await until(events, "progress")
            stopping = asyncio.create_task(serving.stop())
            assert [event.name for event in await rest(events)] == ["reconnect"]
        assert await stopping == 0
    async with watching(tenant.client, job, seen[-1].id) as events:
        await change(tenant, job, stage="people")
        assert [event.data for event in await until(events, "stage")] == [{"stage": "people"}]


SERVE = (str(processes.BIN / "freight"), "serve", "--no-worker")


async def second_process(stack: AsyncExitStack, settings: Settings) -> str:
    """The address of another process of the API."""
    return await address(
        await stack.enter_async_context(processes.started(*SERVE, env=processes.environment(settings)))
    )


async def address(serving: processes.Running) -> str:
    return (await serving.printed("Freight is ready at")).partition("ready at ")[2].partition(" ")[0]


async def test_whoever_watches_a_job_learns_what_it_waits_for_and_when_that_is_over(tenant: Tenant, job: UUID) -> None:
    waits = {"code": "rate_limited", "message": "A wait.", "since": "2026-11-27T09:00:00Z", "until": None}
    async with watching(tenant.client, job) as events:
        await until(events, "progress")
        await change(tenant, job, waiting_for=msgspec.json.encode(waits).decode())
        (began,) = await until(events, "waiting")
        assert began.data == {"waiting_for": waits}
        later = {**waits, "until": "2026-11-27T10:00:00Z"}
        await change(tenant, job, waiting_for=msgspec.json.encode(later).decode())
        (longer,) = await until(events, "waiting")
        assert longer.data == {"waiting_for": later}
    async with watching(tenant.client, job, longer.id) as events:
        await change(tenant, job, waiting_for=None)
        (over,) = await until(events, "waiting")
        assert over.data == {"waiting_for": None}
