"""Which record of the target is which of the source: never two of one, never one of two, and never on another list."""

from pathlib import Path
from typing import Any

import pytest

from freight.connectors import http
from freight_sandbox import Sandbox
from support import faults, firm, jobs, migration, workspaces
from support.service import Service, Tenant


async def test_records_that_overlap_in_a_chain_stay_apart(service: Service, tenant: Tenant, tmp_path: Path) -> None:
    companies = [firm.company(1, "a1.com"), firm.company(2, "a2.com", "y1.com"), firm.company(3, "y2.com")]
    async with firm.running(tmp_path, companies=companies) as vendors:
        await firm.make(vendors, "companies", name="X", domains=["a1.com", "a2.com"])
        await firm.make(vendors, "companies", name="Y", domains=["y1.com", "y2.com"])
        job = await migration.carry(tenant, vendors)
        assert len(set(await target_ids(tenant, job, "companies"))) == 3


async def test_what_the_ledger_knows_to_be_another_s_is_not_taken_over(
    service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    async with firm.running(tmp_path, companies=[firm.company(1, "a1.com")]) as vendors:
        await migration.carry(tenant, vendors)
        path = f"/objects/companies/records/{await record_id(vendors, '1')}"
        changed = {"affinity_id": [], "domains": ["a1.com", "a2.com"]}
        await firm.attio(vendors, "PUT", path, {"data": {"values": changed}})
        await firm.put(vendors, "companies", firm.company(2, "a2.com"))
        job = await migration.carry(tenant, vendors)
        assert len(set(await target_ids(tenant, job, "companies"))) == 2
        (row,) = await jobs.logs(tenant, job["id"], code="held_by_another_record")
        assert (row["source_id"], row["value"]) == ("2", "a2.com")


async def test_a_record_on_two_lists_gets_an_entry_on_each_also_where_somebody_has_put_it_on_one(
    service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    company = firm.company(1, "a1.com")
    rows = {
        "lists": [firm.a_list(5, "Alpha"), firm.a_list(6, "Beta")],
        "list_entries": [firm.entry(51, 5, company), firm.entry(61, 6, company)],
    }
    async with firm.running(tmp_path, companies=[company], **rows) as vendors:
        made = await firm.attio(
            vendors, "POST", "/objects/companies/records", {"data": {"values": {"domains": ["a1.com"]}}}
        )
        beta = {
            "name": "Beta", "api_slug": "beta", "parent_object": "companies", "workspace_access": "full-access",
            "workspace_member_access": [],
        }  # fmt: skip
        list_id = (await firm.attio(vendors, "POST", "/lists", {"data": beta}))["data"]["id"]["list_id"]
        entry = {
            "parent_record_id": made["data"]["id"]["record_id"], "parent_object": "companies", "entry_values": {},
        }  # fmt: skip
        await firm.attio(vendors, "POST", f"/lists/{list_id}/entries", {"data": entry})
        mapping = {"lists": {"6": {"to": "beta"}}}
        predicted = await migration.carry(tenant, vendors, mode="dry_run", mapping=mapping)
        job = await migration.carry(tenant, vendors, mapping=mapping)
        assert migration.outcomes(predicted) == migration.outcomes(job)
        counts = jobs.counts(job, "list_entries")
        assert (counts["created"], counts["updated"]) == (1, 1)
        for given in (await firm.attio(vendors, "GET", "/lists"))["data"]:
            path = f"/lists/{given['id']['list_id']}/entries/query"
            assert len((await firm.attio(vendors, "POST", path, {}))["data"]) == 1


async def test_a_task_without_any_record_is_recognised_by_the_next_job(
    service: Service, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "ATTEMPTS", 1)
    reminder = firm.reminder("Call", due_date="2027-01-15T09:00:00-08:00", organization=None)
    async with firm.running(tmp_path, reminders=[reminder]) as vendors:
        await faults.add(vendors.attio_url, "server_error_after_write", method="POST", path_prefix="/v2/tasks")
        await faults.add(vendors.attio_url, "server_error", method="GET", path_prefix="/v2/tasks")
        job = await jobs.create(tenant, vendors, retry_policy={"max_attempts": 1})
        job = await jobs.until_ended(tenant, job["id"])
        assert jobs.counts(job, "tasks")["failed"] == 1
        await faults.clear(vendors.attio_url)
        await migration.carry(tenant, vendors)
        assert len((await firm.attio(vendors, "GET", "/tasks"))["data"]) == 1


async def record_id(sandbox: Sandbox, source_id: str) -> str:
    return str((await workspaces.in_target(sandbox, "companies"))[source_id][0]["id"]["record_id"])


async def target_ids(tenant: Tenant, job: dict[str, Any], entity: str) -> list[str]:
    return [row["target_id"] for row in await migration.records(tenant, job["id"], entity=entity)]
