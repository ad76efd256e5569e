"""`/jobs/{id}/pause`, `/resume`, `/cancel`, `/retry`: control of a job."""

from typing import Annotated, Protocol
from uuid import UUID

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from freight import database
from freight.api.http.auth import requires_scope
from freight.api.http.errors import documented
from freight.api.http.filters import JobId
from freight.api.http.rate_limits import NEVER_REFUSED
from freight.api.routes.jobs import look
from freight.api.schemas.responses import JobView, RetryAnswer
from freight.database import Connection
from freight.domain.jobs import lifecycle
from freight.domain.migration.steps.scheduling import schedule_next
from freight.domain.tenancy import audit
from freight.domain.tenancy.api_keys import Caller
from freight.domain.tenancy.audit import Actor
from freight.queue import Queue


class Change(Protocol):
    """A change of a job's state."""

    async def __call__(self, tx: Connection, job_id: UUID, *, by: str) -> object:
        """Change the job. Raise `NotFound` or `StateConflict`."""
        ...


class ControlController(Controller):
    """Control of jobs."""

    path = "/jobs/{job_id:uuid}"
    tags = ("Jobs",)

    @post(
        "/pause",
        operation_id="pauseJob",
        opt={NEVER_REFUSED: True},
        summary="Pause a job",
        description="Requests in flight finish, and about a second later no new ones start. The job stays paused "
        "until you resume it, even if it was waiting for a vendor's quota or plan before.",
        status_code=200,
        guards=[requires_scope("jobs:write")],
        response_description="The paused job.",
        responses=documented(404, 409),
    )
    async def pause(
        self,
        job_id: JobId,
        caller: NamedDependency[Caller],
        actor: NamedDependency[Actor],
        queue: NamedDependency[Queue],
    ) -> JobView:
        """Pause a job."""
        return await _changed(lifecycle.pause, "job.paused", job_id, caller, actor, queue)

    @post(
        "/resume",
        operation_id="resumeJob",
        summary="Resume a job",
        description="A paused job continues where it stopped, even before a vendor's quota is available again. "
        "Resume a job that waits for a vendor's plan after you have made room.",
        status_code=200,
        guards=[requires_scope("jobs:write")],
        response_description="The job, which workers will continue.",
        responses=documented(404, 409),
    )
    async def resume(
        self,
        job_id: JobId,
        caller: NamedDependency[Caller],
        actor: NamedDependency[Actor],
        queue: NamedDependency[Queue],
    ) -> JobView:
        """Resume a job."""
        return await _changed(lifecycle.resume, "job.resumed", job_id, caller, actor, queue)

    @post(
        "/cancel",
        operation_id="cancelJob",
        opt={NEVER_REFUSED: True},
        summary="Cancel a job",
        description="Data already written remain in the target. Every record that was not migrated is `skipped` "
        "with the code `cancelled`. The job's stage is `cancelling` while workers finish; it becomes "
        "`cancelled` within seconds, or within half a minute if a worker was killed.",
        status_code=200,
        guards=[requires_scope("jobs:write")],
        response_description="The job, cancelled or cancelling.",
        responses=documented(404, 409),
    )
    async def cancel(
        self,
        job_id: JobId,
        caller: NamedDependency[Caller],
        actor: NamedDependency[Actor],
        queue: NamedDependency[Queue],
    ) -> JobView:
        """Cancel a job."""
        return await _changed(lifecycle.cancel, "job.cancelled", job_id, caller, actor, queue)

    @post(
        "/retry",
        operation_id="retryJob",
        summary="Retry a job",
        description="Run a job again that is `failed` or `completed_with_errors`: its keys are checked again, "
        "reading continues where it stopped, and batches are loaded again. Nothing is written twice.",
        status_code=200,
        guards=[requires_scope("jobs:write")],
        response_description="What will be loaded again.",
        responses=documented(404, 409, 422),
    )
    async def retry(
        self,
        job_id: JobId,
        caller: NamedDependency[Caller],
        actor: NamedDependency[Actor],
        queue: NamedDependency[Queue],
        retry_failed_only: Annotated[
            bool,
            QueryParameter(
                description="Whether to load only failed records again, with those that were skipped or left out "
                "because of them. Otherwise all batches run again with all their records."
            ),
        ] = True,
    ) -> RetryAnswer:
        """Retry a job."""
        async with database.as_tenant(caller.tenant_id) as tx:
            queued = await lifecycle.retry(tx, job_id, failed_only=retry_failed_only, by=actor.name)
            await audit.record(tx, actor, "job.retried", "job", job_id, {"retry_failed_only": retry_failed_only})
        await queue.enqueue(await schedule_next(caller.tenant_id, job_id))
        return RetryAnswer(
            job_id=job_id, batches_queued_for_retry=queued, message=_sentence(queued, failed_only=retry_failed_only)
        )


async def _changed(change: Change, action: str, job_id: UUID, caller: Caller, actor: Actor, queue: Queue) -> JobView:
    """Change a job, enqueue what is due, and return its view."""
    async with database.as_tenant(caller.tenant_id) as tx:
        await change(tx, job_id, by=actor.name)
        await audit.record(tx, actor, action, "job", job_id)
    await queue.enqueue(await schedule_next(caller.tenant_id, job_id))
    return await look(caller.tenant_id, job_id)


def _sentence(queued: int, *, failed_only: bool) -> str:
    if not queued:
        return "The job continues where it failed; no batches need to be reloaded."
    batches = "1 batch is" if queued == 1 else f"{queued} batches are"
    sentence = f"{batches} queued again. Records that are already in the target are not written twice."
    if failed_only:
        sentence += " Records that were skipped or left out because of a failed record are loaded again too."
    return sentence
