"""What a client may rely on about comments and threads at the simulated Attio."""

from typing import Any

import httpx
import pytest


@pytest.fixture
async def company(attio: httpx.AsyncClient) -> str:
    made = await attio.post("/v2/objects/companies/records", json={"data": {"values": {"name": ["Acme"]}}})
    return made.json()["data"]["id"]["record_id"]


@pytest.fixture
async def author(attio: httpx.AsyncClient) -> str:
    return (await attio.get("/v2/workspace_members")).json()["data"][1]["id"]["workspace_member_id"]


async def write(client: httpx.AsyncClient, by: str, **target: object) -> httpx.Response:
    comment = {"format": "plaintext", "content": "Well", "author": {"type": "workspace-member", "id": by}}
    return await client.post("/v2/comments", json={"data": {**comment, **target}})


def on(record_id: str) -> dict[str, Any]:
    return {"record": {"object": "companies", "record_id": record_id}}


async def test_a_comment_has_an_author_and_can_be_dated_back(attio: httpx.AsyncClient, company: str, author: str):
    comment = (await write(attio, author, **on(company), created_at="2019-05-06T07:08:09Z")).json()["data"]
    assert comment["author"] == {"type": "workspace-member", "id": author}
    assert comment["created_at"] == "2019-05-06T07:08:09.000000000Z"
    assert comment["record"]["record_id"] == company
    assert (await attio.get(f"/v2/comments/{comment['id']['comment_id']}")).json()["data"] == comment
    assert (await write(attio, author, **on(company), created_at="2999-01-01T00:00:00Z")).status_code == 400


async def test_replies_stand_in_the_thread_by_date(attio: httpx.AsyncClient, company: str, author: str):
    head = (await write(attio, author, **on(company), created_at="2020-01-01T00:00:00Z")).json()["data"]
    for year in (2022, 2021):
        await write(attio, author, thread_id=head["thread_id"], created_at=f"{year}-01-01T00:00:00Z")
    params = {"object": "companies", "record_id": company}
    (thread,) = (await attio.get("/v2/threads", params=params)).json()["data"]
    assert [comment["created_at"][:4] for comment in thread["comments"]] == ["2020", "2021", "2022"]
    assert (await attio.get(f"/v2/threads/{head['thread_id']}")).json()["data"] == thread

    await attio.delete(f"/v2/comments/{thread['comments'][2]['id']['comment_id']}")
    assert len((await attio.get(f"/v2/threads/{head['thread_id']}")).json()["data"]["comments"]) == 2
    await attio.delete(f"/v2/comments/{head['id']['comment_id']}")
    assert (await attio.get("/v2/threads", params=params)).json()["data"] == []


async def test_an_entry_can_be_commented_on(attio: httpx.AsyncClient, company: str, author: str):
    new = {"name": "L", "api_slug": "commented", "parent_object": "companies", "workspace_access": "full-access"}
    await attio.post("/v2/lists", json={"data": {**new, "workspace_member_access": []}})
    entry = {"parent_object": "companies", "parent_record_id": company, "entry_values": {}}
    made = await attio.post("/v2/lists/commented/entries", json={"data": entry})
    entry_id = made.json()["data"]["id"]["entry_id"]
    comment = (await write(attio, author, entry={"list": "commented", "entry_id": entry_id})).json()["data"]
    assert (comment["entry"]["entry_id"], comment["record"]["record_id"]) == (entry_id, company)
    params = {"list": "commented", "entry_id": entry_id}
    assert len((await attio.get("/v2/threads", params=params)).json()["data"]) == 1
    assert (await attio.get("/v2/threads", params={"list": "commented"})).status_code == 400
    await attio.delete(f"/v2/lists/commented/entries/{entry_id}")
    assert (await attio.get(f"/v2/threads/{comment['thread_id']}")).status_code == 404


async def test_a_refused_comment_spells_its_status_in_camel_case(attio: httpx.AsyncClient, company: str, author: str):
    for code, target in (
        ("value_not_found", on("gone")),
        ("value_not_found", {"thread_id": company}),
        ("value_not_found", {"entry": {"list": "nothing", "entry_id": "gone"}}),
        ("value_not_found", {**on(company), "author": {"type": "workspace-member", "id": "nobody"}}),
        ("validation_type", {**on(company), "thread_id": company}),
        ("validation_type", {}),
    ):
        answer = await write(attio, author, **target)
        assert (answer.status_code, answer.json()["statusCode"], answer.json()["code"]) == (400, 400, code)
        assert "status_code" not in answer.json()
