"""Progress: tell a source whose pages go round from one that is long."""

from hashlib import blake2b

from freight.connectors.errors import ConnectorError
from freight.connectors.protocols import Page

MAX_REPEATED_PAGES = 20
"""Pages in a row, all of rows that were shown before, after which a source goes round, if it has shown all twice."""

MAX_EMPTY_PAGES = 10_000
"""Pages in a row without any row. Of a list that is empty a source may show a page without rows, and lists are many."""


class PagingLoops(ConnectorError):
    """The source's pages go round."""

    code = "paging_loops"


class Progress:
    """What the pages of one stream have brought since its start, or since this attempt began."""

    def __init__(self) -> None:
        self._cursors: set[bytes] = set()
        self._repeated_pages = 0
        self._repeated_rows = 0
        self._empty_pages = 0

    def note(self, page: Page, *, new: int, read: int) -> None:
        """Note a page with so many new rows, of `read` in all. Raise `PagingLoops`."""
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
            raise PagingLoops(f"the source has shown nothing new on {self._repeated_pages} pages in a row")
        if self._empty_pages >= MAX_EMPTY_PAGES:
            raise PagingLoops(f"the source has shown {self._empty_pages:,} pages in a row without a row")
        digest = blake2b(page.next_cursor.encode(), digest_size=16).digest()
        if digest in self._cursors:
            raise PagingLoops("the source leads from one page back to an earlier one")
        self._cursors.add(digest)
