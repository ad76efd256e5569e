"""What happens to records that the target has already, and to values that belong to others."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from freight_sandbox import Sandbox, running
from support import jobs
from support.clients import TLS
from support.sandboxes import sandbox_options
from support.service import Service, Tenant


@pytest.fixture
async def vendors(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """An Affinity with two companies and a person, and an Attio."""
    companies = [
        company(1, "Acme", ["acme.com", "acme.io"], description="Makes anvils"),
        company(2, "Borealis", ["borealis.com"]),
    ]
    (tmp_path / "companies.jsonl").write_text("".join(json.dumps(row) + "\n" for row in companies))
    (tmp_path / "persons.jsonl").write_text(
        json.dumps(person(7, "Ada", "Lovelace", ["ada@acme.com", "ada@lovelace.org"])) + "\n"
    )
    async with running(sandbox_options(workspace=tmp_path, unlimited=True)) as sandbox:
        yield sandbox


async def test_fill_adds_what_is_missing_and_leaves_what_is_there(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await attio(vendors, "POST", "/objects/companies/records", {"domains": ["acme.com"], "name": "ACME Corporation"})
    job = await completed(tenant, vendors, on_existing="fill")
    assert jobs.counts(job, "companies") == counts(read=2, created=1, updated=1)
    acme = await one(vendors, "companies", {"domains": {"domain": {"$eq": "acme.com"}}})
    assert value(acme, "name") == "ACME Corporation"
    assert value(acme, "description") == "Makes anvils"
    assert value(acme, "affinity_id") == "1"
    assert [item["domain"] for item in acme["values"]["domains"]] == ["acme.com", "acme.io"]
    assert [row["field"] for row in await jobs.logs(tenant, job["id"], code="kept_in_target")] == ["name"]


async def test_overwrite_makes_the_target_like_the_source(service: Service, tenant: Tenant, vendors: Sandbox) -> None:
    await attio(vendors, "POST", "/objects/companies/records", {"domains": ["acme.com", "acme.net"], "name": "ACME"})
    job = await completed(tenant, vendors, on_existing="overwrite")
    assert jobs.counts(job, "companies") == counts(read=2, created=1, updated=1)
    acme = await one(vendors, "companies", {"affinity_id": "1"})
    assert value(acme, "name") == "Acme"
    assert [item["domain"] for item in acme["values"]["domains"]] == ["acme.com", "acme.io"]


async def test_skip_touches_nothing_that_is_there_and_says_so(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await attio(vendors, "POST", "/objects/companies/records", {"domains": ["acme.com"], "name": "ACME"})
    job = await completed(tenant, vendors, on_existing="skip")
    assert jobs.counts(job, "companies") == counts(read=2, created=1, skipped=1)
    acme = await one(vendors, "companies", {"domains": {"domain": {"$eq": "acme.com"}}})
    assert value(acme, "name") == "ACME"
    assert (acme["values"]["affinity_id"], acme["values"]["description"]) == ([], [])
    (row,) = await jobs.logs(tenant, job["id"], code="exists_in_target")
    assert row["source_id"] == "1"


async def test_a_second_job_finds_everything_unchanged_also_without_the_first_one_s_ledger(
    service: Service, tenant: Tenant, other_tenant: Tenant, vendors: Sandbox
) -> None:
    await completed(tenant, vendors)
    for same_or_other in (tenant, other_tenant):
        job = await completed(same_or_other, vendors)
        assert jobs.counts(job, "companies") == counts(read=2, unchanged=2)
        assert jobs.counts(job, "people") == counts(read=1, unchanged=1)


async def test_an_address_that_another_person_of_the_target_has_is_left_to_them_and_named_in_the_log(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    for address in ("ada@acme.com", "ada@lovelace.org"):
        await attio(vendors, "POST", "/objects/people/records", {"email_addresses": [address]})
    job = await completed(tenant, vendors)
    assert jobs.counts(job, "people") == counts(read=1, updated=1)
    ada = await one(vendors, "people", {"affinity_id": "7"})
    assert [item["email_address"] for item in ada["values"]["email_addresses"]] == ["ada@acme.com"]
    (row,) = await jobs.logs(tenant, job["id"], code="held_by_another_record")
    assert (row["source_id"], row["field"], row["value"]) == ("7", "email_addresses", "ada@lovelace.org")


async def test_a_record_that_somebody_deleted_in_the_target_is_not_made_again(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await completed(tenant, vendors)
    ada = await one(vendors, "people", {"affinity_id": "7"})
    await attio(vendors, "DELETE", f"/objects/people/records/{ada['id']['record_id']}")
    job = await completed(tenant, vendors)
    assert jobs.counts(job, "people")["created"] == 0


async def completed(tenant: Tenant, sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    job = await jobs.create(tenant, sandbox, **changes)
    job = await jobs.until_ended(tenant, job["id"])
    assert job["status"] == "completed", job["error"]
    return job


def counts(**given: int) -> dict[str, int]:
    return {**dict.fromkeys(("read", "created", "updated", "unchanged", "skipped", "failed"), 0), **given}


async def attio(sandbox: Sandbox, method: str, path: str, values: dict[str, Any] | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {sandbox.attio_key}"}
    body = None if values is None else {"data": {"values": values}}
    async with httpx.AsyncClient(verify=TLS, base_url=f"{sandbox.attio_url}/v2", headers=headers) as client:
        response = await client.request(method, path, json=body)
    assert response.is_success, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def one(sandbox: Sandbox, entity: str, filter_: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {sandbox.attio_key}"}
    async with httpx.AsyncClient(verify=TLS, base_url=f"{sandbox.attio_url}/v2", headers=headers) as client:
        response = await client.post(f"/objects/{entity}/records/query", json={"filter": filter_})
    (record,) = response.json()["data"]
    found: dict[str, Any] = record
    return found


def value(record: dict[str, Any], slug: str) -> Any:
    (item,) = record["values"][slug]
    return item["value"]


def company(number: int, name: str, domains: list[str], description: str | None = None) -> dict[str, Any]:
    field = {
        "id": "affinity-data-description",
        "name": "Description",
        "type": "enriched",
        "enrichmentSource": "affinity-data",
        "value": {"type": "text", "data": description},
    }
    return {"id": number, "name": name, "domain": domains[0], "domains": domains, "isGlobal": False, "fields": [field]}


def person(number: int, first: str, last: str, emails: list[str]) -> dict[str, Any]:
    return {
        "id": number,
        "firstName": first,
        "lastName": last,
        "primaryEmailAddress": emails[0],
        "emailAddresses": emails,
        "type": "external",
        "fields": [],
    }
