"""Lifecycle: the actions of people on a job, and their effect on its rows.

Everything here locks the job first, unless it locks in the order of the workers. No worker holds a lease of a job that
has ended. Actions that workers follow take `JobChanges`, so that the work is enqueued as soon as they are committed.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET
from piccolo.columns import Column

from freight.connectors.protocols import Issue
from freight.database import Connection, jsonb, savepoint
from freight.domain import tables
from freight.domain.errors import LiveJobExists, StateConflict
from freight.domain.jobs import dependants, due, transitions
from freight.domain.jobs import model as jobs
from freight.domain.jobs.changes import JobChanges
from freight.domain.jobs.dependants import Dependants
from freight.domain.jobs.model import CANCELLING, Job
from freight.domain.jobs.requests import JobChange, JobRequest, check_size, in_load_order
from freight.domain.migration.records import batches, leases, logs, streams
from freight.domain.migration.records.batches import Batch
from freight.domain.migration.records.logs import Entry
from freight.domain.migration.records.records import OUTCOMES, Outcome
from freight.domain.tables import NOW
from freight.encryption import CredentialCipher
from freight.model.mapping import Mapping

JOB = tables.Job

FAILED: tuple[Outcome, ...] = ("failed",)

SETTINGS = ("batch_size", "retry_policy", "on_existing", "entities", "mapping")
"""Settings that can be changed only before the job starts."""


async def create(
    changes: JobChanges,
    cipher: CredentialCipher,
    tenant_id: UUID,
    request: JobRequest,
    workspaces: dict[str, Any],
    *,
    started_by: str,
) -> Job:
    """Store a new job, ready to be started. `workspaces` is what `jobs.prepare` returned. Raise `LiveJobExists`."""
    job = await jobs.create(changes.tx, cipher, tenant_id, request, workspaces, started_by=started_by)
    changes.note(job.id)
    return job


async def change(tx: Connection, job_id: UUID, wanted: JobChange) -> None:
    """Change what is given. Raise `StateConflict` for a setting of a job that is not pending, `InvalidRequest` for a
    mapping that is too large."""
    check_size(wanted.mapping)
    job = await jobs.lock(tx, job_id)
    given = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not UNSET}
    if job.status != "pending" and (settings := [name for name in SETTINGS if name in given]):
        raise StateConflict(
            f"{', '.join(settings)} can be changed only while a job is pending, and this one is {job.status}."
        )
    if "entities" in given:
        given["entities"] = in_load_order(given["entities"])
    if "mapping" in given:
        given["mapping"] = given["mapping"] or Mapping()
    values: dict[Column | str, Any] = {
        name: jsonb(value) if name in ("labels", "retry_policy", "mapping") else value for name, value in given.items()
    }
    if values:
        await JOB.update({**values, JOB.updated_at: NOW}).where(JOB.id == job_id)


async def delete(tx: Connection, job_id: UUID) -> None:
    """Hide an ended job and erase its vendors' keys. The ledger keeps what it has written, for later jobs.

    Raise `StateConflict` for one that has not ended.
    """
    job = await jobs.lock(tx, job_id)
    transitions.check_action(job.status, "delete")
    await JOB.update(
        {JOB.deleted_at: NOW, JOB.updated_at: NOW, JOB.source_credentials: b"", JOB.target_credentials: b""}
    ).where(JOB.id == job_id)


async def pause(changes: JobChanges, job_id: UUID, *, by: str) -> None:
    """Let workers finish the requests in progress and start no others until the job is resumed.

    A job that was paused by a vendor, its quota or its plan then waits for a person instead. Raise `StateConflict`.
    """
    tx, job = changes.tx, await _live(changes, job_id)
    if job.paused_by in ("quota", "plan", "vendor"):
        await JOB.update({JOB.paused_by: "person", JOB.resume_at: None}).where(JOB.id == job_id)
    else:
        transitions.check_action(job.status, "pause")
        await jobs.move(tx, job, "paused", paused_by="person")
    await _note(tx, job, "job_paused", f"The job was paused by {by}.")


async def resume(changes: JobChanges, job_id: UUID, *, by: str) -> None:
    """Let workers continue a paused job at once, whatever paused it. Raise `StateConflict`."""
    tx = changes.tx
    await due.hurry(tx, job_id)
    job = await _live(changes, job_id)
    transitions.check_action(job.status, "resume")
    await jobs.move(tx, job, "pending" if job.started_at is None else "running")
    await _note(tx, job, "job_resumed", f"The job was resumed by {by}.")


async def cancel(changes: JobChanges, job_id: UUID, *, by: str) -> None:
    """End a live job as soon as no worker holds a lease of it. Raise `StateConflict`."""
    tx, job = changes.tx, await _live(changes, job_id)
    transitions.check_action(job.status, "cancel")
    await JOB.update({JOB.stage: CANCELLING, JOB.waiting_for: None, JOB.updated_at: NOW}).where(JOB.id == job_id)
    await _note(tx, job, "job_cancelled", f"The job was cancelled by {by}. What it has written stays in the target.")


async def retry(changes: JobChanges, job_id: UUID, *, failed_only: bool, by: str) -> int:
    """Run an ended job again, and return how many batches are queued for that.

    With `failed_only` these are the batches of the failed records and of those that depend on them, and no other
    records; otherwise all batches with all records, which writes nothing twice because the ledger holds what was
    written. A stream that was not read to its end is continued. Raise `StateConflict` or `LiveJobExists`.
    """
    tx, job = changes.tx, await _run_again(changes, job_id)
    depending = await dependants.find(tx, job_id)
    found = await batches.to_retry(tx, job_id, failed_only=failed_only)
    queued = await _queue(tx, job, found, FAILED if failed_only else OUTCOMES, depending)
    await _note(tx, job, "job_retried", f"The job was retried by {by}: {queued} batches are queued again.")
    return queued


async def retry_batch(changes: JobChanges, job_id: UUID, batch_id: UUID, *, by: str) -> int:
    """Run an ended job again with the failed records of one batch and those that depend on them.

    Raise the same as `retry`, and `NotFound`.
    """
    tx = changes.tx
    await changes.lock(job_id)
    batch = await batches.of_job(tx, job_id, batch_id)
    if batch.status != "failed" and not batch.failed_records:
        raise StateConflict(f"A batch that is {batch.status} and has no failed records cannot be retried.")
    job = await _run_again(changes, job_id)
    depending = await dependants.find(tx, job_id, of=batch)
    queued = await _queue(tx, job, [batch], FAILED, depending)
    await _note(tx, job, "batch_retried", f"Batch {batch.number} of {batch.entity} was retried by {by}.")
    return queued


async def _live(changes: JobChanges, job_id: UUID) -> Job:
    job = await changes.lock(job_id)
    if job.is_ending:
        how = "cancelled" if job.stage == CANCELLING else "failed"
        raise StateConflict(
            f"The job is {job.status} and will be {how} once its workers have stopped, usually within seconds."
        )
    return job


async def _run_again(changes: JobChanges, job_id: UUID) -> Job:
    """Restart an ended job from its precheck, and clear its error."""
    tx, job = changes.tx, await changes.lock(job_id)
    transitions.check_action(job.status, "retry")
    if not await JOB.exists().where(JOB.id == job_id, JOB.source_credentials != b""):
        raise StateConflict(
            "The job's data and the vendors' keys were erased after its retention time. Create a new job: it "
            "recognises what this one has written."
        )
    await tx.execute(f"UPDATE jobs SET error_code = NULL, error_message = NULL, {leases.RESET} WHERE id = $1", job_id)
    # The savepoint lets the transaction continue after the unique index has refused a second live job.
    try:
        async with savepoint(tx):
            await jobs.move(tx, job, "running")
    except asyncpg.UniqueViolationError:
        raise LiveJobExists(await jobs.conflicting_job(tx, msgspec.structs.asdict(job))) from None
    return job


async def _queue(
    tx: Connection, job: Job, found: Collection[Batch], outcomes: Collection[Outcome], depending: Dependants
) -> int:
    await dependants.await_references(tx, depending)
    queued = {batch.id for batch in found}
    for batch in found:
        await batches.queue_again(tx, batch, outcomes, depending.waiting)
    others = [batch for batch in await batches.holding(tx, job.id, depending.waiting) if batch.id not in queued]
    for batch in others:
        await batches.queue_again(tx, batch, (), depending.waiting)
    deleted = await batches.delete_partial(tx, job.id)
    await streams.read_again(tx, job.id)
    return sum(batch.id not in deleted for batch in (*found, *others))


async def _note(tx: Connection, job: Job, code: str, message: str) -> None:
    await logs.write(tx, job.tenant_id, job.id, [Entry(issue=Issue(level="info", code=code, message=message))])
