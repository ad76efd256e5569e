"""A create whose effect is unknown is looked for over a minute before the record is sent again."""

import msgspec
import pytest

from freight.connectors.protocols import Draft
from freight.domain.migration.planning.plan import RecordPlan
from freight.domain.migration.records.records import Staged
from freight.domain.migration.steps.doubts import MAX_DOUBTS, Doubts
from freight.model.crm import Task


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def plan(*, seconds: float = 0.0, is_doubted: bool = True, doubts: int = 1, unique: bool = False) -> RecordPlan:
    draft = Draft(
        entity="tasks", source_id="1", values={}, unique={"id": ("1",)} if unique else {}, multiple=frozenset()
    )
    staged = Staged(
        id=1,
        source_id="1",
        record=Task(id="1"),
        in_flight="create",
        in_flight_seconds=seconds,
        is_doubted=is_doubted,
        doubts=doubts,
    )
    return RecordPlan(staged=staged, draft=draft, drafted={}, write="create")


def looks(doubts: Doubts, clock: Clock) -> list[float]:
    """When a record that is never found is looked for, in seconds since its request ended."""
    began, times = clock.now, []
    doubts.add(plan().staged)
    while doubts:
        clock.now += doubts.seconds_left()
        assert doubts.take_due() == [1]
        times.append(clock.now - began)
        doubts.may_send(plan(seconds=times[-1]))
    return times


def test_a_record_in_doubt_is_looked_for_again_and_again_for_a_minute():
    clock = Clock()
    times = looks(Doubts(60, clock=clock), clock)
    assert len(times) == 6
    assert times[0] <= 3
    assert 60 <= times[-1] <= 62
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("seconds", "is_doubted", "may_send"),
    [(59.0, True, False), (60.0, True, True), (29.0, False, False), (30.0, False, True)],
)
def test_a_record_is_sent_again_only_when_its_request_can_hardly_take_effect_any_more(seconds, is_doubted, may_send):
    doubts = Doubts(60)
    assert doubts.may_send(plan(seconds=seconds, is_doubted=is_doubted)) is may_send
    assert len(doubts) == (not may_send)


def test_what_the_target_keeps_apart_by_a_unique_value_is_sent_again_at_once():
    assert Doubts(60).may_send(plan(unique=True))


def test_an_update_is_sent_again_at_once():
    assert Doubts(60).may_send(msgspec.structs.replace(plan(), write="update"))


def test_a_record_that_no_request_creates_is_given_up():
    doubts = Doubts(60)
    assert not doubts.is_hopeless(plan(doubts=MAX_DOUBTS))
    assert doubts.is_hopeless(plan(doubts=MAX_DOUBTS + 1))


def test_hundreds_in_doubt_are_looked_for_together():
    clock = Clock()
    doubts = Doubts(60, clock=clock)
    for number in range(300):
        clock.now += 0.002
        doubts.add(msgspec.structs.replace(plan().staged, id=number))
    clock.now += doubts.seconds_left()
    assert len(doubts.take_due()) == 300
