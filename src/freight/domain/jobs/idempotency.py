"""Idempotency keys: a request that is sent again under the same key gets the first one's answer.

While a request is under way, its key is leased to it and the lease is renewed. If the process that answers it is
killed, the key is free again when the lease ends. Whichever of two requests stores its answer first is the one that
counts: the answer is stored in the transaction that does what it says.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context
from uuid import UUID

import msgspec

from freight import database, throttled
from freight.database import Connection, Row, jsonb
from freight.domain.errors import IdempotencyKeyReused, RequestInProgress
from freight.encryption import CredentialCipher

HOURS = 24
"""How long an answer is given again."""

LEASE_SECONDS = 6.0
"""How long a key belongs to a request after the last sign that it is still under way."""

RENEWALS = 3
"""How often a lease is renewed in the time that it lasts."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a request was answered."""

    status_code: int
    body: str
    location: str


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A client's name for one request."""

    tenant_id: UUID
    name: str


class IdempotentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One use of a key: the answer that it has already, or the right to make it."""

    row_id: int
    answer: Answer | None

    async def finish(self, tx: Connection, answer: Answer) -> None:
        """Store the answer, in the transaction that does what it says.

        Raises `RequestInProgress` if this took so long that another request has taken the key over.
        """
        tag = await tx.execute(
            "UPDATE idempotency_keys SET status_code = $2, answer = $3 WHERE id = $1 AND status_code IS NULL",
            self.row_id,
            answer.status_code,
            jsonb(answer),
        )
        if tag != "UPDATE 1":
            raise RequestInProgress(
                "Another request with this Idempotency-Key has taken over. Ask again for its answer."
            )


@asynccontextmanager
async def once(
    cipher: CredentialCipher, key: Key, request: msgspec.Struct, *, lease_seconds: float = LEASE_SECONDS
) -> AsyncIterator[IdempotentRequest]:
    """A turn with a key; if the body raises, the key is free again.

    Raises `IdempotencyKeyReused` if the key belongs to another request, `RequestInProgress` if the first with it is
    under way.
    """
    # Under a key of ours, because the request holds the vendors' keys; sorted, because it is the same in any order.
    text = "request\n" + msgspec.json.encode(request, order="sorted").decode()
    async with database.as_tenant(key.tenant_id) as tx:
        await _forget_old(tx, key, lease_seconds)
        row_id = await tx.fetchval(
            """INSERT INTO idempotency_keys (tenant_id, key, body_digest, lease_until)
               VALUES ($1, $2, $3, now() + $4 * interval '1 second')
               ON CONFLICT (tenant_id, key) DO NOTHING RETURNING id""",
            key.tenant_id,
            key.name,
            cipher.digest(text),
            lease_seconds,
        )
        first = None if row_id else await _first(tx, key)
    if first is not None:
        yield _again(cipher, first, text)
        return
    if row_id is None:
        raise RequestInProgress("The first request with this Idempotency-Key has just failed. Send it again.")
    renewing = asyncio.create_task(_renew(key.tenant_id, row_id, lease_seconds), context=Context())
    try:
        yield IdempotentRequest(row_id=row_id, answer=None)
    except BaseException:
        async with database.as_tenant(key.tenant_id) as tx:
            await tx.execute("DELETE FROM idempotency_keys WHERE id = $1 AND status_code IS NULL", row_id)
        raise
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])


async def _renew(tenant_id: UUID, row_id: int, lease_seconds: float) -> None:
    while True:
        await asyncio.sleep(lease_seconds / RENEWALS)
        try:
            async with database.as_tenant(tenant_id) as tx:
                await tx.execute(
                    """UPDATE idempotency_keys SET lease_until = now() + $2 * interval '1 second'
                       WHERE id = $1 AND status_code IS NULL""",
                    row_id,
                    lease_seconds,
                )
        except database.Unavailable as error:
            throttled.warning("idempotency_key_not_renewed", error)


async def _forget_old(tx: Connection, key: Key, lease_seconds: float) -> None:
    """Free a key whose answer is too old, or whose request has ended without one.

    A lease that ends later than any can is left over from before the clock was set back.
    """
    await tx.execute(
        """DELETE FROM idempotency_keys
           WHERE tenant_id = $1 AND key = $2
             AND (created_at < now() - $3 * interval '1 hour'
                  OR (status_code IS NULL
                      AND (lease_until < now() OR lease_until > now() + $4 * interval '1 second')))""",
        key.tenant_id,
        key.name,
        HOURS,
        2 * lease_seconds,
    )


async def _first(tx: Connection, key: Key) -> Row | None:
    return await tx.fetchrow(
        "SELECT id, body_digest, status_code, answer FROM idempotency_keys WHERE tenant_id = $1 AND key = $2",
        key.tenant_id,
        key.name,
    )


def _again(cipher: CredentialCipher, first: Row, text: str) -> IdempotentRequest:
    if not cipher.is_digest_of(first["body_digest"], text):
        raise IdempotencyKeyReused(
            f"Another request was sent with this key in the last {HOURS} hours. Use a new key for each new request.",
            field="Idempotency-Key",
        )
    if first["answer"] is None:
        raise RequestInProgress(
            "The first request with this Idempotency-Key has not been answered yet. Send it again in some seconds."
        )
    return IdempotentRequest(row_id=first["id"], answer=msgspec.json.decode(first["answer"], type=Answer))
