"""Jobs: one run from one workspace to another."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import asyncpg
import msgspec
from msgspec import Meta

from freight.connectors.protocols import Issue
from freight.crm import LOAD_ORDER, Entity
from freight.database import Connection, jsonb
from freight.domain import batches, logs, transitions
from freight.domain.errors import InvalidRequest, LiveJobExists, NotFound, StateConflict
from freight.domain.ledger import Pair
from freight.domain.logs import Entry
from freight.domain.retry import RetryPolicy
from freight.domain.transitions import Status
from freight.domain.vendors import Vendors, identify
from freight.encryption import Vault

OnExisting = Literal["fill", "overwrite", "skip"]

NO_NUL = r"^[^\x00]*$"
"""PostgreSQL's text holds every character but this one."""

Label = Annotated[str, Meta(max_length=200, pattern=NO_NUL)]


class SourceConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The workspace to read."""

    api_key: Annotated[
        str, Meta(min_length=1, max_length=500, description="An Affinity API key, best an administrator's.")
    ]
    base_url: Annotated[str | None, Meta(description="Where the API is, if not at the vendor's own address.")] = None

    def __repr__(self) -> str:
        return f"SourceConfig(base_url={self.base_url!r})"


class TargetConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The workspace to write."""

    api_key: Annotated[str, Meta(min_length=1, max_length=500, description="An Attio access token.")]
    workspace_id: Annotated[
        str | None, Meta(description="The id that the key's workspace must have: a guard against the wrong key.")
    ] = None
    base_url: Annotated[str | None, Meta(description="Where the API is, if not at the vendor's own address.")] = None

    def __repr__(self) -> str:
        return f"TargetConfig(workspace_id={self.workspace_id!r}, base_url={self.base_url!r})"


class JobRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client asks for."""

    source_system: Literal["affinity"]
    target_system: Literal["attio"]
    source_config: SourceConfig
    target_config: TargetConfig
    batch_size: Annotated[int, Meta(ge=100, le=10_000, description="Records that are loaded as one batch.")] = 1000
    retry_policy: RetryPolicy = RetryPolicy()
    mode: Annotated[Literal["full"], Meta(description="`full` carries everything.")] = "full"
    entities: Annotated[list[Entity] | None, Meta(description="What to carry; null for everything.")] = None
    mapping: Annotated[None, Meta(description="Null: the default mapping.")] = None
    on_existing: Annotated[
        OnExisting,
        Meta(
            description="What happens to a record that the target has already: `fill` writes only attributes that are "
            "empty there and adds to multi-values, `overwrite` writes all, `skip` leaves it alone."
        ),
    ] = "fill"
    name: Annotated[Annotated[str, Meta(max_length=200, pattern=NO_NUL)] | None, Meta(description="Your own name.")] = (
        None
    )
    labels: Annotated[dict[Label, Label], Meta(max_length=50, description="Your own key-value pairs.")] = {}


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an entity's records so far; `read` is the sum of the others once the job has ended."""

    entity: Entity
    read: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    failed: int


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it stands, without its credentials."""

    id: UUID
    tenant_id: UUID
    name: str | None
    labels: dict[str, str]
    status: Status
    stage: str | None
    mode: str
    entities: list[Entity]
    on_existing: OnExisting
    batch_size: int
    retry_policy: RetryPolicy
    source_system: str
    source_base_url: str
    source_workspace: str
    source_workspace_name: str
    target_system: str
    target_base_url: str
    target_workspace: str
    target_workspace_name: str
    started_by: str
    total_records: int
    processed_records: int
    failed_records: int
    error_code: str | None
    error_message: str | None
    resume_at: datetime | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None

    @property
    def pair(self) -> Pair:
        """The two workspaces, as the ledger knows them."""
        return Pair(
            source=f"{self.source_system}:{self.source_workspace}",
            target=f"{self.target_system}:{self.target_workspace}",
        )

    @property
    def may_go_on(self) -> bool:
        """Whether workers may take up more of it: it runs, and nothing has happened that must end it."""
        return self.status == "running" and self.error_code is None


class Credentials(msgspec.Struct, frozen=True):
    """The vendors' keys of a job."""

    source: str
    target: str

    def __repr__(self) -> str:
        return "Credentials(…)"


COLUMNS = ", ".join(field.name for field in msgspec.structs.fields(Job))


async def prepare(request: JobRequest, vendors: Vendors) -> dict[str, Any]:
    """Ask both vendors whose keys these are, and return the columns of `jobs` that say so.

    No transaction is open meanwhile, because vendors may take their time. Raises `InvalidRequest`,
    `CredentialsRefused` or `VendorUnreachable`.
    """
    source_url = vendors.base_url(request.source_system, request.source_config.base_url, field="source_config.base_url")
    target_url = vendors.base_url(request.target_system, request.target_config.base_url, field="target_config.base_url")
    source_workspace = await identify(
        lambda: vendors.source(
            request.source_system, api_key=request.source_config.api_key, base_url=source_url, account="new jobs"
        ),
        side="source",
    )
    target_workspace = await identify(
        lambda: vendors.target(
            request.target_system, api_key=request.target_config.api_key, base_url=target_url, account="new jobs"
        ),
        side="target",
    )
    if request.target_config.workspace_id not in (None, target_workspace.id):
        raise InvalidRequest(
            f"The key opens the workspace {target_workspace.id} ({target_workspace.name}), not this one.",
            field="target_config.workspace_id",
        )
    return {
        "source_base_url": source_url,
        "source_workspace": source_workspace.id,
        "source_workspace_name": source_workspace.name,
        "target_base_url": target_url,
        "target_workspace": target_workspace.id,
        "target_workspace_name": target_workspace.name,
    }


async def create(
    tx: Connection, vault: Vault, tenant_id: UUID, request: JobRequest, workspaces: dict[str, Any], *, started_by: str
) -> Job:
    """Store a new job, ready to be started. `workspaces` is what `prepare` returned. Raises `LiveJobExists`."""
    job_id = uuid4()
    wanted = LOAD_ORDER if request.entities is None else request.entities
    values = {
        "id": job_id,
        "tenant_id": tenant_id,
        "name": request.name,
        "labels": jsonb(request.labels),
        "status": "pending",
        "mode": request.mode,
        "entities": [entity for entity in LOAD_ORDER if entity in wanted],
        "on_existing": request.on_existing,
        "batch_size": request.batch_size,
        "retry_policy": jsonb(request.retry_policy),
        "source_system": request.source_system,
        "source_credentials": vault.seal(request.source_config.api_key, bound_to=f"job {job_id} source"),
        "target_system": request.target_system,
        "target_credentials": vault.seal(request.target_config.api_key, bound_to=f"job {job_id} target"),
        "started_by": started_by,
        "total_records": 0,
        "processed_records": 0,
        "failed_records": 0,
        **workspaces,
    }
    # The savepoint lets the transaction go on after the unique index has refused the row.
    await tx.execute("SAVEPOINT new_job")
    try:
        row = await tx.fetchrow(
            f"""INSERT INTO jobs ({", ".join(values)}) VALUES ({", ".join(f"${n}" for n in range(1, len(values) + 1))})
                RETURNING {COLUMNS}""",
            *values.values(),
        )
    except asyncpg.UniqueViolationError:
        await tx.execute("ROLLBACK TO SAVEPOINT new_job")
        raise LiveJobExists(await _live_twin(tx, request, workspaces)) from None
    return _job(row)


async def get(tx: Connection, job_id: UUID) -> Job:
    """The job with this id. Raises `NotFound`, also for another tenant's."""
    row = await tx.fetchrow(f"SELECT {COLUMNS} FROM jobs WHERE id = $1", job_id)
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return _job(row)


async def lock(tx: Connection, job_id: UUID) -> Job:
    """The job with this id, which nobody else may change until the transaction ends. Raises `NotFound`."""
    await tx.execute("SELECT FROM jobs WHERE id = $1 FOR NO KEY UPDATE", job_id)
    return await get(tx, job_id)


async def page(tx: Connection, *, status: Status | None, limit: int, offset: int) -> tuple[list[Job], int]:
    """A tenant's jobs, newest first, and how many there are in all."""
    where = "$1::text IS NULL OR status = $1"
    total = await tx.fetchval(f"SELECT count(*) FROM jobs WHERE {where}", status)
    rows = await tx.fetch(
        f"SELECT {COLUMNS} FROM jobs WHERE {where} ORDER BY created_at DESC, id LIMIT $2 OFFSET $3",
        status,
        limit,
        offset,
    )
    return [_job(row) for row in rows], total


async def counts(tx: Connection, job_ids: Sequence[UUID]) -> dict[UUID, list[Counts]]:
    """What became of the records of these jobs so far, per entity in the order of loading."""
    rows = await tx.fetch(
        """SELECT job_id, entity, read_records AS read, created_records AS created, updated_records AS updated,
                  unchanged_records AS unchanged, skipped_records AS skipped, failed_records AS failed
           FROM streams WHERE job_id = ANY($1)""",
        list(job_ids),
    )
    found: dict[UUID, list[Counts]] = {job_id: [] for job_id in job_ids}
    for row in sorted(rows, key=lambda row: LOAD_ORDER.index(row["entity"])):
        found[row["job_id"]].append(msgspec.convert({k: v for k, v in row.items() if k != "job_id"}, Counts))
    return found


async def credentials(tx: Connection, vault: Vault, job_id: UUID) -> Credentials:
    """The vendors' keys of a job. Raises `freight.encryption.SecretError`."""
    row = await tx.fetchrow("SELECT source_credentials, target_credentials FROM jobs WHERE id = $1", job_id)
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return Credentials(
        source=vault.open(row["source_credentials"], bound_to=f"job {job_id} source"),
        target=vault.open(row["target_credentials"], bound_to=f"job {job_id} target"),
    )


async def move(tx: Connection, job: Job, status: Status) -> None:
    """Bring a locked job into another state. Raises `StateConflict` if there is no way there."""
    transitions.check(job.status, status)
    ended = status not in transitions.LIVE
    await tx.execute(
        """UPDATE jobs SET status = $2, updated_at = now(), resume_at = NULL,
                  started_at = CASE WHEN $4 THEN coalesce(started_at, now()) ELSE started_at END,
                  completed_at = CASE WHEN $3 THEN now() END,
                  stage = CASE WHEN $3 THEN NULL ELSE stage END
           WHERE id = $1""",
        job.id,
        status,
        ended,
        status == "running",
    )


async def enter_stage(tx: Connection, job: Job, stage: str) -> None:
    """Say where a running job is."""
    if job.stage != stage:
        await tx.execute("UPDATE jobs SET stage = $2, updated_at = now() WHERE id = $1", job.id, stage)


async def stop(tx: Connection, job_id: UUID, *, code: str, message: str) -> None:
    """Note why a job must end. Workers take up nothing more of it, and when the last has let go it fails."""
    tag = await tx.execute(
        """UPDATE jobs SET error_code = $2, error_message = $3, updated_at = now()
           WHERE id = $1 AND error_code IS NULL AND status IN ('pending', 'running', 'paused')""",
        job_id,
        code,
        message,
    )
    if tag == "UPDATE 1":
        tenant_id = await tx.fetchval("SELECT tenant_id FROM jobs WHERE id = $1", job_id)
        await logs.write(tx, tenant_id, job_id, [Entry(issue=Issue(level="error", code=code, message=message))])


async def pause_until(tx: Connection, job_id: UUID, *, resume_at: datetime, message: str) -> None:
    """Pause a running job until a vendor's quota is there again."""
    job = await lock(tx, job_id)
    if job.status != "running":
        return
    await move(tx, job, "paused")
    await tx.execute("UPDATE jobs SET resume_at = $2 WHERE id = $1", job_id, resume_at)
    issue = Issue(level="warning", code="quota_exhausted", message=message)
    await logs.write(tx, job.tenant_id, job_id, [Entry(issue=issue)])


async def fail(tx: Connection, job: Job) -> None:
    """End a job that was told to stop: whatever has no outcome fails. Nobody may be working on it any more."""
    message = f"The job ended before this record was loaded: {job.error_message}"
    for row in await tx.fetch("SELECT entity, read_records FROM streams WHERE job_id = $1 AND NOT done", job.id):
        read = row["read_records"]
        await batches.cut(
            tx, job.tenant_id, job.id, row["entity"], start=read, end=read, size=job.batch_size, last=True
        )
    await batches.fail_open(tx, job.id, code=job.error_code or "job_failed", message=message)
    await move(tx, await lock(tx, job.id), "failed")


async def _live_twin(tx: Connection, request: JobRequest, workspaces: dict[str, Any]) -> UUID:
    twin = await tx.fetchval(
        """SELECT id FROM jobs WHERE source_system = $1 AND source_workspace = $2 AND target_system = $3
                  AND target_workspace = $4 AND status IN ('pending', 'running', 'paused')""",
        request.source_system,
        workspaces["source_workspace"],
        request.target_system,
        workspaces["target_workspace"],
    )
    if twin is None:
        raise StateConflict("Another job over the same two workspaces has ended just now. Ask again.")
    return UUID(str(twin))


def _job(row: Any) -> Job:
    values = dict(row)
    values["labels"] = msgspec.json.decode(values["labels"])
    values["retry_policy"] = msgspec.json.decode(values["retry_policy"])
    return msgspec.convert(values, Job)
