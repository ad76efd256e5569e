"""The audit trail: who changed what, from where. Rows are only added, in the transaction of the change."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from piccolo.columns.combination import WhereRaw
from piccolo.custom_types import Combinable

from freight.database import Connection, jsonb
from freight.domain import tables


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes a change, and from where."""

    tenant_id: UUID | None
    """The tenant whose trail records the change; None for the platform's own."""
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


EVENT = tables.AuditEvent

COLUMNS = tables.columns(EVENT, AuditEvent)


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of events; None for all."""

    action: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    actor: str | None = None
    """A substring of the actor's name."""
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
    """Record a change, such as `job.created` of a `job` with its id. `details` never contain a secret.

    In SQL, because every request that changes something runs it.
    """
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
    """Return a page of a tenant's events, newest first, and the number of all; for None, the platform's own."""
    where = (EVENT.tenant_id == tenant_id, *_conditions(filters))
    total = await EVENT.count().where(*where)
    rows = await EVENT.select(*COLUMNS).where(*where).order_by(EVENT.id, ascending=False).limit(limit).offset(offset)
    return [AuditEvent(**{**row, "details": msgspec.json.decode(row["details"])}) for row in rows], total


def _conditions(filters: Filters) -> Iterator[Combinable]:
    if filters.action is not None:
        yield EVENT.action == filters.action
    if filters.object_type is not None:
        yield EVENT.object_type == filters.object_type
    if filters.object_id is not None:
        yield EVENT.object_id == filters.object_id
    if filters.actor is not None:
        yield WhereRaw("strpos({}, {}) > 0", EVENT.actor, filters.actor)
    if filters.created_after is not None:
        yield EVENT.created_at > filters.created_after
    if filters.created_before is not None:
        yield EVENT.created_at < filters.created_before
