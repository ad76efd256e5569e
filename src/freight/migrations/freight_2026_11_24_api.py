"""Webhooks, audit, idempotency keys, limits and retention of tenants, statistics of jobs."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from freight.database import DB

ID = "2026-11-24T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "webhooks, audit, idempotency keys, tenants' limits, jobs' statistics"

TABLES = """
ALTER TABLE tenants
    ADD COLUMN suspended_at timestamptz,
    ADD COLUMN retention_days integer NOT NULL DEFAULT 90,
    ADD COLUMN limits jsonb NOT NULL DEFAULT '{}';

-- A key without a tenant is the platform administrator's.
ALTER TABLE api_keys ALTER COLUMN tenant_id DROP NOT NULL;

ALTER TABLE jobs
    ADD COLUMN deleted_at timestamptz,
    ADD COLUMN purged_at timestamptz,
    ADD COLUMN paused_by varchar(16),
    ADD COLUMN source_reads bigint NOT NULL DEFAULT 0,
    ADD COLUMN target_reads bigint NOT NULL DEFAULT 0,
    ADD COLUMN target_writes bigint NOT NULL DEFAULT 0,
    ADD COLUMN waited_seconds double precision NOT NULL DEFAULT 0;

-- References by tenant and job: no row can belong to another's job, and deleting a job finds its rows by their
-- indexes, which are led by the tenant.
ALTER TABLE jobs ADD UNIQUE (tenant_id, id);
DO $$
DECLARE table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['streams', 'batches', 'records', 'claims', 'logs'] LOOP
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', table_name, table_name || '_job_id_fkey');
        EXECUTE format(
            'ALTER TABLE %I ADD FOREIGN KEY (tenant_id, job_id) REFERENCES jobs (tenant_id, id) ON DELETE CASCADE',
            table_name
        );
    END LOOP;
END
$$;

-- With a primary key of the id alone, the planner may look for a page of one job's rows among the rows of all jobs:
-- both indexes have the order that is wanted, and it takes a job's rows for evenly spread.
ALTER TABLE records DROP CONSTRAINT records_pkey, ADD PRIMARY KEY (tenant_id, job_id, id);
CREATE INDEX records_id ON records USING hash (id);
ALTER TABLE logs DROP CONSTRAINT logs_pkey, ADD PRIMARY KEY (tenant_id, job_id, id);
DROP INDEX logs_job;

CREATE INDEX records_outcome ON records (tenant_id, job_id, outcome, id);
CREATE INDEX records_code ON records (tenant_id, job_id, code, id) INCLUDE (outcome, entity)
    WHERE code IS NOT NULL;
CREATE INDEX logs_code ON logs (tenant_id, job_id, code, id);
CREATE INDEX logs_level ON logs (tenant_id, job_id, level, id);

CREATE TABLE idempotency_keys (
    id bigserial PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    key varchar(255) NOT NULL,
    body_digest bytea NOT NULL,
    status_code integer,
    answer jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, key)
);

CREATE TABLE webhooks (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    url text NOT NULL,
    description varchar(200),
    events varchar(64)[] NOT NULL,
    secret bytea NOT NULL,
    disabled_at timestamptz,
    disabled_reason text,
    failing_since timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id)
);
CREATE INDEX webhooks_tenant ON webhooks (tenant_id, created_at, id);

CREATE TABLE webhook_deliveries (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    webhook_id uuid NOT NULL,
    job_id uuid,
    event varchar(64) NOT NULL,
    payload jsonb NOT NULL,
    status varchar(16) NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    answer_status integer,
    answer_body text,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    attempted_at timestamptz,
    delivered_at timestamptz,
    attempt integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    fence bigint NOT NULL DEFAULT 0,
    leased_by varchar(64),
    lease_until timestamptz,
    FOREIGN KEY (tenant_id, webhook_id) REFERENCES webhooks (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX webhook_deliveries_page ON webhook_deliveries (tenant_id, webhook_id, created_at DESC, id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at) WHERE status = 'pending';

CREATE TABLE audit_events (
    id bigserial PRIMARY KEY,
    tenant_id uuid REFERENCES tenants ON DELETE CASCADE,
    actor varchar(200) NOT NULL,
    action varchar(64) NOT NULL,
    object_type varchar(32) NOT NULL,
    object_id text NOT NULL,
    details jsonb NOT NULL,
    address varchar(64),
    request_id varchar(64),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_events_tenant ON audit_events (tenant_id, id);
"""

ROW_LEVEL_SECURITY = """
DO $$
DECLARE table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['idempotency_keys', 'webhooks', 'webhook_deliveries', 'audit_events'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY platform ON %I TO freight_platform USING (true) WITH CHECK (true)', table_name);
        EXECUTE format(
            'CREATE POLICY tenant ON %I TO freight_tenant '
            'USING (tenant_id = current_setting(''freight.tenant_id'')::uuid) '
            'WITH CHECK (tenant_id = current_setting(''freight.tenant_id'')::uuid)',
            table_name
        );
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO freight_platform, freight_tenant', table_name);
    END LOOP;
END
$$;
REVOKE UPDATE, DELETE ON audit_events FROM freight_tenant, freight_platform;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO freight_tenant, freight_platform;
"""


async def _alter() -> None:
    async with DB.transaction() as transaction:
        for statements in (TABLES, ROW_LEVEL_SECURITY):
            await transaction.connection.execute(statements)


async def forwards() -> MigrationManager:
    """Add the tables and columns."""
    manager = MigrationManager(migration_id=ID, app_name="freight", description=DESCRIPTION)
    manager.add_raw(_alter)
    return manager
