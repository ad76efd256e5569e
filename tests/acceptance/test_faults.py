"""Migrations of everything go through whatever happens to the fleet: the short form of `scripts/chaos`."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from support.chaos import runs, servers
from support.chaos.fleet import Size
from support.chaos.runs import Result
from support.chaos.scenarios import SCENARIOS
from support.chaos.servers import Postgres

SMALL = Size(companies=8, people=20, writes_per_second=20, span=4)
WORKSPACE = 1
SEEDS = {"stop": 1, "redis-restarted": 9, "postgres-connections": 3}
"""By the name of a scenario that leaves PostgreSQL, which all share, to the others."""


@pytest.fixture(scope="module")
async def postgres() -> AsyncIterator[Postgres]:
    """A PostgreSQL that faults may do anything to."""
    async with servers.postgres() as postgres:
        yield postgres


@pytest.fixture(scope="module")
async def results(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """What there is to say of each run. They go on at the same time, as most of each is waiting."""
    expected = await runs.fault_free(postgres, tmp_path_factory.mktemp("fault-free"), WORKSPACE, SMALL)
    found = await asyncio.gather(
        *(
            runs.run(postgres, tmp_path_factory.mktemp(name), SCENARIOS[name], seed, WORKSPACE, SMALL, expected)
            for name, seed in SEEDS.items()
        )
    )
    return dict(zip(SEEDS, found, strict=True))


@pytest.mark.parametrize("name", SEEDS)
async def test_everything_arrives_once_and_a_second_run_writes_nothing(results: dict[str, Result], name: str) -> None:
    assert results[name].problems.found == []
