"""What may be relied on when a simulated Affinity's workspace is changed while clients read it."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from affinity_parts import FULL, client_of, message, put, read_all, read_rows, remove, value

PIPELINE, COMPANIES = "/v2/lists/50001/list-entries", "/v2/lists/50002/list-entries"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(msgspec.structs.replace(FULL, people=60, opportunities=40, entries=90)) as made:
        yield made


async def counts(client: httpx.AsyncClient) -> dict[str, int]:
    return (await client.get("/_sandbox/summary")).json()["records"]


async def test_the_summary_counts_every_collection(client: httpx.AsyncClient):
    assert await counts(client) == {
        "companies": 40,
        "persons": 60,
        "opportunities": 40,
        "lists": 4,
        "list_entries": 90,
        "notes": 120,
        "reminders": 24,
        "files": 14,
        "fields": 122,
    }


async def test_a_row_read_can_be_written_back_with_a_change(client: httpx.AsyncClient):
    entries = (await client.get(COMPANIES, params={"fieldTypes": "list"})).json()["data"]
    entry = next(entry for entry in entries if value(entry["entity"], "field-10103") is not None)
    next(field for field in entry["entity"]["fields"] if field["id"] == "field-10103")["value"]["data"] = 4.5
    await put(client, "list_entries", entry)
    assert (await client.get(COMPANIES, params={"fieldTypes": "list"})).json()["data"] == entries

    (note,) = (await client.get("/notes", params={"page_size": 1})).json()["notes"]
    await put(client, "notes", {**note, "content": "Changed."})
    assert (await client.get(f"/notes/{note['id']}")).json()["content"] == "Changed."
    assert (await client.get(f"/v2/notes/{note['id']}")).json()["content"]["html"] == "<p>Changed.</p>"


async def test_new_rows_appear_everywhere(client: httpx.AsyncClient):
    deal = {"id": 7, "name": "New deal", "listId": 50001, "personIds": [100000020], "companyIds": [200000003]}
    entry = {"id": 8, "listId": 50001, "createdAt": "2026-11-01T00:00:00Z", "creatorId": None, "type": "opportunity"}
    await put(client, "opportunities", deal)
    await put(client, "list_entries", {**entry, "entity": {"id": 7, "name": "New deal", "listId": 50001}})
    assert (await client.get("/v2/opportunities/7")).json()["name"] == "New deal"
    told = (await client.get("/opportunities/7")).json()
    assert (told["person_ids"], told["organization_ids"]) == ([100000020], [200000003])
    assert [found["id"] for found in told["list_entries"]] == [8]
    first = (await client.get(PIPELINE, params={"fieldIds": "companies"})).json()["data"][0]
    assert first["id"] == 8
    assert value(first["entity"], "companies")[0]["id"] == 200000003
    assert (await client.get("/v2/companies/200000003")).json()["name"] == value(first["entity"], "companies")[0][
        "name"
    ]
    await put(
        client, "files", {"id": 9, "name": "a.txt", "size": 5, "created_at": "2026-11-01T00:00:00Z", "content": "hello"}
    )
    assert (await client.get("/entity-files/download/9", follow_redirects=True)).text == "hello"


async def test_a_new_colleague_is_a_user(client: httpx.AsyncClient):
    person = (await client.get("/v2/persons/100000030")).json()
    await put(client, "persons", {**person, "type": "internal"})
    assert person["id"] in [user["id"] for user in await read_all(client, "/v2/users")]
    await put(client, "persons", person)
    assert person["id"] not in [user["id"] for user in await read_all(client, "/v2/users")]


async def test_fields_can_come_and_go(client: httpx.AsyncClient):
    field = {"id": "field-1", "name": "New", "type": "list", "enrichmentSource": None, "valueType": "text"}
    await put(client, "fields", {"entity": "company", "listId": 50002, **field})
    assert field in await read_all(client, "/v2/lists/50002/fields")
    await remove(client, "fields", "field-1")
    assert field not in await read_all(client, "/v2/lists/50002/fields")


async def test_what_is_deleted_takes_with_it_what_cannot_be_without(client: httpx.AsyncClient):
    entry = (await client.get(PIPELINE)).json()["data"][0]
    await remove(client, "list_entries", entry["id"])
    assert (await client.get(f"/v2/opportunities/{entry['entity']['id']}")).status_code == 404
    assert (await client.get(f"{PIPELINE}/{entry['id']}")).status_code == 404

    company_id = (await client.get(COMPANIES)).json()["data"][0]["entity"]["id"]
    await remove(client, "companies", company_id)
    assert company_id not in [row["entity"]["id"] for row in await read_all(client, COMPANIES)]

    await remove(client, "lists", 50001)
    assert await read_all(client, "/v2/opportunities") == []
    assert (await client.get(PIPELINE)).status_code == 404


async def test_what_was_merged_is_found_at_the_other(client: httpx.AsyncClient):
    notes = await read_rows(client, "notes", "/notes")
    old = next(note["organization_ids"][0] for note in notes if note["organization_ids"])
    entries = [row["id"] for row in await read_all(client, COMPANIES) if row["entity"]["id"] == old]
    new = next(row["id"] for row in await read_all(client, "/v2/companies") if row["id"] != old)
    merge = {"entity": "company", "id": old, "state": "merged", "into": new}
    (await client.post("/_sandbox/records", json=merge)).raise_for_status()

    merged_away = f"{old} no longer exists as it has been merged into {new}"
    answer = await client.get(f"/v2/companies/{old}")
    assert (answer.status_code, message(answer)) == (422, merged_away)
    answer = await client.get(f"/organizations/{old}")
    assert (answer.status_code, answer.json()) == (422, [merged_away])
    linked = {row_id for note in await read_rows(client, "notes", "/notes") for row_id in note["organization_ids"]}
    assert new in linked
    assert old not in linked
    assert {row["id"] for row in await read_all(client, f"/v2/companies/{new}/list-entries")} >= set(entries)
    assert (await client.post("/_sandbox/records", json={**merge, "id": new, "into": new})).status_code == 422


async def test_what_is_deleted_is_404(client: httpx.AsyncClient):
    for collection in ("notes", "reminders", "files", "opportunities", "lists"):
        row_id = (await client.get(f"/v2/{collection}")).json()["data"][0]["id"]
        await remove(client, collection, row_id)
        assert (await client.get(f"/v2/{collection}/{row_id}")).status_code == 404
        assert row_id not in [row["id"] for row in await read_all(client, f"/v2/{collection}")]
        assert (await client.delete(f"/_sandbox/rows/{collection}/{row_id}")).status_code == 404


async def test_what_is_no_row_is_refused(client: httpx.AsyncClient):
    answer = await client.put("/_sandbox/rows/notes", json={"id": 1})
    assert answer.status_code == 422
    assert "content" in answer.json()["message"]
    assert (await client.put("/_sandbox/rows/nothing", json={})).status_code == 404
    assert (await client.delete("/_sandbox/rows/notes/x")).status_code == 404
