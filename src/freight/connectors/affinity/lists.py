"""Affinity's lists and their entries."""

from collections.abc import Sequence
from typing import Any

import msgspec

from freight.connectors.affinity.client import AffinityClient
from freight.connectors.affinity.fields import id_of, moment_of
from freight.connectors.affinity.row_parser import (
    FieldSelection,
    FieldsParser,
    RowParser,
    row_without_id,
    unreadable_row,
)
from freight.connectors.affinity.truncated_values import fetch_all_values
from freight.connectors.answers import Json
from freight.connectors.errors import NotFound, PermissionMissing
from freight.connectors.http import Params
from freight.connectors.protocols import Issue, Page, Row
from freight.model.crm import Entity, List, ListEntry
from freight.model.mapping import Mapping
from freight.model.schema import Schema

PARENTS: dict[str, Entity] = {"company": "companies", "person": "people", "opportunity": "deals"}


class Position(msgspec.Struct, frozen=True, array_like=True):
    """The position in a stream that goes from list to list: its cursor, written as JSON."""

    list_id: str | None
    cursor: str | None = None
    refused: bool = False
    """Whether the key was refused one of the lists so far."""

    @classmethod
    def at(cls, text: str) -> "Position":
        """Parse the position from a cursor."""
        return msgspec.json.decode(text, type=cls)

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()

    def following(self, lists: Sequence[List], cursor: str | None) -> "Position | None":
        """Return the position after a page of this list, whose next page is at `cursor`; None after the last list."""
        if cursor is not None:
            return Position(self.list_id, cursor, self.refused)
        ids = [given.id for given in lists]
        later = ids[ids.index(self.list_id) + 1 :] if self.list_id in ids else []
        return Position(later[0], None, self.refused) if later else None


class EntriesPage(msgspec.Struct, frozen=True):
    """Entries of one list as Affinity returned them."""

    rows: Sequence[Any]
    cursor: str | None
    gone: Row | None = None
    """The issue of a list that was deleted, or hidden from the key, after the schema had been read."""
    refused: bool = False
    """Whether the list still exists and the key no longer has access to it."""


LIST_NOT_CHOSEN = Issue(
    level="info",
    code="list_not_chosen",
    message="The job skips this list and its entries.",
)


LIST_REFUSED = Issue(
    code="not_all_read",
    message="Affinity refused the key one of the lists while it was being read, so this job does not report what was "
    "deleted from lists in Affinity. Give the key access to the list and run the migration again.",
)


def migrated_lists(schema: Schema, mapping: Mapping) -> list[List]:
    """Return the lists that the job migrates."""
    return [given for given in schema.lists if mapping.migrates_list(given.id)]


def list_rows(schema: Schema, mapping: Mapping) -> Page:
    """Return all lists, those that the job skips with the reason."""
    rows = [
        Row(id=given.id, record=given, skip=None if mapping.migrates_list(given.id) else LIST_NOT_CHOSEN)
        for given in schema.lists
    ]
    return Page(rows=tuple(rows), next_cursor=None)


async def read_entries(client: AffinityClient, schema: Schema, mapping: Mapping, cursor: str | None) -> Page:
    """Return a page of up to 100 entries; the migrated lists follow each other."""
    lists = migrated_lists(schema, mapping)
    if not lists:
        return Page(rows=(), next_cursor=None)
    position = Position(lists[0].id) if cursor is None else Position.at(cursor)
    list_id = str(position.list_id)
    page = await entries_page(client, list_id, position.cursor)
    position = msgspec.structs.replace(position, refused=position.refused or page.refused)
    selection = FieldSelection.of(schema, mapping, list_id)
    rows = [await completed_entry(client, row, selection) for row in page.rows]
    following = position.following(lists, page.cursor)
    return Page(
        rows=tuple(rows if page.gone is None else [page.gone]),
        next_cursor=None if following is None else str(following),
        incomplete=LIST_REFUSED if following is None and position.refused else None,
    )


async def entries_page(
    client: AffinityClient, list_id: str, cursor: str | None, field_ids: Sequence[str] = ()
) -> EntriesPage:
    """Return a page of a list's entries with the values of the list's own fields, and of those with these ids."""
    params: Params = {"fieldTypes": ["list"], **({"fieldIds": field_ids} if field_ids else {})}
    try:
        page = await client.page(f"/v2/lists/{list_id}/list-entries", cursor, params)
    except NotFound:
        return EntriesPage((), None, gone=_list_gone(list_id))
    except PermissionMissing as refusal:
        return EntriesPage((), None, gone=_list_forbidden(list_id, refusal), refused=True)
    return EntriesPage(page.rows, page.cursor)


async def completed_entry(client: AffinityClient, row: Json, selection: FieldSelection) -> Row:
    """Return an entry as a record, with all values of fields that Affinity truncated."""
    await fetch_all_values(client, entry_path(selection.owner, id_of(row)), entity_of(row), selection)
    return entry_row(row, selection)


def entry_path(list_id: str, entry_id: str | None) -> str:
    """Return the path of an entry in version 2."""
    return f"/v2/lists/{list_id}/list-entries/{entry_id}"


def entity_of(row: Json) -> dict[str, Any]:
    """Return an entry's record with the values of the list's fields; empty if the entry has none."""
    entity = row.get("entity") if isinstance(row, dict) else None
    return entity if isinstance(entity, dict) else {}


def entry_row(row: Json, selection: FieldSelection) -> Row:
    """Return an entry of Affinity as a record: its values are in the record that is on the list."""
    id_ = id_of(row)
    if id_ is None:
        return row_without_id(row)
    entity = entity_of(row)
    parent_id = id_of(entity)
    kind = row.get("type")
    parent = PARENTS.get(kind) if isinstance(kind, str) else None
    if parent is None or parent_id is None:
        return unreadable_row(id_, row, "of a list that does not say what is on it")
    outer, parser = RowParser(row), FieldsParser(entity, selection)
    entry = ListEntry(
        id=id_,
        list_id=selection.owner,
        parent=(parent, parent_id),
        created_at=outer.value("createdAt", moment_of),
        fields=parser.fields,
    )
    return Row(id=id_, record=entry, issues=(*outer.issues, *parser.issues))


def _list_gone(list_id: str) -> Row:
    issue = Issue(
        level="error",
        code="list_gone",
        message=f"The list {list_id} existed when the job began, but Affinity no longer shows it to the key: its "
        "entries could not be read. If the list still exists, give the key access to it and run the "
        "migration again.",
    )
    return Row(id=f"list-{list_id}", record=None, skip=issue)


def _list_forbidden(list_id: str, refusal: PermissionMissing) -> Row:
    issue = Issue(
        level="error",
        code="list_forbidden",
        message=f"The key had access to the list {list_id} when the job began and no longer has, so not all of its "
        "entries were read; everything else was. Give the key's user access to the list in Affinity and run "
        f"the migration again. {refusal}",
    )
    return Row(id=f"list-{list_id}", record=None, skip=issue)
