"""The requests that a vendor received: by operation and status, and in total."""

from collections import Counter

import msgspec


class OperationCount(msgspec.Struct, frozen=True):
    """Requests to one operation that ended with one status; 0 means a connection closed without an answer."""

    method: str
    route: str
    status: int
    count: int


class Counts(msgspec.Struct, frozen=True):
    """All counts since the start or the last reset. `reads` and `writes` include refused requests."""

    reads: int
    writes: int
    rate_limited: int
    requests: list[OperationCount]


class Counters:
    """Counters of the requests to one vendor."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Reset all counters to zero."""
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._reads = self._writes = 0

    def count(self, method: str, route: str, status: int, *, write: bool) -> None:
        """Count one finished request."""
        self._requests[method, route, status] += 1
        if write:
            self._writes += 1
        else:
            self._reads += 1

    def read(self) -> Counts:
        """Return the counts so far."""
        return Counts(
            reads=self._reads,
            writes=self._writes,
            rate_limited=sum(count for (_, _, status), count in self._requests.items() if status == 429),
            requests=[OperationCount(*key, count) for key, count in sorted(self._requests.items())],
        )
