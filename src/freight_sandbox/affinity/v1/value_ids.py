"""API v1: the ids of field values, by which they are changed and deleted."""

from collections.abc import Sequence
from itertools import count

from freight_sandbox.affinity.cells import Cell
from freight_sandbox.affinity.collection import Gone

FIRST_ID = 4_000_000_001


class ValueIds:
    """An id for each value that a client was told; a value keeps it when it or another one of its cell changes."""

    def __init__(self) -> None:
        self._unused = count(FIRST_ID)
        self._ids: dict[Cell, list[int]] = {}
        self._cells: dict[int, Cell] = {}

    def of(self, cell: Cell, number: int) -> Sequence[int]:
        """The ids of the values of a cell that has this many."""
        ids = self._ids.setdefault(cell, [])
        del ids[number:]
        while len(ids) < number:
            ids.append(next(self._unused))
            self._cells[ids[-1]] = cell
        return ids

    def place(self, value_id: int) -> tuple[Cell, int]:
        """The cell of a value and its place there. Raises `Gone` for a value that is none."""
        cell = self._cells.get(value_id)
        if cell is None or value_id not in self._ids[cell]:
            raise Gone
        return cell, self._ids[cell].index(value_id)

    def forget(self, value_id: int) -> None:
        """Let a value be gone, and no other one of its cell have its id."""
        self._ids[self._cells.pop(value_id)].remove(value_id)
