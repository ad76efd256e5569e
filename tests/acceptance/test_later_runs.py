"""What jobs make of a target in which people have worked, or in which an earlier job was broken off."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from freight.connectors import http
from freight_sandbox import Sandbox
from support import faults, firm, jobs, migration, workspaces
from support.service import Service, Tenant


@pytest.fixture
async def vendors(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """An Affinity with two companies, a person whom one of them names, and notes; and an empty Attio."""
    async with firm.running(
        tmp_path,
        companies=[firm.company(1, "acme.com", champion=firm.ADA), firm.company(2, "borealis.com")],
        persons=[firm.person(firm.ADA)],
        notes=[firm.note(40 + number) for number in range(4)],
        reminders=[firm.reminder("Call them", due_date="2027-01-15T09:00:00-08:00")],
    ) as sandbox:
        yield sandbox


async def test_two_records_of_the_source_never_become_one_of_the_target(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await firm.make(vendors, "companies", name="Both", domains=["acme.com", "borealis.com"])
    predicted = await migration.carry(tenant, vendors, mode="dry_run")
    job = await migration.carry(tenant, vendors)
    assert migration.outcomes(predicted) == migration.outcomes(job)
    counts = jobs.counts(job, "companies")
    assert (counts["updated"], counts["created"]) == (1, 1)
    assert {id_: len(records) for id_, records in (await workspaces.in_target(vendors, "companies")).items()} == {
        "1": 1,
        "2": 1,
    }
    (row,) = await jobs.logs(tenant, job["id"], code="held_by_another_record")
    assert (row["source_id"], row["value"]) == ("2", "borealis.com")


async def test_a_value_that_the_target_refuses_takes_nothing_else_away(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await firm.make(vendors, "people", email_addresses=["ada@acme.com"], phone_numbers=["+14155552671", "+41446681800"])
    # A number that exists and that the target does not take.
    phones = firm.value(firm.PHONE, ["+800 1234 5678"])
    await firm.put(vendors, "persons", {**firm.person(firm.ADA), "fields": [phones]})
    job = await migration.carry(tenant, vendors)
    ada = (await workspaces.in_target(vendors, "people"))["7"][0]
    assert [item["phone_number"] for item in ada["values"]["phone_numbers"]] == ["+14155552671", "+41446681800"]
    assert "phone_numbers" in {row["field"] for row in await jobs.logs(tenant, job["id"], level="warning")}


async def test_references_to_records_loaded_later_arrive_also_where_existing_ones_are_left_alone(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    job = await migration.carry(tenant, vendors, on_existing="skip")
    acme = (await workspaces.in_target(vendors, "companies"))["1"][0]
    assert len(acme["values"]["champion"]) == 1
    assert await jobs.logs(tenant, job["id"], code="exists_in_target") == []


async def test_what_hangs_on_a_record_that_is_left_alone_is_carried(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await firm.make(vendors, "companies", name="Theirs", domains=["acme.com"])
    predicted = await migration.carry(tenant, vendors, mode="dry_run", on_existing="skip")
    job = await migration.carry(tenant, vendors, on_existing="skip")
    assert migration.outcomes(predicted) == migration.outcomes(job)
    assert jobs.counts(job, "companies")["skipped"] == 1
    assert jobs.counts(job, "notes")["created"] == 4


async def test_overwrite_replaces_what_fill_has_left_alone(service: Service, tenant: Tenant, vendors: Sandbox) -> None:
    await firm.make(vendors, "companies", name="Theirs", domains=["acme.com"])
    await migration.carry(tenant, vendors)
    assert await name(vendors, "1") == "Theirs"
    job = await migration.carry(tenant, vendors, on_existing="overwrite")
    assert await name(vendors, "1") == "Company 1"
    assert jobs.counts(job, "companies")["updated"] == 1
    again = await migration.carry(tenant, vendors, on_existing="overwrite")
    assert jobs.counts(again, "companies")["unchanged"] == 2


async def test_notes_that_a_broken_off_job_has_written_are_recognised_by_the_next_one(
    service: Service, tenant: Tenant, vendors: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "ATTEMPTS", 1)
    # The notes arrive, and nobody gets to know it.
    await faults.add(vendors.attio_url, "server_error_after_write", method="POST", path_prefix="/v2/notes")
    await faults.add(vendors.attio_url, "server_error", method="GET", path_prefix="/v2/notes")
    job = await jobs.create(tenant, vendors, retry_policy={"max_attempts": 1})
    job = await jobs.until_ended(tenant, job["id"])
    assert jobs.counts(job, "notes")["failed"] == 4
    await faults.clear(vendors.attio_url)
    assert 0 < len(await notes(vendors)) <= 4

    await migration.carry(tenant, vendors)
    assert sorted(found["title"] for found in await notes(vendors)) == [f"Note {40 + number}" for number in range(4)]


async def test_a_record_that_cannot_be_linked_is_named_and_the_others_go_on(
    service: Service, tenant: Tenant, vendors: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "ATTEMPTS", 1)
    await migration.carry(tenant, vendors, entities=["companies"])
    acme = (await workspaces.in_target(vendors, "companies"))["1"][0]["id"]["record_id"]
    await firm.put(vendors, "companies", firm.company(2, "borealis.com", champion=firm.ADA))
    path = f"/v2/objects/companies/records/{acme}"
    await faults.add(vendors.attio_url, "server_error", method="PUT", path_prefix=path)
    job = await migration.carry(tenant, vendors, retry_policy={"max_attempts": 1})
    (row,) = await jobs.logs(tenant, job["id"], code="references_not_written")
    assert (row["source_id"], row["level"]) == ("1", "error")
    assert len((await workspaces.in_target(vendors, "companies"))["2"][0]["values"]["champion"]) == 1
    assert jobs.counts(job, "notes")["created"] == 4

    await faults.clear(vendors.attio_url)
    await migration.carry(tenant, vendors)
    assert len((await workspaces.in_target(vendors, "companies"))["1"][0]["values"]["champion"]) == 1


async def test_a_record_that_may_not_be_written_fails_alone(service: Service, tenant: Tenant, vendors: Sandbox) -> None:
    await faults.add(vendors.attio_url, "forbidden", times=1, method="POST", path_prefix="/v2/notes")
    job = await jobs.create(tenant, vendors)
    job = await jobs.until_ended(tenant, job["id"])
    assert job["status"] == "completed_with_errors"
    assert (jobs.counts(job, "notes")["created"], jobs.counts(job, "notes")["failed"]) == (3, 1)
    (row,) = await jobs.logs(tenant, job["id"], level="error")
    assert row["code"] == "permission_missing"


async def test_a_value_that_the_source_has_lost_goes_if_freight_wrote_it_and_nobody_changed_it_since(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await firm.put(vendors, "companies", firm.company(1, "acme.com", label="hot"))
    await firm.put(vendors, "companies", firm.company(2, "borealis.com", label="hot"))
    await migration.carry(tenant, vendors)
    borealis = (await workspaces.in_target(vendors, "companies"))["2"][0]["id"]["record_id"]
    await firm.attio(
        vendors, "PATCH", f"/objects/companies/records/{borealis}", {"data": {"values": {"label": ["theirs"]}}}
    )
    for number, domain in ((1, "acme.com"), (2, "borealis.com")):
        await firm.put(vendors, "companies", firm.company(number, domain))
    job = await migration.carry(tenant, vendors)
    held = {id_: records[0]["values"]["label"] for id_, records in (await companies(vendors)).items()}
    assert held["1"] == []
    assert [item["value"] for item in held["2"]] == ["theirs"]
    (row,) = await jobs.logs(tenant, job["id"], code="kept_without_source")
    assert (row["source_id"], row["field"]) == ("2", "label")


async def test_a_note_stays_with_its_record_and_names_one_that_it_is_attached_to_later(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    about_ada = {"organization_ids": [], "associated_person_ids": [7]}
    await firm.put(vendors, "notes", {**firm.note(43), **about_ada})
    await migration.carry(tenant, vendors)
    await firm.put(vendors, "notes", {**firm.note(43), **about_ada, "organization_ids": [2]})
    job = await migration.carry(tenant, vendors)
    assert await jobs.logs(tenant, job["id"], code="not_changeable") == []
    (found,) = (found for found in await notes(vendors) if found["title"] == "Note 43")
    assert found["parent_object"] == "people"
    assert "Also attached to: Company 2." in found["content_plaintext"]


async def test_of_a_changed_task_all_is_carried_that_can_be_and_a_dry_run_knows_what_cannot(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await migration.carry(tenant, vendors)
    await firm.put(vendors, "reminders", firm.reminder("Write to them", due_date="2027-02-15T09:00:00-08:00"))
    predicted = await migration.carry(tenant, vendors, mode="dry_run")
    job = await migration.carry(tenant, vendors)
    assert migration.outcomes(predicted) == migration.outcomes(job)
    assert jobs.counts(job, "tasks")["updated"] == 1
    for each in (predicted, job):
        (row,) = await jobs.logs(tenant, each["id"], code="not_changeable")
        assert (row["entity"], row["field"]) == ("tasks", "content")
    (task,) = (await firm.attio(vendors, "GET", "/tasks"))["data"]
    assert task["content_plaintext"].startswith("Call them")
    assert task["deadline_at"].startswith("2027-02-15T17:00:00")

    await firm.put(vendors, "reminders", firm.reminder("Write to them", due_date="2027-02-15T09:00:00-08:00"))
    again = await migration.carry(tenant, vendors)
    assert jobs.counts(again, "tasks")["unchanged"] == 1


async def test_a_value_that_comes_back_at_the_source_is_written_again(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await firm.put(vendors, "companies", firm.company(2, "borealis.com", label="hot"))
    await migration.carry(tenant, vendors)
    await firm.put(vendors, "companies", firm.company(2, "borealis.com"))
    await relabel(vendors, "2", [])
    await migration.carry(tenant, vendors)
    await firm.put(vendors, "companies", firm.company(2, "borealis.com", label="hot"))
    await migration.carry(tenant, vendors)
    assert await label(vendors, "2") == ["hot"]


async def test_a_value_goes_at_once_also_from_a_record_that_waits_for_a_reference(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await firm.put(vendors, "companies", firm.company(2, "borealis.com", label="hot"))
    await migration.carry(tenant, vendors)
    bob = {**firm.ADA, "id": 8, "firstName": "Bob", "primaryEmailAddress": "bob@borealis.com"}
    await firm.put(vendors, "persons", firm.person(bob))
    await firm.put(vendors, "companies", firm.company(2, "borealis.com", champion=bob))
    await migration.carry(tenant, vendors)
    assert await label(vendors, "2") == []
    assert len((await companies(vendors))["2"][0]["values"]["champion"]) == 1
    before = await workspaces.writes_received(vendors)
    await migration.carry(tenant, vendors)
    assert await workspaces.writes_received(vendors) == before


async def test_nothing_is_added_later_to_what_is_left_alone(service: Service, tenant: Tenant, vendors: Sandbox) -> None:
    await migration.carry(tenant, vendors, entities=["companies"])
    await migration.carry(tenant, vendors, on_existing="skip")
    assert (await companies(vendors))["1"][0]["values"]["champion"] == []


@pytest.mark.parametrize("on_existing", ["fill", "overwrite"])
async def test_a_domain_that_stands_elsewhere_costs_a_record_none_that_it_has(
    service: Service, tenant: Tenant, vendors: Sandbox, on_existing: str
) -> None:
    await migration.carry(tenant, vendors)
    await firm.make(vendors, "companies", name="Theirs", domains=["taken.com"])
    await firm.put(vendors, "companies", firm.company(2, "taken.com"))
    said = []
    for _ in range(2):
        job = await migration.carry(tenant, vendors, on_existing=on_existing)
        said += [row for row in await jobs.logs(tenant, job["id"]) if row["field"] == "domains"]
        (domain,) = (await companies(vendors))["2"][0]["values"]["domains"]
        assert domain["domain"] == "borealis.com"
    later = "left_out_before" if on_existing == "fill" else "held_by_another_record"
    assert [row["code"] for row in said] == ["held_by_another_record", later]
    assert all("taken.com" in row["value"] for row in said)


async def test_overwrite_writes_all_that_differs_also_where_the_source_has_not_changed(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await firm.put(vendors, "companies", firm.company(2, "borealis.com", label="hot"))
    await migration.carry(tenant, vendors)
    await relabel(vendors, "2", ["theirs"])
    (note,) = (found for found in await notes(vendors) if found["title"] == "Note 41")
    changed = {"data": {"content": "Theirs", "format": "markdown"}}
    await firm.attio(vendors, "PATCH", f"/notes/{note['id']['note_id']}", changed)
    predicted = await migration.carry(tenant, vendors, on_existing="overwrite", mode="dry_run")
    job = await migration.carry(tenant, vendors, on_existing="overwrite")
    assert migration.outcomes(predicted) == migration.outcomes(job)
    assert (jobs.counts(job, "companies")["updated"], jobs.counts(job, "notes")["updated"]) == (1, 1)
    assert await label(vendors, "2") == ["hot"]
    assert "Theirs" not in {found["content_plaintext"] for found in await notes(vendors)}
    before = await workspaces.writes_received(vendors)
    again = await migration.carry(tenant, vendors, on_existing="overwrite")
    assert await workspaces.writes_received(vendors) == before
    assert jobs.counts(again, "companies")["unchanged"] == 2


@pytest.mark.parametrize("theirs", ["theirs", None])
async def test_fill_names_in_every_job_what_it_leaves_to_a_person(
    service: Service, tenant: Tenant, vendors: Sandbox, theirs: str | None
) -> None:
    await firm.put(vendors, "companies", firm.company(2, "borealis.com", label="hot"))
    await migration.carry(tenant, vendors)
    await relabel(vendors, "2", [] if theirs is None else [theirs])
    for mode in ("dry_run", "full", "full"):
        before = await workspaces.writes_received(vendors)
        job = await migration.carry(tenant, vendors, mode=mode)
        assert await workspaces.writes_received(vendors) == before
        (row,) = await jobs.logs(tenant, job["id"], code="kept_in_target")
        assert (row["source_id"], row["field"], row["value"]) == ("2", "label", '["hot"]')
    assert await label(vendors, "2") == ([] if theirs is None else [theirs])


async def test_what_has_not_changed_is_compared_with_the_target_by_a_query_for_many_records(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    for number in range(100, 190):
        await firm.put(vendors, "companies", firm.company(number, f"c{number}.com"))
    await migration.carry(tenant, vendors)
    before = await migration.requests(vendors.attio_url)
    await migration.carry(tenant, vendors)
    asked = Counter(await migration.requests(vendors.attio_url)) - Counter(before)
    # One for the companies and one for the person; notes and tasks could only be read one by one.
    assert sum(count for (_, route), count in asked.items() if route.endswith("/query")) == 2
    assert [route for method, route in asked if method == "GET" and route.endswith("}")] == []


async def label(sandbox: Sandbox, source_id: str) -> list[str]:
    return [item["value"] for item in (await companies(sandbox))[source_id][0]["values"]["label"]]


async def relabel(sandbox: Sandbox, source_id: str, labels: list[str]) -> None:
    """Somebody who works in the target changes a label."""
    record = (await companies(sandbox))[source_id][0]["id"]["record_id"]
    change = {"data": {"values": {"label": labels}}}
    await firm.attio(sandbox, "PATCH", f"/objects/companies/records/{record}", change)


async def companies(sandbox: Sandbox) -> dict[str, list[firm.Row]]:
    return await workspaces.in_target(sandbox, "companies")


async def name(sandbox: Sandbox, source_id: str) -> str:
    return str((await companies(sandbox))[source_id][0]["values"]["name"][0]["value"])


async def notes(sandbox: Sandbox) -> list[firm.Row]:
    found: list[firm.Row] = (await firm.attio(sandbox, "GET", "/notes?limit=50"))["data"]
    return found
