"""Affinity as a source."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from tempfile import TemporaryFile

import httpx
from tenacity.wait import wait_base

from freight.connectors.affinity.client import PAGE_SIZE, AffinityClient
from freight.connectors.affinity.companies_people import company_row, person_row
from freight.connectors.affinity.deals import Deals
from freight.connectors.affinity.discover import COLLECTIONS, discover
from freight.connectors.affinity.fields import id_of, is_number, text_of
from freight.connectors.affinity.files import read_files
from freight.connectors.affinity.lists import list_rows, read_entries
from freight.connectors.affinity.notes import read_notes
from freight.connectors.affinity.row_parser import FieldSelection, refused_row
from freight.connectors.affinity.tasks import read_tasks
from freight.connectors.affinity.truncated_values import fetch_all_values
from freight.connectors.answers import Json
from freight.connectors.errors import Rejected, UnexpectedAnswer
from freight.connectors.http import BACKOFF
from freight.connectors.protocols import Discovery, FileContent, Pacer, Page, Row, Usage, Workspace
from freight.model.crm import Entity, File
from freight.model.mapping import Mapping
from freight.model.schema import Schema

# Affinity returns no field values unless the request names their types.
FIELD_TYPES = ("enriched", "global", "relationship-intelligence")


class AffinitySource:
    """Reads an Affinity workspace; see `freight.connectors.protocols.Source`."""

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str,
        pacer: Pacer,
        transport: httpx.AsyncBaseTransport | None = None,
        backoff: wait_base = BACKOFF,
    ) -> None:
        self._client = AffinityClient(api_key, base_url=base_url, pacer=pacer, transport=transport, backoff=backoff)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._client.base_url}>"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def take_usage(self) -> Usage:
        """Return the use of Affinity's API since the last call."""
        return self._client.take_usage()

    async def identify(self) -> Workspace:
        """Return the account of the key."""
        match await self._client.whoami():
            case {"tenant": {"id": int() | str() as id_} as tenant}:
                return Workspace(id=str(id_), name=text_of(tenant.get("name")) or str(id_))
            case _:
                raise UnexpectedAnswer("Affinity does not name the account of the API key.")

    async def discover(self, entities: Collection[Entity], mapping: Mapping) -> Discovery:
        """Return the schema of the workspace, issues of what the key cannot read, and the cost of reading."""
        return await discover(self._client, entities, mapping)

    def reader(self, schema: Schema, mapping: Mapping) -> "AffinityReader":
        """Return a reader for this schema that reads only what the mapping includes."""
        return AffinityReader(self._client, schema, mapping)


class AffinityReader:
    """Reads the records of an Affinity workspace; see `freight.connectors.protocols.Reader`."""

    def __init__(self, client: AffinityClient, schema: Schema, mapping: Mapping) -> None:
        self._client = client
        self._schema = schema
        self._mapping = mapping
        self._selections = {owner: FieldSelection.of(schema, mapping, owner) for owner in COLLECTIONS}
        self._deals = Deals(client, schema, mapping)

    async def read(self, entity: Entity, cursor: str | None) -> Page:
        """Return a page: up to 100 rows of version 2 of the API, or 500 of version 1."""
        counted = self._schema.counts.get(entity)
        match entity:
            case "companies" | "people":
                return await self._read_collection(entity, cursor)
            case "deals":
                return await self._deals.read_page(cursor)
            case "lists":
                return list_rows(self._schema, self._mapping)
            case "list_entries":
                return await read_entries(self._client, self._schema, self._mapping, cursor)
            case "notes":
                return await read_notes(self._client, cursor, counted=counted)
            case "tasks":
                return await read_tasks(self._client, cursor, counted=counted)
            case "files":
                return await read_files(self._client, cursor, counted=counted)

    async def read_some(self, entity: Entity, ids: Sequence[str]) -> Sequence[Row]:
        """Return the existing companies, people or deals with these ids."""
        if entity == "deals":
            return await self._deals.read_some(ids)
        numbers = list(filter(is_number, ids))
        rows: list[Row] = []
        for start in range(0, len(numbers), PAGE_SIZE):
            rows += await self._read_ids(entity, numbers[start : start + PAGE_SIZE])
        return rows

    @asynccontextmanager
    async def open_file(self, file: File) -> AsyncIterator[FileContent]:
        """Yield the content of a file, available until the context ends.

        Raise `NotFound` for one that no longer exists, `FileIncomplete` for one that differs from its listing.
        """
        with TemporaryFile() as into:
            yield await self._client.download(file, into)

    async def _read_ids(self, entity: Entity, ids: Sequence[str]) -> list[Row]:
        """Return the records with these ids, at most a page of them. An id that Affinity refuses is found by halving
        and does not affect the others."""
        try:
            page = await self._client.page(f"/v2/{COLLECTIONS[entity]}", None, {"ids": ids, "fieldTypes": FIELD_TYPES})
        except Rejected as refusal:
            if len(ids) == 1:
                return [refused_row(ids[0], refusal)]
            middle = len(ids) // 2
            return [*await self._read_ids(entity, ids[:middle]), *await self._read_ids(entity, ids[middle:])]
        return [await self._row(entity, row) for row in page.rows]

    async def _read_collection(self, entity: Entity, cursor: str | None) -> Page:
        page = await self._client.page(f"/v2/{COLLECTIONS[entity]}", cursor, {"fieldTypes": FIELD_TYPES})
        rows = [await self._row(entity, row) for row in page.rows]
        return Page(rows=tuple(rows), next_cursor=page.cursor)

    async def _row(self, entity: Entity, row: Json) -> Row:
        selection = self._selections[entity]
        await fetch_all_values(self._client, f"/v2/{COLLECTIONS[entity]}/{id_of(row)}", row, selection)
        return company_row(row, selection) if entity == "companies" else person_row(row, selection)
