"""The simulated vendors' answers fit the OpenAPI documents that the vendors publish."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema
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
ATTRIBUTES = "/v2/{target}/{identifier}/attributes"
RECORDS = "/v2/objects/{object}/records"


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


def require_fit(name: str, route: str, answer: httpx.Response) -> None:
    """Fail unless the answer has the shape that the document gives this operation and status."""
    whole = document(name)
    operation = whole["paths"][route][answer.request.method.lower()]
    response = operation["responses"].get(str(answer.status_code)) or operation["responses"]["default"]
    if "$ref" in response:
        response = whole["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = response["content"]["application/json"]["schema"]
    validator = jsonschema.Draft202012Validator({**schema, "components": whole["components"]})
    validator.validate(answer.json())


def affinity_fits(route: str, answer: httpx.Response) -> None:
    require_fit("affinity-v2", route, answer)


def attio_fits(route: str, answer: httpx.Response) -> None:
    require_fit("attio-v2", route, answer)


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


async def test_attio_s_schema_operations_fit(attio: httpx.AsyncClient):
    companies, deals = "/v2/objects/companies/attributes", "/v2/objects/deals/attributes"
    attio_fits("/v2/self", await attio.get("/v2/self"))
    attio_fits("/v2/objects", await attio.get("/v2/objects"))
    attio_fits("/v2/objects/{object}", await attio.get("/v2/objects/people"))
    attio_fits("/v2/objects/{object}", await attio.get("/v2/objects/nothing"))
    attio_fits("/v2/workspace_members", await attio.get("/v2/workspace_members"))
    for path in (companies, deals, "/v2/objects/people/attributes"):
        attio_fits(ATTRIBUTES, await attio.get(path))
    attio_fits(ATTRIBUTES, await attio.post(companies, json={"data": ATTRIBUTE}))
    attio_fits(ATTRIBUTES, await attio.post(companies, json={"data": ATTRIBUTE}))
    attio_fits(ATTRIBUTES, await attio.post(companies, json={"data": {}}))
    one = ATTRIBUTES + "/{attribute}"
    attio_fits(one, await attio.get(f"{companies}/conforming"))
    attio_fits(one, await attio.get(f"{companies}/nothing"))
    attio_fits(one, await attio.patch(f"{companies}/conforming", json={"data": {"title": "Other"}}))
    attio_fits(one, await attio.patch(f"{companies}/name", json={"data": {"title": "Other"}}))


async def test_attio_s_options_and_statuses_fit(attio: httpx.AsyncClient):
    options, statuses = (
        "/v2/objects/companies/attributes/categories/options",
        "/v2/objects/deals/attributes/stage/statuses",
    )
    for path, kind, name in ((options, "options", "option"), (statuses, "statuses", "status")):
        route = f"{ATTRIBUTES}/{{attribute}}/{kind}"
        attio_fits(route, await attio.post(path, json={"data": {"title": "Medium"}}))
        attio_fits(route, await attio.post(path, json={"data": {"title": "Medium"}}))
        attio_fits(route, await attio.get(path))
        changed = await attio.patch(f"{path}/Medium", json={"data": {"title": "Large"}})
        attio_fits(f"{route}/{{{name}}}", changed)


async def test_attio_s_record_operations_fit(attio: httpx.AsyncClient):
    (await attio.post("/v2/objects/companies/attributes/categories/options", json={"data": {"title": "SaaS"}}))
    location = dict.fromkeys(
        ("line_1", "line_2", "line_3", "line_4", "locality", "region", "postcode", "latitude", "longitude")
    )
    company = {
        "name": "Acme",
        "domains": ["conforming.com"],
        "categories": ["SaaS"],
        "primary_location": {**location, "country_code": "DE"},
    }
    person = {
        "email_addresses": ["jane@conforming.com"],
        "name": "Doe, Jane",
        "phone_numbers": ["+442079460123"],
        "job_title": "CEO",
    }
    deal = {"name": "Deal", "stage": "Lead", "owner": "ada@sandbox-ventures.com", "value": 12.5}
    ids = {}
    for name, values in (("companies", company), ("people", person), ("deals", deal)):
        made = await attio.post(f"/v2/objects/{name}/records", json={"data": {"values": values}})
        attio_fits(RECORDS, made)
        ids[name] = made.json()["data"]["id"]["record_id"]
        attio_fits(f"{RECORDS}/query", await attio.post(f"/v2/objects/{name}/records/query", json={}))
        path = f"/v2/objects/{name}/records/{ids[name]}"
        for answer in (
            await attio.get(path),
            await attio.patch(path, json={"data": {"values": {}}}),
            await attio.put(path, json={"data": {"values": {}}}),
        ):
            attio_fits(f"{RECORDS}/{{record_id}}", answer)
    upsert = {"matching_attribute": "email_addresses"}
    attio_fits(RECORDS, await attio.put("/v2/objects/people/records", params=upsert, json={"data": {"values": person}}))
    unknown = {"matching_attribute": "nothing"}
    attio_fits(
        RECORDS, await attio.put("/v2/objects/people/records", params=unknown, json={"data": {"values": person}})
    )
    lost = {"data": {"values": {"categories": ["Nowhere"]}}}
    attio_fits(RECORDS, await attio.post("/v2/objects/companies/records", json=lost))
    for _ in range(2):
        attio_fits(f"{RECORDS}/{{record_id}}", await attio.delete(f"/v2/objects/people/records/{ids['people']}"))
