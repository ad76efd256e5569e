"""Earlier jobs: the settings of those that may have written to the same target."""

from collections.abc import Sequence

import msgspec

from freight.database import Connection
from freight.domain.jobs.model import Job
from freight.domain.jobs.requests import OnExisting
from freight.model.crm import Entity
from freight.model.mapping import Mapping
from freight.model.resolved_mapping import ResolvedMapping

MAX_JOBS = 50
"""Earlier jobs that are searched for the last one of each entity."""


class JobSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a job that decide where its records went."""

    mapping: Mapping
    entities: Sequence[Entity]
    on_existing: OnExisting
    layout: ResolvedMapping | None
    """None if retention has erased it."""


async def settings_of_earlier_jobs(tx: Connection, job: Job) -> list[JobSettings]:
    """Return the settings of earlier jobs that may have written to the same target, the latest first."""
    rows = await tx.fetch(
        f"""SELECT mapping, entities, on_existing, layout FROM jobs
            WHERE id <> $1 AND created_at <= $2 AND mode <> 'dry_run'
              AND source_system = $3 AND source_workspace = $4 AND target_system = $5 AND target_workspace = $6
              AND EXISTS (SELECT FROM streams WHERE job_id = jobs.id)
            ORDER BY created_at DESC LIMIT {MAX_JOBS}""",
        job.id,
        job.created_at,
        job.source_system,
        job.source_workspace,
        job.target_system,
        job.target_workspace,
    )
    return [
        JobSettings(
            mapping=msgspec.json.decode(row["mapping"], type=Mapping),
            entities=row["entities"],
            on_existing=row["on_existing"],
            layout=None if row["layout"] is None else msgspec.json.decode(row["layout"], type=ResolvedMapping),
        )
        for row in rows
    ]
