"""Tasks in Attio. They can be found by way of a record that they are linked to, and there by Freight's mark."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from freight.connectors.attio.client import AttioClient, read_id
from freight.connectors.attio.marks import task_id
from freight.connectors.attio.together import together
from freight.connectors.attio.values import actor_reference, ordered, read_moment, record_reference
from freight.connectors.attio.writing.known import if_present, is_planned, unchangeable
from freight.connectors.protocols import Attributes, Draft, FileContent, TargetRecord

PATH = "/v2/tasks"
KEY = "task_id"
PAGE_SIZE = 500


class Tasks:
    """Tasks."""

    def __init__(self, client: AttioClient) -> None:
        self._client = client

    async def read(self, drafts: Mapping[str, Draft]) -> list[TargetRecord]:
        """The tasks with those ids, one by one."""
        read = await together(if_present(self._get(target_id)) for target_id in drafts)
        return [record for record in read if record is not None]

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """The tasks that bear the mark of one of the drafts, among those of one of its records; among all tasks for a
        draft that is linked to none."""
        wanted = {draft.source_id for draft in drafts}
        looked_in: set[tuple[str, str] | None] = set()
        for draft in drafts:
            links = draft.values.get("linked_records", [])
            looked_in.add((links[0]["target_object"], links[0]["target_record_id"]) if links else None)
        if None in looked_in:
            looked_in = {None}
        pages = await together(self._linked_to(link) for link in looked_in if link is None or not is_planned(link[1]))
        return [record for page in pages for record in page if record.source_id in wanted]

    async def create(self, draft: Draft, _content: FileContent | None) -> TargetRecord:
        """Write a new task; `InDoubt` is possible."""
        body = {"content": draft.values["content"][0], "format": "plaintext", **_changes(draft.values)}
        return _record(await self._client.write("POST", PATH, body, repeatable=False, key=KEY))

    async def update(self, _draft: Draft, target_id: str, values: Attributes) -> TargetRecord:
        """Change a task; Attio documents that its content cannot change."""
        if "content" in values:
            raise unchangeable("content", "task")
        path = f"{PATH}/{quote(target_id, safe='')}"
        body = {slug: change for slug, change in _changes(values).items() if slug in values}
        return _record(await self._client.write("PATCH", path, body, repeatable=True, key=KEY))

    async def _get(self, target_id: str) -> TargetRecord:
        return _record(await self._client.read(f"{PATH}/{quote(target_id, safe='')}"))

    async def _linked_to(self, link: tuple[str, str] | None) -> list[TargetRecord]:
        params = {} if link is None else {"linked_object": link[0], "linked_record_id": link[1]}
        return [_record(item) for item in await self._client.read_pages(PATH, size=PAGE_SIZE, params=params)]


def _changes(values: Attributes) -> dict[str, Any]:
    """All that Attio wants to be told of a task, besides its content."""
    return {
        "deadline_at": next(iter(values.get("deadline_at", [])), None),
        "is_completed": next(iter(values.get("is_completed", [])), False),
        "linked_records": values.get("linked_records", []),
        "assignees": values.get("assignees", []),
    }


def _record(item: Mapping[str, Any]) -> TargetRecord:
    content = str(item.get("content_plaintext") or "")
    deadline = read_moment(item.get("deadline_at"))
    links = (
        record_reference(str(link.get("target_object_id")), str(link.get("target_record_id")))
        for link in item.get("linked_records") or ()
    )
    values: Attributes = {
        "content": [content],
        "deadline_at": [deadline] if deadline else [],
        "is_completed": [bool(item.get("is_completed"))],
        "linked_records": ordered(links),
        "assignees": [
            actor_reference(str(assignee.get("referenced_actor_id"))) for assignee in item.get("assignees") or ()
        ],
    }
    return TargetRecord(
        id=read_id(item, KEY),
        source_id=task_id(content),
        values={slug: items for slug, items in values.items() if items},
    )
