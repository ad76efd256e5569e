"""Mappings, layouts and samples of jobs, replies to notes, and references that are resolved in a second pass."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from freight.database import DB

ID = "2026-11-25T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "mappings and layouts of jobs, replies, late references"

TABLES = """
ALTER TABLE jobs
    ADD COLUMN mapping jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN sample_size integer,
    ADD COLUMN source_schema jsonb,
    ADD COLUMN layout jsonb,
    ADD COLUMN estimate jsonb,
    ADD COLUMN written_twice bigint NOT NULL DEFAULT 0;

ALTER TABLE records ADD COLUMN awaits_references boolean NOT NULL DEFAULT false;
CREATE INDEX records_awaiting ON records (tenant_id, job_id, entity, id) WHERE awaits_references;

-- What is said of the job itself stands among very many rows about its records.
CREATE INDEX logs_of_job ON logs (tenant_id, job_id, id) WHERE entity IS NULL;

ALTER TABLE ledger
    ADD COLUMN given jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN kept text[] NOT NULL DEFAULT '{}',
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX ledger_target ON ledger (tenant_id, source_workspace, target_workspace, entity, target_id);

CREATE TABLE replies (
    id bigserial PRIMARY KEY,
    tenant_id uuid NOT NULL,
    job_id uuid NOT NULL,
    note_id text NOT NULL,
    source_id text NOT NULL,
    payload jsonb,
    UNIQUE (tenant_id, job_id, source_id),
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX replies_note ON replies (tenant_id, job_id, note_id);
"""

ROW_LEVEL_SECURITY = """
ALTER TABLE replies ENABLE ROW LEVEL SECURITY;
ALTER TABLE replies FORCE ROW LEVEL SECURITY;
CREATE POLICY platform ON replies TO freight_platform USING (true) WITH CHECK (true);
CREATE POLICY tenant ON replies TO freight_tenant
    USING (tenant_id = current_setting('freight.tenant_id')::uuid)
    WITH CHECK (tenant_id = current_setting('freight.tenant_id')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON replies TO freight_platform, freight_tenant;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO freight_tenant, freight_platform;
"""


async def _alter() -> None:
    async with DB.transaction() as transaction:
        for statements in (TABLES, ROW_LEVEL_SECURITY):
            await transaction.connection.execute(statements)


async def forwards() -> MigrationManager:
    """Add the columns and the table."""
    manager = MigrationManager(migration_id=ID, app_name="freight", description=DESCRIPTION)
    manager.add_raw(_alter)
    return manager
