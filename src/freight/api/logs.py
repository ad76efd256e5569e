"""`/jobs/{id}/logs`: what happened in a job."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import PathParameter, QueryParameter

from freight import database
from freight.api.access import needs
from freight.api.errors import documented
from freight.api.schemas import JOBS, Limit, LogsPage, Offset, page
from freight.crm import Entity
from freight.domain import jobs, logs
from freight.domain.keys import Caller
from freight.domain.logs import Level


class LogsController(Controller):
    """Reading a job's log."""

    path = "/jobs/{job_id:uuid}/logs"
    tags = ("Jobs",)

    @get(
        operation_id="listJobLogs",
        summary="Read a job's log",
        description="What happened to a job and its records, oldest first: each value that could not be carried over, "
        "each record that was skipped or failed, with its reason.",
        guards=[needs("jobs:read")],
        response_description="A page of log rows.",
        responses=documented(404, 422),
    )
    async def list(
        self,
        job_id: Annotated[UUID, PathParameter(description="The job's id.")],
        caller: NamedDependency[Caller],
        entity: Annotated[Entity | None, QueryParameter(description="Only rows about this entity.")] = None,
        level: Annotated[Level | None, QueryParameter(description="Only rows of this level.")] = None,
        code: Annotated[
            str | None,
            QueryParameter(
                description="Only rows with this code.",
                pattern="^[a-z0-9_]{1,64}$",
                examples=[Example(value="invalid_phone_number")],
            ),
        ] = None,
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> LogsPage:
        """Read a job's log."""
        async with database.as_tenant(caller.tenant_id) as tx:
            await jobs.get(tx, job_id)
            rows, total = await logs.page(tx, job_id, entity=entity, level=level, code=code, limit=limit, offset=offset)
        return page(
            LogsPage,
            rows,
            total,
            path=f"{JOBS}/{job_id}/logs",
            limit=limit,
            offset=offset,
            filters={"entity": entity, "level": level, "code": code},
        )
