"""Who is let in."""

import pytest

from freight import database
from freight.domain.tenancy import api_keys
from freight_sandbox import Sandbox
from support.errors import error_of
from support.service import Service, Tenant, job_request

JOBS = "/api/v1/jobs"


async def test_without_a_key_the_answer_is_401(service: Service) -> None:
    async with service.client() as client:
        for answer in (await client.get(JOBS), await client.get(JOBS, headers={"X-API-Key": ""})):
            error = error_of(answer, 401)
            assert (error["error"], error["message"]) == ("unauthorized", "API key required")
            assert answer.headers["WWW-Authenticate"].startswith("ApiKey")


@pytest.mark.parametrize("key", ["x", "frt_live_", "frt_prod_" + "a" * 36, "frt_live_" + "a" * 36, "\xe9" * 45])
async def test_a_key_of_another_form_or_with_a_typo_is_refused_as_such(key: str, service: Service) -> None:
    async with service.client() as client:
        answer = await client.get(JOBS, headers={b"X-API-Key": key.encode("latin-1")})
    error = error_of(answer, 401)
    assert error["message"] == "Invalid API key format"
    assert "WWW-Authenticate" in answer.headers


async def test_a_well_formed_key_that_nobody_was_given_is_refused(service: Service) -> None:
    async with service.client(api_keys.generate("test")) as client:
        error = error_of(await client.get(JOBS), 401)
    assert error["message"] == "Invalid API key"


@pytest.mark.parametrize("change", ["revoked_at = now()", "expires_at = now() - interval '1 second'"])
async def test_a_key_that_was_revoked_or_has_expired_is_refused(change: str, tenant: Tenant) -> None:
    assert (await tenant.client.get(JOBS)).status_code == 200
    async with database.as_platform() as tx:
        await tx.execute(f"UPDATE api_keys SET {change} WHERE tenant_id = $1", tenant.id)
    assert error_of(await tenant.client.get(JOBS), 401)["message"] == "Invalid API key"


async def test_a_key_is_asked_for_before_anything_else_is_looked_at(service: Service) -> None:
    async with service.client() as client:
        error_of(await client.post(JOBS, content=b"{not json"), 401)
        error_of(await client.get(JOBS, params={"limit": "x"}), 401)


async def test_reading_needs_one_scope_and_creating_another(service: Service, tenant: Tenant, sandbox: Sandbox) -> None:
    async with (
        service.client(await service.new_key(tenant.id, ["jobs:read"])) as reader,
        service.client(await service.new_key(tenant.id, ["jobs:write"])) as writer,
    ):
        error = error_of(await reader.post(JOBS, json=job_request(sandbox)), 403)
        assert error["error"] == "forbidden"
        assert "jobs:write" in error["details"][0]["message"]
        error_of(await reader.post(JOBS, content=b"{not json"), 403)
        job = await writer.post(JOBS, json=job_request(sandbox))
        assert job.status_code == 201
        for path in (JOBS, job.headers["Location"], job.json()["links"]["logs"]):
            assert "jobs:read" in error_of(await writer.get(path), 403)["details"][0]["message"]
            assert (await reader.get(path)).status_code == 200


async def test_using_a_key_is_remembered(tenant: Tenant) -> None:
    await tenant.client.get(JOBS)
    async with database.as_platform() as tx:
        used = await tx.fetchval("SELECT last_used_at FROM api_keys WHERE tenant_id = $1", tenant.id)
    assert used is not None
