"""Detection of paging that loops or never ends, in constant memory."""

from collections.abc import Hashable, Sequence
from typing import Any

import msgspec

from freight.connectors.errors import PagingLoops

MAX_EMPTY_PAGES = 1000
"""The maximum number of consecutive pages without a row: rows that the key has no access to leave empty pages, and no
workspace hides half a million of them in one place.
"""


class _State(msgspec.Struct):
    """The state since the first page."""

    cursor: Hashable | None = None
    """The cursor of the last page."""
    met: Hashable | None = None
    met_content: int | None = None
    """The content of the remembered page."""
    distance: int = 1
    """Pages until the next one is remembered."""
    steps: int = 0
    empty: int = 0


class Paging:
    """Follows the pages of one collection (Brent's algorithm: it remembers one page, at growing distances).

    A page counts as seen before if its cursor or the ids of all its rows equal those of the remembered page. So a loop
    of any length is detected after at most three rounds, even if every page has a new cursor.
    """

    def __init__(self, what: str) -> None:
        """Name the collection for the error: `"The vendor's GET /v2/persons"`."""
        self._what = what
        self._so_far = _State()

    def follow(self, cursor: Hashable | None, following: Hashable | None, rows: Sequence[Any]) -> None:
        """Record the page at `cursor`, which names `following` as the next one; both are None at the ends.

        A page that is read again, because it could not be stored, counts once. Raise `PagingLoops`.
        """
        if cursor is None:
            self._so_far = _State()
        if following is None:
            return
        if following == cursor:
            raise self._loops("names a page as the one that follows itself")
        now = self._so_far
        if cursor is not None and cursor == now.cursor:
            return
        now.cursor = cursor
        content = _content(rows)
        if following == now.met or (content is not None and content == now.met_content):
            raise self._loops("names the same pages repeatedly")
        now.empty = 0 if rows else now.empty + 1
        if now.empty > MAX_EMPTY_PAGES:
            raise self._loops(f"gave more than {MAX_EMPTY_PAGES} pages without a row")
        now.steps += 1
        if now.steps >= now.distance:
            now.met, now.met_content = following, content
            now.distance, now.steps = 2 * now.distance, 0

    def _loops(self, how: str) -> PagingLoops:
        return PagingLoops(
            f"{self._what} {how}, so reading would never end. Try again later; if it happens again, report it to the "
            "vendor's support."
        )


def _content(rows: Sequence[Any]) -> int | None:
    """Return what identifies a page's content, or None if its rows have no ids."""
    ids = [row.get("id") if isinstance(row, dict) else None for row in rows]
    return hash(repr(ids)) if ids and None not in ids else None
