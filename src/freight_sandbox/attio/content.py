"""What hangs on records without being values: notes, tasks, files and comments."""

from collections.abc import Iterable
from typing import Generic, Literal, TypeVar

import msgspec

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
    """A workspace member who shall do a task."""

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
    """For an entry, the record that it stands for."""
    list_id: str | None = None
    entry_id: str | None = None
    comments: list[Comment] = msgspec.field(default_factory=list)
    """In the order in which they were posted; the thread goes with the first."""


class Shelf(Generic[T]):
    """Things in the order of their creation, which are also found by the records that they hang on."""

    def __init__(self) -> None:
        self.items: dict[str, T] = {}
        self._records: dict[str, tuple[str, ...]] = {}
        self._by_record: dict[str, dict[str, T]] = {}

    def put(self, item_id: str, item: T, record_ids: Iterable[str]) -> None:
        """Add a thing, or hang one that is here already on other records."""
        self._unhang(item_id)
        self.items[item_id] = item
        self._records[item_id] = tuple(record_ids)
        for record_id in self._records[item_id]:
            self._by_record.setdefault(record_id, {})[item_id] = item

    def remove(self, item_id: str) -> None:
        """Take a thing away."""
        self._unhang(item_id)
        del self.items[item_id], self._records[item_id]

    def on(self, record_id: str) -> list[T]:
        """What hangs on a record."""
        return list(self._by_record.get(record_id, {}).values())

    def _unhang(self, item_id: str) -> None:
        for record_id in self._records.get(item_id, ()):
            hanging = self._by_record[record_id]
            del hanging[item_id]
            if not hanging:
                del self._by_record[record_id]
