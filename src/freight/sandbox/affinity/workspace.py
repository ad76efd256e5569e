"""The rows of one simulated Affinity workspace, and what became of them while it ran."""

import base64
import secrets
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from freight.sandbox.affinity.rows import Entity, FieldMetadata, Person, Row


class Collection(Protocol):
    """The rows of one entity."""

    ids: Sequence[int]
    """Ascending."""
    fields: Sequence[FieldMetadata]

    def row(self, row_id: int) -> Row:
        """The row with all its fields; the id is one of `ids`."""
        ...


class Merged(Exception):
    """The record was merged into another."""

    def __init__(self, row_id: int, into: int) -> None:
        # Affinity's wording, from which clients take the two ids.
        super().__init__(f"{row_id} no longer exists as it has been merged into {into}")


class Gone(Exception):
    """No such record, or it was deleted."""


class Page(msgspec.Struct, frozen=True):
    """Ids of one page, with the cursors of its neighbours."""

    ids: Sequence[int]
    previous: str | None
    next: str | None


class Workspace:
    """One tenant's data. Its id is new on every start, because so is the data's history."""

    def __init__(self, companies: Collection, persons: Collection) -> None:
        self.user = _first_internal(persons)
        self.tenant_id = 1 + secrets.randbelow(2**40)
        self.tenant_name = "Sandbox Ventures"
        self.subdomain = "sandbox-ventures"
        self._collections: dict[Entity, Collection] = {"company": companies, "person": persons}
        self._deleted: dict[Entity, set[int]] = {"company": set(), "person": set()}
        self._merged: dict[Entity, dict[int, int]] = {"company": {}, "person": {}}

    def fields(self, entity: Entity) -> Sequence[FieldMetadata]:
        """The fields that records of this entity can have."""
        return self._collections[entity].fields

    def delete(self, entity: Entity, row_id: int) -> None:
        """Let a record be gone. Raises `Gone` if it already is."""
        self.row(entity, row_id)
        self._deleted[entity].add(row_id)

    def merge(self, entity: Entity, row_id: int, into: int) -> None:
        """Let a record be merged into another. Raises `Gone` if one of them does not exist."""
        self.row(entity, row_id)
        self.row(entity, into)
        self._merged[entity][row_id] = into

    def count(self, entity: Entity) -> int:
        """The number of records that are there."""
        return len(self._collections[entity].ids) - len(self._deleted[entity] | self._merged[entity].keys())

    def row(self, entity: Entity, row_id: int) -> Row:
        """A record with all its fields. Raises `Gone` or `Merged`."""
        if (into := self._merged[entity].get(row_id)) is not None:
            raise Merged(row_id, into)
        collection = self._collections[entity]
        if row_id in self._deleted[entity] or not _contains(collection.ids, row_id):
            raise Gone
        return collection.row(row_id)

    def page(self, entity: Entity, only: Iterable[int] | None, cursor: str | None, limit: int) -> Page:
        """A page of the records that are there, ascending by id; `only` restricts it to some ids.

        Raises `ValueError` for a cursor that is none.
        """
        ids: Sequence[int] = self._collections[entity].ids
        if only is not None:
            ids = sorted(row_id for row_id in set(only) if _contains(ids, row_id))
        absent = self._deleted[entity] | self._merged[entity].keys()
        if absent:
            ids = [row_id for row_id in ids if row_id not in absent]
        return paginate(ids, cursor, limit)


def _first_internal(persons: Collection) -> Person:
    """The owner of the key: Affinity's users and internal persons share their ids."""
    for row_id in persons.ids:
        row = persons.row(row_id)
        if isinstance(row, Person) and row.type == "internal":
            return row
    email = "admin@sandbox-ventures.example.com"
    return Person(1, "Sandbox", "Admin", email, [email], "internal")


def paginate(keys: Sequence[int], cursor: str | None, limit: int) -> Page:
    """One page of ascending keys. A cursor names the key beside it, so it stays true when others come and go.

    Raises `ValueError` for a cursor that is none.
    """
    direction, key = _read_cursor(cursor) if cursor is not None else ("after", -1)
    if direction == "after":
        start = bisect_right(keys, key)
        end = min(start + limit, len(keys))
    else:
        end = bisect_left(keys, key)
        start = max(0, end - limit)
    chosen = keys[start:end]
    return Page(
        ids=chosen,
        previous=_write_cursor("before", chosen[0]) if chosen and start > 0 else None,
        next=_write_cursor("after", chosen[-1]) if chosen and end < len(keys) else None,
    )


def _read_cursor(cursor: str) -> tuple[str, int]:
    text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    direction, _, key = text.partition(":::")
    if direction not in {"after", "before"}:
        raise ValueError(cursor)
    return direction, int(key)


def _write_cursor(direction: str, key: int) -> str:
    return base64.urlsafe_b64encode(f"{direction}:::{key}".encode()).decode().rstrip("=")


def _contains(ids: Sequence[int], row_id: int) -> bool:
    if isinstance(ids, range):
        return row_id in ids
    place = bisect_left(ids, row_id)
    return place < len(ids) and ids[place] == row_id
