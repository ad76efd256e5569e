"""What a workspace holds in addition to records: notes, tasks, files, comments and webhooks."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Generic, Literal, TypeVar

import msgspec

from freight_sandbox.attio.errors import not_found

EventType = Literal[
    "call-recording.created", "comment.created", "comment.deleted", "comment.resolved", "comment.unresolved",
    "list-attribute.created", "list-attribute.updated", "list-entry.created", "list-entry.deleted",
    "list-entry.updated", "list.created", "list.deleted", "list.updated", "note-content.updated", "note.created",
    "note.deleted", "note.updated", "object-attribute.created", "object-attribute.updated", "record.created",
    "record.deleted", "record.merged", "record.updated", "task.created", "task.deleted", "task.updated",
    "workspace-member.created",
]  # fmt: skip

Filter = dict[str, list[dict[str, str]]]
T = TypeVar("T")


class Note(msgspec.Struct, kw_only=True):
    """A note on one record."""

    id: str
    parent_object: str
    parent_record_id: str
    title: str
    content_plaintext: str
    content_markdown: str
    created_at: str


class LinkedRecord(msgspec.Struct, frozen=True):
    """A record that a task is about; Attio calls the object's slug an id here."""

    target_object_id: str
    target_record_id: str


class Assignee(msgspec.Struct, frozen=True):
    """A workspace member to whom a task is assigned."""

    referenced_actor_id: str
    referenced_actor_type: Literal["workspace-member"] = "workspace-member"


class Task(msgspec.Struct, kw_only=True):
    """A task, linked to any number of records."""

    id: str
    content_plaintext: str
    deadline_at: str | None
    completed_at: str | None
    linked_records: list[LinkedRecord]
    assignees: list[Assignee]
    created_at: str


class StoredFile(msgspec.Struct, kw_only=True):
    """A file on one record, with its bytes."""

    id: str
    object_slug: str
    record_id: str
    name: str
    content_type: str | None
    content: bytes
    created_at: str


class Comment(msgspec.Struct, kw_only=True):
    """One comment of a thread."""

    id: str
    content_plaintext: str
    author_id: str
    created_at: str


class Thread(msgspec.Struct, kw_only=True):
    """Comments on one record or one list entry."""

    id: str
    object_id: str
    record_id: str
    """For an entry, its parent record."""
    list_id: str | None = None
    entry_id: str | None = None
    comments: list[Comment] = msgspec.field(default_factory=list)
    """In the order in which they were posted; the thread is deleted with the first."""


class Subscription(msgspec.Struct, frozen=True):
    """A webhook's subscription: the events of one type that pass a filter."""

    event_type: EventType
    filter: Filter | None

    def wants(self, event_type: EventType, event: Mapping[str, Any]) -> bool:
        """Return whether the subscription covers an event."""
        if event_type != self.event_type:
            return False
        if self.filter is None:
            return True
        ((name, clauses),) = self.filter.items()
        passed = [(_read(event, one["field"]) == one["value"]) == (one["operator"] == "equals") for one in clauses]
        return all(passed) if name == "$and" else any(passed)


class Webhook(msgspec.Struct, kw_only=True):
    """A webhook, with the number of events of each type that it would have received."""

    id: str
    target_url: str
    subscriptions: list[Subscription]
    created_at: str
    events: Counter[str] = msgspec.field(default_factory=Counter)


class RecordAttachments(Generic[T]):
    """Items in the order of their creation, also indexed by the records that they are attached to."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self.items: dict[str, T] = {}
        self._records: dict[str, tuple[str, ...]] = {}
        self._by_record: dict[str, dict[str, T]] = {}

    def put(self, item_id: str, item: T, record_ids: Iterable[str]) -> None:
        """Add an item, or attach an existing one to other records."""
        self._unhang(item_id)
        self.items[item_id] = item
        self._records[item_id] = tuple(record_ids)
        for record_id in self._records[item_id]:
            self._by_record.setdefault(record_id, {})[item_id] = item

    def find(self, item_id: str) -> T:
        """Return the item with this id. Raise 404."""
        if item_id not in self.items:
            raise not_found(self._noun, item_id, by="ID")
        return self.items[item_id]

    def remove(self, item_id: str) -> None:
        """Remove an item."""
        self._unhang(item_id)
        del self.items[item_id], self._records[item_id]

    def on(self, record_id: str) -> list[T]:
        """Return the items that are attached to a record."""
        return list(self._by_record.get(record_id, {}).values())

    def _unhang(self, item_id: str) -> None:
        for record_id in self._records.get(item_id, ()):
            hanging = self._by_record[record_id]
            del hanging[item_id]
            if not hanging:
                del self._by_record[record_id]


def _read(event: Mapping[str, Any], field: str) -> object:
    """Return the value at a path such as `id.object_id` or `parent_object_id`."""
    found: Any = event
    for part in field.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
