"""Reservations: rename the table, and replace the prefixes of values by a column for the kind."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from freight.database import DB

ID = "2026-11-28T09:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "reservations"

TABLE = """
ALTER TABLE claims RENAME TO reservations;
ALTER SEQUENCE claims_id_seq RENAME TO reservations_id_seq;
ALTER TABLE reservations DROP CONSTRAINT claims_tenant_id_job_id_entity_value_key;
DO $$
DECLARE former name;
BEGIN
    FOR former IN
        SELECT conname FROM pg_constraint WHERE conrelid = 'reservations'::regclass AND starts_with(conname, 'claims_')
    LOOP
        EXECUTE format('ALTER TABLE reservations RENAME CONSTRAINT %I TO %I',
                       former, 'reservations_' || substr(former, length('claims_') + 1));
    END LOOP;
END
$$;
ALTER TABLE reservations
    ADD COLUMN kind varchar(16) NOT NULL DEFAULT 'value'
        CHECK (kind IN ('value', 'target_record', 'foreseen', 'named', 'written'));
"""

# The values of earlier versions: those of records are host names, addresses and ids, which hold no space.
ROWS = """
SET LOCAL ROLE freight_platform;
UPDATE reservations SET kind = prefix.kind, value = substr(reservations.value, length(prefix.text) + 1)
FROM (VALUES ('target_record', 'target record '), ('foreseen', 'foreseen '), ('named', 'named '),
             ('written', 'written ')) AS prefix (kind, text)
WHERE starts_with(reservations.value, prefix.text);
RESET ROLE;
"""
"""As the platform's role, because row-level security hides all rows from the one that owns the table."""

KEY = "ALTER TABLE reservations ADD UNIQUE (tenant_id, job_id, entity, kind, value);"


async def _alter() -> None:
    async with DB.transaction() as transaction:
        for statements in (TABLE, ROWS, KEY):
            await transaction.connection.execute(statements)


async def forwards() -> MigrationManager:
    """Rename the table, and move the prefixes into the column."""
    manager = MigrationManager(migration_id=ID, app_name="freight", description=DESCRIPTION)
    manager.add_raw(_alter)
    return manager
