"""What the webhooks are told of records and entries."""

from typing import Literal

from freight_sandbox.attio.schema import AttioList, AttioObject, Attribute, Definition
from freight_sandbox.attio.tables import Record, Table
from freight_sandbox.attio.values import Actor
from freight_sandbox.attio.workspace import Workspace


def announce_record(
    workspace: Workspace,
    event_type: Literal["record.created", "record.deleted"],
    table: Table[AttioObject],
    record: Record,
    actor: Actor | None = None,
) -> None:
    """Tell of a record that has come or gone."""
    workspace.announce(event_type, {"object_id": table.definition.id, "record_id": record.id}, actor)


def announce_entry(
    workspace: Workspace,
    event_type: Literal["list-entry.created", "list-entry.deleted"],
    table: Table[AttioList],
    entry: Record,
) -> None:
    """Tell of a list entry that has come or gone."""
    ids = {"list_id": table.definition.id, "entry_id": entry.id}
    workspace.announce(event_type, ids, None, **_parent(workspace, table.definition, entry))


def announce_change(
    workspace: Workspace,
    table: Table[Definition],
    record: Record,
    attribute: Attribute,
    actor: Actor | None = None,
) -> None:
    """Tell of an attribute that has other values now."""
    definition = table.definition
    if isinstance(definition, AttioList):
        ids = {"list_id": definition.id, "entry_id": record.id, "attribute_id": attribute.id}
        workspace.announce("list-entry.updated", ids, actor, **_parent(workspace, definition, record))
    else:
        ids = {"object_id": definition.id, "record_id": record.id, "attribute_id": attribute.id}
        workspace.announce("record.updated", ids, actor)


def _parent(workspace: Workspace, definition: AttioList, entry: Record) -> dict[str, str]:
    return {
        "parent_object_id": workspace.object_id(definition.parent_object),
        "parent_record_id": entry.parent_record_id or "",
    }
