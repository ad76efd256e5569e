"""What a job cannot do is found before anything is written, and named with what to do about it."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from freight_sandbox import Sandbox, running
from support import faults, jobs, migration, workspaces
from support.clients import TLS
from support.sandboxes import sandbox_options
from support.service import Service, Tenant

DEALFLOW = {"id": 5, "name": "Dealflow", "creatorId": 1, "ownerId": 1, "isPublic": True, "type": "opportunity"}
COMPANIES = {"id": 6, "name": "Portfolio", "creatorId": 1, "ownerId": 1, "isPublic": True, "type": "company"}
USER = {
    "id": 1, "firstName": "Ada", "lastName": "Admin", "primaryEmailAddress": "ada@firm.example.com",
    "emailAddresses": ["ada@firm.example.com"], "type": "internal", "fields": [],
}  # fmt: skip
FIELDS = [
    {"entity": "company", "id": "field-1", "name": "Thesis", "type": "global", "enrichmentSource": None,
     "valueType": "text"},
    {"entity": "company", "id": "field-2", "name": "Office", "type": "global", "enrichmentSource": None,
     "valueType": "location"},
    {"entity": "company", "listId": 6, "id": "field-3", "name": "Score", "type": "list", "enrichmentSource": None,
     "valueType": "number"},
    {"entity": "opportunity", "listId": 5, "id": "field-4", "name": "Status", "type": "list", "enrichmentSource": None,
     "valueType": "ranked-dropdown", "dropdownOptions": [{"id": 1, "text": "New", "rank": 1, "color": None}]},
]  # fmt: skip


@asynccontextmanager
async def a_workspace(folder: Path, companies: Sequence[dict[str, Any]] = (), **options: Any) -> AsyncIterator[Sandbox]:
    collections = {"persons": [USER], "lists": [DEALFLOW, COMPANIES], "fields": FIELDS, "companies": companies}
    for name, rows in collections.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    chosen = {"workspace": folder, "unlimited": True, "deals_enabled": True, **options}
    async with running(sandbox_options(**chosen)) as sandbox:
        yield sandbox


async def refusal(tenant: Tenant, sandbox: Sandbox, code: str, **request: Any) -> str:
    """The sentence with which a job is refused before anything is written."""
    job = await jobs.create(tenant, sandbox, **request)
    job = await jobs.until_ended(tenant, job["id"])
    rows = await jobs.logs(tenant, job["id"], level="error")
    assert (job["status"], job["error"] and job["error"]["code"]) == ("failed", "precheck_failed"), rows
    assert await writes(sandbox) == 0
    (message,) = {row["message"] for row in rows if row["code"] == code} or {None}
    assert message is not None, rows
    assert message in job["error"]["message"]
    return str(message)


async def writes(sandbox: Sandbox) -> int:
    async with httpx.AsyncClient(verify=TLS, base_url=sandbox.attio_url) as attio:
        return int((await attio.get("/_sandbox/counters")).raise_for_status().json()["writes"])


async def test_deals_that_nobody_has_switched_on(service: Service, tenant: Tenant, tmp_path: Path) -> None:
    async with a_workspace(tmp_path, deals_enabled=False) as sandbox:
        message = await refusal(tenant, sandbox, "deals_disabled")
    assert "Attio" in message
    assert "admin" in message


async def test_deals_that_are_switched_off_do_not_matter_to_a_job_without_any(
    service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    async with a_workspace(tmp_path, deals_enabled=False) as sandbox:
        job = await jobs.create(
            tenant, sandbox, mapping={"lists": {"5": {"skip": True}}}, entities=["companies", "lists"]
        )
        job = await jobs.until_ended(tenant, job["id"])
    assert job["status"] == "completed"


async def test_a_scope_that_the_target_s_key_lacks(service: Service, tenant: Tenant, tmp_path: Path) -> None:
    async with a_workspace(tmp_path) as sandbox:
        async with httpx.AsyncClient(verify=TLS, base_url=sandbox.attio_url) as attio:
            scopes = [
                "object_configuration:read-write",
                "record_permission:read-write",
                "list_configuration:read-write",
                "list_entry:read-write",
                "task:read-write",
                "file:read-write",
                "user_management:read",
            ]
            (await attio.put("/_sandbox/scopes", json={"scopes": scopes})).raise_for_status()
        message = await refusal(tenant, sandbox, "scope_missing")
    assert "note:read-write" in message


async def test_a_permission_that_the_source_s_key_lacks(service: Service, tenant: Tenant, tmp_path: Path) -> None:
    async with a_workspace(tmp_path) as sandbox:
        await faults.add(sandbox.affinity_url, "forbidden", path_prefix="/v2/companies", method="GET")
        message = await refusal(tenant, sandbox, "permission_missing", entities=["companies"])
    assert "Export All Organizations directory" in message


async def test_a_month_s_quota_that_is_too_small(service: Service, tenant: Tenant, tmp_path: Path) -> None:
    companies = [
        {"id": number, "name": f"Company {number}", "domain": None, "domains": [], "isGlobal": False, "fields": []}
        for number in range(1, 3001)
    ]
    async with a_workspace(tmp_path, companies, affinity_monthly_quota=30) as sandbox:
        message = await refusal(tenant, sandbox, "quota_too_small", entities=["companies"])
    assert "calls left for this month" in message


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"companies": 6000}, {"mode": "sample", "sample_size": 3, "entities": ["companies"]}),
        ({"companies": 5, "files": 60}, {"mode": "dry_run", "entities": ["companies", "files"]}),
    ],
)
async def test_a_month_s_quota_that_suffices_for_what_the_job_reads(
    service: Service, tenant: Tenant, options: dict[str, int], wanted: dict[str, Any]
) -> None:
    chosen = {"people": 0, "notes": 0, "reminders": 0, "opportunities": 0, "affinity_monthly_quota": 45, **options}
    async with running(sandbox_options(**chosen)) as sandbox:  # type: ignore[arg-type]
        await migration.carry(tenant, sandbox, **wanted)


@pytest.mark.parametrize(
    ("mapping", "code", "names"),
    [
        ({"companies": {"field-99": {"skip": True}}}, "unknown_field", "field-99"),
        ({"lists": {"99": {"skip": True}}}, "unknown_list", "99"),
        ({"only_lists": ["99"]}, "unknown_list", "99"),
        ({"lists": {"6": {"fields": {"field-4": {"skip": True}}}}}, "unknown_field", "field-4"),
        ({"companies": {"field-2": {"type": "rating"}}}, "type_impossible", "Office"),
        ({"companies": {"field-2": {"to": "domains"}}}, "attribute_incompatible", "domains"),
        ({"companies": {"field-1": {"to": "created_at"}}}, "attribute_incompatible", "created_at"),
        ({"companies": {"field-1": {"to": "same"}, "field-2": {"to": "same"}}}, "attribute_taken_twice", "same"),
        ({"default_owner": "nobody@firm.example.com"}, "unknown_member", "nobody@firm.example.com"),
        ({"lists": {"5": {"stage": "field-99"}}}, "unknown_field", "field-99"),
        ({"lists": {"5": {"value": "field-4"}}}, "type_impossible", "Status"),
    ],
)
async def test_a_mapping_that_cannot_work(
    service: Service, tenant: Tenant, tmp_path: Path, mapping: dict[str, Any], code: str, names: str
) -> None:
    async with a_workspace(tmp_path) as sandbox:
        assert names in await refusal(tenant, sandbox, code, mapping=mapping)


async def test_a_standard_fact_can_be_left_behind(tenant: Tenant) -> None:
    skipped = {"skip": True}
    mapping = {
        "companies": {"affinity-data-description": skipped},
        "people": {"affinity-data-phone-number": skipped},
    }
    async with running(sandbox_options(companies=3, people=3)) as sandbox:
        await migration.carry(tenant, sandbox, mode="dry_run", entities=["companies", "people"], mapping=mapping)


async def test_a_list_that_holds_something_else(service: Service, tenant: Tenant, tmp_path: Path) -> None:
    async with a_workspace(tmp_path) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.attio_key}"}
        async with httpx.AsyncClient(verify=TLS, base_url=sandbox.attio_url, headers=headers) as attio:
            people = {
                "name": "People", "api_slug": "people_list", "parent_object": "people",
                "workspace_access": "full-access", "workspace_member_access": [],
            }  # fmt: skip
            (await attio.post("/v2/lists", json={"data": people})).raise_for_status()
            await attio.delete("/_sandbox/counters")
        mapping = {"lists": {"6": {"to": "people_list"}}}
        assert "people_list" in await refusal(tenant, sandbox, "list_incompatible", mapping=mapping)


async def test_a_value_that_the_target_demands_and_the_source_may_lack_is_named(
    service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    async with a_workspace(tmp_path) as sandbox:
        await workspaces.require_phone_numbers(sandbox)
        job = await jobs.create(tenant, sandbox, mode="dry_run")
        job = await jobs.until_ended(tenant, job["id"])
    (row,) = await jobs.logs(tenant, job["id"], code="attribute_demanded")
    assert (row["level"], row["field"]) == ("warning", "phone_numbers")
    assert "optional" in row["message"]


async def test_owners_without_a_member_are_named_and_stop_nothing(
    service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    async with a_workspace(tmp_path) as sandbox:
        job = await jobs.create(tenant, sandbox)
        job = await jobs.until_ended(tenant, job["id"])
        rows = await jobs.logs(tenant, job["id"], code="owner_without_member")
    assert job["status"] == "completed"
    assert any("ada@firm.example.com" in row["message"] for row in rows)


async def test_what_the_precheck_finds_is_said_once_also_where_the_job_has_to_begin_again(
    service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    async with a_workspace(tmp_path) as sandbox:
        await faults.add(sandbox.attio_url, "forbidden", path_prefix="/v2/lists", method="POST", times=1)
        job = await jobs.until_ended(tenant, (await jobs.create(tenant, sandbox))["id"])
        assert job["status"] == "failed"
        (await tenant.client.post(f"/api/v1/jobs/{job['id']}/retry")).raise_for_status()
        job = await jobs.until(tenant, job["id"], lambda job: job["status"] == "completed")
        (row,) = await jobs.logs(tenant, job["id"], code="owner_without_member")
    assert "ada@firm.example.com" in row["message"]


async def test_of_very_many_reasons_the_job_tells_some_and_the_log_all(
    service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    unknown = {f"field-{number}": {"skip": True} for number in range(90_000, 91_000)}
    async with a_workspace(tmp_path) as sandbox:
        job = await jobs.create(tenant, sandbox, mapping={"companies": unknown})
        job = await jobs.until_ended(tenant, job["id"])
        rows = await jobs.logs(tenant, job["id"], code="unknown_field")
    assert {row["field"] for row in rows} >= {f"companies.{field}" for field in unknown}
    assert job["error"]["message"].endswith("more reasons: the log and the report list all of them.")
    assert len(job["error"]["message"]) < 5000
