"""What a test may arrange at the simulated Attio, and what a key without a scope is told."""

import base64
from collections.abc import AsyncIterator

import httpx
import pytest

from freight_sandbox import Sandbox, running
from freight_sandbox.attio.vendor import AttioVendor
from support.clients import TLS
from support.sandboxes import sandbox_options

ALL = (
    "object_configuration:read-write record_permission:read-write list_configuration:read-write list_entry:read-write "
    "note:read-write task:read-write comment:read-write file:read-write user_management:read "
    "webhook:read-write"
)


@pytest.fixture(scope="module")
async def own_sandbox() -> AsyncIterator[Sandbox]:
    async with running(sandbox_options(companies=1, people=1, unlimited=True)) as started:
        yield started


@pytest.fixture
async def client(own_sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a sandbox that may be spoilt; its scopes are whole again for the next test."""
    headers = {"Authorization": f"Bearer {own_sandbox.attio_key}"}
    async with httpx.AsyncClient(verify=TLS, base_url=own_sandbox.attio_url, headers=headers) as client:
        yield client
        await grant(client, *ALL.split())


async def grant(client: httpx.AsyncClient, *scopes: str) -> None:
    (await client.put("/_sandbox/scopes", json={"scopes": list(scopes)})).raise_for_status()


async def test_a_key_has_the_scopes_of_a_migration_unless_told_otherwise(client: httpx.AsyncClient):
    assert (await client.get("/v2/self")).json()["scope"] == ALL
    await grant(client, "note:read")
    assert (await client.get("/v2/self")).json()["scope"] == "note:read"
    await grant(client)
    assert (await client.get("/v2/self")).json()["scope"] == ""


UNKNOWN = "k" * 64
"""A key of the right form that does not exist."""


async def test_a_key_that_does_not_exist_is_inactive_and_no_error(client: httpx.AsyncClient):
    for header in (f"Bearer {UNKNOWN}", f"Basic {base64.b64encode(f'{UNKNOWN}:'.encode()).decode()}"):
        answer = await client.get("/v2/self", headers={"Authorization": header})
        assert (answer.status_code, answer.json()) == (200, {"active": False})


@pytest.mark.parametrize("header", ["", "Bearer", f"Bearer {UNKNOWN[1:]}", "Basic !", f"Token {UNKNOWN}"])
async def test_a_key_that_is_cut_short_or_missing_is_a_missing_value(client: httpx.AsyncClient, header: str):
    answer = await client.get("/v2/self", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (400, "missing_value")
    assert answer.json()["message"].startswith("The token was not recognised")


@pytest.mark.parametrize("key", [UNKNOWN, UNKNOWN[1:]])
async def test_every_operation_but_self_refuses_a_bad_key_with_401(client: httpx.AsyncClient, key: str):
    for method, path in (("GET", "/v2/objects"), ("GET", "/v2/workspace_members"), ("POST", "/v2/notes")):
        answer = await client.request(method, path, headers={"Authorization": f"Bearer {key}"})
        assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (401, "auth_error", "unauthorized")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v2/objects/people/records"), ("DELETE", "/v2/self"), ("GET", "/v2/nothing")]
)
async def test_an_unknown_path_or_method_is_404_and_named(client: httpx.AsyncClient, method: str, path: str):
    answer = await client.request(method, path, params={"a": "b"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["message"] == f'Could not find endpoint "{method} {path}".'


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v2/objects", "object_configuration:read"),
        ("POST", "/v2/objects/people/attributes", "object_configuration:read-write"),
        ("POST", "/v2/lists/x/attributes/y/options", "object_configuration:read-write"),
        ("POST", "/v2/objects/people/records", "record_permission:read-write"),
        ("POST", "/v2/objects/people/records/query", "record_permission:read"),
        ("POST", "/v2/lists", "list_configuration:read-write"),
        ("POST", "/v2/lists/x/entries", "list_entry:read-write"),
        ("POST", "/v2/notes", "note:read-write"),
        ("POST", "/v2/tasks", "task:read-write"),
        ("POST", "/v2/comments", "comment:read-write"),
        ("POST", "/v2/files/upload", "file:read-write"),
        ("GET", "/v2/workspace_members", "user_management:read"),
        ("GET", "/v2/webhooks", "webhook:read"),
        ("POST", "/v2/webhooks", "webhook:read-write"),
    ],
)
async def test_a_missing_scope_is_403(client: httpx.AsyncClient, method: str, path: str, scope: str):
    others = [other for other in ALL.split() if not other.startswith(scope.partition(":")[0])]
    await grant(client, *others)
    answer = await client.request(method, path, json={})
    assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (403, "auth_error", "unauthorized")
    assert scope in answer.json()["message"]
    await grant(client, *others, scope)
    assert (await client.request(method, path, json={})).status_code != 403


async def test_reading_is_part_of_writing_and_not_the_other_way_round(client: httpx.AsyncClient):
    await grant(client, "list_configuration:read-write")
    assert (await client.get("/v2/lists")).status_code == 200
    await grant(client, "list_configuration:read")
    assert (await client.post("/v2/lists", json={})).status_code == 403


async def test_members_can_be_replaced_and_keep_their_ids(client: httpx.AsyncClient):
    before = (await client.get("/v2/workspace_members")).json()["data"]
    ada = {"first_name": "Ada", "last_name": "Byron", "email_address": "ADA@sandbox-ventures.com"}
    dan = {"first_name": "Dan", "last_name": "Deal", "email_address": "dan@x.com", "access_level": "suspended"}
    await client.put("/_sandbox/members", json=[ada, dan])
    after = (await client.get("/v2/workspace_members")).json()["data"]
    assert [(member["last_name"], member["access_level"]) for member in after] == [
        ("Byron", "member"),
        ("Deal", "suspended"),
    ]
    assert after[0]["id"] == before[0]["id"]
    assert (await client.get(f"/v2/workspace_members/{after[1]['id']['workspace_member_id']}")).status_code == 200
    assert (await client.get(f"/v2/workspace_members/{before[1]['id']['workspace_member_id']}")).status_code == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'[{"first_name":"Ada"}]'])
async def test_members_that_are_none_are_refused(client: httpx.AsyncClient, body: bytes):
    before = (await client.get("/v2/workspace_members")).json()
    assert (await client.put("/_sandbox/members", content=body)).status_code == 422
    assert (await client.get("/v2/workspace_members")).json() == before


async def test_scopes_that_are_none_are_refused(client: httpx.AsyncClient):
    assert (await client.put("/_sandbox/scopes", content=b"[]")).status_code == 422
    assert (await client.get("/v2/self")).json()["scope"] == ALL


async def test_the_summary_counts_everything(client: httpx.AsyncClient):
    made = await client.post("/v2/objects/companies/records", json={"data": {"values": {"name": ["Acme"]}}})
    company = made.json()["data"]["id"]["record_id"]
    note = {"parent_object": "companies", "parent_record_id": company, "title": "", "format": "plaintext"}
    await client.post("/v2/notes", json={"data": {**note, "content": ""}})
    data = {"object": "companies", "record_id": company}
    await client.post("/v2/files/upload", data=data, files={"file": ("a.txt", b"x")})
    summary = (await client.get("/_sandbox/summary")).json()
    assert summary["records"] == {"companies": 1, "people": 0}
    assert (summary["lists"], summary["entries"], summary["notes"], summary["tasks"]) == (0, {}, 1, 0)
    assert (summary["files"], summary["comments"]) == (1, 0)


@pytest.mark.parametrize(
    ("method", "path", "limit"), [("GET", "/v2/notes", 10), ("POST", "/v2/files/upload", 1), ("GET", "/v2/tasks", 100)]
)
def test_the_list_of_notes_and_uploads_have_limits_of_their_own(method: str, path: str, limit: int):
    vendor = AttioVendor(1, unlimited=False)
    assert [vendor.admit(method, path) for _ in range(limit)] == [None] * limit
    refusal = vendor.admit(method, path)
    assert refusal is not None
    assert refusal.status == 429
