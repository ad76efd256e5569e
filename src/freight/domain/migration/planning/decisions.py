"""Decisions: what becomes of one attribute of a record that the target has already. Pure, and decided here alone."""

from typing import Any, Literal

import msgspec

from freight.domain.jobs.requests import OnExisting

Action = Literal["unchanged", "set", "append", "keep_target", "keep_orphaned", "immutable", "clear"]
"""Of one attribute:

- `unchanged`: nothing is written, and nothing that the source has is withheld.
- `set`: the source's values replace what the target holds.
- `append`: those that the target lacks are added to those that it holds.
- `keep_target`: the target's own values stay, in place of some that the source has.
- `keep_orphaned`: what the target holds stays, although the source has nothing for it any more.
- `immutable`: the source has changed, and the target does not let the attribute be changed.
- `clear`: the source has nothing for it any more, and neither does the target from now on.
"""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision depends on, besides the policy."""

    wanted: list[Any]
    """What the source has and the target may hold; empty for nothing."""
    standing: list[Any]
    """What the target holds."""
    last: list[Any] = []
    """What the last job drafted from the source and the target took."""
    shown: list[Any] | None = None
    """What the target showed in place of what Freight had sent, or filled in where Freight had sent nothing."""
    changed: bool = True
    """Whether the source has changed since the last job, or has never been drafted."""
    written: bool = False
    """Whether Freight itself wrote the attribute last."""
    automatic: bool = False
    """Whether the target's own machinery wrote all that the target holds."""
    multiple: bool = False
    incomplete: bool = False
    """Whether the source has more than is wanted: the rest is to come, or a log row says that it is not."""
    fixed: bool = False
    """Whether the target does not let the attribute be changed."""
    demanded: bool = False
    """Whether the target demands a value of every record."""

    @property
    def is_ours(self) -> bool:
        """Whether the target holds what Freight wrote, as it was sent or as the target shows it."""
        return self.written and (self.standing == self.last or self.standing == self.shown)


def decide(case: Case, on_existing: OnExisting) -> Action:
    """Return what becomes of the attribute. Under `skip` no attribute is decided about."""
    if case.wanted == case.standing:
        return "unchanged"
    if not case.wanted:
        may_go = not (case.fixed or case.demanded or case.incomplete)
        return "clear" if may_go and (case.is_ours or on_existing == "overwrite") else "keep_orphaned"
    if case.fixed:
        return "immutable" if case.changed else "unchanged"
    if not case.changed and case.written and case.standing == case.shown:
        return "unchanged"
    if on_existing == "overwrite":
        return "set"
    return _fill_changed(case) if case.changed else _fill_unchanged(case)


def _fill_changed(case: Case) -> Action:
    if case.is_ours and case.multiple and case.incomplete:
        return "append"
    if case.is_ours or not case.standing or case.standing == case.shown:
        return "set"
    if case.multiple:
        return "append"
    return "set" if case.automatic else "keep_target"


def _fill_unchanged(case: Case) -> Action:
    """Decide about an attribute that the source left alone and the target did not."""
    if case.multiple and all(item in case.standing for item in case.wanted):
        return "unchanged"
    # A single value that enrichment put in the place of Freight's is not a person's choice. Of several values, those
    # that are missing were taken out, and only a person does that.
    return "set" if case.automatic and not case.multiple else "keep_target"
