"""Writing and reading records and list entries by Attio's rules. A write that is refused changes nothing."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from freight_sandbox.attio.automation import follow_up
from freight_sandbox.attio.changes import announce_change, announce_entry, announce_record, assign
from freight_sandbox.attio.errors import AttioError, malformed, refused
from freight_sandbox.attio.moments import now
from freight_sandbox.attio.parsing import default_values, parse_value
from freight_sandbox.attio.requests import RequestValue
from freight_sandbox.attio.schema import AttioList, AttioObject, Attribute, Definition
from freight_sandbox.attio.tables import Record, Table
from freight_sandbox.attio.values import Value
from freight_sandbox.attio.workspace import Workspace

Parsed = list[tuple[Attribute, list[Value]]]
Multiselect = Literal["prepend", "replace"]
PARENT_FIXED = "The parent record of a list entry cannot be changed."


def create_record(workspace: Workspace, table: Table[AttioObject], raw: dict[str, Any]) -> Record:
    """Create a record. Raise `AttioError`, also if a unique value is taken."""
    return _create_record(workspace, table, _parse(workspace, table, raw), None)


def create_entry(
    workspace: Workspace, table: Table[AttioList], parent_record_id: str, raw: dict[str, Any], *, key: str | None = None
) -> Record:
    """Create a list entry for a record; with a key its id is derived from it. Raise `AttioError`."""
    entry = _create(workspace, table, _parse(workspace, table, raw), parent_record_id, key=key)
    announce_entry(workspace, "list-entry.created", table, entry)
    return entry


def update_record(
    workspace: Workspace, table: Table[Definition], record: Record, raw: dict[str, Any], multiselect: Multiselect
) -> Record:
    """Write some attributes of a record. New values of multiselect ones are put first, or replace all."""
    parsed = _parse(workspace, table, raw)
    merged = [
        (attribute, _prepended(table.values(record, attribute), values))
        if multiselect == "prepend" and attribute.is_multiselect
        else (attribute, values)
        for attribute, values in parsed
    ]
    return _update(workspace, table, record, merged)


def upsert_record(workspace: Workspace, table: Table[AttioObject], matching: str | None, raw: dict[str, Any]) -> Record:
    """Update the record that holds a value of the matching attribute, or create one.

    Values of the matching attribute are appended, those of other multiselect attributes replaced. Raise `AttioError`.
    """
    attribute = _matching_attribute(table, matching)
    parsed = _parse(workspace, table, raw)
    wanted = next((values for written, values in parsed if written is attribute), [])
    if not wanted:
        raise _missing(attribute)
    found = {record_id for value in wanted for record_id in _holders(table, attribute, value)}
    if len(found) > 1:
        raise refused("Multiple records were found for the given matching attribute values.", "multiple_match_results")
    if not found:
        return _create_record(workspace, table, parsed, f"{attribute.id}/{wanted[0].identity[0]}")
    record = table.records[found.pop()]
    merged = [
        (written, _appended(table.values(record, written), values))
        if written is attribute and attribute.is_multiselect
        else (written, values)
        for written, values in parsed
    ]
    return _update(workspace, table, record, merged)


def upsert_entry(workspace: Workspace, table: Table[AttioList], parent_record_id: str, raw: dict[str, Any]) -> Record:
    """Update the only entry for a record, replacing multiselect values, or create one. Raise `AttioError`."""
    found = table.entries_of(parent_record_id)
    if len(found) > 1:
        raise refused(
            "There is more than one entry for this parent record. Please delete the surplus ones, or create or update "
            "entries on their own.",
            "multiple_match_results",
        )
    if not found:
        return create_entry(workspace, table, parent_record_id, raw, key=parent_record_id)
    return update_record(workspace, table, table.records[found[0]], raw, "replace")


def render_record(workspace: Workspace, table: Table[AttioObject], record: Record) -> dict[str, Any]:
    """Return the record as Attio shows it: every attribute with an array, empty for no value."""
    definition = table.definition
    return {
        "id": {"workspace_id": workspace.id, "object_id": definition.id, "record_id": record.id},
        "created_at": record.created_at,
        "web_url": f"https://app.attio.com/{workspace.slug}/{definition.singular.lower()}/{record.id}",
        "values": _all_values(table, record),
    }


def render_entry(workspace: Workspace, table: Table[AttioList], entry: Record) -> dict[str, Any]:
    """Return the list entry as Attio shows it."""
    definition = table.definition
    return {
        "id": {"workspace_id": workspace.id, "list_id": definition.id, "entry_id": entry.id},
        "parent_record_id": entry.parent_record_id,
        "parent_object": definition.parent_object,
        "created_at": entry.created_at,
        "entry_values": {slug: values for slug, values in _all_values(table, entry).items() if slug != "parent_record"},
    }


def require_unique(workspace: Workspace, table: Table[Definition], record: Record | None, parsed: Parsed) -> None:
    """Raise 400 if another record holds one of the values of a unique attribute."""
    for attribute, values in parsed:
        if not attribute.is_unique:
            continue
        for value in values:
            for holder in _holders(table, attribute, value):
                if record is None or holder != record.id:
                    raise _taken(workspace, attribute, value, holder)


def _all_values(table: Table[Definition], record: Record) -> dict[str, list[Value]]:
    return {attribute.slug: table.values(record, attribute) for attribute in table.definition.attributes()}


def _parse(workspace: Workspace, table: Table[Definition], raw: dict[str, Any]) -> Parsed:
    actor, active_from = workspace.actor, now()
    parsed: Parsed = []
    for identifier, given in raw.items():
        attribute = table.definition.find(identifier)
        if attribute is None or attribute.is_archived:
            raise refused(f'Cannot find attribute with slug/ID "{identifier}".', "value_not_found")
        require_writable(attribute)
        if attribute.is_multiselect and not isinstance(given, list):
            raise malformed(("data", table.definition.values_key, identifier), "array", given)
        items = given if isinstance(given, list) else [given]
        if not attribute.is_multiselect and len(items) > 1:
            raise refused(
                f'Attribute with slug "{attribute.slug}" takes a single value.',
                "multiple_values_for_single_value_attribute",
            )
        values = [parse_value(RequestValue(item, attribute, workspace, active_from, actor)) for item in items]
        parsed.append((attribute, _distinct(values)))
    return parsed


def require_writable(attribute: Attribute) -> None:
    """Raise 400 for an attribute that Attio fills itself."""
    if attribute.is_implied and attribute.slug == "parent_record":
        raise refused(PARENT_FIXED, "immutable_value")
    if not attribute.is_writable:
        raise refused(f'Attribute with slug "{attribute.slug}" cannot be written.', "system_edit_unauthorized")


def _create_record(workspace: Workspace, table: Table[AttioObject], parsed: Parsed, key: str | None) -> Record:
    workspace.require_room()
    record = _create(workspace, table, parsed, key=key)
    announce_record(workspace, "record.created", table, record)
    follow_up(workspace, table, record)
    return record


def _create(
    workspace: Workspace,
    table: Table[Definition],
    parsed: Parsed,
    parent_record_id: str | None = None,
    *,
    key: str | None = None,
) -> Record:
    written = {attribute.id for attribute, values in parsed if values}
    lacking = [attribute for attribute in table.definition.attributes() if attribute.id not in written]
    defaults = [(attribute, default_values(workspace, attribute)) for attribute in lacking if _has_default(attribute)]
    for attribute in lacking:
        if attribute.is_required and attribute.default_value is None:
            raise _missing(attribute)
    parsed = [*parsed, *defaults]
    require_unique(workspace, table, None, parsed)
    record = table.add(now(), workspace.actor, parent_record_id, key=key)
    for attribute, values in parsed:
        assign(workspace, table, record, attribute, values)
    return record


def _has_default(attribute: Attribute) -> bool:
    """Return whether a default has to be written; attributes that Attio fills itself only show one."""
    return attribute.default_value is not None and attribute.is_writable


def _update(workspace: Workspace, table: Table[Definition], record: Record, parsed: Parsed) -> Record:
    for attribute, values in parsed:
        if attribute.is_required and not values:
            raise _missing(attribute)
    require_unique(workspace, table, record, parsed)
    for attribute, values in parsed:
        if assign(workspace, table, record, attribute, values):
            announce_change(workspace, table, record, attribute)
    return record


def _matching_attribute(table: Table[AttioObject], matching: str | None) -> Attribute:
    attribute = None if matching is None else table.definition.find(matching)
    if attribute is None:
        raise refused(f'No attribute was found for matching_attribute slug/ID "{matching}".', "value_not_found")
    if not attribute.is_unique:
        raise refused(
            "The matching attribute specified is not a unique attribute.", "matching_attribute_definition_not_unique"
        )
    return attribute


def _missing(attribute: Attribute) -> AttioError:
    return refused(f'Required value for attribute with ID "{attribute.id}" was not provided.', "missing_value")


def _taken(workspace: Workspace, attribute: Attribute, value: Value, holder: str) -> AttioError:
    """Return a uniqueness conflict. Attio words it in two ways; here they alternate, so that clients learn to read
    both.
    """
    if next(workspace.conflicts) % 2:
        shown = msgspec.json.encode({name: getattr(value, name) for name in value.identity_fields}).decode()
        what = f'The value "{shown}" provided for attribute with ID "{attribute.id}" conflicts with one'
    else:
        what = f'A value provided for attribute with slug "{attribute.slug}" conflicts with one'
    return refused(
        f'{what} already in the system (record ID "{holder}"). This attribute has a uniqueness constraint. Please '
        "ensure all values for this attribute do not exist on another record.",
        "uniqueness_conflict",
    )


def _holders(table: Table[Definition], attribute: Attribute, value: Value) -> list[str]:
    """Return the ids of the records that hold exactly this value."""
    candidates: Iterable[str] | None = table.holders(attribute, str(value.identity[0]))
    if candidates is None:
        candidates = table.records
    return [
        record_id
        for record_id in candidates
        if any(held.identity == value.identity for held in table.values(table.records[record_id], attribute))
    ]


def _distinct(values: Iterable[Value]) -> list[Value]:
    return list({value.identity: value for value in reversed(list(values))}.values())[::-1]


def _prepended(held: list[Value], values: list[Value]) -> list[Value]:
    known = {value.identity for value in held}
    return [*(value for value in values if value.identity not in known), *held]


def _appended(held: list[Value], values: list[Value]) -> list[Value]:
    known = {value.identity for value in held}
    return [*held, *(value for value in values if value.identity not in known)]
