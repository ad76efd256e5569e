"""Tasks in Attio. They are found by Freight's mark: among the tasks of a linked record, else among all tasks."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec
import structlog

from freight.connectors.attio.client import AttioClient, read_id
from freight.connectors.attio.concurrency import gather_all
from freight.connectors.attio.provenance import Marks
from freight.connectors.attio.values import actor_reference, ordered, read_moment, record_reference
from freight.connectors.attio.writing.catalog import if_present, unchangeable
from freight.connectors.errors import ConnectorError
from freight.connectors.http import Params
from freight.connectors.protocols import Attributes, Draft, FileContent, Issue, TargetRecord, is_planned

PATH = "/v2/tasks"
KEY = "task_id"
PAGE_SIZE = 500

LINK_SECONDS = 1.0
"""Seconds that Attio can take to link a task after its answer; it links people to companies within half of that."""

OVERLAP = timedelta(minutes=1)
"""The overlap of a listing of the newest tasks with the one before it."""

log = structlog.get_logger(__name__)


class Tasks:
    """Tasks."""

    def __init__(
        self,
        client: AttioClient,
        marks: Marks,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._marks = marks
        self._sleep = sleep
        self._all = _AllTasks(client, marks)

    async def read(self, drafts: Mapping[str, Draft]) -> list[TargetRecord]:
        """Return the tasks with these ids, read one by one."""
        return await self._get_all(drafts)

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """Return the tasks with the mark of one of the drafts.

        They are searched among those of one of the draft's records, then among all tasks, because Attio may have lost
        the link, and a draft may have none.
        """
        links: dict[str, tuple[str, str] | None] = {}
        for draft in drafts:
            linked = draft.values.get("linked_records", [])
            link = (linked[0]["target_object"], linked[0]["target_record_id"]) if linked else None
            if link is None or not is_planned(link[1]):
                links[draft.source_id] = link
        pages = await gather_all(
            if_present(self._linked_to(*link)) for link in dict.fromkeys(links.values()) if link is not None
        )
        found = [record for page in pages for record in page or () if record.source_id in links]
        of_link = {record.source_id for record in found}
        if missing := [source_id for source_id in links if source_id not in of_link]:
            found += await self._get_all(await self._all.marked(missing))
        return found

    async def create(self, draft: Draft, _content: FileContent | None) -> TargetRecord:
        """Write a new task. Can raise `InDoubt`."""
        body = {"content": draft.values["content"][0], "format": "plaintext", **_changes(draft.values)}
        made = await self._client.write("POST", PATH, body, idempotent=False, key=KEY)
        return await self._linked(_record(made, self._marks), draft.values)

    async def update(self, _draft: Draft, target_id: str, values: Attributes) -> TargetRecord:
        """Change a task; Attio documents that its content cannot change."""
        if "content" in values:
            raise unchangeable("content", "task")
        body = {slug: change for slug, change in _changes(values).items() if slug in values}
        return await self._linked(await self._patch(target_id, body), values)

    async def delete(self, _draft: Draft, target_id: str) -> None:
        """Delete a task."""
        await self._client.request("DELETE", f"{PATH}/{quote(target_id, safe='')}", kind="write", idempotent=True)

    async def _linked(self, task: TargetRecord, sent: Attributes) -> TargetRecord:
        """Return the task once it has the links that were sent, with an issue if Attio does not keep them.

        Attio has been observed to answer 200 without the links that were sent: they come late, or not at all.
        """
        wanted = sent.get("linked_records", [])
        if not _lacking(task, wanted):
            return task
        try:
            task = await self._get_later(task.id)
            if _lacking(task, wanted):
                log.info("task_linked_again", task=task.id)
                task = await self._patch(task.id, {"linked_records": wanted})
            if _lacking(task, wanted):
                task = await self._get_later(task.id)
        except ConnectorError as error:
            # The task was created: failing now would report that it was not.
            log.warning("task_links_unchecked", task=task.id, reason=str(error))
        if lacking := _lacking(task, wanted):
            task = msgspec.structs.replace(task, issues=(_link_not_kept(lacking),))
        return task

    async def _get_later(self, target_id: str) -> TargetRecord:
        await self._sleep(LINK_SECONDS)
        return await self._get(target_id)

    async def _patch(self, target_id: str, body: Mapping[str, Any]) -> TargetRecord:
        path = f"{PATH}/{quote(target_id, safe='')}"
        written = await self._client.write("PATCH", path, body, idempotent=True, key=KEY)
        return _record(written, self._marks)

    async def _get(self, target_id: str) -> TargetRecord:
        item = await self._client.read(f"{PATH}/{quote(target_id, safe='')}")
        return _record(item, self._marks)

    async def _get_all(self, target_ids: Collection[str]) -> list[TargetRecord]:
        read = await gather_all(if_present(self._get(target_id)) for target_id in target_ids)
        return [record for record in read if record is not None]

    async def _linked_to(self, linked_object: str, linked_record_id: str) -> list[TargetRecord]:
        params = {"linked_object": linked_object, "linked_record_id": linked_record_id}
        items = await self._client.read_pages(PATH, size=PAGE_SIZE, params=params)
        return [_record(item, self._marks) for item in items]


class _AllTasks:
    """The tasks of the workspace with a mark. All are listed once, and after that only the newest."""

    def __init__(self, client: AttioClient, marks: Marks) -> None:
        self._client = client
        self._marks = marks
        self._listing = asyncio.Lock()
        self._ids: dict[str, dict[str, None]] = {}
        """The ids of the tasks by the source ids in their marks."""
        self._newest: datetime | None = None

    async def marked(self, source_ids: Collection[str]) -> list[str]:
        """Return the ids of the tasks with these marks."""
        async with self._listing:
            await self._list()
        return [id_ for source_id in source_ids for id_ in self._ids.get(source_id, ())]

    async def _list(self) -> None:
        listed = 0
        newest = None
        while True:
            params: Params = {"sort": "created_at:desc", "limit": PAGE_SIZE, "offset": listed}
            page = await self._client.read_list(PATH, params=params)
            listed += len(page)
            for item in page:
                if (source_id := self._marks.task_id(str(item.get("content_plaintext") or ""))) is not None:
                    self._ids.setdefault(source_id, {})[read_id(item, KEY)] = None
            times = [time for item in page if (time := _created_at(item)) is not None]
            newest = max([*times, *([newest] if newest else [])], default=None)
            if len(page) < PAGE_SIZE or (self._newest is not None and times and min(times) < self._newest - OVERLAP):
                break
        self._newest = max((time for time in (self._newest, newest) if time is not None), default=None)


def _created_at(item: Mapping[str, Any]) -> datetime | None:
    moment = read_moment(item.get("created_at"))
    return datetime.fromisoformat(moment) if moment is not None else None


def _lacking(task: TargetRecord, wanted: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    # Compared by record ids, which are unique, because Attio can name the object in several ways.
    linked = {reference["target_record_id"] for reference in task.values.get("linked_records", [])}
    return [reference for reference in wanted if reference["target_record_id"] not in linked]


def _link_not_kept(lacking: Sequence[dict[str, str]]) -> Issue:
    named = ", ".join(f"{reference['target_record_id']} of the {reference['target_object']}" for reference in lacking)
    return Issue(
        code="link_not_kept",
        message=f"Attio has this task, but did not keep its link to {named}, even after it was sent again. Link the "
        f"task by hand in Attio.",
        field="linked_records",
        value=named,
    )


def _changes(values: Attributes) -> dict[str, Any]:
    """Return the body of a request that writes a task, without its content."""
    return {
        "deadline_at": next(iter(values.get("deadline_at", [])), None),
        "is_completed": next(iter(values.get("is_completed", [])), False),
        "linked_records": values.get("linked_records", []),
        "assignees": values.get("assignees", []),
    }


def _record(item: Mapping[str, Any], marks: Marks) -> TargetRecord:
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
        source_id=marks.task_id(content),
        values={slug: items for slug, items in values.items() if items},
    )
