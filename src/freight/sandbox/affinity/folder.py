"""An Affinity workspace from a folder of JSON Lines files, one per collection."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from freight.sandbox.affinity.rows import Company, Entity, FieldMetadata, Person, Row, describe
from freight.sandbox.affinity.workspace import Workspace

T = TypeVar("T")


class WorkspaceFileError(Exception):
    """A file of the workspace folder cannot be used; the message names file and line."""


class FieldLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A line of `fields.jsonl`: a field's metadata and the entity that it belongs to."""

    entity: Entity
    id: str
    name: str
    type: str
    enrichment_source: str | None
    value_type: str

    @property
    def metadata(self) -> FieldMetadata:
        """The line without its entity."""
        return FieldMetadata(self.id, self.name, self.type, self.enrichment_source, self.value_type)


class StoredRows:
    """Rows that are held in memory."""

    def __init__(self, rows: dict[int, Row], fields: Sequence[FieldMetadata]) -> None:
        self.ids: Sequence[int] = sorted(rows)
        self.fields = fields
        self._rows = rows

    def row(self, row_id: int) -> Row:
        """The row with that id."""
        return self._rows[row_id]


def load_workspace(folder: Path) -> Workspace:
    """Read `companies.jsonl` and `persons.jsonl`, and the fields' metadata from `fields.jsonl`.

    A file that is not there is empty; without `fields.jsonl` the metadata are what the rows' own fields tell.
    Raises `WorkspaceFileError`.
    """
    if not folder.is_dir():
        raise WorkspaceFileError(f"{folder} is not a folder. Name one that holds companies.jsonl and persons.jsonl.")
    companies, persons = folder / "companies.jsonl", folder / "persons.jsonl"
    if not companies.exists() and not persons.exists():
        raise WorkspaceFileError(f"{folder} holds neither companies.jsonl nor persons.jsonl.")
    given = [line for _, line in _lines(folder / "fields.jsonl", FieldLine)]
    return Workspace(
        companies=_collection("company", _rows(companies, Company), given),
        persons=_collection("person", _rows(persons, Person), given),
    )


def _collection(entity: Entity, rows: dict[int, Row], given: Sequence[FieldLine]) -> StoredRows:
    if given:
        return StoredRows(rows, [line.metadata for line in given if line.entity == entity])
    return StoredRows(rows, _derive_fields(rows.values()))


def _derive_fields(rows: Iterable[Row]) -> list[FieldMetadata]:
    found = {field.id: field for row in rows for field in row.fields or ()}
    return [describe(field) for field in found.values()]


def _rows(path: Path, shape: type[Company] | type[Person]) -> dict[int, Row]:
    rows: dict[int, Row] = {}
    for number, row in _lines(path, shape):
        if row.id in rows:
            raise WorkspaceFileError(f"{path}, line {number}: the id {row.id} stands on an earlier line as well.")
        rows[row.id] = row
    return rows


def _lines(path: Path, shape: type[T]) -> Iterator[tuple[int, T]]:
    if not path.exists():
        return
    decoder = msgspec.json.Decoder(shape)
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield number, decoder.decode(line)
            except msgspec.DecodeError as error:
                raise WorkspaceFileError(f"{path}, line {number}: {error}.") from error
