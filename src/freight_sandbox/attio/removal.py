"""Deleting records and entries for good, with what hangs on them.

Attio documents that deletion is permanent; that notes, files, comments and entries go with their record is how the
sandbox keeps itself whole.
"""

from freight_sandbox.attio.announcements import announce_entry, announce_record
from freight_sandbox.attio.relations import remove_reference
from freight_sandbox.attio.schema import AttioList, AttioObject
from freight_sandbox.attio.tables import Record, Table
from freight_sandbox.attio.workspace import Workspace


def delete_record(workspace: Workspace, table: Table[AttioObject], record: Record) -> None:
    """Remove a record, every reference to it, its entries and what hangs on it."""
    for other in (*workspace.tables.values(), *workspace.lists.values()):
        for attribute in other.definition.attributes(archived=True):
            if attribute.type == "record-reference" and not attribute.is_implied:
                for holder in list(other.holders(attribute, record.id) or ()):
                    remove_reference(other, other.records[holder], attribute, record.id)
    for entries in workspace.lists.values():
        for entry_id in entries.entries_of(record.id):
            delete_entry(workspace, entries, entries.records[entry_id])
    _clear_shelves(workspace, record.id)
    table.remove(record)
    announce_record(workspace, "record.deleted", table, record)


def delete_entry(workspace: Workspace, table: Table[AttioList], entry: Record) -> None:
    """Remove a list entry and the comments on it."""
    for thread in workspace.threads.on(entry.id):
        workspace.threads.remove(thread.id)
    table.remove(entry)
    announce_entry(workspace, "list-entry.deleted", table, entry)


def _clear_shelves(workspace: Workspace, record_id: str) -> None:
    for note in workspace.notes.on(record_id):
        workspace.notes.remove(note.id)
    for file in workspace.files.on(record_id):
        workspace.files.remove(file.id)
    for thread in workspace.threads.on(record_id):
        workspace.threads.remove(thread.id)
    for task in workspace.tasks.on(record_id):
        task.linked_records = [link for link in task.linked_records if link.target_record_id != record_id]
        workspace.tasks.put(task.id, task, [link.target_record_id for link in task.linked_records])
