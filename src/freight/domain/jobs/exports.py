"""Exports: rows of a job as one file, written while it is sent.

Cells that a spreadsheet would evaluate as formulas are neutralised here because the `csv` module does not do that, and
two expressions suffice.
"""

import csv
import io
import re
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Literal

import msgspec

from freight.database import Connection, Row
from freight.domain.pages import Selection

Format = Literal["csv", "ndjson"]

CHUNK = 1000
"""Rows in memory at a time."""

BOM = "\ufeff"
"""Without it Excel reads a CSV file in the computer's old code page, and every accent is wrong."""

FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001
"""How a cell begins that Excel, LibreOffice or Google Sheets would evaluate, in full-width characters too."""

WITHIN = re.compile(r"([;\t\r\n]\s*)(?=[=+\-@＝＋－＠])")  # noqa: RUF001
"""Where within a cell another would begin for a spreadsheet that takes semicolons or tabs for separators."""

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def neutral(cell: str) -> str:
    """Return the text so that a spreadsheet shows it and never evaluates it; a plain number stays one."""
    if FORMULA.match(cell) and not NUMBER.fullmatch(cell):
        cell = f"'{cell}"
    return WITHIN.sub(r"\1'", cell)


async def encoded(
    tx: Connection, selection: Selection, fields: Sequence[str], file_format: Format
) -> AsyncGenerator[bytes, None]:
    """Return the rows as a file, in pieces of `CHUNK` rows as the database sends them."""
    cursor = await tx.cursor(
        f"SELECT {selection.columns} FROM {selection.table} WHERE {selection.where} ORDER BY {selection.key}",
        *selection.parameters,
    )
    if file_format == "csv":
        yield (BOM + _csv([fields])).encode()
    while rows := await cursor.fetch(CHUNK):
        yield _csv([_cells(row) for row in rows]).encode() if file_format == "csv" else _ndjson(rows)


def _csv(lines: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue()


def _cells(row: Row) -> list[str]:
    values = (msgspec.to_builtins(value) for value in row.values())
    return ["" if value is None else neutral(str(value)) for value in values]


def _ndjson(rows: Sequence[Row]) -> bytes:
    objects: list[dict[str, Any]] = [dict(row) for row in rows]
    return msgspec.json.Encoder().encode_lines(objects)
