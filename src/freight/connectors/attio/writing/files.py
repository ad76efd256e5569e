"""Files in Attio. They are found through the record that they are attached to, and there by name and size.

A file has no id of the source, so `find` returns guesses. The caller knows which source file owns one.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from freight.connectors.attio.client import AttioClient, read_id
from freight.connectors.attio.concurrency import gather_all
from freight.connectors.attio.values import record_reference
from freight.connectors.attio.writing.catalog import if_present, unchangeable
from freight.connectors.errors import Rejected
from freight.connectors.protocols import Attributes, Draft, FileContent, TargetRecord, is_planned

PATH = "/v2/files"
KEY = "file_id"

PAGE_SIZE = 200
"""The maximum page size that Attio documents."""


class Files:
    """Uploaded files."""

    def __init__(self, client: AttioClient) -> None:
        self._client = client
        self._sent: dict[str, int] = {}
        """The sizes in bytes of files whose upload is not confirmed, by source id: the listed size may differ."""

    async def read(self, drafts: Mapping[str, Draft]) -> list[TargetRecord]:
        """Return the files with these ids, read one by one."""
        read = await gather_all(if_present(self._get(target_id, draft)) for target_id, draft in drafts.items())
        return [record for record in read if record is not None]

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """Return the files on the same records with the name and size of a draft: for each draft all candidates, as
        guesses."""
        of_parent: dict[tuple[str, str], list[Draft]] = {}
        for draft in drafts:
            for parent in draft.values.get("parent", []):
                key = (parent["target_object"], parent["target_record_id"])
                if not is_planned(key[1]):
                    of_parent.setdefault(key, []).append(draft)
        pages = await gather_all(if_present(self._attached_to(*parent)) for parent in of_parent)
        return [
            msgspec.structs.replace(_record(item, draft), is_guess=True)
            for items, wanted in zip(pages, of_parent.values(), strict=True)
            for draft in wanted
            for item in items or ()
            if self._may_be(item, draft)
        ]

    async def create(self, draft: Draft, content: FileContent | None) -> TargetRecord:
        """Upload a file. Raise `InDoubt` if it is unknown whether it arrived; `find` then looks for the size sent."""
        if content is None:
            raise Rejected("A file cannot be written without its content.")
        (parent,) = draft.values["parent"]
        fields = {"object": parent["target_object"], "record_id": parent["target_record_id"]}
        self._sent[draft.source_id] = content.size
        made = await self._client.upload(f"{PATH}/upload", fields, draft.values["name"][0], content)
        self._sent.pop(draft.source_id, None)
        return _record(made, draft)

    async def update(self, _draft: Draft, _target_id: str, values: Attributes) -> TargetRecord:
        """Raise `Rejected`: Attio cannot change a file."""
        raise unchangeable(next(iter(values)), "file")

    async def delete(self, _draft: Draft, target_id: str) -> None:
        """Delete a file."""
        await self._client.request("DELETE", f"{PATH}/{quote(target_id, safe='')}", kind="write", idempotent=True)

    async def _get(self, target_id: str, draft: Draft) -> TargetRecord:
        return _record(await self._client.read(f"{PATH}/{quote(target_id, safe='')}"), draft)

    async def _attached_to(self, parent_object: str, parent_record_id: str) -> list[dict[str, Any]]:
        params = {"object": parent_object, "record_id": parent_record_id}
        return await self._client.read_cursor(PATH, size=PAGE_SIZE, params=params)

    def _may_be(self, item: Mapping[str, Any], draft: Draft) -> bool:
        listed = draft.values.get("size")
        sizes = listed if draft.source_id not in self._sent else [self._sent[draft.source_id]]
        return [item.get("name")] == draft.values["name"] and sizes in (None, [item.get("content_size")])


def _record(item: Mapping[str, Any], draft: Draft) -> TargetRecord:
    values: Attributes = {
        "name": [str(item.get("name"))],
        "parent": [record_reference(str(item.get("object_slug")), str(item.get("record_id")))],
    }
    if isinstance(size := item.get("content_size"), int | float):
        values["size"] = [int(size)]
    return TargetRecord(id=read_id(item, KEY), source_id=draft.source_id, values=values)
