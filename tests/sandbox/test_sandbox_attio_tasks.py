"""What a client may rely on about tasks at the simulated Attio."""

import itertools
from typing import Any

import httpx
import pytest

from support import late

numbers = itertools.count(1)
TASK = {
    "content": "Call them",
    "format": "plaintext",
    "deadline_at": None,
    "is_completed": False,
    "linked_records": [],
    "assignees": [],
}


@pytest.fixture
async def person(attio: httpx.AsyncClient) -> dict[str, Any]:
    address = f"ada@tasks{next(numbers)}.com"
    made = await attio.post("/v2/objects/people/records", json={"data": {"values": {"email_addresses": [address]}}})
    await late.finish(attio)
    return (await attio.get(f"/v2/objects/people/records/{made.json()['data']['id']['record_id']}")).json()["data"]


async def write(client: httpx.AsyncClient, **changes: object) -> httpx.Response:
    return await client.post("/v2/tasks", json={"data": {**TASK, **changes}})


async def made(client: httpx.AsyncClient, **changes: object) -> dict[str, Any]:
    return (await write(client, **changes)).raise_for_status().json()["data"]


async def found(client: httpx.AsyncClient, **params: object) -> list[dict[str, Any]]:
    return (await client.get("/v2/tasks", params=params)).raise_for_status().json()["data"]


def address(person: dict[str, Any]) -> str:
    return person["values"]["email_addresses"][0]["email_address"]


def link(record_id: str, name: str = "people") -> dict[str, str]:
    return {"target_object": name, "target_record_id": record_id}


@pytest.mark.parametrize("key", TASK)
async def test_a_task_needs_all_its_keys(attio: httpx.AsyncClient, key: str):
    data = {name: value for name, value in TASK.items() if name != key}
    answer = await attio.post("/v2/tasks", json={"data": data})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_type")
    assert answer.json()["validation_errors"][0]["path"] == ["data", key]


async def test_a_task_has_2000_characters_at_most(attio: httpx.AsyncClient):
    assert (await write(attio, content="ä" * 2000)).status_code == 200
    assert (await write(attio, content="ä" * 2001)).status_code == 400


async def test_records_can_be_linked_in_every_form(attio: httpx.AsyncClient, person: dict[str, Any]):
    person_id = person["id"]["record_id"]
    company_id = person["values"]["company"][0]["target_record_id"]
    to_person = {"target_object_id": "people", "target_record_id": person_id}
    to_company = {"target_object_id": "companies", "target_record_id": company_id}
    domain = address(person).partition("@")[2]
    for form, expected in (
        (link(person_id), to_person),
        ({"target_object": "people", "email_addresses": [{"email_address": address(person)}]}, to_person),
        (address(person), to_person),
        ({"target_object": "companies", "domains": [{"domain": domain}]}, to_company),
        (domain, to_company),
    ):
        assert (await made(attio, linked_records=[form]))["linked_records"] == [expected], form


@pytest.mark.parametrize(
    "form",
    [
        {"target_object": "people", "target_record_id": "gone"},
        {"target_object": "nothing", "target_record_id": "gone"},
        "nobody@nowhere.com",
        "nowhere.com",
    ],
)
async def test_a_record_that_is_not_there_cannot_be_linked(attio: httpx.AsyncClient, form: Any):
    answer = await write(attio, linked_records=[form])
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_members_can_be_assigned_by_id_and_by_email(attio: httpx.AsyncClient):
    member = (await attio.get("/v2/workspace_members")).json()["data"][1]
    member_id = member["id"]["workspace_member_id"]
    by_id = {"referenced_actor_type": "workspace-member", "referenced_actor_id": member_id}
    for form in (by_id, {"workspace_member_email_address": member["email_address"]}):
        assert (await made(attio, assignees=[form]))["assignees"] == [by_id]
    stranger = await write(attio, assignees=[{"workspace_member_email_address": "nobody@x.com"}])
    assert (stranger.status_code, stranger.json()["code"]) == (404, "not_found")


async def test_a_deadline_is_a_moment(attio: httpx.AsyncClient):
    task = await made(attio, deadline_at="2031-02-03T04:05:06Z")
    assert task["deadline_at"] == "2031-02-03T04:05:06.000000000Z"
    assert (await write(attio, deadline_at="soon")).status_code == 400


async def test_all_but_the_content_of_a_task_can_change(attio: httpx.AsyncClient, person: dict[str, Any]):
    task = await made(attio)
    path = f"/v2/tasks/{task['id']['task_id']}"
    done = (await attio.patch(path, json={"data": {"is_completed": True}})).json()["data"]
    assert done["is_completed"] is True
    assert done["completed_at"] is not None
    change = {"deadline_at": "2031-01-01", "linked_records": [link(person["id"]["record_id"])]}
    changed = (await attio.patch(path, json={"data": change})).json()["data"]
    assert changed["deadline_at"].startswith("2031-01-01")
    assert changed["completed_at"] == done["completed_at"]
    assert (await attio.get(path)).json()["data"] == changed
    answer = await attio.patch(path, json={"data": {"content": "Other"}})
    assert answer.json()["validation_errors"][0]["keys"] == ["content"]


async def test_tasks_are_found_by_record_assignee_and_state(attio: httpx.AsyncClient, person: dict[str, Any]):
    person_id, email = person["id"]["record_id"], "ben@sandbox-ventures.com"
    mine = await made(attio, linked_records=[link(person_id)], assignees=[email], is_completed=True)
    other = await made(attio, linked_records=[link(person_id)])
    about = {"linked_object": "people", "linked_record_id": person_id}
    assert await found(attio, **about) == [mine, other]
    assert await found(attio, **about, sort="created_at:desc") == [other, mine]
    assert await found(attio, **about, sort="completed_at:asc") == [other, mine]
    assert await found(attio, **about, sort="completed_at:desc") == [mine, other]
    assert await found(attio, **about, assignee=email) == [mine]
    assert await found(attio, **about, assignee="null") == [other]
    assert await found(attio, **about, is_completed="false") == [other]
    assert await found(attio, **about, limit=1, offset=1) == [other]
    for params in ({"linked_object": "people"}, {"sort": "title:asc"}, {"is_completed": "yes"}, {"limit": 501}):
        assert (await attio.get("/v2/tasks", params=params)).status_code == 400


async def test_a_task_stays_when_its_record_goes(attio: httpx.AsyncClient, person: dict[str, Any]):
    task = await made(attio, linked_records=[link(person["id"]["record_id"])])
    await attio.delete(f"/v2/objects/people/records/{person['id']['record_id']}")
    path = f"/v2/tasks/{task['id']['task_id']}"
    assert (await attio.get(path)).json()["data"]["linked_records"] == []
    assert (await attio.delete(path)).json() == {}
    assert (await attio.get(path)).status_code == 404


async def fault(client: httpx.AsyncClient, kind: str) -> None:
    (await client.post("/_sandbox/faults", json={"kind": kind, "times": 1})).raise_for_status()


@pytest.mark.parametrize("kind", ["task_links_dropped", "task_links_late"])
async def test_links_can_be_missing_from_a_task_that_was_created(
    attio: httpx.AsyncClient, person: dict[str, Any], kind: str
):
    person_id = person["id"]["record_id"]
    about_person = {"linked_object": "people", "linked_record_id": person_id}
    await fault(attio, kind)
    task = await made(attio, linked_records=[link(person_id)])
    assert task["linked_records"] == []
    assert (await found(attio, sort="created_at:desc", limit=1))[0]["id"] == task["id"]
    await late.finish(attio)
    attached = [one["id"] for one in await found(attio, **about_person)]
    assert attached == ([task["id"]] if kind == "task_links_late" else [])
    assert (await made(attio, linked_records=[link(person_id)]))["linked_records"] != []


async def test_links_that_come_late_leave_those_that_a_client_gave_meanwhile(
    attio: httpx.AsyncClient, person: dict[str, Any]
):
    other = (await attio.post("/v2/objects/people/records", json={"data": {"values": {}}})).json()["data"]
    await fault(attio, "task_links_late")
    task = await made(attio, linked_records=[link(person["id"]["record_id"])])
    change = {"data": {"linked_records": [link(other["id"]["record_id"])]}}
    path = f"/v2/tasks/{task['id']['task_id']}"
    (await attio.patch(path, json=change)).raise_for_status()
    await late.finish(attio)
    (linked,) = (await attio.get(path)).json()["data"]["linked_records"]
    assert linked["target_record_id"] == other["id"]["record_id"]
