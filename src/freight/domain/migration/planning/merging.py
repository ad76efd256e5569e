"""Merging: what becomes of the attributes of a record that the target has already. Pure."""

from typing import Any

import msgspec

from freight.connectors.protocols import Attributes, Draft, Issue, TargetRecord
from freight.database import jsonb
from freight.domain.jobs.requests import OnExisting
from freight.domain.migration.planning.decisions import Case, decide
from freight.domain.migration.records.ledger import LedgerEntry


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent to a record, and what the ledger is to remember then."""

    sent: Attributes
    values: Attributes
    written: frozenset[str]
    kept: frozenset[str]
    untouched: frozenset[str]
    """The attributes among `sent` that hold what Freight itself wrote."""
    refused: Attributes
    issues: tuple[Issue, ...]


def differs(known: LedgerEntry, draft: Draft) -> bool:
    """Whether an attribute comes otherwise than the last time; those that the job does not carry do not count."""
    slugs = draft.values.keys() | (known.values.keys() & draft.carried)
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
    """Merge a draft with what the target holds and what Freight knows of it.

    `drafted` is all that the source has; `draft` may lack values that other records hold. With `interrupted`, an
    earlier attempt may have sent some of it: what the target holds already counts as written.
    """
    sent: Attributes = {}
    values = {**base.values, **drafted}
    written, kept = set(base.written), set(base.kept)
    issues: list[Issue] = []
    untouched: set[str] = set()
    for slug in sorted(draft.values.keys() | drafted.keys() | (base.values.keys() & draft.carried)):
        case = _case(slug, draft, drafted, existing, base, on_existing)
        if left := [item for item in draft.values.get(slug, []) if item not in (*case.wanted, *case.standing)]:
            issues.append(_left_out_before(slug, left))
        if not case.wanted and slug in drafted:
            # Other records hold all of it, or the target refused it: what it holds here is better than nothing.
            continue
        match decide(case, on_existing):
            case "unchanged":
                if case.wanted == case.standing:
                    kept.discard(slug)
                if not case.wanted:
                    values.pop(slug, None)
                if interrupted:
                    written.add(slug)
            case "set" | "clear":
                sent[slug] = case.wanted
                if case.is_ours:
                    untouched.add(slug)
                written.add(slug)
                kept.discard(slug)
                if not case.wanted:
                    values.pop(slug, None)
            case "append":
                kept.add(slug)
                if any(item in case.standing and item not in case.wanted for item in case.last) and not case.incomplete:
                    issues.append(_orphaned(slug))
                issues += _missing(slug, case)
                if new := [item for item in case.wanted if item not in case.standing and item not in case.last]:
                    # The target's values stay in front: the first address of a person is the primary one.
                    sent[slug] = [*case.standing, *new]
                    written.add(slug)
            case "keep_target":
                kept.add(slug)
                if case.multiple:
                    issues += _missing(slug, case)
                else:
                    written.discard(slug)
                    issues.append(_kept(slug, case))
            case "immutable":
                issues.append(_immutable(slug, case.wanted))
            case "keep_orphaned":
                kept.add(slug)
                if case.standing and not case.incomplete:
                    issues.append(_orphaned(slug))
    return Merged(
        sent=sent,
        values=values,
        written=frozenset(written),
        kept=frozenset(kept),
        untouched=frozenset(untouched),
        refused=_refused(draft, drafted, base, sent),
        issues=tuple(issues),
    )


def not_taken(drafted: Attributes, left: Attributes) -> Attributes:
    """Return the drafted values that did not remain: other records hold them, or the target refused them."""
    lost = {slug: [item for item in items if item not in left.get(slug, [])] for slug, items in drafted.items()}
    return {slug: items for slug, items in lost.items() if items}


def shown_otherwise(sent: Attributes, held: Attributes) -> Attributes:
    """Return what the target shows, attribute by attribute, where that is not what it was sent.

    A vendor may show a text, a number or an order of its own, and nothing for a box that is not ticked.
    """
    return {
        slug: shown
        for slug, items in sent.items()
        if (shown := held.get(slug, [])) != items and (len(shown) == len(items) if shown else items == [False])
    }


def _case(
    slug: str, draft: Draft, drafted: Attributes, existing: TargetRecord, base: LedgerEntry, on_existing: OnExisting
) -> Case:
    changed = base.values.get(slug) != drafted.get(slug)
    wanted = draft.values.get(slug, [])
    refused = base.refused.get(slug, [])
    if not changed and on_existing == "fill":
        wanted = [item for item in wanted if item not in refused]
    return Case(
        wanted=wanted,
        standing=existing.values.get(slug, []),
        last=[item for item in base.values.get(slug, []) if item not in refused],
        shown=base.given.get(slug),
        changed=changed,
        written=slug in base.written,
        automatic=slug in existing.automatic,
        multiple=slug in draft.multiple,
        # A warning about an attribute says that some of it was left out.
        incomplete=any(slot.attribute == slug for slot in draft.slots)
        or any(issue.field == slug and issue.level != "info" for issue in draft.issues),
        fixed=slug in draft.fixed,
        demanded=slug in draft.on_create,
    )


def _refused(draft: Draft, drafted: Attributes, base: LedgerEntry, sent: Attributes) -> Attributes:
    """What the target does not take: what other records hold, and what it refused before of what is not sent now."""
    before = {
        slug: items
        for slug, items in base.refused.items()
        if slug not in sent and drafted.get(slug, base.values.get(slug)) == base.values.get(slug)
    }
    return {**before, **not_taken(drafted, draft.values)}


def _missing(slug: str, case: Case) -> list[Issue]:
    """Name the values that an earlier job wrote and that were taken out of the target since."""
    missing = [item for item in case.wanted if item in case.last and item not in case.standing]
    if not missing:
        return []
    return [
        Issue(
            level="info",
            code="kept_in_target",
            message=f"Values that an earlier job wrote to {slug} were removed in the target and stay out (on_existing "
            "is fill). A job whose on_existing is overwrite writes them again.",
            field=slug,
            value=jsonb(missing),
        )
    ]


def _left_out_before(slug: str, left: list[Any]) -> Issue:
    return Issue(
        level="info",
        code="left_out_before",
        message=f"An earlier job could not write these values to {slug}, because the target refused them or another "
        "record held them: they stay out until the source changes (on_existing is fill). A job whose on_existing is "
        "overwrite tries again.",
        field=slug,
        value=jsonb(left),
    )


def _kept(slug: str, case: Case) -> Issue:
    if case.standing:
        message = f"The target holds another value for {slug}, which stays (on_existing is fill)."
    else:
        message = f"The value that {slug} had was removed in the target, which stays without one (on_existing is fill)."
    return Issue(
        level="info",
        code="kept_in_target",
        message=f"{message} A job whose on_existing is overwrite writes the source's value.",
        field=slug,
        value=jsonb(case.wanted),
    )


def _immutable(slug: str, wanted: list[Any]) -> Issue:
    return Issue(
        code="not_changeable",
        message=f"The target does not let anybody change the {slug} of such a record. Delete the record there and make "
        "it anew by hand, if it matters.",
        field=slug,
        value=jsonb(wanted),
    )


def _orphaned(slug: str) -> Issue:
    return Issue(
        level="info",
        code="kept_without_source",
        message=f"Nothing comes for {slug} any more, so the target keeps what it has (on_existing is fill). Clear it "
        "there if it is not wanted.",
        field=slug,
    )
