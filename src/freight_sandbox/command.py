"""`freight sandbox`: run both simulated vendors until Ctrl-C."""

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

from freight_sandbox.affinity.workspace_files import WorkspaceFileError
from freight_sandbox.attio.workspace import PlanCode
from freight_sandbox.limits import WindowKind
from freight_sandbox.server import Sandbox, SandboxOptions, running

ROWS = click.IntRange(0, 10_000_000)
DEFAULTS = SandboxOptions()


@click.command("sandbox")
@click.option("--host", default=DEFAULTS.host, show_default=True, help="Address to listen on.")
@click.option(
    "--affinity-port",
    default=DEFAULTS.affinity_port,
    show_default=True,
    help="Port of the simulated Affinity; 0 selects a free one.",
)
@click.option(
    "--attio-port",
    default=DEFAULTS.attio_port,
    show_default=True,
    help="Port of the simulated Attio; 0 selects a free one.",
)
@click.option(
    "--seed", default=DEFAULTS.seed, show_default=True, help="The same seed generates the same Affinity workspace."
)
@click.option("--companies", default=DEFAULTS.companies, show_default=True, type=ROWS, help="Companies to generate.")
@click.option("--people", default=DEFAULTS.people, show_default=True, type=ROWS, help="Persons to generate.")
@click.option(
    "--opportunities", default=DEFAULTS.opportunities, show_default=True, type=ROWS, help="Opportunities to generate."
)
@click.option(
    "--lists", default=DEFAULTS.lists, show_default=True, type=ROWS, help="Lists to generate, of each kind in turn."
)
@click.option(
    "--entries", default=DEFAULTS.entries, show_default=True, type=ROWS, help="List entries to generate, on all lists."
)
@click.option("--notes", default=DEFAULTS.notes, show_default=True, type=ROWS, help="Notes and replies to generate.")
@click.option("--reminders", default=DEFAULTS.reminders, show_default=True, type=ROWS, help="Reminders to generate.")
@click.option("--files", default=DEFAULTS.files, show_default=True, type=ROWS, help="Small files to generate.")
@click.option(
    "--custom-fields/--no-custom-fields",
    default=DEFAULTS.custom_fields,
    show_default=True,
    help="Whether companies and persons have custom fields, one of every type.",
)
@click.option(
    "--workspace",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder with companies.jsonl, persons.jsonl, lists.jsonl and so on, in the formats of Affinity's API, instead "
    "of generated rows.",
)
@click.option(
    "--deals/--no-deals",
    "deals_enabled",
    default=DEFAULTS.deals_enabled,
    show_default=True,
    help="Whether Attio's deals are enabled.",
)
@click.option(
    "--enrichment",
    is_flag=True,
    help="Attio enriches new companies within a second, sometimes wrongly. Without this option it only links new "
    "people to the company of their e-mail domain, 200 to 500 ms after their creation.",
)
@click.option(
    "--record-limit",
    type=click.IntRange(min=0),
    help="Maximum number of records in Attio's plan; further ones are refused until PUT /_sandbox/plan raises it.",
)
@click.option(
    "--record-limit-code",
    type=click.Choice(get_args(PlanCode)),
    default=DEFAULTS.record_limit_code,
    show_default=True,
    help="Code with which Attio refuses records beyond the limit.",
)
@click.option(
    "--query-score-limit",
    type=click.IntRange(min=1),
    help="Maximum score of an Attio query; one above it is refused with 429 however often it is repeated. "
    "A sort costs 52 times the natural logarithm of the number of records, a value of a filter 1.",
)
@click.option(
    "--query-score-sum-limit",
    type=click.IntRange(min=1),
    help="Maximum sum of the scores of Attio's queries within 10 seconds.",
)
@click.option("--unlimited", is_flag=True, help="Disable the vendors' rate limits.")
@click.option(
    "--attio-window",
    type=click.Choice(get_args(WindowKind)),
    default=DEFAULTS.attio_window,
    show_default=True,
    help="Whether Attio's limits apply to any second, or to each second of the clock.",
)
@click.option(
    "--arrival-jitter",
    type=click.IntRange(min=0),
    default=DEFAULTS.arrival_jitter,
    show_default=True,
    help="Maximum delay of a request in milliseconds; each request gets a random part of it.",
)
@click.option(
    "--affinity-key", default=DEFAULTS.affinity_key, show_default=True, help="The API key that Affinity accepts."
)
@click.option("--attio-key", default=DEFAULTS.attio_key, show_default=True, help="The API key that Attio accepts.")
def sandbox(**options: Any) -> None:
    """Run a simulated Affinity and a simulated Attio, to rehearse a migration.

    If the output is not a terminal, it is one line of JSON with the URLs and keys.
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
        # Without this, garbage collection of the large workspaces pauses the servers for up to 0.1 s at a time.
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
    console.print("No rate limits." if options.unlimited else "Both enforce the vendors' real rate limits.")
    console.print(f"To use them with Freight, set FREIGHT_VENDOR_HOSTS={hosts}")
    console.print("Ctrl-C stops the sandbox and discards its data.")
