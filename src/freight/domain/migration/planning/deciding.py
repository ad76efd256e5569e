"""Deciding: the action on one attribute of a record that exists in the target.

Everything here is pure. `docs/deciding.md` is the truth table, and a test reads it.
"""

from typing import Any, Literal

import msgspec

from freight.connectors.protocols import Issue
from freight.database import jsonb
from freight.domain.jobs.requests import OnExisting

Action = Literal["unchanged", "set", "append", "keep_target", "keep_orphaned", "immutable", "clear"]
"""The action on an attribute:

- `unchanged`: nothing is sent; the target holds the wanted values, or shows them in its own form.
- `set`: the source's values replace what the target holds.
- `append`: the source's values that are new are added to those that the target holds.
- `keep_target`: the target's values stay instead of some of the source's.
- `keep_orphaned`: the target's values stay although the source no longer has any.
- `immutable`: the source has changed, and the target does not allow changes to the attribute.
- `clear`: the source no longer has a value, and the target's is removed.
"""

Author = Literal["none", "freight", "target", "enrichment", "person"]
"""Who wrote the target's values: `target` filled them in when the record was created, `enrichment` did so later."""


class AttributeState(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known about one attribute of one record. Values are lists, empty for no value."""

    slug: str
    source: list[Any]
    """The source's values."""
    wanted: list[Any]
    """The values in the draft, without those that other records of the target hold or that the target refused."""
    standing: list[Any]
    """The target's values."""
    last: list[Any] = []
    """The source's values when a job last drafted the record."""
    refused: list[Any] = []
    """The values of `last` that the target did not accept."""
    shown: list[Any] | None = None
    """The values that the target showed instead of what Freight sent, or filled in where Freight sent nothing."""
    written: bool = False
    """Whether Freight wrote the attribute last."""
    kept: bool = False
    """Whether an earlier job left a person's values in it."""
    automatic: bool = False
    """Whether the target itself wrote all of its values."""
    multiple: bool = False
    """Whether it can hold several values."""
    incomplete: bool = False
    """Whether the source has more than is wanted: the rest follows later, or a log row says that it is left out."""
    fixed: bool = False
    """Whether the target allows no changes to it after the record is created."""
    required: bool = False
    """Whether the target requires a value in every record."""
    interrupted: bool = False
    """Whether an interrupted attempt may have written it: the target's values then count as written."""

    @property
    def changed(self) -> bool:
        """Whether the source has changed since the last job, or has never been drafted."""
        return self.source != self.last

    @property
    def taken(self) -> list[Any]:
        """The values that a job last drafted and the target accepted."""
        return [item for item in self.last if item not in self.refused]

    @property
    def author(self) -> Author:
        """Who wrote the target's values."""
        if self.written and self.standing in (self.taken, self.shown):
            return "freight"
        if not self.standing:
            return "none"
        if self.standing == self.shown:
            return "target"
        return "enrichment" if self.automatic else "person"


class AttributeDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The decision about one attribute: what to send, what to store in the ledger, and what to log."""

    action: Action
    send: list[Any] | None
    """The values that an update sends, empty to clear the attribute; None to send nothing."""
    replaces_own: bool
    """Whether the sent values replace what Freight wrote."""
    last: list[Any]
    """The next job's `last`."""
    refused: list[Any]
    """The next job's `refused`."""
    written: bool
    """The next job's `written`."""
    kept: bool
    """The next job's `kept`."""
    issues: tuple[Issue, ...]


def decide(state: AttributeState, policy: OnExisting) -> AttributeDecision:
    """Return the decision about the attribute.

    `skip` decides like `fill`: it applies only to records that the job itself created.
    """
    wanted = _wanted(state, policy)
    action = _action(state, wanted, policy)
    is_withheld = bool(state.source) and not wanted
    send = _to_send(state, wanted, action)
    lost = [item for item in state.source if item not in state.wanted]
    may_repeat_refusal = send is None and (not state.source or not state.changed)
    return AttributeDecision(
        action=action,
        send=send,
        replaces_own=send is not None and action != "append" and state.author == "freight",
        last=state.source or (state.last if action == "keep_orphaned" else []),
        refused=lost or (state.refused if may_repeat_refusal else []),
        written=state.written if is_withheld else _is_written(state, action, send),
        kept=state.kept if is_withheld else _is_kept(state, wanted, action),
        issues=(*_left_out_before(state, wanted), *(() if is_withheld else _issues(state, wanted, action))),
    )


def _wanted(state: AttributeState, policy: OnExisting) -> list[Any]:
    """Return the values to write, without refused ones unless the source has changed or the policy is `overwrite`."""
    if state.changed or policy == "overwrite":
        return state.wanted
    return [item for item in state.wanted if item not in state.refused]


def _action(state: AttributeState, wanted: list[Any], policy: OnExisting) -> Action:
    if wanted == state.standing:
        return "unchanged"
    if not wanted and state.source:
        # Other records hold all of it, or the target refused it: the target's values are better than nothing.
        return "keep_target"
    if not wanted:
        may_go = not (state.fixed or state.required or state.incomplete)
        return "clear" if may_go and (state.author == "freight" or policy == "overwrite") else "keep_orphaned"
    if state.fixed:
        return "immutable" if state.changed else "unchanged"
    if not state.changed and state.written and state.standing == state.shown:
        return "unchanged"
    if policy == "overwrite":
        return "set"
    return _fill_changed(state) if state.changed else _fill_unchanged(state, wanted)


def _fill_changed(state: AttributeState) -> Action:
    if state.author == "freight" and state.multiple and state.incomplete:
        return "append"
    if state.author in ("freight", "none", "target"):
        return "set"
    if state.multiple:
        return "append"
    return "set" if state.author == "enrichment" else "keep_target"


def _fill_unchanged(state: AttributeState, wanted: list[Any]) -> Action:
    """Return the action on an attribute that did not change in the source and differs in the target."""
    if state.multiple and all(item in state.standing for item in wanted):
        return "unchanged"
    # A single value with which enrichment replaced Freight's is not a person's choice. Of several values, the missing
    # ones were removed, and only a person does that.
    return "set" if state.automatic and not state.multiple else "keep_target"


def _to_send(state: AttributeState, wanted: list[Any], action: Action) -> list[Any] | None:
    match action:
        case "set" | "clear":
            return wanted
        case "append":
            new = [item for item in wanted if item not in state.standing and item not in state.taken]
            # The target's values stay first: the first address of a person is the primary one.
            return [*state.standing, *new] if new else None
        case _:
            return None


def _is_written(state: AttributeState, action: Action, send: list[Any] | None) -> bool:
    match action:
        case "set" | "clear":
            return True
        case "append":
            return state.written or send is not None
        case "unchanged":
            return state.written or state.interrupted
        case "keep_target":
            return state.written and state.multiple
        case _:
            return state.written


def _is_kept(state: AttributeState, wanted: list[Any], action: Action) -> bool:
    match action:
        case "append" | "keep_target" | "keep_orphaned":
            return True
        case "set" | "clear":
            return False
        case "unchanged":
            return state.kept and wanted != state.standing
        case "immutable":
            return state.kept


def _issues(state: AttributeState, wanted: list[Any], action: Action) -> list[Issue]:
    match action:
        case "append":
            is_orphaned = any(item in state.standing and item not in wanted for item in state.taken)
            orphaned = [_orphaned(state.slug)] if is_orphaned and not state.incomplete else []
            return [*orphaned, *_removed(state, wanted)]
        case "keep_target":
            return _removed(state, wanted) if state.multiple else [_kept(state, wanted)]
        case "keep_orphaned":
            return [_orphaned(state.slug)] if state.standing and not state.incomplete else []
        case "immutable":
            return [_immutable(state.slug, wanted)]
        case _:
            return []


def _left_out_before(state: AttributeState, wanted: list[Any]) -> list[Issue]:
    """Return an issue about values that the target refused before and that are not sent again."""
    left = [item for item in state.wanted if item not in (*wanted, *state.standing)]
    if not left:
        return []
    return [
        Issue(
            level="info",
            code="left_out_before",
            message=f"An earlier job could not write these values to {state.slug}, because the target refused them or "
            "another record held them. They stay out until the source changes (on_existing is fill). A job whose "
            "on_existing is overwrite tries again.",
            field=state.slug,
            value=jsonb(left),
        )
    ]


def _removed(state: AttributeState, wanted: list[Any]) -> list[Issue]:
    """Return an issue about values that an earlier job wrote and that were then removed in the target."""
    removed = [item for item in wanted if item in state.taken and item not in state.standing]
    if not removed:
        return []
    return [
        Issue(
            level="info",
            code="kept_in_target",
            message=f"Values that an earlier job wrote to {state.slug} were removed in the target and are not "
            "written again (on_existing is fill). A job whose on_existing is overwrite writes them again.",
            field=state.slug,
            value=jsonb(removed),
        )
    ]


def _kept(state: AttributeState, wanted: list[Any]) -> Issue:
    if state.standing:
        message = f"The target has another value for {state.slug} and keeps it (on_existing is fill)."
    else:
        message = f"The value of {state.slug} was removed in the target and is not written again (on_existing is fill)."
    return Issue(
        level="info",
        code="kept_in_target",
        message=f"{message} A job whose on_existing is overwrite writes the source's value.",
        field=state.slug,
        value=jsonb(wanted),
    )


def _immutable(slug: str, wanted: list[Any]) -> Issue:
    return Issue(
        code="not_changeable",
        message=f"The target does not allow changes to the {slug} of such a record. To change it, delete and recreate "
        "the record there.",
        field=slug,
        value=jsonb(wanted),
    )


def _orphaned(slug: str) -> Issue:
    return Issue(
        level="info",
        code="kept_without_source",
        message=f"The source no longer has a value for {slug}, so the target keeps what it has (on_existing is fill). "
        "Clear it there if you do not want it.",
        field=slug,
    )
