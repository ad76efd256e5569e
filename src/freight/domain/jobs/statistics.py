"""Statistics of one job and of all of a tenant's jobs: outcomes of records, speed and cost."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from freight.database import Connection
from freight.domain import tables
from freight.domain.jobs import model as jobs
from freight.domain.jobs.model import Counts, Job
from freight.domain.jobs.transitions import STATUSES, Status
from freight.model.crm import LOAD_ORDER, Entity


class Outcomes(msgspec.Struct, frozen=True, kw_only=True):
    """Outcomes of records of all entities."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """The number of records that failed for one reason."""

    entity: Entity
    code: str
    records: int


class VendorCalls(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that were sent to vendors."""

    source_reads: int
    target_reads: int
    target_writes: int


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """Figures that jobs and tenants have in common."""

    entities: Annotated[list[Counts], Meta(description="Outcomes of the records, per entity.")]
    outcomes: Outcomes
    failures: Annotated[list[Failures], Meta(description="Failed records by code, the most frequent first.")]
    vendor_calls: VendorCalls
    waited_seconds: Annotated[
        float,
        Meta(description="Time spent waiting for vendors' limits, summed over concurrent requests."),
    ]
    mean_attempts: Annotated[
        float | None, Meta(description="Average number of attempts per batch; null before the first one.")
    ]


class JobStatistics(Statistics, frozen=True, kw_only=True):
    """The figures of a job."""

    job_id: UUID
    status: Status
    records_per_minute: Annotated[
        float | None, Meta(description="Records processed per minute, from the job's start to its end or now.")
    ]
    eta_seconds: Annotated[
        float | None,
        Meta(description="Time until all records read so far are processed, at the rate so far; null unless running."),
    ]


class TenantStatistics(Statistics, frozen=True, kw_only=True):
    """The figures of all jobs of a tenant."""

    jobs: dict[Status, int]
    records_per_minute: Annotated[float | None, Meta(description="Sum of the rates of the running jobs.")]
    eta_seconds: Annotated[float | None, Meta(description="Time until the last of the running jobs ends.")]


def rate(job: Job) -> float | None:
    """Return the records per minute; None before the start."""
    if job.started_at is None:
        return None
    seconds = ((job.completed_at or datetime.now(UTC)) - job.started_at).total_seconds()
    return job.processed_records / seconds * 60 if seconds > 0 else None


def eta(job: Job) -> float | None:
    """Return the seconds until all records that a running job has read so far will have an outcome."""
    per_minute = rate(job)
    if job.status != "running" or not per_minute:
        return None
    return (job.total_records - job.processed_records) / per_minute * 60


async def of_job(tx: Connection, job: Job) -> JobStatistics:
    """Return the figures of a job."""
    return JobStatistics(
        **msgspec.structs.asdict(await _figures(tx, [job.id])),
        job_id=job.id,
        status=job.status,
        records_per_minute=_rounded(rate(job)),
        eta_seconds=_rounded(eta(job)),
    )


async def of_tenant(tx: Connection) -> TenantStatistics:
    """Return the figures of all of a tenant's jobs, without deleted ones."""
    rows = await tables.Job.select(tables.Job.id, tables.Job.status).where(tables.Job.deleted_at.is_null())
    running = [await jobs.get(tx, row["id"]) for row in rows if row["status"] == "running"]
    rates = [per_minute for job in running if (per_minute := rate(job)) is not None]
    times = [seconds for job in running if (seconds := eta(job)) is not None]
    return TenantStatistics(
        **msgspec.structs.asdict(await _figures(tx, [row["id"] for row in rows])),
        jobs={status: sum(row["status"] == status for row in rows) for status in STATUSES},
        records_per_minute=_rounded(sum(rates)) if rates else None,
        eta_seconds=_rounded(max(times, default=None)),
    )


async def _figures(tx: Connection, job_ids: Sequence[UUID]) -> Statistics:
    entities = await _entities(tx, job_ids)
    cost = await tx.fetchrow(
        """SELECT coalesce(sum(source_reads), 0)::bigint AS source_reads,
                  coalesce(sum(target_reads), 0)::bigint AS target_reads,
                  coalesce(sum(target_writes), 0)::bigint AS target_writes,
                  coalesce(sum(waited_seconds), 0) AS waited_seconds
           FROM jobs WHERE id = ANY($1)""",
        job_ids,
    )
    values = dict(cost or {})
    waited: float = values.pop("waited_seconds")
    return Statistics(
        entities=entities,
        outcomes=Outcomes(
            **{name: sum(getattr(counts, name) for counts in entities) for name in Outcomes.__struct_fields__}
        ),
        failures=await _failures(tx, job_ids),
        vendor_calls=VendorCalls(**values),
        waited_seconds=round(waited, 1),
        mean_attempts=await _mean_attempts(tx, job_ids),
    )


async def _entities(tx: Connection, job_ids: Sequence[UUID]) -> list[Counts]:
    sums = ", ".join(f"sum({name}_records)::bigint AS {name}" for name in Outcomes.__struct_fields__)
    rows = await tx.fetch(f"SELECT entity, {sums} FROM streams WHERE job_id = ANY($1) GROUP BY entity", job_ids)
    return sorted((Counts(**row) for row in rows), key=lambda counts: LOAD_ORDER.index(counts.entity))


async def _failures(tx: Connection, job_ids: Sequence[UUID]) -> list[Failures]:
    rows = await tx.fetch(
        """SELECT entity, code, count(*) AS records FROM records
           WHERE job_id = ANY($1) AND code IS NOT NULL AND outcome = 'failed'
           GROUP BY entity, code ORDER BY records DESC, entity, code""",
        job_ids,
    )
    return [Failures(**row) for row in rows]


async def _mean_attempts(tx: Connection, job_ids: Sequence[UUID]) -> float | None:
    # `attempt` counts failed attempts; one in progress or successful is added.
    mean = await tx.fetchval(
        """SELECT avg(attempt + (status IN ('processing', 'completed'))::int)::float8 FROM batches
           WHERE job_id = ANY($1) AND started_at IS NOT NULL AND status <> 'pending'""",
        job_ids,
    )
    return None if mean is None else round(mean, 3)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
