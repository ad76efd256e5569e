"""Leases of idempotency keys by the request in progress."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from freight.database import DB

ID = "2026-11-27T19:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "leases of idempotency keys"

# Requests in progress during the update keep their keys for as long as before it.
COLUMNS = """
ALTER TABLE idempotency_keys ADD COLUMN lease_until timestamptz NOT NULL DEFAULT now() + interval '5 minutes';
ALTER TABLE idempotency_keys ALTER COLUMN lease_until SET DEFAULT now();
"""


async def _alter() -> None:
    async with DB.transaction() as transaction:
        await transaction.connection.execute(COLUMNS)


async def forwards() -> MigrationManager:
    """Add the column."""
    manager = MigrationManager(migration_id=ID, app_name="freight", description=DESCRIPTION)
    manager.add_raw(_alter)
    return manager
