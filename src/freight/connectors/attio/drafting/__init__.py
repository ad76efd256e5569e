"""Drafting: records in the form of Attio, with an issue for each value that Attio cannot hold."""

import msgspec

from freight.connectors.attio.drafting.builder import DraftBuilder, MappingIndex
from freight.connectors.attio.drafting.contacts import draft_company, draft_person
from freight.connectors.attio.drafting.deals import draft_deal, draft_entry
from freight.connectors.attio.drafting.notes import draft_note
from freight.connectors.attio.drafting.tasks import draft_file, draft_list, draft_task
from freight.connectors.protocols import Draft, References
from freight.model.crm import Company, Deal, File, List, ListEntry, Note, Person, Record, Task

__all__ = ["MappingIndex", "draft"]


def draft(record: Record, references: References, index: MappingIndex) -> Draft:
    """Return the record in Attio's terms; see `freight.connectors.protocols.Target.draft`."""
    builder = DraftBuilder(index, references)
    match record:
        case Company():
            return _migrating(draft_company(record, builder), index.migrated("companies"))
        case Person():
            return _migrating(draft_person(record, builder), index.migrated("people"))
        case Deal():
            return _migrating(draft_deal(record, builder), index.migrated("deals"))
        case List():
            return draft_list(record, builder)
        case ListEntry():
            return _migrating(draft_entry(record, builder), index.migrated(record.list_id))
        case Note():
            return draft_note(record, builder)
        case Task():
            return draft_task(record, builder)
        case File():
            return draft_file(record, builder)


def _migrating(draft: Draft, attributes: frozenset[str]) -> Draft:
    return msgspec.structs.replace(draft, migrated=attributes)
