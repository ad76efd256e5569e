"""The response schemas."""

from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from freight.domain.errors import InvalidRequest
from freight.domain.jobs import statistics
from freight.domain.jobs.model import Counts, Job, PausedBy
from freight.domain.jobs.requests import Mode, OnExisting
from freight.domain.jobs.retry import RetryPolicy
from freight.domain.jobs.transitions import ACTIONS, Action, Status
from freight.domain.jobs.waiting import Waiting
from freight.domain.migration.records.batches import Batch
from freight.domain.migration.records.batches import Status as BatchStatus
from freight.domain.webhooks.deliveries import Status as DeliveryStatus
from freight.domain.webhooks.subscriptions import Event, Webhook
from freight.model.crm import Entity
from freight.model.mapping import Mapping

JOBS = "/api/v1/jobs"
KEYS = "/api/v1/keys"
AUDIT = "/api/v1/audit"
TENANTS = "/api/v1/tenants"
WEBHOOKS = "/api/v1/webhooks"

MOMENT = {"format": "date-time"}
"""The schema of a string that `moment` parses."""


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's workspace, as its key showed it when the job was created."""

    id: str
    name: str
    base_url: Annotated[str, Meta(description="The base URL of the vendor's API.")]


class JobError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job failed."""

    code: Annotated[str, Meta(description="A stable code.")]
    message: Annotated[str, Meta(description="What happened and what to do.")]


class JobLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Links of a job."""

    self_: str = msgspec.field(name="self")
    batches: str
    records: str
    logs: str
    stats: str
    report: str
    events: str
    pause: Annotated[str | None, Meta(description="Null unless the job can be paused now; likewise the following.")]
    resume: str | None
    cancel: str | None
    retry: str | None


class JobItem(msgspec.Struct, frozen=True, kw_only=True):
    """A job in lists: without its mapping."""

    id: UUID
    name: str | None
    labels: dict[str, str]
    status: Status
    stage: Annotated[
        str | None,
        Meta(
            description="The current stage of a running job: `precheck`, `extract`, `schema`, or the entity being"
            " loaded; `cancelling` until the workers of a cancelled job have stopped."
        ),
    ]
    mode: Mode
    sample_size: Annotated[int | None, Meta(description="How many records of each entity a sample migrates.")]
    entities: list[Entity]
    on_existing: OnExisting
    batch_size: int
    retry_policy: RetryPolicy
    source_system: str
    target_system: str
    source_workspace: Workspace
    target_workspace: Workspace
    total_records: Annotated[int, Meta(description="Records read from the source so far.")]
    processed_records: Annotated[int, Meta(description="Records that have an outcome.")]
    failed_records: Annotated[int, Meta(description="Records that failed.")]
    progress: Annotated[
        float | None, Meta(description="Fraction of records processed, 0 to 1; null before anything has been read.")
    ]
    eta_seconds: Annotated[
        int | None,
        Meta(
            description="Estimated seconds for the remaining records that have been read, at the rate so far; null "
            "unless the job runs."
        ),
    ]
    counts: Annotated[list[Counts], Meta(description="Records by entity and outcome.")]
    started_by: Annotated[str, Meta(description="Who created the job.")]
    error: JobError | None
    paused_by: Annotated[
        PausedBy | None,
        Meta(
            description="Why a job is paused: by a `person`; until a vendor's `quota` is available at "
            "`resume_at`; because a vendor's `plan` is full, until you upgrade it or make room and "
            "resume the job; because a `vendor` was unavailable, or made the job wait, for 24 hours, "
            "until you resume it; or until the tenant's `suspension` ends."
        ),
    ]
    resume_at: Annotated[datetime | None, Meta(description="When a job that waits for a vendor's quota resumes.")]
    waiting_for: Annotated[
        Waiting | None,
        Meta(description="What a live job is waiting for; null while it makes progress and while it is paused."),
    ]
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    links: JobLinks


class JobView(JobItem, frozen=True, kw_only=True):
    """The current state of a job; keys are never shown."""

    mapping: Annotated[Mapping, Meta(description="Changes to the default mapping of fields and lists.")]


class RetryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The effect of a retry."""

    job_id: UUID
    batches_queued_for_retry: Annotated[int, Meta(description="The number of batches that will be loaded again.")]
    message: Annotated[str, Meta(description="The same, as a sentence.")]


class BatchLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Links of a batch."""

    self_: str = msgspec.field(name="self")
    job: str
    retry: str


class BatchView(msgspec.Struct, frozen=True, kw_only=True):
    """Some records of one entity that are loaded together."""

    id: UUID
    entity: Entity
    number: Annotated[int, Meta(description="The batch's number within its entity, from 0.")]
    size: Annotated[int, Meta(description="The number of its records, including those that are not for the target.")]
    status: Annotated[
        BatchStatus,
        Meta(description="`retrying` is between two attempts; a cancelled batch is `failed` with that error."),
    ]
    attempt: Annotated[int, Meta(description="The number of failed attempts.")]
    processed_records: Annotated[int, Meta(description="Records that got an outcome when they were loaded.")]
    failed_records: Annotated[int, Meta(description="Records that failed.")]
    error: Annotated[JobError | None, Meta(description="Why the last attempt failed.")]
    started_at: datetime | None
    completed_at: datetime | None
    links: BatchLinks


class WebhookLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Links of a webhook."""

    self_: str = msgspec.field(name="self")
    deliveries: str


class WebhookView(Webhook, frozen=True, kw_only=True):
    """The current state of a webhook; its secret is not shown."""

    enabled: Annotated[bool, Meta(description="Whether events are sent.")]
    links: WebhookLinks


class NewWebhook(WebhookView, frozen=True, kw_only=True):
    """A webhook with a new secret."""

    secret: Annotated[
        str,
        Meta(description="The signing secret, `whsec_…`, shown only in this response."),
    ]

    def __repr__(self) -> str:
        return f"NewWebhook(id={self.id!r})"


class DeliveryLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Links of a delivery."""

    self_: str = msgspec.field(name="self")
    webhook: str
    job: str | None


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one webhook, and the result of its last attempt."""

    id: Annotated[UUID, Meta(description="Also sent as the header `webhook-id`.")]
    event: Event
    status: DeliveryStatus
    attempts: Annotated[int, Meta(description="The number of attempts.")]
    next_attempt_at: Annotated[datetime | None, Meta(description="When the next attempt is due, while it is pending.")]
    answer_status: Annotated[int | None, Meta(description="The status of the receiver's last response.")]
    error: Annotated[str | None, Meta(description="Why the last attempt failed.")]
    created_at: datetime
    attempted_at: datetime | None
    delivered_at: datetime | None
    links: DeliveryLinks


class WholeDelivery(DeliveryView, frozen=True, kw_only=True):
    """A delivery with its request body and the receiver's response."""

    payload: Annotated[dict[str, Any], Meta(description="The body of its requests: `type`, `timestamp` and `data`.")]
    answer_body: Annotated[str | None, Meta(description="The beginning of the receiver's last response.")]


def job_view(job: Job, counts: list[Counts]) -> JobView:
    """Return the job as clients see it."""
    return _job(JobView, job, counts)


def job_item(job: Job, counts: list[Counts]) -> JobItem:
    """Return the job as clients see it in a list."""
    return _job(JobItem, job, counts)


J = TypeVar("J", bound=JobItem)


def _job(kind: type[J], job: Job, counts: list[Counts]) -> J:
    same = {name: getattr(job, name) for name in set(kind.__struct_fields__) & set(job.__struct_fields__)}
    return kind(
        **{
            **same,
            "source_workspace": Workspace(
                id=job.source_workspace, name=job.source_workspace_name, base_url=job.source_base_url
            ),
            "target_workspace": Workspace(
                id=job.target_workspace, name=job.target_workspace_name, base_url=job.target_base_url
            ),
            "progress": _progress(job),
            "eta_seconds": None if (seconds := statistics.eta(job)) is None else round(seconds),
            "counts": counts,
            "error": None if job.error_code is None else JobError(code=job.error_code, message=job.error_message or ""),
            "links": _job_links(job),
        }
    )


def batch_view(batch: Batch) -> BatchView:
    """Return the batch as clients see it."""
    same = {
        name: getattr(batch, name) for name in msgspec.structs.asdict(batch).keys() & set(BatchView.__struct_fields__)
    }
    job = f"{JOBS}/{batch.job_id}"
    address = f"{job}/batches/{batch.id}"
    error = None if batch.error_code is None else JobError(code=batch.error_code, message=batch.error_message or "")
    return BatchView(**same, error=error, links=BatchLinks(self_=address, job=job, retry=f"{address}/retry"))


def moment(given: str | None, *, field: str) -> datetime | None:
    """Parse a client's time into UTC. Raise `InvalidRequest` if it has no offset or is no valid date."""
    if given is None:
        return None
    try:
        # Litestar itself would take a number for seconds since 1970.
        moment: datetime = msgspec.convert(given, Annotated[datetime, Meta(tz=True)])
        return moment.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        pass
    raise InvalidRequest("Give the time with its offset from UTC, as in 2026-11-24T00:00:00Z.", field=field)


def _job_links(job: Job) -> JobLinks:
    address = f"{JOBS}/{job.id}"

    def action(name: Action) -> str | None:
        allowed = job.status in ACTIONS[name] and not job.is_ending
        return f"{address}/{name}" if allowed else None

    return JobLinks(
        self_=address,
        batches=f"{address}/batches",
        records=f"{address}/records",
        logs=f"{address}/logs",
        stats=f"{address}/stats",
        report=f"{address}/report",
        events=f"{address}/events",
        pause=action("pause"),
        resume=action("resume"),
        cancel=action("cancel"),
        retry=action("retry"),
    )


def _progress(job: Job) -> float | None:
    if job.total_records:
        return job.processed_records / job.total_records
    return 1.0 if job.status == "completed" else None
