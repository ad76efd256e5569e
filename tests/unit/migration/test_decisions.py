"""The truth table of what becomes of one attribute, row by row."""

from itertools import product
from typing import Any

import pytest

from freight.domain.jobs.requests import OnExisting
from freight.domain.migration.planning.decisions import Action, Case, decide

A, B, C = "a", "b", "c"
OURS: dict[str, Any] = {"written": True}
SAME: dict[str, Any] = {"changed": False}

TABLE: list[tuple[str, dict[str, Any], Action, Action]] = [
    # What there is, as given to `Case`; then what becomes of it under `fill` and under `overwrite`.
    ("the target holds it already", {"wanted": [A], "standing": [A]}, "unchanged", "unchanged"),
    ("neither side has anything", {"wanted": [], "standing": [], "last": [A], **OURS}, "unchanged", "unchanged"),
    # The first time, and whenever the source has changed.
    ("nothing is there", {"wanted": [A], "standing": []}, "set", "set"),
    ("a person's value is there", {"wanted": [A], "standing": [B]}, "keep_target", "set"),
    ("the target's own machinery wrote it", {"wanted": [A], "standing": [B], "automatic": True}, "set", "set"),
    ("the target demanded it when it was made", {"wanted": [A], "standing": [B], "shown": [B]}, "set", "set"),
    ("Freight's own value is there", {"wanted": [B], "standing": [A], "last": [A], **OURS}, "set", "set"),
    (
        "Freight's own value is there as the target shows it",
        {"wanted": [B], "standing": [C], "last": [A], "shown": [C], **OURS},
        "set",
        "set",
    ),
    (
        "Freight's own value was replaced by a person",
        {"wanted": [B], "standing": [C], "last": [A], **OURS},
        "keep_target",
        "set",
    ),
    (
        "Freight's own value was replaced by enrichment",
        {"wanted": [B], "standing": [C], "last": [A], "automatic": True, **OURS},
        "set",
        "set",
    ),
    ("Freight's own value was removed", {"wanted": [B], "standing": [], "last": [A], **OURS}, "set", "set"),
    # The source has not changed.
    (
        "unchanged, a person replaced it",
        {"wanted": [A], "standing": [B], "last": [A], **OURS, **SAME},
        "keep_target",
        "set",
    ),
    ("unchanged, left to a person before", {"wanted": [A], "standing": [B], "last": [A], **SAME}, "keep_target", "set"),
    (
        "unchanged, a person removed it",
        {"wanted": [A], "standing": [], "last": [A], **OURS, **SAME},
        "keep_target",
        "set",
    ),
    (
        "unchanged, enrichment replaced it",
        {"wanted": [A], "standing": [B], "last": [A], "automatic": True, **OURS, **SAME},
        "set",
        "set",
    ),
    (
        "unchanged, the target shows it otherwise",
        {"wanted": [A], "standing": [B], "last": [A], "shown": [B], **OURS, **SAME},
        "unchanged",
        "unchanged",
    ),
    # Several values.
    ("values of a person are there", {"wanted": [A], "standing": [B], "multiple": True}, "append", "set"),
    (
        "values of the target's own machinery are there",
        {"wanted": [A], "standing": [B], "multiple": True, "automatic": True},
        "append",
        "set",
    ),
    (
        "Freight's own values are there",
        {"wanted": [B], "standing": [A], "last": [A], "multiple": True, **OURS},
        "set",
        "set",
    ),
    (
        "Freight's own values are there, and not all of the source's are known",
        {"wanted": [B], "standing": [A], "last": [A], "multiple": True, "incomplete": True, **OURS},
        "append",
        "set",
    ),
    (
        "unchanged, a person added one",
        {"wanted": [A], "standing": [A, B], "last": [A], "multiple": True, **OURS, **SAME},
        "unchanged",
        "set",
    ),
    (
        "unchanged, a person removed one",
        {"wanted": [A, B], "standing": [A], "last": [A, B], "multiple": True, **OURS, **SAME},
        "keep_target",
        "set",
    ),
    # The source has nothing any more.
    ("gone, Freight wrote it", {"wanted": [], "standing": [A], "last": [A], **OURS}, "clear", "clear"),
    ("gone, a person replaced it", {"wanted": [], "standing": [B], "last": [A], **OURS}, "keep_orphaned", "clear"),
    ("gone, enrichment replaced it", {"wanted": [], "standing": [B], "last": [A], "automatic": True, **OURS},
     "keep_orphaned", "clear"),
    (
        "gone, and the target demands one",
        {"wanted": [], "standing": [A], "last": [A], "demanded": True, **OURS},
        "keep_orphaned",
        "keep_orphaned",
    ),
    (
        "only left out, as a log row says",
        {"wanted": [], "standing": [A], "last": [A], "incomplete": True, **OURS},
        "keep_orphaned",
        "keep_orphaned",
    ),
    # What cannot be changed.
    ("fixed, the source changed", {"wanted": [B], "standing": [A], "fixed": True}, "immutable", "immutable"),
    (
        "fixed, the source did not change",
        {"wanted": [A], "standing": [B], "last": [A], "fixed": True, **SAME},
        "unchanged",
        "unchanged",
    ),
    (
        "fixed, and gone",
        {"wanted": [], "standing": [A], "last": [A], "fixed": True, **OURS},
        "keep_orphaned",
        "keep_orphaned",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "fill", "overwrite"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_becomes_of_an_attribute(given: dict[str, Any], fill: Action, overwrite: Action) -> None:
    case = Case(**given)
    assert (decide(case, "fill"), decide(case, "overwrite")) == (fill, overwrite)


VALUES: list[list[str]] = [[], [A], [B], [A, B]]
FLAGS = ("changed", "written", "automatic", "multiple", "incomplete", "fixed", "demanded")
CASES = [
    Case(wanted=wanted, standing=standing, last=last, shown=shown, **dict(zip(FLAGS, flags, strict=True)))
    for wanted, standing, last, shown in product(VALUES, VALUES, VALUES, [None, [A], [B]])
    for flags in product((False, True), repeat=len(FLAGS))
]


@pytest.mark.parametrize("on_existing", ["fill", "overwrite"])
def test_nothing_is_written_where_the_target_holds_what_is_wanted(on_existing: OnExisting) -> None:
    assert {decide(case, on_existing) for case in CASES if case.wanted == case.standing} == {"unchanged"}


@pytest.mark.parametrize("on_existing", ["fill", "overwrite"])
def test_only_what_the_source_has_lost_is_cleared_and_nothing_that_is_demanded(on_existing: OnExisting) -> None:
    cleared = [case for case in CASES if decide(case, on_existing) == "clear"]
    assert cleared
    assert not any(case.wanted or case.demanded or case.incomplete or case.fixed for case in cleared)


def test_fill_replaces_nothing_that_a_person_chose() -> None:
    for case in CASES:
        if decide(case, "fill") in ("set", "clear") and case.standing:
            assert case.is_ours or case.automatic or case.standing == case.shown


def test_overwrite_leaves_no_value_of_the_source_unwritten_that_the_target_lets_be_changed() -> None:
    for case in CASES:
        if decide(case, "overwrite") == "unchanged" and case.wanted != case.standing and not case.fixed:
            assert not case.changed
            assert case.standing == case.shown
        assert decide(case, "overwrite") not in ("append", "keep_target")
