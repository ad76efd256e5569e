"""Companies that the target makes by itself from the e-mail addresses of people."""

import asyncio
import json
from pathlib import Path
from typing import Any

from freight_sandbox import Sandbox, running
from support import jobs, migration
from support.clients import client
from support.sandboxes import sandbox_options
from support.service import Tenant

MADE = "company_made_by_target"

PEOPLE = [
    (1, ["ada@acme.com"]),
    (2, ["bob@nowhere.example.org", "bob@gmail.com"]),
    (3, ["carol@nowhere.example.org"]),
    (4, ["dan@elsewhere.example.org", "dan@sub.elsewhere.example.org"]),
    (5, ["eve@known.example.org"]),
    (6, ["frank@yahoo.com"]),
    (7, []),
]
FORESEEN = {"nowhere.example.org", "elsewhere.example.org", "sub.elsewhere.example.org"}
"""The source has acme.com, the target known.example.org; the others are of e-mail providers."""


async def test_a_dry_run_foresees_the_companies_that_the_target_makes_by_itself_and_a_full_run_names_the_same(
    tenant: Tenant, tmp_path: Path
) -> None:
    workspace(tmp_path)
    async with running(sandbox_options(workspace=tmp_path, unlimited=True)) as sandbox:
        await add_company(sandbox, "known.example.org")
        predicted = await migration.carry(tenant, sandbox, mode="dry_run")
        assert await foreseen(tenant, predicted) == FORESEEN
        carried = await migration.carry(tenant, sandbox)
        assert await foreseen(tenant, carried) == FORESEEN
        assert await without_source(sandbox, len(FORESEEN) + 1) == FORESEEN | {"known.example.org"}
        for job in (predicted, carried):
            rows = await jobs.logs(tenant, job["id"], code=MADE)
            assert sorted(row["value"] for row in rows) == sorted(FORESEEN)
            assert {(row["entity"], row["level"], row["field"]) for row in rows} == {
                ("people", "info", "email_addresses")
            }


async def test_companies_that_exist_by_now_are_not_foreseen_again(
    tenant: Tenant, other_tenant: Tenant, tmp_path: Path
) -> None:
    workspace(tmp_path)
    async with running(sandbox_options(workspace=tmp_path, unlimited=True)) as sandbox:
        await migration.carry(tenant, sandbox)
        await without_source(sandbox, len(FORESEEN) + 1)
        for again in (tenant, other_tenant):
            for mode in ("dry_run", "full"):
                job = await migration.carry(again, sandbox, mode=mode)
                assert migration.written(job) == 0
                assert await foreseen(again, job) == set()


async def test_a_company_that_the_source_gets_later_is_recognised_in_the_one_that_the_target_made(
    tenant: Tenant, tmp_path: Path
) -> None:
    workspace(tmp_path)
    async with running(sandbox_options(workspace=tmp_path, unlimited=True)) as sandbox:
        await migration.carry(tenant, sandbox)
        made = await without_source(sandbox, len(FORESEEN) + 1)
        async with client(sandbox.affinity_url, bearer=sandbox.affinity_key) as affinity:
            new = {"name": "Nowhere Ltd", "domain": "nowhere.example.org"}
            company = (await affinity.post("/organizations", json=new)).raise_for_status().json()
        job = await migration.carry(tenant, sandbox)
        assert migration.outcomes(job)["companies"]["updated"] == 1
        held = {domain: record for record in await companies(sandbox) for domain in domains(record)}
        assert held["nowhere.example.org"]["values"]["affinity_id"][0]["value"] == str(company["id"])
        assert await without_source(sandbox, len(made) - 1) == made - {"nowhere.example.org"}


async def test_people_without_their_companies_are_told_apart_from_those_who_bring_them(
    tenant: Tenant, tmp_path: Path
) -> None:
    workspace(tmp_path)
    async with running(sandbox_options(workspace=tmp_path, unlimited=True)) as sandbox:
        expected = FORESEEN | {"acme.com", "known.example.org"}
        for mode in ("dry_run", "full"):
            job = await migration.carry(tenant, sandbox, mode=mode, entities=["people"])
            assert await foreseen(tenant, job) == expected
        assert await without_source(sandbox, len(expected)) == expected


async def test_people_who_come_before_their_companies_leave_none_twice(tenant: Tenant) -> None:
    options = sandbox_options(
        companies=40, people=210, opportunities=0, lists=0, notes=0, reminders=0, files=0, unlimited=True
    )
    async with running(options) as sandbox:
        dry = await migration.carry(tenant, sandbox, mode="dry_run", entities=["people"], batch_size=100)
        predicted = await foreseen(tenant, dry)
        assert len(predicted) > 10
        people = await migration.carry(tenant, sandbox, entities=["people"], batch_size=100)
        assert await foreseen(tenant, people) == predicted
        assert await without_source(sandbox, len(predicted)) == predicted
        everything = await migration.carry(tenant, sandbox, batch_size=100)
        assert await foreseen(tenant, everything) == set()
        carried = migration.outcomes(everything)["companies"]
        assert carried["updated"] > 10
        assert len(await companies(sandbox)) == len(predicted) + carried["created"]


def workspace(folder: Path) -> None:
    """An Affinity with a company and people with addresses of all kinds."""
    acme = {"id": 90, "name": "Acme", "domain": "acme.com", "domains": ["acme.com"], "isGlobal": False, "fields": []}
    (folder / "companies.jsonl").write_text(json.dumps(acme) + "\n")
    (folder / "persons.jsonl").write_text(
        "".join(json.dumps(person(number, addresses)) + "\n" for number, addresses in PEOPLE)
    )


def person(number: int, addresses: list[str]) -> dict[str, Any]:
    return {
        "id": number,
        "firstName": f"Number {number}",
        "lastName": None,
        "primaryEmailAddress": next(iter(addresses), None),
        "emailAddresses": addresses,
        "type": "external",
        "fields": [],
    }


async def foreseen(tenant: Tenant, job: dict[str, Any]) -> set[str]:
    """The domains that the report names, none of them left out."""
    report = (await tenant.client.get(f"/api/v1/jobs/{job['id']}/report")).raise_for_status().json()
    made = report["made_by_target"]
    assert made["records"] == len(made["values"])
    return set(made["values"])


async def add_company(sandbox: Sandbox, domain: str) -> None:
    """A company that somebody entered."""
    async with client(sandbox.attio_url, bearer=sandbox.attio_key) as attio:
        body = {"data": {"values": {"domains": [domain]}}}
        (await attio.post("/v2/objects/companies/records", json=body)).raise_for_status()


async def companies(sandbox: Sandbox) -> list[dict[str, Any]]:
    """All companies of the Attio."""
    async with client(sandbox.attio_url, bearer=sandbox.attio_key) as attio:
        answer = (await attio.post("/v2/objects/companies/records/query", json={"limit": 500})).raise_for_status()
        found: list[dict[str, Any]] = answer.json()["data"]
        return found


def domains(record: dict[str, Any]) -> set[str]:
    """The domains of a company."""
    return {value["domain"] for value in record["values"]["domains"]}


async def without_source(sandbox: Sandbox, number: int) -> set[str]:
    """The domains of the companies that carry no Affinity id, once there are so many: the Attio makes them late."""
    async with asyncio.timeout(10):
        while True:
            found = [record for record in await companies(sandbox) if not record["values"].get("affinity_id")]
            if len(found) >= number:
                return {domain for record in found for domain in domains(record)}
            await asyncio.sleep(0.1)
