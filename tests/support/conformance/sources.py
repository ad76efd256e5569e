"""What the engine relies on in every source."""

from collections.abc import Mapping

import msgspec
import pytest

from freight.connectors.errors import NotFound
from freight.connectors.protocols import Page, Reader, Row, Source
from freight.model.crm import LOAD_ORDER, Company, Deal, Entity, File, ListEntry, Person, Record, entity_of
from freight.model.mapping import Mapping as JobMapping
from freight.model.schema import Schema
from support.conformance.subject import ConnectorConformance, Subject

BY_ID: tuple[Entity, ...] = ("companies", "people", "deals")
"""Entities that can be read by their ids."""

MOST_PAGES = 1000


class SourceConformance(ConnectorConformance[Source]):
    """Tests of a source whose workspace holds records of every entity and a file that can be opened."""

    async def test_fields_have_ids_of_their_own_and_codes_are_declared(self, subject: Subject[Source]) -> None:
        async with subject.opened() as source:
            found = await source.discover(LOAD_ORDER, JobMapping())
        for owner in ("companies", "people", *(given.id for given in found.schema.lists)):
            ids = [field.id for field in found.schema.fields_of(owner)]
            assert len(ids) == len(set(ids))
        assert len({given.id for given in found.schema.lists}) == len(found.schema.lists)
        subject.check_declared(found.issues)

    async def test_as_many_records_are_read_as_the_source_counts(self, subject: Subject[Source]) -> None:
        async with subject.opened() as source:
            schema, reader = await opened(source)
            for entity in LOAD_ORDER:
                rows = await everything(reader, entity)
                assert rows, entity
                # A source may count deals by the lists that they are on.
                counted = [row for row in rows if not (isinstance(row.record, Deal) and row.record.list_id is None)]
                assert len(counted) == schema.counts.get(entity, len(counted)), entity

    async def test_a_row_is_a_record_of_its_entity_or_says_why_not(self, subject: Subject[Source]) -> None:
        async with subject.opened() as source:
            schema, reader = await opened(source)
            for entity in LOAD_ORDER:
                for row in await everything(reader, entity):
                    subject.check_declared((*row.issues, *([row.skip] if row.skip else [])))
                    assert row.record is not None or row.skip is not None
                    if row.record is not None:
                        assert (row.record.id, entity_of(row.record)) == (row.id, entity)
                        assert fields_of(row.record).keys() <= known_fields(row.record, schema)

    async def test_a_cursor_gives_the_same_page_to_another_process(self, subject: Subject[Source]) -> None:
        async with subject.opened() as first, subject.opened() as second:
            schema, reader = await opened(first)
            other = second.reader(schema, JobMapping())
            for entity in LOAD_ORDER:
                cursor: str | None = None
                for _ in range(3):
                    page = await reader.read(entity, cursor)
                    assert ids(page) == ids(await other.read(entity, cursor)), entity
                    cursor = page.next_cursor
                    if cursor is None:
                        break

    async def test_records_are_read_by_id_and_unknown_ones_left_out(self, subject: Subject[Source]) -> None:
        async with subject.opened() as source:
            _, reader = await opened(source)
            for entity in BY_ID:
                wanted = [row.id for row in await everything(reader, entity) if row.record is not None][:3]
                found = await reader.read_some(entity, [*wanted, "999999999"])
                assert sorted(row.id for row in found) == sorted(wanted)

    async def test_what_the_mapping_leaves_out_is_not_read(self, subject: Subject[Source]) -> None:
        async with subject.opened() as source:
            schema, whole = await opened(source)
            wanted = next(given.id for given in schema.lists if given.of == "deals")
            mapping = JobMapping(only_lists=[wanted])
            reader = source.reader((await source.discover(LOAD_ORDER, mapping)).schema, mapping)
            for entity in ("deals", "list_entries"):
                expected = {row.id for row in await everything(whole, entity) if list_of(row.record) == wanted}
                read = {row.id for row in await everything(reader, entity) if row.skip is None}
                assert read == expected
                assert read

    async def test_a_file_is_opened_whole_and_one_that_is_gone_is_not_found(self, subject: Subject[Source]) -> None:
        async with subject.opened() as source:
            _, reader = await opened(source)
            file = next(row.record for row in await everything(reader, "files") if isinstance(row.record, File))
            async with reader.open_file(file) as content:
                assert len(content.file.read()) == content.size == file.size
            with pytest.raises(NotFound):
                async with reader.open_file(msgspec.structs.replace(file, id="999999999")):
                    pass

    async def test_requests_are_paced_and_counted(self, subject: Subject[Source]) -> None:
        async with subject.opened() as source:
            subject.pacer.turns.clear()
            await source.identify()
            _, reader = await opened(source)
            await reader.read("companies", None)
            assert source.take_usage().reads > 0
            assert source.take_usage().reads == 0
        subject.check_paced()


async def opened(source: Source) -> tuple[Schema, Reader]:
    """Return the schema, and a reader of everything."""
    schema = (await source.discover(LOAD_ORDER, JobMapping())).schema
    return schema, source.reader(schema, JobMapping())


async def everything(reader: Reader, entity: Entity) -> list[Row]:
    """Return the first row of each record of an entity. Fail if the pages do not end."""
    rows: dict[str, Row] = {}
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await reader.read(entity, cursor)
        for row in page.rows:
            rows.setdefault(row.id, row)
        cursor = page.next_cursor
        if cursor is None:
            return list(rows.values())
    raise AssertionError(f"The pages of {entity} do not end.")


def ids(page: Page) -> list[str]:
    """Return the ids of the rows of a page."""
    return [row.id for row in page.rows]


def fields_of(record: Record) -> Mapping[str, object]:
    """Return the values of fields of a record."""
    return record.fields if isinstance(record, Company | Person | Deal | ListEntry) else {}


def list_of(record: Record | None) -> str | None:
    """Return the id of the list that a deal or an entry is on."""
    return record.list_id if isinstance(record, Deal | ListEntry) else None


def known_fields(record: Record, schema: Schema) -> set[str]:
    """Return the ids of the fields that a record of this kind can have."""
    owner = list_of(record) or entity_of(record)
    return {field.id for field in schema.fields_of(owner)}
