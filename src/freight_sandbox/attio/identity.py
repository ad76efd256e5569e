"""The key's owner and the workspace members."""

from typing import Any

from litestar import get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.attio.access import READ_MEMBERS, key_state
from freight_sandbox.attio.errors import AttioError, not_found
from freight_sandbox.attio.requests import AnyRequest, workspace_of
from freight_sandbox.control import answer


@get("/v2/self", sync_to_thread=False)
def identify(request: AnyRequest) -> ASGIResponse:
    """Return whose key this is, and its scopes. No scope is needed, and an unknown key is not an error."""
    match key_state(request.headers.get("authorization", ""), request.app.state.key):
        case "active":
            return answer(_identity(request))
        case "unknown":
            return answer({"active": False})
    raise AttioError(
        400, "missing_value", "The token was not recognised. Send an API key in an Authorization header of type Bearer."
    )


@get("/v2/workspace_members", opt=READ_MEMBERS, sync_to_thread=False)
def list_members(request: AnyRequest) -> ASGIResponse:
    """List all workspace members, including suspended ones."""
    return answer({"data": workspace_of(request).members})


@get("/v2/workspace_members/{member_id:str}", opt=READ_MEMBERS, sync_to_thread=False)
def get_member(request: AnyRequest, member_id: FromPath[str]) -> ASGIResponse:
    """Get a workspace member by id."""
    for member in workspace_of(request).members:
        if member.id["workspace_member_id"] == member_id:
            return answer({"data": member})
    raise not_found("Workspace member", member_id, by="ID")


MEMBER_OPERATIONS = (list_members, get_member)


def _identity(request: AnyRequest) -> dict[str, Any]:
    workspace = workspace_of(request)
    return {
        "active": True,
        "scope": " ".join(workspace.scopes),
        "client_id": workspace.token_id,
        "token_type": "Bearer",
        "exp": None,
        "iat": request.app.state.issued_at,
        "sub": workspace.id,
        "aud": workspace.token_id,
        "iss": "attio.com",
        "authorized_by_workspace_member_id": workspace.members[0].id["workspace_member_id"],
        "workspace_id": workspace.id,
        "workspace_name": workspace.name,
        "workspace_slug": workspace.slug,
        "workspace_logo_url": None,
        "token_level": "workspace",
    }
