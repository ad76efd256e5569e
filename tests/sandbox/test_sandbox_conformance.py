"""The simulated vendors' answers fit the OpenAPI documents that the vendors publish, and Attio's requests as well."""

import json
import os
import re
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

SHARED = Path(os.environ.get("FREIGHT_SHARED", Path(__file__).parents[3] / "shared"))
SPECS = SHARED / "specs"

pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason="the vendors' OpenAPI documents are not here")

ATTRIBUTE = {
    "title": "Source",
    "description": None,
    "api_slug": "conforming",
    "type": "text",
    "is_required": False,
    "is_unique": False,
    "is_multiselect": False,
    "config": {},
}
COMPANY = {
    "name": ["Acme"],
    "domains": ["conforming.com"],
    "categories": ["SaaS"],
    "primary_location": [
        {
            **dict.fromkeys(("line_1", "line_2", "line_3", "line_4", "locality", "region", "postcode")),
            **dict.fromkeys(("latitude", "longitude")),
            "country_code": "DE",
        }
    ],
}
PERSON = {
    "email_addresses": ["jane@conforming.com"],
    "name": ["Doe, Jane"],
    "phone_numbers": ["+442079460123"],
    "job_title": ["CEO"],
}
DEAL = {"name": ["Deal"], "stage": ["Lead"], "owner": ["ada@sandbox-ventures.com"], "value": [12.5]}
OTHER_ERRORS: dict[str, dict[str, str]] = {
    "missing_value": {
        "POST /v2/objects/{object}/records": "deals without owner or stage, as recorded of live calls",
        "PUT /v2/objects/{object}/records": "the same, where the upsert creates",
        "POST /v2/lists/{list}/entries": "required attributes of entries, by the documentation of is_required",
    },
    "uniqueness_conflict": {
        "POST /v2/objects/{object}/records": "changelog of effect-attio 0.3.3; the specification leaves it out",
        "PATCH /v2/objects/{object}/records/{record_id}": "the same",
        "POST /v2/lists/{list}/entries": "unique list attributes, by the documentation of is_unique",
    },
    "matching_attribute_definition_not_unique": {
        "PUT /v2/objects/{object}/records": "as recorded of live calls, and withoneai/knowledge#27",
    },
    "multiple_match_results": {
        "PUT /v2/objects/{object}/records": "the specification of October 2026",
    },
    "multiple_values_for_single_value_attribute": {
        "POST /v2/objects/{object}/records": "the code that the specification of August 2026 gives for history",
        "PATCH /v2/objects/{object}/records/{record_id}": "the same",
    },
    "validation_type": {
        "POST /v2/objects/{object}/records": "the specification of October 2026, and withoneai#27 for locations",
        "PATCH /v2/objects/{object}/records/{record_id}": "the same",
        "POST /v2/lists": "itsjustanks/n8n-nodes-attio#3, for every body that has not all its keys",
        "POST /v2/lists/{list}/entries": "the same, and 80x-djh/attio-cli#3",
        "POST /v2/comments": "the same",
    },
    "value_not_found": {
        "PATCH /v2/objects/{object}/records/{record_id}": "unknown options, as for the creation of records",
        "PATCH /v2/lists/{list}/entries/{entry_id}": "the same for entries",
    },
    "system_edit_unauthorized": {
        "POST /v2/lists/{list}/entries": "created_at of an entry, by the documentation of is_writable",
    },
    "unknown_filter_attribute_slug": {
        "POST /v2/objects/{object}/records/query": "finer codes than filter_error, as recorded of live calls",
    },
}
"""400s that the real Attio is known to give beyond its specification of March 2026: code, operation, source."""

NEWER_PARAMETERS = {("/v2/tasks", "sort"): "completed_at came with the specification of August 2026"}
ERROR = {
    "type": "object",
    "required": ["type", "code", "message"],
    "properties": {
        "type": {"enum": ["invalid_request_error", "auth_error", "rate_limit_error"]},
        "code": {"type": "string"},
        "message": {"type": "string"},
    },
    "anyOf": [{"required": ["status_code"]}, {"required": ["statusCode"]}],
}
"""What every error has; for statuses that the specification leaves out: 401, 403, 404, 409, 413 and 429."""


@cache
def document(name: str) -> dict[str, Any]:
    return nullable_spelt_out(json.loads((SPECS / f"{name}.openapi.json").read_text()))


def nullable_spelt_out(schema: Any) -> Any:
    """OpenAPI's older `nullable`, which JSON Schema does not know, and enums that forget the null of their type."""
    if isinstance(schema, list):
        return [nullable_spelt_out(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    spelt = {key: nullable_spelt_out(part) for key, part in schema.items()}
    if spelt.get("nullable") is True and isinstance(spelt.get("type"), str):
        spelt["type"] = [spelt["type"], "null"]
    if isinstance(spelt.get("enum"), list) and isinstance(spelt.get("type"), list) and "null" in spelt["type"]:
        spelt["enum"] = [*spelt["enum"], None]
    return spelt


@cache
def validator(name: str, schema: str) -> jsonschema_rs.Validator:
    """The validator of a schema, given as JSON, that may refer to components of the document."""
    return jsonschema_rs.Draft202012Validator({**json.loads(schema), "components": document(name)["components"]})


def require_valid(name: str, schema: dict[str, Any], body: Any) -> None:
    validator(name, json.dumps(schema)).validate(body)


def require_fit(name: str, route: str, answer: httpx.Response) -> None:
    """Fail unless the answer has the shape that the document gives this operation and status."""
    whole = document(name)
    operation = whole["paths"][route][answer.request.method.lower()]
    response = operation["responses"].get(str(answer.status_code)) or operation["responses"]["default"]
    if "$ref" in response:
        response = whole["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = response["content"]["application/json"]["schema"]
    require_valid(name, schema, answer.json())


def affinity_fits(route: str, answer: httpx.Response) -> None:
    require_fit("affinity-v2", route, answer)


@cache
def attio_routes() -> list[tuple[re.Pattern[str], str]]:
    """Attio's paths with their templates; those with fewer parameters come first."""
    routes = sorted(document("attio-v2")["paths"], key=lambda route: route.count("{"))
    return [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(route))), route) for route in routes]


def attio_route(path: str) -> str | None:
    """The template of a path, or None for one that is newer than the specification."""
    return next((route for pattern, route in attio_routes() if pattern.fullmatch(path)), None)


def require_attio_fit(answer: httpx.Response) -> None:
    """Fail unless a request that Attio took, and its answer, are as the specification says, or as a source does."""
    request = answer.request
    route = attio_route(request.url.path)
    operation = document("attio-v2")["paths"].get(route, {}).get(request.method.lower())
    if operation is None:
        return
    if answer.status_code < 400:
        require_attio_request(route, operation, request)
    response = operation["responses"].get(str(answer.status_code))
    schema = ERROR if response is None else response["content"]["application/json"]["schema"]
    body = answer.json()
    if answer.status_code == 400 and f"{request.method} {route}" in OTHER_ERRORS.get(body["code"], {}):
        schema = ERROR
    require_valid("attio-v2", schema, body)


def require_attio_request(route: str, operation: dict[str, Any], request: httpx.Request) -> None:
    known = {parameter["name"]: parameter for parameter in operation.get("parameters", ())}
    for name, text in request.url.params.items():
        assert name in known, f"{route} does not know {name}"
        allowed = known[name]["schema"].get("enum")
        assert allowed is None or text in allowed or (route, name) in NEWER_PARAMETERS
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        require_valid("attio-v2", schema, json.loads(request.content))


@pytest.fixture
async def checked(attio: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the simulated Attio that looks at everything that goes through it."""

    async def look(answer: httpx.Response) -> None:
        await answer.aread()
        require_attio_fit(answer)

    attio.event_hooks["response"].append(look)
    yield attio
    attio.event_hooks["response"].clear()


@pytest.fixture
async def company_id(attio: httpx.AsyncClient) -> str:
    made = await attio.post("/v2/objects/companies/records", json={"data": {"values": {"name": ["Parent"]}}})
    return made.json()["data"]["id"]["record_id"]


async def test_affinity_s_answers_fit(affinity: httpx.AsyncClient):
    everything = {"fieldTypes": ["enriched", "global"]}
    affinity_fits("/v2/auth/whoami", await affinity.get("/v2/auth/whoami"))
    for entity, singular in (("companies", "company"), ("persons", "person")):
        for params in ({}, {"limit": 3}, everything):
            affinity_fits(f"/v2/{entity}", await affinity.get(f"/v2/{entity}", params=params))
        affinity_fits(f"/v2/{entity}/fields", await affinity.get(f"/v2/{entity}/fields", params={"limit": 2}))
        row = (await affinity.get(f"/v2/{entity}")).json()["data"][-1]
        one = f"/v2/{entity}/{{{singular}Id}}"
        affinity_fits(one, await affinity.get(f"/v2/{entity}/{row['id']}", params=everything))
        affinity_fits(one, await affinity.get(f"/v2/{entity}/1"))


async def test_affinity_s_errors_fit(affinity: httpx.AsyncClient):
    affinity_fits("/v2/companies", await affinity.get("/v2/companies", params={"limit": 0}))
    affinity_fits("/v2/companies", await affinity.get("/v2/companies", headers={"Authorization": "Bearer no"}))
    for kind in ("forbidden", "rate_limit", "server_error"):
        await affinity.post("/_sandbox/faults", json={"kind": kind, "times": 1})
        affinity_fits("/v2/companies", await affinity.get("/v2/companies"))


async def test_attio_s_schema_operations_fit(checked: httpx.AsyncClient):
    companies, deals = "/v2/objects/companies/attributes", "/v2/objects/deals/attributes"
    for path in ("self", "objects", "objects/people", "objects/nothing", "workspace_members"):
        await checked.get(f"/v2/{path}")
    members = (await checked.get("/v2/workspace_members")).json()["data"]
    for member_id in (members[0]["id"]["workspace_member_id"], "nobody"):
        await checked.get(f"/v2/workspace_members/{member_id}")
    for path in (companies, deals, "/v2/objects/people/attributes"):
        await checked.get(path, params={"show_archived": "true", "limit": 5, "offset": 1})
    for data in (ATTRIBUTE, ATTRIBUTE, {}, {**ATTRIBUTE, "is_unique": True}):
        await checked.post(companies, json={"data": data})
    await checked.post("/v2/objects/nothing/attributes", json={"data": ATTRIBUTE})
    await checked.get(f"{companies}/conforming")
    await checked.get(f"{companies}/nothing")
    for name in ("conforming", "name"):
        await checked.patch(f"{companies}/{name}", json={"data": {"title": "Other"}})


async def test_attio_s_options_and_statuses_fit(checked: httpx.AsyncClient):
    options, statuses = (
        "/v2/objects/companies/attributes/categories/options",
        "/v2/objects/deals/attributes/stage/statuses",
    )
    for path in (options, statuses):
        for _ in range(2):
            await checked.post(path, json={"data": {"title": "Medium"}})
        await checked.get(path, params={"show_archived": "true"})
        await checked.patch(f"{path}/Medium", json={"data": {"title": "Large"}})
        await checked.patch(f"{path}/Nothing", json={"data": {"title": "Large"}})


async def test_attio_s_record_operations_fit(checked: httpx.AsyncClient):
    await checked.post("/v2/objects/companies/attributes/categories/options", json={"data": {"title": "SaaS"}})
    ids = {}
    for name, values in (("companies", COMPANY), ("people", PERSON), ("deals", DEAL)):
        path = f"/v2/objects/{name}/records"
        ids[name] = (await checked.post(path, json={"data": {"values": values}})).json()["data"]["id"]["record_id"]
        for body in ({}, {"limit": 10, "offset": 0, "sorts": [{"direction": "asc", "attribute": "created_at"}]}):
            await checked.post(f"{path}/query", json=body)
        one = f"{path}/{ids[name]}"
        await checked.get(one)
        await checked.get(f"{one}/entries", params={"limit": 5})
        await checked.get(f"{one}/attributes/name/values", params={"show_historic": "true"})
        for write in (checked.patch, checked.put):
            await write(one, json={"data": {"values": {}}})
    for matching in ("email_addresses", "nothing"):
        params = {"matching_attribute": matching}
        await checked.put("/v2/objects/people/records", params=params, json={"data": {"values": PERSON}})
    for _ in range(2):
        await checked.delete(f"/v2/objects/people/records/{ids['people']}")


@pytest.mark.parametrize(
    "values",
    [{"categories": ["Nowhere"]}, {"domains": ["conforming.com"]}, {"primary_location": [{}]}, {"name": ["a", "b"]}],
)
async def test_attio_s_refusals_of_records_fit(checked: httpx.AsyncClient, values: dict[str, Any]):
    path = "/v2/objects/companies/records"
    other = (await checked.post(path, json={"data": {"values": {"name": ["Other"]}}})).json()["data"]["id"]
    await checked.post(path, json={"data": {"values": {"domains": ["conforming.com"]}}})
    for _ in range(2):
        await checked.post(path, json={"data": {"values": {**COMPANY, **values}}})
    changed = await checked.patch(f"{path}/{other['record_id']}", json={"data": {"values": values}})
    assert changed.status_code == 400


async def test_attio_s_other_refusals_fit(checked: httpx.AsyncClient):
    records = "/v2/objects/{}/records"
    await checked.post(records.format("deals"), json={"data": {"values": {"name": ["Nobody's"]}}})
    for matching, values in (("name", {"name": ["Acme"]}), ("domains", {"name": ["Acme"]})):
        params = {"matching_attribute": matching}
        await checked.put(records.format("companies"), params=params, json={"data": {"values": values}})
    for domain in ("one.com", "two.com"):
        await checked.post(records.format("companies"), json={"data": {"values": {"domains": [domain]}}})
    both = {"data": {"values": {"domains": ["one.com", "two.com"]}}}
    await checked.put(records.format("companies"), params={"matching_attribute": "domains"}, json=both)
    await checked.post(f"{records.format('companies')}/query", json={"filter": {"nothing": "x"}})
    for kind in ("unauthorized", "forbidden", "rate_limit"):
        await checked.post("/_sandbox/faults", json={"kind": kind, "times": 1})
        assert (await checked.get("/v2/objects")).status_code in {401, 403, 429}


async def test_attio_s_lists_and_entries_fit(checked: httpx.AsyncClient, company_id: str):
    new = {
        "name": "Pipeline",
        "api_slug": "conforming",
        "parent_object": "companies",
        "workspace_access": "full-access",
        "workspace_member_access": [],
    }
    for data in (new, new, {}, {**new, "parent_object": "nothing"}):
        await checked.post("/v2/lists", json={"data": data})
    await checked.get("/v2/lists")
    for name in ("conforming", "nothing"):
        await checked.get(f"/v2/lists/{name}")
        await checked.patch(f"/v2/lists/{name}", json={"data": {"name": "Deals"}})
    attributes = "/v2/lists/conforming/attributes"
    await checked.get(attributes)
    for slug, kind, more in (("key", "text", {"is_unique": True}), ("tags", "select", {"is_multiselect": True})):
        await checked.post(attributes, json={"data": {**ATTRIBUTE, "api_slug": slug, "type": kind, **more}})
    await checked.post(f"{attributes}/tags/options", json={"data": {"title": "Hot"}})
    entries = "/v2/lists/conforming/entries"
    entry = {"parent_object": "companies", "parent_record_id": company_id, "entry_values": {"tags": ["Hot"]}}
    made = (await checked.put(entries, json={"data": entry})).json()["data"]["id"]["entry_id"]
    one = f"{entries}/{made}"
    await checked.get(one)
    for write in (checked.patch, checked.put):
        await write(one, json={"data": {"entry_values": {"key": ["1"]}}})
    await checked.get(f"{one}/attributes/key/values")
    for values in ({"key": ["1"]}, {"created_at": ["2020-01-01"]}, {"tags": ["Cold"]}, {}):
        await checked.post(entries, json={"data": {**entry, "entry_values": values}})
    await checked.put(entries, json={"data": entry})
    await checked.post(entries, json={"data": {}})
    await checked.patch(one, json={"data": {"entry_values": {}, "parent_record_id": made}})
    await checked.patch(one, json={"data": {"entry_values": {"tags": ["Cold"]}}})
    await checked.patch(f"{attributes}/key", json={"data": {"is_required": True}})
    await checked.post(entries, json={"data": entry})
    await checked.post(f"{entries}/query", json={"filter": {"key": "1"}, "limit": 10, "offset": 0})
    await checked.get(f"/v2/objects/companies/records/{company_id}/entries")
    for _ in range(2):
        await checked.delete(one)
        await checked.get(one)


async def test_attio_s_notes_fit(checked: httpx.AsyncClient, company_id: str):
    new = {
        "parent_object": "companies",
        "parent_record_id": company_id,
        "title": "Call",
        "format": "markdown",
        "content": "## Agenda\n- **Price**",
        "created_at": "2021-03-04T05:06:07Z",
    }
    made = (await checked.post("/v2/notes", json={"data": new})).json()["data"]["id"]["note_id"]
    await checked.post("/v2/notes", json={"data": {**new, "parent_object": "nothing"}})
    for params in ({}, {"parent_object": "companies", "parent_record_id": company_id, "limit": 50, "offset": 0}):
        await checked.get("/v2/notes", params=params)
    for method in ("GET", "DELETE", "GET", "DELETE"):
        await checked.request(method, f"/v2/notes/{made}")


async def test_attio_s_tasks_fit(checked: httpx.AsyncClient, company_id: str):
    member = (await checked.get("/v2/workspace_members")).json()["data"][0]["id"]["workspace_member_id"]
    new = {
        "content": "Call them",
        "format": "plaintext",
        "deadline_at": "2030-01-01T00:00:00.000000000Z",
        "is_completed": False,
        "linked_records": [{"target_object": "companies", "target_record_id": company_id}],
        "assignees": [{"referenced_actor_type": "workspace-member", "referenced_actor_id": member}],
    }
    made = (await checked.post("/v2/tasks", json={"data": new})).json()["data"]["id"]["task_id"]
    for data in ({}, {**new, "content": "x" * 2001}, {**new, "assignees": [{"workspace_member_email_address": "x"}]}):
        assert (await checked.post("/v2/tasks", json={"data": data})).status_code in {400, 404}
    for params in ({}, {"linked_object": "companies", "linked_record_id": company_id}, {"sort": "completed_at:desc"}):
        await checked.get("/v2/tasks", params=params)
    for data in ({"is_completed": True}, {"content": "Changed"}):
        await checked.patch(f"/v2/tasks/{made}", json={"data": data})
    for method in ("GET", "DELETE", "GET", "DELETE"):
        await checked.request(method, f"/v2/tasks/{made}")


async def test_attio_s_comments_fit(checked: httpx.AsyncClient, company_id: str):
    member = (await checked.get("/v2/workspace_members")).json()["data"][0]["id"]["workspace_member_id"]
    new = {"format": "plaintext", "content": "Well", "author": {"type": "workspace-member", "id": member}}
    on_record = {**new, "record": {"object": "companies", "record_id": company_id}}
    head = (await checked.post("/v2/comments", json={"data": on_record})).json()["data"]
    reply = {**new, "thread_id": head["thread_id"], "created_at": "2021-03-04T05:06:07Z"}
    await checked.post("/v2/comments", json={"data": reply})
    for data in ({**new, "thread_id": company_id}, new):
        assert (await checked.post("/v2/comments", json={"data": data})).json()["statusCode"] == 400
    for params in ({}, {"object": "companies", "record_id": company_id, "limit": 50, "offset": 0}):
        await checked.get("/v2/threads", params=params)
    for thread_id in (head["thread_id"], company_id):
        await checked.get(f"/v2/threads/{thread_id}")
    for method in ("GET", "DELETE", "GET", "DELETE"):
        await checked.request(method, f"/v2/comments/{head['id']['comment_id']}")


async def test_attio_s_webhooks_fit(checked: httpx.AsyncClient):
    subscriptions = [
        {"event_type": "note.created", "filter": None},
        {"event_type": "record.updated", "filter": {"$or": [{"field": "id", "operator": "equals", "value": "x"}]}},
    ]
    new = {"target_url": "https://example.com/hook", "subscriptions": subscriptions}
    made = (await checked.post("/v2/webhooks", json={"data": new})).json()["data"]["id"]["webhook_id"]
    for data in (new, {}, {**new, "target_url": "http://example.com"}):
        assert (await checked.post("/v2/webhooks", json={"data": data})).status_code in {400, 409}
    await checked.get("/v2/webhooks", params={"limit": 10, "offset": 0})
    await checked.patch(f"/v2/webhooks/{made}", json={"data": {"subscriptions": subscriptions[:1]}})
    for method in ("GET", "DELETE", "GET", "DELETE"):
        await checked.request(method, f"/v2/webhooks/{made}")
    assert (await checked.patch(f"/v2/webhooks/{made}", json={"data": {}})).status_code == 404


async def test_attio_s_objects_fit(checked: httpx.AsyncClient):
    new = {"api_slug": "funds", "singular_noun": "Fund", "plural_noun": "Funds"}
    for data in (new, new):
        await checked.post("/v2/objects", json={"data": data})
    for name in ("funds", "nothing"):
        await checked.patch(f"/v2/objects/{name}", json={"data": {"plural_noun": "Vehicles"}})
    await checked.patch("/v2/objects/funds", json={"data": {}})
    await checked.post("/v2/objects/funds/records", json={"data": {"values": {"name": ["Fund I"]}}})
