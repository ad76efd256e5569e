"""Entries of Attio's lists."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from freight.connectors.attio.client import AttioClient, read_id
from freight.connectors.attio.concurrency import gather_all
from freight.connectors.attio.definitions import Container
from freight.connectors.attio.standard import PARENT
from freight.connectors.attio.values import read_automatic, read_values
from freight.connectors.attio.writing.catalog import AttributeCatalog, if_present
from freight.connectors.attio.writing.queries import Queries, Sought
from freight.connectors.errors import Rejected
from freight.connectors.protocols import Attributes, Draft, FileContent, TargetRecord, is_planned

KEY = "entry_id"


class Entries:
    """Entries of lists. The id of the record on the list is under `parent_record`."""

    def __init__(self, client: AttioClient, queries: Queries, known: AttributeCatalog) -> None:
        self._client = client
        self._queries = queries
        self._known = known

    async def read(self, drafts: Mapping[str, Draft]) -> list[TargetRecord]:
        """Return the entries with these ids: those with a source id by a query for many, others one by one."""
        found: dict[str, TargetRecord] = {}
        for record in await self.find(list(drafts.values())):
            if record.id in drafts:
                found[record.id] = record
        missing = [(drafts[target_id], target_id) for target_id in drafts if target_id not in found]
        read = await gather_all(if_present(self._get(_container(draft), entry_id)) for draft, entry_id in missing)
        return [*found.values(), *(record for record in read if record is not None)]

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """Return every entry with the source id of one of the drafts; on a list that existed before the job, also those
        of the same record, which a person may have made."""
        found: dict[str, TargetRecord] = {}
        for name in dict.fromkeys(draft.container for draft in drafts if draft.container is not None):
            of_list = await self._of_list(name, [draft for draft in drafts if draft.container == name])
            found |= {record.id: record for record in of_list}
        return list(found.values())

    async def create(self, draft: Draft, _content: FileContent | None) -> TargetRecord:
        """Put a record on a list: matched by the record, or as a further entry if it is on the list several times. The
        latter can raise `InDoubt`."""
        container = _container(draft)
        sent = {**draft.values, **draft.on_create}
        (parent_id,) = sent.pop(PARENT)
        ((parent_object, _),) = draft.parents
        body = {"parent_record_id": parent_id, "parent_object": parent_object, "entry_values": sent}
        path = f"{container.path}/entries"
        async with self._known.naming(container, sent):
            try:
                if draft.unique:
                    written = await self._client.write("PUT", path, body, idempotent=True, key=KEY)
                    return self._record(container, written)
            except Rejected as error:
                # The list already has several entries of the record, all with other ids.
                if error.vendor_code != "multiple_match_results":
                    raise
            written = await self._client.write("POST", path, body, idempotent=False, key=KEY)
        return self._record(container, written)

    async def update(self, draft: Draft, target_id: str, values: Attributes) -> TargetRecord:
        """Give these attributes exactly these values; an empty list clears one."""
        container = _container(draft)
        path = f"{container.path}/entries/{quote(target_id, safe='')}"
        async with self._known.naming(container, values):
            written = await self._client.write("PUT", path, {"entry_values": values}, idempotent=True, key=KEY)
        return self._record(container, written)

    async def delete(self, draft: Draft, target_id: str) -> None:
        """Delete an entry; the record on the list stays."""
        path = f"{_container(draft).path}/entries/{quote(target_id, safe='')}"
        await self._client.request("DELETE", path, kind="write", idempotent=True)

    async def _of_list(self, list_id: str, drafts: Sequence[Draft]) -> list[TargetRecord]:
        container = Container("lists", list_id)
        sought: list[Sought] = []
        # Before the schema is ensured, as in a dry run, nothing can have a source id.
        entry_id = self._known.marks.entry_id
        if await self._known.has(container, entry_id):
            sought += [Sought(entry_id, None, draft.source_id) for draft in drafts]
        parents = {id_ for draft in drafts for id_ in draft.unique.get(PARENT, ()) if not is_planned(id_)}
        if self._existed(list_id):
            sought += [Sought(PARENT, "target_record_id", id_) for id_ in sorted(parents)]
        items = await self._queries.find(f"{container.path}/entries", sought, key=KEY)
        return [self._record(container, item) for item in items]

    async def _get(self, container: Container, entry_id: str) -> TargetRecord:
        item = await self._client.read(f"{container.path}/entries/{quote(entry_id, safe='')}")
        return self._record(container, item)

    def _existed(self, list_id: str) -> bool:
        return any(place.action == "use" for place in self._known.layout.lists if place.target_id == list_id)

    def _record(self, container: Container, item: Mapping[str, Any]) -> TargetRecord:
        owner = next((place.list_id for place in self._known.layout.lists if place.target_id == container.name), "")
        types, given = self._known.types(owner), item.get("entry_values") or {}
        values = read_values(types, given)
        source_id = values.get(self._known.marks.entry_id, [None])[0]
        if isinstance(parent := item.get("parent_record_id"), str):
            values[PARENT] = [parent]
        return TargetRecord(
            id=read_id(item, KEY),
            source_id=source_id,
            values=values,
            container=container.name,
            automatic=read_automatic(types, given),
        )


def _container(draft: Draft) -> Container:
    if draft.container is None:
        raise Rejected("The list of this entry does not exist in Attio: its schema must be ensured first.")
    return Container("lists", draft.container)
