"""Merging: the decisions about all attributes of a record that exists in the target, as one update. Pure."""

from collections.abc import Iterator

import msgspec

from freight.connectors.protocols import Attributes, Draft, Issue, TargetRecord
from freight.domain.jobs.requests import OnExisting
from freight.domain.migration.planning.deciding import AttributeState, decide
from freight.domain.migration.records.ledger import LedgerEntry


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """What to send to a record, and what the ledger stores then."""

    sent: Attributes
    values: Attributes
    written: frozenset[str]
    kept: frozenset[str]
    untouched: frozenset[str]
    """The attributes among `sent` that hold what Freight itself wrote."""
    refused: Attributes
    issues: tuple[Issue, ...]


def differs(known: LedgerEntry, draft: Draft) -> bool:
    """Return whether a draft differs from the last one in an attribute that the job migrates."""
    slugs = draft.values.keys() | (known.values.keys() & draft.migrated)
    return any(known.values.get(slug) != draft.values.get(slug) for slug in slugs)


def merge(
    draft: Draft,
    drafted: Attributes,
    existing: TargetRecord,
    base: LedgerEntry,
    on_existing: OnExisting,
    *,
    interrupted: bool,
) -> Merged:
    """Merge a draft with the target's record and the ledger entry.

    `drafted` is everything that the source has; `draft` may lack values that other records hold. With `interrupted`, an
    earlier attempt may have sent some of it: the target's values then count as written. Attributes that the job does
    not migrate stay as they are in the ledger.
    """
    sent: Attributes = {}
    values, refused = {**base.values}, {**base.refused}
    written, kept, untouched = set(base.written), set(base.kept), set[str]()
    issues: list[Issue] = []
    for state in attribute_states(draft, drafted, existing, base, interrupted=interrupted):
        decision, slug = decide(state, on_existing), state.slug
        if decision.send is not None:
            sent[slug] = decision.send
        _keep(values, slug, decision.last)
        _keep(refused, slug, decision.refused)
        _flag(written, slug, decision.written)
        _flag(kept, slug, decision.kept)
        _flag(untouched, slug, decision.replaces_own)
        issues += decision.issues
    return Merged(
        sent=sent,
        values=values,
        written=frozenset(written),
        kept=frozenset(kept),
        untouched=frozenset(untouched),
        refused=refused,
        issues=tuple(issues),
    )


def attribute_states(
    draft: Draft, drafted: Attributes, existing: TargetRecord, base: LedgerEntry, *, interrupted: bool
) -> Iterator[AttributeState]:
    """Yield the state of each attribute that the job migrates, ordered by slug."""
    # A warning about an attribute means that some of it was left out.
    warned = {issue.field for issue in draft.issues if issue.level != "info"}
    incomplete = warned | {slot.attribute for slot in draft.slots}
    for slug in sorted(draft.values.keys() | drafted.keys() | (base.values.keys() & draft.migrated)):
        yield AttributeState(
            slug=slug,
            source=drafted.get(slug, []),
            wanted=draft.values.get(slug, []),
            standing=existing.values.get(slug, []),
            last=base.values.get(slug, []),
            refused=base.refused.get(slug, []),
            shown=base.given.get(slug),
            written=slug in base.written,
            kept=slug in base.kept,
            automatic=slug in existing.automatic,
            multiple=slug in draft.multiple,
            incomplete=slug in incomplete,
            fixed=slug in draft.fixed,
            required=slug in draft.on_create,
            interrupted=interrupted,
        )


def not_taken(drafted: Attributes, left: Attributes) -> Attributes:
    """Return the drafted values that are not left: other records hold them, or the target refused them."""
    lost = {slug: [item for item in items if item not in left.get(slug, [])] for slug, items in drafted.items()}
    return {slug: items for slug, items in lost.items() if items}


def shown_otherwise(sent: Attributes, held: Attributes) -> Attributes:
    """Return what the target shows, attribute by attribute, where it differs from what was sent.

    A vendor may normalise texts, numbers and the order of values, and show nothing for an unticked checkbox.
    """
    return {
        slug: shown
        for slug, items in sent.items()
        if (shown := held.get(slug, [])) != items and (len(shown) == len(items) if shown else items == [False])
    }


def _keep(values: Attributes, slug: str, items: list[object]) -> None:
    """Set the values of a slug, or remove its entry if there are none."""
    if items:
        values[slug] = items
    else:
        values.pop(slug, None)


def _flag(slugs: set[str], slug: str, is_in: bool) -> None:
    (slugs.add if is_in else slugs.discard)(slug)
