"""Drafts: how they are made, and how they lose what another record of the target holds or what the target refuses."""

import msgspec

from freight import database
from freight.connectors.protocols import Attributes, Draft, Issue, References, Writer
from freight.model import crm

INTERNAL_PERSON = Issue(
    level="info",
    code="internal_person",
    message="This person belongs to the firm itself: in the target such people are members of the workspace, who are "
    "invited there and not migrated.",
)


def make_draft(target: Writer, record: crm.Record, gathered: References, *, late: bool) -> Draft:
    """The draft of a record; with `late` only of its references, with what was not known of them before."""
    if isinstance(record, crm.Person) and record.internal:
        return Draft(
            entity="people", source_id=record.id, values={}, unique={}, multiple=frozenset(), skip=INTERNAL_PERSON
        )
    draft = target.draft(record, gathered)
    if not late and not draft.pending:
        return draft
    all_to_come = msgspec.structs.replace(gathered, expected=frozenset(crm.references(record)))
    if not late:
        # What is to be said of references is said when it is known of all of them.
        return msgspec.structs.replace(draft, issues=target.draft(record, all_to_come).issues)
    said = target.draft(record, all_to_come).issues
    without = target.draft(record, msgspec.structs.replace(all_to_come, found={})).values
    return msgspec.structs.replace(
        draft,
        values={slug: items for slug, items in draft.values.items() if items != without.get(slug)},
        carried=frozenset(),
        issues=tuple(issue for issue in draft.issues if issue not in said),
    )


def without_value(draft: Draft, slug: str, value: str, *, holder: str | None = None) -> Draft:
    """The draft without a unique value that another record of the target holds, and with an issue that says so."""
    issue = Issue(
        code="held_by_another_record",
        message=f"{value} stands on another record of the target{f' ({holder})' if holder else ''}, which keeps it: it "
        "is allowed only once. This record is carried over without it.",
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
    """The draft without an attribute that the target refused, and with an issue that quotes why."""
    issue = Issue(
        code="refused_by_target",
        message=f"The target refused the value of {slug}, so the record is carried over without it: {reason}",
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
