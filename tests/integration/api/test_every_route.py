"""What holds for every route that there is, those added later included: they are taken from the application itself."""

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from freight import queue
from freight.app import create_app
from freight.deployment import Deployment
from freight.domain.tenancy.api_keys import ALL_SCOPES, Scope
from freight.encryption import CredentialCipher
from freight_sandbox import Sandbox
from support import rows
from support.errors import error_of
from support.service import Service, Tenant, job_request

OPEN = {
    "GET /api/docs",
    "GET /api/openapi.json",
    "GET /api/redoc",
    "GET /health",
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
}
"""All that needs no key, besides what tells how the API is to be used."""

DOCUMENTATION = "/schema"

SCOPES: dict[str, dict[str, Scope | None]] = {
    "jobs": {"GET": "jobs:read", "*": "jobs:write"},
    "stats": {"GET": "jobs:read"},
    "keys": {"*": "admin"},
    "webhooks": {"*": "admin"},
    "audit": {"GET": "admin"},
    "tenants": {"*": None},
}
"""The scope that each noun's methods need; None is for the platform's administrator."""

OBJECTS = {
    "job_id": "jobs",
    "batch_id": "batches",
    "record_id": "records",
    "key_id": "api_keys",
    "webhook_id": "webhooks",
    "delivery_id": "webhook_deliveries",
    "tenant_id": "tenants",
}
"""Which table the object is in that a parameter of a path names."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path."""

    method: str
    path: str
    parameters: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def requires_api_key(self) -> bool:
        return str(self) not in OPEN and not self.path.startswith(DOCUMENTATION)

    @property
    def scope(self) -> Scope | None:
        methods = SCOPES[self.path.split("/")[3]]
        return methods.get(self.method, methods.get("*"))

    def address(self, ids: dict[str, Any]) -> str:
        """The path with these objects' ids in it."""
        return self.path.format(**{name: ids[OBJECTS[name]] for name in self.parameters})


@pytest.fixture(scope="module")
async def routes(service: Service) -> list[Route]:
    """Every route of the application but OPTIONS, which browsers ask without a key."""
    settings = service.settings
    database_url, redis_url = settings.database_url or "", settings.redis_url or ""
    deployment = Deployment(
        settings=settings, database_url=database_url, redis_url=redis_url, cipher=CredentialCipher(settings.secrets)
    )
    litestar = innermost(create_app(deployment, queue.connect(redis_url), asyncio.Event()))
    found = [
        Route(method=method, path=route.path_format, parameters=tuple(route.path_parameters))
        for route in litestar.routes
        if isinstance(route, HTTPRoute)
        for method in sorted(route.methods - {"OPTIONS"})
    ]
    assert all(isinstance(route, HTTPRoute) for route in litestar.routes)
    return found


@pytest.fixture(scope="module")
async def guarded(routes: list[Route]) -> list[Route]:
    """The routes that need a key."""
    return [route for route in routes if route.requires_api_key]


@pytest.fixture(scope="module")
async def bodies(service: Service) -> dict[str, Any]:
    """A body that is as it should be for each operation that takes one, by `METHOD path`."""
    async with service.client() as client:
        document = (await client.get("/schema/openapi.json")).json()
    found: dict[str, Any] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if "requestBody" in operation:
                (content,) = operation["requestBody"]["content"].values()
                found[f"{method.upper()} {path}"] = example(content)
    return found


@pytest.fixture
async def objects(tenant: Tenant, sandbox: Sandbox) -> dict[str, Any]:
    return await objects_of(tenant, sandbox)


@pytest.fixture
async def others_objects(other_tenant: Tenant, sandbox: Sandbox) -> dict[str, Any]:
    return await objects_of(other_tenant, sandbox)


async def objects_of(tenant: Tenant, sandbox: Sandbox) -> dict[str, Any]:
    """The id of an object of the tenant in every table."""
    answer = await tenant.client.post("/api/v1/jobs", json=job_request(sandbox))
    assert answer.status_code == 201
    # Not the key that the requests are made with, which one of them would revoke.
    key = await tenant.client.post("/api/v1/keys", json={"name": "another", "scopes": ["jobs:read"]})
    return {**await rows.fill_all(tenant.id), "tenants": tenant.id, "api_keys": key.json()["id"]}


def innermost(app: Any) -> Litestar:
    """The Litestar application within whatever is wrapped around it."""
    seen: list[Any] = [app]
    for one in seen:
        if isinstance(one, Litestar):
            return one
        seen += vars(one).values() if hasattr(one, "__dict__") else ()
    raise AssertionError("there is no Litestar in it")


def example(content: dict[str, Any]) -> Any:
    """The first example of a body."""
    examples = content.get("examples") or {}
    return next((one["value"] for one in examples.values()), None) or content["schema"]["examples"][0]


async def status(client: httpx.AsyncClient, route: Route, ids: dict[str, Any], body: Any = None) -> httpx.Response:
    """The answer; of one that is a success only its beginning, because some never end."""
    async with client.stream(route.method, route.address(ids), json=body) as answer:
        if answer.is_error:
            await answer.aread()
        return answer


def foreign_combinations(route: Route, own: dict[str, Any], foreign: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every way to name objects in the path of which at least one is another tenant's."""
    for choice in itertools.product((own, foreign), repeat=len(route.parameters)):
        if any(one is foreign for one in choice):
            names = (OBJECTS[name] for name in route.parameters)
            yield {name: one[name] for name, one in zip(names, choice, strict=True)}


async def test_what_needs_no_key_is_only_what_is_meant_to_be_open(routes: list[Route], guarded: list[Route]) -> None:
    assert {str(route) for route in routes if not route.path.startswith(DOCUMENTATION)} >= OPEN
    assert {str(route) for route in routes} - {str(route) for route in guarded} - OPEN == {
        str(route) for route in routes if route.path.startswith(DOCUMENTATION)
    }
    assert all(route.method in ("GET", "HEAD") for route in routes if not route.requires_api_key)
    assert all(route.path.startswith("/api/v1/") for route in guarded)


async def test_every_other_route_answers_401_without_a_key(
    service: Service, guarded: list[Route], objects: dict[str, Any], bodies: dict[str, Any]
) -> None:
    async with service.client() as client:
        for route in guarded:
            for body in {None: None, "body": bodies.get(str(route))}.values():
                error = error_of(await status(client, route, objects, body), 401)
                assert error["error"] == "unauthorized", route


async def test_every_route_opens_for_one_scope_and_answers_403_to_keys_without_it(
    service: Service, guarded: list[Route], objects: dict[str, Any], bodies: dict[str, Any], other_tenant: Tenant
) -> None:
    for scopes in ([], *([scope] for scope in ALL_SCOPES), ALL_SCOPES):
        async with service.client(await service.new_key(other_tenant.id, scopes)) as client:
            for route in guarded:
                if route.scope in scopes and not route.parameters:
                    continue
                answer = await status(client, route, objects, bodies.get(str(route)))
                if route.scope in scopes:
                    error_of(answer, 404)
                else:
                    assert error_of(answer, 403)["error"] == "forbidden", (route, scopes)


async def test_the_administrator_s_key_opens_only_the_platform_s_own(
    guarded: list[Route], objects: dict[str, Any], bodies: dict[str, Any], administrator: httpx.AsyncClient
) -> None:
    for route in guarded:
        if route.scope is not None and not route.path.endswith("/audit"):
            error = error_of(await status(administrator, route, objects, bodies.get(str(route))), 403)
            assert error["details"][0]["type"] == "tenant_key_needed", route


async def test_every_route_answers_404_to_the_ids_of_another_tenant(
    guarded: list[Route],
    objects: dict[str, Any],
    others_objects: dict[str, Any],
    bodies: dict[str, Any],
    other_tenant: Tenant,
) -> None:
    called = 0
    for route in guarded:
        if route.scope is None:
            continue
        for ids in foreign_combinations(route, others_objects, objects):
            answer = await status(other_tenant.client, route, ids, bodies.get(str(route)))
            assert answer.status_code == 404, (str(route), answer.status_code)
            assert error_of(answer, 404)["error"] == "not_found"
            called += 1
    assert called


async def test_every_route_finds_the_tenant_s_own_ids(
    guarded: list[Route], objects: dict[str, Any], bodies: dict[str, Any], tenant: Tenant
) -> None:
    # What ends an object comes last, and of these the innermost first.
    for route in sorted(guarded, key=lambda route: (route.method == "DELETE", -len(route.parameters))):
        if route.scope is not None and route.parameters:
            answer = await status(tenant.client, route, objects, bodies.get(str(route)))
            assert answer.status_code < 500, str(route)
            assert answer.status_code not in (401, 403, 404, 405), (str(route), answer.status_code)


async def test_a_revoked_key_and_a_suspended_tenant_s_are_refused_by_every_route(
    service: Service,
    guarded: list[Route],
    objects: dict[str, Any],
    tenant: Tenant,
    administrator: httpx.AsyncClient,
) -> None:
    key = (await tenant.client.post("/api/v1/keys", json={"name": "x", "scopes": list(ALL_SCOPES)})).json()
    assert (await tenant.client.delete(f"/api/v1/keys/{key['id']}")).status_code == 204
    assert (await administrator.patch(f"/api/v1/tenants/{tenant.id}", json={"suspended": True})).status_code == 200
    async with service.client(key["key"]) as revoked:
        for route in guarded:
            error_of(await status(revoked, route, objects), 401)
            assert error_of(await status(tenant.client, route, objects), 403)["error"] == "tenant_suspended", route
