"""Which pacers a process keeps."""

import gc

from redis.asyncio import Redis

from freight.pacing import Pacer, Pacers


def pacer() -> Pacer:
    return Pacer(Redis(), account="a", rates={})


def test_an_account_has_one_pacer():
    pacers = Pacers()
    assert pacers.get("a", pacer) is pacers.get("a", pacer)
    assert pacers.get("a", pacer) is not pacers.get("b", pacer)


def test_pacers_that_are_not_in_use_are_bounded_and_those_in_use_are_kept():
    pacers = Pacers(max_unused=3)
    in_use = pacers.get("mine", pacer)
    for number in range(100):
        pacers.get(str(number), pacer)
    gc.collect()
    assert len(pacers) == 4
    assert pacers.get("mine", pacer) is in_use
