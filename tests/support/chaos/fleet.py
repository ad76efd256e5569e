"""Everything that one run has for itself: sandbox, database, Redis, an API process and workers."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from freight import database, encryption
from freight.settings import Settings
from freight_sandbox import Sandbox, SandboxOptions
from freight_sandbox import running as running_sandbox
from support.chaos import clocks
from support.chaos import servers as servers_of
from support.chaos.problems import Problems
from support.chaos.processes import Member
from support.chaos.servers import FleetRedis, Postgres
from support.chaos.vendors import VendorFaults
from support.processes import BIN, environment
from support.sandboxes import sandbox_options
from support.service import Service

START_SECONDS = 90
"""How long the processes of a fleet may take to start: generous, for a machine that does much else."""
ONE_START = asyncio.Lock()
"""Fleets start one after the other: processes that start together take the processor from each other."""
ONE_POOL = asyncio.Lock()
"""A process has one pool of connections: runs that go on at the same time have it one after the other."""
PLENTY = 1_000_000
"""A limit that no run reaches."""


class NotReady(Exception):
    """The processes of a fleet did not start in time."""


@dataclass(frozen=True)
class Size:
    """How much a run migrates, and how fast."""

    workers: int = 2
    companies: int = 40
    """Of other entities there are similar numbers, of people somewhat more than two pages."""
    people: int = 220
    writes_per_second: int = 25
    """The pace, which decides how long a run lasts: there are about 800 writes in all."""
    span: float = 25.0
    """Seconds after the creation of the job within which faults begin: a run takes longer, whatever the machine."""


@dataclass
class Fleet:
    """A running fleet."""

    sandbox: Sandbox
    postgres: Postgres
    redis: FleetRedis
    database_url: str
    api: Member
    workers: list[Member]
    clocks: list[clocks.Clock]
    url: str
    key: str
    problems: Problems
    vendors: VendorFaults = field(init=False)

    def __post_init__(self) -> None:
        self.vendors = VendorFaults(self.sandbox)

    def member(self, name: str) -> Member:
        """Return the process of this name."""
        return next(member for member in self.members if member.name == name)

    @property
    def members(self) -> list[Member]:
        """All processes."""
        return [self.api, *self.workers]

    async def until_ready(self) -> None:
        """Wait until the API answers and the workers work."""
        deadline = time.monotonic() + START_SECONDS
        async with httpx.AsyncClient(base_url=self.url, timeout=START_SECONDS) as client:
            while not (all(worker.is_ready() for worker in self.workers) and await _answers(client)):
                if time.monotonic() > deadline:
                    told = "\n".join(self.last_lines())
                    raise NotReady(f"The fleet was not ready after {START_SECONDS} s:\n{told}")
                await asyncio.sleep(0.1)

    def last_lines(self) -> list[str]:
        """Return what each process logged last."""
        return [line for member in self.members for line in member.last_lines()]


@asynccontextmanager
async def running(
    folder: Path, postgres: Postgres, seed: int, size: Size, problems: Problems, *, paced: bool = True
) -> AsyncIterator[Fleet]:
    """Yield a fleet whose workspace comes from the seed; its logs are in the folder."""
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(running_sandbox(workspace(seed, size)))
        redis = await stack.enter_async_context(servers_of.redis())
        database_url = await stack.enter_async_context(postgres.database())
        settings = Settings(
            database_url=database_url,
            redis_url=redis.url,
            secret_keys=encryption.generate_secret(),
            port=_free_port(),
            environment="test",
            vendor_hosts="127.0.0.1,localhost",
            affinity_requests_per_minute=0,
            attio_reads_per_second=0,
            attio_writes_per_second=size.writes_per_second if paced else 0,
            requests_per_minute=PLENTY,
            requests_per_hour=PLENTY,
            creations_per_minute=PLENTY,
            creations_per_hour=PLENTY,
            log_format="json",
        )
        movable = (
            [clocks.Clock(folder, f"worker-{number}") for number in range(size.workers)] if clocks.available() else []
        )
        fleet = Fleet(
            sandbox=sandbox,
            postgres=postgres,
            redis=redis,
            database_url=database_url,
            api=Member(
                "api",
                "Freight is ready",
                [str(BIN / "freight"), "serve", "--no-worker"],
                environment(settings),
                folder,
                problems.of_processes,
            ),
            workers=[
                Member(
                    f"worker-{number}",
                    "worker_started",
                    [str(BIN / "arq"), "freight.worker"],
                    environment(settings, **(movable[number].environment if movable else {})),
                    folder,
                    problems.of_processes,
                )
                for number in range(size.workers)
            ],
            clocks=movable,
            url=f"http://127.0.0.1:{settings.port}",
            key=await _new_key(settings),
            problems=problems,
        )
        async with ONE_START:
            for member in fleet.members:
                stack.push_async_callback(member.close)
                await member.start()
            await fleet.until_ready()
        yield fleet


def workspace(seed: int, size: Size) -> SandboxOptions:
    """Return some of everything, in proportion to the companies."""
    count = size.companies
    return sandbox_options(
        seed=seed,
        companies=count,
        people=size.people,
        opportunities=count // 2,
        lists=2,
        entries=count,
        notes=3 * count,
        reminders=2 * count,
        files=count // 2,
        deals_enabled=True,
        unlimited=True,
    )


async def _new_key(settings: Settings) -> str:
    """Return the API key of a new tenant, made without the API."""
    async with ONE_POOL, database.connected(settings.database_url or "", pool_size=2):
        service = Service(url="", settings=settings)
        return await service.new_key(await service.new_tenant())


async def _answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/health/live")).is_success
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
