"""`scripts/chaos`."""

import argparse
import asyncio
import shutil
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

import click

from freight import logging
from freight.settings import Settings
from support.chaos import runs, servers
from support.chaos.books import Books
from support.chaos.fleet import Size
from support.chaos.problems import KINDS
from support.chaos.runs import Result
from support.chaos.scenarios import SCENARIOS
from support.chaos.schedule import Act, Scenario, schedule

WORKSPACES = 3
"""How many workspaces there are; the seed of a run chooses one, so that each is migrated without faults only once."""


SHOWN = 12
"""How many problems of a run are printed; all stand in its folder."""
TEXT_SHOWN = 300


def main(arguments: list[str]) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="scripts/chaos", description="Migrations under faults.")
    parser.add_argument("--runs", type=int, default=len(SCENARIOS), help="how many runs (default: one per scenario)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first run; each further one has the next")
    parser.add_argument("--scenario", action="append", choices=sorted(SCENARIOS), help="only this one; may be repeated")
    parser.add_argument("--list", action="store_true", help="list the scenarios and end")
    given = parser.parse_args(arguments)
    chosen = [SCENARIOS[name] for name in given.scenario or SCENARIOS]
    if given.list:
        for scenario in chosen:
            click.echo(f"{scenario.name:28}{scenario.promise}")
        return 0
    logging.configure(Settings(log_level="error"))
    planned = [(chosen[number % len(chosen)], given.seed + number) for number in range(given.runs)]
    results = asyncio.run(_interruptible(planned))
    click.echo(_summary(results, given.runs))
    return 1 if len(results) < given.runs or any(result.problems.found for result in results) else 0


async def _interruptible(planned: list[tuple[Scenario, int]]) -> list[Result]:
    """Do all runs, or as many as there is time for before SIGINT or SIGTERM, and leave no process behind."""
    results: list[Result] = []
    running = asyncio.create_task(_run_all(planned, results))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    await asyncio.wait([running])
    if not running.cancelled():
        running.result()
    return results


async def _run_all(planned: list[tuple[Scenario, int]], results: list[Result]) -> None:
    expected: dict[int, Books] = {}
    folder = Path(tempfile.mkdtemp(prefix="freight-chaos-"))
    async with servers.postgres() as postgres:
        for scenario, seed in planned:
            workspace = seed % WORKSPACES
            if workspace not in expected:
                began = time.monotonic()
                expected[workspace] = await runs.fault_free(postgres, folder / "fault-free", workspace, Size())
                click.echo(f"workspace {workspace} migrated without faults in {time.monotonic() - began:.0f} s")
            click.echo(f"seed {seed}, {scenario.name}")
            acts = schedule(scenario, seed, Size().span)
            for act in acts:
                click.echo(str(act))
            place = folder / f"{scenario.name}-{seed}"
            result = await runs.run(postgres, place, scenario, seed, workspace, Size(), expected[workspace])
            results.append(result)
            _report(result, acts, place)
    if not any(result.problems.found for result in results):
        shutil.rmtree(folder)


def _report(result: Result, acts: list[Act], place: Path) -> None:
    resumed = "" if result.resumed_after is None else f", on after {result.resumed_after:.1f} s"
    click.echo(f"    {'FAILED' if result.problems.found else 'ok'} in {result.seconds:.0f} s{resumed}")
    for kind, text in result.problems.found[:SHOWN]:
        click.echo(f"    {kind}: {text[:TEXT_SHOWN]}")
    if (further := len(result.problems.found) - SHOWN) > 0:
        click.echo(f"    and {further} more")
    if result.problems.found:
        told = [*map(str, acts), *(f"{kind}: {text}" for kind, text in result.problems.found)]
        (place / "run.txt").write_text("".join(f"{line}\n" for line in told))
        click.echo(f"    its logs: {place}")
        click.echo(f"    the same again: scripts/chaos --runs 1 --seed {result.seed} --scenario {result.scenario}")
    else:
        shutil.rmtree(place)


def _summary(results: list[Result], planned: int) -> str:
    counted = Counter(kind for result in results for kind, _ in result.problems.found)
    failed = sum(bool(result.problems.found) for result in results)
    resumed = [result.resumed_after for result in results if result.resumed_after is not None]
    told = ", ".join(f"{counted[kind]} {kind}" for kind in KINDS)
    runs_done = f"{planned} runs" if len(results) == planned else f"interrupted after {len(results)} of {planned} runs"
    return f"{runs_done}, {failed} failed: {told}; on after at most {max(resumed, default=0):.0f} s"
