"""Workspace conflicts: other tenants' jobs over the same two workspaces.

Each tenant has a ledger of its own, so two concurrent jobs that write to one workspace would create everything twice.
Consecutive jobs do not: the later one recognises what exists by its provenance in the target.
"""

from uuid import UUID

from freight.database import Connection
from freight.domain.jobs.model import Job

WORKSPACE_BUSY = "workspace_busy"

MAX_WAIT_DAYS = 7
"""How long a job waits for its workspaces, because the other job may be paused for any time."""

WAITING = (
    "Another migration between these two workspaces is in progress, so this job waits: if both wrote at the same time, "
    "they would create the same records twice. The job starts by itself when the workspaces are free. Cancel it if you "
    "do not want to wait."
)

GIVEN_UP = (
    f"The job has waited for {MAX_WAIT_DAYS} days for another migration between these two workspaces to end. Ask "
    "the workspaces' administrators who is migrating them, then retry the job."
)


async def hold_pair(tx: Connection, job: Job) -> bool:
    """Return whether a job may start to write, and let no other job start until the transaction ends.

    Call it in the transaction in which the job enters its first stage, which makes it visible to the others.
    """
    pair = (job.source_system, job.source_workspace, job.target_system, job.target_workspace)
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", " ".join(pair))
    # Only the platform sees jobs of other tenants; what it sees stays here.
    await tx.execute("SELECT set_config('role', 'freight_platform', true)")
    is_busy = await tx.fetchval(
        """SELECT EXISTS (
               SELECT FROM jobs
               WHERE source_system = $1 AND source_workspace = $2 AND target_system = $3 AND target_workspace = $4
                 AND tenant_id <> $5
                 AND status IN ('running', 'paused') AND stage IS NOT NULL AND mode <> 'dry_run')""",
        *pair,
        job.tenant_id,
    )
    await tx.execute("SELECT set_config('role', 'freight_tenant', true)")
    return not is_busy


async def has_waited_too_long(tx: Connection, job_id: UUID) -> bool:
    """Return whether the job has waited for its workspaces for `MAX_WAIT_DAYS`."""
    return bool(
        await tx.fetchval(
            """SELECT waiting_for ->> 'code' = $2
                      AND (waiting_for ->> 'since')::timestamptz < now() - $3 * interval '1 day'
               FROM jobs WHERE id = $1""",
            job_id,
            WORKSPACE_BUSY,
            MAX_WAIT_DAYS,
        )
    )
