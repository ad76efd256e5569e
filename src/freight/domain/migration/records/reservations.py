"""Claims: which record of a job has what only one can have. The first one that asks keeps it."""

from collections.abc import Collection, Sequence
from hashlib import sha256
from uuid import UUID

from freight.database import Connection, storable
from freight.model.crm import Entity

MAX_KEY_BYTES = 500
"""Bytes of the longest value that is stored as it is. An index of PostgreSQL takes about 2,700 bytes of all columns
together."""


async def claim(
    tx: Connection, tenant_id: UUID, job_id: UUID, entity: Entity, wanted: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """Claim these (value, source id), and return who holds each of the values: also across workers, and for good."""
    if not wanted:
        return {}
    keys = {value: key_of(value) for value, _ in wanted}
    await tx.execute(
        """INSERT INTO claims (tenant_id, job_id, entity, value, source_id)
           SELECT $1, $2, $3, value, source_id FROM unnest($4::text[], $5::text[]) AS claim (value, source_id)
           ON CONFLICT DO NOTHING""",
        tenant_id,
        job_id,
        entity,
        [keys[value] for value, _ in wanted],
        [source_id for _, source_id in wanted],
    )
    return await holders(tx, job_id, entity, keys)


async def holders(tx: Connection, job_id: UUID, entity: Entity, values: Collection[str]) -> dict[str, str]:
    """Return who holds those of these values that are claimed."""
    keys = {value: key_of(value) for value in values}
    rows = await tx.fetch(
        "SELECT value, source_id FROM claims WHERE job_id = $1 AND entity = $2 AND value = ANY($3)",
        job_id,
        entity,
        list(keys.values()),
    )
    held = {row["value"]: row["source_id"] for row in rows}
    return {value: held[key] for value, key in keys.items() if key in held}


def key_of(value: str) -> str:
    """Return what stands for a value in an index: the value itself, or a digest where that is long or not storable."""
    encoded = value.encode("utf-8", "surrogatepass")
    if len(encoded) <= MAX_KEY_BYTES and storable(value) == value:
        return value
    return f"sha256:{sha256(encoded).hexdigest()}"
