"""The states of a job and the transitions between them."""

from typing import Literal, get_args

from freight.domain.errors import StateConflict

Status = Literal["pending", "running", "paused", "completed", "completed_with_errors", "failed", "cancelled"]
Action = Literal["pause", "resume", "cancel", "retry", "delete"]
"""An action of a person on a job."""

STATUSES: tuple[Status, ...] = get_args(Status)

LIVE: frozenset[Status] = frozenset({"pending", "running", "paused"})

ALLOWED: dict[Status, frozenset[Status]] = {
    "pending": frozenset({"running", "paused", "failed", "cancelled"}),
    "running": frozenset({"paused", "completed", "completed_with_errors", "failed", "cancelled"}),
    "paused": frozenset({"pending", "running", "failed", "cancelled"}),
    "completed": frozenset(),
    "completed_with_errors": frozenset({"running"}),
    "failed": frozenset({"running"}),
    "cancelled": frozenset(),
}
"""From each state to the states that may follow it; an ended job runs again only by a retry."""

ACTIONS: dict[Action, frozenset[Status]] = {
    "pause": frozenset(status for status in STATUSES if "paused" in ALLOWED[status]),
    "resume": frozenset({"paused"}),
    "cancel": frozenset(status for status in STATUSES if "cancelled" in ALLOWED[status]),
    "retry": frozenset(status for status in STATUSES if status not in LIVE and "running" in ALLOWED[status]),
    "delete": frozenset(STATUSES) - LIVE,
}
"""The states in which a job allows each action, derived from the transitions above."""

DONE: dict[Action, str] = {
    "pause": "paused",
    "resume": "resumed",
    "cancel": "cancelled",
    "retry": "retried",
    "delete": "deleted",
}


def check(current: Status, wanted: Status) -> None:
    """Raise `StateConflict` unless a job may go from `current` to `wanted`."""
    if wanted not in ALLOWED[current]:
        raise StateConflict(f"A job that is {current} cannot become {wanted}.")


def check_action(current: Status, action: Action) -> None:
    """Raise `StateConflict` unless a job in the state `current` allows this action."""
    if current not in ACTIONS[action]:
        fitting = [status for status in STATUSES if status in ACTIONS[action]]
        raise StateConflict(f"A job that is {current} cannot be {DONE[action]}; only one that is {_or(fitting)} can.")


def _or(words: list[Status]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
