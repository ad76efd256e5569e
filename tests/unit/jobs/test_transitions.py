"""The states of a job and the ways between them, gone at random."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from freight.domain.errors import StateConflict
from freight.domain.jobs.transitions import ACTIONS, ALLOWED, LIVE, STATUSES, Action, Status, check, check_action

BECOMES: dict[Action, tuple[Status, ...]] = {
    "pause": ("paused",),
    "resume": ("pending", "running"),
    "cancel": ("cancelled",),
    "retry": ("running",),
}


class Life(RuleBasedStateMachine):
    """A job to which whatever is tried happens only if the table allows it."""

    def __init__(self) -> None:
        super().__init__()
        self.status: Status = "pending"

    @rule(wanted=st.sampled_from(STATUSES))
    def move(self, wanted: Status) -> None:
        if wanted not in ALLOWED[self.status]:
            with pytest.raises(StateConflict, match=f"is {self.status} cannot become {wanted}"):
                check(self.status, wanted)
            return
        check(self.status, wanted)
        assert wanted != self.status
        assert self.status in LIVE or wanted == "running", "an ended job only runs again"
        self.status = wanted

    @rule(action=st.sampled_from(sorted(BECOMES)), choice=st.integers(0, 1))
    def act(self, action: Action, choice: int) -> None:
        if self.status not in ACTIONS[action]:
            with pytest.raises(StateConflict, match=f"is {self.status} "):
                check_action(self.status, action)
            return
        check_action(self.status, action)
        wanted = BECOMES[action][choice % len(BECOMES[action])]
        check(self.status, wanted)
        self.status = wanted

    @precondition(lambda self: self.status in ACTIONS["delete"])
    @rule()
    def may_be_deleted(self) -> None:
        assert self.status not in LIVE

    @invariant()
    def something_can_be_done_or_it_is_over(self) -> None:
        over = self.status in ("completed", "cancelled")
        assert bool(ALLOWED[self.status]) != over
        assert (self.status in LIVE) == (self.status in ACTIONS["cancel"])


test_a_job_goes_only_ways_that_the_table_has = Life.TestCase


@pytest.mark.parametrize("status", STATUSES)
def test_every_state_can_be_reached_from_a_new_job(status: Status) -> None:
    reached: set[Status] = {"pending"}
    while new := {following for known in reached for following in ALLOWED[known]} - reached:
        reached |= new
    assert status in reached
