"""`/jobs/{id}/batches`: the batches in which a job's records are loaded."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter

from freight import database
from freight.api.http.auth import requires_scope
from freight.api.http.errors import documented
from freight.api.http.filters import JobId, WithEntity
from freight.api.http.pagination import BatchesPage, Limit, Offset, page
from freight.api.schemas.responses import JOBS, BatchView, RetryAnswer, batch_view
from freight.domain.jobs import lifecycle
from freight.domain.jobs import model as jobs
from freight.domain.migration.records import batches
from freight.domain.migration.records.batches import Status
from freight.domain.migration.steps.scheduling import schedule_next
from freight.domain.tenancy import audit
from freight.domain.tenancy.api_keys import Caller
from freight.domain.tenancy.audit import Actor
from freight.queue import Queue

WithStatus = Annotated[
    list[Status] | None,
    QueryParameter(
        description="Filter by status; repeat the parameter to match any of several.",
        examples=[Example(value=["failed", "retrying"])],
    ),
]
BatchId = Annotated[UUID, PathParameter(description="The batch's id.")]


class BatchesController(Controller):
    """Batches of a job."""

    path = "/jobs/{job_id:uuid}/batches"
    tags = ("Jobs",)

    @get(
        operation_id="listJobBatches",
        summary="List a job's batches",
        description="The batches created so far, in the order in which they are loaded.",
        guards=[requires_scope("jobs:read")],
        response_description="A page of batches.",
        responses=documented(404, 422),
    )
    async def list(
        self,
        job_id: JobId,
        caller: NamedDependency[Caller],
        entity: WithEntity = None,
        status: WithStatus = None,
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> BatchesPage:
        """List a job's batches."""
        async with database.as_tenant(caller.tenant_id) as tx:
            await jobs.get(tx, job_id)
            found, total = await batches.page(
                tx, job_id, entity=entity, status=status or (), limit=limit, offset=offset
            )
        return page(
            BatchesPage,
            [batch_view(batch) for batch in found],
            total,
            path=f"{JOBS}/{job_id}/batches",
            limit=limit,
            offset=offset,
            filters={"entity": entity, "status": status},
        )

    @get(
        "/{batch_id:uuid}",
        operation_id="getJobBatch",
        summary="Get a batch",
        description="The current state of a batch.",
        guards=[requires_scope("jobs:read")],
        response_description="The batch.",
        responses=documented(404),
    )
    async def get(self, job_id: JobId, batch_id: BatchId, caller: NamedDependency[Caller]) -> BatchView:
        """Get a batch."""
        async with database.as_tenant(caller.tenant_id) as tx:
            await jobs.get(tx, job_id)
            return batch_view(await batches.of_job(tx, job_id, batch_id))

    @post(
        "/{batch_id:uuid}/retry",
        operation_id="retryJobBatch",
        summary="Retry a batch",
        description="Load the failed records of one batch again. The job must be `failed` or "
        "`completed_with_errors`, and the batch must have failed or have failed records. Nothing is "
        "written twice.",
        status_code=200,
        guards=[requires_scope("jobs:write")],
        response_description="What will be loaded again.",
        responses=documented(404, 409),
    )
    async def retry(
        self,
        job_id: JobId,
        batch_id: BatchId,
        caller: NamedDependency[Caller],
        actor: NamedDependency[Actor],
        queue: NamedDependency[Queue],
    ) -> RetryAnswer:
        """Retry a batch."""
        async with database.as_tenant(caller.tenant_id) as tx:
            queued = await lifecycle.retry_batch(tx, job_id, batch_id, by=actor.name)
            await audit.record(tx, actor, "batch.retried", "job", job_id, {"batch_id": batch_id})
        await queue.enqueue(await schedule_next(caller.tenant_id, job_id))
        message = "The batch is queued again. Records that are already in the target are not written twice."
        return RetryAnswer(job_id=job_id, batches_queued_for_retry=queued, message=message)
