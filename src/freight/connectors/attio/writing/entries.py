"""Entries of Attio's lists."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from freight.connectors.attio.client import AttioClient, read_id
from freight.connectors.attio.definitions import Container
from freight.connectors.attio.standard import ENTRY_ID, PARENT
from freight.connectors.attio.together import together
from freight.connectors.attio.values import read_values
from freight.connectors.attio.writing.known import PAGE_SIZE, Known, chunks, if_present, is_planned
from freight.connectors.errors import Rejected
from freight.connectors.protocols import Attributes, Draft, FileContent, TargetRecord

KEY = "entry_id"

PARENT_PAGE = 1000
"""Entries of one record that Attio lists at once at most, as it documents."""


class Entries:
    """Entries of lists. Their parent is the id of the record that stands on the list, under `parent_record`."""

    def __init__(self, client: AttioClient, known: Known) -> None:
        self._client = client
        self._known = known

    async def read(self, drafts: Mapping[str, Draft]) -> list[TargetRecord]:
        """The entries with those ids: those that carry their source id by a query for many, others one by one."""
        found: dict[str, TargetRecord] = {}
        for record in await self.find(list(drafts.values())):
            if record.id in drafts:
                found[record.id] = record
        missing = [(drafts[target_id], target_id) for target_id in drafts if target_id not in found]
        read = await together(if_present(self._get(_container(draft), entry_id)) for draft, entry_id in missing)
        return [*found.values(), *(record for record in read if record is not None)]

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """Every entry that carries the source id of one of the drafts; on a list that holds entries of others, also
        those of the same record."""
        found: dict[str, TargetRecord] = {}
        for name in dict.fromkeys(draft.container for draft in drafts if draft.container is not None):
            container = Container("lists", name)
            of_list = [draft for draft in drafts if draft.container == name]
            for record in await self._carrying(container, [draft.source_id for draft in of_list]):
                found[record.id] = record
            if self._is_shared(name):
                carried = {record.source_id for record in found.values()}
                unmatched = [draft for draft in of_list if draft.unique and draft.source_id not in carried]
                for records in await together(self._of_parent(container, draft) for draft in unmatched):
                    found |= {record.id: record for record in records}
        return list(found.values())

    async def create(self, draft: Draft, _content: FileContent | None) -> TargetRecord:
        """Put a record on a list: matched by the record, or, where it stands there several times, as a further entry.
        The latter may be `InDoubt`."""
        container = _container(draft)
        sent = {**draft.values, **draft.on_create}
        (parent_id,) = sent.pop(PARENT)
        ((parent_object, _),) = draft.parents
        body = {"parent_record_id": parent_id, "parent_object": parent_object, "entry_values": sent}
        path = f"{container.path}/entries"
        async with self._known.naming(container, sent):
            try:
                if draft.unique:
                    written = await self._client.write("PUT", path, body, repeatable=True, key=KEY)
                    return self._record(container, written)
            except Rejected as error:
                # The record stands there several times already, with entries that are all others'.
                if error.vendor_code != "multiple_match_results":
                    raise
            written = await self._client.write("POST", path, body, repeatable=False, key=KEY)
        return self._record(container, written)

    async def update(self, draft: Draft, target_id: str, values: Attributes) -> TargetRecord:
        """Give these attributes exactly these values; an empty list clears one."""
        container = _container(draft)
        path = f"{container.path}/entries/{quote(target_id, safe='')}"
        async with self._known.naming(container, values):
            written = await self._client.write("PUT", path, {"entry_values": values}, repeatable=True, key=KEY)
        return self._record(container, written)

    async def _carrying(self, container: Container, source_ids: Sequence[str]) -> list[TargetRecord]:
        # Before the schema was prepared, as in a dry run, nothing can carry a source id.
        if not await self._known.has(container, ENTRY_ID):
            return []
        found: list[TargetRecord] = []
        for ids in chunks(source_ids):
            filter_ = {ENTRY_ID: {"$in": ids}}
            items = await self._client.query(f"{container.path}/entries", filter_, size=PAGE_SIZE)
            found += self._records(container, items)
        return found

    async def _of_parent(self, container: Container, draft: Draft) -> list[TargetRecord]:
        """The entries of the record that is to stand on the list."""
        (parent_id,) = draft.unique[PARENT]
        ((parent_object, _),) = draft.parents
        if is_planned(parent_id):
            return []
        path = f"{Container('objects', parent_object).path}/records/{quote(parent_id, safe='')}/entries"
        standing = await self._client.read_pages(path, size=PARENT_PAGE)
        ids = [str(item.get(KEY)) for item in standing if item.get("list_id") == container.name]
        read = await together(if_present(self._get(container, entry_id)) for entry_id in ids)
        return [record for record in read if record is not None]

    async def _get(self, container: Container, entry_id: str) -> TargetRecord:
        item = await self._client.read(f"{container.path}/entries/{quote(entry_id, safe='')}")
        return self._record(container, item)

    def _is_shared(self, list_id: str) -> bool:
        return any(place.shared for place in self._known.layout.lists if place.target_id == list_id)

    def _records(self, container: Container, items: Iterable[Mapping[str, Any]]) -> list[TargetRecord]:
        return [self._record(container, item) for item in items]

    def _record(self, container: Container, item: Mapping[str, Any]) -> TargetRecord:
        owner = next((place.list_id for place in self._known.layout.lists if place.target_id == container.name), "")
        values = read_values(self._known.types(owner), item.get("entry_values") or {})
        source_id = values.get(ENTRY_ID, [None])[0]
        if isinstance(parent := item.get("parent_record_id"), str):
            values[PARENT] = [parent]
        return TargetRecord(id=read_id(item, KEY), source_id=source_id, values=values)


def _container(draft: Draft) -> Container:
    if draft.container is None:
        raise Rejected("The list of this entry does not exist in Attio: its schema has to be prepared first.")
    return Container("lists", draft.container)
