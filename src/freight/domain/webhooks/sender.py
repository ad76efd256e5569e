"""The webhook sender: sends events and records how each attempt ended."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import httpx
import msgspec
import structlog
from standardwebhooks import Webhook as Signer

from freight import __version__, database
from freight.database import storable
from freight.domain.migration.records import leases
from freight.domain.migration.records.leases import Lease, LeaseLost
from freight.domain.slots import Slots, Step
from freight.domain.webhooks import deliveries, subscriptions
from freight.domain.webhooks.deliveries import Attempt, Delivery
from freight.domain.webhooks.subscriptions import Webhook
from freight.egress import ON_BEHALF_OF, EgressPolicy
from freight.encryption import CredentialCipher, SecretError

TIMEOUT_SECONDS = 15
"""The time for one attempt: to connect, to send, and to read the answer."""

KEPT_BYTES = 2048
"""How much of a response is read and stored."""

AT_ONCE = 16
"""Concurrent deliveries of one worker. Tenants share them, so that slow receivers of one do not delay the deliveries of
another."""

LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=0)

log = structlog.get_logger()


class WebhookSender:
    """Delivers the events of one worker."""

    def __init__(self, *, worker: str, cipher: CredentialCipher, egress_policy: EgressPolicy) -> None:
        self._worker = worker
        self._cipher = cipher
        self._egress_policy = egress_policy
        self._slots = Slots(AT_ONCE)

    async def deliver(self, tenant_id: UUID, delivery_id: UUID) -> None:
        """Attempt a delivery if it is due and no other worker holds its lease.

        Do nothing while too many others are in progress: the sweep enqueues it again.
        """
        step = Step(tenant_id, delivery_id, delivery_id)
        async with self._slots.taken(step, wait=False) as slot:
            if slot is None:
                return
            claimed = await self._claim(tenant_id, delivery_id)
            if claimed is None:
                return
            lease, delivery, webhook = claimed
            ON_BEHALF_OF.set(str(tenant_id))
            attempt = await self._attempt(delivery, webhook)
            if attempt.error is not None:
                log.info("webhook_not_delivered", delivery=str(delivery_id), status=attempt.status, error=attempt.error)
            try:
                async with database.as_tenant(tenant_id) as tx:
                    await deliveries.settle(tx, lease, delivery, attempt)
            except LeaseLost:
                leases.LOSSES.note(lease)

    async def _claim(self, tenant_id: UUID, delivery_id: UUID) -> tuple[Lease, Delivery, Webhook] | None:
        async with database.as_tenant(tenant_id) as tx:
            lease = await leases.claim(tx, "webhook_deliveries", tenant_id, delivery_id, self._worker)
            if lease is None:
                return None
            delivery = await deliveries.get(tx, delivery_id)
            if delivery.status != "pending":
                await leases.release(tx, lease)
                return None
            return lease, delivery, await subscriptions.get(tx, delivery.webhook_id)

    async def _attempt(self, delivery: Delivery, webhook: Webhook) -> Attempt:
        try:
            async with database.as_tenant(delivery.tenant_id) as tx:
                secret = await subscriptions.secret_of(tx, self._cipher, webhook.id)
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await self._send(webhook.url, *signed(delivery, secret))
        except (TimeoutError, httpx.TimeoutException):
            return Attempt(error=f"The receiver did not answer within {TIMEOUT_SECONDS} seconds.")
        except (httpx.HTTPError, httpx.InvalidURL, SecretError) as error:
            return Attempt(error=storable(f"The request failed: {error or type(error).__name__}"))
        except database.Unavailable:
            raise
        except Exception as error:  # without a result, attempts would never end
            log.exception("webhook_attempt_failed", delivery=str(delivery.id))
            return Attempt(error=f"The request failed: {type(error).__name__}.")

    async def _send(self, url: str, body: bytes, headers: dict[str, str]) -> Attempt:
        # A client for each, because a shared one would send the cookies of one tenant's receiver to another's.
        async with (
            httpx.AsyncClient(transport=self._egress_policy.transport(LIMITS), timeout=TIMEOUT_SECONDS) as client,
            client.stream("POST", url, content=body, headers=headers, follow_redirects=False) as response,
        ):
            kept = b""
            # Raw, because the decompressed size is unbounded.
            async for part in response.aiter_raw():
                kept += part
                if len(kept) >= KEPT_BYTES:
                    break
        text = storable(kept[:KEPT_BYTES].decode(errors="replace"))
        if response.is_success:
            return Attempt(status=response.status_code, body=text)
        not_followed = ", a redirect, which is not followed" if response.has_redirect_location else ""
        error = f"The receiver answered {response.status_code}{not_followed}."
        return Attempt(status=response.status_code, body=text, error=error)


def signed(delivery: Delivery, secret: str) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a request, signed by the Standard Webhooks scheme with the current time."""
    body = msgspec.json.encode(delivery.payload)
    now = datetime.now(UTC)
    return body, {
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": f"freight/{__version__}",
        "webhook-id": str(delivery.id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Signer(secret).sign(str(delivery.id), now, body.decode()),
    }
