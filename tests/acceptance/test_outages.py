"""Redis and PostgreSQL go away in the middle of a job, Redis with all that it knew: the job goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import msgspec
import psutil
import pytest
from redis.asyncio import Redis

from freight import database
from freight.settings import Settings
from freight.tasks import SWEEP_SECONDS
from freight_embedded import Servers
from freight_sandbox import Sandbox, running
from support import jobs, processes, workspaces
from support.failover import read_only
from support.sandboxes import sandbox_options
from support.servers import RedisServer, embedded_servers, redis_server
from support.service import Service, Tenant

COMPANIES, PEOPLE = 60, 100
WRITES_PER_SECOND = 40
RESUMPTION_SECONDS = 60


@pytest.fixture(scope="module")
async def own_servers() -> AsyncIterator[Servers]:
    """A PostgreSQL that may be killed: the embedded servers' keeper starts it again."""
    async with embedded_servers() as servers:
        yield servers


@pytest.fixture(scope="module")
async def database_url(own_servers: Servers) -> str:
    """A migrated database there."""
    async with database.connected(own_servers.database_url, pool_size=2):
        await database.migrate()
    return own_servers.database_url


@pytest.fixture(scope="module")
async def redis() -> AsyncIterator[RedisServer]:
    """A Redis that may be killed."""
    async with redis_server() as server:
        yield server


@pytest.fixture(scope="module")
def redis_url(redis: RedisServer) -> str:
    """Its address."""
    return redis.url


@pytest.fixture(scope="module")
def with_worker() -> bool:
    """The tests start workers of their own."""
    return False


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Slow enough for something to happen in the middle."""
    return msgspec.structs.replace(settings, vendor_hosts="127.0.0.1", attio_writes_per_second=WRITES_PER_SECOND)


@pytest.fixture(scope="module")
async def worker(service: Service, settings: Settings) -> AsyncIterator[processes.Running]:
    """A worker as a process of its own."""
    async with processes.worker(settings) as worker:
        yield worker


@pytest.fixture
async def fresh(worker: processes.Running) -> AsyncIterator[Sandbox]:
    """An Affinity, and an Attio that nobody has written to."""
    async with running(sandbox_options(companies=COMPANIES, people=PEOPLE, unlimited=True)) as fresh:
        yield fresh


async def test_a_job_goes_on_when_redis_was_killed_and_comes_back_empty(
    service: Service, tenant: Tenant, fresh: Sandbox, redis: RedisServer
) -> None:
    await until_health_is(service, "healthy")
    job = await jobs.create(tenant, fresh, batch_size=100)
    await jobs.until(tenant, job["id"], lambda job: job["processed_records"] > 0)
    await redis.kill()
    health = await until_health_is(service, "degraded")
    assert health["components"]["redis"]["status"] == "unhealthy"
    assert health["components"]["database"]["status"] == "healthy"
    await redis.start()
    await check_it_goes_on_to_the_end(tenant, fresh, job)
    await until_health_is(service, "healthy")


async def test_a_job_goes_on_when_postgresql_was_killed_and_started_again(
    service: Service, tenant: Tenant, fresh: Sandbox, own_servers: Servers
) -> None:
    await until_health_is(service, "healthy")
    job = await jobs.create(tenant, fresh, batch_size=100)
    await jobs.until(tenant, job["id"], lambda job: job["processed_records"] > 0)
    before = await started_at(own_servers)
    postgres_of(own_servers).kill()
    # Before there is a new server, "healthy" can still be about the old one.
    await until_started_again(own_servers, before)
    await until_health_is(service, "healthy")
    await check_it_goes_on_to_the_end(tenant, fresh, job)


async def test_a_job_goes_on_when_both_refused_writes_as_after_a_fail_over(
    service: Service,
    tenant: Tenant,
    fresh: Sandbox,
    redis: RedisServer,
    database_url: str,
    worker: processes.Running,
) -> None:
    await until_health_is(service, "healthy")
    job = await jobs.create(tenant, fresh, batch_size=100)
    await jobs.until(tenant, job["id"], lambda job: job["processed_records"] > 0)
    async with Redis.from_url(redis.url) as commands, read_only(database_url):
        await commands.replicaof("127.0.0.1", "1")
        await until_health_is(service, "unhealthy")
        await asyncio.sleep(SWEEP_SECONDS)
        await commands.replicaof("NO", "ONE")
    await until_health_is(service, "healthy")
    await check_it_goes_on_to_the_end(tenant, fresh, job)
    assert worker.process.returncode is None


async def until_started_again(own_servers: Servers, before: object) -> None:
    async with asyncio.timeout(60):
        while True:
            if await started_at(own_servers) != before:
                return
            await asyncio.sleep(0.2)


async def until_health_is(service: Service, status: str) -> dict[str, Any]:
    """What the API answers once it is so; it answers all the time."""
    async with service.client() as client, asyncio.timeout(60):
        while True:
            response = await client.get("/health/ready")
            health: dict[str, Any] = response.json()
            assert response.status_code == (503 if health["status"] == "unhealthy" else 200)
            if health["status"] == status:
                return health
            await asyncio.sleep(0.2)


async def check_it_goes_on_to_the_end(tenant: Tenant, sandbox: Sandbox, job: dict[str, Any]) -> None:
    before = await jobs.until(tenant, job["id"], lambda job: True)
    await jobs.until(
        tenant,
        job["id"],
        lambda job: job["processed_records"] > before["processed_records"] or job["completed_at"] is not None,
        timeout=RESUMPTION_SECONDS,
    )
    job = await jobs.until_ended(tenant, job["id"])
    assert (job["status"], job["failed_records"]) == ("completed", 0)
    for entity, collection in (("companies", "companies"), ("people", "persons")):
        rows = await workspaces.in_source(sandbox, collection)
        target = await workspaces.in_target(sandbox, entity)
        assert target.keys() == {str(row["id"]) for row in rows if row.get("type") != "internal"}
        assert {len(records) for records in target.values()} == {1}


async def started_at(servers: Servers) -> object:
    """When the PostgreSQL that answers now was started; it has taken the place of one whose last process is gone."""
    async with asyncio.timeout(60):
        while True:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection = await asyncpg.connect(servers.database_url)
                try:
                    return await connection.fetchval("SELECT pg_postmaster_start_time()")
                finally:
                    await connection.close()
            await asyncio.sleep(0.1)


def postgres_of(servers: Servers) -> psutil.Process:
    """The process of the embedded PostgreSQL that these URLs lead to."""
    sockets = servers.redis_url.removeprefix("unix://").rpartition("/")[0]
    (server,) = [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "postgres"
        and f"unix_socket_directories={sockets}" in (process.info["cmdline"] or ())
    ]
    return server
