"""Records of create requests whose effect is unknown."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from freight.database import DB

ID = "2026-11-27T19:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "creates in doubt"

COLUMNS = """
ALTER TABLE records
    ADD COLUMN doubted_at timestamptz,
    ADD COLUMN doubts integer NOT NULL DEFAULT 0;
"""


async def _alter() -> None:
    async with DB.transaction() as transaction:
        await transaction.connection.execute(COLUMNS)


async def forwards() -> MigrationManager:
    """Add the columns."""
    manager = MigrationManager(migration_id=ID, app_name="freight", description=DESCRIPTION)
    manager.add_raw(_alter)
    return manager
