"""What keeps the records of a step from going on, where several things do."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from freight.connectors.errors import ConnectorError, MustWait, PlanLimitReached, Unavailable
from freight.domain.current_step import Interrupted
from freight.domain.migration.steps.chunk_runner import ChunkRunner

WAIT = MustWait("Attio asks for a wait.", until=datetime.now(UTC), code="rate_limited")
FULL = PlanLimitReached("The plan is full.")
DOWN = Unavailable("Attio answered 500.")
PAUSED = Interrupted()


def a_runner() -> ChunkRunner:
    nothing = cast("Any", None)
    return ChunkRunner(nothing, nothing, nothing, nothing, nothing, nothing, nothing)


@pytest.mark.parametrize(
    ("errors", "raised"),
    [
        ([DOWN, WAIT], WAIT),
        ([WAIT, DOWN], WAIT),
        ([DOWN, FULL], FULL),
        ([PAUSED, WAIT], WAIT),
        ([WAIT, FULL], WAIT),
        ([DOWN, PAUSED], DOWN),
    ],
)
def test_a_wait_and_a_full_plan_come_before_what_counts_as_a_failed_attempt(
    errors: list[ConnectorError | Interrupted], raised: Exception
) -> None:
    runner = a_runner()
    for error in errors:
        runner.fail(error)
    assert runner.has_failed
    with pytest.raises(type(raised)) as caught:
        runner.raise_failure()
    assert caught.value is raised


def test_without_a_failure_nothing_is_raised() -> None:
    runner = a_runner()
    runner.raise_failure()
    assert not runner.has_failed
