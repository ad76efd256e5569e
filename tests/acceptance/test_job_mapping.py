"""What a job wants otherwise than by default is done: renamed, left out, redirected, made another type."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from freight_sandbox import Sandbox, running
from support import jobs, workspaces
from support.clients import client
from support.sandboxes import sandbox_options
from support.service import Service, Tenant

MAPPING = {
    "companies": {
        "field-1": {"to": "investment_thesis", "title": "Investment thesis"},
        "field-2": {"type": "text"},
        "field-3": {"skip": True},
        "field-4": {"to": "description"},
    },
    "lists": {"6": {"name": "Our portfolio", "fields": {"field-5": {"type": "rating"}}}, "7": {"skip": True}},
    "default_owner": "ben@sandbox-ventures.com",
    "notes": "all",
}


def a_field(number: int, name: str, value_type: str, list_id: int | None = None) -> dict[str, Any]:
    kind = {"type": "global"} if list_id is None else {"type": "list", "listId": list_id}
    return {
        "entity": "company",
        "id": f"field-{number}",
        "name": name,
        "enrichmentSource": None,
        "valueType": value_type,
        **kind,
    }


def holding(field: dict[str, Any], data: object) -> dict[str, Any]:
    shown = {key: field[key] for key in ("id", "name", "type", "enrichmentSource")}
    return {**shown, "value": {"type": field["valueType"], "data": data}}


THESIS = a_field(1, "Thesis", "text")
OFFICE = a_field(2, "Office", "location")
SECRET = a_field(3, "Secret", "text")
SUMMARY = a_field(4, "Summary", "text")
SCORE = a_field(5, "Score", "number", 6)
BERN = {"streetAddress": None, "city": "Bern", "state": None, "country": "Switzerland", "continent": None}


def a_company(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"Company {number}",
        "domain": None,
        "domains": [],
        "isGlobal": False,
        "fields": [
            holding(THESIS, "Bees"),
            holding(OFFICE, BERN),
            holding(SECRET, "Nobody's business"),
            holding(SUMMARY, "They keep bees."),
        ],
    }


def a_list(number: int, name: str) -> dict[str, Any]:
    return {"id": number, "name": name, "creatorId": 1, "ownerId": 1, "isPublic": True, "type": "company"}


def an_entry(number: int, list_id: int) -> dict[str, Any]:
    company = {**a_company(11), "fields": [holding(SCORE, 4)] if list_id == 6 else []}
    return {
        "id": number,
        "type": "company",
        "listId": list_id,
        "createdAt": "2024-01-02T03:04:05Z",
        "creatorId": 1,
        "entity": company,
    }


NOTE = {
    "id": 41, "creator_id": 1, "person_ids": [], "associated_person_ids": [], "interaction_person_ids": [],
    "interaction_id": None, "interaction_type": None, "is_meeting": False, "mentioned_person_ids": [],
    "organization_ids": [11, 12], "opportunity_ids": [], "parent_id": None, "content": "About both", "type": 0,
    "created_at": "2023-05-06T07:08:09.000-07:00", "updated_at": None,
}  # fmt: skip
GONE = {"id": 9, "type": 1, "first_name": "Gone", "last_name": "Partner", "primary_email": "gone@firm.example.com"}
REMINDER = {
    "id": 51, "type": 0, "created_at": "2023-05-06T07:08:09.000-07:00", "completed_at": None, "content": "Call",
    "due_date": "2030-01-01T10:00:00.000-08:00", "reset_type": None, "reminder_days": None, "status": 1,
    "creator": GONE, "owner": GONE, "completer": None, "person": None, "organization": None, "opportunity": None,
}  # fmt: skip

COLLECTIONS: dict[str, list[dict[str, Any]]] = {
    "companies": [a_company(11), a_company(12)],
    "persons": [],
    "fields": [THESIS, OFFICE, SECRET, SUMMARY, SCORE],
    "lists": [a_list(6, "Portfolio"), a_list(7, "Archive")],
    "list_entries": [an_entry(61, 6), an_entry(71, 7)],
    "notes": [NOTE],
    "reminders": [REMINDER],
}


@pytest.fixture
async def workspace(tmp_path: Path) -> AsyncIterator[Sandbox]:
    for name, rows in COLLECTIONS.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    async with running(sandbox_options(workspace=tmp_path, unlimited=True)) as sandbox:
        yield sandbox


async def test_a_job_carries_what_its_mapping_says_and_as_it_says(
    service: Service, tenant: Tenant, workspace: Sandbox
) -> None:
    job = await jobs.create(tenant, workspace, mapping=MAPPING)
    job = await jobs.until_ended(tenant, job["id"])
    assert job["status"] == "completed", job["error"]
    companies = await workspaces.in_target(workspace, "companies")
    ((company,), (other,)) = (companies["11"], companies["12"])
    held = {slug: [value.get("value") for value in values] for slug, values in company["values"].items()}
    assert held["investment_thesis"] == ["Bees"]
    assert held["office"] == ["Bern, Switzerland"]
    assert held["description"] == ["They keep bees."]
    assert "secret" not in held
    async with client(workspace.attio_url, bearer=workspace.attio_key) as attio:
        attributes = (await attio.get("/v2/objects/companies/attributes")).json()["data"]
        (made,) = [item for item in attributes if item["api_slug"] == "investment_thesis"]
        assert made["title"] == "Investment thesis"
        (portfolio,) = (await attio.get("/v2/lists")).json()["data"]
        assert portfolio["name"] == "Our portfolio"
        (entry,) = (await attio.post(f"/v2/lists/{portfolio['api_slug']}/entries/query", json={})).json()["data"]
        assert [value["value"] for value in entry["entry_values"]["score"]] == [4]
        notes = (await attio.get("/v2/notes")).json()["data"]
        assert {note["parent_record_id"] for note in notes} == {
            record["id"]["record_id"] for record in (company, other)
        }
        (task,) = (await attio.get("/v2/tasks")).json()["data"]
        members = (await attio.get("/v2/workspace_members")).json()["data"]
        (ben,) = [member for member in members if member["email_address"] == MAPPING["default_owner"]]
        assert [one["referenced_actor_id"] for one in task["assignees"]] == [ben["id"]["workspace_member_id"]]
    assert jobs.counts(job, "lists")["skipped"] == 1
    assert jobs.counts(job, "list_entries")["read"] == 1
    assert [row["source_id"] for row in await jobs.logs(tenant, job["id"], code="owner_replaced")] == ["51"]


async def test_only_lists_carries_these_alone(service: Service, tenant: Tenant, workspace: Sandbox) -> None:
    job = await jobs.create(tenant, workspace, mapping={"only_lists": ["7"]})
    job = await jobs.until_ended(tenant, job["id"])
    async with client(workspace.attio_url, bearer=workspace.attio_key) as attio:
        (made,) = (await attio.get("/v2/lists")).json()["data"]
    assert (job["status"], made["name"]) == ("completed", "Archive")


@pytest.mark.parametrize("mode", ["dry_run", "full"])
async def test_a_field_does_not_take_the_place_of_a_company_s_name(
    mode: str, service: Service, tenant: Tenant, workspace: Sandbox
) -> None:
    mapping = {"companies": {"field-1": {"to": "name"}}}
    job = await jobs.create(tenant, workspace, mapping=mapping, mode=mode)
    job = await jobs.until_ended(tenant, job["id"])
    assert (job["status"], job["error"]["code"]) == ("failed", "precheck_failed")
    assert "Thesis" in job["error"]["message"]
    assert "`replace`" in job["error"]["message"]
    (issue,) = await jobs.logs(tenant, job["id"], code="standard_value_taken")
    assert (issue["level"], issue["field"], issue["value"]) == ("error", "companies.field-1", "name")
    assert await workspaces.in_target(workspace, "companies") == {}


async def test_a_field_takes_the_place_of_a_name_if_the_job_says_so(
    service: Service, tenant: Tenant, workspace: Sandbox
) -> None:
    mapping = {"companies": {"field-1": {"to": "name", "replace": True}}}
    job = await jobs.create(tenant, workspace, mapping=mapping, entities=["companies"])
    job = await jobs.until_ended(tenant, job["id"])
    assert job["status"] == "completed", job["error"]
    companies = await workspaces.in_target(workspace, "companies")
    assert {record["values"]["name"][0]["value"] for records in companies.values() for record in records} == {"Bees"}


async def test_a_field_that_shares_an_attribute_with_an_enriched_value_is_named_before_anything_is_written(
    service: Service, tenant: Tenant, sandbox: Sandbox
) -> None:
    first = await jobs.create(tenant, sandbox, mode="dry_run", entities=["companies"])
    await jobs.until_ended(tenant, first["id"])
    report = (await tenant.client.get(first["links"]["report"])).json()
    field = next(found for found in report["mapping"]["fields"] if found["owner"] == "companies")
    mapping = {"companies": {field["field"]: {"to": "description", "type": "text"}}}
    job = await jobs.create(tenant, sandbox, mode="dry_run", entities=["companies"], mapping=mapping)
    await jobs.until_ended(tenant, job["id"])
    (issue,) = await jobs.logs(tenant, job["id"], code="standard_value_replaced")
    assert (issue["level"], issue["value"]) == ("warning", "description")
