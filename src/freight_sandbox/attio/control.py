"""Operations that set up the simulated Attio, below `/_sandbox`."""

import msgspec
from litestar import get, post
from litestar.response.base import ASGIResponse

from freight_sandbox.attio.query import ScoreLimits, scores_of
from freight_sandbox.attio.requests import AnyRequest, workspace_of
from freight_sandbox.attio.vendor import RateLimits
from freight_sandbox.attio.workspace import Member, NewMember, Plan
from freight_sandbox.control import BadBody, answer, replacing


class NewScopes(msgspec.Struct, forbid_unknown_fields=True):
    """The new scopes of the key."""

    scopes: list[str]


@get("/late", sync_to_thread=False)
def read_late_work(request: AnyRequest) -> ASGIResponse:
    """Return how much late work is pending, and how much is done."""
    return answer(workspace_of(request).late.counts())


@post("/late", status_code=200, sync_to_thread=False)
def finish_late_work(request: AnyRequest) -> ASGIResponse:
    """Do all late work now, so that no test has to wait for it."""
    workspace_of(request).late.finish()
    return answer(workspace_of(request).late.counts())


def _replace_members(request: AnyRequest, members: list[NewMember]) -> list[Member]:
    if not members:
        raise BadBody("A workspace has at least one member.")
    workspace_of(request).set_members(members)
    return workspace_of(request).members


def _replace_scopes(request: AnyRequest, new: NewScopes) -> NewScopes:
    workspace_of(request).scopes = tuple(new.scopes)
    return new


def _replace_plan(request: AnyRequest, plan: Plan) -> Plan:
    workspace_of(request).plan = plan
    return plan


def _replace_query_limits(request: AnyRequest, limits: ScoreLimits) -> ScoreLimits:
    scores_of(request).set_limits(limits)
    return limits


def _replace_rate_limits(request: AnyRequest, limits: RateLimits) -> RateLimits:
    request.app.state.vendor.set_limits(limits)
    return limits


CONTROL_OPERATIONS = (
    read_late_work,
    finish_late_work,
    replacing("/members", list[NewMember], "These are not members", _replace_members),
    replacing("/scopes", NewScopes, "These are not scopes", _replace_scopes),
    replacing("/plan", Plan, "This is not a plan", _replace_plan),
    replacing("/query-limits", ScoreLimits, "These are not limits", _replace_query_limits),
    replacing("/rate-limits", RateLimits, "These are not limits", _replace_rate_limits),
)
