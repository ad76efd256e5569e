"""Schedules: what happens when, drawn from a seed. The same seed draws the same schedule."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

SPAN = 25.0
"""Seconds over which scenarios draw the beginnings of faults, before they are stretched."""


@dataclass(frozen=True)
class Act:
    """Something that happens to a run."""

    at: float
    """Seconds after the request that creates the job."""
    name: str
    given: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        given = " ".join(f"{name}={value}" for name, value in self.given.items())
        return f"{self.at:7.2f} s  {self.name} {given}".rstrip()


@dataclass(frozen=True)
class Scenario:
    """A kind of trouble."""

    name: str
    promise: str
    draw: Callable[[Random], list[Act]]
    needs_person: bool = False
    """Whether a job may end with failures that a person has to retry."""

    def __str__(self) -> str:
        return self.name


def schedule(scenario: Scenario, seed: int, span: float) -> list[Act]:
    """Return what happens in a run, in its order, stretched over so many seconds."""
    drawn = scenario.draw(Random(f"{scenario.name} {seed}"))
    stretched = [replace(act, at=round(act.at * span / SPAN, 2)) for act in drawn]
    return sorted(stretched, key=lambda act: act.at)
