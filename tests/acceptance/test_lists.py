"""Lists and their entries, where people work with them in the target between two runs."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from freight_sandbox import Sandbox, running
from support import jobs, migration
from support.clients import client
from support.sandboxes import sandbox_options
from support.service import Tenant

Row = dict[str, Any]

SCORE: Row = {
    "id": "field-5", "name": "Score", "type": "list", "enrichmentSource": None, "valueType": "number",
    "entity": "company", "listId": 6,
}  # fmt: skip


def company(number: int) -> Row:
    domain = f"c{number}.example.com"
    return {
        "id": number, "name": f"Company {number}", "domain": domain, "domains": [domain], "isGlobal": False,
        "fields": [],
    }  # fmt: skip


def entry(number: int, company_id: int, *, score: float) -> Row:
    held = {key: SCORE[key] for key in ("id", "name", "type", "enrichmentSource")}
    field = {**held, "value": {"type": "number", "data": score}}
    return {
        "id": number, "type": "company", "listId": 6, "createdAt": "2024-01-02T03:04:05Z", "creatorId": 1,
        "entity": {**company(company_id), "fields": [field]},
    }  # fmt: skip


COLLECTIONS: dict[str, list[Row]] = {
    "companies": [company(1), company(2)],
    "persons": [],
    "fields": [SCORE],
    "lists": [{"id": 6, "name": "Portfolio", "creatorId": 1, "ownerId": 1, "isPublic": True, "type": "company"}],
    "list_entries": [entry(61, 1, score=4)],
}


@pytest.fixture
async def workspace(tmp_path: Path) -> AsyncIterator[Sandbox]:
    for name, rows in COLLECTIONS.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    async with running(sandbox_options(workspace=tmp_path, unlimited=True)) as sandbox:
        yield sandbox


@pytest.mark.parametrize("on_existing", ["fill", "skip"])
async def test_an_entry_that_somebody_made_in_the_target_keeps_its_values(
    workspace: Sandbox, tenant: Tenant, on_existing: str
) -> None:
    await migration.carry(tenant, workspace)
    ((list_id, (first,)),) = (await lists_in_target(workspace)).items()
    body = {"parent_record_id": await second_company(workspace), "parent_object": "companies"}
    async with client(workspace.attio_url, bearer=workspace.attio_key) as attio:
        made = {"data": {**body, "entry_values": {"score": 9}}}
        (await attio.post(f"/v2/lists/{list_id}/entries", json=made)).raise_for_status()
    await put(workspace, entry(62, 2, score=3))
    job = await migration.carry(tenant, workspace, on_existing=on_existing)
    counted = jobs.counts(job, "list_entries")
    assert (counted["read"], counted["created"], counted["failed"]) == (2, 0, 0)
    assert (await lists_in_target(workspace))[list_id] == [first, 9]


async def test_an_entry_that_is_made_anew_at_the_source_keeps_what_somebody_changed_in_the_target(
    workspace: Sandbox, tenant: Tenant
) -> None:
    await migration.carry(tenant, workspace)
    async with client(workspace.attio_url, bearer=workspace.attio_key) as attio:
        (given,) = (await attio.get("/v2/lists")).json()["data"]
        path = f"/v2/lists/{given['id']['list_id']}/entries"
        (held,) = (await attio.post(f"{path}/query", json={})).json()["data"]
        change = {"data": {"entry_values": {"score": 99}}}
        (await attio.patch(f"{path}/{held['id']['entry_id']}", json=change)).raise_for_status()
    async with client(workspace.affinity_url) as affinity:
        (await affinity.delete("/_sandbox/rows/list_entries/61")).raise_for_status()
    await put(workspace, entry(62, 1, score=4))
    job = await migration.carry(tenant, workspace, on_existing="fill")
    assert jobs.counts(job, "list_entries")["created"] == 0
    assert list((await lists_in_target(workspace)).values()) == [[99]]


async def test_a_list_goes_on_when_its_name_and_slug_were_changed_in_the_target(
    workspace: Sandbox, tenant: Tenant, other_tenant: Tenant
) -> None:
    await migration.carry(tenant, workspace)
    (list_id,) = await lists_in_target(workspace)
    async with client(workspace.attio_url, bearer=workspace.attio_key) as attio:
        change = {"data": {"name": "Ours", "api_slug": "our_portfolio"}}
        (await attio.patch(f"/v2/lists/{list_id}", json=change)).raise_for_status()
    await put(workspace, entry(62, 2, score=3))
    for same_or_other in (tenant, other_tenant):
        await migration.carry(same_or_other, workspace)
        assert await lists_in_target(workspace) == {list_id: [4, 3]}


async def put(sandbox: Sandbox, row: Row) -> None:
    async with client(sandbox.affinity_url) as affinity:
        (await affinity.put("/_sandbox/rows/list_entries", json=row)).raise_for_status()


async def second_company(sandbox: Sandbox) -> str:
    async with client(sandbox.attio_url, bearer=sandbox.attio_key) as attio:
        query = {"filter": {"affinity_id": "2"}}
        (record,) = (await attio.post("/v2/objects/companies/records/query", json=query)).json()["data"]
    return str(record["id"]["record_id"])


async def lists_in_target(sandbox: Sandbox) -> dict[str, list[float]]:
    """The scores on each list of the Attio, in the order of their entries."""
    found = {}
    async with client(sandbox.attio_url, bearer=sandbox.attio_key) as attio:
        for given in (await attio.get("/v2/lists")).json()["data"]:
            list_id = given["id"]["list_id"]
            oldest_first = {"sorts": [{"attribute": "created_at", "direction": "asc"}]}
            entries = (await attio.post(f"/v2/lists/{list_id}/entries/query", json=oldest_first)).json()["data"]
            found[list_id] = [value["value"] for item in entries for value in item["entry_values"]["score"]]
    return found
