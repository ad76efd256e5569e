"""Whose key this is, what is left of its limits, and who the account's users are."""

from typing import Any

from litestar import get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.paging import cursor_page
from freight_sandbox.affinity.requests import AnyRequest, find_row, not_found, versioned, workspace_of
from freight_sandbox.affinity.rows import Person
from freight_sandbox.affinity.workspace import Workspace
from freight_sandbox.control import answer

KEY_CREATED_AT = "2026-01-05T09:00:00Z"


@get("/auth/whoami", sync_to_thread=False)
def who_am_i_v1(request: AnyRequest) -> ASGIResponse:
    """Return whose key this is."""
    workspace = workspace_of(request)
    user = workspace.user
    return answer(
        {
            "tenant": _tenant(workspace),
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
    """Return what is left of the limits."""
    minute, month = request.app.state.vendor.allowances()
    rate = {"api_key_per_minute": minute}
    return answer({"rate": rate if month is None else {"org_monthly": month, **rate}})


@get("/v2/auth/whoami", sync_to_thread=False)
def who_am_i(request: AnyRequest) -> ASGIResponse:
    """Return whose key this is."""
    workspace = workspace_of(request)
    content = {
        "tenant": _tenant(workspace),
        "user": _named(workspace.user),
        "grant": {"type": "api-key", "scopes": ["api"], "createdAt": KEY_CREATED_AT},
    }
    return versioned(request, content)


@get("/v2/rate-limit", sync_to_thread=False)
def rate_limit(request: AnyRequest) -> ASGIResponse:
    """Return what is left of the limits."""
    minute, month = request.app.state.vendor.allowances()
    rate = {"callerPerMinute": minute}
    return versioned(request, rate if month is None else {**rate, "orgPerMonth": month})


@get("/v2/users", sync_to_thread=False)
def list_users(request: AnyRequest) -> ASGIResponse:
    """List the internal users."""
    workspace = workspace_of(request)
    return cursor_page(request, workspace.users, lambda row_id: _user(workspace.persons.row(row_id)))


@get("/v2/users/{user_id:str}", sync_to_thread=False)
def get_user(request: AnyRequest, user_id: FromPath[str]) -> ASGIResponse:
    """Get an internal user."""
    person = find_row(workspace_of(request).persons, user_id, "user")
    if person.type != "internal":
        raise not_found(user_id, "user")
    return versioned(request, _user(person))


ACCOUNT_OPERATIONS = (
    who_am_i_v1,
    rate_limit_v1,
    who_am_i,
    rate_limit,
    list_users,
    get_user,
)


def _tenant(workspace: Workspace) -> dict[str, Any]:
    """Return the account, as both versions name it."""
    return {"id": workspace.tenant_id, "name": workspace.tenant_name, "subdomain": workspace.subdomain}


def _named(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "emailAddress": person.primary_email_address,
    }


def _user(person: Person) -> dict[str, Any]:
    # Affinity's older schema of a user has `emailAddress`; public clients read `primaryEmailAddress`.
    return {
        **_named(person),
        "primaryEmailAddress": person.primary_email_address,
        "emailAddresses": person.email_addresses,
        "status": "active",
        "role": None,
    }
