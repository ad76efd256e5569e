"""`/jobs/{id}/logs`: log rows about a job."""

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency

from freight import database
from freight.api.http.auth import requires_scope
from freight.api.http.errors import documented
from freight.api.http.filters import JobId, WithCode, WithEntity, WithLevel, WithSourceId, WithText
from freight.api.http.pagination import Cursor, Limit, LogsPage, Offset, cursor_page
from freight.api.schemas.responses import JOBS
from freight.domain.jobs import model as jobs
from freight.domain.jobs.transitions import LIVE
from freight.domain.migration.records import logs
from freight.domain.migration.records.logs import FIELDS, Filters, LogRow
from freight.domain.pages import Window
from freight.domain.tenancy.api_keys import Caller


class LogsController(Controller):
    """A job's log."""

    path = "/jobs/{job_id:uuid}/logs"
    tags = ("Logs",)

    @get(
        operation_id="listJobLogs",
        summary="List a job's log rows",
        description="What happened to a job and its records, oldest first: each value that could not be migrated,"
        " and each record that was skipped or failed, with the reason. Follow `links.next`, or send "
        "`next_cursor` as `cursor`, to read all of them.",
        guards=[requires_scope("jobs:read")],
        response_description="A page of log rows.",
        responses=documented(404, 422),
    )
    async def list(
        self,
        job_id: JobId,
        caller: NamedDependency[Caller],
        entity: WithEntity = None,
        level: WithLevel = None,
        code: WithCode = None,
        source_id: WithSourceId = None,
        text: WithText = None,
        limit: Limit = 100,
        offset: Offset = 0,
        cursor: Cursor = None,
    ) -> LogsPage:
        """List a job's log rows."""
        filters = Filters(entity=entity, level=level, code=code, source_id=source_id, text=text)
        window = Window(limit=limit, offset=offset, cursor=cursor)
        async with database.as_tenant(caller.tenant_id) as tx:
            job = await jobs.get(tx, job_id)
            part = await logs.page(tx, job_id, filters, window, complete=job.status not in LIVE)
        items = [LogRow(**{name: row[name] for name in FIELDS}) for row in part.rows]
        return cursor_page(
            LogsPage, items, part, window, path=f"{JOBS}/{job_id}/logs", filters=msgspec.structs.asdict(filters)
        )
