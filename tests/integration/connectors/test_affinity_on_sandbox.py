"""The connector for Affinity on a simulated workspace with everything in it, over real sockets."""

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

import httpx
import pytest

from freight.connectors.affinity.source import AffinitySource
from freight.connectors.protocols import Discovery, Row
from freight.model.crm import LOAD_ORDER, Deal, Entity, File, Person
from freight.model.fields import Field
from freight.model.mapping import Mapping
from freight.model.schema import Schema
from freight_sandbox import running
from support.affinity_source_parts import codes, read_all
from support.clients import TLS
from support.connector_parts import RecordingPacer
from support.sandboxes import sandbox_options

OPTIONS = sandbox_options(
    companies=120,
    people=250,
    opportunities=60,
    lists=4,
    entries=240,
    notes=90,
    reminders=20,
    files=6,
    custom_fields=True,
    unlimited=True,
)
NAMES = {"people": "persons", "deals": "opportunities", "tasks": "reminders"}
PAGE_SIZES: dict[Entity, int] = {"companies": 100, "people": 100, "list_entries": 100}


class Everything(NamedTuple):
    source: AffinitySource
    discover: Discovery
    calls: dict[str, int]
    rows: dict[Entity, list[Row]]
    replies: int
    summary: dict[str, int]


@pytest.fixture(scope="module")
async def everything() -> AsyncIterator[Everything]:
    async with running(OPTIONS) as sandbox:
        pacer = RecordingPacer()
        source = AffinitySource(sandbox.affinity_key, base_url=sandbox.affinity_url, pacer=pacer)
        discover = await source.discover(LOAD_ORDER, Mapping())
        calls = {"survey": len(pacer.turns)}
        source.use(discover.schema, Mapping())
        rows: dict[Entity, list[Row]] = {}
        replies = 0
        for entity in LOAD_ORDER:
            pacer.turns.clear()
            found = await read_all(source, entity)
            # The pipeline takes each row once, as the first page with it gives it.
            rows[entity] = list({row.id: row for row in reversed(found.rows)}.values())
            replies += len(found.replies)
            calls[entity] = len(pacer.turns)
        async with httpx.AsyncClient(verify=TLS, base_url=sandbox.affinity_url) as client:
            summary = (await client.get("/_sandbox/summary")).json()["records"]
        yield Everything(source, discover, calls, rows, replies, summary)
        await source.aclose()


def all_fields(schema: Schema) -> Iterator[Field]:
    yield from (*schema.companies, *schema.people)
    yield from (field for given in schema.lists for field in given.fields)


@pytest.mark.parametrize("entity", LOAD_ORDER)
def test_every_row_is_read_once_and_none_is_left_unread(everything, entity):
    total = len(everything.rows[entity]) + (everything.replies if entity == "notes" else 0)
    assert total == everything.summary[NAMES.get(entity, entity)]
    assert all(row.record is not None for row in everything.rows[entity])


@pytest.mark.parametrize("entity", LOAD_ORDER)
def test_nothing_is_read_that_the_connector_does_not_understand(everything, entity):
    found = {code for row in everything.rows[entity] for code in codes(row)}
    assert not found & {"unreadable_value", "unknown_value_type", "field_not_mapped", "values_cut_off"}


def test_no_more_is_asked_than_there_are_pages(everything):
    lists = len(everything.rows["lists"])
    dropdowns = sum(field.type in ("select", "status") for field in all_fields(everything.discover.schema))
    assert everything.calls["survey"] <= 17 + 3 * lists + dropdowns
    for entity, size in PAGE_SIZES.items():
        assert everything.calls[entity] <= len(everything.rows[entity]) / size + lists + 1
    assert everything.calls["deals"] <= OPTIONS.opportunities / 100 + 3 * lists + 2
    assert everything.calls["lists"] == 0
    assert max(everything.calls[entity] for entity in ("notes", "tasks", "files")) <= 2


def test_values_of_all_types_arrive(everything):
    for owner in ("companies", "people", *(given.id for given in everything.discover.schema.lists)):
        fields = {field.id for field in everything.discover.schema.fields_of(owner)}
        records = [row.record for rows in everything.rows.values() for row in rows]
        held = {id_ for record in records for id_ in getattr(record, "fields", ()) if isinstance(id_, str)}
        size = next((given.size for given in everything.discover.schema.lists if given.id == owner), 1)
        assert not fields - held or size == 0


def test_all_the_firm_s_own_people_are_marked_and_known(everything):
    internal = {row.id for row in everything.rows["people"] if isinstance(row.record, Person) and row.record.internal}
    assert {user.id for user in everything.discover.schema.users} == internal
    assert everything.discover.schema.own_domains


def test_opportunities_know_their_list_and_are_linked(everything):
    deals = [row.record for row in everything.rows["deals"] if isinstance(row.record, Deal)]
    hidden = [row.id for row in everything.rows["deals"] if "list_hidden" in codes(row)]
    assert {deal.id for deal in deals if deal.list_id is None} == set(hidden)
    assert any(deal.person_ids and deal.company_ids and deal.fields for deal in deals)


def test_what_affinity_counts_is_what_is_read(everything):
    counts = everything.discover.schema.counts
    for entity in ("companies", "people", "lists", "list_entries", "notes", "tasks", "files"):
        assert counts[entity] == len(everything.rows[entity])


@pytest.mark.parametrize("entity", ["companies", "people", "deals"])
async def test_some_records_are_read_as_they_are_read_in_pages(everything, entity):
    wanted = [row for row in everything.rows[entity] if "list_hidden" not in codes(row)][:5]
    again = await everything.source.read_some(entity, [row.id for row in wanted])
    assert sorted(again, key=lambda row: row.id) == sorted(wanted, key=lambda row: row.id)
    assert await everything.source.read_some(entity, ["1", "unreadable-1"]) == []


async def test_files_are_fetched_whole_from_the_other_host(everything):
    for row in everything.rows["files"]:
        assert isinstance(row.record, File)
        async with everything.source.open_file(row.record) as content:
            assert len(content.file.read()) == content.size == row.record.size
            assert content.content_type


async def test_no_reminder_is_left_unread_because_another_was_deleted_meanwhile():
    async with running(sandbox_options(reminders=600, companies=5, people=5, unlimited=True)) as sandbox:
        source = AffinitySource(sandbox.affinity_key, base_url=sandbox.affinity_url, pacer=RecordingPacer())
        source.use((await source.discover(["tasks"], Mapping())).schema, Mapping())
        first = await source.read_page("tasks", None)
        async with httpx.AsyncClient(verify=TLS, base_url=sandbox.affinity_url) as affinity:
            (await affinity.delete(f"/_sandbox/rows/reminders/{first.rows[0].id}")).raise_for_status()
        rest = await read_all(source, "tasks", first.next_cursor)
        await source.aclose()
    assert len({row.id for row in (*first.rows, *rest.rows)}) == 600
    assert rest.incomplete is None
