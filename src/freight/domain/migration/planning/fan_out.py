"""Fan-out: copy a note once per record, if the job writes notes to all records to which they are attached. Pure.

It comes between reading and staging, so that sources do not need to support it and each copy is a record of the job,
with an outcome of its own. Targets in which a note is on one record see a copy as a note about a single record.
"""

import msgspec

from freight.connectors.protocols import Page, Row
from freight.model.crm import Note, Reference, copy_id
from freight.model.mapping import Mapping


def fan_out(page: Page, mapping: Mapping) -> Page:
    """Return a page with a row per copy in place of each note, if the mapping asks for copies."""
    if mapping.notes != "all":
        return page
    return msgspec.structs.replace(page, rows=tuple(copy for row in page.rows for copy in _copies(row)))


def _copies(row: Row) -> list[Row]:
    note = row.record
    if not isinstance(note, Note) or not (links := _links(note)):
        return [row]
    # Also for a single record: the id of a copy must stay the same when the note is attached to another one as well.
    copies = [_copy_for(note, link, is_first=place == 0) for place, link in enumerate(links)]
    return [msgspec.structs.replace(row, id=copy.id, record=copy) for copy in copies]


def _links(note: Note) -> list[Reference]:
    return [
        *(("companies", id_) for id_ in note.company_ids),
        *(("people", id_) for id_ in note.person_ids),
        *(("deals", id_) for id_ in note.deal_ids),
    ]


def _copy_for(note: Note, link: Reference, *, is_first: bool) -> Note:
    entity, id_ = link
    return msgspec.structs.replace(
        note,
        id=copy_id(note.id, link),
        part_of=note.id,
        company_ids=(id_,) if entity == "companies" else (),
        person_ids=(id_,) if entity == "people" else (),
        deal_ids=(id_,) if entity == "deals" else (),
        # Otherwise several copies could meet on the same participant.
        stands_in=is_first,
    )
