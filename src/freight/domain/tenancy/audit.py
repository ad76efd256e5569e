"""The audit trail: who changed what, from where. Rows are only ever added, in the transaction of the change itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from freight.database import Connection, jsonb


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes a change, and from where."""

    tenant_id: UUID | None
    """Whose trail it goes into; None for the platform's own."""
    name: str
    """`API key frt_live_AbCd1234… (its name)`, or `command line`."""
    address: str | None = None
    request_id: str | None = None


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One change."""

    id: int
    actor: str
    action: str
    object_type: str
    object_id: str
    details: dict[str, Any]
    address: str | None
    request_id: str | None
    created_at: datetime


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are wanted; None for all."""

    action: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    actor: str | None = None
    """Part of the actor's name."""
    created_after: datetime | None = None
    created_before: datetime | None = None


async def record(
    tx: Connection,
    actor: Actor,
    action: str,
    object_type: str,
    object_id: UUID | str,
    details: Mapping[str, object] | None = None,
) -> None:
    """Note a change: `job.created`, of a `job`, with its id. `details` never hold a secret."""
    await tx.execute(
        """INSERT INTO audit_events (tenant_id, actor, action, object_type, object_id, details, address, request_id)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        actor.tenant_id,
        actor.name,
        action,
        object_type,
        str(object_id),
        jsonb(details or {}),
        actor.address,
        actor.request_id,
    )


async def page(
    tx: Connection, tenant_id: UUID | None, filters: Filters, *, limit: int, offset: int
) -> tuple[list[AuditEvent], int]:
    """Events of a tenant, newest first, and how many there are in all; of the platform's own trail for None."""
    where = """tenant_id IS NOT DISTINCT FROM $1 AND ($2::text IS NULL OR action = $2)
               AND ($3::text IS NULL OR object_type = $3) AND ($4::text IS NULL OR object_id = $4)
               AND ($5::text IS NULL OR strpos(actor, $5) > 0)
               AND ($6::timestamptz IS NULL OR created_at > $6) AND ($7::timestamptz IS NULL OR created_at < $7)"""
    values = (tenant_id, *msgspec.structs.astuple(filters))
    total = await tx.fetchval(f"SELECT count(*) FROM audit_events WHERE {where}", *values)
    rows = await tx.fetch(
        f"""SELECT id, actor, action, object_type, object_id, details, address, request_id, created_at
            FROM audit_events WHERE {where} ORDER BY id DESC LIMIT $8 OFFSET $9""",
        *values,
        limit,
        offset,
    )
    return [AuditEvent(**{**row, "details": msgspec.json.decode(row["details"])}) for row in rows], total
