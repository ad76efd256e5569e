"""Start: the precheck, and the schema that the target needs."""

from uuid import UUID

from freight import database
from freight.connectors.errors import Rejected
from freight.connectors.protocols import Source, Target, Workspace
from freight.database import Connection
from freight.domain import jobs, leases, streams
from freight.domain.jobs import Job
from freight.domain.pipeline.attempts import Failure, attempt
from freight.domain.pipeline.watch import Interrupted
from freight.domain.pipeline.workplace import Workplace

STAGES = (None, "precheck", "schema")
"""The stages before the extraction."""


async def start(place: Workplace, tenant_id: UUID, job_id: UUID) -> None:
    """Start a job if that is still to be done and nobody else is at it."""
    async with database.as_tenant(tenant_id) as tx:
        job = await jobs.lock(tx, job_id)
        if job.is_ending or job.status not in ("pending", "running") or job.stage not in STAGES:
            return
        lease = await leases.claim(tx, "jobs", tenant_id, job_id, place.worker)
        if lease is None:
            return
        if job.status == "pending":
            await jobs.move(tx, job, "running")

    async def retry(tx: Connection, _failure: Failure) -> None:
        await leases.postpone(tx, lease, seconds=job.retry_policy.delay(lease.attempt + 1))

    async def give_up(tx: Connection, failure: Failure) -> None:
        await jobs.stop(tx, job_id, code=failure.code, message=failure.message)

    async with (
        attempt(job, lease, retry=retry, give_up=give_up),
        place.source(job) as source,
        place.target(job) as target,
    ):
        await _precheck(job, source, target)
        await _schema(job, target)


async def _precheck(job: Job, source: Source, target: Target) -> None:
    await _enter(job, "precheck")
    for side, opened, expected in (
        ("source", await source.identify(), job.source_workspace),
        ("target", await target.identify(), job.target_workspace),
    ):
        if opened.id != expected:
            await _refuse_workspace(job, side, opened)
            raise Interrupted


async def _refuse_workspace(job: Job, side: str, opened: Workspace) -> None:
    async with database.as_tenant(job.tenant_id) as tx:
        await jobs.stop(
            tx,
            job.id,
            code="workspace_changed",
            message=f"The {side}'s key now opens another workspace, {opened.id} ({opened.name}). "
            "Create a new job for it.",
        )


async def _schema(job: Job, target: Target) -> None:
    await _enter(job, "schema")
    try:
        await target.prepare_schema(job.entities)
    except Rejected as error:
        async with database.as_tenant(job.tenant_id) as tx:
            await jobs.stop(tx, job.id, code="schema_refused", message=str(error))
        raise Interrupted from error
    async with database.as_tenant(job.tenant_id) as tx:
        await streams.open_all(tx, job.tenant_id, job.id, job.entities)
        await jobs.enter_stage(tx, await jobs.lock(tx, job.id), "extract")


async def _enter(job: Job, stage: str) -> None:
    async with database.as_tenant(job.tenant_id) as tx:
        current = await jobs.lock(tx, job.id)
        if not current.may_go_on:
            raise Interrupted
        await jobs.enter_stage(tx, current, stage)
