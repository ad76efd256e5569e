"""API keys: their form, how they are stored, and how a request is authenticated by one.

`frt_live_` + 30 random base62 characters + 6 that are their CRC-32, so that a typo is refused without a look-up.
Only an HMAC of the whole and a visible prefix are stored. A slow hash would protect nothing more: the random part
has 178 bits.
"""

import re
import secrets
import string
import zlib
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from piccolo.custom_types import Combinable

from freight.database import Connection
from freight.domain import tables
from freight.domain.errors import (
    InvalidRequest,
    KeyRefused,
    LastAdminKey,
    NotFound,
    ScopesExceeded,
    StateConflict,
    TenantSuspended,
)
from freight.domain.tables import NOW
from freight.domain.tenancy import audit
from freight.domain.tenancy.audit import Actor
from freight.domain.tenancy.tenants import Limits
from freight.encryption import CredentialCipher

Environment = Literal["live", "test", "dev"]
Scope = Literal["jobs:read", "jobs:write", "admin"]

ALL_SCOPES: tuple[Scope, ...] = ("jobs:read", "jobs:write", "admin")

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 30
CHECKSUM_LENGTH = 6
FORMAT = re.compile(rf"frt_(live|test|dev)_([0-9A-Za-z]{{{RANDOM_LENGTH}}})([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})")
VISIBLE_RANDOM = 8
"""How many random characters the stored prefix contains: enough to find the key, too few to guess it."""

LAST_USED_SECONDS = 60
"""The precision of `last_used_at`. Exact times would cost one update per request."""

NAME_LENGTH = 100
PRINTABLE = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
"""At least one visible character, on one line."""

MAX_LIFETIME = timedelta(days=3650)
DEFAULT_OVERLAP = timedelta(days=1)
MAX_OVERLAP = timedelta(days=7)


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """An API key as it is shown after its creation."""

    id: UUID
    name: str
    prefix: Annotated[str, Meta(description="The beginning of the key, to tell it from others.")]
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: Annotated[
        datetime | None, Meta(description=f"Accurate to {LAST_USED_SECONDS} seconds; null if it was never used.")
    ]
    revoked_at: datetime | None


class NewKey(ApiKey, frozen=True, kw_only=True):
    """An API key at its creation."""

    key: Annotated[str, Meta(description="The key itself. Only this response shows it.")]

    def __repr__(self) -> str:
        return f"NewKey(prefix={self.prefix!r})"


class KeyRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request for a new key."""

    name: Annotated[str, Meta(max_length=NAME_LENGTH, pattern=PRINTABLE, description="What the key is for.")]
    scopes: Annotated[
        list[Scope],
        Meta(min_length=1, max_length=10, description="What it may do: no more than the key that makes the request."),
    ]
    expires_at: Annotated[
        Annotated[datetime, Meta(tz=True)] | None, Meta(description="When it expires; null for never.")
    ] = None
    expires_in_days: Annotated[
        Annotated[int, Meta(ge=1, le=MAX_LIFETIME.days)] | None,
        Meta(description="The same in days from now. Give only one of the two."),
    ] = None


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The tenant's key that makes a request."""

    tenant_id: UUID
    key_id: UUID
    key_prefix: str
    key_name: str
    scopes: frozenset[Scope]
    limits: Limits


class Administrator(msgspec.Struct, frozen=True, kw_only=True):
    """The platform administrator's key that makes a request."""

    key_id: UUID
    key_prefix: str
    key_name: str


KEY = tables.ApiKey

COLUMNS = tables.columns(KEY, ApiKey)


def generate(environment: Environment) -> str:
    """Return a new API key."""
    body = "".join(secrets.choice(BASE62) for _ in range(RANDOM_LENGTH))
    return f"frt_{environment}_{body}{checksum(body)}"


def checksum(body: str) -> str:
    """Return the CRC-32 of the random part, as 6 base62 characters."""
    number = zlib.crc32(body.encode())
    digits = []
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(BASE62))
        digits.append(BASE62[digit])
    return "".join(reversed(digits))


def is_well_formed(key: str) -> bool:
    """Return whether this has the form and the checksum of a key."""
    match = FORMAT.fullmatch(key)
    return match is not None and checksum(match[2]) == match[3]


def visible_prefix(key: str) -> str:
    """Return the part of a key that may be stored and shown."""
    return key[: len(key) - CHECKSUM_LENGTH - RANDOM_LENGTH + VISIBLE_RANDOM]


async def issue(
    tx: Connection,
    cipher: CredentialCipher,
    actor: Actor,
    *,
    tenant_id: UUID | None,
    name: str,
    environment: Environment,
    scopes: Sequence[Scope],
    expires_at: datetime | None = None,
) -> NewKey:
    """Store a new key of a tenant, or of the administrator for None. Only the result shows the key itself."""
    new = await _insert(cipher, tenant_id, generate(environment), name=name, scopes=scopes, expires_at=expires_at)
    details = {"name": new.name, "prefix": new.prefix, "scopes": new.scopes, "expires_at": new.expires_at}
    await audit.record(tx, actor, "key.created", "key", new.id, details)
    return new


async def issue_first(
    tx: Connection, cipher: CredentialCipher, actor: Actor, tenant_id: UUID, *, environment: Environment
) -> NewKey:
    """Store the first key of a new tenant, with every scope."""
    theirs = msgspec.structs.replace(actor, tenant_id=tenant_id)
    return await issue(
        tx, cipher, theirs, tenant_id=tenant_id, name="first key", environment=environment, scopes=ALL_SCOPES
    )


async def create(
    tx: Connection,
    cipher: CredentialCipher,
    actor: Actor,
    caller: Caller,
    request: KeyRequest,
    *,
    environment: Environment,
) -> NewKey:
    """Create a key for the caller's tenant. Raise `InvalidRequest` or `ScopesExceeded`."""
    _check_scopes(caller, request.scopes)
    return await issue(
        tx,
        cipher,
        actor,
        tenant_id=caller.tenant_id,
        name=request.name,
        environment=environment,
        scopes=request.scopes,
        expires_at=_expiry(request),
    )


async def get(tx: Connection, key_id: UUID) -> ApiKey:
    """Return the key with this id. Raise `NotFound`, also for another tenant's."""
    row = await KEY.select(*COLUMNS).where(KEY.id == key_id).first()
    if row is None:
        raise NotFound(f"There is no key {key_id}.")
    return _key(row)


async def page(tx: Connection, *, limit: int, offset: int) -> tuple[list[ApiKey], int]:
    """Return a page of a tenant's keys, newest first, and the number of all."""
    newest_first = KEY.select(*COLUMNS).order_by(KEY.created_at, ascending=False).order_by(KEY.id)
    rows = await newest_first.limit(limit).offset(offset)
    total = await KEY.count()
    return [_key(row) for row in rows], total


async def rotate(
    tx: Connection,
    cipher: CredentialCipher,
    actor: Actor,
    caller: Caller,
    key_id: UUID,
    *,
    overlap: timedelta,
    environment: Environment,
) -> NewKey:
    """Replace a key with a new one of the same name, scopes and lifetime; the old one expires after the overlap.

    Raise `NotFound`, `ScopesExceeded`, or `StateConflict` if the key has already ended.
    """
    await KEY.select(KEY.id).where(KEY.id == key_id).lock_rows()
    old = await get(tx, key_id)
    now = datetime.now(UTC)
    if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
        raise StateConflict("This key has expired or was revoked. Create a new one.")
    _check_scopes(caller, old.scopes)
    new = await _insert(
        cipher,
        caller.tenant_id,
        generate(environment),
        name=old.name,
        scopes=old.scopes,
        expires_at=None if old.expires_at is None else now + (old.expires_at - old.created_at),
    )
    ends = now + overlap if old.expires_at is None else min(old.expires_at, now + overlap)
    await KEY.update({KEY.expires_at: ends}).where(KEY.id == key_id)
    details = {"name": old.name, "prefix": old.prefix, "new_id": new.id, "new_prefix": new.prefix, "old_ends": ends}
    await audit.record(tx, actor, "key.rotated", "key", key_id, details)
    return new


async def revoke(tx: Connection, actor: Actor, key_id: UUID) -> None:
    """Revoke a key. A key that is revoked already stays as it is. Raise `NotFound` or `LastAdminKey`."""
    key = await get(tx, key_id)
    if key.revoked_at is not None:
        return
    if "admin" in key.scopes and not await _has_another_admin_key(tx, key):
        raise LastAdminKey(
            "Without this key, no key with the scope admin would be left that is valid for more than "
            f"{MAX_OVERLAP.days} days. Create or rotate one first."
        )
    if await _revoke(KEY.id == key_id):
        await audit.record(tx, actor, "key.revoked", "key", key_id, {"name": key.name, "prefix": key.prefix})


async def revoke_administrators(tx: Connection, actor: Actor, prefix: str) -> None:
    """Revoke the administrator's key with this visible prefix. Raise `NotFound`."""
    revoked = await _revoke((KEY.prefix == prefix) & KEY.tenant_id.is_null())
    if not revoked:
        raise NotFound(f"There is no administrator's key {prefix} that can be revoked.")
    for key_id in revoked:
        await audit.record(tx, actor, "key.revoked", "key", key_id, {"prefix": prefix})


async def authenticate(tx: Connection, cipher: CredentialCipher, key: str | None) -> Caller | Administrator:
    """Return the key's tenant or administrator (as the platform, because the tenant is not known yet).

    In SQL, because every request runs it. Raise `KeyRefused` or `TenantSuspended`.
    """
    if not key:
        raise KeyRefused("API key required")
    if not is_well_formed(key):
        raise KeyRefused("Invalid API key format")
    rows = await tx.fetch(
        """SELECT api_keys.id, tenant_id, api_keys.name, prefix, digest, scopes, limits, suspended_at,
                  last_used_at IS NULL OR last_used_at < now() - $2 * interval '1 second' AS stale
           FROM api_keys LEFT JOIN tenants ON tenants.id = tenant_id
           WHERE prefix = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())""",
        visible_prefix(key),
        LAST_USED_SECONDS,
    )
    for row in rows:
        if cipher.is_digest_of(row["digest"], key):
            return await _admit(row)
    raise KeyRefused("Invalid API key")


async def is_good(tx: Connection, key_id: UUID) -> bool:
    """Return whether a tenant's key is still valid: it has not ended, and its tenant is not suspended."""
    return bool(
        await tx.fetchval(
            """SELECT EXISTS (SELECT FROM api_keys JOIN tenants ON tenants.id = tenant_id
                              WHERE api_keys.id = $1 AND revoked_at IS NULL AND suspended_at IS NULL
                                AND (expires_at IS NULL OR expires_at > now()))""",
            key_id,
        )
    )


async def _admit(row: Any) -> Caller | Administrator:
    if row["suspended_at"] is not None:
        raise TenantSuspended(
            "This tenant is suspended and its jobs are paused. Contact the operator to lift the suspension."
        )
    if row["stale"]:
        await KEY.update({KEY.last_used_at: NOW}).where(KEY.id == row["id"])
    if row["tenant_id"] is None:
        return Administrator(key_id=row["id"], key_prefix=row["prefix"], key_name=row["name"])
    return Caller(
        tenant_id=row["tenant_id"],
        key_id=row["id"],
        key_prefix=row["prefix"],
        key_name=row["name"],
        scopes=frozenset(row["scopes"]),
        limits=msgspec.json.decode(row["limits"], type=Limits),
    )


async def _insert(
    cipher: CredentialCipher,
    tenant_id: UUID | None,
    key: str,
    *,
    name: str,
    scopes: Collection[Scope],
    expires_at: datetime | None,
) -> NewKey:
    new = KEY(
        tenant_id=tenant_id,
        name=name,
        prefix=visible_prefix(key),
        digest=cipher.digest(key),
        scopes=[scope for scope in ALL_SCOPES if scope in scopes],
        expires_at=expires_at,
    )
    (row,) = await KEY.insert(new).returning(*COLUMNS)
    return msgspec.convert({**row, "key": key}, NewKey)


async def _revoke(which: Combinable) -> list[UUID]:
    """Revoke the keys that are not revoked yet, and return their ids."""
    revoked = await KEY.update({KEY.revoked_at: NOW}).where(which, KEY.revoked_at.is_null()).returning(KEY.id)
    return [row["id"] for row in revoked]


async def _has_another_admin_key(tx: Connection, key: ApiKey) -> bool:
    # All of them are locked, because otherwise two concurrent requests could each revoke one in view of the other.
    others = await tx.fetch(
        """SELECT id FROM api_keys
           WHERE 'admin' = ANY(scopes) AND revoked_at IS NULL
             AND least(expires_at, now() + $1) >= least($2, now() + $1) AND least(expires_at, now() + $1) > now()
           ORDER BY id FOR UPDATE""",
        MAX_OVERLAP,
        key.expires_at,
    )
    return any(row["id"] != key.id for row in others)


def _check_scopes(caller: Caller, scopes: Collection[Scope]) -> None:
    beyond = [scope for scope in ALL_SCOPES if scope in scopes and scope not in caller.scopes]
    if beyond:
        raise ScopesExceeded(f"A key cannot grant scopes that it does not have: {', '.join(beyond)}.")


def _expiry(request: KeyRequest) -> datetime | None:
    now = datetime.now(UTC)
    if request.expires_in_days is not None:
        if request.expires_at is not None:
            raise InvalidRequest("Give only one of expires_at and expires_in_days.", field="expires_in_days")
        return now + timedelta(days=request.expires_in_days)
    if request.expires_at is not None and not now < request.expires_at <= now + MAX_LIFETIME:
        raise InvalidRequest(f"This must be within the next {MAX_LIFETIME.days} days.", field="expires_at")
    return request.expires_at


def _key(row: Any) -> ApiKey:
    return msgspec.convert(dict(row), ApiKey)
