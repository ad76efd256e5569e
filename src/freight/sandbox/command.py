"""`freight sandbox`: both simulated vendors until Ctrl-C."""

import asyncio
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click
import msgspec
from rich.console import Console
from rich.table import Column, Table

from freight.sandbox.affinity.folder import WorkspaceFileError
from freight.sandbox.server import AFFINITY_KEY, ATTIO_KEY, Sandbox, SandboxOptions, running


@click.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--affinity-port", default=9101, show_default=True, help="Port of the simulated Affinity; 0 takes a free one."
)
@click.option("--attio-port", default=9102, show_default=True, help="Port of the simulated Attio; 0 takes a free one.")
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same Affinity workspace.")
@click.option(
    "--companies", default=500, show_default=True, type=click.IntRange(0, 10_000_000), help="Companies to make up."
)
@click.option(
    "--people", default=2000, show_default=True, type=click.IntRange(0, 10_000_000), help="Persons to make up."
)
@click.option(
    "--workspace",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder with companies.jsonl and persons.jsonl, in the shape of Affinity's API, instead of made-up rows.",
)
@click.option("--unlimited", is_flag=True, help="Without the vendors' rate limits.")
@click.option("--affinity-key", default=AFFINITY_KEY, show_default=True, help="The API key that Affinity accepts.")
@click.option("--attio-key", default=ATTIO_KEY, show_default=True, help="The API key that Attio accepts.")
def sandbox(
    host: str,
    affinity_port: int,
    attio_port: int,
    seed: int,
    companies: int,
    people: int,
    workspace: Path | None,
    unlimited: bool,
    affinity_key: str,
    attio_key: str,
) -> None:
    """Run a simulated Affinity and a simulated Attio to rehearse a migration against.

    Where the output is not a terminal, it is one line of JSON with the URLs and keys.
    """
    options = SandboxOptions(
        host=host,
        affinity_port=affinity_port,
        attio_port=attio_port,
        seed=seed,
        companies=companies,
        people=people,
        workspace=workspace,
        unlimited=unlimited,
        affinity_key=affinity_key,
        attio_key=attio_key,
    )
    try:
        asyncio.run(_serve(options))
    except WorkspaceFileError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        message = f"The sandbox cannot listen on {host}: {error}. Choose other ports, or 0 for free ones."
        raise click.ClickException(message) from error


async def _serve(options: SandboxOptions) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, stopped.set)
    async with running(options) as started:
        if sys.stdout.isatty():
            _introduce(started, options)
        else:
            click.echo(msgspec.json.encode(started))
        await stopped.wait()


def _introduce(started: Sandbox, options: SandboxOptions) -> None:
    table = Table("", Column("Address", no_wrap=True), Column("API key", no_wrap=True), "Holds", title="Sandbox")
    holds = f"{started.companies:,} companies, {started.people:,} persons"
    table.add_row("Affinity", started.affinity_url, started.affinity_key, holds)
    table.add_row("Attio", started.attio_url, started.attio_key, "an empty workspace")
    hosts = ",".join(urlsplit(url).netloc for url in (started.affinity_url, started.attio_url))
    console = Console(highlight=False)
    console.print(table)
    console.print("No rate limits." if options.unlimited else "Both keep the vendors' real rate limits.")
    console.print(f"To let Freight use them: FREIGHT_VENDOR_HOSTS={hosts}")
    console.print("Ctrl-C ends the sandbox and forgets what is in it.")
