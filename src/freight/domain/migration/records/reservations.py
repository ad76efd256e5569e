"""Reservations: which record of a job holds something unique. The first record to reserve it keeps it."""

from collections.abc import Collection, Iterable
from hashlib import sha256
from typing import Literal
from uuid import UUID

from freight.database import Connection, storable
from freight.model.crm import Entity

Kind = Literal["value", "target_record", "foreseen", "named", "written"]
"""What is reserved:

- `value`: a unique value, by the first record that was read with it.
- `target_record`: a record of the target, by its id there, for its source record.
- `foreseen`, `named`, `written`: a record that the target creates by itself; see `planning.implied`.
"""

MAX_KEY_BYTES = 500
"""Maximum bytes of a value that is stored as it is. An index row of PostgreSQL has at most about 2,700 bytes."""


async def reserve(
    tx: Connection,
    tenant_id: UUID,
    job_id: UUID,
    entity: Entity,
    wanted: Iterable[tuple[str, str]],
    *,
    kind: Kind = "value",
) -> dict[str, str]:
    """Reserve these (value, source id) for the whole job, in all workers. Return the holder of each value."""
    # Sorted, so that two transactions that reserve the same values do not deadlock. The sort is stable: of several
    # records with one value, the first keeps it.
    ordered = sorted(wanted, key=lambda pair: pair[0])
    if not ordered:
        return {}
    keys = {value: key_of(value) for value, _ in ordered}
    await tx.execute(
        """INSERT INTO reservations (tenant_id, job_id, entity, kind, value, source_id)
           SELECT $1, $2, $3, $4, value, source_id FROM unnest($5::text[], $6::text[]) AS wanted (value, source_id)
           ON CONFLICT DO NOTHING""",
        tenant_id,
        job_id,
        entity,
        kind,
        [keys[value] for value, _ in ordered],
        [source_id for _, source_id in ordered],
    )
    return await holders(tx, job_id, entity, keys, kind=kind)


async def holders(
    tx: Connection, job_id: UUID, entity: Entity, values: Collection[str], *, kind: Kind = "value"
) -> dict[str, str]:
    """Return the source ids that hold these values, by value; values that are not reserved are absent."""
    keys = {value: key_of(value) for value in values}
    rows = await tx.fetch(
        """SELECT value, source_id FROM reservations
           WHERE job_id = $1 AND entity = $2 AND kind = $3 AND value = ANY($4)""",
        job_id,
        entity,
        kind,
        list(keys.values()),
    )
    held = {row["value"]: row["source_id"] for row in rows}
    return {value: held[key] for value, key in keys.items() if key in held}


def key_of(value: str) -> str:
    """Return the key of a value in the index: the value itself, or a digest if it is too long or not storable."""
    encoded = value.encode("utf-8", "surrogatepass")
    if len(encoded) <= MAX_KEY_BYTES and storable(value) == value:
        return value
    return f"sha256:{sha256(encoded).hexdigest()}"
