"""`freight sandbox`: both simulated vendors until Ctrl-C."""

import asyncio
import gc
import signal
import sys
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import click
import msgspec
from rich.console import Console
from rich.table import Column, Table

from freight_sandbox.affinity.folder import WorkspaceFileError
from freight_sandbox.attio.workspace import PlanCode
from freight_sandbox.limits import WindowKind
from freight_sandbox.server import AFFINITY_KEY, ATTIO_KEY, Sandbox, SandboxOptions, running

ROWS = click.IntRange(0, 10_000_000)


@click.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--affinity-port", default=9101, show_default=True, help="Port of the simulated Affinity; 0 takes a free one."
)
@click.option("--attio-port", default=9102, show_default=True, help="Port of the simulated Attio; 0 takes a free one.")
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same Affinity workspace.")
@click.option("--companies", default=500, show_default=True, type=ROWS, help="Companies to make up.")
@click.option("--people", default=2000, show_default=True, type=ROWS, help="Persons to make up.")
@click.option("--opportunities", default=200, show_default=True, type=ROWS, help="Opportunities to make up.")
@click.option("--lists", default=4, show_default=True, type=ROWS, help="Lists to make up, of each kind in turn.")
@click.option("--entries", default=600, show_default=True, type=ROWS, help="List entries to make up, on all lists.")
@click.option("--notes", default=500, show_default=True, type=ROWS, help="Notes and replies to make up.")
@click.option("--reminders", default=60, show_default=True, type=ROWS, help="Reminders to make up.")
@click.option("--files", default=20, show_default=True, type=ROWS, help="Small files to make up.")
@click.option(
    "--custom-fields/--no-custom-fields",
    default=True,
    show_default=True,
    help="Whether companies and persons have fields of the firm's own, one of every type.",
)
@click.option(
    "--workspace",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder with companies.jsonl, persons.jsonl, lists.jsonl and so on, in the shapes of Affinity's API, instead "
    "of made-up rows.",
)
@click.option(
    "--deals/--no-deals",
    "deals_enabled",
    default=True,
    show_default=True,
    help="Whether Attio's deals are switched on.",
)
@click.option(
    "--enrichment",
    is_flag=True,
    help="Attio fills in what it believes to know about new companies within a second, also wrongly. Without this it "
    "only links new people to the company of their e-mail domain, 200 to 500 ms after their creation.",
)
@click.option(
    "--record-limit",
    type=click.IntRange(min=0),
    help="Most records that Attio's plan allows; further ones are refused until PUT /_sandbox/plan raises it.",
)
@click.option(
    "--record-limit-code",
    type=click.Choice(get_args(PlanCode)),
    default="particle_gate_violation",
    show_default=True,
    help="Code with which Attio refuses records beyond the limit.",
)
@click.option(
    "--query-score-limit",
    type=click.IntRange(min=1),
    help="Highest score of a query that Attio takes; one above it is refused with 429 however often it is repeated. "
    "A sort costs 52 times the natural logarithm of the number of records, a value of a filter 1.",
)
@click.option(
    "--query-score-sum-limit",
    type=click.IntRange(min=1),
    help="Highest sum of the scores of Attio's queries within 10 seconds.",
)
@click.option("--unlimited", is_flag=True, help="Without the vendors' rate limits.")
@click.option(
    "--attio-window",
    type=click.Choice(get_args(WindowKind)),
    default="sliding",
    show_default=True,
    help="Whether Attio's limits hold within any second, or within each second of the clock.",
)
@click.option(
    "--arrival-jitter",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Milliseconds by which requests may arrive later than they were sent, each by a random part of them.",
)
@click.option("--affinity-key", default=AFFINITY_KEY, show_default=True, help="The API key that Affinity accepts.")
@click.option("--attio-key", default=ATTIO_KEY, show_default=True, help="The API key that Attio accepts.")
def sandbox(**options: Any) -> None:
    """Run a simulated Affinity and a simulated Attio to rehearse a migration against.

    Where the output is not a terminal, it is one line of JSON with the URLs and keys.
    """
    try:
        asyncio.run(_serve(SandboxOptions(**options)))
    except WorkspaceFileError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        message = f"The sandbox cannot listen on {options['host']}: {error}. Choose other ports, or 0 for free ones."
        raise click.ClickException(message) from error


async def _serve(options: SandboxOptions) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, stopped.set)
    async with running(options) as started:
        # A vendor does not stop for a tenth of a second to look through all that it holds for garbage.
        gc.collect()
        gc.freeze()
        if sys.stdout.isatty():
            _introduce(started, options)
        else:
            click.echo(msgspec.json.encode(started))
        await stopped.wait()


def _introduce(started: Sandbox, options: SandboxOptions) -> None:
    table = Table("", Column("Address", no_wrap=True), Column("API key", no_wrap=True), "Holds", title="Sandbox")
    holds = f"{started.companies:,} companies, {started.people:,} persons, {started.further_rows:,} other rows"
    table.add_row("Affinity", started.affinity_url, started.affinity_key, holds)
    table.add_row("Attio", started.attio_url, started.attio_key, "an empty workspace")
    hosts = ",".join(
        urlsplit(url).netloc for url in (started.affinity_url, started.affinity_files_url, started.attio_url)
    )
    console = Console(highlight=False)
    console.print(table)
    console.print("No rate limits." if options.unlimited else "Both keep the vendors' real rate limits.")
    console.print(f"To let Freight use them: FREIGHT_VENDOR_HOSTS={hosts}")
    console.print("Ctrl-C ends the sandbox and forgets what is in it.")
