"""The records of an object and the entries of a list, with the indexes that find them by value."""

import uuid
from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from freight_sandbox.attio.schema import Attribute, Definition
from freight_sandbox.attio.values import Actor, ActorReference, Checkbox, RecordReference, Text, Timestamp, Value

INDEXED_FIELDS = {
    "text": "value",
    "domain": "domain",
    "email-address": "email_address",
    "phone-number": "phone_number",
    "record-reference": "target_record_id",
}
"""The field of a value that is indexed, by attribute type."""

MAX_INDEXED_LENGTH = 256
D_co = TypeVar("D_co", bound=Definition, covariant=True)


class Index:
    """Record ids by value. Most values are on one record only, so a set is kept only where there are more."""

    def __init__(self) -> None:
        self._holders: dict[str, str | set[str]] = {}

    def add(self, key: str, record_id: str) -> None:
        """Add a record that holds the value."""
        held = self._holders.setdefault(key, record_id)
        if isinstance(held, set):
            held.add(record_id)
        elif held != record_id:
            self._holders[key] = {held, record_id}

    def discard(self, key: str, record_id: str) -> None:
        """Remove a record that no longer holds the value."""
        held = self._holders.get(key)
        if held == record_id:
            del self._holders[key]
        elif isinstance(held, set):
            held.discard(record_id)

    def holders(self, key: str) -> Collection[str]:
        """Return the ids of the records that hold the value."""
        held = self._holders.get(key, ())
        return (held,) if isinstance(held, str) else held


class Record(msgspec.Struct, eq=False):
    """A record or a list entry, with its values by attribute id; attributes without values are absent."""

    id: str
    number: int
    """Ascending with creation."""
    created_at: str
    created_by: Actor
    values: dict[str, list[Value]]
    parent_record_id: str | None = None
    """The parent record of an entry."""


class Table(Generic[D_co]):
    """The records of one object, or the entries of one list."""

    def __init__(self, definition: D_co) -> None:
        self.definition = definition
        self.records: dict[str, Record] = {}
        self._indexes: dict[str, Index] = {}
        self._entries_by_parent = Index()
        self._past: dict[tuple[str, str], list[Value]] = {}
        self._numbered = 0
        self._ids: list[str] = []

    @property
    def ids(self) -> Sequence[str]:
        """All ids in ascending order, the order of queries that do not sort."""
        return self._ids

    def add(
        self, created_at: str, created_by: Actor, parent_record_id: str | None = None, *, key: str | None = None
    ) -> Record:
        """Add a record, or an entry for a parent, without values.

        With a key the id is derived from it: what an upsert creates has a UUID of version 5 in recorded traffic. If
        another record has that id already, because it once held the key, the id is a random one, of version 4.
        """
        self._numbered += 1
        record_id = str(uuid.uuid4() if key is None else uuid.uuid5(uuid.UUID(self.definition.id), key))
        if record_id in self.records:
            record_id = str(uuid.uuid4())
        record = Record(record_id, self._numbered, created_at, created_by, {}, parent_record_id)
        self.records[record.id] = record
        insort(self._ids, record.id)
        if parent_record_id is not None:
            self._entries_by_parent.add(parent_record_id, record.id)
        return record

    def remove(self, record: Record) -> None:
        """Remove a record."""
        for attribute in self.definition.attributes(archived=True):
            self.set(record, attribute, [])
            self._past.pop((record.id, attribute.id), None)
        if record.parent_record_id is not None:
            self._entries_by_parent.discard(record.parent_record_id, record.id)
        del self.records[record.id]
        del self._ids[bisect_left(self._ids, record.id)]

    def values(self, record: Record, attribute: Attribute) -> list[Value]:
        """Return the present values of one attribute."""
        return record.values.get(attribute.id) or _implied_values(record, attribute)

    def past(self, record: Record, attribute: Attribute) -> list[Value]:
        """Return the past values of an attribute."""
        return self._past.get((record.id, attribute.id), [])

    def set_past(self, record: Record, attribute: Attribute, values: list[Value]) -> None:
        """Replace the history of one attribute."""
        self._past[record.id, attribute.id] = values

    def set(self, record: Record, attribute: Attribute, values: list[Value]) -> None:
        """Replace the present values of one attribute."""
        index = self._index(attribute)
        if index is not None:
            for value in record.values.get(attribute.id, ()):
                if (key := index_key(attribute, value)) is not None:
                    index.discard(key, record.id)
            for value in values:
                if (key := index_key(attribute, value)) is not None:
                    index.add(key, record.id)
        if values:
            record.values[attribute.id] = values
        else:
            record.values.pop(attribute.id, None)

    def append(self, record: Record, attribute: Attribute, value: Value) -> None:
        """Add one value; the cost does not grow with the number of values."""
        record.values.setdefault(attribute.id, []).append(value)
        index, key = self._index(attribute), index_key(attribute, value)
        if index is not None and key is not None:
            index.add(key, record.id)

    def holders(self, attribute: Attribute, text: str) -> Iterable[str] | None:
        """Return the ids of the records that hold this text in any case; None if the attribute has no index for it."""
        if attribute.is_implied and attribute.slug == "parent_record":
            return self.entries_of(text.casefold())
        index = self._index(attribute)
        if index is None or attribute.is_implied or len(text) > MAX_INDEXED_LENGTH:
            return None
        return index.holders(text.casefold())

    def entries_of(self, record_id: str) -> list[str]:
        """Return the ids of the entries for a record, oldest first."""
        ids = self._entries_by_parent.holders(record_id)
        return sorted(ids, key=lambda entry_id: self.records[entry_id].number)

    def _index(self, attribute: Attribute) -> Index | None:
        if attribute.type not in INDEXED_FIELDS:
            return None
        return self._indexes.setdefault(attribute.id, Index())


def index_key(attribute: Attribute, value: Value) -> str | None:
    """Return the index key of a value, or None for unindexed attributes and for text that is too long."""
    if attribute.type not in INDEXED_FIELDS:
        return None
    text: str = getattr(value, INDEXED_FIELDS[attribute.type])
    return text.casefold() if len(text) <= MAX_INDEXED_LENGTH else None


def _implied_values(record: Record, attribute: Attribute) -> list[Value]:
    """Return the values that follow from the record itself; a checkbox always has one."""
    common: dict[str, Any] = {"active_from": record.created_at, "created_by_actor": record.created_by}
    if attribute.type == "checkbox":
        return [Checkbox(value=False, **common)]
    if not attribute.is_implied:
        return []
    match attribute.slug:
        case "record_id" | "entry_id":
            return [Text(value=record.id, **common)]
        case "created_at":
            return [Timestamp(value=record.created_at, **common)]
        case "created_by":
            actor = record.created_by
            return [ActorReference(referenced_actor_type=actor.type, referenced_actor_id=actor.id, **common)]
        case "parent_record" if record.parent_record_id is not None and attribute.allowed_objects:
            parent_object = attribute.allowed_objects[0]
            return [RecordReference(target_object=parent_object, target_record_id=record.parent_record_id, **common)]
    return []
