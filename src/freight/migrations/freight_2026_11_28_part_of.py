"""Copies of notes: a column names the note that a record or a ledger entry copies."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from freight.database import DB

ID = "2026-11-28T10:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "copies of notes"

COLUMNS = """
ALTER TABLE records ADD COLUMN part_of text;
ALTER TABLE ledger ADD COLUMN part_of text;
"""

# Earlier versions gave a copy the id of its note, a slash, and the record that it is for. No other ids held a slash.
ROWS = """
SET LOCAL ROLE freight_platform;
UPDATE records SET part_of = split_part(source_id, '/', 1) WHERE entity = 'notes' AND position('/' IN source_id) > 0;
UPDATE ledger SET part_of = split_part(source_id, '/', 1) WHERE entity = 'notes' AND position('/' IN source_id) > 0;
RESET ROLE;
"""
"""As the platform's role, because row-level security hides all rows from the one that owns the tables."""


async def _alter() -> None:
    async with DB.transaction() as transaction:
        for statements in (COLUMNS, ROWS):
            await transaction.connection.execute(statements)


async def forwards() -> MigrationManager:
    """Add the columns, and fill them for what earlier versions stored."""
    manager = MigrationManager(migration_id=ID, app_name="freight", description=DESCRIPTION)
    manager.add_raw(_alter)
    return manager
