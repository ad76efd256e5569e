"""API keys: their form, how they are stored, and whom they let in.

`frt_live_` + 30 random base62 characters + 6 that are their CRC-32, so that a typo is refused without a look-up.
Only an HMAC of the whole and a visible prefix are kept. A slow hash would protect nothing more: the random part
has 178 bits.
"""

import re
import secrets
import string
import zlib
from typing import Literal
from uuid import UUID, uuid4

import msgspec

from freight.database import Connection
from freight.domain.errors import KeyRefused
from freight.encryption import Vault

Environment = Literal["live", "test", "dev"]
Scope = Literal["jobs:read", "jobs:write", "admin"]

ALL_SCOPES: tuple[Scope, ...] = ("jobs:read", "jobs:write", "admin")

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 30
CHECKSUM_LENGTH = 6
FORMAT = re.compile(rf"frt_(live|test|dev)_([0-9A-Za-z]{{{RANDOM_LENGTH}}})([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})")
VISIBLE_RANDOM = 8
"""How many of the random characters the stored prefix shows: enough to find the key, too few to guess it."""

LAST_USED_SECONDS = 60
"""How exact `last_used_at` is; writing it at every request would cost one update a request."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes a request."""

    tenant_id: UUID
    key_id: UUID
    key_prefix: str
    scopes: frozenset[str]


def generate(environment: Environment) -> str:
    """A new API key."""
    body = "".join(secrets.choice(BASE62) for _ in range(RANDOM_LENGTH))
    return f"frt_{environment}_{body}{checksum(body)}"


def checksum(body: str) -> str:
    """The CRC-32 of the random part as 6 base62 characters."""
    number = zlib.crc32(body.encode())
    digits = []
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(BASE62))
        digits.append(BASE62[digit])
    return "".join(reversed(digits))


def is_well_formed(key: str) -> bool:
    """Whether this could be a key: its form and its checksum are right."""
    match = FORMAT.fullmatch(key)
    return match is not None and checksum(match[2]) == match[3]


def visible_prefix(key: str) -> str:
    """The part of a key that may be stored and shown."""
    return key[: len(key) - CHECKSUM_LENGTH - RANDOM_LENGTH + VISIBLE_RANDOM]


async def issue(
    tx: Connection, vault: Vault, tenant_id: UUID, *, name: str, environment: Environment, scopes: tuple[Scope, ...]
) -> str:
    """Store a new key of a tenant and return it: the only time that it can be seen."""
    key = generate(environment)
    await tx.execute(
        """INSERT INTO api_keys (id, tenant_id, name, prefix, digest, scopes) VALUES ($1, $2, $3, $4, $5, $6)""",
        uuid4(),
        tenant_id,
        name,
        visible_prefix(key),
        vault.digest(key),
        list(scopes),
    )
    return key


async def authenticate(tx: Connection, vault: Vault, key: str | None) -> Caller:
    """Whose key this is (as the platform, since the tenant is not known yet). Raises `KeyRefused`."""
    if not key:
        raise KeyRefused("API key required")
    if not is_well_formed(key):
        raise KeyRefused("Invalid API key format")
    rows = await tx.fetch(
        """SELECT id, tenant_id, prefix, digest, scopes,
                  last_used_at IS NULL OR last_used_at < now() - $2 * interval '1 second' AS stale
           FROM api_keys
           WHERE prefix = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())""",
        visible_prefix(key),
        LAST_USED_SECONDS,
    )
    for row in rows:
        if vault.is_digest_of(row["digest"], key):
            if row["stale"]:
                await tx.execute("UPDATE api_keys SET last_used_at = now() WHERE id = $1", row["id"])
            return Caller(
                tenant_id=row["tenant_id"],
                key_id=row["id"],
                key_prefix=row["prefix"],
                scopes=frozenset(row["scopes"]),
            )
    raise KeyRefused("Invalid API key")
