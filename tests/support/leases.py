"""Leases of workers that were killed, without the half minute for which they last."""

from freight import database
from support.service import Tenant


async def run_out(tenant: Tenant) -> None:
    """Have all leases of the tenant's jobs run out now: other workers may take over, as they may after their time."""
    async with database.as_tenant(tenant.id) as tx:
        for table in ("jobs", "streams", "batches"):
            await tx.execute(f"UPDATE {table} SET lease_until = now() WHERE lease_until > now()")
