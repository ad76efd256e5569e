"""The pace against a limit, simulated: requests leave at their slots and arrive later, by a different time each.

Nothing waits here. What decides is what decides in a worker: `Pace` and `Slots`, shared by all workers, of which each
holds one slot at a time and hears of a 429 a moment after it.
"""

import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import pytest

from freight.pacing.pace import Pace
from freight.pacing.slots import Slots

LIMIT = 25
ANSWER_SECONDS = 0.01
BETWEEN_TURNS = 0.0005
MAX_WAIT = 10.0

Window = Literal["sliding", "calendar"]
Event = Callable[[float], None]


class Measured(NamedTuple):
    """What came of a run."""

    rate: float
    """Writes a second, from the tenth to the last, as a part of the limit."""
    refused: int
    shares: list[float]
    """The share of the limit at each write."""


class Vendor:
    """A limit on writes within any second, or within each second of the clock."""

    def __init__(self, window: Window, limit: Callable[[float], int]) -> None:
        self.admitted: list[float] = []
        self.refused = 0
        self._window = window
        self._limit = limit

    def admit(self, now: float) -> float | None:
        """None, or when to come again: in whole seconds, rounded up, as vendors say it."""
        since = now - 1 if self._window == "sliding" else math.floor(now)
        within = [at for at in self.admitted[-LIMIT:] if at > since or (self._window == "calendar" and at == since)]
        if len(within) < self._limit(now):
            self.admitted.append(now)
            return None
        self.refused += 1
        return math.ceil(within[0] + 1 if self._window == "sliding" else since + 1) - math.floor(now)


class Fleet:
    """Workers that always have something to write."""

    def __init__(
        self, vendor: Vendor, *, workers: int, jitter: float, unevenness: float, lateness: float, seed: int
    ) -> None:
        self.pace = Pace()
        self.shares: list[float] = []
        self._vendor = vendor
        self._jitter = jitter
        self._unevenness = unevenness
        self._lateness = lateness
        self._random = random.Random(seed)
        self._slots = Slots()
        self._events: list[tuple[float, int, Event]] = []
        self._numbers = itertools.count()
        began = self._random.random()
        for _ in range(workers):
            self._at(began + self._random.uniform(0, 0.1), self._join)

    def run(self, writes: int) -> None:
        """Run until so many writes have been admitted."""
        while len(self._vendor.admitted) < writes:
            at, _, event = heapq.heappop(self._events)
            event(at)

    def _at(self, time: float, event: Event) -> None:
        heapq.heappush(self._events, (time, next(self._numbers), event))

    def _join(self, now: float) -> None:
        self.pace = self.pace.warming_up(now)
        self._take(now)

    def _take(self, now: float) -> None:
        slot = self._slots.take(now, self.pace.distance(now, LIMIT), MAX_WAIT)
        assert slot.is_taken
        late = self._tail(self._lateness)
        self._at(slot.at + late, lambda now: self._send(now, late))

    def _tail(self, mean: float) -> float:
        return self._random.expovariate(1 / mean) if mean else 0.0

    def _send(self, now: float, late: float) -> None:
        self._slots.late(now, late)
        self.shares.append(self.pace.share_at(now))
        self._at(now + self._random.uniform(0, self._jitter) + self._tail(self._unevenness), self._arrive)
        self._at(now + BETWEEN_TURNS, self._take)

    def _arrive(self, now: float) -> None:
        wait = self._vendor.admit(now)
        if wait is not None:
            self._at(now + ANSWER_SECONDS, lambda heard: self._hear(heard, wait))

    def _hear(self, now: float, wait: float) -> None:
        self._slots.pause(now, wait)
        self.pace = self.pace.after_refusal(now)


def measure(
    window: Window,
    *,
    workers: int,
    jitter: float = 0.0,
    unevenness: float = 0.0,
    lateness: float = 0.0,
    writes: int,
    seed: int = 1,
    limit: Callable[[float], int] = lambda _: LIMIT,
) -> Measured:
    """Simulate a run. `lateness` is the mean by which slots are used late, and `unevenness` that of a further part of
    the time until a request arrives; both are long-tailed, as on a busy machine, and Freight knows of the first alone.
    """
    vendor = Vendor(window, limit)
    fleet = Fleet(vendor, workers=workers, jitter=jitter, unevenness=unevenness, lateness=lateness, seed=seed)
    fleet.run(writes)
    seconds = vendor.admitted[-1] - vendor.admitted[9]
    return Measured((writes - 10) / seconds / LIMIT, vendor.refused, fleet.shares)


def runs(count: int, window: Window, *, writes: int, jitter: float, unevenness: float = 0.0) -> Iterator[Measured]:
    """Runs of one, two and four workers that begin with different random numbers."""
    for workers, seed in itertools.product((1, 2, 4), range(count)):
        yield measure(window, workers=workers, writes=writes, jitter=jitter, unevenness=unevenness, seed=seed)


WINDOWS = pytest.mark.parametrize("window", ["sliding", "calendar"])


@WINDOWS
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_any_number_of_workers_holds_97_percent_of_the_limit_without_a_429(window: Window, workers: int):
    run = measure(window, workers=workers, writes=1000)
    assert run.rate >= 0.97
    assert run.refused == 0


@WINDOWS
def test_an_arrival_jitter_of_80_ms_leaves_85_percent_of_the_limit_with_fewer_than_one_429_in_500(window: Window):
    for run in runs(8, window, writes=2000, jitter=0.08):
        assert run.rate >= 0.85
        assert run.refused < 2000 / 500


@WINDOWS
def test_so_does_a_jitter_that_a_busy_machine_adds_to(window: Window):
    for run in runs(8, window, writes=2000, jitter=0.08, unevenness=0.005):
        assert run.rate >= 0.85
        assert run.refused < 2000 / 500


@WINDOWS
@pytest.mark.parametrize(("lateness", "rate"), [(0.002, 0.97), (0.01, 0.92), (0.03, 0.85)])
def test_workers_that_use_their_slots_late_make_up_for_it_before_a_429(window: Window, lateness: float, rate: float):
    for workers, seed in itertools.product((1, 2, 4), range(4)):
        run = measure(window, workers=workers, writes=2000, lateness=lateness, seed=seed)
        assert run.rate >= rate
        assert run.refused < 2000 / 500


@WINDOWS
def test_over_an_hour_the_limit_is_tried_again_a_few_times_and_no_more(window: Window):
    run = measure(window, workers=2, jitter=0.08, writes=25 * 3600 * 9 // 10)
    assert run.rate >= 0.88
    assert 2 <= run.refused <= 60


def test_a_limit_that_is_lowered_is_found_and_the_rate_comes_back_after_it():
    def limit(now: float) -> int:
        return 10 if 60 <= now < 240 else LIMIT

    run = measure("sliding", workers=4, writes=25 * 2400, limit=limit)
    assert min(run.shares) < 10 / LIMIT
    assert run.refused < 25
    assert run.shares[-1] > 0.9


def test_a_second_429_of_the_same_moment_changes_nothing():
    once = Pace().after_refusal(100.0)
    assert once.share_at(100.0) == pytest.approx(0.98 * 0.92)
    assert once.after_refusal(100.9) is once
    assert once.after_refusal(101.1).share < once.share
