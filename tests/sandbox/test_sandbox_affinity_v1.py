"""What a client may rely on in API v1 of the simulated Affinity."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from affinity_parts import FULL, client_of, read_all, read_pages, read_rows, value

from freight.sandbox.affinity.rows import File
from freight.sandbox.affinity.storage import Storage


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(FULL) as made:
        yield made


@pytest.mark.parametrize(
    ("path", "name", "count", "end"),
    [
        ("/persons", "persons", 160, {"next_page_token": None}),
        ("/organizations", "organizations", 40, {"next_page_token": None}),
        ("/opportunities", "opportunities", 120, {}),
        ("/notes", "notes", 120, {"next_page_token": None}),
        ("/reminders", "reminders", 24, {"next_page_token": None}),
        ("/entity-files", "entity_files", 14, {}),
        ("/lists/50001/list-entries", "list_entries", 117, {}),
    ],
)
async def test_the_last_page_is_an_empty_one_without_a_token(
    client: httpx.AsyncClient, path: str, name: str, count: int, end: dict
):
    pages = await read_pages(client, path, {"page_size": 50})
    assert pages[-1] == {name: [], **end}
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
    assert (await client.get("/field-values", params={"person_id": 5})).status_code == 404


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
    async with httpx.AsyncClient() as anybody:
        content = await anybody.get(location)
        assert (content.status_code, len(content.content)) == (200, file["size"])
        assert file["name"].replace(" ", "%20") in content.headers["content-disposition"]
        forged = await anybody.get(location.copy_set_param("X-Amz-Signature", "0"))
        assert (forged.status_code, forged.headers["content-type"]) == (403, "application/xml")
    assert (await client.get(location)).status_code == 400
    assert (await client.get(f"/v2/files/{file['id']}")).json()["downloadUrl"].startswith("http://localhost:")
    assert (await client.get("/entity-files/download/1")).status_code == 404


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
