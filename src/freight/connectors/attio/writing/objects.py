"""Companies, people and deals in Attio."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from freight.connectors.attio.client import AttioClient, read_id
from freight.connectors.attio.definitions import Container
from freight.connectors.attio.profiles import respelled, spellings_in
from freight.connectors.attio.standard import unique_attribute
from freight.connectors.attio.values import read_automatic, read_values
from freight.connectors.attio.writing.catalog import AttributeCatalog
from freight.connectors.attio.writing.queries import Queries, Sought
from freight.connectors.protocols import Attributes, Draft, FileContent, TargetRecord
from freight.model.crm import Entity

COMPARED = {"domains": "domain", "email_addresses": "email_address"}
"""The part of a unique attribute's values that a filter compares."""


KEY = "record_id"


class Objects:
    """Records of Attio's standard objects."""

    def __init__(self, client: AttioClient, queries: Queries, known: AttributeCatalog) -> None:
        self._client = client
        self._queries = queries
        self._known = known

    async def read(self, drafts: Mapping[str, Draft]) -> list[TargetRecord]:
        """Return the records with these ids."""
        entity = next(iter(drafts.values())).entity
        items = await self._query(entity, [Sought(KEY, None, target_id) for target_id in drafts])
        return self._records(entity, items, list(drafts.values()))

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """Return every record with the source id or a unique value of one of the drafts, the oldest first."""
        entity = drafts[0].entity
        sought: list[Sought] = []
        # Before the schema is ensured, as in a dry run, nothing can have a source id.
        source_id = self._known.marks.source_id
        if await self._known.has(Container("objects", entity), source_id):
            sought += [Sought(source_id, None, draft.source_id) for draft in drafts if draft.source_id]
        unique = unique_attribute(entity, self._known.marks)
        if unique in COMPARED:
            sought += [
                Sought(unique, COMPARED[unique], value) for draft in drafts for value in draft.unique.get(unique, ())
            ]
        return self._records(entity, await self._query(entity, sought), drafts)

    async def create(self, draft: Draft, _content: FileContent | None) -> TargetRecord:
        """Write a new record, with an upsert if it has unique values. Otherwise this can raise `InDoubt`."""
        sent = {**draft.values, **draft.on_create}
        container = Container("objects", draft.entity)
        path = f"{container.path}/records"
        async with self._known.naming(container, sent):
            if not draft.unique:
                written = await self._client.write("POST", path, {"values": sent}, idempotent=False, key=KEY)
            else:
                # Values are added to those of the matching attribute and replace those of all others.
                params = {"matching_attribute": next(iter(draft.unique))}
                written = await self._client.write(
                    "PUT", path, {"values": sent}, idempotent=True, key=KEY, params=params
                )
        (record,) = self._records(draft.entity, [written], [draft])
        return record

    async def update(self, draft: Draft, target_id: str, values: Attributes) -> TargetRecord:
        """Give these attributes exactly these values; an empty list clears one."""
        container = Container("objects", draft.entity)
        path = f"{container.path}/records/{quote(target_id, safe='')}"
        async with self._known.naming(container, values):
            written = await self._client.write("PUT", path, {"values": values}, idempotent=True, key=KEY)
        (record,) = self._records(draft.entity, [written], [draft])
        return record

    async def delete(self, draft: Draft, target_id: str) -> None:
        """Delete a record."""
        path = f"{Container('objects', draft.entity).path}/records/{quote(target_id, safe='')}"
        await self._client.request("DELETE", path, kind="write", idempotent=True)

    async def _query(self, entity: Entity, sought: Sequence[Sought]) -> list[dict[str, Any]]:
        container = Container("objects", entity)
        async with self._known.naming(container, {}):
            return await self._queries.find(f"{container.path}/records", sought, key=KEY)

    def _records(
        self, entity: Entity, items: Sequence[Mapping[str, Any]], drafts: Sequence[Draft]
    ) -> list[TargetRecord]:
        types = self._known.types(entity)
        spellings = {} if entity == "deals" else spellings_in(drafts)
        of_source = {draft.source_id: draft for draft in drafts}
        found = []
        for item in items:
            given = item.get("values") or {}
            values = read_values(types, given)
            source_id = values.get(self._known.marks.source_id, [None])[0]
            # Two drafts can spell the same page differently: the record's own takes precedence.
            own = spellings_in([of_source[source_id]]) if spellings and source_id in of_source else {}
            found.append(
                TargetRecord(
                    id=read_id(item, KEY),
                    source_id=source_id,
                    values=respelled(values, {**spellings, **own}),
                    automatic=read_automatic(types, given),
                )
            )
        return found
