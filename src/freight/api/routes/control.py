"""`/jobs/{id}/pause`, `/resume`, `/cancel`, `/retry`: what can be done with a job."""

from typing import Annotated, Protocol
from uuid import UUID

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from freight.api.http.auth import requires_scope
from freight.api.http.errors import documented
from freight.api.http.filters import JobId
from freight.api.http.rate_limits import NEVER_REFUSED
from freight.api.routes.jobs import look
from freight.api.schemas.responses import JobView, RetryAnswer
from freight.domain.jobs import lifecycle
from freight.domain.jobs.changes import JobChanges
from freight.domain.migration.steps.dispatch import changing
from freight.domain.tenancy import audit
from freight.domain.tenancy.api_keys import Caller
from freight.domain.tenancy.audit import Actor
from freight.queue import Queue


class Change(Protocol):
    """Brings a job into another state."""

    async def __call__(self, changes: JobChanges, job_id: UUID, *, by: str) -> object:
        """Change the job. Raise `NotFound` or `StateConflict`."""
        ...


class ControlController(Controller):
    """Stopping jobs and letting them go on."""

    path = "/jobs/{job_id:uuid}"
    tags = ("Jobs",)

    @post(
        "/pause",
        operation_id="pauseJob",
        opt={NEVER_REFUSED: True},
        summary="Pause a job",
        description="Requests to vendors that are under way finish, and about a second later no new ones start. The "
        "job waits until it is resumed, also if it waited for a vendor's quota or plan "
        "before.",
        status_code=200,
        guards=[requires_scope("jobs:write")],
        response_description="The job, which is paused.",
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
        description="A paused job goes on where it was, also before the date on which a vendor's quota is there again. "
        "Resume a job that waits for a vendor's plan once there is room.",
        status_code=200,
        guards=[requires_scope("jobs:write")],
        response_description="The job, which workers will take up again.",
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
        description="What was written stays. Every record that was not carried over is `skipped` with the code "
        "`cancelled`. While workers are still at the job its stage is `cancelling`, and it becomes `cancelled` when "
        "the last of them has let go: within seconds, or half a minute if one was killed.",
        status_code=200,
        guards=[requires_scope("jobs:write")],
        response_description="The job, which is cancelled or will be.",
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
        description="A job that is `failed` or `completed_with_errors` runs again: its keys are checked anew, whatever "
        "was not read to its end is read on, and batches are loaded again. Nothing is written twice.",
        status_code=200,
        guards=[requires_scope("jobs:write")],
        response_description="What will be done again.",
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
                description="Whether only failed records get another try, and with them what was skipped or left out "
                "because they failed; otherwise all batches run again with all their records."
            ),
        ] = True,
    ) -> RetryAnswer:
        """Retry a job."""
        details = {"retry_failed_only": retry_failed_only}
        async with changing(queue, caller.tenant_id) as changes:
            queued = await lifecycle.retry(changes, job_id, failed_only=retry_failed_only, by=actor.name)
            await audit.record(changes.tx, actor, "job.retried", "job", job_id, details)
        return RetryAnswer(
            job_id=job_id, batches_queued_for_retry=queued, message=_sentence(queued, failed_only=retry_failed_only)
        )


async def _changed(change: Change, action: str, job_id: UUID, caller: Caller, actor: Actor, queue: Queue) -> JobView:
    """Change a job, have workers follow, and return the job as it stands then."""
    async with changing(queue, caller.tenant_id) as changes:
        await change(changes, job_id, by=actor.name)
        await audit.record(changes.tx, actor, action, "job", job_id)
    return await look(caller.tenant_id, job_id)


def _sentence(queued: int, *, failed_only: bool) -> str:
    if not queued:
        return "The job goes on where it failed; no batch had been loaded by then that has to be again."
    batches = "1 batch is" if queued == 1 else f"{queued} batches are"
    sentence = f"{batches} queued again; nothing that is in the target already is written twice."
    if failed_only:
        sentence += " What was skipped or left out because it belongs to a failed record gets another try with it."
    return sentence
