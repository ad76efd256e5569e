"""Companies, people and deals in Attio."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from freight.connectors.attio.client import AttioClient, read_id
from freight.connectors.attio.definitions import Container
from freight.connectors.attio.standard import SOURCE_ID, UNIQUE
from freight.connectors.attio.values import read_values
from freight.connectors.attio.writing.known import PAGE_SIZE, Known, chunks
from freight.connectors.protocols import Attributes, Draft, FileContent, TargetRecord
from freight.crm import Entity

COMPARED = {"domains": "domain", "email_addresses": "email_address"}
"""The part of a unique attribute's values that a filter compares."""


KEY = "record_id"


class Objects:
    """Records of Attio's standard objects."""

    def __init__(self, client: AttioClient, known: Known) -> None:
        self._client = client
        self._known = known

    async def read(self, drafts: Mapping[str, Draft]) -> list[TargetRecord]:
        """The records with those ids."""
        found: list[TargetRecord] = []
        entity = next(iter(drafts.values())).entity
        for ids in chunks(list(drafts)):
            found += await self._query(entity, {"record_id": {"$in": ids}})
        return found

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """Every record that carries the source id or a unique value of one of the drafts, oldest first in a query."""
        found: dict[str, TargetRecord] = {}
        for chunk in chunks(drafts):
            entity = chunk[0].entity
            conditions: list[dict[str, Any]] = []
            # Before the schema was prepared, as in a dry run, nothing can carry a source id.
            ids = [draft.source_id for draft in chunk if draft.source_id]
            if ids and await self._known.has(Container("objects", entity), SOURCE_ID):
                conditions.append({SOURCE_ID: {"$in": ids}})
            unique = UNIQUE[entity]
            held = list(dict.fromkeys(value for draft in chunk for value in draft.unique.get(unique, ())))
            if held and unique in COMPARED:
                conditions.append({unique: {COMPARED[unique]: {"$in": held}}})
            if conditions:
                found |= {record.id: record for record in await self._query(entity, {"$or": conditions})}
        return list(found.values())

    async def create(self, draft: Draft, _content: FileContent | None) -> TargetRecord:
        """Write a new record, by an upsert where it has unique values. Otherwise `InDoubt` is possible."""
        sent = {**draft.values, **draft.on_create}
        container = Container("objects", draft.entity)
        path = f"{container.path}/records"
        async with self._known.naming(container, sent):
            if not draft.unique:
                written = await self._client.write("POST", path, {"values": sent}, repeatable=False, key=KEY)
            else:
                # Values are added to those of the matching attribute and take the place of all others'.
                params = {"matching_attribute": next(iter(draft.unique))}
                written = await self._client.write(
                    "PUT", path, {"values": sent}, repeatable=True, key=KEY, params=params
                )
        return self._record(draft.entity, written)

    async def update(self, draft: Draft, target_id: str, values: Attributes) -> TargetRecord:
        """Give these attributes exactly these values; an empty list clears one."""
        container = Container("objects", draft.entity)
        path = f"{container.path}/records/{quote(target_id, safe='')}"
        async with self._known.naming(container, values):
            written = await self._client.write("PUT", path, {"values": values}, repeatable=True, key=KEY)
        return self._record(draft.entity, written)

    async def _query(self, entity: Entity, filter_: Mapping[str, Any]) -> list[TargetRecord]:
        container = Container("objects", entity)
        async with self._known.naming(container, {}):
            found = await self._client.query(f"{container.path}/records", filter_, size=PAGE_SIZE)
        return [self._record(entity, item) for item in found]

    def _record(self, entity: Entity, item: Mapping[str, Any]) -> TargetRecord:
        values = read_values(self._known.types(entity), item.get("values") or {})
        return TargetRecord(id=read_id(item, KEY), source_id=values.get(SOURCE_ID, [None])[0], values=values)
