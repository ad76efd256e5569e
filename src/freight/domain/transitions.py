"""The states of a job and the ways between them."""

from typing import Literal, get_args

from freight.domain.errors import StateConflict

Status = Literal["pending", "running", "paused", "completed", "completed_with_errors", "failed", "cancelled"]

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


def check(current: Status, wanted: Status) -> None:
    """Raise `StateConflict` unless a job may go from `current` to `wanted`."""
    if wanted not in ALLOWED[current]:
        raise StateConflict(f"A job that is {current} cannot become {wanted}.")
