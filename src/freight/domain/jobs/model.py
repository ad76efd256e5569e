"""Jobs: one run from one workspace to another."""

from collections import abc
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import asyncpg
import msgspec

from freight.connectors.protocols import Issue
from freight.database import Connection, jsonb, savepoint, storable
from freight.domain import tables
from freight.domain.credential_checks import identify
from freight.domain.errors import InvalidRequest, LiveJobExists, NotFound, StateConflict
from freight.domain.jobs import transitions, waiting
from freight.domain.jobs.requests import JobRequest, Mode, OnExisting, check_size, in_load_order
from freight.domain.jobs.retry import RetryPolicy
from freight.domain.jobs.transitions import Status
from freight.domain.jobs.waiting import Waiting
from freight.domain.migration.records import batches, logs
from freight.domain.migration.records.ledger import WorkspacePair
from freight.domain.migration.records.logs import Entry
from freight.domain.migration.records.records import Leftover
from freight.domain.tables import NOW
from freight.domain.vendors import Vendors
from freight.domain.webhooks import deliveries, subscriptions
from freight.encryption import CredentialCipher
from freight.model.crm import LOAD_ORDER, Entity
from freight.model.mapping import Mapping

PausedBy = Literal["person", "quota", "plan", "vendor", "suspension"]

SAMPLE_SIZE = 10
"""Records of each entity that a sample migrates by default."""

CANCELLING = "cancelling"
"""The stage of a job that was cancelled while workers held its leases."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """The outcomes of an entity's records so far; `read` is the sum of the others once the job has ended."""

    entity: Entity
    read: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    failed: int


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it is stored, without its credentials."""

    id: UUID
    tenant_id: UUID
    name: str | None
    labels: dict[str, str]
    status: Status
    stage: str | None
    mode: Mode
    sample_size: int | None
    mapping: Mapping
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
    paused_by: PausedBy | None
    resume_at: datetime | None
    waiting_for: Waiting | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None

    @property
    def pair(self) -> WorkspacePair:
        """The two workspaces, as the ledger identifies them."""
        return WorkspacePair(
            source=f"{self.source_system}:{self.source_workspace}",
            target=f"{self.target_system}:{self.target_workspace}",
        )

    @property
    def writes(self) -> bool:
        """Whether it writes to the target."""
        return self.mode != "dry_run"

    @property
    def may_go_on(self) -> bool:
        """Whether workers may claim more of it: it is running, and no error must end it."""
        return self.status == "running" and not self.is_ending

    @property
    def is_ending(self) -> bool:
        """Whether it ends as soon as no worker holds a lease of it."""
        return self.status in transitions.LIVE and (self.error_code is not None or self.stage == CANCELLING)


class Credentials(msgspec.Struct, frozen=True):
    """The vendors' keys of a job."""

    source: str
    target: str

    def __repr__(self) -> str:
        return "Credentials(…)"


JOB = tables.Job

COLUMNS = ", ".join(field.name for field in msgspec.structs.fields(Job))
"""The columns of a job, in SQL: every step and most requests read jobs, and a Piccolo query of so many columns takes
longer to build than PostgreSQL takes to answer it. The same holds for the insert."""


async def prepare(request: JobRequest, vendors: Vendors) -> dict[str, Any]:
    """Identify both keys at their vendors, and return the columns of `jobs` that name the workspaces.

    Hold no transaction meanwhile, because vendors may be slow. Raise `InvalidRequest`, `CredentialsRefused` or
    `VendorUnreachable`.
    """
    check_size(request.mapping)
    if request.sample_size is not None and request.mode != "sample":
        raise InvalidRequest("Only a job with the mode `sample` has a sample_size.", field="sample_size")
    source_url = await vendors.base_url(
        request.source_system, request.source_config.base_url, field="source_config.base_url"
    )
    target_url = await vendors.base_url(
        request.target_system, request.target_config.base_url, field="target_config.base_url"
    )
    source_workspace = await identify(
        vendors.source,
        request.source_system,
        side="source",
        api_key=request.source_config.api_key,
        base_url=source_url,
        resolve=vendors.resolve,
    )
    target_workspace = await identify(
        vendors.target,
        request.target_system,
        side="target",
        api_key=request.target_config.api_key,
        base_url=target_url,
        resolve=vendors.resolve,
    )
    if request.target_config.workspace_id not in (None, target_workspace.id):
        raise InvalidRequest(
            f"The key opens the workspace {target_workspace.id} ({target_workspace.name}), not this one.",
            field="target_config.workspace_id",
        )
    return {
        "source_base_url": source_url,
        "source_workspace": storable(source_workspace.id),
        "source_workspace_name": storable(source_workspace.name),
        "target_base_url": target_url,
        "target_workspace": storable(target_workspace.id),
        "target_workspace_name": storable(target_workspace.name),
    }


async def create(
    tx: Connection,
    cipher: CredentialCipher,
    tenant_id: UUID,
    request: JobRequest,
    workspaces: dict[str, Any],
    *,
    started_by: str,
) -> Job:
    """Store a new job, ready to be started. `workspaces` is what `prepare` returned. Raise `LiveJobExists`."""
    job_id = uuid4()
    values = {
        "id": job_id,
        "tenant_id": tenant_id,
        "name": request.name,
        "labels": jsonb(request.labels),
        "status": "pending",
        "mode": request.mode,
        "sample_size": (request.sample_size or SAMPLE_SIZE) if request.mode == "sample" else None,
        "mapping": jsonb(request.mapping or Mapping()),
        "entities": in_load_order(request.entities),
        "on_existing": request.on_existing,
        "batch_size": request.batch_size,
        "retry_policy": jsonb(request.retry_policy),
        "source_system": request.source_system,
        "source_credentials": cipher.seal(request.source_config.api_key, bound_to=f"job {job_id} source"),
        "target_system": request.target_system,
        "target_credentials": cipher.seal(request.target_config.api_key, bound_to=f"job {job_id} target"),
        "started_by": started_by,
        "total_records": 0,
        "processed_records": 0,
        "failed_records": 0,
        **workspaces,
    }
    # The savepoint lets the transaction continue after the unique index has refused the row.
    try:
        async with savepoint(tx):
            row = await tx.fetchrow(
                f"""INSERT INTO jobs ({", ".join(values)})
                    VALUES ({", ".join(f"${n}" for n in range(1, len(values) + 1))}) RETURNING {COLUMNS}""",
                *values.values(),
            )
    except asyncpg.UniqueViolationError:
        raise LiveJobExists(await conflicting_job(tx, values)) from None
    return read_row(row)


async def get(tx: Connection, job_id: UUID) -> Job:
    """Return the job with this id. Raise `NotFound`, also for a deleted one and for another tenant's."""
    return await _get(tx, job_id)


async def lock(tx: Connection, job_id: UUID) -> Job:
    """Lock the job with this id until the transaction ends, and return it. Raise `NotFound`."""
    return await _get(tx, job_id, locking="FOR NO KEY UPDATE")


async def lock_if_free(tx: Connection, job_id: UUID) -> Job | None:
    """Do the same without waiting. Return None if another transaction holds the lock, or if the job does not exist."""
    try:
        return await _get(tx, job_id, locking="FOR NO KEY UPDATE SKIP LOCKED")
    except NotFound:
        return None


async def _get(tx: Connection, job_id: UUID, locking: str = "") -> Job:
    row = await tx.fetchrow(f"SELECT {COLUMNS} FROM jobs WHERE id = $1 AND deleted_at IS NULL {locking}", job_id)
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return read_row(row)


async def counts(tx: Connection, job_ids: Sequence[UUID]) -> dict[UUID, list[Counts]]:
    """Return the outcomes of these jobs' records so far, per entity in load order."""
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


async def credentials(tx: Connection, cipher: CredentialCipher, job_id: UUID) -> Credentials:
    """Return the vendors' keys of a job. Raise `freight.encryption.SecretError`."""
    row = await JOB.select(JOB.source_credentials, JOB.target_credentials).where(JOB.id == job_id).first()
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return Credentials(
        source=cipher.open(row["source_credentials"], bound_to=f"job {job_id} source"),
        target=cipher.open(row["target_credentials"], bound_to=f"job {job_id} target"),
    )


async def move(
    tx: Connection, job: Job, status: Status, *, paused_by: PausedBy | None = None, resume_at: datetime | None = None
) -> None:
    """Move a locked job to another state; `paused_by` is for the state paused. Raise `StateConflict` if the states
    allow no such transition."""
    transitions.check(job.status, status)
    ended = status not in transitions.LIVE
    # In SQL, because every job and every request that controls one runs it.
    await tx.execute(
        """UPDATE jobs SET status = $2, updated_at = now(), paused_by = $5, resume_at = $6, waiting_for = NULL,
                  started_at = CASE WHEN $4 THEN coalesce(started_at, now()) ELSE started_at END,
                  completed_at = CASE WHEN $3 THEN now() END,
                  stage = CASE WHEN $3 THEN NULL ELSE stage END
           WHERE id = $1""",
        job.id,
        status,
        ended,
        status == "running",
        paused_by,
        resume_at,
    )
    await _announce(tx, job, status)


async def _announce(tx: Connection, before: Job, status: Status) -> None:
    """Store the webhook deliveries of a job's new state, in the transaction of the change."""
    event = subscriptions.event_of(before.status, status)
    listening = await subscriptions.listening(tx, before.tenant_id, event) if event else []
    if not event or not listening:
        return
    job = await get(tx, before.id)
    data = {
        "job_id": job.id,
        "name": job.name,
        "labels": job.labels,
        "status": job.status,
        "previous_status": before.status,
        "total_records": job.total_records,
        "processed_records": job.processed_records,
        "failed_records": job.failed_records,
        "counts": (await counts(tx, [job.id]))[job.id],
        "error": None if job.error_code is None else {"code": job.error_code, "message": job.error_message},
        "paused_by": job.paused_by,
        "resume_at": job.resume_at,
        "links": {"job": f"/api/v1/jobs/{job.id}", "logs": f"/api/v1/jobs/{job.id}/logs"},
    }
    await deliveries.write(tx, job.tenant_id, listening, event, data, job_id=job.id)


async def resume_due(tx: Connection) -> None:
    """Resume the paused jobs whose `resume_at` has passed (as the platform)."""
    due = (JOB.status == "paused") & (JOB.paused_by == "quota") & (JOB.resume_at <= NOW)
    rows = JOB.select(JOB.id).where(due).order_by(JOB.id).lock_rows("NO KEY UPDATE", skip_locked=True)
    for row in await rows:
        job = await get(tx, row["id"])
        await move(tx, job, "pending" if job.started_at is None else "running")


async def enter_stage(tx: Connection, job: Job, stage: str) -> None:
    """Store the stage of a locked job."""
    if job.stage not in (stage, CANCELLING):
        await JOB.update({JOB.stage: stage, JOB.updated_at: NOW}).where(JOB.id == job.id)


async def stop(tx: Connection, job_id: UUID, *, code: str, message: str) -> None:
    """Record a fatal error. Workers claim nothing more of the job, and it fails once the last lease has ended."""
    stopped = await (
        JOB.update(
            {JOB.error_code: code, JOB.error_message: storable(message), JOB.waiting_for: None, JOB.updated_at: NOW}
        )
        .where(
            JOB.id == job_id,
            JOB.error_code.is_null(),
            JOB.status.is_in(sorted(transitions.LIVE)),
            JOB.stage.is_null() | (JOB.stage != CANCELLING),
        )
        .returning(JOB.tenant_id)
    )
    for row in stopped:
        entry = Entry(issue=Issue(level="error", code=code, message=message))
        await logs.write(tx, row["tenant_id"], job_id, [entry])


async def pause_until(tx: Connection, job_id: UUID, *, resume_at: datetime, message: str) -> None:
    """Pause a running job until a vendor's quota is renewed."""
    issue = Issue(level="warning", code="quota_exhausted", message=message)
    await _pause(tx, job_id, issue, paused_by="quota", resume_at=resume_at)


async def pause_for_plan(tx: Connection, job_id: UUID, *, message: str) -> None:
    """Pause a running job until a person upgrades a vendor's plan or makes room there, and resumes the job."""
    issue = Issue(level="warning", code="plan_limit_reached", message=message)
    await _pause(tx, job_id, issue, paused_by="plan")


async def pause_for_vendor(tx: Connection, job_id: UUID, *, message: str) -> None:
    """Pause a running job that has waited too long for a vendor, until a person resumes it."""
    issue = Issue(level="warning", code="waited_too_long", message=message)
    await _pause(tx, job_id, issue, paused_by="vendor")


async def _pause(
    tx: Connection, job_id: UUID, issue: Issue, *, paused_by: PausedBy, resume_at: datetime | None = None
) -> None:
    job = await lock(tx, job_id)
    if not job.may_go_on:
        return
    await move(tx, job, "paused", paused_by=paused_by, resume_at=resume_at)
    await logs.write(tx, job.tenant_id, job_id, [Entry(issue=issue)])


async def end(tx: Connection, job: Job) -> None:
    """End a locked job that is ending, once no worker holds a lease of it.

    Records without an outcome are skipped if the job was cancelled, and otherwise fail.
    """
    status: Status
    rest: Leftover
    if job.stage == CANCELLING:
        status = "cancelled"
        rest = Leftover(
            outcome="skipped", code="cancelled", message="The job was cancelled before this record was migrated."
        )
    else:
        status = "failed"
        message = f"The job ended before this record was loaded: {job.error_message}"
        rest = Leftover(outcome="failed", code=job.error_code or "job_failed", message=message)
    streams = tables.Stream
    unread = (streams.job_id == job.id) & (streams.done == False)  # noqa: E712 - a condition of SQL
    for row in await streams.select(streams.entity, streams.read_records).where(unread):
        read = row["read_records"]
        await batches.cut(
            tx, job.tenant_id, job.id, row["entity"], start=read, end=read, size=job.batch_size, last=True
        )
    await batches.fail_open(tx, job.id, rest)
    # The new fence stops a worker that has lost its lease without noticing.
    await streams.update({streams.fence: streams.fence + 1}).where(streams.job_id == job.id)
    await move(tx, await lock(tx, job.id), status)


async def conflicting_job(tx: Connection, columns: abc.Mapping[str, Any]) -> UUID:
    """Return the live job over the two workspaces in these columns of another job. Raise `StateConflict`."""
    twin = await (
        JOB.select(JOB.id)
        .where(
            JOB.source_system == columns["source_system"],
            JOB.source_workspace == columns["source_workspace"],
            JOB.target_system == columns["target_system"],
            JOB.target_workspace == columns["target_workspace"],
            JOB.status.is_in(sorted(transitions.LIVE)),
        )
        .first()
    )
    if twin is None:
        raise StateConflict("Another job over the same two workspaces has just ended. Send the request again.")
    return UUID(str(twin["id"]))


def read_row(row: Any) -> Job:
    """Return the job in a row that has the `COLUMNS`."""
    values = dict(row)
    values["labels"] = msgspec.json.decode(values["labels"])
    values["retry_policy"] = msgspec.json.decode(values["retry_policy"])
    values["mapping"] = msgspec.json.decode(values["mapping"])
    values["waiting_for"] = waiting.read(values["waiting_for"])
    return msgspec.convert(values, Job)
