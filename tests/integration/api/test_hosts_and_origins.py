"""From where, under which names and with how much the API may be asked."""

import msgspec
import pytest

from freight.settings import Settings
from support.errors import error_of
from support.service import Service, Tenant

JOBS = "/api/v1/jobs"
APP = "https://app.example.com"


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(
        settings,
        allowed_hosts="127.0.0.1, freight.example.com, *.internal.example.com",
        cors_origins=APP,
        largest_body=10_000,
    )


@pytest.mark.parametrize("host", ["freight.example.com", "FREIGHT.example.com:8443", "a.internal.example.com"])
async def test_the_api_answers_under_its_names_on_any_port(tenant: Tenant, host: str) -> None:
    assert (await tenant.client.get(JOBS, headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", ["evil.example.com", "internal.example.com.evil.com", "xfreight.example.com", "[", ""])
async def test_under_any_other_name_it_refuses(tenant: Tenant, host: str) -> None:
    for path in (JOBS, "/schema/openapi.json", "/api/docs"):
        error = error_of(await tenant.client.get(path, headers={"Host": host}), 400)
        assert error["details"][0]["type"] == "unknown_host"


async def test_health_and_metrics_are_answered_under_any_name(service: Service) -> None:
    async with service.client() as client:
        for path in ("/health/live", "/health/ready", "/metrics"):
            assert (await client.get(path, headers={"Host": "10.0.0.7"})).status_code == 200


async def test_pages_of_allowed_origins_may_use_the_api_and_read_its_headers(tenant: Tenant) -> None:
    asked = {
        "Origin": APP,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-api-key, content-type, idempotency-key",
    }
    preflight = await tenant.client.options(JOBS, headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == APP
    for answer in (
        await tenant.client.get(JOBS, headers={"Origin": APP}),
        await tenant.client.get(JOBS, headers={"Origin": APP, "X-API-Key": "wrong"}),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == APP
        assert {"ETag", "X-RateLimit-Remaining", "X-Request-ID", "Retry-After"} <= set(
            answer.headers["Access-Control-Expose-Headers"].split(", ")
        )
        assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_pages_of_other_origins_may_not(tenant: Tenant) -> None:
    asked = {"Origin": "https://evil.example.com", "Access-Control-Request-Method": "GET"}
    assert (await tenant.client.options(JOBS, headers=asked)).status_code == 400
    answer = await tenant.client.get(JOBS, headers={"Origin": "https://evil.example.com"})
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_body_may_be_as_large_as_the_setting_says(tenant: Tenant) -> None:
    error_of(await tenant.client.post(JOBS, json={"name": "x" * 5_000}), 422)
    error_of(await tenant.client.post(JOBS, json={"name": "x" * 10_000}), 413)


@pytest.mark.parametrize("levels", [21, 5_000])
async def test_a_body_may_not_be_nested_without_end(tenant: Tenant, levels: int) -> None:
    for body in (b"[" * levels + b"]" * levels, b'{"labels":' * levels + b"1" + b"}" * levels):
        error = error_of(
            await tenant.client.post(JOBS, content=body[:9_999], headers={"Content-Type": "application/json"}), 400
        )
        assert error["details"][0]["type"] == "malformed_json"


async def test_what_an_answer_depends_on_is_said_with_an_origin_and_without_one(tenant: Tenant) -> None:
    for headers in ({}, {"Origin": APP}, {"Origin": "https://elsewhere.example.com"}):
        answer = await tenant.client.get("/api/v1/jobs", headers=headers)
        assert {"Accept-Encoding", "X-API-Key", "Origin"} <= set(answer.headers["Vary"].split(", "))
