"""The fault suite itself: its schedules can be drawn again, and it sees what it is there to see."""

from collections import Counter
from dataclasses import replace

import msgspec
import pytest

from freight_sandbox.faults import Fault
from support.chaos import books
from support.chaos.acts import ACTS
from support.chaos.books import Books
from support.chaos.problems import Problems
from support.chaos.scenarios import SCENARIOS
from support.chaos.schedule import Scenario, schedule
from support.comparison.values import Difference

COUNTS = {"read": 3, "created": 2, "updated": 0, "unchanged": 0, "skipped": 1, "failed": 0}
EXPECTED = Books(
    status="completed",
    error="",
    outcomes={"notes": COUNTS},
    differences=Counter({Difference("notes", "1", frozenset({"author"}), "owner"): 1}),
    ledger={"notes": 2},
    failures=[],
)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=str)
def test_a_seed_draws_the_same_schedule_each_time(scenario: Scenario) -> None:
    for seed in range(20):
        drawn = schedule(scenario, seed, span=25)
        assert drawn == schedule(scenario, seed, span=25)
        assert [act.at for act in drawn] == sorted(act.at for act in drawn)


def test_most_seeds_draw_different_schedules() -> None:
    drawn = {str(schedule(SCENARIOS["everything"], seed, span=25)) for seed in range(50)}
    assert len(drawn) == 50


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=str)
def test_schedules_name_acts_and_faults_that_there_are(scenario: Scenario) -> None:
    for seed in range(20):
        for act in schedule(scenario, seed, span=25):
            assert act.name in ACTS
            for _, fault in act.given.get("faults", ()):
                msgspec.convert(fault, Fault)


def test_books_that_agree_show_no_problem() -> None:
    assert problems(EXPECTED) == set()


def test_what_a_retry_finds_unchanged_counts_as_arrived() -> None:
    counts = {**COUNTS, "created": 1, "unchanged": 1}
    assert problems(replace(EXPECTED, outcomes={"notes": counts})) == set()


@pytest.mark.parametrize(
    ("kind", "problem"), [("absent", "lost"), ("twice", "doubled"), ("made up", "doubled"), ("missing", "wrong")]
)
def test_a_difference_that_a_run_without_faults_lacks_is_a_problem(kind: str, problem: str) -> None:
    further = EXPECTED.differences + Counter({Difference("notes", "2", frozenset(), kind): 1})
    assert problems(replace(EXPECTED, differences=further)) == {problem}


def test_counts_that_differ_are_a_problem() -> None:
    for counts in ({**COUNTS, "created": 1, "failed": 1}, {**COUNTS, "skipped": 2}):
        assert problems(replace(EXPECTED, outcomes={"notes": counts})) == {"counters"}
    assert problems(replace(EXPECTED, ledger={"notes": 3})) == {"counters"}


def test_a_job_that_ends_in_another_way_is_a_problem() -> None:
    assert problems(replace(EXPECTED, status="failed")) == {"stuck"}


def test_what_a_job_that_failed_did_not_migrate_is_no_problem_of_its_own_but_a_double_is() -> None:
    further = Counter(Difference("notes", "2", frozenset(), kind) for kind in ("absent", "twice", "missing"))
    found = replace(EXPECTED, status="failed", differences=further, ledger={})
    assert problems(found) == {"stuck", "doubled"}


def problems(found: Books) -> set[str]:
    noted = Problems()
    books.compare(found, EXPECTED, noted)
    return {kind for kind, _ in noted.found}
