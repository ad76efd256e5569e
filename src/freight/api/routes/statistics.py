"""`/jobs/{id}/stats` and `/stats`: figures."""

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
    """Figures of one job and of all."""

    tags = ("Statistics",)

    @get(
        "/jobs/{job_id:uuid}/stats",
        operation_id="getJobStatistics",
        summary="A job's figures",
        description="What became of the job's records by entity and outcome, failures by code, how fast it goes and "
        "how long it will take, the requests it sent to vendors and the time it waited for their limits.",
        guards=[requires_scope("jobs:read")],
        response_description="The figures.",
        responses=documented(404),
    )
    async def of_job(self, job_id: JobId, caller: NamedDependency[Caller]) -> JobStatistics:
        """A job's figures."""
        async with database.as_tenant(caller.tenant_id) as tx:
            return await statistics.of_job(tx, await jobs.get(tx, job_id))

    @get(
        "/stats",
        operation_id="getStatistics",
        summary="All jobs' figures",
        description="The figures of all of the tenant's jobs together, and how many jobs are in which state. Deleted "
        "jobs are left out.",
        guards=[requires_scope("jobs:read")],
        response_description="The figures.",
        responses=documented(),
    )
    async def of_tenant(self, caller: NamedDependency[Caller]) -> TenantStatistics:
        """All jobs' figures."""
        async with database.as_tenant(caller.tenant_id) as tx:
            return await statistics.of_tenant(tx)
