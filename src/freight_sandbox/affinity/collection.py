"""The rows of one collection, with the changes made while the sandbox runs."""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from freight_sandbox.affinity.rows import Row

R = TypeVar("R", bound=Row)
R_co = TypeVar("R_co", bound=Row, covariant=True)
Index = Mapping[Any, Sequence[int]]


class Source(Protocol[R_co]):
    """The rows that a collection starts with."""

    @property
    def ids(self) -> Sequence[int]:
        """The ids, in ascending order."""
        ...

    def row(self, row_id: int) -> R_co:
        """Return the row with this id, which is one of `ids`."""
        ...


class StoredRows(Generic[R]):
    """Rows that are held in memory."""

    def __init__(self, rows: Mapping[int, R]) -> None:
        self.ids: Sequence[int] = sorted(rows)
        self._rows = rows

    def row(self, row_id: int) -> R:
        """Return the row with this id."""
        return self._rows[row_id]


class Merged(Exception):
    """The record was merged into another."""

    def __init__(self, row_id: int, into: int) -> None:
        # Affinity's wording, from which clients parse the two ids.
        super().__init__(f"{row_id} no longer exists as it has been merged into {into}")


class Gone(Exception):
    """No such record exists, or it was deleted."""


class Hidden(Gone):
    """The record exists, but the key has no access to it."""


class Collection(Generic[R]):
    """Rows that can be added, replaced, deleted and merged."""

    def __init__(self, source: Source[R]) -> None:
        self._source = source
        self._written: dict[int, R] = {}
        self._deleted: set[int] = set()
        self._merged: dict[int, int] = {}
        self._hidden: set[int] = set()
        self._ids: Sequence[int] = source.ids
        self._indexes: dict[Callable[[R], Iterable[Any]], Index] = {}

    @property
    def ids(self) -> Sequence[int]:
        """The ids of the present rows, in ascending order."""
        return self._ids

    def __contains__(self, row_id: int) -> bool:
        return _contains(self._ids, row_id)

    def __iter__(self) -> Iterator[R]:
        return map(self.row, self._ids)

    def row(self, row_id: int) -> R:
        """Return the row with this id. Raise `Gone` or `Merged`."""
        if (into := self._merged.get(row_id)) is not None:
            raise Merged(row_id, into)
        if row_id in self._hidden:
            raise Hidden
        if row_id not in self:
            raise Gone
        return self._written[row_id] if row_id in self._written else self._source.row(row_id)

    def survivor(self, row_id: int) -> int:
        """Return the id of the row that this one was merged into, following any number of merges."""
        while row_id in self._merged:
            row_id = self._merged[row_id]
        return row_id

    def new_id(self) -> int:
        """Return an id that no row has or had."""
        return 1 + max([*self._source.ids[-1:], *self._written], default=0)

    def put(self, row: R) -> None:
        """Add a row, or replace the one with its id, which may have been deleted or merged."""
        self._deleted.discard(row.id)
        self._merged.pop(row.id, None)
        self._written[row.id] = row
        self._changed()

    def delete(self, row_ids: Iterable[int]) -> None:
        """Delete rows; ids that are not present are ignored."""
        self._deleted.update(row_id for row_id in row_ids if row_id in self)
        self._changed()

    def hide(self, row_ids: Iterable[int]) -> None:
        """Hide rows from the key; ids that are not present are ignored."""
        self._hidden.update(row_id for row_id in row_ids if row_id in self)
        self._changed()

    def is_hidden(self, row_id: int) -> bool:
        """Return whether the row exists and is hidden from the key."""
        return row_id in self._hidden

    def merge(self, row_id: int, into: int) -> None:
        """Merge a row into another. Raise `Gone` or `Merged` if one of them is not present."""
        self.row(row_id)
        self.row(into)
        self._merged[row_id] = into
        self._changed()

    def by(self, keys: Callable[[R], Iterable[Hashable]]) -> Index:
        """Return the ids of the rows by each of their keys. The index is cached per function until a row changes."""
        if keys not in self._indexes:
            index: dict[Hashable, list[int]] = {}
            for row in self:
                for key in keys(row):
                    index.setdefault(key, []).append(row.id)
            self._indexes[keys] = index
        return self._indexes[keys]

    def _changed(self) -> None:
        absent = self._deleted | self._merged.keys() | self._hidden
        self._ids = sorted(row_id for row_id in {*self._source.ids, *self._written} if row_id not in absent)
        self._indexes.clear()


def _contains(ids: Sequence[int], row_id: int) -> bool:
    if isinstance(ids, range):
        return row_id in ids
    place = bisect_left(ids, row_id)
    return place < len(ids) and ids[place] == row_id
