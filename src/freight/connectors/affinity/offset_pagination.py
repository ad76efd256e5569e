"""Collections that only version 1 gives whole, read once more where they changed meanwhile.

Affinity's tokens are offsets: when a row that has been read is deleted, one that has not moves into its place, and the
next page begins behind it. So what was read is compared with what Affinity counts.
"""

from typing import Any

import msgspec

from freight.connectors.affinity.client import AffinityClient, optional
from freight.connectors.protocols import Issue


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """Where the rows are, and below which key; and where version 2 says how many there are, answers not included."""

    path: str
    key: str
    counted_at: str


NOTES = Collection(path="/notes", key="notes", counted_at="/v2/notes")
REMINDERS = Collection(path="/reminders", key="reminders", counted_at="/v2/reminders")
FILES = Collection(path="/entity-files", key="entity_files", counted_at="/v2/files")


class Progress(msgspec.Struct, frozen=True, array_like=True):
    """How far the reading has come: its cursor, written as JSON."""

    token: str | None
    counted: int | None
    """How many rows there were before this pass; None where Affinity does not say."""
    read: int = 0
    again: bool = False

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


class RowsPage(msgspec.Struct, frozen=True):
    """Up to 500 rows as Affinity gave them."""

    rows: list[Any]
    cursor: str | None
    incomplete: Issue | None = None
    """Said on the last page of a collection of which not all could be read."""


async def read_rows(
    client: AffinityClient, collection: Collection, cursor: str | None, *, counted: int | None
) -> RowsPage:
    """A page; `counted` is how many rows Affinity said there are before anything was read.

    After the last page the first one follows again if another number was read than was counted, once.
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
        message=f"Affinity counts {counted} {collection.key.replace('_', ' ')} and gave {read} of them, also when they "
        "were read a second time: some were deleted meanwhile, or are hidden from the key. Run the migration again "
        "while nobody works in Affinity. Which ones are gone from there is not said this time.",
        value=str(counted - read),
    )
