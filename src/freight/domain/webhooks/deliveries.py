"""Deliveries: events to be sent to webhooks, and how each attempt ended."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import msgspec
from piccolo.custom_types import Combinable

from freight.database import Connection, jsonb
from freight.domain import tables
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
"""The maximum fraction by which a delay is extended, so that a receiver that recovers is not flooded."""

LASTING_SECONDS = 3 * 86_400
"""A webhook whose attempts have all failed for this long is disabled when a delivery to it finally fails."""

GONE = 410

DUE_PER_WEBHOOK = 4
"""Deliveries to one webhook that are enqueued at a time, so that a slow one does not block the others."""

MAX_DUE = 64
"""Deliveries that are enqueued at a time, some of each tenant."""

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
    """The result of an attempt; without an error the event was delivered."""

    status: int | None = None
    body: str | None = None
    """The beginning of the answer."""
    error: str | None = None


DELIVERY = tables.WebhookDelivery

COLUMNS = tables.columns(DELIVERY, Delivery)


async def write(
    tx: Connection,
    tenant_id: UUID,
    webhook_ids: Sequence[UUID],
    event: Event,
    data: object,
    *,
    job_id: UUID | None = None,
) -> list[UUID]:
    """Store a delivery of the event to each of these webhooks, and return their ids."""
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
    """Store the delivery of a test event. Raise `NotFound`, or `StateConflict` if the webhook is disabled."""
    webhook = await subscriptions.get(tx, webhook_id)
    if webhook.disabled_at is not None:
        raise StateConflict("The webhook is disabled. Enable it first.")
    (delivery_id,) = await write(tx, tenant_id, [webhook_id], "webhook.test", {"webhook_id": webhook_id})
    return await get(tx, delivery_id)


async def get(tx: Connection, delivery_id: UUID, *, webhook_id: UUID | None = None) -> Delivery:
    """Return the delivery with this id, to this webhook if one is given. Raise `NotFound`."""
    found = DELIVERY.select(*COLUMNS).where(DELIVERY.id == delivery_id)
    row = await (found if webhook_id is None else found.where(DELIVERY.webhook_id == webhook_id)).first()
    if row is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    return _delivery(row)


async def page(
    tx: Connection, webhook_id: UUID, *, status: Status | None, limit: int, offset: int
) -> tuple[list[Delivery], int]:
    """Return a page of the deliveries to a webhook, newest first, and the number of all."""
    which: Combinable = DELIVERY.webhook_id == webhook_id
    if status is not None:
        which &= DELIVERY.status == status
    newest_first = (
        DELIVERY.select(*COLUMNS).where(which).order_by(DELIVERY.created_at, ascending=False).order_by(DELIVERY.id)
    )
    rows = await newest_first.limit(limit).offset(offset)
    return [_delivery(row) for row in rows], await DELIVERY.count().where(which)


async def due(tx: Connection, *, job_id: UUID | None = None) -> list[WakeUp]:
    """Return the deliveries that are due and not leased, of one job or of all (as the platform)."""
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
    """Return the wake-up for a delivery."""
    return WakeUp(task="deliver_webhook", tenant_id=tenant_id, id=delivery_id, fence=fence)


async def settle(tx: Connection, lease: Lease, delivery: Delivery, attempt: Attempt) -> None:
    """Store how an attempt ended and what follows from it. Raise `LeaseLost`."""
    # Transactions that change both rows lock the webhook first.
    webhook = tables.Webhook.id
    await tables.Webhook.select(webhook).where(webhook == delivery.webhook_id).lock_rows("NO KEY UPDATE")
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
    """Store since when a webhook fails, and disable it if it is gone or has failed for long."""
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
        await subscriptions.disable(tx, webhook_id, "The receiver answered 410 Gone.")
    elif status == "failed" and failing["lasting"]:
        reason = f"Nothing could be delivered for {LASTING_SECONDS // 86_400} days. The last error: {attempt.error}"
        await subscriptions.disable(tx, webhook_id, reason)


def _delivery(row: Any) -> Delivery:
    return msgspec.convert({**row, "payload": msgspec.json.decode(row["payload"])}, Delivery)
