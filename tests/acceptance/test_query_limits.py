"""What a job makes of a target that weighs queries, and of records with more values than fit one page."""

from pathlib import Path
from typing import Any

from freight_sandbox import Sandbox
from support import firm, jobs, migration, workspaces
from support.clients import client
from support.service import Service, Tenant, a_tenant

BOARD = {**firm.CHAMPION, "id": "field-3", "name": "Board", "valueType": "person-multi"}
ALIASES = {**firm.LABEL, "id": "field-4", "name": "Aliases", "valueType": "filterable-text-multi"}
TAGS = {**firm.LABEL, "id": "field-5", "name": "Tags", "valueType": "dropdown-multi"}
MANY = 150


async def limit_queries(sandbox: Sandbox, **limits: int) -> None:
    async with client(sandbox.attio_url, bearer=sandbox.attio_key) as target:
        (await target.put("/_sandbox/query-limits", json=limits)).raise_for_status()


async def counted(sandbox: Sandbox) -> dict[str, Any]:
    async with client(sandbox.attio_url, bearer=sandbox.attio_key) as target:
        found: dict[str, Any] = (await target.get("/_sandbox/counters")).json()
        return found


async def test_a_job_asks_for_less_at_once_where_the_target_refuses_its_queries(
    service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    companies = [firm.company(number, f"c{number}.example.com") for number in range(1, 81)]
    async with firm.running(tmp_path, companies=companies) as vendors:
        await firm.make(vendors, "companies", name="Theirs", domains=["c80.example.com"])
        await limit_queries(vendors, per_query=30)
        job = await migration.carry(tenant, vendors)
        assert (jobs.counts(job, "companies")["created"], jobs.counts(job, "companies")["updated"]) == (79, 1)
        assert (await counted(vendors))["rate_limited"] > 0
        await limit_queries(vendors)
        assert len(await workspaces.in_target(vendors, "companies")) == 80


async def test_more_than_a_hundred_values_of_a_field_arrive_or_are_named_and_later_jobs_write_nothing(
    service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    people = [
        {**firm.ADA, "id": 100 + number, "firstName": f"P{number}", "primaryEmailAddress": f"p{number}@e.example.com"}
        for number in range(MANY)
    ]
    options = [{"id": number, "text": f"tag {number:03}"} for number in range(2 * MANY)]
    chosen = [{"dropdownOptionId": option["id"], "text": option["text"]} for option in options]
    phones = [f"+1415555{number:04}" for number in range(2000, 2000 + MANY)]
    acme = firm.company(1, "acme.com")
    acme["fields"] = [
        firm.value(BOARD, people),
        firm.value(ALIASES, [f"Alias {number:03}" for number in range(MANY)]),
        firm.value(TAGS, chosen),
    ]
    ada = {**firm.person(firm.ADA), "fields": [firm.value(firm.PHONE, phones)]}
    fields = [BOARD, ALIASES, {**TAGS, "dropdownOptions": options}, firm.PHONE]
    async with firm.running(
        tmp_path, companies=[acme], persons=[ada, *map(firm.person, people)], fields=fields
    ) as vendors:
        job = await migration.carry(tenant, vendors)
        company = (await workspaces.in_target(vendors, "companies"))["1"][0]["values"]
        person = (await workspaces.in_target(vendors, "people"))["7"][0]["values"]
        # Of people and companies the source gives a hundred.
        assert len(company["board"]) == 100
        assert [row["field"] for row in await jobs.logs(tenant, job["id"], code="values_cut_off")] == ["Board"]
        assert [tag["option"]["title"] for tag in company["tags"]] == [option["text"] for option in options]
        assert company["aliases"][0]["value"].splitlines() == [f"Alias {number:03}" for number in range(MANY)]
        assert len(person["phone_numbers"]) == MANY
        written = (await counted(vendors))["writes"]
        await migration.carry(tenant, vendors)
        async with a_tenant(service) as other:
            await migration.carry(other, vendors)
        assert (await counted(vendors))["writes"] == written
