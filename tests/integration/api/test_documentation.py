"""The API's own description."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema
import msgspec
import pytest
from litestar import Response

from freight import __version__, database
from freight.api.http.request_log import with_head
from freight.api.openapi.config import openapi_config
from freight.settings import Settings
from freight_sandbox import Sandbox
from support.errors import error_of
from support.service import Service, Tenant, job_request

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """The examples' webhooks need not be looked up."""
    return msgspec.structs.replace(settings, webhook_hosts="example.com")


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
        requires_api_key = path.startswith("/api/v1/")
        assert operation["security"] == ([{"ApiKey": []}] if requires_api_key else [{}])
        statuses = set(operation["responses"])
        if requires_api_key:
            assert statuses >= {"400", "401", "403", "429", "500", "503"}
            assert "{" not in path or "404" in statuses
            assert "requestBody" not in operation or statuses >= {"413", "415", "422"}
            places = {parameter["in"] for parameter in operation.get("parameters", [])}
            assert "query" not in places or "422" in statuses
        for status in statuses - {"204", "304"}:
            assert operation["responses"][status]["description"]
            for content in operation["responses"][status]["content"].values():
                assert not requires_api_key or (content["schema"] == {"$ref": "#/components/schemas/Error"}) == (
                    status >= "4"
                )
    assert len(names) == len(list(operations(document)))


async def test_every_body_has_examples_and_they_fit_its_schema(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            named = schema if "examples" in schema else document["components"]["schemas"][schema["$ref"].split("/")[-1]]
            assert named["examples"], path
            for example in named["examples"]:
                check(example, schema, document)
        for status, response in operation["responses"].items():
            for media_type, content in response.get("content", {}).items():
                examples = [example["value"] for example in content.get("examples", {}).values()]
                assert examples or not path.startswith("/api/v1/"), (path, status)
                assert examples or status >= "4", (path, status)
                for example in examples if media_type == "application/json" else ():
                    check(example, content["schema"], document)


async def test_every_example_of_a_job_works_when_it_is_sent(
    document: dict[str, Any], tenant: Tenant, sandbox: Sandbox
) -> None:
    examples = request_schema(document)["examples"]
    assert len(examples) == 4
    for example in examples:
        request = copy.deepcopy(example)
        for side in ("source_config", "target_config"):
            # Only the vendors' accounts are the reader's own.
            request[side] |= job_request(sandbox)[side]
        answer = await tenant.client.post("/api/v1/jobs", json=request)
        assert answer.status_code == 201, answer.text
        async with database.as_tenant(tenant.id) as tx:
            await tx.execute("UPDATE jobs SET status = 'completed'")


async def test_every_other_example_works_when_it_is_sent(
    document: dict[str, Any], tenant: Tenant, administrator: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    ids = {"job_id": await a_new(tenant.client, "jobs", job_request(sandbox))}
    ids["webhook_id"] = await a_new(tenant.client, "webhooks", {"url": "https://example.com/freight"})
    ids["key_id"] = await a_new(tenant.client, "keys", {"name": "another", "scopes": ["jobs:read"]})
    ids["tenant_id"] = await a_new(administrator, "tenants", {"name": "Another tenant"})
    sent = 0
    for method, path, operation in operations(document):
        if (method, path) == ("post", "/api/v1/jobs") or not set(re.findall(r"{(\w+)}", path)) <= set(ids):
            continue
        client = administrator if path.startswith("/api/v1/tenants") else tenant.client
        for request in requests_of(operation, document):
            answer = await client.request(method, path.format(**ids), **request)
            # What depends on the state of a job may be out of place for this one.
            assert answer.is_success or answer.status_code in (304, 409), (path, request, answer.text)
            sent += 1
    assert sent > 30


async def a_new(client: httpx.AsyncClient, kind: str, body: dict[str, Any]) -> str:
    answer = await client.post(f"/api/v1/{kind}", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def requests_of(operation: dict[str, Any], document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parameters and bodies of the examples of an operation."""
    for parameter in operation.get("parameters", []):
        for example in parameter.get("examples", {}).values():
            where = {"query": "params", "header": "headers"}.get(parameter["in"])
            if where is not None:
                yield {where: {parameter["name"]: example["value"]}}
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        named = schema if "examples" in schema else document["components"]["schemas"][schema["$ref"].split("/")[-1]]
        for example in named["examples"]:
            yield {"json": example}


@pytest.mark.parametrize("page", ["swagger", "redoc", "scalar"])
async def test_a_page_runs_nothing_but_its_own_scripts_and_stands_in_no_frame(service: Service, page: str) -> None:
    async with service.client() as client:
        answer = await client.get(f"/schema/{page}")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert policy.count("sha256-") == len(re.findall(r"<script(?![^>]*\ssrc=)", answer.text))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_pages_may_ask_the_server_that_clients_reach() -> None:
    config = openapi_config("https://freight.example.com/")
    assert config.openapi_router is not None
    protect = config.openapi_router.after_request
    assert protect is not None
    answer = await protect(Response(b"<html></html>", media_type="text/html"))  # type: ignore[misc]
    assert "connect-src 'self' https://freight.example.com" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["%00", "x" * 3000, "..%2f..%2fetc%2fpasswd", "offapi", "templates.py"])
async def test_a_file_of_the_pages_that_does_not_exist_is_404(service: Service, name: str) -> None:
    async with service.client() as client:
        assert error_of(await client.get(f"/schema-assets/{name}"), 404)["error"] == "not_found"


@pytest.mark.parametrize("page", ["swagger", "redoc", "scalar"])
async def test_a_page_loads_nothing_from_elsewhere(service: Service, page: str) -> None:
    async with service.client() as client:
        html = (await client.get(f"/schema/{page}")).text
        loaded = re.findall(r"""<(?:script|link)[^>]+(?:src|href)=["']([^"']+)""", html)
        assert loaded
        for address in loaded:
            assert address.startswith("/schema-assets/")
            file = await client.get(address)
            assert (file.status_code, len(file.content) > 10_000) == (200, True)
        assert (await client.get("/schema-assets/../__init__.py")).status_code == 404


async def test_the_document_names_the_server_by_which_clients_reach_it() -> None:
    assert [server.url for server in openapi_config("https://freight.example.com/").servers] == [
        "https://freight.example.com"
    ]
    assert [server.url for server in openapi_config(None).servers] == ["/"]


async def test_options_names_all_methods_of_a_path(document: dict[str, Any], tenant: Tenant) -> None:
    for path, item in document["paths"].items():
        if path.startswith("/api/v1/") and "{" not in path and not path.startswith("/api/v1/tenants"):
            answer = await tenant.client.options(path)
            methods = {method.upper() for method in item.keys() & METHODS}
            assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (
                204,
                with_head(methods | {"OPTIONS"}),
            )


async def test_answers_are_what_the_document_says(document: dict[str, Any], tenant: Tenant, sandbox: Sandbox) -> None:
    answers = [("/api/v1/jobs", "post", await tenant.client.post("/api/v1/jobs", json=job_request(sandbox)))]
    job = answers[0][2].json()
    answers += [
        ("/api/v1/jobs", "post", await tenant.client.post("/api/v1/jobs", json=job_request(sandbox))),
        ("/api/v1/jobs", "post", await tenant.client.post("/api/v1/jobs", json={})),
        ("/api/v1/jobs", "get", await tenant.client.get("/api/v1/jobs")),
        ("/api/v1/jobs/{job_id}", "get", await tenant.client.get(job["links"]["self"])),
        ("/api/v1/jobs/{job_id}/logs", "get", await tenant.client.get(job["links"]["logs"])),
        ("/api/v1/jobs/{job_id}/report", "get", await tenant.client.get(job["links"]["report"])),
        ("/health", "get", await tenant.client.get("/health")),
        ("/health/live", "get", await tenant.client.get("/health/live")),
        ("/health/ready", "get", await tenant.client.get("/health/ready")),
    ]
    for path, method, answer in answers:
        response = document["paths"][path][method]["responses"][str(answer.status_code)]
        check(answer.json(), response["content"]["application/json"]["schema"], document)
        assert all(header in answer.headers for header in response.get("headers", {}))
