"""A transaction that changes jobs and records which.

Functions that change what is due for a job take it instead of a connection, so that they cannot be called where nothing
is enqueued afterwards; see `freight.domain.migration.steps.dispatch`.
"""

from uuid import UUID

from freight.database import Connection
from freight.domain.jobs import model as jobs
from freight.domain.jobs.model import Job


class JobChanges:
    """A tenant's transaction in which jobs are changed."""

    def __init__(self, tx: Connection) -> None:
        self.tx = tx
        self.job_ids: set[UUID] = set()
        """The jobs that were changed."""

    async def lock(self, job_id: UUID) -> Job:
        """Lock a job that is about to be changed, and return it. Raise `NotFound`."""
        job = await jobs.lock(self.tx, job_id)
        self.note(job_id)
        return job

    def note(self, job_id: UUID) -> None:
        """Record that a job was changed or created."""
        self.job_ids.add(job_id)
