"""What a client may rely on in API v1 of the simulated Affinity."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from affinity_parts import FULL, client_of, read_all, read_pages, read_rows, value

from freight_sandbox.affinity.rows import File
from freight_sandbox.affinity.storage import Storage
from support.clients import TLS


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(FULL) as made:
        yield made


@pytest.mark.parametrize(
    ("path", "name", "count"),
    [
        ("/persons", "persons", 160),
        ("/organizations", "organizations", 40),
        ("/opportunities", "opportunities", 120),
        ("/notes", "notes", 120),
        ("/reminders", "reminders", 24),
        ("/entity-files", "entity_files", 14),
        ("/lists/50001/list-entries", "list_entries", 117),
    ],
)
async def test_the_last_page_is_an_empty_one_whose_token_is_null(
    client: httpx.AsyncClient, path: str, name: str, count: int
):
    pages = await read_pages(client, path, {"page_size": 50})
    assert pages[-1] == {name: [], "next_page_token": None}
    rows = [row for page in pages for row in page[name]]
    assert len({row["id"] for row in rows}) == len(rows) == count


@pytest.mark.parametrize("changed", [{"page_size": 51}, {"page_size": 50, "term": "a"}, {}])
async def test_a_token_is_good_for_the_same_parameters_only(client: httpx.AsyncClient, changed: dict):
    token = (await client.get("/persons", params={"page_size": 50})).json()["next_page_token"]
    answer = await client.get("/persons", params={**changed, "page_token": token})
    assert answer.status_code == 422
    assert answer.json() == ["Invalid page_token variable"]


async def test_some_collections_are_bare_arrays(client: httpx.AsyncClient):
    for path, count in (
        ("/lists", 4),
        ("/lists/50001/list-entries", 117),
        ("/persons/fields", 25),
        ("/organizations/fields", 25),
    ):
        assert len((await client.get(path)).json()) == count


async def test_lists_tell_their_true_size_and_their_own_fields(client: httpx.AsyncClient):
    for row in (await client.get("/lists")).json():
        entries = await read_all(client, f"/v2/lists/{row['id']}/list-entries")
        assert row["list_size"] == len(entries)
        fields = (await client.get(f"/lists/{row['id']}")).json()["fields"]
        assert {field["list_id"] for field in fields} == {row["id"]}


async def test_entries_have_no_values(client: httpx.AsyncClient):
    entry = (await client.get("/lists/50002/list-entries")).json()[0]
    assert set(entry) == {"id", "list_id", "creator_id", "entity_id", "entity_type", "created_at", "entity"}
    assert set(entry["entity"]) == {"id", "name", "domain", "domains", "crunchbase_uuid", "global"}


async def test_fields_tell_what_version_2_does_not(client: httpx.AsyncClient):
    fields = {field["id"]: field for field in (await client.get("/fields", params={"list_id": 50001})).json()}
    status, themes, owners = fields[10010], fields[10009], fields[10012]
    assert [option["text"] for option in status["dropdown_options"]][-1] == "On Hold"
    assert (status["value_type"], status["allows_multiple"]) == (7, False)
    assert {type(option["color"]) for option in status["dropdown_options"]} == {int}
    assert (themes["value_type"], themes["allows_multiple"], len(themes["dropdown_options"])) == (2, True, 7)
    assert (owners["value_type"], owners["allows_multiple"]) == (0, True)
    # A formula has no code in this version.
    assert 10015 not in fields
    rows = await read_all(client, "/v2/lists/50001/list-entries", {"fieldIds": "field-10010"})
    assert "On Hold" not in {(value(row["entity"], "field-10010") or {}).get("text") for row in rows}


async def test_single_records_tell_more_than_collections(client: httpx.AsyncClient):
    entry = (await client.get("/lists/50003/list-entries")).json()[0]
    person = (await client.get(f"/persons/{entry['entity_id']}")).json()
    assert entry["id"] in {found["id"] for found in person["list_entries"]}
    assert "list_entries" not in (await client.get("/persons")).json()["persons"][0]
    employed = next(
        row for row in await read_rows(client, "persons", "/persons", with_current_organizations="true")
        if row["current_organization_ids"]
    )  # fmt: skip
    company_id = employed["current_organization_ids"][0]
    assert employed["id"] in (await client.get(f"/organizations/{company_id}")).json()["person_ids"]


async def test_interaction_dates_drop_persons_without_any(client: httpx.AsyncClient):
    rows = await read_rows(client, "persons", "/persons", with_interaction_dates="true")
    assert 0 < len(rows) < 160
    assert all(row["interaction_dates"]["last_interaction_date"] for row in rows)


async def test_one_id_has_its_values_told_also_those_on_lists(client: httpx.AsyncClient):
    entry = (await client.get("/lists/50002/list-entries")).json()[0]
    values = (await client.get("/field-values", params={"organization_id": entry["entity_id"]})).json()
    assert {row["list_entry_id"] for row in values} >= {None, entry["id"]}
    assert len({row["id"] for row in values}) == len(values)
    ranked = next(row["value"] for row in values if row["value_type"] == 7)
    assert isinstance(ranked["color"], int)
    assert all(isinstance(row["value"], str) for row in values if row["value_type"] == 2)
    for params in ({}, {"person_id": 1, "organization_id": 2}, {"person_id": "x"}):
        assert (await client.get("/field-values", params=params)).status_code == 422
    assert_unknown(await client.get("/field-values", params={"person_id": 5}), 5)


async def test_notes_come_with_replies_which_know_only_their_parent(client: httpx.AsyncClient):
    notes = {note["id"]: note for note in await read_rows(client, "notes", "/notes")}
    replies = [note for note in notes.values() if note["parent_id"] is not None]
    assert len(replies) == 30
    assert all(reply["parent_id"] in notes for reply in replies)
    assert {str(reply[name]) for reply in replies for name in ("person_ids", "organization_ids")} == {"[]"}


async def test_notes_have_markdown_here_and_html_there(client: httpx.AsyncClient):
    note = next(note for note in await read_rows(client, "notes", "/notes") if "deck\\_v2" in note["content"])
    assert note["type"] == 2
    html = (await client.get(f"/v2/notes/{note['id']}")).json()["content"]["html"]
    assert '<a href="https://example.com/deck_v2">deck_v2</a>' in html


async def test_some_notes_hang_on_a_meeting_alone(client: httpx.AsyncClient):
    notes = [note for note in await read_rows(client, "notes", "/notes") if note["interaction_id"] is not None]
    assert notes
    for note in notes:
        assert note["person_ids"] == note["interaction_person_ids"] != []
        assert note["associated_person_ids"] == note["organization_ids"] == []


async def test_notes_reminders_and_files_can_be_asked_for_by_whom_they_are_about(client: httpx.AsyncClient):
    for path, name, of in (("/notes", "notes", "organization_ids"), ("/entity-files", "entity_files", "person_id")):
        rows = await read_rows(client, name, path)
        wanted = next(row[of] for row in rows if row[of])
        owner = wanted[0] if isinstance(wanted, list) else wanted
        found = await read_rows(client, name, path, **{of.replace("_ids", "_id"): owner})
        assert found == [row for row in rows if owner in (row[of] if isinstance(row[of], list) else [row[of]])]
    own = await read_rows(client, "notes", "/notes", creator_id=100000001)
    assert {note["creator_id"] for note in own} == {100000001}
    overdue = await read_rows(client, "reminders", "/reminders", status=2)
    assert {row["status"] for row in overdue} == {2}
    assert (await client.get("/reminders", params={"type": 1})).status_code == 422


async def test_reminders_embed_whom_they_are_about(client: httpx.AsyncClient):
    rows = await read_rows(client, "reminders", "/reminders")
    assert {row["type"] for row in rows} == {0, 1}
    assert all("emails" in row["person"] for row in rows if row["person"])
    assert all("domains" in row["organization"] for row in rows if row["organization"])
    # Someone who has left is an id and nothing else.
    assert {"id": 99999996} in [row["owner"] for row in rows]


async def test_a_file_is_had_from_another_host_without_the_key(client: httpx.AsyncClient):
    file = (await client.get("/entity-files")).json()["entity_files"][0]
    answer = await client.get(f"/entity-files/download/{file['id']}")
    assert answer.status_code == 302
    location = httpx.URL(answer.headers["location"])
    assert location.host == "localhost" != client.base_url.host
    async with httpx.AsyncClient(verify=TLS) as anybody:
        content = await anybody.get(location)
        assert (content.status_code, len(content.content)) == (200, file["size"])
        assert file["name"].replace(" ", "%20") in content.headers["content-disposition"]
        forged = await anybody.get(location.copy_set_param("X-Amz-Signature", "0"))
        assert (forged.status_code, forged.headers["content-type"]) == (403, "application/xml")
    assert (await client.get(location)).status_code == 400
    assert (await client.get(f"/v2/files/{file['id']}")).json()["downloadUrl"].startswith("http://localhost:")
    assert_unknown(await client.get("/entity-files/download/1"), 1)


async def test_files_come_newest_first(client: httpx.AsyncClient):
    made = [file["created_at"] for file in await read_rows(client, "entity_files", "/entity-files", page_size=5)]
    assert made == sorted(made, reverse=True)
    assert len(set(made)) == 14


@pytest.mark.parametrize(
    "path",
    [
        "/persons/7",
        "/organizations/7",
        "/opportunities/7",
        "/lists/7",
        "/lists/7/list-entries",
        "/fields?list_id=7",
        "/field-values?list_entry_id=7",
        "/notes/7",
        "/notes?opportunity_id=7",
        "/reminders?person_id=7",
        "/entity-files/7",
        "/entity-files?organization_id=7",
        "/entity-files/download/7",
        "/relationships-strengths?external_id=7",
    ],
)
async def test_an_id_that_does_not_exist_is_refused_with_422_everywhere(client: httpx.AsyncClient, path: str):
    assert_unknown(await client.get(path), 7)


HIDDEN = 50000
"""A list of which the key sees only that opportunities are on it."""


async def test_a_list_that_the_key_may_not_see_is_forbidden(client: httpx.AsyncClient):
    assert HIDDEN not in [row["id"] for row in (await client.get("/lists")).json()]
    for path in (f"/lists/{HIDDEN}", f"/lists/{HIDDEN}/list-entries", f"/fields?list_id={HIDDEN}"):
        assert (await client.get(path)).status_code == 403
    assert (await client.get(f"/v2/lists/{HIDDEN}/list-entries")).status_code == 404


async def test_a_list_can_be_hidden_with_all_that_is_on_it():
    async with client_of(FULL) as client:
        entries = (await client.get("/lists/50001/list-entries")).json()
        deal_id = entries[0]["entity_id"]
        assert (await client.put("/_sandbox/hidden-lists/7")).status_code == 404
        (await client.put("/_sandbox/hidden-lists/50001")).raise_for_status()
        for path in ("/lists/50001", f"/opportunities/{deal_id}", f"/field-values?list_entry_id={entries[0]['id']}"):
            assert (await client.get(path)).status_code == 403
        for path in ("/v2/lists/50001", f"/v2/opportunities/{deal_id}"):
            assert (await client.get(path)).status_code == 404
        shown = {row["id"] for row in await read_rows(client, "opportunities", "/opportunities")}
        assert deal_id not in shown
        assert shown


async def test_fields_may_lag_behind_in_this_version():
    async with client_of(FULL) as client:
        (await client.put("/_sandbox/fields-lag")).raise_for_status()
        made = (await client.post("/fields", json={"name": "New", "entity_type": 1, "value_type": 6})).json()
        known = [field["id"] for field in (await client.get("/fields")).json()]
        assert made["id"] not in known
        assert f"field-{made['id']}" in [field["id"] for field in await read_all(client, "/v2/companies/fields")]
        (await client.delete("/_sandbox/fields-lag")).raise_for_status()
        assert made["id"] in [field["id"] for field in (await client.get("/fields")).json()]


async def test_a_managed_dropdown_has_a_value_type_of_its_own():
    async with client_of(FULL) as client:
        new = {"name": "Region", "entity_type": 1, "value_type": 17, "allows_multiple": True}
        made = (await client.post("/fields", json=new)).raise_for_status().json()
        assert (made["value_type"], made["allows_multiple"]) == (17, True)
        metadata = {field["id"]: field["valueType"] for field in await read_all(client, "/v2/companies/fields")}
        assert metadata[f"field-{made['id']}"] == "dropdown-multi"


async def test_a_collaborator_is_external_among_persons_and_named_in_values(client: httpx.AsyncClient):
    in_version_1 = await read_rows(client, "persons", "/persons")
    collaborators = {row["id"] for row in in_version_1 if row["type"] == 2}
    assert collaborators
    persons = {row["id"]: row["type"] for row in await read_all(client, "/v2/persons")}
    assert {persons[id_] for id_ in collaborators} == {"external"}
    companies = await read_all(client, "/v2/companies", {"fieldTypes": "global"})
    values = [data for row in companies if (data := value(row, "field-3121"))]
    named = {person["id"]: person["type"] for person in values}
    assert {id_ for id_, type_ in named.items() if type_ == "collaborator"} == named.keys() & collaborators != set()


async def test_notes_reminders_and_files_refer_to_opportunities_that_are_gone():
    async with client_of(msgspec.structs.replace(FULL, files=30)) as client:
        deals = {row["id"] for row in await read_rows(client, "opportunities", "/opportunities")}
        notes = await read_rows(client, "notes", "/notes")
        reminders = await read_rows(client, "reminders", "/reminders")
        files = await read_rows(client, "entity_files", "/entity-files")
        assert {id_ for note in notes for id_ in note["opportunity_ids"]} - deals
        assert {row["opportunity"]["id"] for row in reminders if row["opportunity"]} - deals
        (gone,) = {row["opportunity_id"] for row in files if row["opportunity_id"]} - deals
        assert_unknown(await client.get(f"/opportunities/{gone}"), gone)


def assert_unknown(answer: httpx.Response, row_id: int) -> None:
    assert answer.status_code == 422
    (said,) = answer.json()
    assert f"expected {row_id} to be a valid id for model" in said


async def test_every_file_has_the_size_that_it_is_said_to_have(client: httpx.AsyncClient):
    files = (await client.get("/entity-files")).json()["entity_files"]
    contents = await asyncio.gather(
        *(client.get(f"/entity-files/download/{file['id']}", follow_redirects=True) for file in files)
    )
    assert [len(answer.content) for answer in contents] == [file["size"] for file in files]
    assert 0 in {file["size"] for file in files}


def test_the_way_to_a_file_is_open_for_a_minute():
    now = 1_800_000_000.0
    storage = Storage(lambda: now)
    url = httpx.URL(storage.url("http://127.0.0.1:9101", File(7, "a.txt", 1, "2026-01-01T00:00:00Z")))
    assert storage.refusal(url.params, {}, 7) is None
    assert storage.refusal(url.params, {}, 8)[0] == 403
    now += 60
    assert storage.refusal(url.params, {}, 7) == (403, "AccessDenied", "Request has expired")


async def test_relationships_are_told_for_one_person_at_a_time(client: httpx.AsyncClient):
    rows = (await client.get("/relationships-strengths", params={"external_id": 100000050})).json()
    assert {row["external_id"] for row in rows} == {100000050}
    assert all(0 <= row["strength"] <= 1 for row in rows)
    assert (await client.get("/relationships-strengths")).status_code == 422


async def test_requests_are_counted_by_what_they_ask_for(client: httpx.AsyncClient):
    await client.delete("/_sandbox/counters")
    await client.get("/v2/lists/50001/list-entries")
    await client.get("/v2/lists/50002/list-entries")
    await client.get("/v2/persons")
    await client.get("/notes")
    counts = (await client.get("/_sandbox/counters")).json()["requests"]
    routes = {count["route"]: count["count"] for count in counts}
    assert routes == {"/v2/lists/{list_id}/list-entries": 2, "/v2/persons": 1, "/notes": 1}


async def test_the_minute_is_told_with_every_answer_also_without_limits(client: httpx.AsyncClient):
    for path in ("/persons", "/v2/persons", "/persons/7"):
        answer = await client.get(path)
        assert answer.headers["x-ratelimit-limit-user-remaining"] == "900"
