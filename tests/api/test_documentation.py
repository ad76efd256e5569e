"""The API's own description."""

import copy
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from freight import __version__, database
from freight.sandbox import Sandbox
from support.service import Service, Tenant, job_request

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
async def document(service: Service) -> dict[str, Any]:
    async with service.client() as client:
        answer = await client.get("/schema/openapi.json")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in item.keys() & METHODS:
            yield method, path, item[method]


def request_schema(document: dict[str, Any]) -> dict[str, Any]:
    post = document["paths"]["/api/v1/jobs"]["post"]
    schema: dict[str, Any] = post["requestBody"]["content"]["application/json"]["schema"]
    return schema


def check(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(value)


async def test_programs_get_the_document_at_the_schema_and_browsers_a_page(
    service: Service, document: dict[str, Any]
) -> None:
    async with service.client() as client:
        assert (await client.get("/schema")).json() == document
        assert (await client.get("/schema", headers={"Accept": "application/json"})).json() == document
        browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
        led = await client.get("/schema", headers=browser)
        assert (led.status_code, led.headers["Location"]) == (303, "/schema/swagger")
        page = await client.get("/schema/swagger", headers=browser)
        assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        yaml = await client.get("/schema/openapi.yaml")
        assert yaml.status_code == 200
        assert "openapi: 3.1.0" in yaml.text


async def test_the_usual_addresses_lead_to_the_description(service: Service) -> None:
    async with service.client() as client:
        for path, target in (
            ("/api/docs", "/schema/swagger"),
            ("/api/redoc", "/schema/redoc"),
            ("/api/openapi.json", "/schema/openapi.json"),
        ):
            led = await client.get(path)
            assert (led.is_redirect, led.headers["Location"]) == (True, target)
            assert (await client.get(target)).status_code == 200


async def test_the_document_says_what_it_describes_and_how_to_get_in(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert (document["info"]["title"], document["info"]["version"]) == ("Freight", __version__)
    assert document["servers"]
    scheme = document["components"]["securitySchemes"]["ApiKey"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "X-API-Key")


async def test_every_operation_is_described_with_its_errors(document: dict[str, Any]) -> None:
    names = set()
    for _, path, operation in operations(document):
        names.add(operation["operationId"])
        assert operation["summary"]
        assert operation["description"]
        assert operation["tags"]
        needs_key = path.startswith("/api/v1/")
        assert operation["security"] == ([{"ApiKey": []}] if needs_key else [{}])
        statuses = set(operation["responses"])
        assert not needs_key or statuses >= {"400", "401", "403", "500", "503"}
        for status in statuses:
            (content,) = operation["responses"][status]["content"].values()
            assert not needs_key or (content["schema"] == {"$ref": "#/components/schemas/Error"}) == (status >= "4")
    assert len(names) == len(list(operations(document)))


async def test_every_example_of_a_request_works_when_it_is_sent(
    document: dict[str, Any], tenant: Tenant, sandbox: Sandbox
) -> None:
    examples = request_schema(document)["examples"]
    assert len(examples) == 2
    for example in examples:
        check(example, request_schema(document), document)
        request = copy.deepcopy(example)
        for side in ("source_config", "target_config"):
            # Only the vendors' accounts are the reader's own.
            request[side] |= job_request(sandbox)[side]
        answer = await tenant.client.post("/api/v1/jobs", json=request)
        assert answer.status_code == 201, answer.text
        async with database.as_tenant(tenant.id) as tx:
            await tx.execute("UPDATE jobs SET status = 'completed'")


async def test_every_example_of_a_parameter_works_when_it_is_sent(
    document: dict[str, Any], tenant: Tenant, sandbox: Sandbox
) -> None:
    job = (await tenant.client.post("/api/v1/jobs", json=job_request(sandbox))).json()
    for method, path, operation in operations(document):
        for parameter in operation.get("parameters", []):
            for example in parameter.get("examples", {}).values():
                address = path.replace("{job_id}", job["id"])
                answer = await tenant.client.request(method, address, params={parameter["name"]: example["value"]})
                assert answer.status_code == 200, answer.text


async def test_answers_are_what_the_document_says(document: dict[str, Any], tenant: Tenant, sandbox: Sandbox) -> None:
    answers = [("/api/v1/jobs", "post", await tenant.client.post("/api/v1/jobs", json=job_request(sandbox)))]
    job = answers[0][2].json()
    answers += [
        ("/api/v1/jobs", "post", await tenant.client.post("/api/v1/jobs", json=job_request(sandbox))),
        ("/api/v1/jobs", "post", await tenant.client.post("/api/v1/jobs", json={})),
        ("/api/v1/jobs", "get", await tenant.client.get("/api/v1/jobs")),
        ("/api/v1/jobs/{job_id}", "get", await tenant.client.get(job["links"]["self"])),
        ("/api/v1/jobs/{job_id}/logs", "get", await tenant.client.get(job["links"]["logs"])),
        ("/health", "get", await tenant.client.get("/health")),
        ("/health/live", "get", await tenant.client.get("/health/live")),
        ("/health/ready", "get", await tenant.client.get("/health/ready")),
    ]
    for path, method, answer in answers:
        response = document["paths"][path][method]["responses"][str(answer.status_code)]
        check(answer.json(), response["content"]["application/json"]["schema"], document)
        assert all(header in answer.headers for header in response.get("headers", {}))
