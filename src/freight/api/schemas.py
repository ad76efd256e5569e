"""What clients are answered."""

from datetime import datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar.params import QueryParameter
from msgspec import Meta

from freight.crm import Entity
from freight.domain.jobs import Counts, Job, OnExisting
from freight.domain.logs import LogRow
from freight.domain.retry import RetryPolicy
from freight.domain.transitions import Status

JOBS = "/api/v1/jobs"

Limit = Annotated[int, QueryParameter(ge=1, le=1000, description="Most items that a page has.")]
Offset = Annotated[int, QueryParameter(ge=0, le=2**53, description="Items left out before the page.")]


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor's workspace, as its key opened it when the job was created."""

    id: str
    name: str
    base_url: Annotated[str, Meta(description="Where the vendor's API is reached.")]


class JobError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job failed."""

    code: Annotated[str, Meta(description="A stable code.")]
    message: Annotated[str, Meta(description="What happened and what to do about it.")]


class JobLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go from a job."""

    self_: str = msgspec.field(name="self")
    logs: str


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it stands; keys are never shown."""

    id: UUID
    name: str | None
    labels: dict[str, str]
    status: Status
    stage: Annotated[
        str | None, Meta(description="Where a running job is: `precheck`, `extract`, `schema`, or the entity it loads.")
    ]
    mode: str
    entities: list[Entity]
    on_existing: OnExisting
    batch_size: int
    retry_policy: RetryPolicy
    source_system: str
    target_system: str
    source_workspace: Workspace
    target_workspace: Workspace
    total_records: Annotated[int, Meta(description="Records read from the source so far.")]
    processed_records: Annotated[int, Meta(description="Those of them that have an outcome.")]
    failed_records: Annotated[int, Meta(description="Those of them that failed.")]
    progress: Annotated[
        float | None, Meta(description="Processed records as a part of all, 0 to 1; null while nothing has been read.")
    ]
    counts: Annotated[list[Counts], Meta(description="What became of the records, per entity.")]
    started_by: Annotated[str, Meta(description="Who created the job.")]
    error: JobError | None
    resume_at: Annotated[datetime | None, Meta(description="When a job that waits for a vendor's quota goes on.")]
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    links: JobLinks


class PageLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go from a page."""

    self_: str = msgspec.field(name="self")
    next: str | None
    previous: str | None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some of many items."""

    total: Annotated[int, Meta(description="Items on all pages together.")]
    limit: int
    offset: int
    has_more: bool
    pages: Annotated[int, Meta(description="How many pages of this size there are.")]
    current_page: Annotated[int, Meta(description="Which of them this is, from 1.")]
    links: PageLinks


class JobsPage(Page, frozen=True, kw_only=True):
    """Some of a tenant's jobs."""

    items: list[JobView]


class LogsPage(Page, frozen=True, kw_only=True):
    """Some of a job's log rows."""

    items: list[LogRow]


P = TypeVar("P", JobsPage, LogsPage)


def job_view(job: Job, counts: list[Counts]) -> JobView:
    """The job as clients see it."""
    same = {name: getattr(job, name) for name in msgspec.structs.asdict(job).keys() & set(JobView.__struct_fields__)}
    address = f"{JOBS}/{job.id}"
    return JobView(
        **{
            **same,
            "source_workspace": Workspace(
                id=job.source_workspace, name=job.source_workspace_name, base_url=job.source_base_url
            ),
            "target_workspace": Workspace(
                id=job.target_workspace, name=job.target_workspace_name, base_url=job.target_base_url
            ),
            "progress": _progress(job),
            "counts": counts,
            "error": None if job.error_code is None else JobError(code=job.error_code, message=job.error_message or ""),
            "links": JobLinks(self_=address, logs=f"{address}/logs"),
        }
    )


def page(
    kind: type[P], items: list[Any], total: int, *, path: str, limit: int, offset: int, filters: dict[str, str | None]
) -> P:
    """A page, with links that keep the filters."""

    def link(start: int) -> str:
        given = {name: value for name, value in filters.items() if value is not None}
        return f"{path}?{urlencode({**given, 'limit': limit, 'offset': start})}"

    has_more = offset + len(items) < total
    return kind(
        items=items,
        total=total,
        limit=limit,
        offset=offset,
        has_more=has_more,
        pages=-(-total // limit),
        current_page=offset // limit + 1,
        links=PageLinks(
            self_=link(offset),
            next=link(offset + limit) if has_more else None,
            previous=link(max(0, offset - limit)) if offset else None,
        ),
    )


def _progress(job: Job) -> float | None:
    if job.total_records:
        return job.processed_records / job.total_records
    return 1.0 if job.status == "completed" else None
