"""Webhooks: the URLs of a tenant that are told what becomes of its jobs.

Requests are signed by the Standard Webhooks scheme (standardwebhooks.com); its libraries verify them.
"""

import base64
import secrets
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET, Meta, UnsetType

from freight.database import Connection
from freight.domain.errors import InvalidRequest, NotFound, StateConflict
from freight.domain.jobs.transitions import Status
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

MOST = 20
"""Webhooks that a tenant may have."""

SECRET_BYTES = 32
"""The scheme asks for 24 to 64."""

SWITCHED_OFF = "Switched off through the API."

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
    Meta(description="What to tell it of; null for everything."),
]
Description = Annotated[
    Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")] | None, Meta(description="Your own note.")
]


class WebhookRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The webhook that a client asks for."""

    url: Url
    events: Events = None
    description: Description = None


class WebhookChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different about a webhook; what is left out stays as it is."""

    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    enabled: Annotated[bool, Meta(description="False to send it nothing for the time being.")] | UnsetType = UNSET


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as it stands, without its secret."""

    id: UUID
    url: str
    description: str | None
    events: Annotated[list[JobEvent] | None, Meta(description="What it is told of; null for everything.")]
    disabled_at: Annotated[datetime | None, Meta(description="Since when it is sent nothing.")]
    disabled_reason: Annotated[str | None, Meta(description="Why it is sent nothing.")]
    failing_since: Annotated[datetime | None, Meta(description="Since when every attempt at a delivery failed.")]
    created_at: datetime
    updated_at: datetime


COLUMNS = ", ".join(field.name for field in msgspec.structs.fields(Webhook))


def event_of(before: Status, now: Status) -> JobEvent | None:
    """What a job's way from one state to another is called; None if it is told to nobody."""
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
    """Raise `InvalidRequest` if nothing may be sent there. No transaction is open meanwhile: names are resolved."""
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
    """Store a webhook whose URL has been checked, and return it with its secret. Raises `StateConflict`."""
    # One at a time, or two requests at once could exceed the number.
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('webhooks ' || $1, 0))", str(tenant_id))
    if await tx.fetchval("SELECT count(*) FROM webhooks") >= MOST:
        raise StateConflict(f"There are {MOST} webhooks already, as many as there may be. Delete one first.")
    webhook_id, secret = uuid4(), _generate_secret()
    await tx.execute(
        "INSERT INTO webhooks (id, tenant_id, url, description, events, secret) VALUES ($1, $2, $3, $4, $5, $6)",
        webhook_id,
        tenant_id,
        request.url,
        request.description,
        request.events or [],
        cipher.seal(secret, bound_to=_binding(webhook_id)),
    )
    await audit.record(tx, actor, "webhook.created", "webhook", webhook_id, _told(request))
    return await get(tx, webhook_id), secret


async def get(tx: Connection, webhook_id: UUID) -> Webhook:
    """The webhook with this id. Raises `NotFound`, also for another tenant's."""
    row = await tx.fetchrow(f"SELECT {COLUMNS} FROM webhooks WHERE id = $1", webhook_id)
    if row is None:
        raise NotFound(f"There is no webhook {webhook_id}.")
    return _webhook(row)


async def lock(tx: Connection, webhook_id: UUID) -> Webhook:
    """The webhook with this id, which nobody else may change until the transaction ends. Raises `NotFound`."""
    await tx.execute("SELECT FROM webhooks WHERE id = $1 FOR NO KEY UPDATE", webhook_id)
    return await get(tx, webhook_id)


async def page(tx: Connection, *, limit: int, offset: int) -> tuple[list[Webhook], int]:
    """A tenant's webhooks, oldest first, and how many there are in all."""
    total = await tx.fetchval("SELECT count(*) FROM webhooks")
    rows = await tx.fetch(f"SELECT {COLUMNS} FROM webhooks ORDER BY created_at, id LIMIT $1 OFFSET $2", limit, offset)
    return [_webhook(row) for row in rows], total


async def listening(tx: Connection, tenant_id: UUID, event: Event) -> list[UUID]:
    """The tenant's webhooks that are switched on and are to be told of this event."""
    rows = await tx.fetch(
        """SELECT id FROM webhooks
           WHERE tenant_id = $1 AND disabled_at IS NULL AND (events = '{}' OR $2 = ANY(events))""",
        tenant_id,
        event,
    )
    return [row["id"] for row in rows]


async def change(tx: Connection, actor: Actor, webhook_id: UUID, wanted: WebhookChange) -> Webhook:
    """Change a webhook; a new URL has been checked. Raises `NotFound`."""
    now = await lock(tx, webhook_id)
    await tx.execute(
        "UPDATE webhooks SET url = $2, events = $3, description = $4, updated_at = now() WHERE id = $1",
        webhook_id,
        now.url if wanted.url is UNSET else wanted.url,
        (now.events if wanted.events is UNSET else wanted.events) or [],
        now.description if wanted.description is UNSET else wanted.description,
    )
    if wanted.enabled is True:
        await tx.execute(
            "UPDATE webhooks SET disabled_at = NULL, disabled_reason = NULL, failing_since = NULL WHERE id = $1",
            webhook_id,
        )
    elif wanted.enabled is False and now.disabled_at is None:
        await switch_off(tx, webhook_id, SWITCHED_OFF)
    await audit.record(tx, actor, "webhook.changed", "webhook", webhook_id, _told(wanted))
    return await get(tx, webhook_id)


async def switch_off(tx: Connection, webhook_id: UUID, reason: str) -> None:
    """Send a locked webhook nothing more; what it was still to be sent has failed."""
    await tx.execute(
        "UPDATE webhooks SET disabled_at = now(), disabled_reason = $2, updated_at = now() WHERE id = $1",
        webhook_id,
        reason,
    )
    await tx.execute(
        """UPDATE webhook_deliveries
           SET status = 'failed', error = coalesce(error || ' ', '') || 'Then the webhook was switched off.'
           WHERE webhook_id = $1 AND status = 'pending'""",
        webhook_id,
    )


async def delete(tx: Connection, actor: Actor, webhook_id: UUID) -> None:
    """Delete a webhook with its deliveries. Raises `NotFound`."""
    await lock(tx, webhook_id)
    await tx.execute("DELETE FROM webhooks WHERE id = $1", webhook_id)
    await audit.record(tx, actor, "webhook.deleted", "webhook", webhook_id)


async def rotate_secret(
    tx: Connection, cipher: CredentialCipher, actor: Actor, webhook_id: UUID
) -> tuple[Webhook, str]:
    """Give a webhook another secret, with which whatever is sent from now on is signed. Raises `NotFound`."""
    await lock(tx, webhook_id)
    secret = _generate_secret()
    await tx.execute(
        "UPDATE webhooks SET secret = $2, updated_at = now() WHERE id = $1",
        webhook_id,
        cipher.seal(secret, bound_to=_binding(webhook_id)),
    )
    await audit.record(tx, actor, "webhook.secret_rotated", "webhook", webhook_id)
    return await get(tx, webhook_id), secret


async def secret_of(tx: Connection, cipher: CredentialCipher, webhook_id: UUID) -> str:
    """The secret that requests to a webhook are signed with. Raises `freight.encryption.SecretError`."""
    sealed = await tx.fetchval("SELECT secret FROM webhooks WHERE id = $1", webhook_id)
    return cipher.open(sealed, bound_to=_binding(webhook_id))


def _generate_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _binding(webhook_id: UUID) -> str:
    return f"webhook {webhook_id}"


def _told(given: WebhookRequest | WebhookChange) -> dict[str, Any]:
    # A URL's path and query are often a secret in themselves.
    return {name: value for name, value in msgspec.to_builtins(given).items() if name != "url"}


def _webhook(row: Any) -> Webhook:
    return msgspec.convert({**row, "events": row["events"] or None}, Webhook)
