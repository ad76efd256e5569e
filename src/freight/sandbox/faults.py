"""Faults that a vendor shows on request."""

import random
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

FaultKind = Literal[
    "latency",
    "rate_limit",
    "unauthorized",
    "forbidden",
    "server_error",
    "html_error",
    "server_error_after_write",
    "write_conflict",
    "drop_before",
    "drop_after_write",
    "task_links_dropped",
    "task_links_late",
]

AFTER_WRITE: frozenset[FaultKind] = frozenset({"server_error_after_write", "drop_after_write"})
IN_OPERATION: frozenset[FaultKind] = frozenset({"task_links_dropped", "task_links_late"})
"""Faults with a right answer, which an operation shows itself."""
ONLY_WRITES: frozenset[FaultKind] = AFTER_WRITE | IN_OPERATION | {"write_conflict"}


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A fault to show to the requests that it matches.

    The kinds `…_after_write` let the write take effect and then hide its answer; they and `write_conflict` match
    writes only. With `task_links_…` Attio creates a task without the links to its records, for good or for a moment.
    """

    kind: FaultKind
    times: Annotated[int, Meta(ge=1)] | None = None
    """How many requests meet it; None is every one."""
    method: str | None = None
    path_prefix: str = "/"
    probability: Annotated[float, Meta(gt=0, le=1)] = 1.0
    milliseconds: Annotated[int, Meta(ge=0)] = 0
    """Only for `latency`."""
    jitter_milliseconds: Annotated[int, Meta(ge=0)] = 0
    """Only for `latency`: a random part on top."""

    def matches(self, method: str, path: str, *, write: bool) -> bool:
        """Whether a request could meet this fault."""
        return (
            (self.method is None or self.method.upper() == method)
            and path.startswith(self.path_prefix)
            and (write or self.kind not in ONLY_WRITES)
        )


class Faults:
    """The faults that are in force at one vendor."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        self._faults.append(fault)

    def clear(self) -> None:
        """End all faults."""
        self._faults.clear()

    def read(self) -> list[Fault]:
        """The faults in force, with the times that are left."""
        return list(self._faults)

    def delay(self, method: str, path: str, *, write: bool) -> float:
        """Seconds by which this request is held up."""
        total = 0.0
        for fault in list(self._faults):
            if fault.kind == "latency" and self._strikes(fault, method, path, write=write):
                total += fault.milliseconds + self._random.uniform(0, fault.jitter_milliseconds)
        return total / 1000

    def draw(self, method: str, path: str, *, write: bool) -> FaultKind | None:
        """What goes wrong with this request, if anything: the first fault that strikes."""
        for fault in self._faults:
            if (
                fault.kind != "latency"
                and fault.kind not in IN_OPERATION
                and self._strikes(fault, method, path, write=write)
            ):
                return fault.kind
        return None

    def strikes(self, kind: FaultKind, method: str, path: str) -> bool:
        """Whether a write meets a fault of a kind that its operation shows itself."""
        return any(self._strikes(fault, method, path, write=True) for fault in list(self._faults) if fault.kind == kind)

    def _strikes(self, fault: Fault, method: str, path: str, *, write: bool) -> bool:
        if not fault.matches(method, path, write=write):
            return False
        if fault.probability < 1 and self._random.random() >= fault.probability:
            return False
        if fault.times is not None:
            fault.times -= 1
            if fault.times == 0:
                self._faults.remove(fault)
        return True
