"""Tenants: the firms that use this deployment. Everything here runs as the platform."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, Meta, UnsetType

from freight import database
from freight.database import Connection, jsonb
from freight.domain import tables
from freight.domain.errors import InvalidRequest, NotFound, TenantBusy, TenantExists
from freight.domain.jobs import model as jobs
from freight.domain.jobs import transitions
from freight.domain.jobs.transitions import Status
from freight.domain.tables import NOW
from freight.domain.tenancy import audit, retention
from freight.domain.tenancy.audit import Actor

NAME_LENGTH = 200

SUSPENSION: Literal["suspension"] = "suspension"
"""The `paused_by` of a job whose tenant is suspended."""

Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH, description="A unique name.")]
RetentionDays = Annotated[
    int, Meta(ge=1, le=3650, description="Days after a job's end for which its data and the vendors' keys are kept.")
]
RequestLimit = Annotated[int, Meta(ge=1, le=1_000_000)]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many requests a tenant may make; null for the deployment's default."""

    requests_per_minute: RequestLimit | None = None
    requests_per_hour: RequestLimit | None = None
    creations_per_minute: Annotated[RequestLimit | None, Meta(description="Jobs that may be created.")] = None
    creations_per_hour: RequestLimit | None = None


class TenantRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to create a tenant."""

    name: Name
    limits: Limits = Limits()
    retention_days: RetentionDays = 90


class TenantChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to change a tenant; omitted fields stay as they are."""

    name: Name | UnsetType = UNSET
    limits: Annotated[Limits | UnsetType, Meta(description="Replaces all of them.")] = UNSET
    retention_days: RetentionDays | UnsetType = UNSET
    suspended: Annotated[
        bool | UnsetType, Meta(description="While true, the tenant's keys are refused and its jobs are paused.")
    ] = UNSET


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant as it is stored."""

    id: UUID
    name: str
    created_at: datetime
    suspended_at: Annotated[datetime | None, Meta(description="Null unless the tenant is suspended.")]
    retention_days: int
    limits: Limits
    jobs: Annotated[dict[Status, int], Meta(description="Number of jobs by state.")]


TENANT = tables.Tenant

COLUMNS = (
    TENANT.id,
    TENANT.name,
    TENANT.created_at,
    TENANT.suspended_at,
    TENANT.retention_days,
    TENANT.limits,
)


async def create(tx: Connection, actor: Actor, request: TenantRequest) -> Tenant:
    """Create a tenant. Raise `InvalidRequest` or `TenantExists`."""
    new = TENANT(name=_checked(request.name), limits=jsonb(request.limits), retention_days=request.retention_days)
    await _unique(new.name, TENANT.insert(new))
    await audit.record(tx, actor, "tenant.created", "tenant", new.id, msgspec.to_builtins(request))
    return await get(tx, new.id)


async def get(tx: Connection, tenant_id: UUID) -> Tenant:
    """Return the tenant with this id. Raise `NotFound`."""
    found = await _with_jobs(tx, await TENANT.select(*COLUMNS).where(TENANT.id == tenant_id))
    if not found:
        raise NotFound(f"There is no tenant {tenant_id}.")
    return found[0]


async def page(tx: Connection, *, limit: int, offset: int) -> tuple[list[Tenant], int]:
    """Return a page of tenants by name, and the number of all."""
    rows = await TENANT.select(*COLUMNS).order_by(TENANT.name).limit(limit).offset(offset)
    return await _with_jobs(tx, rows), await TENANT.count()


async def update(tx: Connection, actor: Actor, tenant_id: UUID, change: TenantChange) -> Tenant:
    """Change a tenant. Raise `NotFound`, `InvalidRequest` or `TenantExists`."""
    before = await _lock(tx, tenant_id)
    name = before.name if change.name is UNSET else _checked(change.name)
    suspended = before.suspended_at is not None if change.suspended is UNSET else change.suspended
    changed = TENANT.update(
        {
            TENANT.name: name,
            TENANT.limits: jsonb(before.limits if change.limits is UNSET else change.limits),
            TENANT.retention_days: (before.retention_days if change.retention_days is UNSET else change.retention_days),
            TENANT.suspended_at: (before.suspended_at or NOW) if suspended else None,
        }
    )
    await _unique(name, changed.where(TENANT.id == tenant_id))
    given: dict[str, Any] = msgspec.to_builtins(change)
    given.pop("suspended", None)
    if given:
        await audit.record(tx, actor, "tenant.updated", "tenant", tenant_id, given)
    if suspended != (before.suspended_at is not None):
        action = "tenant.suspended" if suspended else "tenant.resumed"
        await audit.record(tx, actor, action, "tenant", tenant_id, {"name": name})
        await follow_suspensions(tx)
    return await get(tx, tenant_id)


async def follow_suspensions(tx: Connection) -> None:
    """Pause the live jobs of suspended tenants, and resume those whose tenants are no longer suspended."""
    rows = await tx.fetch(
        """SELECT jobs.id FROM jobs JOIN tenants ON tenants.id = tenant_id
           WHERE (suspended_at IS NOT NULL AND status IN ('pending', 'running'))
              OR (suspended_at IS NULL AND status = 'paused' AND paused_by = $1)
           ORDER BY jobs.id FOR NO KEY UPDATE OF jobs SKIP LOCKED""",
        SUSPENSION,
    )
    for row in rows:
        job = await jobs.lock(tx, row["id"])
        if job.is_ending:
            continue
        if job.status in ("pending", "running"):
            await jobs.move(tx, job, "paused", paused_by=SUSPENSION)
        elif job.status == "paused":
            await jobs.move(tx, job, "pending" if job.started_at is None else "running")


async def delete(actor: Actor, tenant_id: UUID, *, force: bool) -> None:
    """Delete a tenant and all its rows, in portions. Repeat it if it is interrupted.

    Raise `NotFound`, or `TenantBusy` while jobs run, unless `force` cancels them.
    """
    async with database.as_platform() as tx:
        tenant = await _lock(tx, tenant_id)
        if (running := tenant.jobs.get("pending", 0) + tenant.jobs.get("running", 0)) and not force:
            raise TenantBusy(
                f"This tenant has live jobs ({running}). Suspend the tenant first, or repeat with force=true to cancel "
                "them."
            )
        # From now on the tenant's keys are refused, and workers see that the jobs have ended.
        await TENANT.update({TENANT.suspended_at: tenant.suspended_at or NOW}).where(TENANT.id == tenant_id)
        live = (tables.Job.tenant_id == tenant_id) & tables.Job.status.is_in(sorted(transitions.LIVE))
        await tables.Job.update(
            {tables.Job.status: "cancelled", tables.Job.completed_at: NOW, tables.Job.updated_at: NOW}
        ).where(live)
    for table in ("records", "reservations", "replies", "logs", "ledger", "webhook_deliveries"):
        await retention.delete_rows(table, "tenant_id = $1", tenant_id)
    async with database.as_platform() as tx:
        # In the order in which a worker locks them, so that they cannot deadlock.
        for rows in (tables.Batch, tables.Stream, tables.Job):
            await rows.delete().where(rows.tenant_id == tenant_id)
        if await TENANT.delete().where(TENANT.id == tenant_id).returning(TENANT.id):
            await audit.record(tx, actor, "tenant.deleted", "tenant", tenant_id, {"name": tenant.name})


async def _lock(tx: Connection, tenant_id: UUID) -> Tenant:
    await TENANT.select(TENANT.id).where(TENANT.id == tenant_id).lock_rows()
    return await get(tx, tenant_id)


async def _unique(name: str, query: Awaitable[object]) -> None:
    try:
        await query
    except asyncpg.UniqueViolationError:
        raise TenantExists(f"A tenant named {name!r} exists already. Choose another name.") from None


async def _with_jobs(tx: Connection, rows: Sequence[dict[str, Any]]) -> list[Tenant]:
    counts = await tx.fetch(
        """SELECT tenant_id, status, count(*) AS jobs FROM jobs WHERE tenant_id = ANY($1) AND deleted_at IS NULL
           GROUP BY 1, 2""",
        [row["id"] for row in rows],
    )
    found: dict[UUID, dict[str, int]] = {row["id"]: {} for row in rows}
    for row in counts:
        found[row["tenant_id"]][row["status"]] = row["jobs"]
    return [
        msgspec.convert({**row, "limits": msgspec.json.decode(row["limits"]), "jobs": found[row["id"]]}, Tenant)
        for row in rows
    ]


def _checked(name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        raise InvalidRequest(f"A tenant's name has 1 to {NAME_LENGTH} printable characters.", field="name")
    return name
