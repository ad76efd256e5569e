"""What workers are rung for: a bounded number of steps of each job, and nothing that would only wait."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest

from freight import database
from freight.domain.migration.steps.scheduling import WINDOW, live_jobs, schedule_next, schedule_swept
from freight.domain.webhooks import deliveries
from freight.queue import WakeUp
from support import filled as rows
from support.service import Service, Tenant, a_tenant

BATCHES = 40


@pytest.fixture
async def job(tenant: Tenant) -> UUID:
    """A running job whose companies have been read, in many batches, and whose people have not."""
    return await running_job(tenant)


async def running_job(tenant: Tenant) -> UUID:
    job_id = await rows.a_job(tenant, status="running", stage="companies", batch_size=10)
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(
            """INSERT INTO streams (id, tenant_id, job_id, entity, read_whole, done, read_records, created_records,
                                    updated_records, unchanged_records, skipped_records, failed_records)
               SELECT gen_random_uuid(), $1, $2, entity, false, entity = 'companies', 0, 0, 0, 0, 0, 0
               FROM unnest($3::text[]) AS entity""",
            tenant.id,
            job_id,
            ["companies", "people"],
        )
        await tx.execute(
            """INSERT INTO batches (id, tenant_id, job_id, entity, number, first_position, size, status,
                                    processed_records, failed_records)
               SELECT gen_random_uuid(), $1, $2, 'companies', n, n * 10, 10, 'pending', 0, 0
               FROM generate_series(0, $3 - 1) AS n""",
            tenant.id,
            job_id,
            BATCHES,
        )
    return job_id


async def wait(tenant: Tenant, job_id: UUID, *, by: str | None = None, seconds: float) -> None:
    """Have a job wait for a vendor; `by` says which of its steps do."""
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(
            """UPDATE jobs SET waiting_for = jsonb_build_object('code', 'rate_limited', 'message', '', 'since', now(),
                   'until', now() + $2 * interval '1 second', 'by', $3::text) WHERE id = $1""",
            job_id,
            seconds,
            by,
        )


def tasks(wake_ups: list[WakeUp]) -> list[str]:
    return [enqueue.task for enqueue in wake_ups]


async def test_no_more_than_a_window_of_a_jobs_batches_is_under_way_or_enqueued(tenant: Tenant, job: UUID) -> None:
    first = [enqueue.id for enqueue in await schedule_next(tenant.id, job) if enqueue.task == "load_batch"]
    assert len(first) == WINDOW
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute("UPDATE batches SET lease_until = now() + interval '1 minute' WHERE id = ANY($1)", first[:3])
    assert [enqueue.id for enqueue in await schedule_next(tenant.id, job) if enqueue.task == "load_batch"] == first[3:]


async def test_every_long_step_names_its_job(tenant: Tenant, job: UUID) -> None:
    pending = await rows.a_job(tenant, status="pending")
    wake_ups = [*await schedule_next(tenant.id, job), *await schedule_next(tenant.id, pending)]
    assert {enqueue.task for enqueue in wake_ups} == {"extract_stream", "load_batch", "start_job"}
    assert {enqueue.job_id for enqueue in wake_ups} == {job, pending}


async def test_a_waiting_job_is_tried_by_the_sweep_alone_and_by_one_step_of_a_kind(tenant: Tenant, job: UUID) -> None:
    await wait(tenant, job, seconds=60)
    assert await schedule_next(tenant.id, job) == []
    assert tasks(await schedule_swept(tenant.id, job)) == ["extract_stream", "load_batch"]


@pytest.mark.parametrize(
    ("by", "others"), [("batches", ["extract_stream"]), ("streams", ["load_batch"] * WINDOW)], ids=["load", "extract"]
)
async def test_steps_of_another_kind_than_those_that_wait_go_on(
    tenant: Tenant, job: UUID, by: str, others: list[str]
) -> None:
    await wait(tenant, job, by=by, seconds=60)
    assert tasks(await schedule_next(tenant.id, job)) == others
    assert len(await schedule_swept(tenant.id, job)) == len(others) + 1


async def test_a_job_whose_wait_is_over_goes_on_with_all_it_has(tenant: Tenant, job: UUID) -> None:
    await wait(tenant, job, seconds=-1)
    assert tasks(await schedule_swept(tenant.id, job)) == ["extract_stream", *["load_batch"] * WINDOW]


async def test_a_waiting_job_that_is_cancelled_ends_at_once(tenant: Tenant, job: UUID) -> None:
    await wait(tenant, job, seconds=60)
    (await tenant.client.post(f"/api/v1/jobs/{job}/cancel")).raise_for_status()
    await schedule_next(tenant.id, job)
    assert (await tenant.client.get(f"/api/v1/jobs/{job}")).json()["status"] == "cancelled"


async def test_the_sweep_waits_for_nobody_who_is_changing_a_job(tenant: Tenant, job: UUID) -> None:
    locked, done = asyncio.Event(), asyncio.Event()

    async def change() -> None:
        async with database.as_tenant(tenant.id) as tx:
            await tx.execute("UPDATE jobs SET name = 'changed' WHERE id = $1", job)
            locked.set()
            await done.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(change())
        await locked.wait()
        async with asyncio.timeout(30):
            assert await schedule_swept(tenant.id, job) == []
            assert (tenant.id, job) in await live_jobs()
        done.set()
    assert await schedule_swept(tenant.id, job) != []


async def test_the_sweep_looks_at_a_job_of_every_tenant_before_it_looks_at_a_second_one(service: Service) -> None:
    async with AsyncExitStack() as stack:
        tenants = [await stack.enter_async_context(a_tenant(service)) for _ in range(3)]
        made = {tenant.id: [await running_job(tenant) for _ in range(5)] for tenant in tenants}
        live = [(tenant_id, job_id) for tenant_id, job_id in await live_jobs() if tenant_id in made]
        assert len(live) == 15
        for start in range(0, 15, 3):
            assert {tenant_id for tenant_id, _ in live[start : start + 3]} == made.keys()


async def test_deliveries_of_every_tenant_are_rung_for_beside_thousands_of_another(service: Service) -> None:
    async with AsyncExitStack() as stack:
        loud, quiet = [await stack.enter_async_context(a_tenant(service)) for _ in range(2)]
        for tenant, webhooks in ((loud, 30), (quiet, 1)):
            ids = [uuid4() for _ in range(webhooks)]
            async with database.as_tenant(tenant.id) as tx:
                for webhook_id in ids:
                    await tx.execute(
                        """INSERT INTO webhooks (id, tenant_id, url, events, secret)
                           VALUES ($1, $2, 'https://receiver.example.com', '{job.completed}', '')""",
                        webhook_id,
                        tenant.id,
                    )
                for _ in range(4):
                    await deliveries.write(tx, tenant.id, ids, "webhook.test", {})
        async with database.as_platform() as tx:
            due = await deliveries.due(tx)
        assert len(due) == deliveries.MAX_DUE
        assert sum(enqueue.tenant_id == quiet.id for enqueue in due) == 4
