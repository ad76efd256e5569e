"""Usage: what a job has cost in requests to vendors and in time spent waiting for their limits."""

from uuid import UUID

from freight.connectors.protocols import Usage
from freight.database import Connection
from freight.domain.jobs import waiting


async def add(
    tx: Connection,
    job_id: UUID,
    *,
    source: Usage | None = None,
    target: Usage | None = None,
    has_progressed: bool = True,
) -> None:
    """Add to a job's cost, and clear what it waits for if it has progressed."""
    source, target = source or Usage(), target or Usage()
    await tx.execute(
        """UPDATE jobs SET source_reads = source_reads + $2, target_reads = target_reads + $3,
                  target_writes = target_writes + $4, waited_seconds = waited_seconds + $5
           WHERE id = $1""",
        job_id,
        source.reads,
        target.reads,
        target.writes,
        source.waited_seconds + target.waited_seconds,
    )
    if has_progressed:
        await waiting.over(tx, job_id)


async def add_written_twice(tx: Connection, job_id: UUID, count: int) -> None:
    """Count records that were written again for their references, or would be by a full run."""
    await tx.execute("UPDATE jobs SET written_twice = written_twice + $2 WHERE id = $1", job_id, count)
