"""Claims: which record of a job has what only one can have. The first one that asks keeps it."""

from collections.abc import Collection, Sequence
from uuid import UUID

from freight.crm import Entity
from freight.database import Connection


async def claim(
    tx: Connection, tenant_id: UUID, job_id: UUID, entity: Entity, wanted: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """Claim these (value, source id), and return who holds each of the values: also across workers, and for good."""
    if not wanted:
        return {}
    values = [value.replace("\0", "") for value, _ in wanted]
    await tx.execute(
        """INSERT INTO claims (tenant_id, job_id, entity, value, source_id)
           SELECT $1, $2, $3, value, source_id FROM unnest($4::text[], $5::text[]) AS claim (value, source_id)
           ON CONFLICT DO NOTHING""",
        tenant_id,
        job_id,
        entity,
        values,
        [source_id for _, source_id in wanted],
    )
    return await holders(tx, job_id, entity, values)


async def holders(tx: Connection, job_id: UUID, entity: Entity, values: Collection[str]) -> dict[str, str]:
    """Return who holds those of these values that are claimed."""
    held = await tx.fetch(
        "SELECT value, source_id FROM claims WHERE job_id = $1 AND entity = $2 AND value = ANY($3)",
        job_id,
        entity,
        list(values),
    )
    return {row["value"]: row["source_id"] for row in held}
