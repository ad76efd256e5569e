"""One run: a migration of everything while a schedule acts on it, and what is to be said of it afterwards."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from support.chaos import acts, books, fleet, standstill
from support.chaos.acts import Run
from support.chaos.books import Books
from support.chaos.client import ApiGone, Client, ended
from support.chaos.fleet import Fleet, Size
from support.chaos.problems import Problems
from support.chaos.schedule import Act, Scenario, schedule
from support.chaos.servers import Postgres
from support.faults import shown
from support.workspaces import writes_received

RESUMPTION_SECONDS = 60
END_SECONDS = 300
"""How long a job may take to end after the last fault, or a job without faults in all, by default."""
RETRIES = 3
"""How often a person retries a job, where the scenario needs one."""


@dataclass(frozen=True)
class Result:
    """What there is to say of a run."""

    seed: int
    scenario: str
    problems: Problems
    seconds: float
    resumed_after: float | None
    """Seconds from the last fault's end to the next request to a vendor; None if the job had ended by then."""


async def fault_free(
    postgres: Postgres, folder: Path, workspace: int, size: Size, *, end_seconds: float = END_SECONDS
) -> Books:
    """Return the books of a migration in which nothing goes wrong."""
    problems = Problems()
    async with fleet.running(folder, postgres, workspace, size, problems, paced=False) as one:
        client = Client(one.url, one.key, one.sandbox, problems)
        try:
            job_id = await client.create()
            if await client.until(job_id, ended, seconds=end_seconds) is None:
                told = await standstill.described(one, job_id)
                raise RuntimeError(f"A migration without faults did not end; its logs are in {folder}.{told}")
            found = await books.read(one, client, job_id)
        finally:
            await client.aclose()
    if found.status != "completed" or problems.found:
        raise RuntimeError(f"A migration without faults ended {found.status}: {found.failures} {problems.found}")
    return found


async def run(
    postgres: Postgres,
    folder: Path,
    scenario: Scenario,
    seed: int,
    workspace: int,
    size: Size,
    expected: Books,
    *,
    end_seconds: float = END_SECONDS,
) -> Result:
    """Do one run and compare it."""
    problems = Problems()
    began = time.monotonic()
    resumed_after = None
    async with fleet.running(folder, postgres, workspace, size, problems) as one:
        client = Client(one.url, one.key, one.sandbox, problems)
        under_way = Run(one, client)
        try:
            planned = schedule(scenario, seed, size.span)
            resumed_after = await _live_through(under_way, scenario, planned, end_seconds)
            await _check(under_way, expected, end_seconds)
        except (ApiGone, TimeoutError) as error:
            await _stuck(under_way, under_way.job_id, f"{type(error).__name__} {error}")
        finally:
            await client.aclose()
    return Result(seed, scenario.name, problems, time.monotonic() - began, resumed_after)


async def _live_through(run: Run, scenario: Scenario, acts_of_it: list[Act], end_seconds: float) -> float | None:
    """Create the job, let the schedule act on it until it has ended, and return how long it took to go on."""
    began = time.monotonic()
    acting = asyncio.gather(*(_at(began, act, run) for act in acts_of_it))
    try:
        run.job_id = await run.client.create()
        run.created.set()
        while not await _has_ended(run):
            if (await asyncio.wait([acting], timeout=0.5))[0]:
                acting.result()
                break
    finally:
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)
    return await _go_on(run, scenario, end_seconds)


async def _at(began: float, act: Act, run: Run) -> None:
    await asyncio.sleep(max(0.0, began + act.at - time.monotonic()))
    await acts.do(act.name, run, act.given)


async def _has_ended(run: Run) -> bool:
    return run.created.is_set() and ended(await run.client.job(run.job_id)) and run.created.is_set()


async def _go_on(run: Run, scenario: Scenario, end_seconds: float) -> float | None:
    """Wait for the end of the job, and return after how many seconds the vendors were asked again."""
    fault_ended, before, resumed_after = time.monotonic(), await _requests(run.fleet), None
    while not await _has_ended(run):
        waited = time.monotonic() - fault_ended
        if resumed_after is None and await _requests(run.fleet) > before:
            resumed_after = waited
        if resumed_after is None and waited > RESUMPTION_SECONDS:
            await _stuck(run, run.job_id, f"no vendor was asked for {RESUMPTION_SECONDS} s after the last fault")
            resumed_after = waited
        if waited > end_seconds:
            await _stuck(run, run.job_id, f"the job had not ended {end_seconds} s after the last fault")
            return resumed_after
        await asyncio.sleep(0.5)
    if scenario.needs_person:
        await _retry(run, end_seconds)
    return resumed_after


async def _stuck(run: Run, job_id: str, text: str) -> None:
    """Note that a job does not go on, with what it waits for."""
    run.fleet.problems.add("stuck", text + await standstill.described(run.fleet, job_id))


async def _retry(run: Run, end_seconds: float) -> None:
    for _ in range(RETRIES):
        job = await run.client.job(run.job_id)
        if job["status"] == "completed" or not await run.client.control(run.job_id, "retry"):
            return
        await run.client.until(run.job_id, ended, seconds=end_seconds)


async def _check(run: Run, expected: Books, end_seconds: float) -> None:
    problems = run.fleet.problems
    if not await _has_ended(run):
        return
    books.compare(await books.read(run.fleet, run.client, run.job_id), expected, problems)
    await books.check_counters(run.fleet.database_url, run.job_id, problems)
    if problems.found:
        return
    written = await writes_received(run.fleet.sandbox)
    again = await run.client.create()
    if await run.client.until(again, ended, seconds=end_seconds) is None:
        await _stuck(run, again, f"a second run had not ended after {end_seconds} s")
    if more := await writes_received(run.fleet.sandbox) - written:
        problems.add("repeated", f"a second run sent {more} writes")


async def _requests(fleet: Fleet) -> int:
    """Return how many requests both vendors have received."""
    counted = [await shown(url) for url in (fleet.sandbox.affinity_url, fleet.sandbox.attio_url)]
    return sum(sum(by_status.values()) for by_status in counted)
