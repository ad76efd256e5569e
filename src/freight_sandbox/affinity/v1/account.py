"""API v1: whose key this is and what is left of its limits."""

from litestar import get
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.requests import AnyRequest, workspace_of
from freight_sandbox.affinity.v2.account import KEY_CREATED_AT, tenant
from freight_sandbox.control import answer


@get("/auth/whoami", sync_to_thread=False)
def who_am_i_v1(request: AnyRequest) -> ASGIResponse:
    """Whose key this is."""
    workspace = workspace_of(request)
    user = workspace.user
    return answer(
        {
            "tenant": tenant(workspace),
            "user": {
                "id": user.id,
                "firstName": user.first_name,
                "lastName": user.last_name,
                "email": user.primary_email_address,
            },
            "grant": {"type": "api_key", "scope": "external_api", "createdAt": KEY_CREATED_AT},
        }
    )


@get("/rate-limit", sync_to_thread=False)
def rate_limit_v1(request: AnyRequest) -> ASGIResponse:
    """What is left of the limits."""
    minute, month = request.app.state.vendor.allowances()
    rate = {"api_key_per_minute": minute}
    return answer({"rate": rate if month is None else {"org_monthly": month, **rate}})
