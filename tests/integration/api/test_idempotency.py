"""A request for a job can be sent again under its Idempotency-Key without harm."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from freight import database
from freight.api.routes.health import Alive
from freight.domain.errors import RequestInProgress
from freight.domain.jobs import idempotency
from freight.domain.jobs.idempotency import Answer, Key
from freight.encryption import CredentialCipher
from freight_sandbox import Sandbox
from support import faults
from support.errors import error_of, fields_of
from support.service import Service, Tenant, job_request

JOBS = "/api/v1/jobs"


async def send(tenant: Tenant, body: dict[str, Any], key: str) -> httpx.Response:
    return await tenant.client.post(JOBS, json=body, headers={"Idempotency-Key": key})


async def number_of_jobs(tenant: Tenant) -> int:
    return int((await tenant.client.get(JOBS)).json()["total"])


async def age(tenant: Tenant, interval: str) -> None:
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(f"UPDATE idempotency_keys SET created_at = created_at - interval '{interval}'")


async def test_the_same_request_gets_the_same_answer_again(tenant: Tenant, sandbox: Sandbox) -> None:
    key = str(uuid4())
    first = await send(tenant, job_request(sandbox, name="ü"), key)
    assert (first.status_code, first.headers["Idempotent-Replayed"]) == (201, "false")
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute("UPDATE jobs SET status = 'completed'")
    await age(tenant, "23 hours")
    again = await send(tenant, job_request(sandbox, name="ü"), key)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.content == first.content
    assert again.headers["Location"] == first.headers["Location"]
    assert await number_of_jobs(tenant) == 1


async def test_what_is_left_out_and_its_default_are_the_same_request(tenant: Tenant, sandbox: Sandbox) -> None:
    first = await send(tenant, job_request(sandbox), "k")
    body = dict(reversed(job_request(sandbox, on_existing="fill", labels={}).items()))
    assert (await send(tenant, body, "k")).json() == first.json()


async def test_another_body_under_the_same_key_is_422(tenant: Tenant, sandbox: Sandbox) -> None:
    await send(tenant, job_request(sandbox), "k")
    error = error_of(await send(tenant, job_request(sandbox, name="other"), "k"), 422)
    assert error["error"] == "idempotency_key_reused"
    assert list(fields_of(error)) == ["Idempotency-Key"]


async def test_of_two_requests_at_once_one_makes_the_job_and_the_other_is_told_to_wait(
    tenant: Tenant, sandbox: Sandbox
) -> None:
    await faults.add(sandbox.affinity_url, "latency", milliseconds=300)
    try:
        answers = await asyncio.gather(*(send(tenant, job_request(sandbox), "k") for _ in range(2)))
    finally:
        await faults.clear(sandbox.affinity_url)
    made, refused = sorted(answers, key=lambda answer: answer.status_code)
    assert made.status_code == 201
    assert error_of(refused, 409)["error"] == "request_in_progress"
    assert (await send(tenant, job_request(sandbox), "k")).content == made.content
    assert await number_of_jobs(tenant) == 1


async def test_a_request_that_failed_leaves_its_key_free(tenant: Tenant, sandbox: Sandbox) -> None:
    wrong = job_request(sandbox)
    wrong["source_config"]["api_key"] = "not-the-key"
    error_of(await send(tenant, wrong, "k"), 400)
    assert (await send(tenant, job_request(sandbox), "k")).status_code == 201
    error_of(await send(tenant, job_request(sandbox), "other"), 409)
    async with database.as_tenant(tenant.id) as tx:
        assert [row["key"] for row in await tx.fetch("SELECT key FROM idempotency_keys")] == ["k"]


async def test_after_24_hours_a_key_can_be_used_for_another_request(tenant: Tenant, sandbox: Sandbox) -> None:
    first = await send(tenant, job_request(sandbox), "k")
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute("UPDATE jobs SET status = 'completed'")
    await age(tenant, "24 hours 1 minute")
    second = await send(tenant, job_request(sandbox, name="other"), "k")
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]


async def break_off(tenant: Tenant, *, lease_ends: str) -> None:
    """Leave the key as a process does that is killed while it answers; its lease ends so much from now."""
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(
            f"""UPDATE idempotency_keys
                SET status_code = NULL, answer = NULL, lease_until = now() + interval '{lease_ends}'"""
        )
        await tx.execute("DELETE FROM jobs")


async def test_a_request_whose_process_was_killed_can_be_repeated_within_seconds(
    tenant: Tenant, sandbox: Sandbox
) -> None:
    await send(tenant, job_request(sandbox), "k")
    await break_off(tenant, lease_ends="1 second")
    assert error_of(await send(tenant, job_request(sandbox), "k"), 409)["error"] == "request_in_progress"
    async with asyncio.timeout(20):
        while (await send(tenant, job_request(sandbox), "k")).status_code != 201:  # noqa: ASYNC110 - a server's state
            await asyncio.sleep(0.1)
    assert await number_of_jobs(tenant) == 1


async def test_a_clock_that_was_set_back_does_not_keep_the_key_of_a_killed_request(
    tenant: Tenant, sandbox: Sandbox
) -> None:
    await send(tenant, job_request(sandbox), "k")
    await break_off(tenant, lease_ends="1 hour")
    assert (await send(tenant, job_request(sandbox), "k")).status_code == 201


async def test_a_request_keeps_its_key_however_long_it_takes(service: Service, tenant: Tenant) -> None:
    cipher, key, request = CredentialCipher(service.settings.secrets), Key(tenant_id=tenant.id, name="k"), Alive()

    async def again() -> str:
        async with idempotency.once(cipher, key, request, lease_seconds=1) as turn:
            assert turn.answer is not None
            return turn.answer.body

    async with idempotency.once(cipher, key, request, lease_seconds=1) as turn:
        for _ in range(5):
            await asyncio.sleep(0.5)
            with pytest.raises(RequestInProgress):
                await again()
        async with database.as_tenant(tenant.id) as tx:
            await turn.finish(tx, Answer(status_code=201, body="done", location="/"))
    assert await again() == "done"


async def test_a_request_that_was_taken_for_dead_stores_nothing(service: Service, tenant: Tenant) -> None:
    cipher, key, request = CredentialCipher(service.settings.secrets), Key(tenant_id=tenant.id, name="k"), Alive()
    answer = Answer(status_code=201, body="done", location="/")

    async def first() -> None:
        async with idempotency.once(cipher, key, request) as frozen:
            async with database.as_tenant(tenant.id) as tx:
                await tx.execute("UPDATE idempotency_keys SET lease_until = now() - interval '1 second'")
            async with idempotency.once(cipher, key, request) as second, database.as_tenant(tenant.id) as tx:
                await second.finish(tx, answer)
            async with database.as_tenant(tenant.id) as tx:
                await frozen.finish(tx, answer)

    with pytest.raises(RequestInProgress):
        await first()
    async with idempotency.once(cipher, key, request) as again:
        assert again.answer == answer


async def test_tenants_may_use_the_same_key(tenant: Tenant, other_tenant: Tenant, sandbox: Sandbox) -> None:
    answers = [await send(one, job_request(sandbox), "k") for one in (tenant, other_tenant)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] != answers[1].json()["id"]


@pytest.mark.parametrize("key", ["", "k" * 256, "ключ".encode(), "a b"])
async def test_a_key_that_is_none_is_422(key: str | bytes, tenant: Tenant, sandbox: Sandbox) -> None:
    answer = await tenant.client.post(JOBS, json=job_request(sandbox), headers={"Idempotency-Key": key})
    assert list(fields_of(error_of(answer, 422))) == ["Idempotency-Key"]


async def test_neither_the_request_nor_the_vendors_keys_are_stored_with_the_key(
    tenant: Tenant, sandbox: Sandbox
) -> None:
    await send(tenant, job_request(sandbox), "k")
    async with database.as_tenant(tenant.id) as tx:
        (row,) = await tx.fetch("SELECT * FROM idempotency_keys")
    for secret in (sandbox.affinity_key, sandbox.attio_key):
        assert secret not in str(dict(row))
