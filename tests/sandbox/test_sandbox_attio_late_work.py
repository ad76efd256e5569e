"""What the simulated Attio does by itself after a record has been created: links to companies and enrichment."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from freight_sandbox import Sandbox, running
from freight_sandbox.attio.automation import MARK, STRANGER, profile_of
from freight_sandbox.attio.late_work import LateWork
from support import clients, late
from support.sandboxes import sandbox_options

numbers = itertools.count(1)
Client = httpx.AsyncClient


@pytest.fixture(scope="module")
async def holding() -> AsyncIterator[Sandbox]:
    """A sandbox whose late work waits until a test asks for it."""
    async with running(sandbox_options(companies=1, people=1, unlimited=True, hold_late_work=True)) as started:
        yield started


@pytest.fixture
async def held(holding: Sandbox) -> AsyncIterator[Client]:
    async with clients.client(holding.attio_url, bearer=holding.attio_key) as client:
        yield client


@pytest.fixture(scope="module")
async def enriching() -> AsyncIterator[Sandbox]:
    options = sandbox_options(companies=1, people=1, unlimited=True, enrichment=True, hold_late_work=True)
    async with running(options) as started:
        yield started


@pytest.fixture
async def enriched(enriching: Sandbox) -> AsyncIterator[Client]:
    async with clients.client(enriching.attio_url, bearer=enriching.attio_key) as client:
        yield client


def a_domain(*, wrong: bool = False) -> str:
    domains = (f"late{next(numbers)}.com" for _ in itertools.count())
    return next(domain for domain in domains if (profile_of(domain) is STRANGER) == wrong)


async def created(client: Client, name: str, values: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(f"/v2/objects/{name}/records", json={"data": {"values": values}})
    return answer.raise_for_status().json()["data"]


async def read(client: Client, record: dict[str, Any], name: str = "companies") -> dict[str, Any]:
    answer = await client.get(f"/v2/objects/{name}/records/{record['id']['record_id']}")
    return answer.raise_for_status().json()["data"]["values"]


def seconds_between(earlier: str, later: str) -> float:
    first, second = (datetime.fromisoformat(text[:23]) for text in (earlier, later))
    return (second - first).total_seconds()


def actor(value: dict[str, Any]) -> str:
    return value["created_by_actor"]["type"]


async def test_the_company_of_a_new_person_is_linked_late_and_by_the_system(attio: Client):
    company = await created(attio, "companies", {"domains": [a_domain()]})
    domain = company["values"]["domains"][0]["domain"]
    person = await created(attio, "people", {"email_addresses": [f"ada@{domain}"]})
    assert person["values"]["company"] == []
    while not (link := (await read(attio, person, "people"))["company"]):
        pass
    assert (link[0]["target_record_id"], actor(link[0])) == (company["id"]["record_id"], "system")
    assert seconds_between(person["created_at"], link[0]["active_from"]) >= 0.199
    (back,) = (await read(attio, company))["team"]
    assert (back["target_record_id"], actor(back)) == (person["id"]["record_id"], "system")


async def test_a_domain_without_a_company_gets_one_by_the_system(held: Client):
    domain = a_domain()
    people = [await created(held, "people", {"email_addresses": [f"{name}@{domain}"]}) for name in ("ada", "ben")]
    await late.finish(held)
    first, second = [(await read(held, person, "people"))["company"][0] for person in people]
    assert first["target_record_id"] == second["target_record_id"]
    shell = await read(held, {"id": {"record_id": first["target_record_id"]}})
    assert shell["domains"][0]["domain"] == domain
    assert {actor(value) for values in shell.values() for value in values} == {"system"}
    taken = await held.post("/v2/objects/companies/records", json={"data": {"values": {"domains": [domain]}}})
    assert taken.json()["code"] == "uniqueness_conflict"


async def test_a_company_made_before_the_late_link_is_the_one_that_is_linked(held: Client):
    domain = a_domain()
    person = await created(held, "people", {"email_addresses": [f"ada@{domain}"]})
    company = await created(held, "companies", {"domains": [domain]})
    await late.finish(held)
    (link,) = (await read(held, person, "people"))["company"]
    assert link["target_record_id"] == company["id"]["record_id"]


async def test_a_company_that_a_client_gave_is_not_replaced(held: Client):
    given, domain = await created(held, "companies", {"name": "Employer"}), a_domain()
    reference = {"target_object": "companies", "target_record_id": given["id"]["record_id"]}
    at_once = await created(held, "people", {"email_addresses": [f"a@{domain}"], "company": reference})
    later = await created(held, "people", {"email_addresses": [f"b@{domain}"]})
    change = {"data": {"values": {"company": reference}}}
    (await held.patch(f"/v2/objects/people/records/{later['id']['record_id']}", json=change)).raise_for_status()
    await late.finish(held)
    for person in (at_once, later):
        (link,) = (await read(held, person, "people"))["company"]
        assert (link["target_record_id"], actor(link)) == (given["id"]["record_id"], "api-token")


async def test_what_is_deleted_before_its_late_work_is_left_alone(enriched: Client):
    person = await created(enriched, "people", {"email_addresses": [f"ada@{a_domain()}"]})
    company = await created(enriched, "companies", {"domains": [a_domain()]})
    for name, record in (("people", person), ("companies", company)):
        await enriched.delete(f"/v2/objects/{name}/records/{record['id']['record_id']}")
    before = (await enriched.get("/_sandbox/summary")).json()["records"]
    await late.finish(enriched)
    assert (await enriched.get("/_sandbox/summary")).json()["records"] == before


async def test_enrichment_fills_what_is_empty_and_leaves_what_a_client_wrote(enriched: Client):
    domain = a_domain()
    company = await created(enriched, "companies", {"domains": [domain], "name": "Ours"})
    assert company["values"]["description"] == []
    await late.finish(enriched)
    values = await read(enriched, company)
    assert (values["name"][0]["value"], actor(values["name"][0])) == ("Ours", "api-token")
    assert values["description"][0]["value"].endswith(MARK)
    assert values["linkedin"][0]["value"] == f"https://linkedin.com/company/{domain.removesuffix('.com')}"
    assert values["twitter"][0]["value"].startswith("https://x.com/")
    filled = ("description", "categories", "primary_location", "linkedin", "twitter", "logo_url", "employee_range")
    assert {actor(values[slug][0]) for slug in filled} == {"system"}


async def test_enrichment_takes_some_companies_for_others(enriched: Client):
    company = await created(enriched, "companies", {"domains": [a_domain(wrong=True)]})
    await late.finish(enriched)
    values = await read(enriched, company)
    assert values["name"][0]["value"] == STRANGER.name
    assert values["funding_raised_usd"][0]["currency_value"] == 70_000_000


async def test_a_company_made_for_a_person_is_enriched_too(enriched: Client):
    person = await created(enriched, "people", {"email_addresses": [f"ada@{a_domain()}"]})
    await late.finish(enriched)
    (link,) = (await read(enriched, person, "people"))["company"]
    assert (await read(enriched, {"id": {"record_id": link["target_record_id"]}}))["description"]


async def test_enrichment_is_off_unless_asked_for_and_needs_a_domain(held: Client, enriched: Client):
    plain = await created(held, "companies", {"domains": [a_domain()]})
    without = await created(enriched, "companies", {"name": "No domain"})
    for client, company in ((held, plain), (enriched, without)):
        await late.finish(client)
        assert (await read(client, company))["description"] == []


async def test_late_work_is_counted_until_it_is_done(held: Client):
    await late.finish(held)
    before = (await held.get("/_sandbox/late")).json()
    await created(held, "people", {"email_addresses": [f"ada@{a_domain()}"]})
    assert (await held.get("/_sandbox/late")).json() == {"pending": 1, "done": before["done"]}
    await late.finish(held)
    assert (await held.get("/_sandbox/late")).json() == {"pending": 0, "done": before["done"] + 1}


async def test_late_work_is_done_in_the_order_in_which_it_is_due():
    work, done = LateWork(1), []
    work.schedule((20, 20), lambda: done.append("late"))
    work.schedule((10, 10), lambda: work.schedule((0, 0), lambda: done.append("early")))
    work.finish()
    assert done == ["early", "late"]


async def test_late_work_that_is_cancelled_is_never_done():
    work, done = LateWork(1), []
    work.schedule((0, 0), lambda: done.append("late"))
    work.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    assert (done, work.counts().pending) == ([], 0)
