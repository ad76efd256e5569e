"""Affinity's files, from version 1: only there do they name the record that they belong to."""

from freight.connectors.affinity.client import AffinityClient
from freight.connectors.affinity.fields import id_of, id_text, integer_of, moment_of
from freight.connectors.affinity.offset_pagination import FILES, read_rows
from freight.connectors.affinity.row_parser import RowParser, row_without_id
from freight.connectors.answers import Json
from freight.connectors.protocols import Page, Row
from freight.model.crm import File


async def read_files(client: AffinityClient, cursor: str | None, *, counted: int | None) -> Page:
    """Return a page of up to 500 files, without their bytes; `counted` is the number that Affinity counted before."""
    page = await read_rows(client, FILES, cursor, counted=counted)
    rows = tuple(file_row(row) for row in page.rows)
    return Page(rows=rows, next_cursor=page.cursor, incomplete=page.incomplete)


def file_row(row: Json) -> Row:
    """Return a file of Affinity as a record."""
    id_ = id_of(row)
    if id_ is None:
        return row_without_id(row)
    parser = RowParser(row)
    file = File(
        id=id_,
        name=parser.text("name") or f"file-{id_}",
        size=parser.value("size", integer_of),
        content_type=parser.text("content_type"),
        uploader_id=parser.value("uploader_id", id_text),
        created_at=parser.value("created_at", moment_of),
        person_id=parser.value("person_id", id_text),
        company_id=parser.value("organization_id", id_text),
        deal_id=parser.value("opportunity_id", id_text),
    )
    return Row(id=id_, record=file, issues=tuple(parser.issues))
