"""`/jobs`: migrations."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import BodyKwarg, PathParameter, QueryParameter

from freight import database
from freight.api import examples
from freight.api.access import needs
from freight.api.bodies import JsonBody
from freight.api.errors import documented
from freight.api.schemas import JOBS, JobsPage, JobView, Limit, Offset, job_view, page
from freight.domain import jobs
from freight.domain.jobs import JobRequest
from freight.domain.keys import Caller
from freight.domain.pipeline.advance import advance
from freight.domain.transitions import Status
from freight.domain.vendors import Vendors
from freight.encryption import Vault
from freight.queue import Queue

JobId = Annotated[UUID, PathParameter(description="The job's id.")]


class JobsController(Controller):
    """Creating migrations and looking at them."""

    path = "/jobs"
    tags = ("Jobs",)

    @post(
        operation_id="createJob",
        summary="Create a job",
        description="Start a migration from one workspace to another. Both vendors are asked whose keys these are, "
        "then workers take it up. The keys are stored encrypted and shown to nobody.",
        guards=[needs("jobs:write")],
        dto=JsonBody[JobRequest],
        return_dto=None,
        response_headers=[
            ResponseHeader(name="Location", value="", description="The new job's address.", documentation_only=True)
        ],
        response_description="The job, which workers will take up.",
        responses=documented(409, 413, 415, 422, 502),
    )
    async def create(
        self,
        data: Annotated[JobRequest, BodyKwarg(examples=examples.JOB_REQUESTS)],
        caller: NamedDependency[Caller],
        vendors: NamedDependency[Vendors],
        vault: NamedDependency[Vault],
        queue: NamedDependency[Queue],
    ) -> Response[JobView]:
        """Create a job."""
        workspaces = await jobs.prepare(data, vendors)
        async with database.as_tenant(caller.tenant_id) as tx:
            job = await jobs.create(
                tx, vault, caller.tenant_id, data, workspaces, started_by=f"API key {caller.key_prefix}…"
            )
        await queue.ring(await advance(caller.tenant_id, job.id))
        return Response(job_view(job, []), headers={"Location": f"{JOBS}/{job.id}"})

    @get(
        operation_id="listJobs",
        summary="List jobs",
        description="The tenant's jobs, newest first.",
        guards=[needs("jobs:read")],
        response_description="A page of jobs.",
        responses=documented(422),
    )
    async def list(
        self,
        caller: NamedDependency[Caller],
        status: Annotated[
            Status | None,
            QueryParameter(description="Only jobs in this state.", examples=[Example(value="running")]),
        ] = None,
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> JobsPage:
        """List jobs."""
        async with database.as_tenant(caller.tenant_id) as tx:
            found, total = await jobs.page(tx, status=status, limit=limit, offset=offset)
            counts = await jobs.counts(tx, [job.id for job in found])
        views = [job_view(job, counts[job.id]) for job in found]
        return page(JobsPage, views, total, path=JOBS, limit=limit, offset=offset, filters={"status": status})

    @get(
        "/{job_id:uuid}",
        operation_id="getJob",
        summary="Look at a job",
        description="The job as it stands, with what became of its records so far.",
        guards=[needs("jobs:read")],
        response_description="The job.",
        responses=documented(404),
    )
    async def get(self, job_id: JobId, caller: NamedDependency[Caller]) -> JobView:
        """Look at a job."""
        async with database.as_tenant(caller.tenant_id) as tx:
            job = await jobs.get(tx, job_id)
            counts = await jobs.counts(tx, [job_id])
        return job_view(job, counts[job_id])
