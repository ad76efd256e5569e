"""Start both simulated vendors as servers in the running event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from freight_sandbox.affinity.app import affinity_app
from freight_sandbox.affinity.generator import generate_workspace
from freight_sandbox.affinity.requests import OLDEST
from freight_sandbox.affinity.storage import storage_url
from freight_sandbox.affinity.vendor import AffinityVendor
from freight_sandbox.affinity.workspace import Workspace as AffinityWorkspace
from freight_sandbox.affinity.workspace_files import load_workspace
from freight_sandbox.attio.app import attio_app
from freight_sandbox.attio.late_work import LateWork
from freight_sandbox.attio.query import ScoreLimits
from freight_sandbox.attio.vendor import AttioVendor
from freight_sandbox.attio.workspace import NewMember, Plan, PlanCode
from freight_sandbox.attio.workspace import Workspace as AttioWorkspace
from freight_sandbox.faults import Fault, Faults
from freight_sandbox.limits import WindowKind

AFFINITY_KEY = "affinity-sandbox-key"
ATTIO_KEY = "attio-sandbox-key"
FURTHER_COLLECTIONS = ("opportunities", "lists", "list_entries", "notes", "reminders", "files")


class SandboxOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a sandbox, with the defaults of `freight sandbox`; port 0 selects a free one."""

    host: str = "127.0.0.1"
    affinity_port: int = 9101
    attio_port: int = 9102
    affinity_key: str = AFFINITY_KEY
    attio_key: str = ATTIO_KEY
    seed: int = 1
    companies: int = 500
    people: int = 2000
    opportunities: int = 200
    lists: int = 4
    entries: int = 600
    """On all lists together; each opportunity has one of them in any case."""
    notes: int = 500
    reminders: int = 60
    files: int = 20
    custom_fields: bool = True
    """Whether generated companies and persons have a custom field of every value type."""
    workspace: Path | None = None
    """A folder of JSON Lines files that replaces the generated Affinity workspace."""
    unlimited: bool = False
    attio_window: WindowKind = "sliding"
    """Whether Attio's limits apply to any second, or to each second of the clock."""
    arrival_jitter: int = 0
    """The maximum delay of a request in milliseconds, of which each request gets a random part. It is a fault of the
    kind `latency`, which lasts until the faults are cleared.
    """
    affinity_monthly_quota: int | None = None
    affinity_default_version: str = OLDEST
    """The version of API v2 that Affinity's key is set to, for requests that name none."""
    deals_enabled: bool = True
    """Whether an admin has enabled Attio's deals."""
    enrichment: bool = False
    """Whether Attio enriches new companies within a second."""
    hold_late_work: bool = False
    """Whether Attio's automatic work after a request waits until `POST /_sandbox/late`, so that a test controls it."""
    record_limit: int | None = None
    """The maximum number of records in Attio's plan."""
    record_limit_code: PlanCode = "particle_gate_violation"
    """The code with which Attio refuses further records."""
    query_score_limit: int | None = None
    """The maximum score of a single Attio query."""
    query_score_sum_limit: int | None = None
    """The maximum sum of the scores of all queries within 10 seconds."""


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """A running sandbox."""

    affinity_url: str
    affinity_files_url: str
    """The URL of Affinity's storage: the same server under another host name."""
    attio_url: str
    affinity_key: str
    attio_key: str
    affinity_tenant: str
    attio_workspace_id: str
    companies: int
    people: int
    """Persons in Affinity, including its internal users."""
    further_rows: int
    """Opportunities, lists, list entries, notes, reminders and files in Affinity."""


@asynccontextmanager
async def running(options: SandboxOptions) -> AsyncIterator[Sandbox]:
    """Run both vendors until the block ends, without touching signal handlers.

    Raise `WorkspaceFileError` for an unusable folder and `OSError` for a port in use.
    """
    affinity = _generated(options) if options.workspace is None else load_workspace(options.workspace)
    attio = AttioWorkspace(
        deals_enabled=options.deals_enabled,
        late=LateWork(options.seed, held=options.hold_late_work),
        enrichment=options.enrichment,
        plan=Plan(record_limit=options.record_limit, code=options.record_limit_code),
    )
    if options.workspace is None:
        attio.invite(_invited(affinity))
    try:
        async with (
            _serving(_affinity_app(options, affinity), options.host, options.affinity_port) as affinity_url,
            _serving(_attio_app(options, attio), options.host, options.attio_port) as attio_url,
        ):
            yield _described(options, affinity, affinity_url, attio, attio_url)
    finally:
        attio.late.cancel()


def _described(
    options: SandboxOptions,
    affinity: AffinityWorkspace,
    affinity_url: str,
    attio: AttioWorkspace,
    attio_url: str,
) -> Sandbox:
    return Sandbox(
        affinity_url=affinity_url,
        affinity_files_url=storage_url(affinity_url),
        attio_url=attio_url,
        affinity_key=options.affinity_key,
        attio_key=options.attio_key,
        affinity_tenant=affinity.tenant_name,
        attio_workspace_id=attio.id,
        companies=len(affinity.companies.ids),
        people=len(affinity.persons.ids),
        further_rows=sum(len(affinity.collections[name].ids) for name in FURTHER_COLLECTIONS),
    )


def _generated(options: SandboxOptions) -> AffinityWorkspace:
    return generate_workspace(
        options.seed,
        options.companies,
        options.people,
        opportunities=options.opportunities,
        lists=options.lists,
        entries=options.entries,
        notes=options.notes,
        reminders=options.reminders,
        files=options.files,
        custom_fields=options.custom_fields,
    )


def _invited(affinity: AffinityWorkspace) -> list[NewMember]:
    """Return the internal users as members of Attio, except the last one, who has left."""
    rows = [affinity.persons.row(row_id) for row_id in affinity.users[:-1]]
    return [
        NewMember(first_name=row.first_name or "", last_name=row.last_name or "", email_address=row.email_addresses[0])
        for row in rows
        if row.email_addresses
    ]


def _affinity_app(options: SandboxOptions, workspace: AffinityWorkspace) -> Litestar:
    vendor = AffinityVendor(options.seed, unlimited=options.unlimited, monthly_quota=options.affinity_monthly_quota)
    _let_arrive_unevenly(vendor.faults, options)
    return affinity_app(workspace, vendor, options.affinity_key, default_version=options.affinity_default_version)


def _attio_app(options: SandboxOptions, workspace: AttioWorkspace) -> Litestar:
    vendor = AttioVendor(options.seed, unlimited=options.unlimited, window=options.attio_window)
    _let_arrive_unevenly(vendor.faults, options)
    limits = ScoreLimits(per_query=options.query_score_limit, per_10_seconds=options.query_score_sum_limit)
    return attio_app(workspace, vendor, options.attio_key, limits)


def _let_arrive_unevenly(faults: Faults, options: SandboxOptions) -> None:
    if options.arrival_jitter:
        faults.add(Fault(kind="latency", jitter_milliseconds=options.arrival_jitter))


@asynccontextmanager
async def _serving(app: Litestar, host: str, port: int) -> AsyncIterator[str]:
    """Serve an application and yield its base URL."""
    listener = _listen(host, port)
    server = _Server(
        uvicorn.Config(
            app,
            http=_Protocol,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                task.result()
            await asyncio.sleep(0.005)
        yield f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    # asyncio disables Nagle's algorithm only for sockets that name their protocol.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


class _Server(uvicorn.Server):
    """A server that leaves signals to the owner of the event loop."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class _Protocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """uvicorn's HTTP protocol, which also passes its connection to the application, so that a fault can close it."""

    app_state: dict[str, Any]

    def connection_made(self, transport: Any) -> None:
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)
