"""Faults that a vendor shows on request."""

import random
from typing import Annotated, Literal
from urllib.parse import parse_qs, parse_qsl, urlencode

import msgspec
from msgspec import Meta

FaultKind = Literal[
    "latency",
    "rate_limit",
    "odd_wait",
    "unavailable",
    "unauthorized",
    "forbidden",
    "html_forbidden",
    "server_error",
    "html_error",
    "html_success",
    "wrong_body",
    "server_error_after_write",
    "late_server_error_after_write",
    "write_conflict",
    "drop_before",
    "drop_after_write",
    "hang",
    "truncated",
    "drip",
    "cursor_expired",
    "old_cursors_expired",
    "cursor_loop",
    "storage_error",
    "storage_html",
    "storage_truncated",
    "storage_redirect",
    "task_links_dropped",
    "task_links_late",
]

AFTER_WRITE: frozenset[FaultKind] = frozenset(
    {"server_error_after_write", "late_server_error_after_write", "drop_after_write"}
)
IN_OPERATION: frozenset[FaultKind] = frozenset({"task_links_dropped", "task_links_late"})
"""Faults whose answer is a normal one, which the operation itself shows."""
ONLY_WRITES: frozenset[FaultKind] = AFTER_WRITE | IN_OPERATION | {"write_conflict"}
OF_CURSORS: frozenset[FaultKind] = frozenset({"cursor_expired", "old_cursors_expired", "cursor_loop"})
OF_STORAGE: frozenset[FaultKind] = frozenset({"storage_error", "storage_html", "storage_truncated", "storage_redirect"})
STORAGE = "/userfiles/"
"""The path below which Affinity's storage serves files."""
REDIRECTED = "region"
"""The query parameter that `storage_redirect` adds: a request that has it is not redirected again."""
CURSORS = ("cursor", "page_token")
"""The query parameters that request a further page."""


class FaultRequest(msgspec.Struct, frozen=True):
    """The parts of a request that decide which faults it meets."""

    method: str
    path: str
    query: str
    write: bool

    @property
    def cursor(self) -> str | None:
        """The cursor of the requested page; None for a first page."""
        given = parse_qs(self.query)
        return next((given[name][0] for name in CURSORS if name in given), None)

    @property
    def other_parameters(self) -> list[tuple[str, str]]:
        """The query without its cursor."""
        return [(name, value) for name, value in parse_qsl(self.query) if name not in CURSORS]

    @property
    def reading(self) -> str:
        """The sequence of pages that the request belongs to, the same for each of its pages."""
        return f"{self.path}?{urlencode(sorted(self.other_parameters))}"


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A fault, shown to the requests that it matches.

    - `latency` delays the request; `hang` never answers; `drip` sends the answer byte by byte.
    - `rate_limit`, `unauthorized`, `forbidden`, `server_error`, `write_conflict` are errors in the vendor's wording.
      `odd_wait` is its 429 and `unavailable` a 503, both with the given `headers`.
    - `html_error` (502), `html_success` (200) and `html_forbidden` (403) are pages of a gateway, of a maintenance and
      of a web application firewall; `wrong_body` is an error body with status 200. None of them takes effect.
    - `…_after_write` let the write take effect and hide its answer; with `late_…` a gateway answers 504 at once, and
      the write takes effect `milliseconds` later.
    - `drop_before` closes the connection before the answer, `truncated` in the middle of it.
    - `cursor_expired` refuses every further page with 400, `old_cursors_expired` only those of readings that began
      before the fault: a client that starts again from the first page gets everything. With `cursor_loop` the third
      page and all later ones link to the page that was requested before.
    - `storage_…` concern downloads from Affinity's storage: S3's error or an HTML page with status 200, half of the
      bytes without a length, a redirect to another address of the same storage. The storage shows other kinds only if
      `path_prefix` begins with its path, `/userfiles/`.
    - With `task_links_…` Attio creates a task without the links to its records, permanently or for a moment.

    `…_after_write`, `write_conflict` and `task_links_…` match writes only.
    """

    kind: FaultKind
    times: Annotated[int, Meta(ge=1)] | None = None
    """The number of requests that meet it; None means all."""
    method: str | None = None
    path_prefix: str = "/"
    probability: Annotated[float, Meta(gt=0, le=1)] = 1.0
    milliseconds: Annotated[int, Meta(ge=0)] = 0
    """For `latency`, the delay; for `drip`, the time between two bytes; for `late_server_error_after_write`, the time
    until the effect.
    """
    jitter_milliseconds: Annotated[int, Meta(ge=0)] = 0
    """Only for `latency`: the maximum of a random delay on top."""
    headers: dict[str, str] = {}
    """Only for `odd_wait` and `unavailable`: headers of the answer, which replace the vendor's own."""

    def matches(self, asked: FaultRequest) -> bool:
        """Return whether a request could meet this fault."""
        return (
            (self.method is None or self.method.upper() == asked.method)
            and asked.path.startswith(self.path_prefix)
            and (asked.write or self.kind not in ONLY_WRITES)
            and (self.kind not in OF_CURSORS or asked.cursor is not None)
            and self._is_at_home(asked)
        )

    def _is_at_home(self, asked: FaultRequest) -> bool:
        """Return whether the fault belongs to the requested part of the vendor: its API or its storage."""
        if not asked.path.startswith(STORAGE):
            return self.kind not in OF_STORAGE
        if self.kind == "storage_redirect":
            return REDIRECTED not in parse_qs(asked.query)
        return self.kind in OF_STORAGE or self.path_prefix.startswith(STORAGE)


class Faults:
    """The active faults of one vendor."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311
        self._faults: list[Fault] = []
        self._begun: set[str] = set()
        """Readings that began since cursors last expired."""

    def add(self, fault: Fault) -> None:
        """Activate a fault."""
        self._faults.append(fault)
        if fault.kind == "old_cursors_expired":
            self._begun.clear()

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def read(self) -> list[Fault]:
        """Return the active faults, with their remaining times."""
        return list(self._faults)

    def delay(self, asked: FaultRequest) -> float:
        """Return the seconds by which this request is delayed."""
        total = 0.0
        for fault in list(self._faults):
            if fault.kind == "latency" and self._applies(fault, asked):
                total += fault.milliseconds + self._random.uniform(0, fault.jitter_milliseconds)
        return total / 1000

    def draw(self, asked: FaultRequest) -> Fault | None:
        """Return the first fault that this request meets, or None."""
        if asked.cursor is None:
            self._begun.add(asked.reading)
        for fault in self._faults:
            if fault.kind != "latency" and fault.kind not in IN_OPERATION and self._applies(fault, asked):
                return fault
        return None

    def applies(self, kind: FaultKind, method: str, path: str) -> bool:
        """Return whether a write meets a fault of a kind that its operation shows itself."""
        asked = FaultRequest(method, path, "", write=True)
        return any(self._applies(fault, asked) for fault in list(self._faults) if fault.kind == kind)

    def _applies(self, fault: Fault, asked: FaultRequest) -> bool:
        if not fault.matches(asked) or (fault.kind == "old_cursors_expired" and asked.reading in self._begun):
            return False
        if fault.probability < 1 and self._random.random() >= fault.probability:
            return False
        if fault.times is not None:
            fault.times -= 1
            if fault.times == 0:
                self._faults.remove(fault)
        return True
