"""What a job waits for."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from freight.database import DB

ID = "2026-11-27T18:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what a job waits for"

COLUMNS = "ALTER TABLE jobs ADD COLUMN waiting_for jsonb;"


async def _alter() -> None:
    async with DB.transaction() as transaction:
        await transaction.connection.execute(COLUMNS)


async def forwards() -> MigrationManager:
    """Add the column."""
    manager = MigrationManager(migration_id=ID, app_name="freight", description=DESCRIPTION)
    manager.add_raw(_alter)
    return manager
