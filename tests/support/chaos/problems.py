"""What a run may not show."""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["lost", "doubled", "wrong", "stuck", "counters", "repeated", "process", "api"]

KINDS: dict[Kind, str] = {
    "lost": "a record of the source that is not in the target",
    "doubled": "a record that is in the target more than once",
    "wrong": "a value that differs from that of a run without faults",
    "stuck": "no progress within a minute, or no end",
    "counters": "counts that do not agree with each other or with those of a run without faults",
    "repeated": "a second run that writes",
    "process": "a process that ended by itself, or did not when it was told to",
    "api": "an answer of the API that no client could have provoked",
}


@dataclass
class Problems:
    """The problems of one run."""

    found: list[tuple[Kind, str]] = field(default_factory=list)

    def add(self, kind: Kind, text: str) -> None:
        """Note a problem, once."""
        if (kind, text) not in self.found:
            self.found.append((kind, text))

    def of_processes(self, text: str) -> None:
        """Note what a process did that it may not."""
        self.add("process", text)
