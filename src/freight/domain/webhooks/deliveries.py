"""Deliveries: which webhook is still to be told of what, and how each attempt to do so ended."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import msgspec

from freight.database import Connection, jsonb
from freight.domain.errors import NotFound, StateConflict
from freight.domain.migration.records import leases
from freight.domain.migration.records.leases import Lease
from freight.domain.webhooks import subscriptions
from freight.domain.webhooks.subscriptions import Event
from freight.queue import WakeUp

Status = Literal["pending", "delivered", "failed"]

DELAYS: tuple[float, ...] = (5, 60, 300, 1800, 7200, 18_000, 36_000, 36_000)
"""Seconds between the attempts at a delivery: 28 hours in all."""

JITTER = 0.1
"""By what part of itself a delay is prolonged at most, so that a receiver that comes back is not stormed."""

LASTING_SECONDS = 3 * 86_400
"""For how long nothing has reached a webhook that is switched off when a delivery to it finally fails."""

GONE = 410

DUE_PER_WEBHOOK = 4
"""Deliveries to one webhook that are rung for at a time, so that a slow one does not stand before the others."""

MAX_DUE = 64
"""Deliveries that are rung for at a time, some of each tenant."""

DUE = f"status = 'pending' AND {leases.DUE}"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one webhook."""

    id: UUID
    tenant_id: UUID
    webhook_id: UUID
    job_id: UUID | None
    event: Event
    payload: dict[str, Any]
    status: Status
    attempt: int
    """Attempts that have been made."""
    answer_status: int | None
    answer_body: str | None
    error: str | None
    created_at: datetime
    attempted_at: datetime | None
    delivered_at: datetime | None
    due_at: datetime


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended; without an error it was delivered."""

    status: int | None = None
    body: str | None = None
    """The beginning of what was answered."""
    error: str | None = None


COLUMNS = ", ".join(field.name for field in msgspec.structs.fields(Delivery))


async def write(
    tx: Connection,
    tenant_id: UUID,
    webhook_ids: Sequence[UUID],
    event: Event,
    data: object,
    *,
    job_id: UUID | None = None,
) -> list[UUID]:
    """Note that these webhooks are to be told; the ids of the deliveries."""
    payload = jsonb({"type": event, "timestamp": datetime.now(UTC), "data": data})
    ids = [uuid4() for _ in webhook_ids]
    await tx.execute(
        """INSERT INTO webhook_deliveries (id, webhook_id, tenant_id, job_id, event, payload, status)
           SELECT id, webhook_id, $3, $4, $5, $6, 'pending'
           FROM unnest($1::uuid[], $2::uuid[]) AS one (id, webhook_id)""",
        ids,
        list(webhook_ids),
        tenant_id,
        job_id,
        event,
        payload,
    )
    return ids


async def write_test(tx: Connection, tenant_id: UUID, webhook_id: UUID) -> Delivery:
    """Note that a webhook is to be sent a test event. Raises `NotFound`, or `StateConflict` if it is switched off."""
    webhook = await subscriptions.get(tx, webhook_id)
    if webhook.disabled_at is not None:
        raise StateConflict("The webhook is switched off: it is sent nothing. Switch it on first.")
    (delivery_id,) = await write(tx, tenant_id, [webhook_id], "webhook.test", {"webhook_id": webhook_id})
    return await get(tx, delivery_id)


async def get(tx: Connection, delivery_id: UUID, *, webhook_id: UUID | None = None) -> Delivery:
    """The delivery with this id, and to this webhook if one is named. Raises `NotFound`."""
    row = await tx.fetchrow(
        f"SELECT {COLUMNS} FROM webhook_deliveries WHERE id = $1 AND ($2::uuid IS NULL OR webhook_id = $2)",
        delivery_id,
        webhook_id,
    )
    if row is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    return _delivery(row)


async def page(
    tx: Connection, webhook_id: UUID, *, status: Status | None, limit: int, offset: int
) -> tuple[list[Delivery], int]:
    """Deliveries to a webhook, newest first, and how many there are in all."""
    where = "webhook_id = $1 AND ($2::text IS NULL OR status = $2)"
    total = await tx.fetchval(f"SELECT count(*) FROM webhook_deliveries WHERE {where}", webhook_id, status)
    rows = await tx.fetch(
        f"""SELECT {COLUMNS} FROM webhook_deliveries WHERE {where}
            ORDER BY created_at DESC, id LIMIT $3 OFFSET $4""",
        webhook_id,
        status,
        limit,
        offset,
    )
    return [_delivery(row) for row in rows], total


async def due(tx: Connection, *, job_id: UUID | None = None) -> list[WakeUp]:
    """What is to be delivered now and nobody is at: of one job, or of all (as the platform)."""
    rows = await tx.fetch(
        f"""SELECT tenant_id, id, fence FROM (
                SELECT *, row_number() OVER (PARTITION BY webhook_id ORDER BY due_at) AS place
                FROM webhook_deliveries WHERE {DUE} AND ($1::uuid IS NULL OR job_id = $1)
            ) AS waiting WHERE place <= $2
            ORDER BY row_number() OVER (PARTITION BY tenant_id ORDER BY due_at), due_at LIMIT $3""",
        job_id,
        DUE_PER_WEBHOOK,
        MAX_DUE,
    )
    return [enqueue(row["tenant_id"], row["id"], row["fence"]) for row in rows]


def enqueue(tenant_id: UUID, delivery_id: UUID, fence: int = 0) -> WakeUp:
    """The ring for a delivery."""
    return WakeUp(task="deliver_webhook", tenant_id=tenant_id, id=delivery_id, fence=fence)


async def settle(tx: Connection, lease: Lease, delivery: Delivery, attempt: Attempt) -> None:
    """Store how an attempt ended and what follows from it. Raises `LeaseLost`."""
    # The webhook first, as everybody does who changes both.
    await tx.execute("SELECT FROM webhooks WHERE id = $1 FOR NO KEY UPDATE", delivery.webhook_id)
    await leases.check(tx, lease)
    delay = DELAYS[delivery.attempt] if delivery.attempt < len(DELAYS) else None
    status: Status = "delivered" if attempt.error is None else "failed"
    if attempt.error is not None and delay is not None and attempt.status != GONE:
        status = "pending"
    await tx.execute(
        """UPDATE webhook_deliveries
           SET status = CASE WHEN status = 'pending' OR $2 = 'delivered' THEN $2 ELSE status END,
               answer_status = $3, answer_body = $4, error = $5, attempt = attempt + 1, attempted_at = now(),
               delivered_at = CASE WHEN $2 = 'delivered' THEN now() END,
               due_at = now() + $6 * interval '1 second', lease_until = NULL, leased_by = NULL
           WHERE id = $1""",
        delivery.id,
        status,
        attempt.status,
        attempt.body,
        attempt.error,
        (delay or 0) * random.uniform(1, 1 + JITTER),  # noqa: S311
    )
    await _judge(tx, delivery.webhook_id, status, attempt)


async def _judge(tx: Connection, webhook_id: UUID, status: Status, attempt: Attempt) -> None:
    """Note since when a webhook fails, and switch it off if it is gone or nothing has reached it for long."""
    failing = await tx.fetchrow(
        """UPDATE webhooks SET failing_since = CASE WHEN $2 THEN coalesce(failing_since, now()) END WHERE id = $1
           RETURNING disabled_at IS NULL AS enabled, failing_since <= now() - $3 * interval '1 second' AS lasting""",
        webhook_id,
        attempt.error is not None,
        float(LASTING_SECONDS),
    )
    if failing is None or not failing["enabled"]:
        return
    if attempt.status == GONE:
        await subscriptions.switch_off(tx, webhook_id, "The receiver answered 410: it wants nothing more.")
    elif status == "failed" and failing["lasting"]:
        reason = f"Nothing could be delivered for {LASTING_SECONDS // 86_400} days; the last time: {attempt.error}"
        await subscriptions.switch_off(tx, webhook_id, reason)


def _delivery(row: Any) -> Delivery:
    return msgspec.convert({**row, "payload": msgspec.json.decode(row["payload"])}, Delivery)
