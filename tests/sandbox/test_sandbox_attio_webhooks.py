"""What a client may rely on about webhooks at the simulated Attio."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from freight_sandbox import running
from support import clients, late
from support.sandboxes import sandbox_options

Client = httpx.AsyncClient
URL = "https://example.com/hook"


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with (
        running(sandbox_options(companies=1, people=1, unlimited=True, hold_late_work=True)) as sandbox,
        clients.client(sandbox.attio_url, bearer=sandbox.attio_key) as client,
    ):
        yield client


def told_of(*event_types: str, **given: Any) -> dict[str, Any]:
    subscriptions = [{"event_type": event_type, "filter": given.get("filter")} for event_type in event_types]
    return {"target_url": given.get("target_url", URL), "subscriptions": subscriptions}


async def create(client: Client, data: dict[str, Any]) -> httpx.Response:
    return await client.post("/v2/webhooks", json={"data": data})


async def made(client: Client, *event_types: str, **given: Any) -> dict[str, Any]:
    return (await create(client, told_of(*event_types, **given))).raise_for_status().json()["data"]


async def events(client: Client) -> list[dict[str, int]]:
    return [webhook["events"] for webhook in (await client.get("/_sandbox/webhooks")).json()]


async def record(client: Client, entity: str, **values: Any) -> str:
    answer = await client.post(f"/v2/objects/{entity}/records", json={"data": {"values": values}})
    return answer.raise_for_status().json()["data"]["id"]["record_id"]


async def test_a_webhook_shows_its_secret_once(client: Client):
    webhook = await made(client, "record.created")
    assert len(webhook.pop("secret")) == 64
    assert webhook["status"] == "active"
    path = f"/v2/webhooks/{webhook['id']['webhook_id']}"
    assert (await client.get(path)).json()["data"] == webhook
    assert (await client.get("/v2/webhooks")).json()["data"] == [webhook]


async def test_an_identical_webhook_is_a_conflict(client: Client):
    await made(client, "record.created")
    again = await create(client, told_of("record.created"))
    assert (again.status_code, again.json()["code"]) == (409, "uniqueness_conflict")
    assert (await create(client, told_of("record.created", target_url=f"{URL}/2"))).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"target_url": "http://example.com"},
        {"subscriptions": None},
        {"subscriptions": [{"event_type": "record.created"}]},
        {"subscriptions": [{"event_type": "record.dreamt", "filter": None}]},
        {"subscriptions": [{"event_type": "record.created", "filter": {}}]},
        {"subscriptions": [{"event_type": "record.created", "filter": {"$and": [{"field": "id"}]}}]},
    ],
)
async def test_a_webhook_that_is_none_is_refused(client: Client, change: dict[str, Any]):
    answer = await create(client, {**told_of("record.created"), **change})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_type")
    assert (await client.get("/v2/webhooks")).json()["data"] == []


async def test_the_list_of_webhooks_gives_from_ten_to_a_hundred(client: Client):
    for limit, status in ((9, 400), (10, 200), (100, 200), (101, 400)):
        assert (await client.get("/v2/webhooks", params={"limit": limit})).status_code == status


async def test_every_write_of_a_migration_is_an_event(client: Client):
    await made(client, "record.created", "record.updated", "record.deleted", "list.created", "list-attribute.created")
    await made(client, "list-entry.created", "list-entry.updated", "list-entry.deleted", target_url=f"{URL}/entries")
    await made(client, "note.created", "note-content.updated", "note.updated", "task.created", target_url=f"{URL}/n")
    company = await record(client, "companies", name="Acme")
    path = f"/v2/objects/companies/records/{company}"
    for name in ("Acme", "Acme Ltd"):
        await client.patch(path, json={"data": {"values": {"name": name}}})
    access = {"workspace_access": "full-access", "workspace_member_access": []}
    new = {"name": "Pipeline", "api_slug": "pipeline", "parent_object": "companies", **access}
    await client.post("/v2/lists", json={"data": new})
    attribute = {"title": "Score", "description": None, "api_slug": "score", "type": "number", "config": {}}
    flags = {"is_required": False, "is_unique": False, "is_multiselect": False}
    await client.post("/v2/lists/pipeline/attributes", json={"data": {**attribute, **flags}})
    entry = {"parent_object": "companies", "parent_record_id": company, "entry_values": {"score": 1}}
    for _ in range(2):
        answer = await client.put("/v2/lists/pipeline/entries", json={"data": entry})
        entry["entry_values"] = {"score": 2}
    await client.delete(f"/v2/lists/pipeline/entries/{answer.json()['data']['id']['entry_id']}")
    about = {"parent_object": "companies", "parent_record_id": company}
    note = {**about, "title": "Call", "format": "plaintext", "content": "Well"}
    note_id = (await client.post("/v2/notes", json={"data": note})).json()["data"]["id"]["note_id"]
    change = {"title": "Talk", "format": "plaintext", "content": "Very well"}
    (await client.patch(f"/v2/notes/{note_id}", json={"data": change})).raise_for_status()
    task = {"content": "Call", "format": "plaintext", "deadline_at": None, "is_completed": False}
    (await client.post("/v2/tasks", json={"data": {**task, "linked_records": [], "assignees": []}})).raise_for_status()
    await client.delete(path)
    assert await events(client) == [
        {
            "record.created": 1,
            "record.updated": 1,
            "record.deleted": 1,
            "list.created": 1,
            "list-attribute.created": 1,
        },
        {"list-entry.created": 1, "list-entry.updated": 1, "list-entry.deleted": 1},
        {"note.created": 1, "note-content.updated": 1, "note.updated": 1, "task.created": 1},
    ]


async def test_what_attio_does_by_itself_is_an_event_of_the_system(client: Client):
    by_system = [{"field": "actor.type", "operator": "equals", "value": "system"}]
    await made(client, "record.created", "record.updated", filter={"$and": by_system})
    await record(client, "people", email_addresses=["ada@late-events.com"])
    assert await events(client) == [{}]
    await late.finish(client)
    assert await events(client) == [{"record.created": 1, "record.updated": 1}]


async def test_a_filter_decides_which_events_a_webhook_is_told_of(client: Client):
    people = (await client.get("/v2/objects/people")).json()["data"]["id"]["object_id"]
    is_person = {"field": "id.object_id", "operator": "equals", "value": people}
    is_none = {**is_person, "operator": "not_equals"}
    for number, chosen in enumerate(({"$and": [is_person]}, {"$and": [is_person, is_none]}, {"$or": [is_none]})):
        await made(client, "record.created", filter=chosen, target_url=f"{URL}/{number}")
    await record(client, "people")
    await record(client, "companies")
    assert await events(client) == [{"record.created": 1}, {}, {"record.created": 1}]


async def test_a_deleted_webhook_is_told_of_nothing(client: Client):
    webhook = await made(client, "record.created")
    path = f"/v2/webhooks/{webhook['id']['webhook_id']}"
    assert [(await client.delete(path)).status_code for _ in range(2)] == [200, 404]
    await record(client, "companies")
    assert await events(client) == []


async def test_what_a_webhook_is_told_of_can_change(client: Client):
    webhook = await made(client, "record.created")
    path = f"/v2/webhooks/{webhook['id']['webhook_id']}"
    change = {"data": told_of("note.created", target_url=f"{URL}/new")}
    (await client.patch(path, json=change)).raise_for_status()
    await record(client, "companies")
    assert await events(client) == [{}]
    assert (await client.get(path)).json()["data"]["target_url"] == f"{URL}/new"
