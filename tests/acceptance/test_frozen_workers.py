"""A worker that was frozen, as by a suspended machine, sends nothing that another one does by now."""

import asyncio
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID

import msgspec
import pytest

from freight import database
from freight.settings import Settings
from freight_sandbox import Sandbox, running
from support import faults, firm, jobs, processes
from support.clients import client
from support.sandboxes import sandbox_options
from support.service import Service, Tenant

NOTES = 120
WRITES_PER_SECOND = 40
MARK = re.compile(r"\(Affinity note (\S+)\)")
BROKEN_OFF = 500
"""What the sandbox answers to a request whose connection is closed before the whole body has arrived."""


@pytest.fixture
async def fresh(sandbox: Sandbox) -> AsyncIterator[Sandbox]:
    """An Affinity with notes, and an Attio that nobody has written to."""
    async with running(sandbox_options(companies=10, people=10, notes=NOTES, unlimited=True)) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def with_worker() -> bool:
    """The tests start workers of their own."""
    return False


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Slow enough for a worker to be frozen in the middle of a batch."""
    return msgspec.structs.replace(settings, vendor_hosts="127.0.0.1", attio_writes_per_second=WRITES_PER_SECOND)


async def posts_of_notes(sandbox: Sandbox) -> Counter[int]:
    """How many requests to create a note the Attio has received, by the status of its answer."""
    async with client(sandbox.attio_url) as attio:
        counters = (await attio.get("/_sandbox/counters")).raise_for_status().json()
    posts: Counter[int] = Counter()
    for entry in counters["requests"]:
        if (entry["method"], entry["route"]) == ("POST", "/v2/notes"):
            posts[entry["status"]] += entry["count"]
    return posts


async def notes_by_mark(sandbox: Sandbox) -> Counter[str]:
    """How often the Attio holds each note of the Affinity."""
    found: Counter[str] = Counter()
    while page := (await firm.attio(sandbox, "GET", f"/notes?limit=50&offset={found.total()}"))["data"]:
        found.update(MARK.findall(note["content_plaintext"])[-1] for note in page)
    return found


async def until_notes(sandbox: Sandbox, number: int) -> None:
    """Wait until so many notes have been sent."""
    async with asyncio.timeout(60):
        while True:
            if (await posts_of_notes(sandbox)).total() >= number:
                return
            await asyncio.sleep(0.05)


async def let_leases_end(tenant: Tenant, job_id: str) -> None:
    """As if the time that they last had gone by."""
    async with database.as_tenant(tenant.id) as tx:
        for table in ("batches", "streams"):
            changed = f"UPDATE {table} SET lease_until = now() WHERE job_id = $1 AND lease_until IS NOT NULL"
            await tx.execute(changed, UUID(job_id))


async def test_a_worker_that_was_frozen_beyond_its_lease_sends_nothing_any_more_and_nothing_is_doubled(
    service: Service, settings: Settings, tenant: Tenant, fresh: Sandbox
) -> None:
    # Requests take a while, so that some are under way and others wait for their turn when the worker is frozen.
    await faults.add(fresh.attio_url, "latency", milliseconds=200, path_prefix="/v2/notes", method="POST")
    async with AsyncExitStack() as stack:
        frozen = await stack.enter_async_context(processes.worker(settings))
        job = await jobs.create(tenant, fresh, entities=["companies", "people", "notes"])
        await until_notes(fresh, 20)
        frozen.process.send_signal(signal.SIGSTOP)
        try:
            await let_leases_end(tenant, job["id"])
            await stack.enter_async_context(processes.worker(settings))
            await until_notes(fresh, 60)
        finally:
            frozen.process.send_signal(signal.SIGCONT)
        job = await jobs.until_ended(tenant, job["id"])
        # It has noticed, and what it held is sent by now if it ever is.
        await frozen.printed("lease_lost")
        assert await frozen.stop() == 0
    assert job["status"] == "completed"
    created = jobs.counts(job, "notes")["created"]
    assert created > NOTES // 2
    notes = await notes_by_mark(fresh)
    assert set(notes.values()) == {1}, notes.most_common(3)
    assert len(notes) == created
    # A worker that was frozen between the head and the body of a request breaks that request off: the body is handed
    # out only after PostgreSQL was asked for the lease. The server has received the head, and creates nothing.
    posts = await posts_of_notes(fresh)
    posts.pop(BROKEN_OFF, None)
    assert posts == {200: created}
