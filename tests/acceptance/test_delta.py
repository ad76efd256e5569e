"""Run again after changes at the source: they are carried, and nothing else is touched."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from freight_sandbox import Sandbox, running
from support import comparison, everything, jobs, migration, workspaces
from support.clients import TLS
from support.comparison import target
from support.comparison.explanation import unexplained
from support.everything import lists
from support.sandboxes import sandbox_options
from support.service import Tenant

Row = dict[str, Any]

CHANGED = {
    "companies": {"created": 1, "updated": 1},
    "list_entries": {"created": 1},
    "notes": {"created": 1, "updated": 1},
    "tasks": {"updated": 1},
    "files": {"created": 1},
}
GONE = {("companies", "1250"), ("people", "2016"), ("list_entries", "71002")}


@pytest.fixture
async def workspace(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    """The workspace with everything, and an empty target."""
    async with everything.running(tmp_path_factory.mktemp("everything")) as sandbox:
        yield sandbox


async def test_only_changes_are_carried_and_what_is_gone_or_was_changed_in_the_target_is_told_and_kept(
    workspace: Sandbox, tenant: Tenant
) -> None:
    first = await migration.carry(tenant, workspace)
    await name_in_target(workspace, "1201", "Ours")
    before = await workspaces.writes_received(workspace)
    await change_the_source(workspace)
    job = await migration.carry(tenant, workspace, on_existing="fill")

    for entity, counts in migration.outcomes(job).items():
        changed = {outcome: counts[outcome] for outcome in ("created", "updated", "failed") if counts[outcome]}
        assert (entity, changed) == (entity, CHANGED.get(entity, {}))
    writes = sum(count for counts in CHANGED.values() for count in counts.values())
    assert await workspaces.writes_received(workspace) == before + writes
    gone = await jobs.logs(tenant, job["id"], code="gone_from_source")
    assert {(row["entity"], row["source_id"]) for row in gone} == GONE
    (kept,) = await jobs.logs(tenant, job["id"], code="kept_in_target")
    assert (kept["source_id"], kept["field"]) == ("1201", "name")
    assert await name_in_target(workspace, "1201") == "Ours"

    said = [*await migration.said(tenant, first["id"]), *await migration.said(tenant, job["id"])]
    left = unexplained(await comparison.differences(workspace), said)
    assert {(difference.entity, difference.source_id) for difference in left} == {*GONE, ("companies", "1201")}


async def test_nothing_is_called_gone_from_the_source_where_not_all_of_it_could_be_read(tenant: Tenant) -> None:
    async with running(sandbox_options(companies=2, people=2, reminders=3, notes=0, files=0)) as sandbox:
        await migration.carry(tenant, sandbox, entities=["tasks"])
        async with httpx.AsyncClient(verify=TLS, base_url=sandbox.affinity_url, headers=bearer(sandbox)) as affinity:
            (first, *_) = (await affinity.get("/reminders")).json()["reminders"]
        await delete(sandbox, "reminders", first["id"])
        async with saying_instead(sandbox.affinity_url, b'"totalCount":2', b'"totalCount":9') as url:
            job = await migration.carry(tenant, msgspec.structs.replace(sandbox, affinity_url=url), entities=["tasks"])
        assert await jobs.logs(tenant, job["id"], code="gone_from_source") == []
        (said,) = await jobs.logs(tenant, job["id"], code="not_all_read")
        assert (said["level"], said["entity"], said["value"]) == ("warning", "tasks", "7")

        job = await migration.carry(tenant, sandbox, entities=["tasks"])
        (gone,) = await jobs.logs(tenant, job["id"], code="gone_from_source")
        assert gone["source_id"] == str(first["id"])


@asynccontextmanager
async def saying_instead(url: str, said: bytes, instead: bytes) -> AsyncIterator[str]:
    """A URL at which a vendor answers as it does at its own, but for these bytes."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        await asyncio.gather(handed_on(reader, back), handed_on(there, writer))

    async def handed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data.replace(said, instead))
        writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def bearer(sandbox: Sandbox) -> dict[str, str]:
    return {"Authorization": f"Bearer {sandbox.affinity_key}"}


async def name_in_target(sandbox: Sandbox, source_id: str, name: str | None = None) -> str:
    """What a company is called in the target; somebody who works there may give it another name."""
    (record,) = (await workspaces.in_target(sandbox, "companies"))[source_id]
    headers = {"Authorization": f"Bearer {sandbox.attio_key}"}
    async with httpx.AsyncClient(verify=TLS, base_url=sandbox.attio_url, headers=headers) as attio:
        path = f"/v2/objects/companies/records/{record['id']['record_id']}"
        values = {} if name is None else {"name": [name]}
        answer = await attio.patch(path, json={"data": {"values": values}})
    (held,) = target.plain(answer.raise_for_status().json()["data"]["values"], "name")
    return str(held)


async def change_the_source(sandbox: Sandbox) -> None:
    """New, changed, moved, answered, added to, merged and deleted."""
    await put(sandbox, "companies", company(1900, "New", "new.example.com"))
    await put(sandbox, "companies", company(1201, "Theirs", "filler-1.example.com"))
    await put(sandbox, "companies", company(1202, "Another name", "filler-2.example.com"))
    await put(sandbox, "notes", note(8900, "New", organization_ids=[1900]))
    await put(sandbox, "notes", note(8901, "An answer", parent_id=8007))
    await put(sandbox, "reminders", done(everything.talk.reminders()[0]))
    added = {"id": 9900, "name": "new.txt", "size": 3, "content": "new", "created_at": "2024-06-01T10:00:00Z"}
    await put(sandbox, "files", {**added, "organization_id": 1001})
    # The company moves to another list.
    moved = next(row for row in lists.entries() if row["id"] == 71_002)
    await delete(sandbox, "list_entries", 71_002)
    await put(
        sandbox,
        "list_entries",
        {**moved, "id": 71_902, "listId": lists.EMPTY, "entity": {**moved["entity"], "fields": []}},
    )
    await delete(sandbox, "companies", 1250)
    async with httpx.AsyncClient(verify=TLS, base_url=sandbox.affinity_url) as affinity:
        merged = {"entity": "person", "id": 2016, "state": "merged", "into": 2015}
        (await affinity.post("/_sandbox/records", json=merged)).raise_for_status()


async def put(sandbox: Sandbox, collection: str, row: Row) -> None:
    """Add a row to the source, or replace it."""
    async with httpx.AsyncClient(verify=TLS, base_url=sandbox.affinity_url) as affinity:
        (await affinity.put(f"/_sandbox/rows/{collection}", json=row)).raise_for_status()


async def delete(sandbox: Sandbox, collection: str, number: int) -> None:
    """Take a row away from the source."""
    async with httpx.AsyncClient(verify=TLS, base_url=sandbox.affinity_url) as affinity:
        (await affinity.delete(f"/_sandbox/rows/{collection}/{number}")).raise_for_status()


def company(number: int, name: str, domain: str) -> Row:
    return {"id": number, "name": name, "domain": domain, "domains": [domain], "isGlobal": False, "fields": []}


def note(number: int, content: str, **changes: Any) -> Row:
    return {"id": number, "content": content, "creator_id": 1, "created_at": "2024-06-01T10:00:00Z", **changes}


def done(reminder: Row) -> Row:
    return {**reminder, "status": 0, "completed_at": "2024-06-01T10:00:00Z"}
