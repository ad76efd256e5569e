"""Merging: what becomes of the attributes of a record that the target has already. Pure."""

from typing import Any, Literal

import msgspec

from freight.connectors.protocols import Attributes, Draft, Issue
from freight.database import jsonb
from freight.domain.job_requests import OnExisting
from freight.domain.ledger import Known

Fate = Literal["equal", "send", "add", "keep", "lost", "fixed"]
"""Of one attribute: it stands there already; it is written; values are added to those of a person; a person's value
stays; what stands there stays although nothing comes from the source any more; or it cannot be changed."""


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent to a record, and what the ledger is to remember then."""

    sent: Attributes
    values: Attributes
    written: frozenset[str]
    kept: frozenset[str]
    untouched: frozenset[str]
    """The attributes among `sent` that hold what Freight itself wrote."""
    issues: tuple[Issue, ...]


def differing(known: Known, draft: Draft, on_existing: OnExisting) -> list[str]:
    """The attributes that come otherwise than the last time, and under `overwrite` those in which something of a
    person's was kept then; not those that the job does not carry this time."""
    slugs = draft.values.keys() | (known.values.keys() & draft.carried)
    kept = known.kept if on_existing == "overwrite" else frozenset()
    return sorted(slug for slug in slugs if slug in kept or known.values.get(slug) != draft.values.get(slug))


def merge(
    draft: Draft, drafted: Attributes, current: Attributes, base: Known, on_existing: OnExisting, *, interrupted: bool
) -> Merged:
    """Merge a draft with what stands in the target and what Freight knows of it.

    With `interrupted`, an earlier attempt may have sent some of it: what stands there already counts as written.
    """
    sent: Attributes = {}
    values = {**base.values, **drafted}
    written, kept = set(base.written), set(base.kept)
    issues: list[Issue] = []
    untouched: set[str] = set()
    for slug in differing(base, draft, on_existing):
        wanted, standing, last = (of.get(slug, []) for of in (draft.values, current, base.values))
        if not wanted and slug in drafted:
            # All of it stands on other records, as the draft says: what stands here is better than nothing.
            continue
        match _fate(slug, draft, standing, base, on_existing):
            case "equal":
                kept.discard(slug)
                if not wanted:
                    values.pop(slug, None)
                if interrupted:
                    written.add(slug)
            case "send":
                sent[slug] = wanted
                if _is_untouched(slug, standing, base):
                    untouched.add(slug)
                written.add(slug)
                kept.discard(slug)
                if not wanted:
                    values.pop(slug, None)
            case "add":
                kept.add(slug)
                if not _is_incomplete(slug, draft) and any(item in standing and item not in wanted for item in last):
                    issues.append(_lost(slug))
                if new := [item for item in wanted if item not in standing and item not in last]:
                    # What stands there stays in front: the first address of a person is the primary one.
                    sent[slug] = [*standing, *new]
                    written.add(slug)
            case "keep":
                kept.add(slug)
                written.discard(slug)
                issues.append(_kept(slug))
            case "fixed":
                issues.append(_fixed(slug, wanted))
            case "lost":
                kept.add(slug)
                if standing and not _is_incomplete(slug, draft):
                    issues.append(_lost(slug))
    return Merged(
        sent=sent,
        values=values,
        written=frozenset(written),
        kept=frozenset(kept),
        untouched=frozenset(untouched),
        issues=tuple(issues),
    )


def _fate(slug: str, draft: Draft, standing: list[Any], base: Known, on_existing: OnExisting) -> Fate:
    wanted = draft.values.get(slug, [])
    if wanted == standing:
        return "equal"
    if slug in draft.fixed:
        return "fixed"
    untouched = _is_untouched(slug, standing, base)
    if not wanted:
        # What the target demands of each record cannot be taken away.
        may_go = slug not in draft.on_create and not _is_incomplete(slug, draft)
        return "send" if may_go and (untouched or on_existing == "overwrite") else "lost"
    if untouched and slug in draft.multiple and _is_incomplete(slug, draft) and on_existing == "fill":
        return "add"
    if on_existing == "overwrite" or untouched or not standing or standing == base.given.get(slug):
        return "send"
    return "add" if slug in draft.multiple else "keep"


def _is_incomplete(slug: str, draft: Draft) -> bool:
    """Whether the source has more for an attribute than was drafted: it is to come, or an issue says that it is not."""
    return slug in draft.waiting or any(issue.field == slug for issue in draft.issues)


def _is_untouched(slug: str, standing: list[Any], base: Known) -> bool:
    return slug in base.written and standing == base.values.get(slug, [])


def _kept(slug: str) -> Issue:
    return Issue(
        level="info",
        code="kept_in_target",
        message=f"The target holds another value for {slug}, which stays (on_existing is fill).",
        field=slug,
    )


def _fixed(slug: str, wanted: list[Any]) -> Issue:
    return Issue(
        code="not_changeable",
        message=f"The target does not let anybody change the {slug} of such a record. Delete the record there and make "
        "it anew by hand, if it matters.",
        field=slug,
        value=jsonb(wanted),
    )


def _lost(slug: str) -> Issue:
    return Issue(
        level="info",
        code="kept_without_source",
        message=f"Nothing comes for {slug} any more, so the target keeps what it has (on_existing is fill). Clear it "
        "there if it is not wanted.",
        field=slug,
    )
