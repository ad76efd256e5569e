"""Ledger columns to compare every value on every run: values that were not accepted, and the lists of entries."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from freight.database import DB

ID = "2026-11-27T09:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "values that the target did not take, lists of entries"

COLUMNS = """
ALTER TABLE ledger
    ADD COLUMN refused jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN container text;
"""


async def _alter() -> None:
    async with DB.transaction() as transaction:
        await transaction.connection.execute(COLUMNS)


async def forwards() -> MigrationManager:
    """Add the columns."""
    manager = MigrationManager(migration_id=ID, app_name="freight", description=DESCRIPTION)
    manager.add_raw(_alter)
    return manager
