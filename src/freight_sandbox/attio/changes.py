"""Changes to what is stored: history is kept, the other side of a relationship follows, and webhooks are notified.

Attio documents that deletion is permanent; that notes, files, comments and entries are deleted with their record is how
the sandbox keeps itself consistent.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from freight_sandbox.attio.moments import now
from freight_sandbox.attio.schema import AttioList, AttioObject, Attribute, Definition
from freight_sandbox.attio.tables import Record, Table
from freight_sandbox.attio.values import Actor, RecordReference, Value
from freight_sandbox.attio.workspace import Workspace


def assign(
    workspace: Workspace, table: Table[Definition], record: Record, attribute: Attribute, values: list[Value]
) -> bool:
    """Replace an attribute's values and the other side of a relationship. Return whether anything changed."""
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
    """Remove the reference from one record to another."""
    held = table.values(record, attribute)
    table.set(record, attribute, [value for value in held if value.identity[0] != target_id])
    _close(table, record, attribute, [value for value in held if value.identity[0] == target_id])


def delete_record(workspace: Workspace, table: Table[AttioObject], record: Record) -> None:
    """Delete a record, every reference to it, its entries and its attachments."""
    for other in (*workspace.tables.values(), *workspace.lists.values()):
        for attribute in other.definition.attributes(archived=True):
            if attribute.type == "record-reference" and not attribute.is_implied:
                for holder in list(other.holders(attribute, record.id) or ()):
                    remove_reference(other, other.records[holder], attribute, record.id)
    for entries in workspace.lists.values():
        for entry_id in entries.entries_of(record.id):
            delete_entry(workspace, entries, entries.records[entry_id])
    _remove_attachments(workspace, record.id)
    table.remove(record)
    announce_record(workspace, "record.deleted", table, record)


def delete_entry(workspace: Workspace, table: Table[AttioList], entry: Record) -> None:
    """Delete a list entry and its comments."""
    for thread in workspace.threads.on(entry.id):
        workspace.threads.remove(thread.id)
    table.remove(entry)
    announce_entry(workspace, "list-entry.deleted", table, entry)


def announce_record(
    workspace: Workspace,
    event_type: Literal["record.created", "record.deleted"],
    table: Table[AttioObject],
    record: Record,
    actor: Actor | None = None,
) -> None:
    """Notify webhooks that a record was created or deleted."""
    workspace.announce(event_type, {"object_id": table.definition.id, "record_id": record.id}, actor)


def announce_entry(
    workspace: Workspace,
    event_type: Literal["list-entry.created", "list-entry.deleted"],
    table: Table[AttioList],
    entry: Record,
) -> None:
    """Notify webhooks that a list entry was created or deleted."""
    ids = {"list_id": table.definition.id, "entry_id": entry.id}
    workspace.announce(event_type, ids, None, **_parent(workspace, table.definition, entry))


def announce_change(
    workspace: Workspace,
    table: Table[Definition],
    record: Record,
    attribute: Attribute,
    actor: Actor | None = None,
) -> None:
    """Notify webhooks that an attribute's values changed."""
    definition = table.definition
    if isinstance(definition, AttioList):
        ids = {"list_id": definition.id, "entry_id": record.id, "attribute_id": attribute.id}
        workspace.announce("list-entry.updated", ids, actor, **_parent(workspace, definition, record))
    else:
        ids = {"object_id": definition.id, "record_id": record.id, "attribute_id": attribute.id}
        workspace.announce("record.updated", ids, actor)


def _unchanged(held: Value | None, new: Value) -> Value:
    """Return the held value if the new one is equal, so that it continues without a break."""
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
    """Add the reference back from the record that `value` points to, and remove references that it displaces."""
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


def _remove_attachments(workspace: Workspace, record_id: str) -> None:
    for note in workspace.notes.on(record_id):
        workspace.notes.remove(note.id)
    for file in workspace.files.on(record_id):
        workspace.files.remove(file.id)
    for thread in workspace.threads.on(record_id):
        workspace.threads.remove(thread.id)
    for task in workspace.tasks.on(record_id):
        task.linked_records = [link for link in task.linked_records if link.target_record_id != record_id]
        workspace.tasks.put(task.id, task, [link.target_record_id for link in task.linked_records])


def _parent(workspace: Workspace, definition: AttioList, entry: Record) -> dict[str, str]:
    return {
        "parent_object_id": workspace.object_id(definition.parent_object),
        "parent_record_id": entry.parent_record_id or "",
    }
