"""Turns records into what Attio can hold, and says which values it cannot."""

from freight.connectors.attio.drafting.contacts import draft_company, draft_person
from freight.connectors.attio.drafting.deals import draft_deal, draft_entry
from freight.connectors.attio.drafting.notes import draft_note
from freight.connectors.attio.drafting.sketch import Guide, Sketch
from freight.connectors.attio.drafting.tasks import draft_file, draft_list, draft_task
from freight.connectors.protocols import Draft, References
from freight.crm import Company, Deal, File, List, ListEntry, Note, Person, Record, Task

__all__ = ["Guide", "draft"]


def draft(record: Record, references: References, guide: Guide) -> Draft:
    """The record in Attio's terms; see `freight.connectors.protocols.Target.draft`."""
    sketch = Sketch(guide, references)
    match record:
        case Company():
            return draft_company(record, sketch)
        case Person():
            return draft_person(record, sketch)
        case Deal():
            return draft_deal(record, sketch)
        case List():
            return draft_list(record, sketch)
        case ListEntry():
            return draft_entry(record, sketch)
        case Note():
            return draft_note(record, sketch)
        case Task():
            return draft_task(record, sketch)
        case File():
            return draft_file(record, sketch)
