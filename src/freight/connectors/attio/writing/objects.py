"""Companies, people and deals in Attio."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from freight.connectors.attio.client import AttioClient, read_id
from freight.connectors.attio.definitions import Container
from freight.connectors.attio.profiles import canonical_profiles
from freight.connectors.attio.standard import SOURCE_ID, UNIQUE
from freight.connectors.attio.values import read_automatic, read_values
from freight.connectors.attio.writing.known import Known
from freight.connectors.attio.writing.queries import Queries, Sought
from freight.connectors.protocols import Attributes, Draft, FileContent, TargetRecord
from freight.crm import Entity

COMPARED = {"domains": "domain", "email_addresses": "email_address"}
"""The part of a unique attribute's values that a filter compares."""


KEY = "record_id"


class Objects:
    """Records of Attio's standard objects."""

    def __init__(self, client: AttioClient, queries: Queries, known: Known) -> None:
        self._client = client
        self._queries = queries
        self._known = known

    async def read(self, drafts: Mapping[str, Draft]) -> list[TargetRecord]:
        """The records with those ids."""
        entity = next(iter(drafts.values())).entity
        return await self._query(entity, [Sought(KEY, None, target_id) for target_id in drafts])

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """Every record that carries the source id or a unique value of one of the drafts, the oldest first."""
        entity = drafts[0].entity
        sought: list[Sought] = []
        # Before the schema was prepared, as in a dry run, nothing can carry a source id.
        if await self._known.has(Container("objects", entity), SOURCE_ID):
            sought += [Sought(SOURCE_ID, None, draft.source_id) for draft in drafts]
        unique = UNIQUE[entity]
        if unique in COMPARED:
            sought += [
                Sought(unique, COMPARED[unique], value) for draft in drafts for value in draft.unique.get(unique, ())
            ]
        return await self._query(entity, sought)

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

    async def _query(self, entity: Entity, sought: Sequence[Sought]) -> list[TargetRecord]:
        container = Container("objects", entity)
        async with self._known.naming(container, {}):
            found = await self._queries.find(f"{container.path}/records", sought, key=KEY)
        return [self._record(entity, item) for item in found]

    def _record(self, entity: Entity, item: Mapping[str, Any]) -> TargetRecord:
        types, given = self._known.types(entity), item.get("values") or {}
        values = read_values(types, given)
        return TargetRecord(
            id=read_id(item, KEY),
            source_id=values.get(SOURCE_ID, [None])[0],
            values=canonical_profiles(entity, values),
            automatic=read_automatic(types, given),
        )
