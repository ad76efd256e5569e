"""What tests and generated workspaces arrange at the simulated Attio, below `/_sandbox`."""

import msgspec
from litestar import get, post, put
from litestar.response.base import ASGIResponse

from freight_sandbox.attio.query_api import scores_of
from freight_sandbox.attio.requests import AnyRequest, workspace_of
from freight_sandbox.attio.scores import ScoreLimits
from freight_sandbox.attio.vendor import RateLimits
from freight_sandbox.attio.workspace import NewMember, Plan
from freight_sandbox.control import answer, read_body


class NewScopes(msgspec.Struct, forbid_unknown_fields=True):
    """What the key shall be allowed."""

    scopes: list[str]


@put("/members")
async def put_members(request: AnyRequest) -> ASGIResponse:
    """Replace the workspace members; there is always at least one."""
    members = await read_body(request, list[NewMember], "These are not members")
    if not members:
        return answer({"message": "A workspace has at least one member."}, 422)
    workspace_of(request).set_members(members)
    return answer(workspace_of(request).members)


@put("/scopes")
async def put_scopes(request: AnyRequest) -> ASGIResponse:
    """Replace the scopes of the key."""
    new = await read_body(request, NewScopes, "These are not scopes")
    workspace_of(request).scopes = tuple(new.scopes)
    return answer({"scopes": new.scopes})


@get("/late", sync_to_thread=False)
def read_late_work(request: AnyRequest) -> ASGIResponse:
    """How much waits of what Attio does by itself after a request, and how much is done."""
    return answer(workspace_of(request).late.counts())


@post("/late", status_code=200, sync_to_thread=False)
def finish_late_work(request: AnyRequest) -> ASGIResponse:
    """Do all of it now, so that nobody has to wait for it."""
    workspace_of(request).late.finish()
    return answer(workspace_of(request).late.counts())


@put("/plan")
async def put_plan(request: AnyRequest) -> ASGIResponse:
    """Replace the plan, as when the firm upgrades it."""
    workspace_of(request).plan = await read_body(request, Plan, "This is not a plan")
    return answer(workspace_of(request).plan)


@put("/query-limits")
async def put_query_limits(request: AnyRequest) -> ASGIResponse:
    """Replace the limits on the scores of queries."""
    limits = await read_body(request, ScoreLimits, "These are not limits")
    scores_of(request).set_limits(limits)
    return answer(limits)


@put("/rate-limits")
async def put_rate_limits(request: AnyRequest) -> ASGIResponse:
    """Replace the limits on requests, as when Attio lowers them in an incident."""
    limits = await read_body(request, RateLimits, "These are not limits")
    request.app.state.vendor.set_limits(limits)
    return answer(limits)


CONTROL_OPERATIONS = (
    put_members,
    put_scopes,
    read_late_work,
    finish_late_work,
    put_plan,
    put_query_limits,
    put_rate_limits,
)
