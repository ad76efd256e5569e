"""What is erased when its time is over."""

from typing import Any

import httpx

from freight import database
from freight.connectors.protocols import Issue
from freight.domain.jobs import model as jobs
from freight.domain.migration.records import logs
from freight.domain.migration.records.logs import Entry
from freight.domain.tenancy import retention
from freight.encryption import CredentialCipher
from freight_sandbox import Sandbox
from support import rows
from support.errors import error_of
from support.service import Service, Tenant, job_request

JOBS = "/api/v1/jobs"


async def ended_job(tenant: Tenant, sandbox: Sandbox, *, days_ago: int) -> str:
    """A job that has ended with a record, a claim and rows in its log."""
    job_id = (await tenant.client.post(JOBS, json=job_request(sandbox))).json()["id"]
    issue = Issue(level="warning", code="invalid_phone_number", message="+1 55 is no number.", value="+1 55")
    async with database.as_platform() as tx:
        for table in ("records", "reservations"):
            await tx.execute(f"DELETE FROM {table} WHERE tenant_id = $1", tenant.id)
            await tx.execute(
                f"UPDATE {table} SET job_id = $2 WHERE id = $1", await rows.fill(tx, table, tenant.id), job_id
            )
        await tx.execute(
            """UPDATE records SET payload = '{"name": "A person"}', outcome = 'failed', code = 'rejected',
                      message = 'A person is refused.' WHERE job_id = $1""",
            job_id,
        )
        entries = [Entry(issue=issue, entity="people", source_id="7"), Entry(issue=issue)]
        await logs.write(tx, tenant.id, job_id, entries)
        await tx.execute(
            """UPDATE jobs SET status = 'failed', completed_at = now() - $2 * interval '1 day' WHERE id = $1""",
            job_id,
            days_ago,
        )
    return str(job_id)


async def contents(job_id: str) -> dict[str, Any]:
    async with database.as_platform() as tx:
        job = await tx.fetchrow("SELECT * FROM jobs WHERE id = $1", job_id)
        record = await tx.fetchrow("SELECT * FROM records WHERE job_id = $1", job_id)
        found = await tx.fetch("SELECT * FROM logs WHERE job_id = $1 ORDER BY id", job_id)
        claims = await tx.fetchval("SELECT count(*) FROM reservations WHERE job_id = $1", job_id)
    return {"job": job, "record": record, "logs": found, "claims": claims}


async def test_when_its_retention_ends_a_job_s_data_and_the_vendors_keys_are_erased_and_its_outcomes_stay(
    tenant: Tenant, sandbox: Sandbox, administrator: httpx.AsyncClient
) -> None:
    await administrator.patch(f"/api/v1/tenants/{tenant.id}", json={"retention_days": 10})
    old = await ended_job(tenant, sandbox, days_ago=11)
    await retention.purge()
    left = await contents(old)
    assert (left["job"]["source_credentials"], left["job"]["target_credentials"]) == (b"", b"")
    assert left["job"]["purged_at"] is not None
    record = left["record"]
    assert (record["payload"], record["outcome"], record["code"]) == (None, "failed", "rejected")
    assert record["message"] == retention.ERASED
    about_record, about_job = left["logs"][-2:]
    assert (about_record["value"], about_record["message"]) == (None, retention.ERASED)
    assert (about_record["code"], about_record["source_id"]) == ("invalid_phone_number", "7")
    assert about_job["message"] == "+1 55 is no number."
    assert left["claims"] == 0
    assert (await tenant.client.get(f"{JOBS}/{old}")).json()["status"] == "failed"
    error_of(await tenant.client.post(f"{JOBS}/{old}/retry"), 409)
    await retention.purge()
    assert await contents(old) == left


async def test_before_that_nothing_is_erased(service: Service, tenant: Tenant, sandbox: Sandbox) -> None:
    recent = await ended_job(tenant, sandbox, days_ago=89)
    before = await contents(recent)
    await retention.purge()
    assert await contents(recent) == before
    async with database.as_tenant(tenant.id) as tx:
        found = await jobs.credentials(tx, CredentialCipher(service.settings.secrets), before["job"]["id"])
    assert found.source == sandbox.affinity_key


async def test_a_live_job_keeps_its_data_however_old_it_is(tenant: Tenant, sandbox: Sandbox) -> None:
    job_id = await ended_job(tenant, sandbox, days_ago=1000)
    async with database.as_platform() as tx:
        await tx.execute("UPDATE jobs SET status = 'running' WHERE id = $1", job_id)
    before = await contents(job_id)
    await retention.purge()
    assert await contents(job_id) == before


async def test_many_rows_are_erased_in_portions(tenant: Tenant, sandbox: Sandbox) -> None:
    job_id = await ended_job(tenant, sandbox, days_ago=1000)
    async with database.as_platform() as tx:
        await tx.execute(
            """INSERT INTO records (tenant_id, job_id, entity, position, source_id, payload)
               SELECT $1, $2, 'people', n, 'p' || n, '{}' FROM generate_series(1, $3::int) AS n""",
            tenant.id,
            job_id,
            retention.PORTION + 1,
        )
        await tx.execute(
            """INSERT INTO reservations (tenant_id, job_id, entity, value, source_id)
               SELECT $1, $2, 'people', 'v' || n, 'p' || n FROM generate_series(1, $3::int) AS n""",
            tenant.id,
            job_id,
            retention.PORTION + 1,
        )
    await retention.purge()
    async with database.as_platform() as tx:
        assert await tx.fetchval("SELECT count(*) FROM records WHERE job_id = $1 AND payload IS NOT NULL", job_id) == 0
        assert await tx.fetchval("SELECT count(*) FROM reservations WHERE job_id = $1", job_id) == 0


async def test_old_deliveries_and_idempotency_keys_are_removed(tenant: Tenant) -> None:
    async def left() -> dict[str, int]:
        async with database.as_tenant(tenant.id) as tx:
            return {
                table: await tx.fetchval(f"SELECT count(*) FROM {table}")
                for table in ("idempotency_keys", "webhook_deliveries")
            }

    async def age(days: int, status: str) -> None:
        async with database.as_platform() as tx:
            for table in ("idempotency_keys", "webhook_deliveries"):
                await tx.execute(f"UPDATE {table} SET created_at = now() - $1 * interval '1 day'", days)
            await tx.execute("UPDATE webhook_deliveries SET status = $1", status)
        await retention.purge()

    await rows.fill_all(tenant.id)
    await age(0, "delivered")
    assert await left() == {"idempotency_keys": 1, "webhook_deliveries": 1}
    await age(29, "delivered")
    assert await left() == {"idempotency_keys": 0, "webhook_deliveries": 1}
    await age(31, "pending")
    assert await left() == {"idempotency_keys": 0, "webhook_deliveries": 1}
    await age(31, "delivered")
    assert await left() == {"idempotency_keys": 0, "webhook_deliveries": 0}
