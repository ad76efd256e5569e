"""What a client may rely on that writes to the simulated Affinity."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from affinity_parts import FULL, client_of, message, read_all, value

PIPELINE, COMPANIES = "/v2/lists/50001/list-entries", "/v2/lists/50002/list-entries"
LIMB = {"entity_type": 1, "list_id": 50002}


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(msgspec.structs.replace(FULL, people=60, opportunities=40, entries=90)) as made:
        yield made


async def made(client: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    """What a client is told of what it made."""
    return (await client.post(path, json=body)).raise_for_status().json()


async def refusal(client: httpx.AsyncClient, path: str, **body: Any) -> int:
    return (await client.post(path, json=body)).status_code


async def test_a_person_is_made_changed_and_deleted(client: httpx.AsyncClient):
    company = await made(client, "/organizations", name="Writers", domain="writers.example.com")
    person = await made(
        client, "/persons",
        first_name="Ada", last_name="Writer", emails=["ada@writers.example.com"], organization_ids=[company["id"]],
    )  # fmt: skip
    assert (await client.get(f"/persons/{person['id']}")).json() == person
    assert person["organization_ids"] == [company["id"]]
    assert (await client.get(f"/organizations/{company['id']}")).json()["person_ids"] == [person["id"]]
    changed = await client.put(f"/persons/{person['id']}", json={"emails": ["a@x.example.com", "b@x.example.com"]})
    assert (changed.json()["primary_email"], changed.json()["first_name"]) == ("a@x.example.com", "Ada")
    told = (await client.get(f"/v2/persons/{person['id']}")).json()
    assert (told["emailAddresses"], told["type"]) == (["a@x.example.com", "b@x.example.com"], "external")
    assert (await client.delete(f"/persons/{person['id']}")).json() == {"success": True}
    assert (await client.get(f"/v2/persons/{person['id']}")).status_code == 404
    assert (await client.get(f"/organizations/{company['id']}")).json()["person_ids"] == []


async def test_a_deleted_record_s_id_is_not_given_again(client: httpx.AsyncClient):
    first = await made(client, "/organizations", name="One")
    await client.delete(f"/organizations/{first['id']}")
    assert (await made(client, "/organizations", name="Two"))["id"] > first["id"]


async def test_persons_without_a_name_or_with_another_s_address_are_refused(client: httpx.AsyncClient):
    taken = (await client.get("/v2/persons")).json()["data"][3]["primaryEmailAddress"].upper()
    answer = await client.post("/persons", json={"first_name": "A", "last_name": "B", "emails": [taken]})
    assert (answer.status_code, "another person" in answer.json()[0]) == (422, True)
    assert await refusal(client, "/persons", last_name="B") == 422
    assert await refusal(client, "/persons", first_name="A", last_name="B", organization_ids=[1]) == 422
    assert (await client.put("/persons/1", json={})).status_code == 422
    assert (await client.post("/persons", content=b"{")).status_code == 422


async def test_a_global_company_keeps_its_name_and_stays(client: httpx.AsyncClient):
    rows = await read_all(client, "/v2/companies")
    company_id = next(row["id"] for row in rows if row["isGlobal"])
    assert (await client.put(f"/organizations/{company_id}", json={"name": "New"})).status_code == 422
    assert (await client.delete(f"/organizations/{company_id}")).status_code == 422


async def test_an_opportunity_comes_and_goes_with_its_entry(client: httpx.AsyncClient):
    company_id = (await client.get("/v2/companies")).json()["data"][0]["id"]
    deal = await made(client, "/opportunities", name="Deal", list_id=50001, organization_ids=[company_id])
    (entry,) = deal["list_entries"]
    assert (deal["organization_ids"], entry["list_id"]) == ([company_id], 50001)
    changed = await client.put(f"/opportunities/{deal['id']}", json={"name": "Renamed", "organization_ids": []})
    assert (changed.json()["name"], changed.json()["organization_ids"]) == ("Renamed", [])
    await client.delete(f"/lists/50001/list-entries/{entry['id']}")
    assert (await client.get(f"/v2/opportunities/{deal['id']}")).status_code == 404
    assert await refusal(client, "/opportunities", name="Deal", list_id=50002) == 422
    assert await refusal(client, "/opportunities", name="Deal", list_id=50001, person_ids=[1]) == 422
    assert await refusal(client, "/lists/50001/list-entries", entity_id=company_id) == 422


async def test_a_company_can_stand_on_a_list_twice(client: httpx.AsyncClient):
    made_list = await made(client, "/v2/lists", name="Mine", type="company", isPublic=False)
    path = f"/lists/{made_list['id']}/list-entries"
    company_id = (await client.get("/v2/companies")).json()["data"][0]["id"]
    entries = [await made(client, path, entity_id=company_id) for _ in range(2)]
    assert [row["id"] for row in await read_all(client, f"/v2{path}")] == [entry["id"] for entry in entries]
    assert (await client.delete(f"{path}/{entries[0]['id']}")).json() == {"success": True}
    assert (await client.get(f"/lists/{made_list['id']}")).json()["list_size"] == 1
    assert await refusal(client, path, entity_id=1) == 422
    assert (await client.delete(f"/lists/50002/list-entries/{entries[1]['id']}")).status_code == 422


VALUES = [
    (6, False, "words", "words", "words"),
    (3, True, 4.5, 4.5, [4.5]),
    (4, False, "2026-03-05T12:00:00Z", "2026-03-05T08:00:00.000Z", "2026-03-05T08:00:00.000Z"),
    (
        5, False, {"city": "Bern", "country": "Switzerland"},
        {"street_address": None, "city": "Bern", "state": None, "country": "Switzerland", "continent": None},
        {"streetAddress": None, "city": "Bern", "state": None, "country": "Switzerland", "continent": None},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("code", "several", "given", "v1", "v2"), VALUES)
async def test_a_value_that_version_1_writes_is_read_in_both(
    client: httpx.AsyncClient, code: int, several: bool, given: Any, v1: Any, v2: Any
):
    field = await made(client, "/fields", name="New", value_type=code, allows_multiple=several, **LIMB)
    entry = (await client.get(COMPANIES)).json()["data"][0]
    wanted = {"entity_id": entry["entity"]["id"], "list_entry_id": entry["id"], "field_id": field["id"]}
    row = await made(client, "/field-values", **wanted, value=given)
    assert row["value"] == v1
    assert row in (await client.get("/field-values", params={"list_entry_id": entry["id"]})).json()
    told = (await client.get(f"{COMPANIES}/{entry['id']}", params={"fieldTypes": "list"})).json()
    assert value(told["entity"], f"field-{field['id']}") == v2
    assert await refusal(client, "/field-values", **wanted, value=["no such thing"]) == 422
    assert await refusal(client, "/field-values", **{**wanted, "list_entry_id": None}, value=given) == 422
    assert (await client.delete(f"/fields/{field['id']}")).json() == {"success": True}


async def test_each_of_several_values_is_changed_and_deleted_by_its_own_id(client: httpx.AsyncClient):
    field = await made(client, "/fields", name="Tags", entity_type=1, value_type=2, allows_multiple=True)
    company = await made(client, "/organizations", name="Tagged")
    wanted = {"entity_id": company["id"], "field_id": field["id"]}
    rows = [await made(client, "/field-values", **wanted, value=text) for text in ("red", "blue", "red")]
    assert (await client.delete(f"/field-values/{rows[0]['id']}")).json() == {"success": True}
    changed = await client.put(f"/field-values/{rows[1]['id']}", json={"value": "green"})
    assert (changed.json()["id"], changed.json()["value"]) == (rows[1]["id"], "green")
    params = {"fieldIds": f"field-{field['id']}"}
    told = (await client.get(f"/v2/companies/{company['id']}", params=params)).json()
    assert [item["text"] for item in value(told, f"field-{field['id']}")] == ["green", "red"]
    # The texts became options of the field.
    options = await read_all(client, f"/v2/companies/fields/field-{field['id']}/dropdown-options")
    assert [option["text"] for option in options] == ["red", "blue", "green"]
    assert (await client.delete(f"/field-values/{rows[0]['id']}")).status_code == 422


async def test_version_2_writes_all_fields_of_a_batch_or_none(client: httpx.AsyncClient):
    fields = {field["valueType"]: field for field in await read_all(client, "/v2/lists/50001/fields")}
    ranked, number = fields["ranked-dropdown"]["id"], fields["number"]["id"]
    option = (await read_all(client, f"/v2/lists/50001/fields/{ranked}/dropdown-options"))[-1]
    path = f"{PIPELINE}/{(await client.get(PIPELINE)).json()['data'][0]['id']}/fields"
    updates = [
        {"id": ranked, "value": {"type": "ranked-dropdown", "data": {"dropdownOptionId": option["id"]}}},
        {"id": number, "value": {"type": "number", "data": 7}},
    ]
    answer = await client.patch(path, json={"operation": "update-fields", "updates": updates})
    assert (answer.status_code, answer.json()) == (200, {"operation": "update-fields"})
    assert (await client.get(f"{path}/{ranked}")).json()["value"]["data"]["text"] == option["text"]
    updates[0]["value"]["data"], updates[1]["value"]["data"] = None, "seven"
    refused = await client.patch(path, json={"operation": "update-fields", "updates": updates})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "validation")
    assert (await client.get(f"{path}/{ranked}")).json()["value"]["data"]["text"] == option["text"]
    cleared = await client.post(f"{path}/{number}", json={"value": {"type": "number", "data": None}})
    assert (cleared.status_code, cleared.content) == (204, b"")
    assert (await client.get(f"{path}/{number}")).json()["value"]["data"] is None
    assert "is of type number" in message(
        await client.post(f"{path}/{number}", json={"value": {"type": "text", "data": "7"}})
    )


async def test_notes_and_replies_are_written_in_both_versions(client: httpx.AsyncClient):
    company_id = (await client.get("/v2/companies")).json()["data"][0]["id"]
    note = await made(client, "/notes", content="One & two", organization_ids=[company_id])
    html = {"html": "<p>Of <em>course</em></p>"}
    reply = await made(client, "/v2/notes", type="user-reply", content=html, parent={"id": note["id"]})
    assert (await client.get(f"/v2/notes/{note['id']}")).json()["content"]["html"] == "<p>One &amp; two</p>"
    assert (await client.get(f"/notes/{reply['id']}")).json()["content"] == "Of course"
    assert [row["id"] for row in await read_all(client, f"/v2/notes/{note['id']}/replies")] == [reply["id"]]
    person_id = (await client.get("/v2/persons")).json()["data"][0]["id"]
    changed = {"content": {"html": "<p>New</p>"}, "companies": [], "persons": [{"id": person_id}]}
    assert (await client.post(f"/v2/notes/{note['id']}", json=changed)).status_code == 204
    told = (await client.get(f"/notes/{note['id']}")).json()
    assert (told["content"], told["organization_ids"], told["person_ids"]) == ("New", [], [person_id])
    assert (await client.delete(f"/v2/notes/{note['id']}")).status_code == 204
    assert (await client.get(f"/notes/{reply['id']}")).status_code == 422
    assert await refusal(client, "/notes", content="On nothing") == 422
    assert await refusal(client, "/v2/notes", type="entities", content=html, companies=[{"id": 1}]) == 400


async def test_reminders_are_written_in_both_versions(client: httpx.AsyncClient):
    user_id = (await client.get("/v2/users")).json()["data"][0]["id"]
    company_id = (await client.get("/v2/companies")).json()["data"][0]["id"]
    entity = {"type": "company", "id": company_id}
    once = await made(
        client, "/v2/reminders", type="one-time", owner={"id": user_id}, entity=entity, dueDate="2020-01-01T00:00:00Z"
    )
    assert (once["status"], once["company"]) == ("overdue", {"id": company_id})
    done = await client.post(f"/v2/reminders/{once['id']}", json={"completedAt": "2026-01-01T00:00:00Z"})
    assert done.status_code == 204
    told = (await client.get(f"/v2/reminders/{once['id']}")).json()
    assert (told["status"], told["completer"]) == ("completed", {"id": user_id})
    again = await client.put(
        f"/reminders/{once['id']}", json={"type": 1, "reset_type": 2, "reminder_days": 7, "is_completed": False}
    )
    assert (again.json()["type"], again.json()["reset_type"], again.json()["status"]) == (1, 2, 2)
    assert (await client.delete(f"/reminders/{once['id']}")).json() == {"success": True}
    assert (await client.get(f"/v2/reminders/{once['id']}")).status_code == 404
    assert await refusal(client, "/reminders", type=0, owner_id=user_id, due_date="2020-01-01T00:00:00Z") == 422
    assert await refusal(client, "/reminders", type=1, owner_id=user_id, organization_id=company_id) == 422
    assert await refusal(client, "/v2/reminders", type="recurring", owner={"id": 1}, entity=entity) == 400


async def test_a_file_is_had_again_byte_by_byte(client: httpx.AsyncClient):
    company_id = (await client.get("/v2/companies")).json()["data"][0]["id"]
    content = bytes(range(256))
    upload = {"file": ("a.bin", content, "application/octet-stream")}
    answer = await client.post("/entity-files", files=upload, data={"organization_id": company_id})
    (file,) = answer.json()["entity_files"]
    assert (file["name"], file["size"], file["organization_id"]) == ("a.bin", 256, company_id)
    got = await client.get(f"/entity-files/download/{file['id']}", follow_redirects=True)
    assert got.content == content
    assert (await client.post("/entity-files", files=upload)).status_code == 422
    assert (await client.post("/entity-files", files=upload, data={"person_id": 1})).status_code == 422


async def test_writes_are_counted_as_writes(client: httpx.AsyncClient):
    await client.delete("/_sandbox/counters")
    company = await made(client, "/organizations", name="Counted")
    await client.put(f"/organizations/{company['id']}", json={"name": "Counted twice"})
    await client.delete(f"/organizations/{company['id']}")
    counts = (await client.get("/_sandbox/counters")).json()
    assert (counts["writes"], counts["reads"]) == (3, 0)
