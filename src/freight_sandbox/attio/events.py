"""Events, of which webhooks are told."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

EventType = Literal[
    "call-recording.created", "comment.created", "comment.deleted", "comment.resolved", "comment.unresolved",
    "list-attribute.created", "list-attribute.updated", "list-entry.created", "list-entry.deleted",
    "list-entry.updated", "list.created", "list.deleted", "list.updated", "note-content.updated", "note.created",
    "note.deleted", "note.updated", "object-attribute.created", "object-attribute.updated", "record.created",
    "record.deleted", "record.merged", "record.updated", "task.created", "task.deleted", "task.updated",
    "workspace-member.created",
]  # fmt: skip
Filter = dict[str, list[dict[str, str]]]


class Subscription(msgspec.Struct, frozen=True):
    """What a webhook is told of: the events of one type that pass a filter."""

    event_type: EventType
    filter: Filter | None

    def wants(self, event_type: EventType, event: Mapping[str, Any]) -> bool:
        """Whether an event is one of them."""
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


def _read(event: Mapping[str, Any], field: str) -> object:
    """What stands at a path such as `id.object_id` or `parent_object_id`."""
    found: Any = event
    for part in field.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
