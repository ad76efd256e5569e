"""Turns of several processes on one account, on a real Redis."""

import asyncio
import itertools
import os
import signal
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis.exceptions
import structlog
from redis.asyncio import Redis

from freight import pacing
from freight.connectors.errors import Unavailable
from freight.connectors.protocols import Kind
from freight.embedded import redis_program
from freight.pacing import Pacer, Slot

RATES: dict[Kind, float] = {"read": 100.0, "write": 25.0}
DISTANCE = 1 / (25 * pacing.FACTOR)


class RedisServer:
    """A real Redis on a socket, to be stopped and started by tests."""

    def __init__(self, folder: Path) -> None:
        self._program = redis_program.find(os.environ["PATH"]).path
        self._folder = folder
        self.socket = str(folder / "redis.sock")
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        options = ["--port", "0", "--unixsocket", self.socket, "--dir", str(self._folder), "--save", ""]
        self._process = await asyncio.create_subprocess_exec(
            self._program, *options, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        client = Redis(unix_socket_path=self.socket)
        while True:
            try:
                await client.ping()
                break
            except redis.exceptions.ConnectionError:
                await asyncio.sleep(0.02)
        await client.aclose()

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()


@pytest.fixture
async def server(tmp_path_factory) -> AsyncIterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("r"))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(server: RedisServer) -> AsyncIterator[Redis]:
    client = Redis(unix_socket_path=server.socket)
    yield client
    await client.aclose()


@pytest.fixture(autouse=True)
def warm(monkeypatch):
    """Every process has its connections open already."""
    monkeypatch.setattr(pacing, "WARM_UP", 0)


async def slots(pacers: list[Pacer], count: int, kind: Kind = "write") -> list[Slot]:
    """What the pacers hand out in turn, without waiting."""
    return [await pacers[number % len(pacers)]._take(kind) for number in range(count)]


def distances(taken: list[Slot]) -> list[float]:
    return [after.at - before.at for before, after in itertools.pairwise(taken)]


async def test_the_slots_of_all_processes_together_keep_their_distance(client):
    pacers = [Pacer(client, account="a", rates=RATES) for _ in range(4)]
    taken = await slots(pacers, 60)
    assert distances(taken) == pytest.approx([DISTANCE] * 59, abs=1e-5)


async def test_no_second_holds_more_slots_than_the_vendor_allows_even_if_each_is_used_late(client):
    taken = await slots([Pacer(client, account="a", rates=RATES)], 120)
    latest = pacing.TOLERANCE
    for first in taken:
        within = [slot for slot in taken if first.at <= slot.at < first.at + 1 + latest]
        assert len(within) <= 25


async def test_reads_and_writes_and_accounts_have_slots_of_their_own(client):
    pacer, other = Pacer(client, account="a", rates=RATES), Pacer(client, account="b", rates=RATES)
    await slots([pacer], 50)
    assert (await pacer._take("read")).wait <= 0
    assert (await other._take("write")).wait <= 0


async def test_a_quiet_time_is_not_caught_up_on(client):
    pacer = Pacer(client, account="a", rates=RATES)
    await slots([pacer], 1)
    await asyncio.sleep(5 * DISTANCE)
    taken = await slots([pacer], 3)
    assert distances(taken) == pytest.approx([DISTANCE] * 2, abs=1e-5)
    assert taken[0].wait == 0


async def test_a_process_that_has_to_open_connections_first_takes_longer_slots_for_a_while(client, monkeypatch):
    monkeypatch.setattr(pacing, "WARM_UP", 1.5)
    pacer = Pacer(client, account="a", rates=RATES)
    cold = await slots([pacer], 3)
    assert distances(cold) == pytest.approx([pacing.WARM_UP_DISTANCE * DISTANCE] * 2, abs=1e-5)
    monkeypatch.setitem(pacer._warm_at, "write", time.monotonic())
    warm = await slots([pacer], 3)
    assert distances(warm) == pytest.approx([DISTANCE] * 2, abs=1e-5)


async def test_a_pause_holds_for_every_process_and_only_for_its_kind(client):
    one, two = Pacer(client, account="a", rates=RATES), Pacer(client, account="a", rates=RATES)
    await one.pause("write", datetime.now(UTC) + timedelta(seconds=40))
    taken = await slots([two], 3)
    assert taken[0].wait == pytest.approx(40, abs=5)
    assert distances(taken) == pytest.approx([DISTANCE] * 2, abs=1e-5)
    assert (await two._take("read")).wait <= 0


async def test_a_pause_that_is_over_changes_nothing(client):
    pacer = Pacer(client, account="a", rates=RATES)
    await pacer.pause("write", datetime.now(UTC) - timedelta(seconds=40))
    assert (await pacer._take("write")).wait == 0


async def test_a_shorter_pause_does_not_end_a_longer_one(client):
    pacer = Pacer(client, account="a", rates=RATES)
    await pacer.pause("write", datetime.now(UTC) + timedelta(seconds=40))
    await pacer.pause("write", datetime.now(UTC) + timedelta(seconds=4))
    assert (await pacer._take("write")).wait > 30


async def test_a_turn_that_came_late_moves_those_after_it(client):
    pacer = Pacer(client, account="a", rates=RATES)
    (before,) = await slots([pacer], 1)
    await pacer._shift("write", 0.5)
    (after,) = await slots([pacer], 1)
    assert after.at - before.at == pytest.approx(DISTANCE + 0.5, abs=1e-5)


async def test_turns_are_counted_and_so_is_what_they_waited(client):
    pacer = Pacer(client, account="a", rates=RATES)
    await asyncio.gather(*(pacer.turn("write") for _ in range(5)))
    assert pacer.requests == 5
    # Each waits for those before it: 0 + 1 + 2 + 3 + 4 distances, but for what is tolerated.
    assert pacer.seconds_waited > 10 * DISTANCE - 5 * pacing.TOLERANCE


async def test_an_unpaced_account_never_asks_redis(server):
    pacer = Pacer(Redis(unix_socket_path=server.socket + ".none"), account="a", rates={"read": 0})
    await asyncio.gather(*(pacer.turn(kind) for kind in ("read", "write") for _ in range(500)))
    await pacer.pause("read", datetime.now(UTC) + timedelta(seconds=40))
    assert (await pacer._take("read")).wait > 30
    assert not pacer._retry_redis_at


async def test_without_redis_each_worker_takes_its_share_and_goes_back_when_redis_is_there_again(
    server, client, monkeypatch
):
    said = structlog.testing.LogCapture()
    monkeypatch.setattr(pacing, "log", structlog.wrap_logger(None, processors=[said]))
    # So slow that all slots still lie ahead, however long the server takes to stop.
    distance = 100 * DISTANCE
    pacer = Pacer(client, account="a", rates={"write": RATES["write"] / 100}, workers=lambda: 4)
    began = time.monotonic()
    before = await slots([pacer], 3)
    await server.stop()
    without = await slots([pacer], 4)
    assert distances(without) == pytest.approx([4 * distance] * 3)
    # It goes on from where it stood: the first own slot is one share after the last shared one.
    passed = time.monotonic() - began
    assert before[-1].wait + 4 * distance - passed <= without[0].wait <= before[-1].wait + 4 * distance
    assert [entry["event"] for entry in said.entries] == ["pacing_without_redis"]
    await server.start()
    monkeypatch.setattr(pacer, "_retry_redis_at", time.monotonic())
    await slots([pacer], 1)
    assert distances(await slots([pacer], 3)) == pytest.approx([distance] * 2, abs=1e-5)
    assert [entry["event"] for entry in said.entries] == ["pacing_without_redis", "pacing_with_redis_again"]


async def test_a_redis_that_hangs_is_done_without(client, monkeypatch):
    monkeypatch.setattr(pacing, "REDIS_TIMEOUT", 0.01)
    blocked = Redis(connection_pool=client.connection_pool)
    await blocked.execute_command("CLIENT", "PAUSE", 60_000)
    pacer = Pacer(client, account="a", rates=RATES)
    assert (await pacer._take("write")).wait == 0
    assert pacer._retry_redis_at


class TestCircuit:
    """What happens while a vendor answers nothing but errors; times are handed in."""

    def opened(self) -> pacing._Circuit:
        circuit = pacing._Circuit()
        opened = [circuit.failed(100.0) for _ in range(pacing.FAILURES_TO_OPEN)]
        assert opened == [False] * (pacing.FAILURES_TO_OPEN - 1) + [True]
        return circuit

    def test_it_opens_only_after_failures_in_a_row(self):
        circuit = pacing._Circuit()
        for _ in range(10):
            for _ in range(pacing.FAILURES_TO_OPEN - 1):
                circuit.failed(0.0)
            circuit.succeeded()
        assert circuit.admits(0.0)

    def test_an_open_circuit_lets_one_trial_through_at_a_time(self):
        circuit = self.opened()
        assert not circuit.admits(100 + pacing.SHORTEST_OPEN - 1)
        assert [circuit.admits(100 + pacing.SHORTEST_OPEN) for _ in range(3)] == [True, False, False]
        circuit.succeeded()
        assert all(circuit.admits(111.0) for _ in range(3))

    def test_each_trial_that_fails_doubles_the_wait_up_to_a_minute(self):
        circuit = self.opened()
        now, waits = 100.0, []
        for _ in range(5):
            waits.append(circuit.open_for)
            now += circuit.open_for
            assert circuit.admits(now)
            assert circuit.failed(now)
        assert waits == [10, 20, 40, 60, 60]

    def test_requests_that_were_on_their_way_do_not_lengthen_it(self):
        circuit = self.opened()
        for _ in range(60):
            circuit.failed(100.0)
        assert circuit.open_for == pacing.SHORTEST_OPEN

    def test_a_trial_whose_outcome_is_never_reported_is_followed_by_another(self):
        circuit = self.opened()
        assert circuit.admits(110.0)
        assert circuit.admits(110.0 + pacing.TRIAL_TIMEOUT)


async def test_a_turn_gives_up_on_a_circuit_that_stays_open(client, monkeypatch):
    monkeypatch.setattr(pacing, "CIRCUIT_POLL", 0.001)
    monkeypatch.setattr(pacing, "PATIENCE", 0.01)
    pacer = Pacer(client, account="a", rates=RATES)
    for _ in range(pacing.FAILURES_TO_OPEN):
        await pacer.failed()
    with pytest.raises(Unavailable):
        await pacer.turn("read")
    await pacer.succeeded()
    await pacer.turn("read")
