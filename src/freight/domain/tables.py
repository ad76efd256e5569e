"""The tables, as the migrations create them. The queries on them are in the modules of the domain.

Defaults are the database's own, except that Freight generates UUIDs. A column with `default=None` that is not nullable
has to be given. Default times come from the database's clock, because several machines compare them.
"""

import msgspec
from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    BigInt,
    BigSerial,
    Boolean,
    Bytea,
    Column,
    DoublePrecision,
    Integer,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.defaults.uuid import UUID4
from piccolo.querystring import QueryString
from piccolo.table import Table

from freight.database import DB

NOW = QueryString("now()")
"""When the transaction began, by the database's clock: for updates."""


def columns(table: type[Table], struct: type[msgspec.Struct]) -> tuple[Column, ...]:
    """Return the columns of the table that have the names of the structure's fields."""
    return tuple(getattr(table, field.name) for field in msgspec.structs.fields(struct))


class Now(TimestamptzNow):
    """The database's clock as a default, where Piccolo would take the one of its own process."""

    def python(self) -> QueryString:
        """Return the expression with which the database fills the column."""
        return QueryString("DEFAULT")


class Tenant(Table, db=DB, tablename="tenants"):
    """A firm that uses this Freight."""

    id = UUID(primary_key=True, default=UUID4())
    name = Varchar(length=200, unique=True, default=None)
    created_at = Timestamptz(default=Now())
    suspended_at = Timestamptz(null=True, default=None)
    retention_days = Integer(default=90)
    limits = JSONB(default={})


class ApiKey(Table, db=DB, tablename="api_keys"):
    """A tenant's API key, or the platform administrator's if it has no tenant. Only its prefix and HMAC are stored."""

    id = UUID(primary_key=True, default=UUID4())
    tenant_id = UUID(null=True, default=None)
    name = Varchar(length=200, default=None)
    prefix = Varchar(length=32, default=None)
    digest = Bytea(default=None)
    scopes = Array(base_column=Varchar(length=32), default=None)
    created_at = Timestamptz(default=Now())
    expires_at = Timestamptz(null=True, default=None)
    last_used_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)


class Job(Table, db=DB, tablename="jobs"):
    """One run from one workspace to another."""

    id = UUID(primary_key=True, default=UUID4())
    tenant_id = UUID(default=None)
    name = Varchar(length=200, null=True, default=None)
    labels = JSONB(default=None)
    status = Varchar(length=32, default=None)
    stage = Varchar(length=32, null=True, default=None)
    mode = Varchar(length=16, default=None)
    entities = Array(base_column=Varchar(length=32), default=None)
    on_existing = Varchar(length=16, default=None)
    batch_size = Integer(default=None)
    retry_policy = JSONB(default=None)
    source_system = Varchar(length=32, default=None)
    source_base_url = Text(default=None)
    source_workspace = Text(default=None)
    source_workspace_name = Text(default=None)
    source_credentials = Bytea(default=None)
    target_system = Varchar(length=32, default=None)
    target_base_url = Text(default=None)
    target_workspace = Text(default=None)
    target_workspace_name = Text(default=None)
    target_credentials = Bytea(default=None)
    started_by = Varchar(length=200, default=None)
    total_records = BigInt(default=None)
    processed_records = BigInt(default=None)
    failed_records = BigInt(default=None)
    error_code = Varchar(length=64, null=True, default=None)
    error_message = Text(null=True, default=None)
    resume_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=Now())
    updated_at = Timestamptz(default=Now())
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
    due_at = Timestamptz(default=Now())
    fence = BigInt(default=0)
    leased_by = Varchar(length=64, null=True, default=None)
    lease_until = Timestamptz(null=True, default=None)


class Stream(Table, db=DB, tablename="streams"):
    """The extraction of one entity: its progress, and what became of its records so far."""

    id = UUID(primary_key=True, default=UUID4())
    tenant_id = UUID(default=None)
    job_id = UUID(default=None)
    entity = Varchar(length=32, default=None)
    cursor = Text(null=True, default=None)
    done = Boolean(default=None)
    read_records = BigInt(default=None)
    created_records = BigInt(default=None)
    updated_records = BigInt(default=None)
    unchanged_records = BigInt(default=None)
    skipped_records = BigInt(default=None)
    failed_records = BigInt(default=None)
    numerals = JSONB(default={})
    read_whole = Boolean(default=False)
    attempt = Integer(default=0)
    due_at = Timestamptz(default=Now())
    fence = BigInt(default=0)
    leased_by = Varchar(length=64, null=True, default=None)
    lease_until = Timestamptz(null=True, default=None)


class Batch(Table, db=DB, tablename="batches"):
    """The records of one entity at the positions from `first_position` on, loaded together."""

    id = UUID(primary_key=True, default=UUID4())
    tenant_id = UUID(default=None)
    job_id = UUID(default=None)
    entity = Varchar(length=32, default=None)
    number = Integer(default=None)
    first_position = BigInt(default=None)
    size = Integer(default=None)
    status = Varchar(length=32, default=None)
    processed_records = Integer(default=None)
    failed_records = Integer(default=None)
    error_code = Varchar(length=64, null=True, default=None)
    error_message = Text(null=True, default=None)
    created_at = Timestamptz(default=Now())
    started_at = Timestamptz(null=True, default=None)
    completed_at = Timestamptz(null=True, default=None)
    attempt = Integer(default=0)
    due_at = Timestamptz(default=Now())
    fence = BigInt(default=0)
    leased_by = Varchar(length=64, null=True, default=None)
    lease_until = Timestamptz(null=True, default=None)


class Record(Table, db=DB, tablename="records"):
    """One source record within one job, and its outcome once it has one."""

    id = BigSerial(primary_key=True)
    tenant_id = UUID(default=None)
    job_id = UUID(default=None)
    entity = Varchar(length=32, default=None)
    position = BigInt(default=None)
    source_id = Text(default=None)
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
    updated_at = Timestamptz(default=Now())


class Reply(Table, db=DB, tablename="replies"):
    """An answer to a note, kept until the note is loaded; it may be read before its note."""

    id = BigSerial(primary_key=True)
    tenant_id = UUID(default=None)
    job_id = UUID(default=None)
    note_id = Text(default=None)
    source_id = Text(default=None)
    payload = JSONB(null=True, default=None)


class Reservation(Table, db=DB, tablename="reservations"):
    """The record of a job that holds something unique: `kind` says what `value` is."""

    id = BigSerial(primary_key=True)
    tenant_id = UUID(default=None)
    job_id = UUID(default=None)
    entity = Varchar(length=32, default=None)
    kind = Varchar(length=16, default="value")
    value = Text(default=None)
    source_id = Text(default=None)


class LedgerEntry(Table, db=DB, tablename="ledger"):
    """This source record *is* that target record, across jobs.

    `values` are the attributes as the last job drafted them, `written` names those that Freight itself wrote, and
    `replaced` holds the values that were in the target before.
    """

    id = BigSerial(primary_key=True)
    tenant_id = UUID(default=None)
    source_workspace = Text(default=None)
    target_workspace = Text(default=None)
    entity = Varchar(length=32, default=None)
    source_id = Text(default=None)
    target_id = Text(default=None)
    origin = Varchar(length=16, default=None)
    values = JSONB(default=None)
    written = Array(base_column=Text(), default=None)
    replaced = JSONB(default=None)
    given = JSONB(default={})
    kept = Array(base_column=Text(), default=[])
    refused = JSONB(default={})
    container = Text(null=True, default=None)
    part_of = Text(null=True, default=None)
    created_at = Timestamptz(default=Now())
    job_id = UUID(default=None)
    updated_at = Timestamptz(default=Now())


class Log(Table, db=DB, tablename="logs"):
    """One thing that happened to a record, a batch or a job; never changed."""

    id = BigSerial(primary_key=True)
    tenant_id = UUID(default=None)
    job_id = UUID(default=None)
    entity = Varchar(length=32, null=True, default=None)
    source_id = Text(null=True, default=None)
    level = Varchar(length=16, default=None)
    code = Varchar(length=64, default=None)
    message = Text(default=None)
    field = Text(null=True, default=None)
    value = Text(null=True, default=None)
    created_at = Timestamptz(default=Now())


class IdempotencyKey(Table, db=DB, tablename="idempotency_keys"):
    """A client's name for one request, and the answer to it; without one the request is in progress."""

    id = BigSerial(primary_key=True)
    tenant_id = UUID(default=None)
    key = Varchar(length=255, default=None)
    body_digest = Bytea(default=None)
    lease_until = Timestamptz(default=Now())
    status_code = Integer(null=True, default=None)
    answer = JSONB(null=True, default=None)
    created_at = Timestamptz(default=Now())


class Webhook(Table, db=DB, tablename="webhooks"):
    """A URL of a tenant to which events are sent."""

    id = UUID(primary_key=True, default=UUID4())
    tenant_id = UUID(default=None)
    url = Text(default=None)
    description = Varchar(length=200, null=True, default=None)
    events = Array(base_column=Varchar(length=64), default=None)
    secret = Bytea(default=None)
    disabled_at = Timestamptz(null=True, default=None)
    disabled_reason = Text(null=True, default=None)
    failing_since = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=Now())
    updated_at = Timestamptz(default=Now())


class WebhookDelivery(Table, db=DB, tablename="webhook_deliveries"):
    """One event for one webhook, and how the last attempt to deliver it ended."""

    id = UUID(primary_key=True, default=UUID4())
    tenant_id = UUID(default=None)
    webhook_id = UUID(default=None)
    job_id = UUID(null=True, default=None)
    event = Varchar(length=64, default=None)
    payload = JSONB(default=None)
    status = Varchar(length=16, default=None)
    answer_status = Integer(null=True, default=None)
    answer_body = Text(null=True, default=None)
    error = Text(null=True, default=None)
    created_at = Timestamptz(default=Now())
    attempted_at = Timestamptz(null=True, default=None)
    delivered_at = Timestamptz(null=True, default=None)
    attempt = Integer(default=0)
    due_at = Timestamptz(default=Now())
    fence = BigInt(default=0)
    leased_by = Varchar(length=64, null=True, default=None)
    lease_until = Timestamptz(null=True, default=None)


class AuditEvent(Table, db=DB, tablename="audit_events"):
    """Who did what, from where; never changed."""

    id = BigSerial(primary_key=True)
    tenant_id = UUID(null=True, default=None)
    actor = Varchar(length=200, default=None)
    action = Varchar(length=64, default=None)
    object_type = Varchar(length=32, default=None)
    object_id = Text(default=None)
    details = JSONB(default=None)
    address = Varchar(length=64, null=True, default=None)
    request_id = Varchar(length=64, null=True, default=None)
    created_at = Timestamptz(default=Now())
