"""What a client may rely on about lists, their fields and their rows in API v2 of the simulated Affinity."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest
from affinity_parts import FULL, client_of, read_all, value

PIPELINE, COMPANIES, NETWORK, EMPTY = (f"/v2/lists/{number}" for number in range(50_001, 50_005))
RESTRICTIONS = {"X-Affinity-Api-Version": "2026-07-15"}
LATEST = {"X-Affinity-Api-Version": "2026-09-17"}


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(FULL) as made:
        yield made


async def test_lists_are_of_each_kind(client: httpx.AsyncClient):
    lists = await read_all(client, "/v2/lists", {"limit": 1})
    assert [row["type"] for row in lists] == ["opportunity", "company", "person", "company"]
    assert (await client.get(PIPELINE)).json() == lists[0]
    assert {view["type"] for view in await read_all(client, f"{PIPELINE}/saved-views")} == {"sheet", "board"}


async def test_a_list_without_rows_answers_null(client: httpx.AsyncClient):
    assert (await client.get(f"{EMPTY}/list-entries")).json()["data"] is None


async def test_rows_have_the_fields_within_their_entity_and_only_when_asked(client: httpx.AsyncClient):
    bare = (await client.get(f"{COMPANIES}/list-entries")).json()["data"][0]
    assert "fields" not in bare
    assert "fields" not in bare["entity"]
    params = {"fieldTypes": ["list", "global"], "fieldIds": ["affinity-data-location"]}
    full = (await client.get(f"{COMPANIES}/list-entries", params=params)).json()["data"][0]
    types = Counter(field["type"] for field in full["entity"].pop("fields"))
    assert types == {"list": 17, "global": 19, "enriched": 1}
    assert full == bare
    one = (await client.get(f"{COMPANIES}/list-entries/{bare['id']}", params=params)).json()
    assert len(one["entity"]["fields"]) == types.total()


async def test_every_type_of_value_occurs_among_a_list_s_own(client: httpx.AsyncClient):
    fields = [row for row in await read_all(client, f"{COMPANIES}/fields", {"limit": 10}) if row["type"] == "list"]
    rows = await read_all(client, f"{COMPANIES}/list-entries", {"fieldTypes": "list"})
    for field in fields:
        assert any(value(row["entity"], field["id"]) is not None for row in rows)
    assert {field["valueType"] for field in fields} >= {"ranked-dropdown", "formula-number", "company-multi"}
    # A list may name a field as its records name one already.
    names = Counter(field["name"] for field in await read_all(client, f"{COMPANIES}/fields"))
    assert names["Status"] == 2
    assert names["Industry"] == 2


async def test_dates_are_midnights_of_the_west_coast(client: httpx.AsyncClient):
    rows = await read_all(client, "/v2/companies", {"fieldIds": "field-3115"})
    dates = [text for row in rows if (text := value(row, "field-3115")) is not None]
    assert {text[11:] for text in dates} == {"07:00:00.000Z", "08:00:00.000Z"}
    local = [datetime.fromisoformat(text).astimezone(ZoneInfo("America/Los_Angeles")) for text in dates]
    assert {at.hour for at in local} == {0}


async def test_a_record_may_stand_on_a_list_twice(client: httpx.AsyncClient):
    rows = await read_all(client, f"{COMPANIES}/list-entries")
    assert max(Counter(row["entity"]["id"] for row in rows).values()) > 1
    assert {row["creatorId"] for row in rows} > {None}


async def test_associations_are_cut_at_a_hundred(client: httpx.AsyncClient):
    params = {"fieldIds": ["persons", "companies"]}
    rows = await read_all(client, f"{PIPELINE}/list-entries", params)
    (crowded,) = (row for row in rows if len(value(row["entity"], "persons") or ()) == 100)
    complete = (await client.get(f"/opportunities/{crowded['entity']['id']}")).json()
    assert len(complete["person_ids"]) == 130
    assert any(value(row["entity"], "persons") is None for row in rows)
    newer = await client.get(f"{PIPELINE}/list-entries/{crowded['id']}", params=params, headers=RESTRICTIONS)
    (persons, _) = newer.json()["entity"]["fields"]
    assert (len(persons["value"]["data"]), persons["value"]["totalCount"]) == (100, 130)


async def test_opportunities_have_neither_fields_nor_associations(client: httpx.AsyncClient):
    rows = await read_all(client, "/v2/opportunities")
    assert {tuple(row) for row in rows} == {("id", "name", "listId")}
    ids = [row["id"] for row in rows[3:6]]
    assert [row["id"] for row in await read_all(client, "/v2/opportunities", {"ids": ids})] == ids
    assert max(Counter(row["name"] for row in rows).values()) > 1


async def test_opportunities_of_an_unseen_list_are_told_by_version_1_alone(client: httpx.AsyncClient):
    seen = {row["id"] for row in await read_all(client, "/v2/opportunities")}
    told = (await client.get("/opportunities")).json()["opportunities"]
    hidden = [row for row in told if row["id"] not in seen]
    assert len(hidden) == 3
    assert all(row["list_entries"] == [] for row in hidden)
    assert all(len(row["list_entries"]) == 1 for row in told if row["id"] in seen)
    assert (await client.get(f"/v2/opportunities/{hidden[0]['id']}")).status_code == 404


async def test_restricted_opportunities_are_hidden_by_newer_versions(client: httpx.AsyncClient):
    rows = (await client.get("/v2/opportunities", headers=RESTRICTIONS)).json()["data"]
    redacted = next(row for row in rows if row["isRedacted"])
    assert (redacted["name"], redacted["isRestricted"]) == ("[Hidden]", True)
    assert (await client.get(f"/v2/opportunities/{redacted['id']}")).json()["name"] != "[Hidden]"
    entry_id = (await client.get(f"/opportunities/{redacted['id']}")).json()["list_entries"][0]["id"]
    path, params = f"{PIPELINE}/list-entries/{entry_id}", {"fieldTypes": "list"}
    fields = (await client.get(path, params=params, headers=RESTRICTIONS)).json()["entity"]["fields"]
    assert {(field["type"], field["value"]["data"]) for field in fields} == {("hidden", None)}


async def test_the_newest_version_has_further_types_of_values(client: httpx.AsyncClient):
    params = {"fieldIds": "lists"}
    assert (await client.get("/v2/companies", params=params)).status_code == 400
    rows = (await client.get("/v2/companies", params=params, headers=LATEST)).json()["data"]
    assert rows[0]["fields"][0]["value"]["type"] == "list-multi"
    assert any(value(row, "lists") for row in rows)
    fields = (await client.get("/v2/companies/fields", headers=LATEST)).json()["data"]
    assert "list-multi" in {field["valueType"] for field in fields}


async def test_without_a_version_the_one_of_the_key_answers():
    options = msgspec.structs.replace(FULL, affinity_default_version="2026-09-17")
    async with client_of(options) as newest:
        answer = await newest.get("/v2/lists")
        assert answer.headers["X-Affinity-Api-Version"] == "2026-09-17"
        # What newer versions tell of a list's size is known to be wrong.
        assert {row["listSize"] for row in answer.json()["data"]} == {0}
        old = await newest.get("/v2/lists", headers={"X-Affinity-Api-Version": "2024-01-01"})
        assert "listSize" not in old.json()["data"][0]


async def test_a_record_s_own_entries_have_their_fields_at_the_top(client: httpx.AsyncClient):
    company_id = (await client.get(f"{COMPANIES}/list-entries")).json()["data"][0]["entity"]["id"]
    entries = await read_all(client, f"/v2/companies/{company_id}/list-entries")
    assert {"entity", "type"}.isdisjoint(entries[0])
    assert {"list", "global", "enriched"} <= {field["type"] for field in entries[0]["fields"]}
    lists = await read_all(client, f"/v2/companies/{company_id}/lists")
    assert {row["id"] for row in lists} == {entry["listId"] for entry in entries}


async def test_options_are_paged_and_belong_to_dropdowns_only(client: httpx.AsyncClient):
    themes = await read_all(client, "/v2/companies/fields/field-3119/dropdown-options")
    assert len(themes) == 287
    statuses = await read_all(client, f"{PIPELINE}/fields/field-10010/dropdown-options")
    assert {tuple(option) for option in statuses} == {("type", "id", "text", "rank", "color")}
    newer = await client.get(f"{PIPELINE}/fields/field-10010/dropdown-options", headers=RESTRICTIONS)
    assert {option["type"] for option in newer.json()["data"]} == {"status-dropdown"}
    assert (await client.get("/v2/companies/fields/field-3110/dropdown-options")).status_code == 400
    assert (await client.get("/v2/companies/fields/field-1/dropdown-options")).status_code == 404


@pytest.mark.parametrize("path", ["/v2/companies/search", "/v2/persons/search", f"{COMPANIES}/list-entries/search"])
async def test_a_search_for_everything_counts(client: httpx.AsyncClient, path: str):
    answer = await client.post(path, params={"totalCount": "true", "limit": 1}, json={})
    assert answer.status_code == 201
    page = answer.json()
    assert len(page["data"]) == 1
    assert page["pagination"]["totalCount"] == len(await read_all(client, path.removesuffix("/search")))
    assert (await client.post(path, json={"filters": {"field": "name"}})).status_code == 400
    assert (await client.post(path, content=b"[]")).status_code == 400


async def test_users_are_the_internal_persons(client: httpx.AsyncClient):
    users = await read_all(client, "/v2/users", {"limit": 3})
    persons = await read_all(client, "/v2/persons")
    assert [user["id"] for user in users] == [row["id"] for row in persons if row["type"] == "internal"]
    assert (await client.get(f"/v2/users/{users[0]['id']}")).json() == users[0]
    assert (await client.get(f"/v2/users/{persons[-1]['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("path", "params", "param"),
    [
        (f"{PIPELINE}/list-entries", {"fieldTypes": "hidden"}, "fieldTypes"),
        (f"{PIPELINE}/list-entries", {"fieldIds": "persons,companies"}, "fieldIds"),
        (f"{PIPELINE}/list-entries", {"limit": 101}, "limit"),
        ("/v2/opportunities", {"ids": "1,2"}, "ids"),
        ("/v2/notes", {"includes": "everything"}, "includes"),
        ("/v2/notes", {"filter": "createdAt>soon"}, "filter"),
        ("/v2/notes", {"filter": "colour=1"}, "filter"),
    ],
)
async def test_a_bad_parameter_is_named(client: httpx.AsyncClient, path: str, params: dict, param: str):
    answer = await client.get(path, params=params)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["param"] == param


async def test_notes_leave_replies_to_their_own_place(client: httpx.AsyncClient):
    answer = await client.get("/v2/notes", params={"totalCount": "true", "includes": "repliesCount"})
    page = answer.json()
    assert len(page["data"]) == 20
    assert page["pagination"]["totalCount"] == 90
    notes = await read_all(client, "/v2/notes", {"limit": 100, "includes": "repliesCount"})
    assert {note["repliesCount"] for note in notes} == {0, 2}
    parent = next(note["id"] for note in notes if note["repliesCount"])
    replies = await read_all(client, f"/v2/notes/{parent}/replies")
    assert [reply["parent"] for reply in replies] == [{"id": parent}] * 2


async def test_notes_can_be_filtered_for_what_is_new(client: httpx.AsyncClient):
    notes = await read_all(client, "/v2/notes", {"limit": 100})
    middle = sorted(note["createdAt"] for note in notes)[45]
    newer = await read_all(client, "/v2/notes", {"filter": f"createdAt>={middle} & creator.id=100000001"})
    assert newer
    assert len(newer) < 45
    assert all(note["createdAt"] >= middle and note["creator"]["id"] == 100000001 for note in newer)


async def test_files_and_reminders_are_counted(client: httpx.AsyncClient):
    for path, count in (("/v2/files", 14), ("/v2/reminders", 24)):
        page = (await client.get(path, params={"totalCount": "true", "limit": 1})).json()
        assert page["pagination"]["totalCount"] == count
        assert len(page["data"]) == 1
    assert "person_id" not in (await client.get("/v2/files")).json()["data"][0]
    overdue = await read_all(client, "/v2/reminders", {"filter": "status=overdue"})
    assert {row["status"] for row in overdue} == {"overdue"}
