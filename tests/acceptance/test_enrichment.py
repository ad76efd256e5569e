"""What the target fills in by itself is no choice of a person, and gives way to what the firm has."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from freight_sandbox import Sandbox
from support import firm, jobs, late, migration, workspaces
from support.service import Service, Tenant


def described(field: str, name: str, value_type: str, data: Any) -> firm.Row:
    return {
        "id": f"affinity-data-{field}", "name": name, "type": "enriched", "enrichmentSource": "affinity-data",
        "value": {"type": value_type, "data": data},
    }  # fmt: skip


def company(number: int, domain: str) -> firm.Row:
    return {
        **firm.company(number, domain),
        "fields": [described("description", "Description", "text", f"What the firm knows of {number}")],
    }


def ada(employer: int | None) -> firm.Row:
    data = employer and {"id": employer, "name": f"Company {employer}", "domain": None}
    return {
        **firm.person(firm.ADA),
        "fields": [described("current-organization", "Current Organization", "company", data)],
    }


@pytest.fixture
async def vendors(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """An Affinity with a company and a person, and an Attio that enriches what is made there."""
    async with firm.running(
        tmp_path,
        enrichment=True,
        hold_late_work=True,
        companies=[company(2, "borealis.com")],
        persons=[ada(None)],
        fields=[],
    ) as sandbox:
        yield sandbox


async def test_what_enrichment_wrote_gives_way_to_the_source_and_what_a_person_wrote_does_not(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await firm.make(vendors, "companies", domains=["borealis.com"], name="Theirs")
    await late.finish_in(vendors)
    predicted = await migration.carry(tenant, vendors, mode="dry_run")
    job = await migration.carry(tenant, vendors)
    assert migration.outcomes(predicted) == migration.outcomes(job)
    assert await text(vendors, "name") == "Theirs"
    assert await text(vendors, "description") == "What the firm knows of 2"
    for each in (predicted, job):
        assert [row["field"] for row in await jobs.logs(tenant, each["id"], code="kept_in_target")] == ["name"]
    await writes_nothing(tenant, vendors)


async def test_a_company_that_the_target_linked_by_itself_gives_way_to_the_source_s(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await migration.carry(tenant, vendors)
    await late.finish_in(vendors)
    (shell,) = await employer(vendors)
    await writes_nothing(tenant, vendors)
    await firm.put(vendors, "persons", ada(2))
    job = await migration.carry(tenant, vendors)
    (now,) = await employer(vendors)
    assert now != shell
    assert now == (await workspaces.in_target(vendors, "companies"))["2"][0]["id"]["record_id"]
    assert await jobs.logs(tenant, job["id"], code="kept_in_target") == []
    await writes_nothing(tenant, vendors)


async def writes_nothing(tenant: Tenant, vendors: Sandbox) -> None:
    """Carry once more, also what the target did by itself meanwhile."""
    await late.finish_in(vendors)
    before = await workspaces.writes_received(vendors)
    await migration.carry(tenant, vendors)
    assert await workspaces.writes_received(vendors) == before


async def text(vendors: Sandbox, slug: str) -> str:
    (record,) = (await workspaces.in_target(vendors, "companies"))["2"]
    return str(record["values"][slug][0]["value"])


async def employer(vendors: Sandbox) -> list[str]:
    (record,) = (await workspaces.in_target(vendors, "people"))["7"]
    return [item["target_record_id"] for item in record["values"]["company"]]
