"""Affinity's opportunities: with their lists by version 2, then by version 1 those on lists hidden from the key."""

from collections.abc import Sequence

import msgspec

from freight.connectors.affinity.client import AffinityClient, optional
from freight.connectors.affinity.fields import (
    ASSOCIATIONS,
    id_of,
    id_text,
    is_number,
    read_companies,
    read_fields,
    read_people,
)
from freight.connectors.affinity.lists import (
    LIST_NOT_CHOSEN,
    LIST_REFUSED,
    Position,
    entity_of,
    entries_page,
    entry_path,
    migrated_lists,
)
from freight.connectors.affinity.row_parser import (
    FieldSelection,
    FieldsParser,
    RowParser,
    refused_row,
    row_without_id,
    values_cut_off,
)
from freight.connectors.affinity.truncated_values import fetch_all_values
from freight.connectors.answers import Json
from freight.connectors.errors import NotFound, PermissionMissing, Rejected, UnexpectedAnswer
from freight.connectors.protocols import Issue, Page, Row
from freight.model.crm import Deal
from freight.model.mapping import Mapping
from freight.model.schema import Schema

HIDDEN_NAME = "[Hidden]"


class Links(msgspec.Struct, frozen=True):
    """The people and companies that an opportunity is linked to."""

    person_ids: tuple[str, ...]
    company_ids: tuple[str, ...]
    issues: tuple[Issue, ...] = ()


class Associations(msgspec.Struct, frozen=True):
    """Which of the fields `persons` and `companies` a list has."""

    ids: frozenset[str]
    by_id: tuple[str, ...]
    """Those that Affinity does not return with the list's own fields."""


class Deals:
    """Reads opportunities."""

    def __init__(self, client: AffinityClient, schema: Schema, mapping: Mapping) -> None:
        self._client = client
        self._schema = schema
        self._mapping = mapping
        self._lists = [given for given in migrated_lists(schema, mapping) if given.of == "deals"]
        self._selections = {given.id: FieldSelection.of(schema, mapping, given.id) for given in self._lists}
        self._associations: dict[str, Associations] = {}

    async def read_page(self, cursor: str | None) -> Page:
        """Return a page: up to 100 of a list, and after all lists up to 500 of the workspace, most of them a second
        time.
        """
        position = Position(self._lists[0].id if self._lists else None) if cursor is None else Position.at(cursor)
        if position.list_id is None:
            return await self._read_all(position)
        list_id = position.list_id
        associations = await self._associations_of(list_id)
        page = await entries_page(self._client, list_id, position.cursor, associations.by_id)
        position = msgspec.structs.replace(position, refused=position.refused or page.refused)
        rows = [await self._deal(entry, list_id, await self._links(entry, associations)) for entry in page.rows]
        following = position.following(self._lists, page.cursor) or Position(None, None, position.refused)
        return Page(rows=tuple(rows if page.gone is None else [page.gone]), next_cursor=str(following))

    async def read_some(self, ids: Sequence[str]) -> list[Row]:
        """Return the opportunities with these ids, as far as they exist.

        One that Affinity refuses becomes a row that says so: records that refer to it lose one reference.
        """
        rows = []
        for id_ in filter(is_number, ids):
            try:
                rows.append(await self._read_one(await self._client.get(f"/opportunities/{id_}")))
            except NotFound:
                continue
            except (PermissionMissing, Rejected, UnexpectedAnswer) as refusal:
                rows.append(refused_row(id_, refusal))
        return rows

    async def _read_all(self, position: Position) -> Page:
        page = await self._client.page_v1("/opportunities", "opportunities", position.cursor)
        following = None if page.cursor is None else msgspec.structs.replace(position, cursor=page.cursor)
        return Page(
            rows=tuple(deal_row_v1(row, self._schema, self._mapping) for row in page.rows),
            next_cursor=None if following is None else str(following),
            incomplete=LIST_REFUSED if following is None and position.refused else None,
        )

    async def _read_one(self, row: Json) -> Row:
        match row:
            case {"list_entries": [{"id": int() as entry_id, "list_id": int() as list_id}, *_]} if (
                str(list_id) in self._selections
            ):
                path = entry_path(str(list_id), str(entry_id))
                entry = await optional(self._client.get(path, {"fieldTypes": ["list"]}))
                if id_of(entity_of(entry)) is None:
                    return deal_row_v1(row, self._schema, self._mapping)
                return await self._deal(entry, str(list_id), links_of(RowParser(row)))
            case _:
                return deal_row_v1(row, self._schema, self._mapping)

    async def _deal(self, entry: Json, list_id: str, links: Links) -> Row:
        selection = self._selections[list_id]
        await fetch_all_values(self._client, entry_path(list_id, id_of(entry)), entity_of(entry), selection)
        return deal_row(entry, selection, links)

    async def _associations_of(self, list_id: str) -> Associations:
        if list_id not in self._associations:
            try:
                metadata = await self._client.all_rows(f"/v2/lists/{list_id}/fields")
            except (NotFound, PermissionMissing):
                metadata = []
            kinds = {id_: row.get("type") for row in metadata if (id_ := id_of(row)) in ASSOCIATIONS}
            by_id = tuple(sorted(id_ for id_, kind in kinds.items() if kind != "list"))
            self._associations[list_id] = Associations(frozenset(kinds), by_id)
        return self._associations[list_id]

    async def _links(self, entry: Json, associations: Associations) -> Links:
        """Return an entry's associations, or those of version 1 if Affinity truncated them."""
        entity = entity_of(entry)
        id_ = id_of(entity)
        fields = {field.id: field for field in read_fields(entity.get("fields"), [])}
        cut = [field for field in fields.values() if field.id in ASSOCIATIONS and field.is_cut_off]
        if id_ is not None and (cut or associations.ids != ASSOCIATIONS):
            answer = await optional(self._client.get(f"/opportunities/{id_}"))
            if isinstance(answer, dict):
                return links_of(RowParser(answer))
        issues = [values_cut_off(field) for field in cut]
        people, companies = fields.get("persons"), fields.get("companies")
        return Links(
            () if people is None else tuple(dict.fromkeys(ref.id for ref in read_people(people, issues))),
            () if companies is None else tuple(dict.fromkeys(ref.id for ref in read_companies(companies, issues))),
            tuple(issues),
        )


def links_of(parser: RowParser) -> Links:
    """Return the links of an opportunity according to version 1."""
    people, companies = (parser.values(key, id_text) for key in ("person_ids", "organization_ids"))
    return Links(tuple(dict.fromkeys(people)), tuple(dict.fromkeys(companies)), tuple(parser.issues))


def deal_row(entry: Json, selection: FieldSelection, links: Links) -> Row:
    """Return an opportunity on its list as a record."""
    entity = entity_of(entry)
    id_ = id_of(entity)
    if id_ is None:
        return row_without_id(entry)
    parser = FieldsParser(entity, selection)
    deal = Deal(
        id=id_,
        name=_name(parser),
        list_id=selection.owner,
        person_ids=links.person_ids,
        company_ids=links.company_ids,
        fields=parser.fields,
    )
    return Row(id=id_, record=deal, issues=(*parser.issues, *links.issues))


def deal_row_v1(row: Json, schema: Schema, mapping: Mapping) -> Row:
    """Return an opportunity of version 1 as a record, without the values of its list.

    It is used only for opportunities that were not read with their lists. Affinity documents that `list_entries` is
    empty if the key has no access to the list.
    """
    id_ = id_of(row)
    if id_ is None:
        return row_without_id(row)
    parser = RowParser(row)
    list_id = next(iter(parser.values("list_entries", _list_id)), None)
    known = any(given.id == list_id for given in schema.lists)
    links = links_of(parser)
    deal = Deal(
        id=id_,
        name=_name(parser),
        list_id=list_id if known else None,
        person_ids=links.person_ids,
        company_ids=links.company_ids,
    )
    is_migrated = mapping.only_lists is None if list_id is None else mapping.migrates_list(list_id)
    if not is_migrated:
        return Row(id=id_, record=deal, skip=LIST_NOT_CHOSEN)
    return Row(id=id_, record=deal, issues=(*parser.issues, LIST_READ_BEFORE if known else LIST_HIDDEN))


LIST_READ_BEFORE = Issue(
    code="list_read_before",
    message="This opportunity was not on its list yet when the list was read, so the values of the list's fields are "
    "missing: run the migration again to add them.",
)
LIST_HIDDEN = Issue(
    code="list_hidden",
    message="Affinity does not show the list of this opportunity to the key, so its stage, its owner and all other "
    "values of the list's fields were left out: give the key's user access to the list and run the migration again.",
)
HIDDEN_AT_SOURCE = Issue(
    code="hidden_at_source",
    message="Affinity hides the name and the fields of this opportunity from the key's user, so they are missing: give "
    "the user access to it and run the migration again.",
)


def _name(parser: RowParser) -> str | None:
    name = parser.text("name")
    if name != HIDDEN_NAME:
        return name
    parser.issues.append(HIDDEN_AT_SOURCE)
    return None


def _list_id(entry: object) -> str | None:
    return id_text(entry.get("list_id")) if isinstance(entry, dict) else None
