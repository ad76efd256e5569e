"""Evidence of number formats in the values of fields, and streams that are read to their end before they are loaded."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from freight.database import DB

ID = "2026-11-27T10:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "conventions of numbers in text"

COLUMNS = """
ALTER TABLE streams
    ADD COLUMN numerals jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN read_whole boolean NOT NULL DEFAULT false;
"""


async def _alter() -> None:
    async with DB.transaction() as transaction:
        await transaction.connection.execute(COLUMNS)


async def forwards() -> MigrationManager:
    """Add the columns."""
    manager = MigrationManager(migration_id=ID, app_name="freight", description=DESCRIPTION)
    manager.add_raw(_alter)
    return manager
