"""Deciding: what becomes of one attribute of a record that exists in the target.

Everything here is pure. `docs/deciding.md` is the truth table, and a test reads it.
"""

from typing import Any, Literal

import msgspec

from freight.connectors.protocols import Issue
from freight.database import jsonb
from freight.domain.jobs.requests import OnExisting

Action = Literal["unchanged", "set", "append", "keep_target", "keep_orphaned", "immutable", "clear"]
"""What becomes of an attribute:

- `unchanged`: nothing is sent; the target holds what is wanted, or shows it in its own way.
- `set`: the source's values replace what the target holds.
- `append`: the source's values that are new are added to those that the target holds.
- `keep_target`: the target's values stay in place of some that the source has.
- `keep_orphaned`: the target's values stay, although the source no longer has any.
- `immutable`: the source has changed, and the target does not let the attribute change.
- `clear`: the source no longer has a value, and the target is left without one as well.
"""

Author = Literal["none", "freight", "target", "enrichment", "person"]
"""Who wrote what the target holds: `target` filled it in when the record was created, `enrichment` did so later."""


class AttributeState(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one attribute of one record. Values are lists, empty for no value."""

    slug: str
    source: list[Any]
    """What the source has."""
    wanted: list[Any]
    """What of it the draft holds; it lacks what other records of the target hold and what the target refused."""
    standing: list[Any]
    """What the target holds."""
    last: list[Any] = []
    """What the source had when a job last drafted the record."""
    refused: list[Any] = []
    """What of `last` the target did not take."""
    shown: list[Any] | None = None
    """What the target showed in place of what Freight sent, or filled in where Freight sent nothing."""
    written: bool = False
    """Whether Freight wrote the attribute last."""
    kept: bool = False
    """Whether an earlier job left a person's values in it."""
    automatic: bool = False
    """Whether the target's own machinery wrote everything that it holds."""
    multiple: bool = False
    """Whether it can hold several values."""
    incomplete: bool = False
    """Whether the source has more than is wanted: the rest follows later, or a log row says that it does not."""
    fixed: bool = False
    """Whether the target does not let it change after the record is created."""
    required: bool = False
    """Whether the target requires a value in every record."""
    interrupted: bool = False
    """Whether an interrupted attempt may have written it: what the target holds already then counts as written."""

    @property
    def changed(self) -> bool:
        """Whether the source has changed since the last job, or has never been drafted."""
        return self.source != self.last

    @property
    def taken(self) -> list[Any]:
        """What a job last drafted and the target took."""
        return [item for item in self.last if item not in self.refused]

    @property
    def author(self) -> Author:
        """Who wrote what the target holds."""
        if self.written and self.standing in (self.taken, self.shown):
            return "freight"
        if not self.standing:
            return "none"
        if self.standing == self.shown:
            return "target"
        return "enrichment" if self.automatic else "person"


class AttributeDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one attribute: what to send, what the ledger is to remember, and what to say in the log."""

    action: Action
    send: list[Any] | None
    """What an update gives the attribute, empty to clear it; None to send nothing."""
    replaces_own: bool
    """Whether what is sent replaces what Freight wrote."""
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
    """Return what becomes of the attribute.

    `skip` decides like `fill`: it reaches only records that the job itself created.
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
    """Return what is to be written: without what the target refused, until the source changes or the job overwrites."""
    if state.changed or policy == "overwrite":
        return state.wanted
    return [item for item in state.wanted if item not in state.refused]


def _action(state: AttributeState, wanted: list[Any], policy: OnExisting) -> Action:
    if wanted == state.standing:
        return "unchanged"
    if not wanted and state.source:
        # Other records hold all of it, or the target refused it: what the target holds is better than nothing.
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
    """Decide about an attribute that did not change in the source and differs in the target."""
    if state.multiple and all(item in state.standing for item in wanted):
        return "unchanged"
    # A single value that enrichment put in the place of Freight's is not a person's choice. Of several values, those
    # that are missing were taken out, and only a person does that.
    return "set" if state.automatic and not state.multiple else "keep_target"


def _to_send(state: AttributeState, wanted: list[Any], action: Action) -> list[Any] | None:
    match action:
        case "set" | "clear":
            return wanted
        case "append":
            new = [item for item in wanted if item not in state.standing and item not in state.taken]
            # The target's values stay in front: the first address of a person is the primary one.
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
    """Name the values that the target refused before and that are not sent again."""
    left = [item for item in state.wanted if item not in (*wanted, *state.standing)]
    if not left:
        return []
    return [
        Issue(
            level="info",
            code="left_out_before",
            message=f"An earlier job could not write these values to {state.slug}, because the target refused them or "
            "another record held them: they stay out until the source changes (on_existing is fill). A job whose "
            "on_existing is overwrite tries again.",
            field=state.slug,
            value=jsonb(left),
        )
    ]


def _removed(state: AttributeState, wanted: list[Any]) -> list[Issue]:
    """Name the values that an earlier job wrote and that were removed from the target since."""
    removed = [item for item in wanted if item in state.taken and item not in state.standing]
    if not removed:
        return []
    return [
        Issue(
            level="info",
            code="kept_in_target",
            message=f"Values that an earlier job wrote to {state.slug} were removed in the target and stay out "
            "(on_existing is fill). A job whose on_existing is overwrite writes them again.",
            field=state.slug,
            value=jsonb(removed),
        )
    ]


def _kept(state: AttributeState, wanted: list[Any]) -> Issue:
    if state.standing:
        message = f"The target holds another value for {state.slug}, which stays (on_existing is fill)."
    else:
        message = f"The value of {state.slug} was removed in the target, which stays without one (on_existing is fill)."
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
        message=f"The target does not allow changes to the {slug} of such a record. To change it, delete the record "
        "there and create it again by hand.",
        field=slug,
        value=jsonb(wanted),
    )


def _orphaned(slug: str) -> Issue:
    return Issue(
        level="info",
        code="kept_without_source",
        message=f"The source no longer has a value for {slug}, so the target keeps what it has (on_existing is fill). "
        "Clear it there if it is not wanted.",
        field=slug,
    )
