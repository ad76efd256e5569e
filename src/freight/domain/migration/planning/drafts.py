"""Drafts: make them, and remove values that another record of the target holds or that the target refuses."""

import asyncio
from collections.abc import Sequence

import msgspec

from freight import database
from freight.connectors.protocols import Attributes, Draft, Issue, References, Writer
from freight.domain.migration.planning import reference_slots
from freight.domain.migration.planning.references import Related
from freight.model import crm

INTERNAL_PERSON = Issue(
    level="info",
    code="internal_person",
    message="This person is an internal user: in the target such people are members of the workspace, who are invited "
    "there and not migrated.",
)


LONG_TEXT = 5_000
"""Characters from which on a note is drafted in a thread."""


async def make_drafts(
    target: Writer, records: Sequence[crm.Record], related: Related, *, references_only: bool
) -> list[Draft]:
    """Return a draft of each record with the references that are known; in the second pass, with nothing else."""
    drafts = []
    for record in records:
        # Other records' requests must be sent in time, so they do not wait for a whole chunk or a long text.
        if isinstance(record, crm.Note) and len(record.content) > LONG_TEXT:
            draft = await asyncio.to_thread(_make_draft, target, record, related.references)
        else:
            draft = _make_draft(target, record, related.references)
            await asyncio.sleep(0)
        if references_only:
            draft = reference_slots.references_only(draft)
        drafts.append(reference_slots.fill(draft, related.references.found, related.to_come))
    return drafts


def _make_draft(target: Writer, record: crm.Record, references: References) -> Draft:
    if isinstance(record, crm.Person) and record.internal:
        return Draft(
            entity="people", source_id=record.id, values={}, unique={}, multiple=frozenset(), skip=INTERNAL_PERSON
        )
    return target.draft(record, references)


def without_value(draft: Draft, slug: str, value: str, *, holder: str | None = None) -> Draft:
    """Return the draft without a unique value that another record of the target holds, with an issue about it."""
    issue = Issue(
        code="held_by_another_record",
        message=f"Another record of the target{f' ({holder})' if holder else ''} has {value} and keeps it, because the "
        "target allows it only once. This record is migrated without it.",
        field=slug,
        value=value,
    )
    return msgspec.structs.replace(
        draft,
        values=_without_items(draft.values, slug, value),
        unique={
            name: kept
            for name, values in draft.unique.items()
            if (kept := tuple(item for item in values if (name, item) != (slug, value)))
        },
        issues=(*draft.issues, issue),
    )


def without_attribute(draft: Draft, slug: str, reason: str) -> Draft:
    """Return the draft without an attribute that the target refused, with an issue that quotes the reason."""
    issue = Issue(
        code="refused_by_target",
        message=f"The target refused the value of {slug}, so the record is migrated without it: {reason}",
        field=slug,
        value=database.jsonb(draft.values.get(slug, [])),
    )
    return msgspec.structs.replace(
        draft,
        values={name: items for name, items in draft.values.items() if name != slug},
        unique={name: values for name, values in draft.unique.items() if name != slug},
        issues=(*draft.issues, issue),
    )


def _without_items(values: Attributes, slug: str, value: str) -> Attributes:
    kept = [item for item in values.get(slug, []) if item != value]
    return {name: (kept if name == slug else items) for name, items in values.items() if name != slug or kept}
