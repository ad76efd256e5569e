"""Migrations of everything go through whatever happens to the fleet: the short form of `scripts/chaos`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.chaos import runs, servers
from support.chaos.books import Books
from support.chaos.fleet import Size
from support.chaos.scenarios import SCENARIOS
from support.chaos.servers import Postgres

SMALL = Size(companies=8, people=20, writes_per_second=20, span=4)
WORKSPACE = 1


@pytest.fixture(scope="module")
async def postgres() -> AsyncIterator[Postgres]:
    """A PostgreSQL that faults may do anything to."""
    async with servers.postgres() as postgres:
        yield postgres


@pytest.fixture(scope="module")
async def expected(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The books of a migration without faults."""
    return await runs.fault_free(postgres, tmp_path_factory.mktemp("fault-free"), WORKSPACE, SMALL)


@pytest.mark.parametrize(("name", "seed"), [("stop", 1), ("redis-restarted", 9), ("postgres-connections", 3)])
async def test_everything_arrives_once_and_a_second_run_writes_nothing(
    postgres: Postgres, expected: Books, tmp_path: Path, name: str, seed: int
) -> None:
    result = await runs.run(postgres, tmp_path, SCENARIOS[name], seed, WORKSPACE, SMALL, expected)
    assert result.problems.found == []
