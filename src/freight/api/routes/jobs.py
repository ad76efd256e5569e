"""`/jobs`: migrations."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.openapi.spec import Example, OpenAPIType, Schema
from litestar.params import BodyKwarg, HeaderParameter, QueryParameter
from msgspec import Meta

from freight import database
from freight.api.http.auth import requires_scope
from freight.api.http.bodies import JsonBody
from freight.api.http.caching import ETAG_HEADER, NOT_MODIFIED, IfNoneMatch, JobLists, conditional
from freight.api.http.errors import documented
from freight.api.http.filters import JobId
from freight.api.http.pagination import JobsPage, Limit, Offset, page
from freight.api.http.rate_limits import CREATES_JOB
from freight.api.openapi import request_examples
from freight.api.openapi.example_connectors import TARGET
from freight.api.schemas.responses import JOBS, MOMENT, JobView, job_item, job_view, moment
from freight.domain.errors import InvalidRequest
from freight.domain.jobs import idempotency, lifecycle, search, stalls
from freight.domain.jobs import model as jobs
from freight.domain.jobs.idempotency import Answer, Key
from freight.domain.jobs.model import Job
from freight.domain.jobs.requests import NO_NUL, JobChange, JobRequest, Mode
from freight.domain.jobs.search import Filters, Sort
from freight.domain.jobs.transitions import Status
from freight.domain.migration.steps.scheduling import schedule_next
from freight.domain.tenancy import audit
from freight.domain.tenancy.api_keys import Caller
from freight.domain.tenancy.audit import Actor
from freight.domain.vendors import Vendors
from freight.encryption import CredentialCipher
from freight.queue import Queue

REPLAYED = "Idempotent-Replayed"

LABEL = r"^[^:\x00]*:[^\x00]*$"

WithStatus = Annotated[
    list[Status] | None,
    QueryParameter(
        description="Filter by status; repeat the parameter to match any of several.",
        examples=[Example(value=["running", "paused"])],
    ),
]
WithMode = Annotated[Mode | None, QueryParameter(description="Filter by mode.", examples=[Example(value="full")])]
WithName = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=200,
        pattern=NO_NUL,
        description="Case-insensitive substring of the name.",
        examples=[Example(value=TARGET.system)],
    ),
]
WithLabel = Annotated[
    list[Annotated[str, Meta(pattern=LABEL)]] | None,
    QueryParameter(
        # Litestar omits the pattern from the documentation.
        schema_extra={"items": Schema(type=OpenAPIType.STRING, pattern=LABEL)},
        description="Filter by label, `key:value`; repeat the parameter to require all of several.",
        examples=[Example(value=["team:platform"])],
    ),
]
WithStarter = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=200,
        pattern=NO_NUL,
        description="Case-insensitive substring of `started_by`.",
        examples=[Example(value="frt_live_")],
    ),
]
CreatedAfter = Annotated[
    str | None,
    QueryParameter(
        description="Only jobs created after this time.",
        schema_extra=MOMENT,
        examples=[Example(value="2026-01-01T00:00:00Z")],
    ),
]
CreatedBefore = Annotated[
    str | None,
    QueryParameter(
        description="Only jobs created before this time.",
        schema_extra=MOMENT,
        examples=[Example(value="2036-01-01T00:00:00Z")],
    ),
]
SortedBy = Annotated[
    Sort, QueryParameter(description="Sort order; a leading minus sorts descending.", examples=[Example(value="-name")])
]


class JobsController(Controller):
    """Jobs."""

    path = "/jobs"
    tags = ("Jobs",)

    @post(
        operation_id="createJob",
        summary="Create a job",
        description="Start a migration from one workspace to another. Freight checks both keys with the vendors, "
        "then workers start the job. The keys are stored encrypted and never shown. Only one job at a"
        " time may be pending, running or paused for the same two workspaces; a second request gets "
        "409 with the first job's id in `details`.\n\nSend an `Idempotency-Key` to repeat a request "
        "safely: for 24 hours the same body with the same key gets the first response again.",
        guards=[requires_scope("jobs:write")],
        dto=JsonBody[JobRequest],
        return_dto=None,
        response_headers=[
            ResponseHeader(name="Location", value="", description="The new job's URL path.", documentation_only=True),
            ResponseHeader(
                name=REPLAYED,
                value="",
                description="`true` if this is the response to an earlier request with the same Idempotency-Key.",
                documentation_only=True,
            ),
        ],
        response_description="The job, which workers will start.",
        responses=documented(409, 413, 415, 422, 502),
        opt={CREATES_JOB: True},
    )
    async def create(
        self,
        data: Annotated[JobRequest, BodyKwarg(examples=request_examples.JOB_REQUESTS)],
        caller: NamedDependency[Caller],
        actor: NamedDependency[Actor],
        vendors: NamedDependency[Vendors],
        cipher: NamedDependency[CredentialCipher],
        queue: NamedDependency[Queue],
        idempotency_key: Annotated[
            str | None,
            HeaderParameter(
                name="Idempotency-Key",
                min_length=1,
                max_length=255,
                pattern="^[!-~]+$",
                description="A unique value for this request, preferably a UUID.",
            ),
        ] = None,
    ) -> Response[JobView]:
        """Create a job."""
        creation = _Creation(data, caller, actor, vendors, cipher)
        if idempotency_key is None:
            answer, replayed = await creation.carry_out(None), False
        else:
            async with idempotency.once(cipher, Key(tenant_id=caller.tenant_id, name=idempotency_key), data) as turn:
                replayed = turn.answer is not None
                answer = turn.answer or await creation.carry_out(turn)
        if creation.job_id is not None:
            await queue.enqueue(await schedule_next(caller.tenant_id, creation.job_id))
        return Response(
            msgspec.json.decode(answer.body, type=JobView),
            status_code=answer.status_code,
            headers={"Location": answer.location, REPLAYED: str(replayed).lower()},
        )

    @get(
        operation_id="listJobs",
        summary="List jobs",
        description="The tenant's jobs, newest first unless `sort` says otherwise. A job must match all filters. "
        "Deleted jobs are not listed. Mappings are omitted; get the job to see its mapping.",
        guards=[requires_scope("jobs:read")],
        response_headers=[ETAG_HEADER],
        response_description="A page of jobs.",
        responses={**NOT_MODIFIED, **documented(422)},
    )
    async def list(
        self,
        request: Request[Any, Any, Any],
        caller: NamedDependency[Caller],
        job_lists: NamedDependency[JobLists],
        status: WithStatus = None,
        mode: WithMode = None,
        name: WithName = None,
        label: WithLabel = None,
        started_by: WithStarter = None,
        created_after: CreatedAfter = None,
        created_before: CreatedBefore = None,
        sort: SortedBy = "-created_at",
        limit: Limit = 100,
        offset: Offset = 0,
        if_none_match: IfNoneMatch = None,
    ) -> Response[JobsPage]:
        """List jobs."""
        filters = Filters(
            status=tuple(status or ()),
            mode=mode,
            name=name,
            labels=_labels(label or ()),
            started_by=started_by,
            created_after=moment(created_after, field="created_after"),
            created_before=moment(created_before, field="created_before"),
        )
        given = {**msgspec.to_builtins(filters), "labels": None, "label": label, "sort": sort}

        async def read() -> bytes:
            async with database.as_tenant(caller.tenant_id) as tx:
                found, total = await search.page(tx, filters, sort, limit=limit, offset=offset)
                found = await stalls.explain(tx, found)
                counts = await jobs.counts(tx, [job.id for job in found])
            views = [job_item(job, counts[job.id]) for job in found]
            answer = page(JobsPage, views, total, path=JOBS, limit=limit, offset=offset, filters=given)
            return msgspec.json.encode(answer)

        question = msgspec.json.encode((given, limit, offset))
        body = await job_lists.get(caller.tenant_id, question, read)
        return conditional(request, body, if_none_match, JobsPage)

    @get(
        "/{job_id:uuid}",
        operation_id="getJob",
        summary="Get a job",
        description="The current state of the job, with the outcomes of its records so far.",
        guards=[requires_scope("jobs:read")],
        response_headers=[ETAG_HEADER],
        response_description="The job.",
        responses={**NOT_MODIFIED, **documented(404)},
    )
    async def get(
        self,
        request: Request[Any, Any, Any],
        job_id: JobId,
        caller: NamedDependency[Caller],
        if_none_match: IfNoneMatch = None,
    ) -> Response[JobView]:
        """Get a job."""
        view = await look(caller.tenant_id, job_id)
        return conditional(request, msgspec.json.encode(view), if_none_match, JobView)

    @patch(
        "/{job_id:uuid}",
        operation_id="updateJob",
        summary="Update a job",
        description="Change the name or labels at any time, and the settings (`batch_size`, `retry_policy`, "
        "`on_existing`, `entities`, `mapping`) while the job is pending. Omitted fields keep their "
        "values.",
        guards=[requires_scope("jobs:write")],
        dto=JsonBody[JobChange],
        return_dto=None,
        response_description="The updated job.",
        responses=documented(404, 409, 413, 415, 422),
    )
    async def update(
        self,
        job_id: JobId,
        data: Annotated[JobChange, BodyKwarg(examples=request_examples.JOB_CHANGES)],
        caller: NamedDependency[Caller],
        actor: NamedDependency[Actor],
    ) -> JobView:
        """Update a job."""
        async with database.as_tenant(caller.tenant_id) as tx:
            await lifecycle.change(tx, job_id, data)
            await audit.record(tx, actor, "job.updated", "job", job_id, _change_in_short(data))
        return await look(caller.tenant_id, job_id)

    @delete(
        "/{job_id:uuid}",
        operation_id="deleteJob",
        summary="Delete a job",
        description="Only a job that has ended can be deleted. It disappears from listings and its vendor "
        "credentials are erased. What it has written remains in the target, and later jobs over the "
        "same workspaces still recognise it.",
        guards=[requires_scope("jobs:write")],
        response_description="The job is deleted.",
        responses=documented(404, 409),
    )
    async def delete(self, job_id: JobId, caller: NamedDependency[Caller], actor: NamedDependency[Actor]) -> None:
        """Delete a job."""
        async with database.as_tenant(caller.tenant_id) as tx:
            await lifecycle.delete(tx, job_id)
            await audit.record(tx, actor, "job.deleted", "job", job_id)


class _Creation:
    """One request to create a job."""

    def __init__(
        self, request: JobRequest, caller: Caller, actor: Actor, vendors: Vendors, cipher: CredentialCipher
    ) -> None:
        self.job_id: UUID | None = None
        """The new job's id, once it is stored."""
        self._request = request
        self._caller = caller
        self._actor = actor
        self._vendors = vendors
        self._cipher = cipher

    async def carry_out(self, turn: idempotency.IdempotentRequest | None) -> Answer:
        """Check the vendors and store the job, together with the response if the request has an idempotency key."""
        workspaces = await jobs.prepare(self._request, self._vendors)
        started_by = f"API key {self._caller.key_prefix}…"
        async with database.as_tenant(self._caller.tenant_id) as tx:
            job = await jobs.create(
                tx, self._cipher, self._caller.tenant_id, self._request, workspaces, started_by=started_by
            )
            await audit.record(tx, self._actor, "job.created", "job", job.id, {"name": job.name})
            answer = _answer(job)
            if turn is not None:
                await turn.finish(tx, answer)
        self.job_id = job.id
        return answer


async def look(tenant_id: UUID, job_id: UUID) -> JobView:
    """Return the job as clients see it. Raise `NotFound`."""
    async with database.as_tenant(tenant_id) as tx:
        (job,) = await stalls.explain(tx, [await jobs.get(tx, job_id)])
        counts = await jobs.counts(tx, [job_id])
    return job_view(job, counts[job_id])


def _answer(job: Job) -> Answer:
    body = msgspec.json.encode(job_view(job, [])).decode()
    return Answer(status_code=201, body=body, location=f"{JOBS}/{job.id}")


def _change_in_short(change: JobChange) -> dict[str, Any]:
    """Return what was changed, for the audit trail; of a mapping, which the job shows, only that it changed."""
    values: dict[str, Any] = msgspec.to_builtins(change)
    return {**values, "mapping": "changed"} if "mapping" in values else values


def _labels(given: Sequence[str]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for text in given:
        key, colon, value = text.partition(":")
        if not colon or "\0" in text:
            raise InvalidRequest("A label filter has the form `key:value`.", field="label")
        if labels.setdefault(key, value) != value:
            raise InvalidRequest("A job has only one value for each label.", field="label")
    return labels
