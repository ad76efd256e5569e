"""`/jobs/{id}/records`: what was read from the source, with outcomes."""

from typing import Annotated

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import PathParameter

from freight import database
from freight.api.http.auth import requires_scope
from freight.api.http.errors import documented
from freight.api.http.filters import JobId, WithCode, WithEntity, WithOutcome, WithText
from freight.api.http.pagination import Cursor, Limit, Offset, RecordsPage, cursor_page
from freight.api.schemas.responses import JOBS
from freight.domain.jobs import model as jobs
from freight.domain.jobs.transitions import LIVE
from freight.domain.migration.records import records
from freight.domain.migration.records.records import FIELDS, Filters, RecordDetail, RecordRow
from freight.domain.pages import Window
from freight.domain.tenancy.api_keys import Caller


class RecordsController(Controller):
    """A job's records."""

    path = "/jobs/{job_id:uuid}/records"
    tags = ("Records",)

    @get(
        operation_id="listJobRecords",
        summary="List a job's records",
        description="What was read from the source, with the outcome of each record, in the order in which they "
        "were read. Follow `links.next`, or send `next_cursor` as `cursor`, to read all of them.",
        guards=[requires_scope("jobs:read")],
        response_description="A page of records.",
        responses=documented(404, 422),
    )
    async def list(
        self,
        job_id: JobId,
        caller: NamedDependency[Caller],
        entity: WithEntity = None,
        outcome: WithOutcome = None,
        code: WithCode = None,
        text: WithText = None,
        limit: Limit = 100,
        offset: Offset = 0,
        cursor: Cursor = None,
    ) -> RecordsPage:
        """List a job's records."""
        filters = Filters(entity=entity, outcome=outcome, code=code, text=text)
        window = Window(limit=limit, offset=offset, cursor=cursor)
        async with database.as_tenant(caller.tenant_id) as tx:
            job = await jobs.get(tx, job_id)
            part = await records.page(
                tx, job_id, filters, window, batch_size=job.batch_size, complete=job.status not in LIVE
            )
        items = [RecordRow(**{name: row[name] for name in FIELDS}) for row in part.rows]
        return cursor_page(
            RecordsPage,
            items,
            part,
            window,
            path=f"{JOBS}/{job_id}/records",
            filters=msgspec.structs.asdict(filters),
        )

    @get(
        "/{record_id:int}",
        operation_id="getJobRecord",
        summary="Get a record",
        description="A record with its source data.",
        guards=[requires_scope("jobs:read")],
        response_description="The record.",
        responses=documented(404, 422),
    )
    async def get(
        self,
        job_id: JobId,
        record_id: Annotated[int, PathParameter(ge=1, le=2**53, description="The record's id.")],
        caller: NamedDependency[Caller],
    ) -> RecordDetail:
        """Get a record."""
        async with database.as_tenant(caller.tenant_id) as tx:
            job = await jobs.get(tx, job_id)
            return await records.get(tx, job_id, record_id, batch_size=job.batch_size)
