"""What schedules do to a run. Each returns when it is over, with everything as it was before."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from support.chaos.client import CANCEL_SECONDS, Client, ended
from support.chaos.fleet import Fleet
from support.chaos.processes import Member
from support.chaos.vendors import Vendor, VendorFault

MAX_WAIT_SECONDS = 3700
"""Somewhat more than the hour for which a vendor may be waited for."""


@dataclass
class Run:
    """A run while things happen to it."""

    fleet: Fleet
    client: Client
    job_id: str = ""
    created: asyncio.Event = field(default_factory=asyncio.Event)
    """Not set while one job has been cancelled and the next one is not there yet."""


Doing = Callable[..., Awaitable[None]]

ACTS: dict[str, Doing] = {}


def act(doing: Doing) -> Doing:
    """Make a function known to schedules by its name."""
    ACTS[doing.__name__] = doing
    return doing


@act
async def kill(run: Run, *, who: Sequence[str], seconds: float) -> None:
    """SIGKILL to processes, which are started again later."""
    members = [run.fleet.member(name) for name in who]
    await asyncio.gather(*(member.kill() for member in members))
    async with _undone(members, Member.start):
        await asyncio.sleep(seconds)


@act
async def stop(run: Run, *, who: Sequence[str], seconds: float) -> None:
    """SIGTERM to processes, which have to end in order and are started again later."""
    members = [run.fleet.member(name) for name in who]
    async with _undone(members, Member.start):
        await asyncio.gather(*(member.stop() for member in members))
        await asyncio.sleep(seconds)


@act
async def freeze(run: Run, *, who: Sequence[str], seconds: float) -> None:
    """SIGSTOP to processes, and SIGCONT later."""
    members = [run.fleet.member(name) for name in who]
    for member in members:
        member.freeze()
    try:
        await asyncio.sleep(seconds)
    finally:
        for member in members:
            member.thaw()


@act
async def empty_redis(run: Run) -> None:
    """FLUSHALL."""
    await run.fleet.redis.command("FLUSHALL")


@act
async def restart_redis(run: Run, *, seconds: float) -> None:
    """SIGKILL to Redis; later an empty one is there."""
    async with run.fleet.redis.down():
        await asyncio.sleep(seconds)


@act
async def freeze_redis(run: Run, *, seconds: float) -> None:
    """SIGSTOP to Redis, and SIGCONT later."""
    async with run.fleet.redis.frozen():
        await asyncio.sleep(seconds)


@act
async def write_protect_redis(run: Run, *, reason: str, seconds: float) -> None:
    """Have Redis refuse writes."""
    async with run.fleet.redis.refusing_writes(reason):
        await asyncio.sleep(seconds)


@act
async def stop_without_redis(run: Run, *, who: Sequence[str], seconds: float) -> None:
    """SIGTERM to processes while there is no Redis."""
    members = [run.fleet.member(name) for name in who]
    async with run.fleet.redis.down():
        await asyncio.sleep(seconds)
        await asyncio.gather(*(member.stop() for member in members))
    await asyncio.gather(*(member.start() for member in members))


@act
async def restart_postgres(run: Run, *, number: int) -> None:
    """A signal that ends PostgreSQL; its keeper starts it again."""
    await run.fleet.postgres.restart(number)
    await run.fleet.postgres.execute("SELECT 1")


@act
async def freeze_postgres(run: Run, *, seconds: float) -> None:
    """SIGSTOP to all of PostgreSQL, and SIGCONT later."""
    async with run.fleet.postgres.frozen():
        await asyncio.sleep(seconds)


@act
async def drop_connections(run: Run) -> None:
    """End all connections to the database."""
    await run.fleet.postgres.drop_connections(run.fleet.database_url)


@act
async def fail_over_postgres(run: Run, *, seconds: float) -> None:
    """End all connections, and let new ones be read-only for a while."""
    async with run.fleet.postgres.failing_over(run.fleet.database_url):
        await asyncio.sleep(seconds)


@act
async def move_clocks(run: Run, *, workers: Sequence[int], ahead: int) -> None:
    """Move the wall clocks of some workers, for good."""
    for worker in workers:
        run.fleet.clocks[worker].set_ahead(ahead)


@act
async def pause(run: Run, *, seconds: float) -> None:
    """Pause the job and resume it later."""
    await run.created.wait()
    if await run.client.control(run.job_id, "pause"):
        await asyncio.sleep(seconds)
        await run.client.control(run.job_id, "resume")


@act
async def cancel_and_begin_again(run: Run) -> None:
    """Cancel the job; another one does the rest."""
    await run.created.wait()
    cancelled = run.job_id
    if not await run.client.control(cancelled, "cancel"):
        return
    run.created.clear()
    if await run.client.until(cancelled, ended, seconds=CANCEL_SECONDS) is None:
        run.fleet.problems.add("stuck", f"a cancelled job had not ended after {CANCEL_SECONDS} s")
        await run.client.until(cancelled, ended, seconds=120)
    run.job_id = await run.client.create()
    run.created.set()


@act
async def expect_word_of_waiting(run: Run, *, seconds: float) -> None:
    """A job that waits for a vendor has to say so, and until when: no longer than an hour."""
    await run.created.wait()
    job = await run.client.until(run.job_id, lambda job: bool(job.get("waiting_for")) or ended(job), seconds=seconds)
    if job is None or ended(job):
        run.fleet.problems.add("stuck", f"a job that waits for a vendor did not say so within {seconds} s")
        return
    until = datetime.fromisoformat(job["waiting_for"]["until"])
    if until > datetime.now(UTC) + timedelta(seconds=MAX_WAIT_SECONDS):
        run.fleet.problems.add("stuck", f"a job waits for a vendor until {until}")


@act
async def expect_end(run: Run, *, seconds: float) -> None:
    """The job has to end, in whatever way."""
    await run.created.wait()
    if await run.client.until(run.job_id, ended, seconds=seconds) is None:
        run.fleet.problems.add("stuck", f"the job had not ended after {seconds} s")


@act
async def show_faults(run: Run, *, faults: Sequence[tuple[Vendor, VendorFault]], seconds: float) -> None:
    """Have the vendors show faults for a while."""
    async with run.fleet.vendors.showing(faults):
        await asyncio.sleep(seconds)


@asynccontextmanager
async def _undone(members: Sequence[Member], undo: Callable[[Member], Awaitable[None]]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await asyncio.gather(*(undo(member) for member in members))


async def do(name: str, run: Run, given: dict[str, Any]) -> None:
    """Do what a schedule names."""
    await ACTS[name](run, **given)
