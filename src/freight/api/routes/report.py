"""`/jobs/{id}/report`: the report of a whole workspace."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema
from litestar.params import QueryParameter

from freight import database
from freight.api.http.auth import requires_scope
from freight.api.http.errors import documented
from freight.api.http.filters import JobId
from freight.domain.jobs import model as jobs
from freight.domain.jobs import stalls
from freight.domain.report import gather, markdown
from freight.domain.report.contents import JobReport
from freight.domain.tenancy.api_keys import Caller

ReportFormat = Literal["json", "markdown"]

MEDIA_TYPES: dict[ReportFormat, str] = {"json": "application/json", "markdown": "text/markdown"}

InReportFormat = Annotated[
    ReportFormat | None,
    QueryParameter(
        description="`json` for programs, `markdown` for people; by default the `Accept` header decides.",
        examples=[Example(value="markdown")],
    ),
]


@dataclass
class ReportOperation(Operation):
    """An operation whose response is JSON or Markdown."""

    def __post_init__(self) -> None:
        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse) and answer.content is not None:
            answer.content[MEDIA_TYPES["markdown"]] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))


class ReportController(Controller):
    """The report of a job."""

    tags = ("Report",)

    @get(
        "/jobs/{job_id:uuid}/report",
        operation_id="getJobReport",
        operation_class=ReportOperation,
        summary="Get a job's report",
        description="What happened to all data of the source: records by entity and outcome with the reasons of "
        "those that were skipped or failed, values that were dropped, changed or left with an example"
        " of each kind, what cannot be migrated, what was deleted in the source, companies that the "
        "target creates itself, the mapping in use with standard and enriched values, and the cost. "
        "You can get it at any time; `ended` says whether its figures are final. With `Accept: "
        "text/markdown` or `format=markdown` it is a document for people.",
        guards=[requires_scope("jobs:read")],
        response_description="The report.",
        responses=documented(404, 422),
    )
    async def read(
        self,
        request: Request[Any, Any, Any],
        job_id: JobId,
        caller: NamedDependency[Caller],
        format: InReportFormat = None,  # noqa: A002
    ) -> Response[JobReport]:
        """Get a job's report."""
        async with database.as_tenant(caller.tenant_id) as tx:
            (job,) = await stalls.explain(tx, [await jobs.get(tx, job_id)])
            found = await gather.job_report(tx, job)
        wanted = MEDIA_TYPES[format] if format else request.accept.best_match(list(MEDIA_TYPES.values()))
        headers = {"Cache-Control": "no-store", "Vary": "Accept"}
        answer: Response[Any]
        if wanted == MEDIA_TYPES["markdown"]:
            answer = Response(await asyncio.to_thread(markdown.render, found), media_type=wanted, headers=headers)
        else:
            answer = Response(found, headers=headers)
        return answer
