"""Migrations of everything go through whatever happens to the fleet: the short form of `scripts/chaos`."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from support.chaos import runs, servers
from support.chaos.fleet import START_SECONDS, Size
from support.chaos.runs import Result
from support.chaos.scenarios import SCENARIOS
from support.chaos.servers import Postgres

SMALL = Size(companies=8, people=20, writes_per_second=20, span=4)
WORKSPACE = 1
SEEDS = {"stop": 1, "redis-restarted": 9, "postgres-connections": 3}
"""By the name of a scenario that leaves PostgreSQL, which all share, to the others."""
END_SECONDS = 120
"""Several times what a job takes beside other tests: whatever passes it is stuck, and says what it waits for."""

pytestmark = pytest.mark.timeout((1 + len(SEEDS)) * START_SECONDS + 3 * END_SECONDS + 180)
"""The first test makes all runs. It has to end by its own bounds, which say why, before this one, which does not."""


@pytest.fixture(scope="module")
async def postgres() -> AsyncIterator[Postgres]:
    """A PostgreSQL that faults may do anything to."""
    async with servers.postgres() as postgres:
        yield postgres


@pytest.fixture(scope="module")
async def results(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """What there is to say of each run. They go on at the same time, as most of each is waiting."""
    place = tmp_path_factory.mktemp
    expected = await runs.fault_free(postgres, place("fault-free"), WORKSPACE, SMALL, end_seconds=END_SECONDS)

    async def run(name: str, seed: int) -> Result:
        return await runs.run(
            postgres, place(name), SCENARIOS[name], seed, WORKSPACE, SMALL, expected, end_seconds=END_SECONDS
        )

    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(run(name, seed)) for name, seed in SEEDS.items()}
    return {name: task.result() for name, task in tasks.items()}


@pytest.mark.parametrize("name", SEEDS)
async def test_everything_arrives_once_and_a_second_run_writes_nothing(results: dict[str, Result], name: str) -> None:
    found = results[name].problems.found
    assert not found, "\n".join(f"{kind}: {text}" for kind, text in found)
