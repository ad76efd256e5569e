"""`/jobs/{id}/stats` and `/stats`: statistics."""

from litestar import Controller, get
from litestar.di import NamedDependency

from freight import database
from freight.api.http.auth import requires_scope
from freight.api.http.errors import documented
from freight.api.http.filters import JobId
from freight.domain.jobs import model as jobs
from freight.domain.jobs import statistics
from freight.domain.jobs.statistics import JobStatistics, TenantStatistics
from freight.domain.tenancy.api_keys import Caller


class StatisticsController(Controller):
    """Statistics of one job and of all."""

    tags = ("Statistics",)

    @get(
        "/jobs/{job_id:uuid}/stats",
        operation_id="getJobStatistics",
        summary="Get a job's statistics",
        description="The job's records by entity and outcome, failures by code, the rate and the estimated time "
        "left, the requests sent to vendors and the time spent waiting for their limits.",
        guards=[requires_scope("jobs:read")],
        response_description="The statistics.",
        responses=documented(404),
    )
    async def of_job(self, job_id: JobId, caller: NamedDependency[Caller]) -> JobStatistics:
        """Get a job's statistics."""
        async with database.as_tenant(caller.tenant_id) as tx:
            return await statistics.of_job(tx, await jobs.get(tx, job_id))

    @get(
        "/stats",
        operation_id="getStatistics",
        summary="Get the tenant's statistics",
        description="The statistics of all of the tenant's jobs together, and the number of jobs by status. "
        "Deleted jobs are not counted.",
        guards=[requires_scope("jobs:read")],
        response_description="The statistics.",
        responses=documented(),
    )
    async def of_tenant(self, caller: NamedDependency[Caller]) -> TenantStatistics:
        """Get the tenant's statistics."""
        async with database.as_tenant(caller.tenant_id) as tx:
            return await statistics.of_tenant(tx)
