"""Storing values: history is kept, and the other side of a relationship follows."""

from collections.abc import Iterable

import msgspec

from freight.sandbox.attio.hosts import FREE_MAIL, root_domain
from freight.sandbox.attio.moments import now
from freight.sandbox.attio.schema import AttioObject, Attribute, Definition
from freight.sandbox.attio.tables import Record, Table
from freight.sandbox.attio.values import SYSTEM, Domain, EmailAddress, RecordReference, Text, Value
from freight.sandbox.attio.workspace import Workspace


def assign(
    workspace: Workspace, table: Table[Definition], record: Record, attribute: Attribute, values: list[Value]
) -> None:
    """Replace an attribute's values; the other side of a relationship follows."""
    held = record.values.get(attribute.id, [])
    kept = {value.identity: value for value in held}
    values = [_unchanged(kept.get(value.identity), value) for value in values]
    table.set(record, attribute, values)
    staying = {id(value) for value in values}
    _close(table, record, attribute, [value for value in held if id(value) not in staying])
    if attribute.inverse is None:
        return
    other_slug, other_id = attribute.inverse
    other = workspace.tables[other_slug]
    opposite = other.definition.attribute(other_id)
    before, after = {value.identity[0] for value in held}, {value.identity[0]: value for value in values}
    for target in before - after.keys():
        remove_reference(other, other.records[target], opposite, record.id)
    for target, value in after.items():
        if target not in before:
            _mirror(table, record, attribute, value, other, opposite)


def remove_reference(table: Table[Definition], record: Record, attribute: Attribute, target_id: str) -> None:
    """Let a record point to another one no more."""
    held = table.values(record, attribute)
    table.set(record, attribute, [value for value in held if value.identity[0] != target_id])
    _close(table, record, attribute, [value for value in held if value.identity[0] == target_id])


def join_company(workspace: Workspace, people: Table[AttioObject], person: Record) -> None:
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
            assign(workspace, people, person, company, [reference])


def _unchanged(held: Value | None, new: Value) -> Value:
    """The held value where the new one says the same, so that it goes on without a break."""
    if held is None:
        return new
    same = msgspec.structs.replace(new, active_from=held.active_from, created_by_actor=held.created_by_actor)
    return held if same == held else new


def _close(table: Table[Definition], record: Record, attribute: Attribute, ended: Iterable[Value]) -> None:
    past = [msgspec.structs.replace(value, active_until=now()) for value in ended]
    if past:
        table.set_past(record, attribute, [*table.past(record, attribute), *past])


def _mirror(
    table: Table[Definition],
    record: Record,
    attribute: Attribute,
    value: Value,
    other: Table[AttioObject],
    opposite: Attribute,
) -> None:
    """Let the record that `value` points to point back, and away from whatever had to give way."""
    target = other.records[value.identity[0]]
    if not opposite.is_multiselect:
        for previous in list(other.values(target, opposite)):
            remove_reference(table, table.records[previous.identity[0]], attribute, target.id)
            remove_reference(other, target, opposite, previous.identity[0])
    back = RecordReference(
        target_object=table.definition.slug,
        target_record_id=record.id,
        active_from=value.active_from,
        created_by_actor=value.created_by_actor,
    )
    other.append(target, opposite, back)


def _shell_company(workspace: Workspace, companies: Table[AttioObject], domain: str) -> Record:
    stamp, root = now(), root_domain(domain)
    owned = Domain(domain=domain, root_domain=root, active_from=stamp, created_by_actor=SYSTEM)
    name = Text(value=root.split(".")[0].capitalize(), active_from=stamp, created_by_actor=SYSTEM)
    record = companies.add(stamp, SYSTEM)
    assign(workspace, companies, record, companies.definition.attribute("domains"), [owned])
    assign(workspace, companies, record, companies.definition.attribute("name"), [name])
    return record
