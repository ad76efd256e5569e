"""What the source refuses, hides or misstates costs one record or one reference, with a row, and never the job."""

from pathlib import Path
from typing import Any

import pytest

from freight_sandbox import Sandbox
from support import faults, firm, jobs, workspaces
from support.clients import client
from support.firm import Row
from support.service import Service, Tenant

PIPELINE = {"id": 40, "name": "Pipeline", "creatorId": 1, "ownerId": 1, "isPublic": True, "type": "opportunity"}
MISSING, HIDDEN, SHOWN = 99999999, 31, 30
CARL = {"id": 9, "firstName": "Carl", "lastName": "Adviser", "primaryEmailAddress": "carl@adviser.com"}
USER = {"id": 1, "firstName": "Uma", "lastName": "User", "primaryEmailAddress": "uma@firm.com", "type": "internal"}

SAMPLE = {"mode": "sample", "sample_size": 3}


def a_deal(number: int, list_id: int) -> tuple[Row, Row]:
    """An opportunity and its place on its list."""
    row = {"id": number, "name": f"Deal {number}", "listId": list_id, "personIds": [1, 9], "companyIds": [1]}
    on_list = {
        "id": number * 10,
        "type": "opportunity",
        "listId": list_id,
        "createdAt": "2024-01-02T03:04:05Z",
        "creatorId": 1,
        "entity": {**row, "fields": []},
    }
    return row, on_list


def about(deal_id: int) -> dict[str, list[Row]]:
    """A note, a reminder and a file of this deal."""
    return {
        "notes": [{**firm.note(50), "opportunity_ids": [deal_id]}],
        "reminders": [
            firm.reminder("Call", due_date="2026-12-01T10:00:00Z", organization=None) | {"opportunity": {"id": deal_id}}
        ],
        "files": [
            {"id": 70, "name": "deck.pdf", "size": 3, "created_at": "2024-06-01T10:00:00Z", "opportunity_id": deal_id},
            {"id": 71, "name": "memo.pdf", "size": 3, "created_at": "2024-06-01T10:00:00Z", "organization_id": 1},
        ],
    }


def rows(deal_id: int) -> dict[str, Any]:
    """A firm with two companies, two people, a deal on each of two lists, and what is said of one of the deals."""
    deals = [a_deal(SHOWN, 40), a_deal(HIDDEN, 41)]
    return {
        "companies": [
            firm.company(1, "one.com", champion={**CARL, "type": "collaborator"}),
            firm.company(2, "two.com"),
        ],
        "persons": [firm.person(USER), firm.person({**CARL, "type": "collaborator"}), firm.person(firm.ADA)],
        "lists": [PIPELINE, {**PIPELINE, "id": 41, "name": "Secret"}],
        "opportunities": [row for row, _ in deals],
        "list_entries": [on_list for _, on_list in deals],
        **about(deal_id),
    }


async def run(tenant: Tenant, sandbox: Sandbox, **changes: Any) -> tuple[Row, list[Row]]:
    job = await jobs.until_ended(tenant, (await jobs.create(tenant, sandbox, **changes))["id"])
    return job, await jobs.logs(tenant, job["id"])


def codes(log: list[Row], entity: str, source_id: int) -> set[str]:
    return {row["code"] for row in log if (row["entity"], row["source_id"]) == (entity, str(source_id))}


@pytest.mark.parametrize("mode", [{}, SAMPLE], ids=["full", "sample"])
async def test_what_names_an_opportunity_that_does_not_exist_arrives_without_it(
    service: Service, tenant: Tenant, tmp_path: Path, mode: Row
) -> None:
    async with firm.running(tmp_path, **rows(MISSING)) as sandbox:
        job, log = await run(tenant, sandbox, **mode)
    assert job["status"] in {"completed", "completed_with_errors"}, job["error"]
    assert_all_but_the_file_of_the_deal_arrived(job, log, deals=2)


@pytest.mark.parametrize("mode", [{}, SAMPLE], ids=["full", "sample"])
async def test_what_names_an_opportunity_on_a_hidden_list_arrives_without_it(
    service: Service, tenant: Tenant, tmp_path: Path, mode: Row
) -> None:
    async with firm.running(tmp_path, **rows(HIDDEN)) as sandbox:
        async with client(sandbox.affinity_url, bearer=sandbox.affinity_key) as source:
            (await source.put("/_sandbox/hidden-lists/41")).raise_for_status()
            assert (await source.get(f"/opportunities/{HIDDEN}")).status_code == 403
        job, log = await run(tenant, sandbox, **mode)
    assert job["status"] in {"completed", "completed_with_errors"}, job["error"]
    assert_all_but_the_file_of_the_deal_arrived(job, log, deals=1)
    assert codes(log, "deals", HIDDEN) == ({"hidden_at_source"} if mode else set())


def assert_all_but_the_file_of_the_deal_arrived(job: Row, log: list[Row], *, deals: int) -> None:
    """The deals that are given, the note on its company, the reminder without its deal, and the other file."""
    counted = {row["entity"]: row for row in job["counts"]}
    created = {entity: row["created"] for entity, row in counted.items() if row["created"]}
    expected = {"companies": 2, "people": 2, "deals": deals, "notes": 1, "tasks": 1, "files": 1}
    assert {entity: created.get(entity) for entity in expected} == expected
    assert counted["files"]["read"] == 2
    assert codes(log, "tasks", 60) >= {"reference_not_found"}
    assert codes(log, "files", 70)


async def test_a_collaborator_is_a_person_to_whom_references_lead(
    service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    async with firm.running(tmp_path, **rows(SHOWN)) as sandbox:
        _, log = await run(tenant, sandbox)
        people = await workspaces.in_target(sandbox, "people")
        companies = await workspaces.in_target(sandbox, "companies")
        deals = await workspaces.in_target(sandbox, "deals")
    (carl,), (company,), (deal,) = people["9"], companies["1"], deals[str(SHOWN)]
    for record, attribute in ((company, "champion"), (deal, "associated_people")):
        linked = [value["target_record_id"] for value in record["values"][attribute]]
        assert linked == [carl["id"]["record_id"]]
    assert "internal_person_in_field" not in codes(log, "companies", 1)


@pytest.mark.parametrize(
    ("changes", "made", "said"),
    [
        ({"id": None}, 1, "unreadable_row"),
        ({"name": {"odd": [1]}}, 2, "unreadable_value"),
        ({"fields": [{"id": 5}, "odd"]}, 2, "unreadable_value"),
        ({"domains": "two.com", "unheard_of": {"of": "this"}}, 2, "unreadable_value"),
    ],
)
async def test_a_row_that_cannot_be_read_is_named_and_the_page_is_carried(
    service: Service, tenant: Tenant, tmp_path: Path, changes: Row, made: int, said: str
) -> None:
    async with firm.running(tmp_path, **rows(SHOWN)) as sandbox:
        async with client(sandbox.affinity_url) as source:
            odd = {"path": "/v2/companies", "id": 2, "changes": changes}
            (await source.put("/_sandbox/oddities", json=odd)).raise_for_status()
        job, log = await run(tenant, sandbox, entities=["companies"])
    assert job["status"] in {"completed", "completed_with_errors"}, job["error"]
    assert (jobs.counts(job, "companies")["read"], jobs.counts(job, "companies")["created"]) == (2, made)
    assert said in {row["code"] for row in log if row["entity"] == "companies"}


async def test_a_file_that_the_source_refuses_fails_alone_and_the_row_names_the_source(
    service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    async with firm.running(tmp_path, **rows(SHOWN)) as sandbox:
        await faults.add(sandbox.affinity_url, "forbidden", path_prefix="/entity-files/download/70")
        job, log = await run(tenant, sandbox)
    assert job["status"] == "completed_with_errors"
    counts = jobs.counts(job, "files")
    assert (counts["read"], counts["created"], counts["failed"]) == (2, 1, 1)
    (row,) = [row for row in log if (row["entity"], row["source_id"]) == ("files", "70") and row["level"] == "error"]
    assert "Affinity" in row["message"]
    assert row["code"] != "rejected_by_target"
