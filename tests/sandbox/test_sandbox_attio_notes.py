"""What a client may rely on about notes at the simulated Attio."""

from typing import Any

import httpx
import pytest


@pytest.fixture
async def company(attio: httpx.AsyncClient) -> str:
    made = await attio.post("/v2/objects/companies/records", json={"data": {"values": {"name": ["Acme"]}}})
    return made.json()["data"]["id"]["record_id"]


async def write(client: httpx.AsyncClient, record_id: str, **changes: object) -> httpx.Response:
    note = {
        "parent_object": "companies",
        "parent_record_id": record_id,
        "title": "Call",
        "format": "plaintext",
        "content": "Hello\nthere",
    }
    return await client.post("/v2/notes", json={"data": {**note, **changes}})


async def titles(client: httpx.AsyncClient, **params: object) -> list[str]:
    answer = await client.get("/v2/notes", params=params)
    return [note["title"] for note in answer.raise_for_status().json()["data"]]


async def test_a_note_is_dated_back_and_belongs_to_the_key(attio: httpx.AsyncClient, company: str):
    note = (await write(attio, company, created_at="2019-05-06T07:08:09+02:00")).json()["data"]
    assert note["created_at"] == "2019-05-06T05:08:09.000000000Z"
    assert note["created_by_actor"]["type"] == "api-token"
    assert note["content_plaintext"] == "Hello\nthere"
    assert (await attio.get(f"/v2/notes/{note['id']['note_id']}")).json()["data"] == note


@pytest.mark.parametrize("moment", ["1969-12-31T23:59:59Z", "2999-01-01T00:00:00Z", "yesterday", "", None])
async def test_a_note_from_before_1970_or_the_future_is_refused(attio: httpx.AsyncClient, company: str, moment: Any):
    answer = await write(attio, company, created_at=moment)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_type")
    assert await titles(attio, parent_object="companies", parent_record_id=company) == []


@pytest.mark.parametrize("key", ["parent_object", "parent_record_id", "title", "format", "content"])
async def test_a_note_needs_its_five_keys(attio: httpx.AsyncClient, company: str, key: str):
    note = {"parent_object": "companies", "parent_record_id": company, "title": "", "format": "plaintext"}
    note["content"] = ""
    del note[key]
    answer = await attio.post("/v2/notes", json={"data": note})
    assert answer.status_code == 400
    assert answer.json()["validation_errors"][0]["path"] == ["data", key]


async def test_a_note_on_nothing_is_404(attio: httpx.AsyncClient, company: str):
    for changes in ({"parent_object": "nothing"}, {"parent_object": "people"}, {"meeting_id": company}):
        answer = await write(attio, company, **changes)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_note_that_is_too_large_is_413(attio: httpx.AsyncClient, company: str):
    large = "ä" * 500_001
    answer = await write(attio, company, content=large)
    assert (answer.status_code, answer.json()["code"]) == (413, "validation_type")
    note = (await write(attio, company)).json()["data"]
    change = {"data": {"format": "plaintext", "content": large}}
    assert (await attio.patch(f"/v2/notes/{note['id']['note_id']}", json=change)).status_code == 413


async def test_markdown_also_comes_as_plain_text(attio: httpx.AsyncClient, company: str):
    markdown = (
        "# Agenda\n\n- **Price** and *terms*\n1. ~~Old~~ ==new== [site](https://acme.com)\n\n2 * 3 * 4 is snake_case_it"
    )
    note = (await write(attio, company, format="markdown", content=markdown)).json()["data"]
    assert note["content_markdown"] == markdown
    assert note["content_plaintext"] == "Agenda\nPrice and terms\nOld new site\n2 * 3 * 4 is snake_case_it"


@pytest.mark.parametrize(
    ("markdown", "plaintext"),
    [
        (r"\[default alive\](http://a.com/b)", "[default alive](http://a.com/b)"),
        (r"[a \[b\] c](http://a.com)", "a [b] c"),
        (r"\[x\] [y](http://a.com)", "[x] y"),
    ],
)
async def test_escaped_brackets_are_text_and_keep_what_follows_them(
    attio: httpx.AsyncClient, company: str, markdown: str, plaintext: str
):
    note = (await write(attio, company, format="markdown", content=markdown)).json()["data"]
    assert note["content_plaintext"] == plaintext


async def test_notes_are_listed_in_pages_and_by_parent(attio: httpx.AsyncClient, company: str):
    for number in range(12):
        await write(attio, company, title=str(number))
    parent = {"parent_object": "companies", "parent_record_id": company}
    assert await titles(attio, **parent) == [str(number) for number in range(10)]
    assert await titles(attio, **parent, limit=50, offset=10) == ["10", "11"]
    assert len(await titles(attio, parent_object="companies", limit=12)) == 12
    assert await titles(attio, parent_object="people") == []
    assert (await attio.get("/v2/notes", params={"limit": 51})).status_code == 400
    assert (await attio.get("/v2/notes", params={"parent_object": "nothing"})).status_code == 404


async def test_a_note_can_get_another_title_and_content_and_no_other_record(attio: httpx.AsyncClient, company: str):
    note = (await write(attio, company)).json()["data"]
    path = f"/v2/notes/{note['id']['note_id']}"
    renamed = (await attio.patch(path, json={"data": {"title": "Other"}})).json()["data"]
    assert (renamed["title"], renamed["content_plaintext"]) == ("Other", "Hello\nthere")
    rewritten = await attio.patch(path, json={"data": {"format": "markdown", "content": "**New**"}})
    assert rewritten.json()["data"] == {**renamed, "content_plaintext": "New", "content_markdown": "**New**"}
    for data in ({"parent_record_id": company}, {"content": "No format"}):
        assert (await attio.patch(path, json={"data": data})).status_code == 400


async def test_a_deleted_note_is_gone_and_notes_go_with_their_record(attio: httpx.AsyncClient, company: str):
    first, second = [(await write(attio, company)).json()["data"]["id"]["note_id"] for _ in range(2)]
    assert (await attio.delete(f"/v2/notes/{first}")).json() == {}
    assert (await attio.delete(f"/v2/notes/{first}")).status_code == 404
    await attio.delete(f"/v2/objects/companies/records/{company}")
    assert (await attio.get(f"/v2/notes/{second}")).status_code == 404
