"""Writing and reading records by Attio's rules. A write that is refused leaves nothing behind."""

from collections.abc import Iterable
from typing import Any, Literal

from freight.sandbox.attio.errors import malformed, refused
from freight.sandbox.attio.hosts import FREE_MAIL, root_domain
from freight.sandbox.attio.parsing import Given, parse_value
from freight.sandbox.attio.schema import Attribute, now
from freight.sandbox.attio.values import (
    SYSTEM,
    Actor,
    ActorReference,
    Checkbox,
    Domain,
    EmailAddress,
    RecordReference,
    Text,
    Timestamp,
    Value,
)
from freight.sandbox.attio.workspace import Record, Table, Workspace

Parsed = list[tuple[Attribute, list[Value]]]
Multiselect = Literal["prepend", "replace"]


def create_record(workspace: Workspace, table: Table, raw: dict[str, Any]) -> Record:
    """A new record. Raises `AttioError`, also where a unique value is taken."""
    return _create(workspace, table, _parse(workspace, table, raw))


def update_record(
    workspace: Workspace, table: Table, record: Record, raw: dict[str, Any], multiselect: Multiselect
) -> Record:
    """Write some attributes of a record; new values of multiselect ones go to the front, or take the place of all."""
    parsed = _parse(workspace, table, raw)
    merged = [
        (attribute, _prepended(table.values(record, attribute), values))
        if multiselect == "prepend" and attribute.is_multiselect
        else (attribute, values)
        for attribute, values in parsed
    ]
    return _update(workspace, table, record, merged)


def upsert_record(workspace: Workspace, table: Table, matching: str | None, raw: dict[str, Any]) -> Record:
    """Update the record that holds a value of the matching attribute, or create one.

    Values of the matching attribute are appended, those of other multiselect attributes replaced. Raises `AttioError`.
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
        return _create(workspace, table, parsed)
    record = table.records[found.pop()]
    merged = [
        (written, _appended(table.values(record, written), values))
        if written is attribute and attribute.is_multiselect
        else (written, values)
        for written, values in parsed
    ]
    return _update(workspace, table, record, merged)


def delete_record(workspace: Workspace, table: Table, record: Record) -> None:
    """Remove a record for good, and every reference to it."""
    for other in workspace.tables.values():
        for attribute in other.definition.attributes(archived=True):
            if attribute.type == "record-reference":
                for holder in list(other.holders(attribute, record.id) or ()):
                    _remove_reference(other, other.records[holder], attribute, record.id)
    table.remove(record)


def render_record(workspace: Workspace, table: Table, record: Record) -> dict[str, Any]:
    """The record as Attio returns it: every attribute with an array, empty for no value."""
    definition = table.definition
    values = {
        attribute.slug: record.values.get(attribute.id) or _implied(attribute, record)
        for attribute in definition.attributes()
    }
    return {
        "id": {"workspace_id": workspace.id, "object_id": definition.id, "record_id": record.id},
        "created_at": record.created_at,
        "web_url": f"https://app.attio.com/{workspace.slug}/{definition.singular.lower()}/{record.id}",
        "values": values,
    }


def _implied(attribute: Attribute, record: Record) -> list[Value]:
    """The values that follow from the record itself; a checkbox is never without one."""
    common: dict[str, Any] = {"active_from": record.created_at, "created_by_actor": record.created_by}
    if attribute.type == "checkbox":
        return [Checkbox(value=False, **common)]
    if not attribute.is_system or attribute.is_writable:
        return []
    if attribute.slug == "record_id":
        return [Text(value=record.id, **common)]
    if attribute.slug == "created_at":
        return [Timestamp(value=record.created_at, **common)]
    if attribute.slug == "created_by":
        actor = record.created_by
        return [ActorReference(referenced_actor_type=actor.type, referenced_actor_id=actor.id, **common)]
    return []


def _parse(workspace: Workspace, table: Table, raw: dict[str, Any]) -> Parsed:
    actor, active_from = Actor("api-token", workspace.token_id), now()
    parsed: Parsed = []
    for identifier, given in raw.items():
        attribute = table.definition.find(identifier)
        if attribute is None or attribute.is_archived:
            raise refused(f'Cannot find attribute with slug/ID "{identifier}".', "value_not_found")
        if not attribute.is_writable:
            raise refused(f'Attribute with slug "{attribute.slug}" cannot be written.', "system_edit_unauthorized")
        path = ("data", "values", identifier)
        if attribute.is_multiselect and not isinstance(given, list):
            raise malformed(path, "array", given)
        items = given if isinstance(given, list) else [given]
        if not attribute.is_multiselect and len(items) > 1:
            raise refused(
                f'Attribute with slug "{attribute.slug}" takes a single value.',
                "multiple_values_for_single_value_attribute",
            )
        values = [
            parse_value(Given(item, attribute, (*path, place), workspace, active_from, actor))
            for place, item in enumerate(items)
        ]
        parsed.append((attribute, _distinct(values)))
    return parsed


def _create(workspace: Workspace, table: Table, parsed: Parsed) -> Record:
    written = {attribute.id for attribute, values in parsed if values}
    lacking = [attribute for attribute in table.definition.attributes() if attribute.id not in written]
    defaults = {
        attribute.slug: attribute.default_value.template
        for attribute in lacking
        if attribute.default_value is not None and attribute.default_value.type == "static"
    }
    for attribute in lacking:
        if attribute.is_required and attribute.slug not in defaults:
            raise _missing(attribute)
    parsed = [*parsed, *_parse(workspace, table, defaults)]
    _require_unique(table, None, parsed)
    record = table.add(now(), Actor("api-token", workspace.token_id))
    for attribute, values in parsed:
        _assign(workspace, table, record, attribute, values)
    if table.definition.slug == "people":
        _join_company(workspace, table, record)
    return record


def _update(workspace: Workspace, table: Table, record: Record, parsed: Parsed) -> Record:
    for attribute, values in parsed:
        if attribute.is_required and not values:
            raise _missing(attribute)
    _require_unique(table, record, parsed)
    for attribute, values in parsed:
        _assign(workspace, table, record, attribute, values)
    return record


def _matching_attribute(table: Table, matching: str | None) -> Attribute:
    attribute = None if matching is None else table.definition.find(matching)
    if attribute is None:
        raise refused(f'No attribute was found for matching_attribute slug/ID "{matching}".', "value_not_found")
    if not attribute.is_unique:
        raise refused(
            "The matching attribute specified is not a unique attribute.", "matching_attribute_definition_not_unique"
        )
    return attribute


def _missing(attribute: Attribute) -> Exception:
    return refused(f'Required value for attribute with ID "{attribute.id}" was not provided.', "missing_value")


def _require_unique(table: Table, record: Record | None, parsed: Parsed) -> None:
    for attribute, values in parsed:
        if not attribute.is_unique:
            continue
        for value in values:
            for holder in _holders(table, attribute, value):
                if record is None or holder != record.id:
                    raise refused(
                        f'A value provided for attribute with slug "{attribute.slug}" conflicts with one already in '
                        f'the system (record ID "{holder}"). This attribute has a uniqueness constraint. Please '
                        "ensure all values for this attribute do not exist on another record.",
                        "uniqueness_conflict",
                    )


def _holders(table: Table, attribute: Attribute, value: Value) -> list[str]:
    """The ids of the records that hold exactly this value."""
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


def _assign(workspace: Workspace, table: Table, record: Record, attribute: Attribute, values: list[Value]) -> None:
    """Replace an attribute's values; the other side of a relationship follows."""
    before = {value.identity[0] for value in table.values(record, attribute)} if attribute.inverse else set()
    table.set(record, attribute, values)
    if attribute.inverse is None:
        return
    other_slug, other_id = attribute.inverse
    other = workspace.tables[other_slug]
    opposite = other.definition.attribute(other_id)
    after = {value.identity[0]: value for value in values}
    for target in before - after.keys():
        _remove_reference(other, other.records[target], opposite, record.id)
    for target, value in after.items():
        if target not in before:
            _mirror(table, record, attribute, value, other, opposite)


def _mirror(
    table: Table, record: Record, attribute: Attribute, value: Value, other: Table, opposite: Attribute
) -> None:
    """Let the record that `value` points to point back, and away from whatever had to give way."""
    target = other.records[value.identity[0]]
    if not opposite.is_multiselect:
        for previous in other.values(target, opposite):
            _remove_reference(table, table.records[previous.identity[0]], attribute, target.id)
        other.set(target, opposite, [])
    back = RecordReference(
        target_object=table.definition.slug,
        target_record_id=record.id,
        active_from=value.active_from,
        created_by_actor=value.created_by_actor,
    )
    other.append(target, opposite, back)


def _remove_reference(table: Table, record: Record, attribute: Attribute, target_id: str) -> None:
    kept = [value for value in table.values(record, attribute) if value.identity[0] != target_id]
    table.set(record, attribute, kept)


def _join_company(workspace: Workspace, people: Table, person: Record) -> None:
    """Attio gives a new person's e-mail domain a company, and the person that company where none was given."""
    companies = workspace.tables["companies"]
    domains, company = companies.definition.attribute("domains"), people.definition.attribute("company")
    for email in people.values(person, people.definition.attribute("email_addresses")):
        if not isinstance(email, EmailAddress) or email.email_domain in FREE_MAIL:
            continue
        owner = next(iter(companies.holders(domains, email.email_domain) or ()), None)
        if owner is None:
            owner = _shell_company(workspace, companies, email.email_domain).id
        if not people.values(person, company):
            reference = RecordReference(
                target_object="companies", target_record_id=owner, active_from=now(), created_by_actor=SYSTEM
            )
            _assign(workspace, people, person, company, [reference])


def _shell_company(workspace: Workspace, companies: Table, domain: str) -> Record:
    stamp, root = now(), root_domain(domain)
    owned = Domain(domain=domain, root_domain=root, active_from=stamp, created_by_actor=SYSTEM)
    name = Text(value=root.split(".")[0].capitalize(), active_from=stamp, created_by_actor=SYSTEM)
    record = companies.add(stamp, SYSTEM)
    _assign(workspace, companies, record, companies.definition.attribute("domains"), [owned])
    _assign(workspace, companies, record, companies.definition.attribute("name"), [name])
    return record
