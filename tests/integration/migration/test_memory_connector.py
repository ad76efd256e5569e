"""A whole migration from one in-memory workspace to another, which only the registry knows of."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from freight import database
from freight.model.crm import LOAD_ORDER, Company, Deal, File, Note, Task
from freight.model.mapping import Mapping
from support import jobs, migration
from support.memory import firm
from support.memory.fleet import Fleet
from support.memory.jobs import Pair, new_pair
from support.service import Tenant

Carry = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def pair() -> Pair:
    """A firm, and an empty target."""
    pair = new_pair()
    firm.fill(pair.source, companies=120)
    return pair


@pytest.fixture
def carry(tenant: Tenant, fleet: Fleet, pair: Pair) -> Carry:
    """A function that runs a job of the pair to its end and returns it as the API shows it."""

    async def run(**changes: Any) -> dict[str, Any]:
        ended = await fleet.run(pair, **changes)
        job = await jobs.until_ended(tenant, str(ended.id))
        failed = await migration.records(tenant, job["id"], outcome="failed")
        assert job["status"] == "completed", (job["error"], failed)
        return job

    return run


async def test_every_entity_arrives_with_its_references(carry: Carry, pair: Pair, tenant: Tenant) -> None:
    job = await carry()
    held = pair.target
    assert {entity: len(held.of(entity)) for entity in LOAD_ORDER if entity != "lists"} == {
        "companies": 120, "people": 2, "deals": 1, "list_entries": 3, "notes": 1, "tasks": 1, "files": 1,
    }  # fmt: skip
    assert pair.copy_of("companies", "1").values["x_11"] == [pair.link_to("people", id_) for id_ in ("2", "1")]
    assert pair.copy_of("companies", "2").values["x_12"] == [pair.link_to("companies", "1")]
    assert pair.copy_of("people", "1").values["employer"] == [pair.link_to("companies", "1")]
    assert pair.copy_of("deals", "1").values["stage"] == ["Won"]
    assert pair.copy_of("notes", "1").values["text"] == ["Met in Oslo.\nCall again."]
    assert sorted(one.name for one in held.lists.values()) == ["Pipeline", "Watched"]
    assert {pair.copy_of("list_entries", id_).list_id for id_ in ("2", "3")} < set(held.lists)
    assert held.contents[pair.copy_of("files", "1").id] == b"deck"
    named = {(row["entity"], row["source_id"]) for row in await jobs.logs(tenant, job["id"], code="colleague_left_out")}
    assert named == {("companies", "1")}


@pytest.mark.parametrize("has_ledger", [True, False])
async def test_a_second_job_writes_nothing(carry: Carry, pair: Pair, has_ledger: bool) -> None:
    await carry()
    before, made = pair.target.writes.copy(), pair.target.schema_changes
    assert made > 0
    if not has_ledger:
        async with database.as_platform() as tx:
            await tx.execute("DELETE FROM ledger")
    for counts in migration.outcomes(await carry()).values():
        assert counts["unchanged"] == counts["read"]
    assert (pair.target.writes, pair.target.schema_changes) == (before, made)


async def test_notes_go_to_each_of_their_records_and_are_not_written_again(carry: Carry, pair: Pair) -> None:
    odd = ("a", "a/b", "é", "new:companies:1", "%", "'")
    pair.source.put(*(Company(id=id_, name="Odd") for id_ in odd))
    pair.source.put(*(Note(id=id_, content=id_, company_ids=(id_, "1")) for id_ in odd))
    pair.source.remove("notes", "1")
    await carry(mapping=Mapping(notes="all"))
    assert Counter(note.values["text"][0] for note in pair.target.of("notes")) == dict.fromkeys(odd, 2)
    before = pair.target.writes.copy()
    await carry(mapping=Mapping(notes="all"))
    assert pair.target.writes == before


async def test_each_value_that_the_target_does_not_hold_is_named(carry: Carry, pair: Pair, tenant: Tenant) -> None:
    pair.source.put(
        Deal(id="1", name="Silo", list_id="1", company_ids=("1",), fields={"30": ("Lost",), "31": (9,)}),
        Note(id="1", content="Met.", company_ids=("1",), person_ids=("99",), author_id="u1"),
        Task(id="1", content="Call", company_id="1", person_id="98", owner=firm.COLLEAGUE, recurrence="daily"),
        File(id="1", name="deck.pdf", size=4, company_id="1", uploader_id="u1"),
    )
    job = await carry()
    assert {
        (row["entity"], row["code"], row["value"])
        for row in await jobs.logs(tenant, job["id"])
        if row["entity"] in ("deals", "notes", "tasks", "files")
    } == {
        ("deals", "choice_unknown", "Lost"),
        ("deals", "not_kept_in_memory", "9"),
        ("notes", "link_left_out", "99"),
        ("notes", "not_kept_in_memory", "u1"),
        ("tasks", "link_left_out", "98"),
        ("tasks", "not_kept_in_memory", "u1"),
        ("tasks", "not_kept_in_memory", "daily"),
        ("files", "not_kept_in_memory", "u1"),
    }


async def test_a_list_that_somebody_deleted_is_made_again(carry: Carry, pair: Pair) -> None:
    await carry()
    (gone,) = [one for one in pair.target.lists.values() if one.name == "Watched"]
    del pair.target.lists[gone.id]
    pair.target.records = {id_: one for id_, one in pair.target.records.items() if one.list_id != gone.id}
    await carry()
    (again,) = [one for one in pair.target.lists.values() if one.name == "Watched"]
    assert sorted(one.values["memory_id"][0] for one in pair.target.records.values() if one.list_id == again.id) == [
        "2", "3",
    ]  # fmt: skip


async def test_a_dry_run_predicts_what_a_full_run_does(carry: Carry, pair: Pair) -> None:
    predicted = await carry(mode="dry_run")
    assert not pair.target.writes
    assert not pair.target.attributes
    assert migration.outcomes(predicted) == migration.outcomes(await carry())


async def test_a_change_of_a_person_in_the_target_stays_and_is_named(carry: Carry, pair: Pair, tenant: Tenant) -> None:
    await carry()
    acme = pair.copy_of("companies", "1")
    acme.values["x_10"] = ["Tin"]
    given = pair.source.records["companies"]["1"]
    assert isinstance(given, Company)
    pair.source.put(msgspec.structs.replace(given, name="Acme Ltd", fields={**given.fields, "13": (41,)}))
    job = await carry()
    assert (acme.values["name"], acme.values["x_13"], acme.values["x_10"]) == (["Acme Ltd"], [41], ["Tin"])
    assert jobs.counts(job, "companies")["updated"] == 1
    kept = await jobs.logs(tenant, job["id"], code="kept_in_target")
    assert [(row["source_id"], row["field"]) for row in kept] == [("1", "x_10")]
