"""`freight demo`: run everything on this machine, to watch a migration."""

import asyncio
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click
import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

import freight_embedded
from freight import database, logging
from freight.cli.recount import Recount
from freight.cli.serve import running
from freight.domain.tenancy import api_keys, tenants
from freight.domain.tenancy.audit import Actor
from freight.domain.tenancy.tenants import TenantRequest
from freight.encryption import CredentialCipher, secret_in
from freight.settings import Settings
from freight_sandbox import Sandbox, SandboxOptions
from freight_sandbox import running as sandbox_running

LISTS, REMINDERS, FILES = 3, 20, 5

POLL_SECONDS = 1
PLAIN_LINE_SECONDS = 2

# Without a terminal to set the width, lines must not break anywhere.
console = Console(width=None if Console().is_terminal else 120)


@click.command()
@click.option("--companies", default=100, show_default=True, help="Companies in the simulated Affinity.")
@click.option("--people", default=300, show_default=True, help="People in the simulated Affinity.")
@click.option("--opportunities", default=40, show_default=True, help="Opportunities in the simulated Affinity.")
@click.option("--entries", default=120, show_default=True, help="List entries in the simulated Affinity.")
@click.option("--notes", default=80, show_default=True, help="Notes in the simulated Affinity.")
@click.option("--seed", default=1, show_default=True, help="The same seed generates the same records.")
@click.option("--unlimited", is_flag=True, help="Disable the vendors' rate limits.")
def demo(companies: int, people: int, opportunities: int, entries: int, notes: int, seed: int, unlimited: bool) -> None:
    """Watch a migration from a simulated Affinity to a simulated Attio.

    Everything else is real: PostgreSQL, Redis, the API and the worker. All data are discarded afterwards.
    """
    options = SandboxOptions(
        affinity_port=0,
        attio_port=0,
        companies=companies,
        people=people,
        opportunities=opportunities,
        lists=LISTS,
        entries=entries,
        notes=notes,
        reminders=REMINDERS,
        files=FILES,
        custom_fields=False,
        seed=seed,
        unlimited=unlimited,
    )
    try:
        adds_up = asyncio.run(_demo(options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("\nStopped.")
        raise SystemExit(130) from None
    raise SystemExit(0 if adds_up else 1)


async def _demo(options: SandboxOptions) -> bool:
    main_task = asyncio.current_task()
    assert main_task is not None  # noqa: S101 - this is a coroutine of asyncio.run
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, main_task.cancel)
    async with _temporary_home() as home, sandbox_running(options) as sandbox:
        settings = _settings(home, sandbox, unlimited=options.unlimited)
        logging.configure(settings)
        console.print("Starting PostgreSQL, Redis, the API and a worker …")
        async with running(settings, with_worker=True) as service, _client(service.url, settings) as client:
            job = await _create_job(client, sandbox)
            console.print(
                f"Job {job['id']} from {job['source_workspace']['name']} to {job['target_workspace']['name']}."
            )
            job = await _watch(client, job["id"])
            return await _report(client, sandbox, job)


@asynccontextmanager
async def _temporary_home() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory(prefix="freight-demo-", ignore_cleanup_errors=True) as home:
        try:
            yield home
        finally:
            # Servers that are still stopping would write into the folder while it is being removed.
            await freight_embedded.stopped(Path(home))


def _settings(home: str, sandbox: Sandbox, *, unlimited: bool) -> Settings:
    hosts = ",".join(
        httpx.URL(url).netloc.decode() for url in (sandbox.affinity_url, sandbox.affinity_files_url, sandbox.attio_url)
    )
    unpaced: dict[str, int] = dict.fromkeys(
        ("affinity_requests_per_minute", "attio_reads_per_second", "attio_writes_per_second"), 0
    )
    return Settings(
        home=home,
        port=0,
        vendor_hosts=hosts,
        environment="dev",
        log_level="error",
        requests_per_minute=0,
        requests_per_hour=0,
        **(unpaced if unlimited else {}),  # type: ignore[arg-type]
    )


@asynccontextmanager
async def _client(url: str, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    cipher = CredentialCipher((secret_in(settings.home_path),))
    async with database.as_platform() as tx:
        actor = Actor(tenant_id=None, name="command line")
        tenant = await tenants.create(tx, actor, TenantRequest(name="Demonstration"))
        first = await api_keys.issue_first(tx, cipher, actor, tenant.id, environment="dev")
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", headers={"X-API-Key": first.key}, timeout=30) as client:
        yield client


async def _create_job(client: httpx.AsyncClient, sandbox: Sandbox) -> dict[str, Any]:
    return await _answer(
        client.post(
            "/jobs",
            json={
                "source_system": "affinity",
                "target_system": "attio",
                "source_config": {"api_key": sandbox.affinity_key, "base_url": sandbox.affinity_url},
                "target_config": {"api_key": sandbox.attio_key, "base_url": sandbox.attio_url},
                "batch_size": 100,
                "name": "Demonstration",
            },
        )
    )


async def _answer(request: Any) -> dict[str, Any]:
    response: httpx.Response = await request
    if response.is_error:
        raise click.ClickException(f"Freight answered {response.status_code}: {response.json()['message']}")
    answer: dict[str, Any] = response.json()
    return answer


async def _watch(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    show = _Bar() if console.is_terminal else _Lines()
    with show:
        while True:
            job = await _answer(client.get(f"/jobs/{job_id}"))
            show.update(job)
            if job["completed_at"] is not None:
                return job
            await asyncio.sleep(POLL_SECONDS)


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} records/s" if task.speed else "")


class _Bar:
    """Progress on a terminal."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            _RateColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._progress.add_task("starting", total=None)

    def __enter__(self) -> None:
        self._progress.start()

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, job: dict[str, Any]) -> None:
        self._progress.update(
            self._task,
            total=job["total_records"] or None,
            completed=job["processed_records"],
            description=job["stage"] or job["status"],
        )


class _Lines:
    """Progress without a terminal."""

    def __init__(self) -> None:
        self._started = self._printed = time.monotonic()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, job: dict[str, Any]) -> None:
        now = time.monotonic()
        if now - self._printed < PLAIN_LINE_SECONDS and job["completed_at"] is None:
            return
        self._printed = now
        processed, total = job["processed_records"], job["total_records"]
        rate = processed / (now - self._started)
        remaining = f", {(total - processed) / rate:.0f} s remaining" if rate else ""
        where = job["stage"] or job["status"]
        console.print(f"{where}: {processed} of {total} records, {rate:.1f} a second{remaining}")


async def _found(client: httpx.AsyncClient, sandbox: Sandbox, job: dict[str, Any]) -> dict[str, int]:
    """Return what the target itself holds, by entity."""
    files = await _answer(client.get(f"/jobs/{job['id']}/records", params={"entity": "files", "limit": 1000}))
    file_ids = [record["target_id"] for record in files["items"] if record["target_id"]]
    recount = Recount(sandbox.attio_url, sandbox.attio_key)
    try:
        return {counts["entity"]: await recount.count(counts["entity"], file_ids) for counts in job["counts"]}
    finally:
        await recount.aclose()


async def _report(client: httpx.AsyncClient, sandbox: Sandbox, job: dict[str, Any]) -> bool:
    found = await _found(client, sandbox, job)
    columns = ("read", "created", "updated", "unchanged", "skipped", "failed")
    table = Table("Entity")
    for name in (*columns, "found in the target"):
        table.add_column(name.capitalize(), justify="right")
    adds_up: bool = job["status"] == "completed"
    for counts in job["counts"]:
        table.add_row(counts["entity"], *(str(counts[name]) for name in columns), str(found[counts["entity"]]))
        arrived = counts["created"] + counts["updated"] + counts["unchanged"]
        adds_up &= found[counts["entity"]] == arrived and counts["read"] == sum(counts[name] for name in columns[1:])
    console.print(table)
    logged = await _answer(client.get(f"/jobs/{job['id']}/logs", params={"limit": 1, "level": "warning"}))
    console.print(f"{logged['total']} values could not be migrated; the job's log names each, with the reason.")
    if job["error"] is not None:
        console.print(f"The job ended with an error: {job['error']['message']}")
    console.print("It adds up." if adds_up else "It does NOT add up.")
    return adds_up
