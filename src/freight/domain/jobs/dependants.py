"""Dependants: records that were skipped, or lack a reference, because another record failed."""

from uuid import UUID

import msgspec

from freight.database import Connection
from freight.domain.migration.records.batches import Batch
from freight.model import crm

SKIPPED = ("no_parent", "only_own_company", "only_own_people", "parent_not_in_target")
"""Codes of skipped records that cannot exist in the target without a record to which they belong."""

PORTION = 500
"""Records that are read at a time."""


class Dependants(msgspec.Struct, frozen=True, kw_only=True):
    """The records of a job that depend on failed ones, by their ids."""

    waiting: frozenset[int]
    """Records that can be loaded only after the failed ones."""
    incomplete: frozenset[int]
    """Records that are in the target and lack only a reference to a company or a person."""


async def find(tx: Connection, job_id: UUID, *, of: Batch | None = None) -> Dependants:
    """Return the records of a job that depend on its failed ones, or on those of one batch."""
    rows = await tx.fetch(
        """SELECT entity, source_id FROM records
           WHERE job_id = $1 AND outcome = 'failed'
             AND ($2::text IS NULL OR entity = $2 AND position >= $3 AND position < $4)""",
        job_id,
        of and of.entity,
        of and of.positions.start,
        of and of.positions.stop,
    )
    failed = {(row["entity"], row["source_id"]) for row in rows}
    if not failed:
        return Dependants(waiting=frozenset(), incomplete=frozenset())
    skipped = await _skipped(tx, job_id, failed)
    rows = await tx.fetch(
        """SELECT settled.id, bool_or(failed.entity = 'deals') AS waits
           FROM logs
           JOIN unnest($2::text[], $3::text[]) AS failed (entity, source_id) ON failed.source_id = logs.value
           JOIN records AS settled ON settled.job_id = $1 AND settled.entity = logs.entity
                AND settled.source_id = logs.source_id AND settled.outcome IN ('created', 'updated', 'unchanged')
           WHERE logs.job_id = $1 AND logs.code = 'reference_not_found'
           GROUP BY settled.id""",
        job_id,
        [entity for entity, _ in failed],
        [source_id for _, source_id in failed],
    )
    # Companies and people are all loaded before references are added; deals are not.
    return Dependants(
        waiting=frozenset(skipped.union(row["id"] for row in rows if row["waits"])),
        incomplete=frozenset(row["id"] for row in rows if not row["waits"]),
    )


async def await_references(tx: Connection, dependants: Dependants) -> None:
    """Mark the incomplete ones, so that their references are added once all companies and people are loaded."""
    await tx.execute("UPDATE records SET awaits_references = true WHERE id = ANY($1)", list(dependants.incomplete))


async def _skipped(tx: Connection, job_id: UUID, failed: set[crm.Reference]) -> set[int]:
    found: set[int] = set()
    after = 0
    while True:
        rows = await tx.fetch(
            """SELECT id, payload FROM records
               WHERE job_id = $1 AND outcome = 'skipped' AND code = ANY($2) AND payload IS NOT NULL AND id > $3
               ORDER BY id LIMIT $4""",
            job_id,
            list(SKIPPED),
            after,
            PORTION,
        )
        for row in rows:
            if not failed.isdisjoint(crm.references(msgspec.json.decode(row["payload"], type=crm.Record))):
                found.add(row["id"])
        if len(rows) < PORTION:
            return found
        after = rows[-1]["id"]
