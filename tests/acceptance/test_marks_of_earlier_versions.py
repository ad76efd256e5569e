"""The marks that Freight 0.1 left in a target, word for word: every later version writes and recognises them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from freight import database
from freight.domain.jobs import discovered_schema
from freight_sandbox import Sandbox
from support import firm, jobs, migration, workspaces
from support.service import Service, Tenant

SCORE = {
    "entity": "company", "id": "field-5", "name": "Score", "enrichmentSource": None, "valueType": "number",
    "type": "list", "listId": 6,
}  # fmt: skip
DEAL = {
    "id": 80501, "type": "opportunity", "listId": 8, "createdAt": "2024-01-02T03:04:05Z", "creatorId": 101,
    "entity": {"id": 501, "name": "", "listId": 8, "fields": []},
}  # fmt: skip

MARKS_OF_COMPANIES = {
    "affinity_id": ("Affinity ID", None, "text", False),
    "label": ("Label", "From Affinity field field-2", "text", False),
    "phone_numbers": ("Phone numbers", None, "phone-number", False),
}
MARKS_OF_LIST = {
    "affinity_entry_id": ("Affinity entry ID", "From Affinity list 6", "text", False),
    "affinity_added_at": ("Added in Affinity", "From Affinity list 6", "timestamp", False),
    "score": ("Score", "From Affinity field field-5", "number", False),
}
"""By slug: title, description, type and whether it is unique, as 0.1 made them."""


@pytest.fixture
async def vendors(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """An Affinity with something of everything that is marked in the target, and an empty Attio."""
    acme = firm.company(1, "acme.com", label="Good")
    entry = firm.entry(61, 6, acme)
    scored = {**entry, "entity": {**entry["entity"], "fields": [firm.value(SCORE, 4)]}}
    async with firm.running(
        tmp_path,
        companies=[acme, firm.company(2, "borealis.com")],
        persons=[firm.person(firm.ADA)],
        fields=[firm.CHAMPION, firm.LABEL, firm.PHONE, SCORE],
        lists=[firm.a_list(6, "Portfolio"), {**firm.a_list(8, "Pipeline"), "type": "opportunity"}],
        list_entries=[scored, DEAL],
        opportunities=[{"id": 501, "name": "", "listId": 8, "personIds": [], "companyIds": [1]}],
        notes=[{**firm.note(40), "organization_ids": [1, 2]}],
        reminders=[firm.reminder("", due_date="2027-01-15T09:00:00-08:00", creator={"id": 7})],
    ) as sandbox:
        yield sandbox


async def held(vendors: Sandbox, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await firm.attio(vendors, "GET", path))["data"]
    return found


async def attributes(vendors: Sandbox, owner: str) -> dict[str, tuple[Any, ...]]:
    return {
        found["api_slug"]: (found["title"], found["description"], found["type"], found["is_unique"])
        for found in await held(vendors, f"/{owner}/attributes?limit=500")
    }


async def test_what_is_written_of_affinity_is_marked_as_by_the_first_version(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await migration.carry(tenant, vendors)
    assert MARKS_OF_COMPANIES.items() <= (await attributes(vendors, "objects/companies")).items()
    assert (await attributes(vendors, "objects/people"))["affinity_id"] == ("Affinity ID", None, "text", False)
    assert (await attributes(vendors, "objects/deals"))["affinity_id"] == ("Affinity ID", None, "text", True)
    lists = {found["api_slug"]: found["id"]["list_id"] for found in await held(vendors, "/lists")}
    assert lists.keys() == {"portfolio_affinity_6", "pipeline_affinity_8"}
    assert MARKS_OF_LIST.items() <= (await attributes(vendors, f"lists/{lists['portfolio_affinity_6']}")).items()
    (deal,) = (await workspaces.in_target(vendors, "deals"))["501"]
    assert deal["values"]["name"][0]["value"] == "Untitled opportunity"
    (note,) = await held(vendors, "/notes")
    assert note["content_plaintext"].endswith(
        "Written on 2024-06-01 10:00 UTC. Also attached to: Company 2. (Affinity note 40)"
    )
    (task,) = await held(vendors, "/tasks")
    assert task["content_plaintext"] == "Reminder\n\nCreated 2024-06-01 by Ada Lovelace (Affinity reminder 60)"


async def test_what_the_first_version_marked_is_recognised_without_a_ledger_and_without_a_write(
    service: Service, tenant: Tenant, other_tenant: Tenant, vendors: Sandbox
) -> None:
    await migration.carry(tenant, vendors)
    before = await workspaces.writes_received(vendors)
    for each in (other_tenant, tenant):
        job = await migration.carry(each, vendors)
        assert migration.written(job) == 0
        assert jobs.counts(job, "tasks")["unchanged"] == jobs.counts(job, "notes")["unchanged"] == 1
    assert await workspaces.writes_received(vendors) == before


async def test_a_job_that_an_earlier_version_planned_goes_on_with_the_marks_of_its_source(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    job = await migration.carry(tenant, vendors, entities=["companies"])
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute("UPDATE jobs SET layout = layout - 'provenance' WHERE id = $1", job["id"])
        found = await discovered_schema.read(tx, job["id"])
    assert found is not None
    assert found.layout.provenance is not None
    assert (found.layout.provenance.system, found.layout.provenance.label) == ("affinity", "Affinity")
