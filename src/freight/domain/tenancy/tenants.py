"""Tenants: the firms that use this Freight. All of this is the platform's work."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import asyncpg
import msgspec
from msgspec import UNSET, Meta, UnsetType

from freight import database
from freight.database import Connection, jsonb
from freight.domain.errors import InvalidRequest, NotFound, TenantBusy, TenantExists
from freight.domain.jobs import model as jobs
from freight.domain.jobs import transitions
from freight.domain.jobs.transitions import Status
from freight.domain.tenancy import audit, retention
from freight.domain.tenancy.audit import Actor

NAME_LENGTH = 200

SUSPENSION: Literal["suspension"] = "suspension"
"""What a job is paused by while its tenant is suspended."""

Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH, description="Its name, which no other tenant has.")]
RetentionDays = Annotated[
    int, Meta(ge=1, le=3650, description="Days after a job's end for which its data and the vendors' keys are kept.")
]
RequestLimit = Annotated[int, Meta(ge=1, le=1_000_000)]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many requests a tenant may make; null takes the deployment's own limit."""

    requests_per_minute: RequestLimit | None = None
    requests_per_hour: RequestLimit | None = None
    creations_per_minute: Annotated[RequestLimit | None, Meta(description="Jobs that may be created.")] = None
    creations_per_hour: RequestLimit | None = None


class TenantRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tenant that is wanted."""

    name: Name
    limits: Limits = Limits()
    retention_days: RetentionDays = 90


class TenantChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to become different; whatever is left out stays as it is."""

    name: Name | UnsetType = UNSET
    limits: Annotated[Limits | UnsetType, Meta(description="Replaces all of them.")] = UNSET
    retention_days: RetentionDays | UnsetType = UNSET
    suspended: Annotated[
        bool | UnsetType, Meta(description="While true, the tenant's keys are refused and its jobs wait.")
    ] = UNSET


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant as it stands."""

    id: UUID
    name: str
    created_at: datetime
    suspended_at: Annotated[datetime | None, Meta(description="Null unless the tenant is suspended.")]
    retention_days: int
    limits: Limits
    jobs: Annotated[dict[Status, int], Meta(description="How many jobs there are in each state that occurs.")]


async def create(tx: Connection, actor: Actor, request: TenantRequest) -> Tenant:
    """Create a tenant. Raises `InvalidRequest` or `TenantExists`."""
    tenant_id, name = uuid4(), _checked(request.name)
    await _unique(
        tx,
        name,
        "INSERT INTO tenants (id, name, limits, retention_days) VALUES ($1, $2, $3, $4)",
        tenant_id,
        name,
        jsonb(request.limits),
        request.retention_days,
    )
    await audit.record(tx, actor, "tenant.created", "tenant", tenant_id, msgspec.to_builtins(request))
    return await get(tx, tenant_id)


async def get(tx: Connection, tenant_id: UUID) -> Tenant:
    """The tenant with this id. Raises `NotFound`."""
    found = await _read(tx, "WHERE id = $1", tenant_id)
    if not found:
        raise NotFound(f"There is no tenant {tenant_id}.")
    return found[0]


async def page(tx: Connection, *, limit: int, offset: int) -> tuple[list[Tenant], int]:
    """Tenants by name, and how many there are in all."""
    total = await tx.fetchval("SELECT count(*) FROM tenants")
    return await _read(tx, "ORDER BY name LIMIT $1 OFFSET $2", limit, offset), total


async def update(tx: Connection, actor: Actor, tenant_id: UUID, change: TenantChange) -> Tenant:
    """Change a tenant. Raises `NotFound`, `InvalidRequest` or `TenantExists`."""
    before = await _lock(tx, tenant_id)
    name = before.name if change.name is UNSET else _checked(change.name)
    suspended = before.suspended_at is not None if change.suspended is UNSET else change.suspended
    await _unique(
        tx,
        name,
        """UPDATE tenants SET name = $2, limits = $3, retention_days = $4,
                  suspended_at = CASE WHEN $5 THEN coalesce(suspended_at, now()) END
           WHERE id = $1""",
        tenant_id,
        name,
        jsonb(before.limits if change.limits is UNSET else change.limits),
        before.retention_days if change.retention_days is UNSET else change.retention_days,
        suspended,
    )
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
    """Pause the live jobs of suspended tenants, and let those go on again whose tenants are no longer suspended."""
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
    """Delete a tenant and all that is theirs, in portions: when it is interrupted, it is to be repeated.

    Raises `NotFound`, or `TenantBusy` while jobs run, unless `force` cancels them.
    """
    async with database.as_platform() as tx:
        tenant = await _lock(tx, tenant_id)
        if (running := tenant.jobs.get("pending", 0) + tenant.jobs.get("running", 0)) and not force:
            raise TenantBusy(
                f"Jobs of this tenant run ({running}). Suspend the tenant first, or repeat with force=true to cancel "
                "them."
            )
        # From here on no key of theirs is let in, and workers find the jobs ended.
        await tx.execute("UPDATE tenants SET suspended_at = coalesce(suspended_at, now()) WHERE id = $1", tenant_id)
        await tx.execute(
            """UPDATE jobs SET status = 'cancelled', completed_at = now(), updated_at = now()
               WHERE tenant_id = $1 AND status = ANY($2)""",
            tenant_id,
            list(transitions.LIVE),
        )
    for table in ("records", "reservations", "replies", "logs", "ledger", "webhook_deliveries"):
        await retention.delete_rows(table, "tenant_id = $1", tenant_id)
    async with database.as_platform() as tx:
        # In the order in which a worker locks them, so that neither waits for the other for ever.
        for table in ("batches", "streams", "jobs"):
            await tx.execute(f"DELETE FROM {table} WHERE tenant_id = $1", tenant_id)
        if await tx.execute("DELETE FROM tenants WHERE id = $1", tenant_id) == "DELETE 1":
            await audit.record(tx, actor, "tenant.deleted", "tenant", tenant_id, {"name": tenant.name})


async def _lock(tx: Connection, tenant_id: UUID) -> Tenant:
    await tx.execute("SELECT FROM tenants WHERE id = $1 FOR UPDATE", tenant_id)
    return await get(tx, tenant_id)


async def _unique(tx: Connection, name: str, statement: str, *args: object) -> None:
    try:
        await tx.execute(statement, *args)
    except asyncpg.UniqueViolationError:
        raise TenantExists(f"There is a tenant named {name!r} already; choose another name.") from None


async def _read(tx: Connection, which: str, *args: object) -> list[Tenant]:
    rows = await tx.fetch(
        f"SELECT id, name, created_at, suspended_at, retention_days, limits FROM tenants {which}", *args
    )
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
        raise InvalidRequest(f"A tenant's name is 1 to {NAME_LENGTH} printable characters.", field="name")
    return name
