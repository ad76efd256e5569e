"""What becomes of one attribute is what `docs/deciding.md` says, row by row."""

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, get_args

import msgspec
import pytest

from freight.domain.jobs.requests import OnExisting
from freight.domain.migration.planning.deciding import Action, AttributeDecision, AttributeState, Author, decide

PAGE = Path(__file__).parents[3] / "docs" / "deciding.md"
POLICIES: tuple[OnExisting, ...] = ("fill", "overwrite")
NONE = "\N{EN DASH}"

Cells = dict[str, str]


def table(*header: str) -> Iterator[Cells]:
    """The rows of the page's table with this header, without those that are headings within it."""
    lines = PAGE.read_text("utf-8").splitlines()
    start = lines.index(f"| {' | '.join(header)} |")
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not cells[0].startswith("**"):
            yield dict(zip(header, cells, strict=True))


def values_of(cell: str) -> list[str]:
    return [] if cell == NONE else cell.strip("()").split()


def state_of(row: Cells) -> AttributeState:
    source, before, standing = (values_of(row[name]) for name in ("source", "before", "target"))
    also = dict.fromkeys(filter(None, row["also"].split(", ")))
    named = {name: values_of(items) for name, _, items in (flag.partition(": ") for flag in also)}
    was_written = bool(before) and not row["before"].startswith("(")
    refused = named.get("refused", [])
    is_shown = row["author"] == "target" or (
        row["author"] == "Freight" and standing != [item for item in before if item not in refused]
    )
    return AttributeState(
        slug="a",
        source=source,
        wanted=[item for item in source if item not in named.get("held", [])],
        standing=standing,
        last=before,
        refused=refused,
        shown=standing if is_shown else None,
        written=was_written,
        automatic=row["author"] == "enrichment",
        multiple="several" in named,
        incomplete="part" in named,
        fixed="fixed" in named,
        required="required" in named,
    )


SITUATIONS = list(table("situation", "source", "before", "target", "author", "also", "`fill`", "`overwrite`"))
AUTHORS: dict[str, Author] = {
    NONE: "none",
    "Freight": "freight",
    "target": "target",
    "enrichment": "enrichment",
    "person": "person",
}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    "row", SITUATIONS, ids=[f"{number} {row['situation']}" for number, row in enumerate(SITUATIONS)]
)
def test_what_becomes_of_an_attribute_is_what_the_page_says(row: Cells, policy: OnExisting) -> None:
    assert decide(state_of(row), policy).action == row[f"`{policy}`"].replace(" ", "_")


@pytest.mark.parametrize("row", SITUATIONS, ids=[row["situation"] for row in SITUATIONS])
def test_who_wrote_what_the_target_holds_is_what_the_page_says(row: Cells) -> None:
    assert state_of(row).author == AUTHORS[row["author"]]


def test_the_page_names_every_author_and_every_action_that_a_policy_can_take() -> None:
    assert {row["author"] for row in SITUATIONS} == set(AUTHORS) == {row["author"] for row in table("author", "when")}
    assert {row["action"].replace(" ", "_") for row in ACTIONS} == set(get_args(Action))
    for policy in POLICIES:
        possible = {decide(state, policy).action for state in STATES}
        assert {row[f"`{policy}`"].replace(" ", "_") for row in SITUATIONS} == possible


LISTS: list[list[str]] = [[], ["A"], ["B"], ["A", "B"]]
FLAGS = ("written", "kept", "automatic", "multiple", "incomplete", "fixed", "required")
COMBINATIONS = list(
    product(LISTS, LISTS, LISTS, [("", ""), ("A", ""), ("", "A")], [None, ["B"]], product((False, True), repeat=7))
)
STATES = [
    AttributeState(
        slug="a",
        source=source,
        wanted=[item for item in source if item not in held],
        standing=standing,
        last=last,
        refused=[item for item in last if item in refused],
        shown=shown,
        **dict(zip(FLAGS, flags, strict=True)),
    )
    for source, standing, last, (held, refused), shown, flags in Random(1).sample(COMBINATIONS, 6_000)
]
"""Some of all the states that differ in more than the names of the values."""

ACTIONS = list(table("action", "sent", "wrote", "kept", "logged"))

Check = Callable[[AttributeState, AttributeDecision], Any]

SENT: dict[str, Check] = {
    "nothing": lambda _, decision: decision.send is None,
    "what the target takes of the source's values": lambda state, decision: (
        decision.send and set(decision.send) <= set(state.wanted)
    ),
    "what the target holds, then what is new": lambda state, decision: (
        decision.send is None
        or (decision.send[: len(state.standing)] == state.standing and len(decision.send) > len(state.standing))
    ),
    "no value": lambda _, decision: decision.send == [],
}
WROTE: dict[str, Check] = {
    "as before": lambda state, decision: decision.written == state.written,
    "yes": lambda _, decision: decision.written,
    "yes if sent": lambda state, decision: decision.written == (state.written or decision.send is not None),
    "no, as before for several": lambda state, decision: decision.written == (state.written and state.multiple),
}
KEPT: dict[str, Check] = {
    "as before": lambda state, decision: decision.kept == state.kept,
    "as before, no if both are equal": lambda state, decision: decision.kept in (state.kept, False),
    "yes": lambda _, decision: decision.kept,
    "no": lambda _, decision: not decision.kept,
}


def is_withheld(state: AttributeState, policy: OnExisting) -> bool:
    """Whether the target takes none of the source's values."""
    again = state.changed or policy == "overwrite"
    return bool(state.source) and not [item for item in state.wanted if again or item not in state.refused]


@pytest.mark.parametrize("row", ACTIONS, ids=[row["action"] for row in ACTIONS])
def test_each_action_sends_remembers_and_logs_what_the_page_says(row: Cells) -> None:
    logged = {code.strip("`") for code in row["logged"].split(", ") if code}
    seen: set[str] = set()
    for state, policy in product(STATES, POLICIES):
        decision = decide(state, policy)
        if decision.action != row["action"].replace(" ", "_"):
            continue
        codes = {issue.code for issue in decision.issues} - {"left_out_before"}
        seen |= codes
        assert SENT[row["sent"]](state, decision)
        if is_withheld(state, policy):
            assert (decision.send, decision.written, decision.kept) == (None, state.written, state.kept)
        else:
            assert WROTE[row["wrote"]](state, decision)
            assert KEPT[row["kept"]](state, decision)
    assert seen == logged


@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_is_sent_where_the_target_holds_what_is_wanted(policy: OnExisting) -> None:
    for state in STATES:
        if state.wanted == state.standing and not state.refused:
            assert decide(state, policy).send is None


@pytest.mark.parametrize("policy", POLICIES)
def test_only_what_the_source_has_lost_is_cleared_and_nothing_that_is_required(policy: OnExisting) -> None:
    cleared = [state for state in STATES if decide(state, policy).action == "clear"]
    assert cleared
    assert not any(state.source or state.required or state.incomplete or state.fixed for state in cleared)


def test_fill_replaces_nothing_that_a_person_chose() -> None:
    for state in STATES:
        if decide(state, "fill").action in ("set", "clear") and state.standing:
            assert state.author != "person" or state.automatic


def test_overwrite_leaves_no_value_unwritten_that_the_target_takes() -> None:
    for state in STATES:
        decision = decide(state, "overwrite")
        if decision.action == "unchanged" and state.wanted != state.standing and not state.fixed:
            assert not state.changed
            assert state.standing == state.shown
        assert decision.action != "append"
        assert decision.action != "keep_target" or not state.wanted


def test_what_the_target_holds_after_an_interrupted_attempt_counts_as_written_by_freight() -> None:
    state = AttributeState(slug="a", source=["A"], wanted=["A"], standing=["A"], interrupted=True)
    assert decide(state, "fill").written
    assert not decide(msgspec.structs.replace(state, interrupted=False), "fill").written


@pytest.mark.parametrize("policy", POLICIES)
def test_what_the_source_has_is_remembered_or_nothing_if_the_target_is_left_without(policy: OnExisting) -> None:
    for state in STATES:
        decision = decide(state, policy)
        if state.source:
            assert decision.last == state.source
        elif decision.action == "keep_orphaned":
            assert decision.last == state.last
        else:
            assert decision.last == []
