"""The tables. What may be done with their rows stands in the module of each noun."""

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    BigInt,
    BigSerial,
    Boolean,
    Bytea,
    DoublePrecision,
    Integer,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.defaults.uuid import UUID4
from piccolo.table import Table

from freight.database import DB


class Tenant(Table, db=DB, tablename="tenants"):
    """A firm that uses this Freight."""

    id = UUID(primary_key=True, default=UUID4())
    name = Varchar(length=200, unique=True)
    created_at = Timestamptz(default=TimestamptzNow())
    suspended_at = Timestamptz(null=True, default=None)
    retention_days = Integer(default=90)
    limits = JSONB(default={})


class ApiKey(Table, db=DB, tablename="api_keys"):
    """A key of a tenant, or without one of the platform's administrator: only its prefix and its HMAC are kept."""

    id = UUID(primary_key=True, default=UUID4())
    tenant_id = UUID(null=True, default=None)
    name = Varchar(length=200)
    prefix = Varchar(length=32)
    digest = Bytea()
    scopes = Array(base_column=Varchar(length=32))
    created_at = Timestamptz(default=TimestamptzNow())
    expires_at = Timestamptz(null=True, default=None)
    last_used_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)


class Job(Table, db=DB, tablename="jobs"):
    """One run from one workspace to another."""

    id = UUID(primary_key=True, default=UUID4())
    tenant_id = UUID(default=None)
    name = Varchar(length=200, null=True, default=None)
    labels = JSONB(default={})
    status = Varchar(length=32, default="pending")
    stage = Varchar(length=32, null=True, default=None)
    mode = Varchar(length=16, default="full")
    entities = Array(base_column=Varchar(length=32))
    on_existing = Varchar(length=16, default="fill")
    batch_size = Integer(default=1000)
    retry_policy = JSONB(default={})
    source_system = Varchar(length=32)
    source_base_url = Text()
    source_workspace = Text()
    source_workspace_name = Text()
    source_credentials = Bytea()
    target_system = Varchar(length=32)
    target_base_url = Text()
    target_workspace = Text()
    target_workspace_name = Text()
    target_credentials = Bytea()
    started_by = Varchar(length=200)
    total_records = BigInt(default=0)
    processed_records = BigInt(default=0)
    failed_records = BigInt(default=0)
    error_code = Varchar(length=64, null=True, default=None)
    error_message = Text(null=True, default=None)
    resume_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
    started_at = Timestamptz(null=True, default=None)
    completed_at = Timestamptz(null=True, default=None)
    deleted_at = Timestamptz(null=True, default=None)
    purged_at = Timestamptz(null=True, default=None)
    paused_by = Varchar(length=16, null=True, default=None)
    waiting_for = JSONB(null=True, default=None)
    mapping = JSONB(default={})
    sample_size = Integer(null=True, default=None)
    source_schema = JSONB(null=True, default=None)
    layout = JSONB(null=True, default=None)
    estimate = JSONB(null=True, default=None)
    source_reads = BigInt(default=0)
    target_reads = BigInt(default=0)
    target_writes = BigInt(default=0)
    waited_seconds = DoublePrecision(default=0.0)
    written_twice = BigInt(default=0)
    attempt = Integer(default=0)
    due_at = Timestamptz(default=TimestamptzNow())
    fence = BigInt(default=0)
    leased_by = Varchar(length=64, null=True, default=None)
    lease_until = Timestamptz(null=True, default=None)


class Stream(Table, db=DB, tablename="streams"):
    """The extraction of one entity: how far it has come, and what became of its records so far."""

    id = UUID(primary_key=True, default=UUID4())
    tenant_id = UUID(default=None)
    job_id = UUID(default=None)
    entity = Varchar(length=32)
    cursor = Text(null=True, default=None)
    done = Boolean(default=False)
    read_records = BigInt(default=0)
    created_records = BigInt(default=0)
    updated_records = BigInt(default=0)
    unchanged_records = BigInt(default=0)
    skipped_records = BigInt(default=0)
    failed_records = BigInt(default=0)
    numerals = JSONB(default={})
    read_whole = Boolean(default=False)
    attempt = Integer(default=0)
    due_at = Timestamptz(default=TimestamptzNow())
    fence = BigInt(default=0)
    leased_by = Varchar(length=64, null=True, default=None)
    lease_until = Timestamptz(null=True, default=None)


class Batch(Table, db=DB, tablename="batches"):
    """The records of one entity at the positions from `first_position` on, loaded together."""

    id = UUID(primary_key=True, default=UUID4())
    tenant_id = UUID(default=None)
    job_id = UUID(default=None)
    entity = Varchar(length=32)
    number = Integer()
    first_position = BigInt()
    size = Integer()
    status = Varchar(length=32, default="pending")
    processed_records = Integer(default=0)
    failed_records = Integer(default=0)
    error_code = Varchar(length=64, null=True, default=None)
    error_message = Text(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    started_at = Timestamptz(null=True, default=None)
    completed_at = Timestamptz(null=True, default=None)
    attempt = Integer(default=0)
    due_at = Timestamptz(default=TimestamptzNow())
    fence = BigInt(default=0)
    leased_by = Varchar(length=64, null=True, default=None)
    lease_until = Timestamptz(null=True, default=None)


class Record(Table, db=DB, tablename="records"):
    """One source record within one job, and its outcome once it has one."""

    id = BigSerial(primary_key=True)
    tenant_id = UUID(default=None)
    job_id = UUID(default=None)
    entity = Varchar(length=32)
    position = BigInt()
    source_id = Text()
    payload = JSONB(null=True, default=None)
    in_flight = Varchar(length=16, null=True, default=None)
    doubted_at = Timestamptz(null=True, default=None)
    doubts = Integer(default=0)
    outcome = Varchar(length=16, null=True, default=None)
    code = Varchar(length=64, null=True, default=None)
    message = Text(null=True, default=None)
    target_id = Text(null=True, default=None)
    awaits_references = Boolean(default=False)
    part_of = Text(null=True, default=None)
    updated_at = Timestamptz(default=TimestamptzNow())


class Reply(Table, db=DB, tablename="replies"):
    """An answer to a note, kept until the note is loaded; it may be read before its note."""

    id = BigSerial(primary_key=True)
    tenant_id = UUID(default=None)
    job_id = UUID(default=None)
    note_id = Text()
    source_id = Text()
    payload = JSONB(null=True, default=None)


class Claim(Table, db=DB, tablename="claims"):
    """Which record of a job holds a value that only one may hold: the first one that was read."""

    id = BigSerial(primary_key=True)
    tenant_id = UUID(default=None)
    job_id = UUID(default=None)
    entity = Varchar(length=32)
    value = Text()
    source_id = Text()


class LedgerEntry(Table, db=DB, tablename="ledger"):
    """This source record *is* that target record; known across jobs.

    `values` are the attributes as the last job drafted them, `written` names those that Freight itself wrote, and
    `replaced` holds what stood there before.
    """

    id = BigSerial(primary_key=True)
    tenant_id = UUID(default=None)
    source_workspace = Text()
    target_workspace = Text()
    entity = Varchar(length=32)
    source_id = Text()
    target_id = Text()
    origin = Varchar(length=16)
    values = JSONB(default={})
    written = Array(base_column=Text())
    replaced = JSONB(default={})
    given = JSONB(default={})
    kept = Array(base_column=Text(), default=[])
    refused = JSONB(default={})
    container = Text(null=True, default=None)
    part_of = Text(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    job_id = UUID(default=None)
    updated_at = Timestamptz(default=TimestamptzNow())


class Log(Table, db=DB, tablename="logs"):
    """One thing that happened to a record, a batch or a job; never changed."""

    id = BigSerial(primary_key=True)
    tenant_id = UUID(default=None)
    job_id = UUID(default=None)
    entity = Varchar(length=32, null=True, default=None)
    source_id = Text(null=True, default=None)
    level = Varchar(length=16)
    code = Varchar(length=64)
    message = Text()
    field = Text(null=True, default=None)
    value = Text(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())


class IdempotencyKey(Table, db=DB, tablename="idempotency_keys"):
    """A client's name for one request, and the answer that the request got; without one it is still under way."""

    id = BigSerial(primary_key=True)
    tenant_id = UUID(default=None)
    key = Varchar(length=255)
    body_digest = Bytea()
    lease_until = Timestamptz(default=TimestamptzNow())
    status_code = Integer(null=True, default=None)
    answer = JSONB(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())


class Webhook(Table, db=DB, tablename="webhooks"):
    """A URL of a tenant that is told of events."""

    id = UUID(primary_key=True, default=UUID4())
    tenant_id = UUID(default=None)
    url = Text()
    description = Varchar(length=200, null=True, default=None)
    events = Array(base_column=Varchar(length=64))
    secret = Bytea()
    disabled_at = Timestamptz(null=True, default=None)
    disabled_reason = Text(null=True, default=None)
    failing_since = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())


class WebhookDelivery(Table, db=DB, tablename="webhook_deliveries"):
    """One event for one webhook, and how the last attempt to deliver it ended."""

    id = UUID(primary_key=True, default=UUID4())
    tenant_id = UUID(default=None)
    webhook_id = UUID(default=None)
    job_id = UUID(null=True, default=None)
    event = Varchar(length=64)
    payload = JSONB()
    status = Varchar(length=16, default="pending")
    answer_status = Integer(null=True, default=None)
    answer_body = Text(null=True, default=None)
    error = Text(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    attempted_at = Timestamptz(null=True, default=None)
    delivered_at = Timestamptz(null=True, default=None)
    attempt = Integer(default=0)
    due_at = Timestamptz(default=TimestamptzNow())
    fence = BigInt(default=0)
    leased_by = Varchar(length=64, null=True, default=None)
    lease_until = Timestamptz(null=True, default=None)


class AuditEvent(Table, db=DB, tablename="audit_events"):
    """Who did what, from where; never changed."""

    id = BigSerial(primary_key=True)
    tenant_id = UUID(null=True, default=None)
    actor = Varchar(length=200)
    action = Varchar(length=64)
    object_type = Varchar(length=32)
    object_id = Text()
    details = JSONB(default={})
    address = Varchar(length=64, null=True, default=None)
    request_id = Varchar(length=64, null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
