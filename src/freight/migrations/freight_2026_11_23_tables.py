"""The tables of the first version, their indexes, and row-level security."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from freight.database import DB

ID = "2026-11-23T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "tables, indexes, row-level security"

LEASE = """
    attempt integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    fence bigint NOT NULL DEFAULT 0,
    leased_by varchar(64),
    lease_until timestamptz
"""

TABLES = f"""
CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    name varchar(200) NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    name varchar(200) NOT NULL,
    prefix varchar(32) NOT NULL,
    digest bytea NOT NULL,
    scopes varchar(32)[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_keys_tenant ON api_keys (tenant_id, created_at);
CREATE INDEX api_keys_prefix ON api_keys (prefix);

CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    name varchar(200),
    labels jsonb NOT NULL,
    status varchar(32) NOT NULL,
    stage varchar(32),
    mode varchar(16) NOT NULL,
    entities varchar(32)[] NOT NULL,
    on_existing varchar(16) NOT NULL,
    batch_size integer NOT NULL,
    retry_policy jsonb NOT NULL,
    source_system varchar(32) NOT NULL,
    source_base_url text NOT NULL,
    source_workspace text NOT NULL,
    source_workspace_name text NOT NULL,
    source_credentials bytea NOT NULL,
    target_system varchar(32) NOT NULL,
    target_base_url text NOT NULL,
    target_workspace text NOT NULL,
    target_workspace_name text NOT NULL,
    target_credentials bytea NOT NULL,
    started_by varchar(200) NOT NULL,
    total_records bigint NOT NULL,
    processed_records bigint NOT NULL,
    failed_records bigint NOT NULL,
    error_code varchar(64),
    error_message text,
    resume_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    completed_at timestamptz,
    {LEASE}
);
CREATE INDEX jobs_tenant ON jobs (tenant_id, created_at DESC, id);
CREATE INDEX jobs_live ON jobs (status) WHERE status IN ('pending', 'running', 'paused');
-- A vendor's workspace ids mean nothing to another vendor, so the systems are part of the pair.
CREATE UNIQUE INDEX jobs_one_live_per_pair
    ON jobs (tenant_id, source_system, source_workspace, target_system, target_workspace)
    WHERE status IN ('pending', 'running', 'paused');

CREATE TABLE streams (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    entity varchar(32) NOT NULL,
    cursor text,
    done boolean NOT NULL,
    read_records bigint NOT NULL,
    created_records bigint NOT NULL,
    updated_records bigint NOT NULL,
    unchanged_records bigint NOT NULL,
    skipped_records bigint NOT NULL,
    failed_records bigint NOT NULL,
    {LEASE},
    UNIQUE (tenant_id, job_id, entity)
);

CREATE TABLE batches (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    entity varchar(32) NOT NULL,
    number integer NOT NULL,
    first_position bigint NOT NULL,
    size integer NOT NULL,
    status varchar(32) NOT NULL,
    processed_records integer NOT NULL,
    failed_records integer NOT NULL,
    error_code varchar(64),
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    completed_at timestamptz,
    {LEASE},
    UNIQUE (tenant_id, job_id, entity, number)
);
CREATE INDEX batches_open ON batches (tenant_id, job_id, entity, number) WHERE status NOT IN ('completed', 'failed');

CREATE TABLE records (
    id bigserial PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    entity varchar(32) NOT NULL,
    position bigint NOT NULL,
    source_id text NOT NULL,
    payload jsonb,
    in_flight varchar(16),
    outcome varchar(16),
    code varchar(64),
    message text,
    target_id text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, job_id, entity, source_id),
    CHECK (outcome IN ('created', 'updated', 'unchanged', 'skipped', 'failed')),
    CHECK (outcome NOT IN ('skipped', 'failed') OR (code IS NOT NULL AND message IS NOT NULL))
);
CREATE INDEX records_position ON records (tenant_id, job_id, entity, position);

CREATE TABLE claims (
    id bigserial PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    entity varchar(32) NOT NULL,
    value text NOT NULL,
    source_id text NOT NULL,
    UNIQUE (tenant_id, job_id, entity, value)
);

CREATE TABLE ledger (
    id bigserial PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    source_workspace text NOT NULL,
    target_workspace text NOT NULL,
    entity varchar(32) NOT NULL,
    source_id text NOT NULL,
    target_id text NOT NULL,
    origin varchar(16) NOT NULL CHECK (origin IN ('created', 'matched')),
    values jsonb NOT NULL,
    written text[] NOT NULL,
    replaced jsonb NOT NULL,
    job_id uuid NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, source_workspace, target_workspace, entity, source_id)
);

CREATE TABLE logs (
    id bigserial PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    entity varchar(32),
    source_id text,
    level varchar(16) NOT NULL,
    code varchar(64) NOT NULL,
    message text NOT NULL,
    field text,
    value text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX logs_job ON logs (tenant_id, job_id, id);
"""

# Roles belong to the whole server, so another database of the same server may have created them already.
ROLES = """
DO $$
DECLARE role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['freight_tenant', 'freight_platform'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another migration has just made it
            END;
        END IF;
        IF NOT pg_has_role(current_user, role_name, 'SET') THEN
            EXECUTE format('GRANT %I TO %I', role_name, current_user);
        END IF;
    END LOOP;
END
$$;
"""

ROW_LEVEL_SECURITY = """
DO $$
DECLARE table_name text;
BEGIN
    FOREACH table_name IN ARRAY
        ARRAY['tenants', 'api_keys', 'jobs', 'streams', 'batches', 'records', 'claims', 'ledger', 'logs']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
        EXECUTE format('CREATE POLICY platform ON %I TO freight_platform USING (true) WITH CHECK (true)', table_name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO freight_platform', table_name);
        EXECUTE format('GRANT SELECT ON %I TO freight_tenant', table_name);
        IF table_name <> 'tenants' THEN
            EXECUTE format(
                'CREATE POLICY tenant ON %I TO freight_tenant '
                'USING (tenant_id = current_setting(''freight.tenant_id'')::uuid) '
                'WITH CHECK (tenant_id = current_setting(''freight.tenant_id'')::uuid)',
                table_name
            );
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %I TO freight_tenant', table_name);
        END IF;
    END LOOP;
    CREATE POLICY tenant ON tenants TO freight_tenant USING (id = current_setting('freight.tenant_id')::uuid);
    REVOKE UPDATE, DELETE ON logs FROM freight_tenant;
END
$$;
GRANT USAGE ON SCHEMA public TO freight_tenant, freight_platform;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO freight_tenant, freight_platform;
"""


async def _create() -> None:
    async with DB.transaction() as transaction:
        for statements in (TABLES, ROLES, ROW_LEVEL_SECURITY):
            await transaction.connection.execute(statements)


async def _drop() -> None:
    async with DB.transaction() as transaction:
        await transaction.connection.execute(
            "DROP TABLE logs, ledger, claims, records, batches, streams, jobs, api_keys, tenants"
        )


async def forwards() -> MigrationManager:
    """Create the tables."""
    manager = MigrationManager(migration_id=ID, app_name="freight", description=DESCRIPTION)
    manager.add_raw(_create)
    manager.add_raw_backwards(_drop)
    return manager
