"""Progress: distinguish a source whose pages repeat from a long one."""

from hashlib import blake2b

from freight.connectors.errors import ConnectorError
from freight.connectors.protocols import Page

MAX_REPEATED_PAGES = 20
"""Consecutive pages of known rows that show that a source repeats itself, if it has returned all rows twice."""

MAX_EMPTY_PAGES = 10_000
"""Maximum consecutive pages without rows. A source may return one for each empty list, and there may be many lists."""


class PagingLoops(ConnectorError):
    """The source's pages repeat."""

    code = "paging_loops"


class Progress:
    """The progress through the pages of one stream since its start, or since this attempt began."""

    def __init__(self) -> None:
        self._cursors: set[bytes] = set()
        self._repeated_pages = 0
        self._repeated_rows = 0
        self._empty_pages = 0

    def note(self, page: Page, *, new: int, read: int) -> None:
        """Record a page with `new` new rows, of `read` in all. Raise `PagingLoops`."""
        if page.next_cursor is None:
            return
        if new or page.replies:
            self._repeated_pages = self._repeated_rows = self._empty_pages = 0
        elif page.rows:
            self._repeated_pages += 1
            self._repeated_rows += len(page.rows)
        else:
            self._empty_pages += 1
        if self._repeated_pages >= MAX_REPEATED_PAGES and self._repeated_rows > read:
            raise PagingLoops(f"the source has returned nothing new on {self._repeated_pages} pages in a row")
        if self._empty_pages >= MAX_EMPTY_PAGES:
            raise PagingLoops(f"the source has returned {self._empty_pages:,} empty pages in a row")
        digest = blake2b(page.next_cursor.encode(), digest_size=16).digest()
        if digest in self._cursors:
            raise PagingLoops("the source's pages lead back to an earlier page")
        self._cursors.add(digest)
