"""The slots and the pace that several processes share, in a real Redis."""

import itertools

import pytest
from pacing_parts import DISTANCE, PATIENT
from redis.asyncio import Redis

from freight.pacing.pace import Pace, read, written
from freight.pacing.shared import FURTHEST_SLOT, Shared
from freight.pacing.slots import LONGEST_PAUSE, QUIET_OWED, TOLERANCE, Slot

KEY = "freight:pace:a:write"
FIELDS = ("slot", "paused_at", "paused_until", "pace", "owed", "owed_since")
HOUR = 3_600_000_000
"""In microseconds."""


async def slots(processes: list[Shared], count: int, kind: str = "write") -> list[Slot]:
    """What the processes take in turn, without waiting."""
    found = [await processes[number % len(processes)].take(kind, DISTANCE, PATIENT) for number in range(count)]
    return [taken.slot for taken in found if taken is not None]


def distances(taken: list[Slot]) -> list[float]:
    return [after.at - before.at for before, after in itertools.pairwise(taken)]


async def redis_now(client: Redis) -> int:
    seconds, micro = await client.time()
    return int(seconds) * 1_000_000 + int(micro)


async def test_the_slots_of_all_processes_together_keep_their_distance(client):
    taken = await slots([Shared(client, "a") for _ in range(4)], 60)
    # Once, what is sent first after a quiet time is made up for.
    gaps = sorted(distances(taken))
    assert gaps[:-1] == pytest.approx([DISTANCE] * 58, abs=1e-5)
    assert gaps[-1] == pytest.approx(DISTANCE + QUIET_OWED, abs=1e-5)


async def test_reads_and_writes_and_accounts_have_slots_of_their_own(client):
    one, other = Shared(client, "a"), Shared(client, "b")
    await slots([one], 50)
    assert (await slots([one], 1, "read"))[0].wait == 0
    assert (await slots([other], 1))[0].wait == 0


async def test_a_quiet_time_is_not_caught_up_on(client):
    one = Shared(client, "a")
    await client.hset(KEY, "slot", await redis_now(client) - 5_000_000)
    taken = await slots([one], 3)
    assert distances(taken) == pytest.approx([DISTANCE] * 2, abs=1e-5)
    assert taken[0].wait == 0


async def test_those_that_follow_make_up_for_late_ones_once_within_a_second(client):
    one, two = Shared(client, "a"), Shared(client, "a")
    found = [await two.take("write", DISTANCE, PATIENT, late, late) for late in (0.0, 0.005, 0.1, 0.3, 0.2)]
    gaps = distances([taken.slot for taken in found] + await slots([one, two], 60))
    longer = [number for number, gap in enumerate(gaps) if gap > 1.5 * DISTANCE]
    assert len(longer) == 1
    assert gaps[longer[0]] == pytest.approx(DISTANCE + 0.3 - TOLERANCE, abs=1e-5)
    assert sum(gaps[: longer[0]]) < 1


async def test_a_quiet_time_has_made_up_for_a_late_slot(client):
    one = Shared(client, "a")
    now = await redis_now(client)
    kept = {"slot": now - 2_000_000, "owed": 500_000, "owed_since": now - 3_000_000}
    await client.hset(KEY, mapping={name: str(value) for name, value in kept.items()})
    assert (await slots([one], 1))[0].wait == 0


async def test_a_slot_further_ahead_than_one_waits_is_left_to_others(client):
    one = Shared(client, "a")
    await one.pause("write", 40)
    found = [await one.take("write", DISTANCE, 10.0) for _ in range(3)]
    assert [taken.slot.is_taken for taken in found] == [False] * 3
    assert [round(taken.slot.wait) for taken in found] == [40] * 3


async def test_a_pause_holds_for_every_process_and_only_for_its_kind(client):
    one, two = Shared(client, "a"), Shared(client, "a")
    await one.pause("write", 40)
    taken = await slots([two], 3)
    assert taken[0].wait == pytest.approx(40, abs=5)
    assert distances(taken) == pytest.approx([DISTANCE] * 2, abs=1e-5)
    assert (await slots([two], 1, "read"))[0].wait == 0


async def test_a_shorter_pause_does_not_end_a_longer_one(client):
    one = Shared(client, "a")
    await one.pause("write", 40)
    await one.pause("write", 4)
    assert (await slots([one], 1))[0].wait > 30


@pytest.mark.parametrize("seconds", [31_536_000, 1_795_748_498])
async def test_no_pause_and_no_key_lasts_longer_than_an_hour(client, seconds):
    one = Shared(client, "a")
    await one.pause("write", seconds)
    taken = await one.take("write", DISTANCE, 10.0)
    assert LONGEST_PAUSE - 5 < taken.slot.wait <= LONGEST_PAUSE
    assert 0 < await client.ttl(KEY) <= LONGEST_PAUSE
    await slots([one], 1, "read")
    await one.change("upload", b"", written(Pace()))
    keys = await client.keys("*")
    assert len(keys) == 3
    assert all([0 < await client.ttl(key) <= LONGEST_PAUSE for key in keys])


@pytest.mark.parametrize(
    "slot",
    ["nan", "inf", "-inf", "1e300", "-5", "", "now", "0x7fffffffffff", str(2**63)],
)
async def test_a_slot_that_cannot_be_is_repaired(client, slot):
    await client.hset(KEY, mapping=dict.fromkeys(FIELDS, slot))
    taken = await slots([Shared(client, "a")], 3)
    assert taken[0].wait == 0
    assert distances(taken) == pytest.approx([DISTANCE] * 2, abs=1e-5)


async def test_a_key_that_holds_something_else_is_replaced(client):
    await client.set(KEY, "1795748498000000")
    assert (await slots([Shared(client, "a")], 1))[0].wait == 0
    await client.delete(KEY)
    await client.rpush(KEY, "x")
    await Shared(client, "a").pause("write", 40)
    assert (await slots([Shared(client, "a")], 1))[0].wait > 30


async def test_a_redis_clock_that_is_set_back_holds_nothing_up(client):
    # As it was written an hour later.
    now = await redis_now(client)
    later = now + HOUR
    kept = {"slot": later + 40_000, "paused_at": later - 1_000_000, "paused_until": later + 30_000_000}
    await client.hset(KEY, mapping={name: str(value) for name, value in kept.items()})
    assert (await slots([Shared(client, "a")], 1))[0].wait == 0


async def test_a_pause_that_was_written_too_long_is_not_obeyed(client):
    now = await redis_now(client)
    await client.hset(KEY, mapping={"paused_at": str(now - 1000), "paused_until": str(now + 57 * 365 * 24 * HOUR)})
    assert (await slots([Shared(client, "a")], 1))[0].wait == 0


async def test_slots_that_many_processes_took_ahead_are_kept(client):
    now = await redis_now(client)
    await client.hset(KEY, "slot", str(now + round((FURTHEST_SLOT - 5) * 1e6)))
    assert (await slots([Shared(client, "a")], 1))[0].wait > FURTHEST_SLOT - 10


async def test_only_one_of_those_that_saw_the_same_pace_changes_it(client):
    one, two = Shared(client, "a"), Shared(client, "a")
    fallen, other = written(Pace().after_refusal(1000.0)), written(Pace().after_refusal(1000.1))
    assert await one.change("write", b"", fallen) == fallen
    assert await two.change("write", b"", other) == fallen
    assert (await two.take("write", DISTANCE, PATIENT)).pace == fallen
    assert await two.change("write", fallen, other) == other
    assert read(other) == Pace().after_refusal(1000.1)
