"""Turns of several processes on one account, on a real Redis and a clock that stands still unless something waits."""

import asyncio
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from pacing_parts import DISTANCE, PATIENT, RATES, Clock, RedisServer
from redis.asyncio import Redis

from freight.connectors.errors import MustWait
from freight.pacing import Pacer
from freight.pacing.circuit import FAILURES_TO_OPEN, SHORTEST_OPEN
from freight.pacing.lane import MAX_WAIT, Lane
from freight.pacing.pace import FALL, HIGHEST_SHARE, WARM_UP_DISTANCE, read
from freight.pacing.shared import Shared

KEY = "freight:pace:a:write"


@pytest.fixture
def said() -> Iterator[list[Any]]:
    """What is logged."""
    with structlog.testing.capture_logs() as entries:
        yield entries


def a_pacer(client: Redis, clock: Clock, **changes: Any) -> Pacer:
    given = {"account": "a", "rates": RATES, "warm_up": False, "clock": clock, "sleep": clock.sleep}
    return Pacer(client, **(given | changes))


def a_lane(client: Redis, clock: Clock, *, rate: float = 25.0, workers: int = 1, warm_up: bool = False, **given: Any):
    shared = Shared(client, "a", clock=clock, **given)
    return Lane(shared, "write", rate, lambda: workers, clock=clock, warm_up=warm_up)


def in_(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def next_slot(client: Redis) -> float:
    """Seconds until the account's next slot, which is left to others."""
    taken = await Shared(client, "a").take("write", 0.0, PATIENT)
    assert taken is not None
    return taken.slot.wait


async def test_turns_keep_their_distance(client, clock):
    one, two = a_pacer(client, clock), a_pacer(client, clock)
    for _ in range(10):
        await one.turn("write")
        await two.turn("write")
    # The clock stood still but for the waits, while Redis's went on a little.
    assert clock.waited <= 19 * DISTANCE * 10
    assert clock.waited > 10 * DISTANCE


class TestSlotsThatAreUsedLate:
    @pytest.mark.parametrize("asleep", [20.0, 75.0, 3600.0])
    async def test_a_process_that_slept_takes_another_slot_and_holds_nobody_up(self, client, asleep):
        clock = Clock(0.0, asleep)
        pacer = a_pacer(client, clock)
        for _ in range(3):
            await pacer.turn("write")
        # It has slept in the middle of its second wait.
        assert clock.now > 1000 + asleep
        assert await next_slot(client) < 1

    async def test_the_account_never_moves_by_more_than_a_second(self, client):
        clock = Clock(0.0, *[0.99] * 5)
        pacer = a_pacer(client, clock)
        for _ in range(3):
            before = await next_slot(client)
            await pacer.turn("write")
            assert await next_slot(client) - before < 1 + DISTANCE


class TestPauses:
    async def test_a_short_pause_is_waited_for_by_every_process(self, client, clock):
        await a_pacer(client, Clock()).pause("write", in_(8))
        await a_pacer(client, clock).turn("write")
        assert clock.waited == pytest.approx(8, abs=2)

    @pytest.mark.parametrize("seconds", [30, 300])
    async def test_a_long_pause_is_said_at_once_in_every_process_and_waited_for_in_none(self, client, clock, seconds):
        one, two = a_pacer(client, clock, vendor="Attio"), a_pacer(client, clock, vendor="Attio")
        await one.pause("write", in_(seconds))
        for pacer in (one, two):
            with pytest.raises(MustWait, match="Attio allows no further requests") as raised:
                await pacer.turn("write")
            assert raised.value.code == "rate_limited"
            assert abs((raised.value.until - in_(seconds)).total_seconds()) < 5
            await pacer.turn("read")
        assert clock.waited < 1

    async def test_all_turns_that_wait_hear_of_it(self, client, clock):
        pacer = a_pacer(client, clock)
        waiting = [asyncio.create_task(pacer.turn("write")) for _ in range(30)]
        await pacer.pause("write", in_(300))
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(error, MustWait) for error in found[1:])

    @pytest.mark.parametrize("seconds", [31_536_000, 1_795_748_498])
    async def test_a_wait_that_is_no_wait_lasts_an_hour_at_most(self, client, clock, seconds):
        one, two = a_pacer(client, clock), a_pacer(client, clock)
        await one.pause("write", in_(seconds))
        for pacer in (one, two):
            with pytest.raises(MustWait) as raised:
                await pacer.turn("write")
            assert raised.value.until <= in_(3600)
        assert await client.ttl(KEY) <= 3600

    async def test_a_pause_that_redis_forgot_still_holds_for_the_process_that_was_told(self, client, clock):
        pacer = a_pacer(client, clock)
        await pacer.pause("write", in_(60))
        await client.flushall()
        with pytest.raises(MustWait):
            await pacer.turn("write")

    async def test_a_pause_that_is_over_changes_nothing(self, client, clock):
        pacer = a_pacer(client, clock)
        await pacer.pause("write", in_(-40))
        await pacer.turn("write")
        assert clock.waited == 0

    async def test_an_unpaced_account_never_asks_redis(self, server, clock, said):
        pacer = a_pacer(Redis(unix_socket_path=server.socket + ".none"), clock, rates={"read": 0})
        await asyncio.gather(*(pacer.turn(kind) for kind in ("read", "write") for _ in range(500)))
        await pacer.pause("read", in_(40))
        with pytest.raises(MustWait):
            await pacer.turn("read")
        assert said == []


class TestPaces:
    async def test_a_429_slows_down_every_process_and_several_at_once_count_as_one(self, client, clock, said):
        pacers = [a_pacer(client, clock) for _ in range(4)]
        for pacer in pacers:
            await pacer.turn("write")
        await asyncio.gather(*(pacer.pause("write", in_(0.1)) for pacer in pacers * 3))
        assert read(await client.hget(KEY, "pace")).share == pytest.approx(HIGHEST_SHARE * FALL)
        assert [entry["event"] for entry in said] == ["pace_fell"]
        new = a_lane(client, clock)
        await new.take(MAX_WAIT)
        before = (await new.take(MAX_WAIT)).at
        assert (await new.take(MAX_WAIT)).at - before == pytest.approx(DISTANCE / FALL, rel=0.1)

    async def test_a_process_that_begins_to_send_warms_up_the_whole_account(self, client, clock):
        cold, other = a_lane(client, clock, warm_up=True), a_lane(client, clock)
        await cold.take(MAX_WAIT)
        before = await other.take(MAX_WAIT)
        taken = [await lane.take(MAX_WAIT) for lane in (cold, other, cold)]
        assert taken[-1].wait - before.wait > 2 * WARM_UP_DISTANCE * DISTANCE

    async def test_what_is_no_pace_is_ignored_and_replaced(self, client, clock):
        await client.hset(KEY, "pace", '{"share":0.0000001,"refused_at":1e300}')
        pacer = a_pacer(client, clock)
        await pacer.turn("write")
        await pacer.pause("write", in_(0.01))
        assert read(await client.hget(KEY, "pace")).share == pytest.approx(HIGHEST_SHARE * FALL)

    async def test_a_clock_that_was_set_back_does_not_keep_the_pace_down(self, client, clock):
        seconds, _ = await client.time()
        await client.hset(KEY, "pace", f'{{"share":0.5,"refused_at":{seconds + 3600},"refusals":1}}')
        await a_pacer(client, clock).turn("write")
        assert read(await client.hget(KEY, "pace")).refused_at <= seconds + 10


class TestWithoutRedis:
    async def test_each_worker_takes_its_share_and_goes_back_when_redis_is_there_again(
        self, server: RedisServer, client, clock, said
    ):
        # So slow that all slots still lie ahead, however long the server takes to stop.
        distance = 100 * DISTANCE
        lane = a_lane(client, clock, rate=0.25, workers=4)
        before = [await lane.take(PATIENT) for _ in range(3)]
        await server.stop()
        without = [await lane.take(PATIENT) for _ in range(4)]
        assert [after.at - one.at for one, after in itertools.pairwise(without)] == pytest.approx([4 * distance] * 3)
        # It goes on from where it stood: the first own slot is one share after the last shared one.
        assert without[0].at == pytest.approx(before[-1].at + 4 * distance)
        assert [entry["event"] for entry in said] == ["pacing_without_redis"]
        await server.start()
        clock.now += 1
        with_it = [await lane.take(PATIENT) for _ in range(3)]
        assert with_it[2].wait - with_it[1].wait == pytest.approx(distance, abs=1)
        assert [entry["event"] for entry in said] == ["pacing_without_redis", "pacing_with_redis_again"]

    async def test_a_redis_that_hangs_is_done_without(self, client, clock, said):
        await client.execute_command("CLIENT", "PAUSE", 60_000)
        await a_pacer(client, clock, redis_timeout=0.01).turn("write")
        assert [entry["event"] for entry in said] == ["pacing_without_redis"]

    async def test_a_long_pause_is_said_and_not_waited_for(self, server, clock):
        pacer = a_pacer(Redis(unix_socket_path=server.socket + ".none"), clock)
        await pacer.pause("write", in_(300))
        with pytest.raises(MustWait):
            await pacer.turn("write")


class TestOpenCircuits:
    async def opened(self, pacer: Pacer) -> None:
        for _ in range(FAILURES_TO_OPEN):
            await pacer.failed()

    async def test_a_trial_that_is_near_is_waited_for(self, client, clock):
        pacer = a_pacer(client, clock)
        await self.opened(pacer)
        clock.now += 3
        await pacer.turn("read")
        assert clock.waited == pytest.approx(SHORTEST_OPEN - 3)

    async def test_one_that_is_not_is_said_at_once_and_what_it_waits_for(self, client, clock):
        pacer = a_pacer(client, clock, vendor="Attio")
        await self.opened(pacer)
        clock.now += SHORTEST_OPEN
        await pacer.turn("read")
        await pacer.failed()
        waited = clock.waited
        for kind in ("read", "write"):
            with pytest.raises(MustWait, match="Attio cannot be used: the last 9 requests") as raised:
                await pacer.turn(kind)
            assert raised.value.code == "vendor_unavailable"
            assert abs((raised.value.until - in_(2 * SHORTEST_OPEN)).total_seconds()) < 5
        assert clock.waited == waited

    async def test_the_others_wait_for_the_outcome_of_a_trial(self, client, clock):
        pacer = a_pacer(client, clock)
        await self.opened(pacer)
        clock.now += SHORTEST_OPEN
        await pacer.turn("read")
        other = asyncio.create_task(pacer.turn("read"))
        await asyncio.sleep(0)
        await pacer.succeeded()
        await other
        assert clock.waited < 1

    async def test_they_do_not_wait_for_long(self, client, clock):
        pacer = a_pacer(client, clock)
        await self.opened(pacer)
        clock.now += SHORTEST_OPEN
        await pacer.turn("read")
        waiting = [pacer.turn("read") for _ in range(20)]
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(error, MustWait) for error in found)
        assert clock.waited <= MAX_WAIT + 1

    async def test_a_long_pause_is_no_trial(self, client, clock):
        pacer = a_pacer(client, clock)
        await self.opened(pacer)
        await pacer.pause("write", in_(300))
        clock.now += SHORTEST_OPEN
        with pytest.raises(MustWait):
            await pacer.turn("write")
        await pacer.turn("read")
        assert clock.waited == 0

    async def test_it_is_one_account_s_own(self, client, clock):
        await self.opened(a_pacer(client, clock))
        await a_pacer(client, clock, account="b").turn("read")
        assert clock.waited == 0
