"""Notes in Attio. They can be found only via the record that they are attached to, by Freight's mark."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from freight.connectors.attio.client import AttioClient, read_id
from freight.connectors.attio.concurrency import gather_all
from freight.connectors.attio.provenance import Marks
from freight.connectors.attio.values import read_moment, record_reference
from freight.connectors.attio.writing.catalog import if_present, unchangeable
from freight.connectors.protocols import Attributes, Draft, FileContent, TargetRecord, is_planned
from freight.model.crm import copy_id, note_of

PATH = "/v2/notes"
KEY = "note_id"

PAGE_SIZE = 50
"""The maximum page size that Attio documents."""

CHANGEABLE = ("title", "content")


class Notes:
    """Notes."""

    def __init__(self, client: AttioClient, marks: Marks) -> None:
        self._client = client
        self._marks = marks

    async def read(self, drafts: Mapping[str, Draft]) -> list[TargetRecord]:
        """Return the notes with these ids, read one by one."""
        read = await gather_all(if_present(self._get(target_id)) for target_id in drafts)
        return [record for record in read if record is not None]

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """Return the notes with the mark of a draft on any of its records, whether written to one or to all.

        The note of a draft has its source id, every other the id of a copy for its record.
        """
        parents = {(place["target_object"], place["target_record_id"]) for draft in drafts for place in _places(draft)}
        pages = await gather_all(
            # A record that no longer exists has no notes.
            if_present(self._of_parent(*parent))
            for parent in sorted(parents)
            if not is_planned(parent[1])
        )
        copies: dict[str, list[TargetRecord]] = {}
        for page in pages:
            for record in page or ():
                if record.source_id is not None:
                    copies.setdefault(note_of(record.source_id), []).append(record)
        return _assigned(drafts, copies)

    async def create(self, draft: Draft, _content: FileContent | None) -> TargetRecord:
        """Write a new note. Can raise `InDoubt`."""
        values = draft.values
        (parent,) = values["parent"]
        body = {
            "parent_object": parent["target_object"],
            "parent_record_id": parent["target_record_id"],
            "title": values["title"][0],
            "format": "markdown",
            "content": values["content"][0],
        }
        if created_at := values.get("created_at"):
            body["created_at"] = created_at[0]
        written = await self._client.write("POST", PATH, body, idempotent=False, key=KEY)
        return _record(written, self._marks)

    async def update(self, _draft: Draft, target_id: str, values: Attributes) -> TargetRecord:
        """Change the title or content of a note; Attio documents that nothing else can change."""
        for slug, items in values.items():
            if slug not in CHANGEABLE or not items:
                raise unchangeable(slug, "note")
        body = {slug: items[0] for slug, items in values.items()}
        if "content" in body:
            body["format"] = "markdown"
        path = f"{PATH}/{quote(target_id, safe='')}"
        written = await self._client.write("PATCH", path, body, idempotent=True, key=KEY)
        return _record(written, self._marks)

    async def delete(self, _draft: Draft, target_id: str) -> None:
        """Delete a note."""
        await self._client.request("DELETE", f"{PATH}/{quote(target_id, safe='')}", kind="write", idempotent=True)

    async def _get(self, target_id: str) -> TargetRecord:
        item = await self._client.read(f"{PATH}/{quote(target_id, safe='')}")
        return _record(item, self._marks)

    async def _of_parent(self, parent_object: str, parent_record_id: str) -> list[TargetRecord]:
        params = {"parent_object": parent_object, "parent_record_id": parent_record_id}
        items = await self._client.read_pages(PATH, size=PAGE_SIZE, kind="note_list", params=params)
        return [_record(item, self._marks) for item in items]


def _places(draft: Draft) -> list[dict[str, str]]:
    """Return the records that can have the note of a draft."""
    return list(draft.places.values()) or draft.values.get("parent", [])


def _assigned(drafts: Sequence[Draft], copies: Mapping[str, list[TargetRecord]]) -> list[TargetRecord]:
    """Return the copies, given by note, each with the id of its draft, or else of a copy for its record."""
    found: dict[str, TargetRecord] = {}
    # Each draft gets the copy on its own parent before any gets one elsewhere.
    for anywhere in (False, True):
        for draft in drafts:
            left = copies.get(note_of(draft.source_id), [])
            places = _places(draft) if anywhere else draft.values.get("parent", [])
            copy = next((copy for place in places for copy in left if copy.values["parent"] == [place]), None)
            if copy is not None and draft.source_id not in found:
                left.remove(copy)
                found[draft.source_id] = msgspec.structs.replace(copy, source_id=draft.source_id)
    further = [
        msgspec.structs.replace(copy, source_id=copy_id(note_of(draft.source_id), link))
        for draft in drafts
        for link, place in draft.places.items()
        for copy in copies.get(note_of(draft.source_id), [])
        if copy.values["parent"] == [place]
    ]
    return [*found.values(), *further]


def _record(item: Mapping[str, Any], marks: Marks) -> TargetRecord:
    content = str(item.get("content_markdown") or "").strip()
    values: Attributes = {
        "title": [str(item.get("title") or "")],
        "content": [content],
        "parent": [record_reference(str(item.get("parent_object")), str(item.get("parent_record_id")))],
    }
    if (created_at := read_moment(item.get("created_at"))) is not None:
        values["created_at"] = [created_at]
    # The plain text has no escapes, whatever Attio's Markdown looks like.
    marked = marks.note_id(str(item.get("content_plaintext") or "")) or marks.note_id(content)
    return TargetRecord(id=read_id(item, KEY), source_id=marked, values=values)
