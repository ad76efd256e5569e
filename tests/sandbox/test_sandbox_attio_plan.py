"""What the simulated Attio answers where the plan of its workspace allows no more records."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from freight_sandbox import running
from support import clients, late
from support.sandboxes import sandbox_options

Client = httpx.AsyncClient


@pytest.fixture
async def full() -> AsyncIterator[Client]:
    """An Attio with two records and room for no other."""
    async with (
        running(sandbox_options(companies=1, people=1, unlimited=True, record_limit=2, hold_late_work=True)) as sandbox,
        clients.client(sandbox.attio_url, bearer=sandbox.attio_key) as client,
    ):
        for domain in ("one.com", "two.com"):
            assert (await create(client, domain)).status_code == 200
        yield client


async def create(client: Client, domain: str) -> httpx.Response:
    return await client.post("/v2/objects/companies/records", json={"data": {"values": {"domains": [domain]}}})


async def upsert(client: Client, domain: str, **values: Any) -> httpx.Response:
    body = {"data": {"values": {"domains": [domain], **values}}}
    return await client.put("/v2/objects/companies/records", params={"matching_attribute": "domains"}, json=body)


async def set_plan(client: Client, **plan: Any) -> None:
    (await client.put("/_sandbox/plan", json=plan)).raise_for_status()


async def test_no_record_is_created_beyond_the_plan_in_either_way(full: Client):
    for answer in (await create(full, "three.com"), await upsert(full, "three.com")):
        assert (answer.status_code, answer.json()["code"]) == (400, "particle_gate_violation")
    assert (await full.get("/_sandbox/summary")).json()["records"]["companies"] == 2


async def test_records_that_are_there_can_still_be_written(full: Client):
    answer = await upsert(full, "two.com", name="Two")
    assert (answer.status_code, answer.json()["data"]["values"]["name"][0]["value"]) == (200, "Two")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("quota_exceeded", 400, "invalid_request_error"),
        ("limit_reached", 400, "invalid_request_error"),
        ("billing_error", 403, "auth_error"),
    ],
)
async def test_the_code_of_the_refusal_can_be_chosen(full: Client, code: str, status: int, kind: str):
    await set_plan(full, record_limit=2, code=code)
    answer = await create(full, "three.com")
    assert (answer.status_code, answer.json()["code"], answer.json()["type"]) == (status, code, kind)


async def test_an_upgrade_of_the_plan_lets_more_in(full: Client):
    await set_plan(full, record_limit=3)
    assert [(await create(full, domain)).status_code for domain in ("three.com", "four.com")] == [200, 400]
    await set_plan(full)
    assert (await create(full, "four.com")).status_code == 200


async def test_a_full_workspace_gets_no_company_for_a_person_either(full: Client):
    await set_plan(full, record_limit=3)
    person = {"data": {"values": {"email_addresses": ["ada@three.com"]}}}
    assert (await full.post("/v2/objects/people/records", json=person)).status_code == 200
    await late.finish(full)
    assert (await full.get("/_sandbox/summary")).json()["records"] == {"companies": 2, "people": 1}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"records":1}', b'{"code":"no_money"}'])
async def test_a_plan_that_is_none_is_refused(full: Client, body: bytes):
    assert (await full.put("/_sandbox/plan", content=body)).status_code == 422
    assert (await create(full, "three.com")).status_code == 400
