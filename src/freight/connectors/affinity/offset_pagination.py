"""Collections that only version 1 returns completely, read again if they changed meanwhile.

Affinity's tokens are offsets: when a row that has been read is deleted, one that has not moves into its place, and the
next page begins behind it. So the rows that were read are compared with Affinity's count.
"""

from typing import Any

import msgspec

from freight.connectors.affinity.client import AffinityClient, optional
from freight.connectors.protocols import Issue


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """The path and key of the rows; and the path in version 2 that gives their number, without replies."""

    path: str
    key: str
    counted_at: str


NOTES = Collection(path="/notes", key="notes", counted_at="/v2/notes")
REMINDERS = Collection(path="/reminders", key="reminders", counted_at="/v2/reminders")
FILES = Collection(path="/entity-files", key="entity_files", counted_at="/v2/files")


class Progress(msgspec.Struct, frozen=True, array_like=True):
    """The progress of reading: its cursor, written as JSON."""

    token: str | None
    counted: int | None
    """The number of rows before this pass; None if Affinity does not say."""
    read: int = 0
    again: bool = False

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


class RowsPage(msgspec.Struct, frozen=True):
    """Up to 500 rows as Affinity returned them."""

    rows: list[Any]
    cursor: str | None
    incomplete: Issue | None = None
    """An issue on the last page of a collection of which not all rows could be read."""


async def read_rows(
    client: AffinityClient, collection: Collection, cursor: str | None, *, counted: int | None
) -> RowsPage:
    """Return a page; `counted` is the number of rows according to Affinity before anything was read.

    After the last page the first one follows again, once, if the numbers of rows read and counted differ.
    """
    progress = Progress(None, counted) if cursor is None else msgspec.json.decode(cursor, type=Progress)
    page = await client.page_v1(collection.path, collection.key, progress.token)
    progress = msgspec.structs.replace(
        progress, token=page.cursor, read=progress.read + sum(not _is_answer(row) for row in page.rows)
    )
    if page.cursor is not None:
        return RowsPage(page.rows, str(progress))
    if progress.counted is None or progress.read == progress.counted:
        return RowsPage(page.rows, None)
    if not progress.again:
        counted = await optional(client.count(collection.counted_at))
        return RowsPage(page.rows, str(Progress(None, counted, again=True)))
    incomplete = _incomplete(collection, progress.counted, progress.read) if progress.read < progress.counted else None
    return RowsPage(page.rows, None, incomplete)


def _is_answer(row: object) -> bool:
    return isinstance(row, dict) and row.get("parent_id") is not None


def _incomplete(collection: Collection, counted: int, read: int) -> Issue:
    return Issue(
        code="not_all_read",
        message=f"Affinity counts {counted} {collection.key.replace('_', ' ')} and returned {read} of them, even when "
        "they were read a second time: some were deleted meanwhile, or are hidden from the key. Run the migration "
        "again while no one is working in Affinity. Deleted ones are not reported this time.",
        value=str(counted - read),
    )
