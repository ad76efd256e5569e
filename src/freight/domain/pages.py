"""Pages of a job's long tables, by offset or cursor. Each page is read without the pages before it.

This is our own code because libraries for keyset pagination, such as `sqlakeyset`, need SQLAlchemy queries.
"""

import base64
import binascii
import hashlib
import re
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from freight.database import Connection, Row
from freight.domain.errors import InvalidRequest

Natural = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """A selection of a job's rows. `table`, `columns`, `conditions` and `key` are Freight's own SQL.

    Under row-level security only equality can use an index, so it comes first; a text search reads all remaining
    rows.
    """

    table: Literal["records", "logs"]
    job_id: UUID
    columns: str
    conditions: tuple[str, ...] = ()
    """Each with `{}` as the placeholder of its value; a condition without a value has none."""
    values: tuple[object, ...] = ()
    key: Literal["id", "position"] = "id"
    """The indexed column by which the rows are ordered."""

    @property
    def where(self) -> str:
        """The conditions, joined. The job is the first parameter, the values follow."""
        numbers = iter(range(2, 2 + len(self.values)))
        return " AND ".join(
            ["job_id = $1", *(c.replace("{}", f"${next(numbers)}") if "{}" in c else c for c in self.conditions)]
        )

    @property
    def parameters(self) -> tuple[object, ...]:
        """The values of `$1`, `$2` …"""
        return (self.job_id, *self.values)

    @property
    def digest(self) -> bytes:
        """A digest that identifies this selection, so that a cursor is valid only for its own selection."""
        return hashlib.sha256(repr((self.table, self.where, self.parameters)).encode()).digest()[:8]


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The requested page."""

    limit: int
    offset: int = 0
    cursor: str | None = None


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """A page's rows, their offset, and the cursor of the next page if there is one."""

    rows: list[Row]
    total: int
    offset: int
    next_cursor: str | None


class _Cursor(msgspec.Struct, frozen=True, kw_only=True, array_like=True, forbid_unknown_fields=True):
    digest: bytes
    after: Natural
    """The key of the last row before the page."""
    offset: Natural
    total: Natural
    """Counted once, for the first page."""


def containing(text: str) -> str:
    """Return the ILIKE pattern that finds this text anywhere."""
    return "%" + re.sub(r"([%_\\])", r"\\\1", text) + "%"


async def read(tx: Connection, selection: Selection, window: Window, *, total: int | None, complete: bool) -> Slice:
    """Return a page. `total` is the number of rows, if it is known without counting them.

    `complete` says that no more rows will be added: then a page in the second half is read from the end.
    Raise `InvalidRequest` for a cursor of another selection.
    """
    cursor = _decoded(window, selection) if window.cursor is not None else None
    if total is None:
        total = cursor.total if cursor else await _count(tx, selection)
    offset = cursor.offset if cursor else window.offset
    rest = max(0, total - offset)
    if cursor is None and complete and rest <= offset:
        found = await _backwards(tx, selection, limit=min(window.limit, rest), offset=max(0, rest - window.limit))
        more = rest > window.limit
    else:
        found = await _forwards(tx, selection, window, None if cursor is None else cursor.after)
        more = len(found) > window.limit
    rows = found[: window.limit]
    following = None
    if more and rows:
        following = _encoded(
            _Cursor(digest=selection.digest, after=rows[-1]["page_key"], offset=offset + len(rows), total=total)
        )
    return Slice(rows=rows, total=total, offset=offset, next_cursor=following)


async def _count(tx: Connection, selection: Selection) -> int:
    counted: int = await tx.fetchval(
        f"SELECT count(*) FROM {selection.table} WHERE {selection.where}", *selection.parameters
    )
    return counted


async def _forwards(tx: Connection, selection: Selection, window: Window, after: int | None) -> list[Row]:
    """Return one row more than the page has, to tell whether others follow."""
    number = len(selection.parameters) + 1
    beginning = f"OFFSET ${number}" if after is None else ""
    condition = "" if after is None else f"AND {selection.key} > ${number}"
    return await tx.fetch(
        f"""SELECT {selection.columns}, {selection.key} AS page_key FROM {selection.table}
            WHERE {selection.where} {condition} ORDER BY {selection.key} LIMIT ${number + 1} {beginning}""",
        *selection.parameters,
        window.offset if after is None else after,
        window.limit + 1,
    )


async def _backwards(tx: Connection, selection: Selection, *, limit: int, offset: int) -> list[Row]:
    number = len(selection.parameters) + 1
    found = await tx.fetch(
        f"""SELECT {selection.columns}, {selection.key} AS page_key FROM {selection.table}
            WHERE {selection.where} ORDER BY {selection.key} DESC LIMIT ${number} OFFSET ${number + 1}""",
        *selection.parameters,
        limit,
        offset,
    )
    return found[::-1]


def _encoded(cursor: _Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(cursor)).decode().rstrip("=")


def _decoded(window: Window, selection: Selection) -> _Cursor:
    text = window.cursor or ""
    try:
        cursor = msgspec.msgpack.decode(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", True), type=_Cursor)
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise InvalidRequest("Invalid cursor.", field="cursor") from None
    if cursor.digest != selection.digest:
        raise InvalidRequest(
            "This cursor belongs to another job or to other filters. Use it with those, or start without a cursor.",
            field="cursor",
        )
    if window.offset:
        raise InvalidRequest("A cursor determines where the page begins. Leave the offset out.", field="offset")
    return cursor
