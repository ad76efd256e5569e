"""Neighbours: other tenants' jobs over the same two workspaces.

Each tenant has a ledger of its own, so two jobs that write into one workspace at the same time would make everything
twice. One after the other they do not: the later one recognises by the target's own marks what is there.
"""

from freight.database import Connection
from freight.domain.jobs import Job


async def hold_pair(tx: Connection, job: Job) -> bool:
    """Return whether a job may begin to write, and let no neighbour begin until the transaction ends.

    Call it in the transaction in which the job enters its first stage: by its stage the neighbours see it.
    """
    pair = (job.source_system, job.source_workspace, job.target_system, job.target_workspace)
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", " ".join(pair))
    # Only the platform sees jobs of other tenants; what it sees is told to nobody.
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
