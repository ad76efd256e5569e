"""Storing values: history is kept, and the other side of a relationship follows."""

from collections.abc import Iterable

import msgspec

from freight_sandbox.attio.moments import now
from freight_sandbox.attio.schema import AttioObject, Attribute, Definition
from freight_sandbox.attio.tables import Record, Table
from freight_sandbox.attio.values import RecordReference, Value
from freight_sandbox.attio.workspace import Workspace


def assign(
    workspace: Workspace, table: Table[Definition], record: Record, attribute: Attribute, values: list[Value]
) -> bool:
    """Replace an attribute's values; the other side of a relationship follows. Return whether anything changed."""
    held = record.values.get(attribute.id, [])
    kept = {value.identity: value for value in held}
    values = [_unchanged(kept.get(value.identity), value) for value in values]
    table.set(record, attribute, values)
    staying = {id(value) for value in values}
    _close(table, record, attribute, [value for value in held if id(value) not in staying])
    changed = values != held
    if attribute.inverse is None:
        return changed
    other_slug, other_id = attribute.inverse
    other = workspace.tables[other_slug]
    opposite = other.definition.attribute(other_id)
    before, after = {value.identity[0] for value in held}, {value.identity[0]: value for value in values}
    for target in before - after.keys():
        remove_reference(other, other.records[target], opposite, record.id)
    for target, value in after.items():
        if target not in before:
            _mirror(table, record, attribute, value, other, opposite)
    return changed


def remove_reference(table: Table[Definition], record: Record, attribute: Attribute, target_id: str) -> None:
    """Let a record point to another one no more."""
    held = table.values(record, attribute)
    table.set(record, attribute, [value for value in held if value.identity[0] != target_id])
    _close(table, record, attribute, [value for value in held if value.identity[0] == target_id])


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
