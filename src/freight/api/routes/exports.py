"""Downloads: all records or log rows of a job at once, streamed from the database."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema

from freight import database
from freight.api.http.auth import requires_scope
from freight.api.http.errors import documented
from freight.api.http.filters import (
    InFormat,
    JobId,
    WithCode,
    WithEntity,
    WithLevel,
    WithOutcome,
    WithSourceId,
    WithText,
)
from freight.api.http.shares import Shares
from freight.api.http.streaming import StreamingResponse
from freight.domain.jobs import exports
from freight.domain.jobs import model as jobs
from freight.domain.jobs.exports import Format
from freight.domain.jobs.model import Job
from freight.domain.migration.records import logs, records
from freight.domain.migration.records.records import Group
from freight.domain.pages import Selection
from freight.domain.tenancy.api_keys import Caller

MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv", "ndjson": "application/x-ndjson"}

Downloads = Shares
"""The active downloads: each holds a database connection while it lasts."""


@dataclass
class DownloadOperation(Operation):
    """An operation whose response is a file in one of two formats."""

    def __post_init__(self) -> None:
        file = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse):
            answer.content = dict.fromkeys(MEDIA_TYPES.values(), file)


class ExportsController(Controller):
    """Downloads of a job's records and log rows."""

    path = "/jobs/{job_id:uuid}"
    tags = ("Downloads",)

    @get(
        "/records/download",
        operation_id="downloadJobRecords",
        operation_class=DownloadOperation,
        summary="Download a job's records",
        description="All records that match the filters, as one file, in the order in which they were read.",
        guards=[requires_scope("jobs:read")],
        response_description="The file.",
        responses=documented(404, 422),
    )
    async def records(
        self,
        job_id: JobId,
        caller: NamedDependency[Caller],
        downloads: NamedDependency[Downloads],
        entity: WithEntity = None,
        outcome: WithOutcome = None,
        code: WithCode = None,
        text: WithText = None,
        format: InFormat = "csv",  # noqa: A002
    ) -> StreamingResponse:
        """Download a job's records."""
        filters = records.Filters(entity=entity, outcome=outcome, code=code, text=text)
        return _records(caller, downloads, job_id, format, filters)

    @get(
        "/logs/download",
        operation_id="downloadJobLogs",
        operation_class=DownloadOperation,
        summary="Download a job's log rows",
        description="All log rows that match the filters, as one file, oldest first.",
        guards=[requires_scope("jobs:read")],
        response_description="The file.",
        responses=documented(404, 422),
    )
    async def logs(
        self,
        job_id: JobId,
        caller: NamedDependency[Caller],
        downloads: NamedDependency[Downloads],
        entity: WithEntity = None,
        level: WithLevel = None,
        code: WithCode = None,
        source_id: WithSourceId = None,
        text: WithText = None,
        format: InFormat = "csv",  # noqa: A002
    ) -> StreamingResponse:
        """Download a job's log rows."""
        filters = logs.Filters(entity=entity, level=level, code=code, source_id=source_id, text=text)
        return _download(
            caller,
            downloads,
            job_id,
            format,
            name="logs",
            fields=logs.FIELDS,
            select=lambda _: logs.select(job_id, filters),
        )

    @get(
        "/successful",
        operation_id="downloadSuccessfulRecords",
        operation_class=DownloadOperation,
        summary="Download successful records",
        description="The records that are now in the target: created, updated, or unchanged because they were "
        "already correct. Every record of a job is in exactly one of the files `successful`, `failed`"
        " and `unprocessed`.",
        guards=[requires_scope("jobs:read")],
        response_description="The file.",
        responses=documented(404, 422),
    )
    async def successful(
        self,
        job_id: JobId,
        caller: NamedDependency[Caller],
        downloads: NamedDependency[Downloads],
        format: InFormat = "csv",  # noqa: A002
    ) -> StreamingResponse:
        """Download successful records."""
        return _records(caller, downloads, job_id, format, group="successful")

    @get(
        "/failed",
        operation_id="downloadFailedRecords",
        operation_class=DownloadOperation,
        summary="Download failed records",
        description="The records that could not be migrated, each with a code and a message.",
        guards=[requires_scope("jobs:read")],
        response_description="The file.",
        responses=documented(404, 422),
    )
    async def failed(
        self,
        job_id: JobId,
        caller: NamedDependency[Caller],
        downloads: NamedDependency[Downloads],
        format: InFormat = "csv",  # noqa: A002
    ) -> StreamingResponse:
        """Download failed records."""
        return _records(caller, downloads, job_id, format, group="failed")

    @get(
        "/unprocessed",
        operation_id="downloadUnprocessedRecords",
        operation_class=DownloadOperation,
        summary="Download unprocessed records",
        description="The records for which nothing was written: skipped, with the reason, or not loaded because "
        "the job has not reached them or was cancelled before.",
        guards=[requires_scope("jobs:read")],
        response_description="The file.",
        responses=documented(404, 422),
    )
    async def unprocessed(
        self,
        job_id: JobId,
        caller: NamedDependency[Caller],
        downloads: NamedDependency[Downloads],
        format: InFormat = "csv",  # noqa: A002
    ) -> StreamingResponse:
        """Download unprocessed records."""
        return _records(caller, downloads, job_id, format, group="unprocessed")


def _records(
    caller: Caller,
    downloads: Downloads,
    job_id: UUID,
    file_format: Format,
    filters: records.Filters | None = None,
    *,
    group: Group | None = None,
) -> StreamingResponse:
    def select(job: Job) -> Selection:
        return records.select(job_id, filters or records.Filters(), batch_size=job.batch_size, group=group)

    return _download(
        caller, downloads, job_id, file_format, name=group or "records", fields=records.FIELDS, select=select
    )


def _download(
    caller: Caller,
    downloads: Downloads,
    job_id: UUID,
    file_format: Format,
    *,
    name: str,
    fields: Sequence[str],
    select: Callable[[Job], Selection],
) -> StreamingResponse:
    async def body(_: asyncio.Event) -> AsyncGenerator[bytes, None]:
        async with downloads.held(caller.tenant_id), database.as_tenant(caller.tenant_id) as tx:
            selection = select(await jobs.get(tx, job_id))
            async with aclosing(exports.encoded(tx, selection, fields, file_format)) as pieces:
                async for piece in pieces:
                    yield piece

    return StreamingResponse(
        body,
        media_type=MEDIA_TYPES[file_format],
        headers={"Content-Disposition": f'attachment; filename="job-{job_id}-{name}.{file_format}"'},
    )
