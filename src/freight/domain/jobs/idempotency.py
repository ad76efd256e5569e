"""Idempotency keys: a request that is repeated with the same key gets the first one's answer.

While a request is in progress, its key is leased to it and the lease is renewed. If the process that answers it is
killed, the key is free again when the lease ends. Of two requests, the one that stores its answer first wins: the
answer is stored in the transaction of the change that it reports.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context
from uuid import UUID

import msgspec
from piccolo.custom_types import Combinable
from piccolo.querystring import QueryString

from freight import database, throttled
from freight.database import Connection, Row, jsonb
from freight.domain.errors import IdempotencyKeyReused, RequestInProgress
from freight.domain.tables import NOW, IdempotencyKey
from freight.encryption import CredentialCipher

ROW = IdempotencyKey

HOURS = 24
"""How long an answer is kept for repetitions."""

LEASE_SECONDS = 6.0
"""How long a key belongs to a request after its lease was last renewed."""

RENEWALS = 3
"""How many times a lease is renewed within its duration."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a request."""

    status_code: int
    body: str
    location: str


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A client's identifier of one request."""

    tenant_id: UUID
    name: str


class IdempotentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One use of a key: the stored answer, or the right to store it."""

    row_id: int
    answer: Answer | None

    async def finish(self, tx: Connection, answer: Answer) -> None:
        """Store the answer, in the transaction of the change that it reports.

        Raise `RequestInProgress` if this took so long that another request has taken over the key.
        """
        stored = await (
            ROW.update({ROW.status_code: answer.status_code, ROW.answer: jsonb(answer)})
            .where(ROW.id == self.row_id, ROW.status_code.is_null())
            .returning(ROW.id)
        )
        if not stored:
            raise RequestInProgress(
                "Another request with this Idempotency-Key has taken over. Send the request again to get its answer."
            )


@asynccontextmanager
async def once(
    cipher: CredentialCipher, key: Key, request: msgspec.Struct, *, lease_seconds: float = LEASE_SECONDS
) -> AsyncIterator[IdempotentRequest]:
    """Hold a key while the body answers its request; if the body raises, the key is free again.

    Raise `IdempotencyKeyReused` if the key was used for another request, `RequestInProgress` if the first request with
    it is in progress.
    """
    # An HMAC, because the request contains the vendors' keys; sorted, because the order of fields is irrelevant.
    text = "request\n" + msgspec.json.encode(request, order="sorted").decode()
    async with database.as_tenant(key.tenant_id) as tx:
        await _forget_old(tx, key, lease_seconds)
        new = ROW(
            tenant_id=key.tenant_id,
            key=key.name,
            body_digest=cipher.digest(text),
            lease_until=_from_now(lease_seconds),
        )
        inserted = await (
            ROW.insert(new).on_conflict(target=(ROW.tenant_id, ROW.key), action="DO NOTHING").returning(ROW.id)
        )
        row_id = inserted[0]["id"] if inserted else None
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
        async with database.as_tenant(key.tenant_id):
            await ROW.delete().where(ROW.id == row_id, ROW.status_code.is_null())
        raise
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])


async def _renew(tenant_id: UUID, row_id: int, lease_seconds: float) -> None:
    while True:
        await asyncio.sleep(lease_seconds / RENEWALS)
        try:
            async with database.as_tenant(tenant_id):
                await ROW.update({ROW.lease_until: _from_now(lease_seconds)}).where(
                    ROW.id == row_id, ROW.status_code.is_null()
                )
        except database.Unavailable as error:
            throttled.warning("idempotency_key_not_renewed", error)


async def _forget_old(tx: Connection, key: Key, lease_seconds: float) -> None:
    """Free a key whose answer is too old, or whose request has ended without one.

    A lease that lasts longer than possible dates from before the clock was set back.
    """
    is_too_old = ROW.created_at < _from_now(-3600.0 * HOURS)
    has_ended = (ROW.lease_until < NOW) | (ROW.lease_until > _from_now(2 * lease_seconds))
    await ROW.delete().where(_is(key), is_too_old | (ROW.status_code.is_null() & has_ended))


async def _first(tx: Connection, key: Key) -> Row | None:
    return await ROW.select(ROW.id, ROW.body_digest, ROW.status_code, ROW.answer).where(_is(key)).first()


def _is(key: Key) -> Combinable:
    return (ROW.tenant_id == key.tenant_id) & (ROW.key == key.name)


def _from_now(seconds: float) -> QueryString:
    """Return the time in `seconds` from now, by the database's clock."""
    return QueryString("now() + {} * interval '1 second'", seconds)


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
