"""The simulated Affinity's answers about all that a workspace holds fit the document that Affinity publishes."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from test_sandbox_conformance import affinity_fits, pytestmark

from freight_sandbox import running
from support.clients import TLS
from support.sandboxes import sandbox_options

__all__ = ["pytestmark"]

EVERY_TYPE = ["enriched", "global", "relationship-intelligence"]
LISTS = "/v2/lists/{listId}"
ENTRIES = f"{LISTS}/list-entries"


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    options = sandbox_options(
        companies=12,
        people=24,
        opportunities=12,
        lists=4,
        entries=30,
        notes=24,
        custom_fields=True,
        unlimited=True,
    )
    async with running(options) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.affinity_key}"}
        async with httpx.AsyncClient(verify=TLS, base_url=sandbox.affinity_url, headers=headers) as made:
            yield made


async def rows_that_fit(client: httpx.AsyncClient, route: str, path: str, params: Any = None) -> list[dict]:
    """Every row of a collection, each page of which fits."""
    answer = await client.get(path, params=params)
    affinity_fits(route, answer)
    rows = answer.json()["data"] or []
    while (url := answer.json()["pagination"]["nextUrl"]) is not None:
        answer = await client.get(url)
        affinity_fits(route, answer)
        rows += answer.json()["data"]
    return rows


async def one_fits(client: httpx.AsyncClient, route: str, path: str, params: Any = None) -> None:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200
    affinity_fits(route, answer)


async def test_records_with_every_type_of_value_fit(client: httpx.AsyncClient):
    for entity, singular in (("companies", "company"), ("persons", "person")):
        rows = await rows_that_fit(client, f"/v2/{entity}", f"/v2/{entity}", {"fieldTypes": EVERY_TYPE})
        one = f"/v2/{entity}/{{{singular}Id}}"
        await one_fits(client, one, f"/v2/{entity}/{rows[-1]['id']}", {"fieldTypes": EVERY_TYPE})
        fields = await rows_that_fit(client, f"/v2/{entity}/fields", f"/v2/{entity}/fields")
        assert len({field["valueType"] for field in fields}) == 17
        for row in rows[8:11]:
            for part in ("list-entries", "lists", "notes"):
                await rows_that_fit(client, f"{one}/{part}", f"/v2/{entity}/{row['id']}/{part}")


async def test_lists_their_fields_and_their_rows_fit(client: httpx.AsyncClient):
    lists = await rows_that_fit(client, "/v2/lists", "/v2/lists", {"limit": 3})
    assert {row["type"] for row in lists} == {"company", "person", "opportunity"}
    for row in lists:
        path = f"/v2/lists/{row['id']}"
        await one_fits(client, LISTS, path)
        await rows_that_fit(client, f"{LISTS}/fields", f"{path}/fields")
        views = await rows_that_fit(client, f"{LISTS}/saved-views", f"{path}/saved-views")
        await one_fits(client, f"{LISTS}/saved-views/{{viewId}}", f"{path}/saved-views/{views[0]['id']}")
        view_rows = f"{LISTS}/saved-views/{{viewId}}/list-entries"
        shown = await rows_that_fit(client, view_rows, f"{path}/saved-views/{views[0]['id']}/list-entries")
        assert len(shown) == len(await rows_that_fit(client, ENTRIES, f"{path}/list-entries"))
        for view in views[1:]:
            affinity_fits(view_rows, await client.get(f"{path}/saved-views/{view['id']}/list-entries"))
        await rows_that_fit(client, ENTRIES, f"{path}/list-entries")
        wanted = {"fieldTypes": [*EVERY_TYPE, "list"]}
        for entry in (await rows_that_fit(client, ENTRIES, f"{path}/list-entries", wanted))[:1]:
            one, entry_path = f"{ENTRIES}/{{listEntryId}}", f"{path}/list-entries/{entry['id']}"
            await one_fits(client, one, entry_path, wanted)
            await rows_that_fit(client, f"{one}/fields", f"{entry_path}/fields")


async def test_opportunities_fit(client: httpx.AsyncClient):
    rows = await rows_that_fit(client, "/v2/opportunities", "/v2/opportunities")
    one = "/v2/opportunities/{opportunityId}"
    await one_fits(client, one, f"/v2/opportunities/{rows[0]['id']}")
    for row in rows[:3]:
        await rows_that_fit(client, f"{one}/notes", f"/v2/opportunities/{row['id']}/notes")


async def test_notes_of_every_kind_and_their_replies_fit(client: httpx.AsyncClient):
    includes = ["companiesPreview", "personsPreview", "opportunitiesPreview", "repliesCount"]
    notes = await rows_that_fit(client, "/v2/notes", "/v2/notes", {"includes": includes, "totalCount": "true"})
    assert {note["type"] for note in notes} == {"entities", "interaction", "ai-notetaker"}
    one = "/v2/notes/{noteId}"
    for note in notes[::6]:
        await one_fits(client, one, f"/v2/notes/{note['id']}")
        for part in ("attached-persons", "attached-companies", "attached-opportunities"):
            await rows_that_fit(client, f"{one}/{part}", f"/v2/notes/{note['id']}/{part}")
    replied_to = next(note for note in notes if note["repliesCount"])
    replies = await rows_that_fit(client, f"{one}/replies", f"/v2/notes/{replied_to['id']}/replies")
    assert {reply["type"] for reply in replies} == {"user-reply"}
    await one_fits(client, one, f"/v2/notes/{replies[0]['id']}")


@pytest.mark.parametrize(("entity", "kind"), [("company", "Company"), ("person", "Person")])
async def test_merges_and_their_tasks_fit(client: httpx.AsyncClient, entity: str, kind: str):
    plural = "companies" if entity == "company" else "persons"
    rows = (await client.get(f"/v2/{plural}")).json()["data"]
    plain = [row["id"] for row in rows if row.get("type", "external") == "external" and not row.get("isGlobal")][-3:]
    merges, tasks = f"/v2/{entity}-merges", f"/v2/tasks/{entity}-merges"
    for primary, duplicate in ((plain[0], plain[1]), (plain[0], 7)):
        pair = {f"primary{kind}Id": primary, f"duplicate{kind}Id": duplicate}
        answer = await client.post(merges, json=pair)
        affinity_fits(merges, answer)
        assert answer.status_code == 202
        task_url = answer.json()["taskUrl"]
        await one_fits(client, f"{tasks}/{{taskId}}", task_url)
    listed = await rows_that_fit(client, merges, merges)
    assert [(row["status"], row[f"duplicate{kind}Id"]) for row in listed] == [("failed", 7), ("success", plain[1])]
    await one_fits(client, f"{merges}/{{mergeId}}", f"{merges}/{listed[0]['id']}")
    of_task = await rows_that_fit(client, merges, merges, {"filter": f"taskId={task_url.rpartition('/')[2]}"})
    assert of_task == listed[:1]
    assert len(await rows_that_fit(client, tasks, tasks, {"filter": "status=success"})) == 1
    affinity_fits(merges, await client.post(merges, json={}))
    affinity_fits(f"{merges}/{{mergeId}}", await client.get(f"{merges}/99"))
    affinity_fits(f"{tasks}/{{taskId}}", await client.get(f"{tasks}/no-uuid"))
    assert (await client.get(f"/v2/{plural}/{plain[1]}")).status_code == 422


async def test_refusals_fit(client: httpx.AsyncClient):
    affinity_fits(LISTS, await client.get("/v2/lists/1"))
    affinity_fits(ENTRIES, await client.get("/v2/lists/1/list-entries"))
    affinity_fits(ENTRIES, await client.get("/v2/lists/50001/list-entries", params={"fieldTypes": "hidden"}))
    affinity_fits(f"{LISTS}/fields", await client.get("/v2/lists/50001/fields", params={"limit": 101}))
    affinity_fits("/v2/notes", await client.get("/v2/notes", params={"filter": "colour=1"}))
    affinity_fits("/v2/notes", await client.get("/v2/notes", params={"includes": "everything"}))
    affinity_fits("/v2/opportunities/{opportunityId}", await client.get("/v2/opportunities/1"))
