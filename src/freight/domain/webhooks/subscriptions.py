"""Webhook subscriptions: a tenant's URLs to which the events of its jobs are sent.

Requests are signed by the Standard Webhooks scheme (standardwebhooks.com); its libraries verify them.
"""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET, Meta, UnsetType
from piccolo.columns import Column
from piccolo.query.methods.select import Select
from piccolo.querystring import QueryString

from freight.database import Connection
from freight.domain import tables
from freight.domain.errors import InvalidRequest, NotFound, StateConflict
from freight.domain.jobs.transitions import Status
from freight.domain.tables import NOW
from freight.domain.tenancy import audit
from freight.domain.tenancy.audit import Actor
from freight.egress import AddressRefused, EgressPolicy
from freight.encryption import CredentialCipher

JobEvent = Literal[
    "job.started",
    "job.paused",
    "job.resumed",
    "job.completed",
    "job.completed_with_errors",
    "job.failed",
    "job.cancelled",
]
Event = Literal[JobEvent, "webhook.test"]

MAX_WEBHOOKS = 20
"""Webhooks that a tenant may have."""

SECRET_BYTES = 32
"""Bytes of a secret; the scheme asks for 24 to 64."""

SWITCHED_OFF = "Disabled through the API."

DISABLED_MEANWHILE = QueryString("coalesce(error || ' ', '') || 'Then the webhook was disabled.'")

Url = Annotated[
    str,
    Meta(
        max_length=2000,
        pattern=r"^[^\x00-\x20\x7f]+$",
        description="Where the events are sent, by POST: `https://`, at a public address.",
    ),
]
Events = Annotated[
    Annotated[list[JobEvent], Meta(min_length=1, max_length=20)] | None,
    Meta(description="The events to send; null for all."),
]
Description = Annotated[
    Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")] | None, Meta(description="Your own note.")
]


class WebhookRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to create a webhook."""

    url: Url
    events: Events = None
    description: Description = None


class WebhookChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request to change a webhook; omitted fields stay as they are."""

    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    enabled: (
        Annotated[bool, Meta(description="False to disable the webhook until it is enabled again.")] | UnsetType
    ) = UNSET


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as it is stored, without its secret."""

    id: UUID
    url: str
    description: str | None
    events: Annotated[list[JobEvent] | None, Meta(description="The events that are sent; null for all.")]
    disabled_at: Annotated[datetime | None, Meta(description="Since when nothing is sent.")]
    disabled_reason: Annotated[str | None, Meta(description="Why nothing is sent.")]
    failing_since: Annotated[datetime | None, Meta(description="Since when every attempt at a delivery failed.")]
    created_at: datetime
    updated_at: datetime


WEBHOOK = tables.Webhook

DELIVERY = tables.WebhookDelivery

COLUMNS = tables.columns(WEBHOOK, Webhook)


def event_of(before: Status, now: Status) -> JobEvent | None:
    """Return the event of a job's transition from one state to another, None if there is no event for it."""
    match before, now:
        case "paused", "pending" | "running":
            return "job.resumed"
        case _, "running":
            return "job.started"
        case _, "pending":
            return None
        case _, ended_or_paused:
            event: JobEvent = msgspec.convert(f"job.{ended_or_paused}", JobEvent)
            return event


async def check_url(egress_policy: EgressPolicy, url: str | UnsetType) -> None:
    """Raise `InvalidRequest` if nothing may be sent to the URL. Hold no transaction meanwhile: names are resolved."""
    if url is UNSET:
        return
    try:
        await egress_policy.check(url)
    except AddressRefused as refusal:
        raise InvalidRequest(
            f"{refusal} Use the HTTPS address of a server on the internet, or have the operator add the host to "
            "FREIGHT_WEBHOOK_HOSTS.",
            field="url",
        ) from None


async def create(
    tx: Connection, cipher: CredentialCipher, actor: Actor, tenant_id: UUID, request: WebhookRequest
) -> tuple[Webhook, str]:
    """Store a webhook whose URL has been checked, and return it with its secret. Raise `StateConflict`."""
    # One at a time, because concurrent requests could otherwise exceed the maximum.
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('webhooks ' || $1, 0))", str(tenant_id))
    if await WEBHOOK.count() >= MAX_WEBHOOKS:
        raise StateConflict(f"There are {MAX_WEBHOOKS} webhooks, which is the maximum. Delete one first.")
    webhook_id, secret = uuid4(), _generate_secret()
    new = WEBHOOK(
        id=webhook_id,
        tenant_id=tenant_id,
        url=request.url,
        description=request.description,
        events=request.events or [],
        secret=cipher.seal(secret, bound_to=_binding(webhook_id)),
    )
    (row,) = await WEBHOOK.insert(new).returning(*COLUMNS)
    await audit.record(tx, actor, "webhook.created", "webhook", webhook_id, _details(request))
    return _webhook(row), secret


async def get(tx: Connection, webhook_id: UUID) -> Webhook:
    """Return the webhook with this id. Raise `NotFound`, also for another tenant's."""
    return _only(await _select(webhook_id), webhook_id)


async def lock(tx: Connection, webhook_id: UUID) -> Webhook:
    """Lock the webhook with this id until the transaction ends, and return it. Raise `NotFound`."""
    return _only(await _select(webhook_id).lock_rows("NO KEY UPDATE"), webhook_id)


async def page(tx: Connection, *, limit: int, offset: int) -> tuple[list[Webhook], int]:
    """Return a page of a tenant's webhooks, oldest first, and the number of all."""
    rows = await WEBHOOK.select(*COLUMNS).order_by(WEBHOOK.created_at, WEBHOOK.id).limit(limit).offset(offset)
    return [_webhook(row) for row in rows], await WEBHOOK.count()


async def listening(tx: Connection, tenant_id: UUID, event: Event) -> list[UUID]:
    """Return the tenant's webhooks that are enabled and subscribe to this event.

    In SQL, because every change of a job's state runs it.
    """
    rows = await tx.fetch(
        """SELECT id FROM webhooks
           WHERE tenant_id = $1 AND disabled_at IS NULL AND (events = '{}' OR $2 = ANY(events))""",
        tenant_id,
        event,
    )
    return [row["id"] for row in rows]


async def change(tx: Connection, actor: Actor, webhook_id: UUID, wanted: WebhookChange) -> Webhook:
    """Change a webhook, whose new URL has been checked. Raise `NotFound`."""
    before = await lock(tx, webhook_id)
    values: dict[Column | str, Any] = {WEBHOOK.updated_at: NOW}
    if wanted.url is not UNSET:
        values[WEBHOOK.url] = wanted.url
    if wanted.events is not UNSET:
        values[WEBHOOK.events] = wanted.events or []
    if wanted.description is not UNSET:
        values[WEBHOOK.description] = wanted.description
    if wanted.enabled is True:
        values |= {WEBHOOK.disabled_at: None, WEBHOOK.disabled_reason: None, WEBHOOK.failing_since: None}
    await WEBHOOK.update(values).where(WEBHOOK.id == webhook_id)
    if wanted.enabled is False and before.disabled_at is None:
        await disable(tx, webhook_id, SWITCHED_OFF)
    await audit.record(tx, actor, "webhook.changed", "webhook", webhook_id, _details(wanted))
    return await get(tx, webhook_id)


async def disable(tx: Connection, webhook_id: UUID, reason: str) -> None:
    """Disable a locked webhook. Its pending deliveries fail."""
    await WEBHOOK.update({WEBHOOK.disabled_at: NOW, WEBHOOK.disabled_reason: reason, WEBHOOK.updated_at: NOW}).where(
        WEBHOOK.id == webhook_id
    )
    pending = (DELIVERY.webhook_id == webhook_id) & (DELIVERY.status == "pending")
    await DELIVERY.update({DELIVERY.status: "failed", DELIVERY.error: DISABLED_MEANWHILE}).where(pending)


async def delete(tx: Connection, actor: Actor, webhook_id: UUID) -> None:
    """Delete a webhook with its deliveries. Raise `NotFound`."""
    await lock(tx, webhook_id)
    await WEBHOOK.delete().where(WEBHOOK.id == webhook_id)
    await audit.record(tx, actor, "webhook.deleted", "webhook", webhook_id)


async def rotate_secret(
    tx: Connection, cipher: CredentialCipher, actor: Actor, webhook_id: UUID
) -> tuple[Webhook, str]:
    """Replace a webhook's secret, which signs every later request. Raise `NotFound`."""
    await lock(tx, webhook_id)
    secret = _generate_secret()
    sealed = cipher.seal(secret, bound_to=_binding(webhook_id))
    await WEBHOOK.update({WEBHOOK.secret: sealed, WEBHOOK.updated_at: NOW}).where(WEBHOOK.id == webhook_id)
    await audit.record(tx, actor, "webhook.secret_rotated", "webhook", webhook_id)
    return await get(tx, webhook_id), secret


async def secret_of(tx: Connection, cipher: CredentialCipher, webhook_id: UUID) -> str:
    """Return the secret that signs requests to a webhook. Raise `NotFound` or `freight.encryption.SecretError`."""
    row = await WEBHOOK.select(WEBHOOK.secret).where(WEBHOOK.id == webhook_id).first()
    if row is None:
        raise NotFound(f"There is no webhook {webhook_id}.")
    return cipher.open(row["secret"], bound_to=_binding(webhook_id))


def _select(webhook_id: UUID) -> Select[tables.Webhook]:
    return WEBHOOK.select(*COLUMNS).where(WEBHOOK.id == webhook_id)


def _only(rows: Sequence[dict[str, Any]], webhook_id: UUID) -> Webhook:
    if not rows:
        raise NotFound(f"There is no webhook {webhook_id}.")
    return _webhook(rows[0])


def _generate_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _binding(webhook_id: UUID) -> str:
    return f"webhook {webhook_id}"


def _details(given: WebhookRequest | WebhookChange) -> dict[str, Any]:
    # A URL's path and query are often secret.
    return {name: value for name, value in msgspec.to_builtins(given).items() if name != "url"}


def _webhook(row: Any) -> Webhook:
    return msgspec.convert({**row, "events": row["events"] or None}, Webhook)
