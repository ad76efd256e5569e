"""`/audit`: who changed what, from where."""

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import QueryParameter

from freight import database
from freight.api.http.auth import requires_scope
from freight.api.http.errors import documented
from freight.api.http.pagination import AuditPage, Limit, Offset, page
from freight.api.schemas.responses import AUDIT, MOMENT, moment
from freight.domain.tenancy import audit
from freight.domain.tenancy.audit import Actor, Filters

WORD = "^[^\\x00]{1,200}$"


class AuditController(Controller):
    """The audit trail."""

    path = "/audit"
    tags = ("Audit",)

    @get(
        operation_id="listAuditEvents",
        summary="List audit events",
        description="Every change made through the API or the command line, newest first: by whom, from which "
        "address, in which request. Events cannot be altered. With a tenant's key you get the "
        "tenant's events, with the administrator's key those of the platform.",
        guards=[requires_scope("admin", or_administrator=True)],
        response_description="A page of events.",
        responses=documented(422),
    )
    async def list(
        self,
        actor: NamedDependency[Actor],
        action: Annotated[
            str | None,
            QueryParameter(
                description="Filter by action.",
                pattern=r"^[a-z_]{1,32}\.[a-z_]{1,31}$",
                examples=[Example(value="job.created")],
            ),
        ] = None,
        object_type: Annotated[
            str | None,
            QueryParameter(
                description="Filter by the type of the changed object.",
                pattern="^[a-z_]{1,32}$",
                examples=[Example(value="job")],
            ),
        ] = None,
        object_id: Annotated[
            str | None, QueryParameter(description="Filter by the id of the changed object.", pattern=WORD)
        ] = None,
        by: Annotated[
            str | None,
            QueryParameter(
                name="actor",
                description="Case-insensitive substring of the actor: a key's prefix, or its name.",
                pattern=WORD,
                examples=[Example(value="command line")],
            ),
        ] = None,
        created_after: Annotated[
            str | None, QueryParameter(description="Only events after this time.", schema_extra=MOMENT)
        ] = None,
        created_before: Annotated[
            str | None, QueryParameter(description="Only events before this time.", schema_extra=MOMENT)
        ] = None,
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> AuditPage:
        """List audit events."""
        filters = Filters(
            action=action,
            object_type=object_type,
            object_id=object_id,
            actor=by,
            created_after=moment(created_after, field="created_after"),
            created_before=moment(created_before, field="created_before"),
        )
        in_scope = database.as_platform() if actor.tenant_id is None else database.as_tenant(actor.tenant_id)
        async with in_scope as tx:
            found, total = await audit.page(tx, actor.tenant_id, filters, limit=limit, offset=offset)
        given = {
            "action": action,
            "object_type": object_type,
            "object_id": object_id,
            "actor": by,
            "created_after": created_after,
            "created_before": created_before,
        }
        return page(AuditPage, found, total, path=AUDIT, limit=limit, offset=offset, filters=given)
