"""API v2: whose key this is, what is left of its limits, and who else works there."""

from typing import Any

from litestar import get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.requests import AnyRequest, absent, found, workspace_of
from freight_sandbox.affinity.rows import Person
from freight_sandbox.affinity.v2.paging import page_answer
from freight_sandbox.affinity.v2.versions import versioned
from freight_sandbox.affinity.workspace import Workspace

KEY_CREATED_AT = "2026-01-05T09:00:00Z"


@get("/v2/auth/whoami", sync_to_thread=False)
def who_am_i(request: AnyRequest) -> ASGIResponse:
    """Whose key this is."""
    workspace = workspace_of(request)
    content = {
        "tenant": tenant(workspace),
        "user": _named(workspace.user),
        "grant": {"type": "api-key", "scopes": ["api"], "createdAt": KEY_CREATED_AT},
    }
    return versioned(request, content)


@get("/v2/rate-limit", sync_to_thread=False)
def rate_limit(request: AnyRequest) -> ASGIResponse:
    """What is left of the limits."""
    minute, month = request.app.state.vendor.allowances()
    rate = {"callerPerMinute": minute}
    return versioned(request, rate if month is None else {**rate, "orgPerMonth": month})


@get("/v2/users", sync_to_thread=False)
def list_users(request: AnyRequest) -> ASGIResponse:
    """A page of the firm's own people."""
    workspace = workspace_of(request)
    return page_answer(request, workspace.users, lambda row_id: _user(workspace.persons.row(row_id)))


@get("/v2/users/{user_id:str}", sync_to_thread=False)
def get_user(request: AnyRequest, user_id: FromPath[str]) -> ASGIResponse:
    """One of the firm's own people."""
    person = found(workspace_of(request).persons, user_id, "user")
    if person.type != "internal":
        raise absent(user_id, "user")
    return versioned(request, _user(person))


def tenant(workspace: Workspace) -> dict[str, Any]:
    """The account, as both versions name it."""
    return {"id": workspace.tenant_id, "name": workspace.tenant_name, "subdomain": workspace.subdomain}


def _named(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "emailAddress": person.primary_email_address,
    }


def _user(person: Person) -> dict[str, Any]:
    # Affinity's older words for a user have `emailAddress`, public clients read `primaryEmailAddress`.
    return {
        **_named(person),
        "primaryEmailAddress": person.primary_email_address,
        "emailAddresses": person.email_addresses,
        "status": "active",
        "role": None,
    }
