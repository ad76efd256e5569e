"""Exports: rows of a job as a file that is streamed.

Cells that a spreadsheet would evaluate as formulas are neutralised here because the `csv` module does not do so, and
two regular expressions are enough.
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
"""The byte order mark. Without it Excel decodes a CSV file with the computer's legacy code page."""

FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001
"""The start of a cell that Excel, LibreOffice or Google Sheets would evaluate, also in full-width characters."""

WITHIN = re.compile(r"([;\t\r\n]\s*)(?=[=+\-@＝＋－＠])")  # noqa: RUF001
"""The start of another cell for a spreadsheet that uses semicolons or tabs as separators."""

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def neutral(cell: str) -> str:
    """Return the text in a form that a spreadsheet shows and never evaluates. A plain number stays a number."""
    if FORMULA.match(cell) and not NUMBER.fullmatch(cell):
        cell = f"'{cell}"
    return WITHIN.sub(r"\1'", cell)


async def encoded(
    tx: Connection, selection: Selection, fields: Sequence[str], file_format: Format
) -> AsyncGenerator[bytes, None]:
    """Yield the rows as parts of a file, `CHUNK` rows at a time."""
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
