"""The real parts that tests are run on."""

import asyncio
import fcntl
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import hypothesis
import pytest
from redis.asyncio import Redis

import freight_embedded
from freight import database, encryption
from freight.settings import Settings
from freight_embedded import Servers, locks
from freight_embedded.postgres import ROLE
from freight_sandbox import Sandbox
from freight_sandbox import running as running_sandbox
from support import service as support
from support.sandboxes import sandbox_options
from support.servers import as_superuser, wait_for_no_disk

# How fast a machine is must not decide a test.
hypothesis.settings.register_profile(
    "freight", deadline=None, max_examples=40, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
# `scripts/test unit --hypothesis-profile=thorough` searches longer.
hypothesis.settings.register_profile("thorough", hypothesis.settings.get_profile("freight"), max_examples=1000)
hypothesis.settings.load_profile("freight")

TEMPLATE = "freight_template"

PLENTY = 1_000_000
"""A limit that no test reaches."""


@pytest.fixture(scope="session")
async def servers() -> AsyncIterator[Servers]:
    """The embedded PostgreSQL and Redis, in a folder of their own."""
    home = Path(tempfile.mkdtemp(prefix="freight-test-"))
    async with freight_embedded.hold(home) as servers:
        await wait_for_no_disk(servers)
        yield servers
    # The servers stop by themselves, and when they have they let go of this lock.
    with locks.opened(home / "servers.lock") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
    shutil.rmtree(home)


@pytest.fixture(scope="session")
async def migrated_template(servers: Servers) -> str:
    """The name of a database with Freight's tables, from which others are made: much faster than migrating each."""
    await _execute(as_superuser(servers.database_url), f"CREATE DATABASE {TEMPLATE} OWNER {ROLE}")
    async with database.connected(_named(servers.database_url, TEMPLATE), pool_size=2):
        await database.migrate()
    return TEMPLATE


@pytest.fixture(scope="module")
async def database_url(servers: Servers, migrated_template: str) -> AsyncIterator[str]:
    """A migrated database with no rows in it."""
    name, superuser = f"test_{uuid4().hex}", as_superuser(servers.database_url)
    await _execute(superuser, f"CREATE DATABASE {name} TEMPLATE {migrated_template} OWNER {ROLE}")
    yield _named(servers.database_url, name)
    await _execute(superuser, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def superuser_url(database_url: str) -> str:
    """The same database, as the superuser of the embedded server."""
    return as_superuser(database_url)


@pytest.fixture(scope="module")
async def redis_url(servers: Servers) -> str:
    """A Redis with nothing in it."""
    redis = Redis.from_url(servers.redis_url)
    await redis.flushall()
    await redis.aclose()
    return servers.redis_url


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    """A small Affinity and an Attio without limits."""
    async with running_sandbox(sandbox_options(companies=20, people=30, unlimited=True)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def settings(database_url: str, redis_url: str, sandbox: Sandbox) -> Settings:
    """Settings for these servers, that let jobs use the sandbox, unpaced."""
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        secret_keys=encryption.generate_secret(),
        port=0,
        environment="test",
        vendor_hosts=",".join(
            urlsplit(url).netloc for url in (sandbox.affinity_url, sandbox.affinity_files_url, sandbox.attio_url)
        ),
        affinity_requests_per_minute=0,
        attio_reads_per_second=0,
        attio_writes_per_second=0,
        requests_per_minute=PLENTY,
        requests_per_hour=PLENTY,
        creations_per_minute=PLENTY,
        creations_per_hour=PLENTY,
        keyless_requests_per_minute=PLENTY,
        in_doubt_seconds=2,
    )


@pytest.fixture(scope="module")
async def service(settings: Settings) -> AsyncIterator[support.Service]:
    """The API, without a worker: jobs stay pending."""
    async with support.running(settings) as service:
        yield service


@pytest.fixture
async def tenant(service: support.Service) -> AsyncIterator[support.Tenant]:
    """A new tenant."""
    async with support.a_tenant(service) as tenant:
        yield tenant


@pytest.fixture
async def administrator(service: support.Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the platform's administrator."""
    async with service.client(await service.new_key(None, ["admin"])) as client:
        yield client


@pytest.fixture
async def other_tenant(service: support.Service) -> AsyncIterator[support.Tenant]:
    """Another new tenant."""
    async with support.a_tenant(service) as tenant:
        yield tenant


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _named(url: str, name: str) -> str:
    """The same server's other database."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()
