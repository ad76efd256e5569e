"""Jobs write notes to one record or to all: whichever way the job before did it, no note is there twice."""

from collections import Counter
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from freight import database
from freight.connectors import http
from freight.migrations import freight_2026_11_28_part_of
from freight_sandbox import Sandbox
from support import faults, firm, jobs, migration, workspaces
from support.service import Service, Tenant

ABOUT_THREE: firm.Row = {"organization_ids": [1, 2], "associated_person_ids": [7]}
ONLY_ADA: firm.Row = {"organization_ids": [], "associated_person_ids": [7]}
BOB: firm.Row = {**firm.ADA, "id": 8, "firstName": "Bob", "primaryEmailAddress": "bob@acme.com"}

COPIES = {"one": 2, "all": 4}
"""Copies of the two notes by how they are written: one is about three records, the other about one."""


@pytest.fixture
async def vendors(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """An Affinity with a note about three records and one about a single person; and an empty Attio."""
    async with firm.running(
        tmp_path,
        companies=[firm.company(1, "acme.com"), firm.company(2, "borealis.com")],
        persons=[firm.person(firm.ADA)],
        notes=[{**firm.note(41), **ABOUT_THREE}, {**firm.note(42), **ONLY_ADA}],
    ) as sandbox:
        yield sandbox


@pytest.mark.parametrize("ways", [("one", "all", "one"), ("all", "one", "all"), ("one", "one", "all", "all")])
async def test_no_note_is_doubled_by_jobs_that_write_notes_otherwise_and_dry_runs_foresee_it(
    service: Service, tenant: Tenant, vendors: Sandbox, ways: tuple[str, ...]
) -> None:
    await carry(tenant, vendors, ways[0])
    for before, way in pairwise(ways):
        held = await copies(vendors)
        predicted = await carry(tenant, vendors, way, mode="dry_run")
        job = await carry(tenant, vendors, way)
        assert migration.outcomes(predicted) == migration.outcomes(job)
        assert await named(tenant, predicted) == await named(tenant, job)
        now = await copies(vendors)
        assert max(now.values()) == 1
        assert now.total() == max(COPIES[way], held.total())
        counts = jobs.counts(job, "notes")
        assert (counts["created"], counts["updated"]) == (now.total() - held.total(), 0)
        assert counts["unchanged"] == COPIES[way] - counts["created"]
        assert len(await named(tenant, job)) == now.total() - COPIES[way], (before, way)


async def test_the_copies_that_stay_are_named_and_the_one_that_goes_on_follows_the_source(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await carry(tenant, vendors, "all")
    job = await carry(tenant, vendors, "one")
    rows = await jobs.logs(tenant, job["id"], code="further_copy_stays")
    assert {row["source_id"] for row in rows} == {"41"}
    (kept,) = [note["id"]["note_id"] for note in await notes(vendors) if note["title"] == "Note 42"]
    others = {note["id"]["note_id"] for note in await notes(vendors)} - {kept}
    assert {row["value"] for row in rows} < others

    await firm.put(vendors, "notes", {**firm.note(41), **ABOUT_THREE, "content": "Changed"})
    job = await carry(tenant, vendors, "one")
    assert jobs.counts(job, "notes")["updated"] == 1
    assert Counter(note["title"] for note in await notes(vendors)) == {"Changed": 1, "Note 41": 2, "Note 42": 1}


@pytest.mark.parametrize(("first", "second"), [("one", "all"), ("all", "one"), ("one", "one"), ("all", "all")])
async def test_no_note_is_doubled_by_a_freight_that_does_not_know_of_the_job_before(
    service: Service, tenant: Tenant, other_tenant: Tenant, vendors: Sandbox, first: str, second: str
) -> None:
    await carry(tenant, vendors, first)
    held = await copies(vendors)
    predicted = await carry(other_tenant, vendors, second, mode="dry_run")
    job = await carry(other_tenant, vendors, second)
    assert migration.outcomes(predicted) == migration.outcomes(job)
    now = await copies(vendors)
    assert max(now.values()) == 1
    counts = jobs.counts(job, "notes")
    assert (counts["created"], counts["updated"]) == (max(COPIES[second], held.total()) - held.total(), 0)
    assert len(await named(other_tenant, job)) == now.total() - COPIES[second]
    before = await workspaces.writes_received(vendors)
    await carry(other_tenant, vendors, second)
    assert await workspaces.writes_received(vendors) == before


async def test_a_note_that_an_unknown_job_put_on_another_of_its_records_is_recognised(
    service: Service, tenant: Tenant, other_tenant: Tenant, vendors: Sandbox
) -> None:
    await carry(tenant, vendors, "one", entities=["people", "notes"])
    held = await copies(vendors)
    await carry(other_tenant, vendors, "one", entities=["companies", "people"])
    job = await carry(other_tenant, vendors, "one")
    assert await copies(vendors) == held
    assert await jobs.logs(other_tenant, job["id"], code="not_changeable") == []


@pytest.mark.parametrize(("first", "second"), [("one", "all"), ("all", "one")])
async def test_a_note_that_changed_meanwhile_is_updated_and_not_doubled(
    service: Service, tenant: Tenant, vendors: Sandbox, first: str, second: str
) -> None:
    await carry(tenant, vendors, first)
    await firm.put(vendors, "notes", {**firm.note(42), **ONLY_ADA, "content": "Changed"})
    job = await carry(tenant, vendors, second)
    assert jobs.counts(job, "notes")["updated"] == 1
    titles = Counter(note["title"] for note in await notes(vendors))
    assert titles == {"Changed": 1, "Note 41": 3}


@pytest.mark.parametrize(("first", "second"), [("one", "all"), ("all", "one")])
async def test_overwriting_writes_no_note_again_that_says_the_same(
    service: Service, tenant: Tenant, vendors: Sandbox, first: str, second: str
) -> None:
    await carry(tenant, vendors, first)
    await carry(tenant, vendors, second)
    before = await workspaces.writes_received(vendors)
    await carry(tenant, vendors, second, on_existing="overwrite")
    assert await workspaces.writes_received(vendors) == before


@pytest.mark.parametrize(("first", "second"), [("one", "all"), ("all", "one")])
async def test_notes_of_a_broken_off_job_are_recognised_by_one_that_writes_them_otherwise(
    service: Service, tenant: Tenant, vendors: Sandbox, monkeypatch: pytest.MonkeyPatch, first: str, second: str
) -> None:
    monkeypatch.setattr(http, "ATTEMPTS", 1)
    # The notes arrive, and Freight does not learn it.
    await faults.add(vendors.attio_url, "server_error_after_write", method="POST", path_prefix="/v2/notes")
    await faults.add(vendors.attio_url, "server_error", method="GET", path_prefix="/v2/notes")
    job = await jobs.create(tenant, vendors, mapping={"notes": first}, retry_policy={"max_attempts": 1})
    await jobs.until_ended(tenant, job["id"])
    await faults.clear(vendors.attio_url)
    held = await copies(vendors)
    assert held

    job = await carry(tenant, vendors, second)
    now = await copies(vendors)
    assert max(now.values()) == 1
    assert now.total() == max(COPIES[second], (held | now).total())


async def test_copies_for_colleagues_do_not_meet_on_the_same_participant(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    for number in (1, 2):
        colleague = {**BOB, "id": 100 + number, "type": "internal", "primaryEmailAddress": f"c{number}@firm.com"}
        await firm.put(vendors, "persons", firm.person(colleague))
    await firm.put(vendors, "persons", firm.person(BOB))
    links = {"organization_ids": [], "associated_person_ids": [101, 102], "interaction_person_ids": [8]}
    await firm.put(vendors, "notes", {**firm.note(43), **links})
    for way in ("all", "one"):
        await carry(tenant, vendors, way)
        assert [note["parent_object"] for note in await notes(vendors) if note["title"] == "Note 43"] == ["people"]


async def test_a_copy_for_a_record_that_the_note_is_no_longer_attached_to_is_named(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await carry(tenant, vendors, "all")
    await firm.put(vendors, "notes", {**firm.note(41), **ABOUT_THREE, "organization_ids": [1]})
    job = await carry(tenant, vendors, "all")
    (row,) = await jobs.logs(tenant, job["id"], code="further_copy_stays")
    assert row["source_id"] == "41/companies/2"
    assert await jobs.logs(tenant, job["id"], code="gone_from_source") == []


async def test_copies_that_an_earlier_version_made_are_recognised_by_their_ids(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    before = await carry(tenant, vendors, "all")
    held = await copies(vendors)
    async with database.as_platform() as tx:
        await tx.execute("UPDATE records SET part_of = NULL, payload = payload - 'part_of'")
        await tx.execute("UPDATE ledger SET part_of = NULL")
        # What the migration to this version does with their rows.
        await tx.execute(freight_2026_11_28_part_of.ROWS)
    async with database.as_platform() as tx:
        parts = await tx.fetch(
            "SELECT DISTINCT part_of, source_id FROM records WHERE job_id = $1 AND entity = 'notes'", UUID(before["id"])
        )
    assert {row["part_of"] for row in parts} == {"41", "42"}
    job = await carry(tenant, vendors, "one")
    assert await copies(vendors) == held
    assert jobs.counts(job, "notes")["unchanged"] == 2
    assert len(await named(tenant, job)) == 2


async def carry(tenant: Tenant, vendors: Sandbox, way: str, **changes: Any) -> dict[str, Any]:
    return await migration.carry(tenant, vendors, mapping={"notes": way}, **changes)


async def named(tenant: Tenant, job: dict[str, Any]) -> set[tuple[str, str]]:
    """The copies that a job says stay, each with its note."""
    rows = await jobs.logs(tenant, job["id"], code="further_copy_stays")
    assert len(rows) == len({row["value"] for row in rows})
    return {(row["source_id"], row["value"]) for row in rows}


async def copies(vendors: Sandbox) -> Counter[tuple[str, str]]:
    """How often each note is on each record."""
    return Counter((note["title"], note["parent_record_id"]) for note in await notes(vendors))


async def notes(vendors: Sandbox) -> list[firm.Row]:
    found: list[firm.Row] = (await firm.attio(vendors, "GET", "/notes?limit=50"))["data"]
    return found
