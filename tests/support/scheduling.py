"""What workers would be woken up for."""

from uuid import UUID

from freight import database
from freight.domain.migration.steps.scheduling import schedule
from freight.queue import WakeUp


async def schedule_next(tenant_id: UUID, job_id: UUID) -> list[WakeUp]:
    """Bring a job as far as its rows allow, and return what is due for it."""
    async with database.as_tenant(tenant_id) as tx:
        return await schedule(tx, job_id)
