"""What a user may rely on about the data of the simulated Affinity: made up from a seed, or read from a folder."""

from collections import Counter
from pathlib import Path

import httpx
import msgspec
import pytest
from affinity_parts import client_of
from email_validator import EmailNotValidError, validate_email

from freight_sandbox import running
from freight_sandbox.affinity.generator import COMPANY_FIELDS, PERSON_FIELDS, Companies, Persons, generate_workspace
from freight_sandbox.affinity.workspace_files import WorkspaceFileError, load_workspace
from support.clients import TLS
from support.sandboxes import sandbox_options

COMPANY = {"id": 7, "name": "Acme", "domain": "acme.com", "domains": ["acme.com"], "isGlobal": False}
FIELD = {
    "id": "affinity-data-location",
    "name": "Location",
    "type": "enriched",
    "enrichmentSource": "affinity-data",
    "value": {"type": "location", "data": None},
}
PERSON = {
    "id": 5,
    "firstName": "Ada",
    "lastName": None,
    "primaryEmailAddress": None,
    "emailAddresses": [],
    "type": "external",
    "fields": [FIELD],
}


def value(person, field_id: str):
    return next(field.value.data for field in person.fields if field.id == field_id)


@pytest.fixture(scope="module")
def companies() -> list:
    made = Companies(1, 500)
    return [made.row(row_id) for row_id in made.ids]


@pytest.fixture(scope="module")
def persons() -> list:
    made = Persons(1, 2000, Companies(1, 500))
    return [made.row(row_id) for row_id in made.ids]


def write(path: Path, *rows: dict) -> None:
    path.write_bytes(b"\n".join(msgspec.json.encode(row) for row in rows) + b"\n")


def test_a_seed_always_makes_the_same_workspace():
    first, again, other = (Persons(seed, 50, Companies(seed, 20)) for seed in (3, 3, 4))
    assert [first.row(row_id) for row_id in first.ids] == [again.row(row_id) for row_id in again.ids]
    assert [first.row(row_id) for row_id in first.ids] != [other.row(row_id) for row_id in other.ids]


def test_most_companies_are_ordinary_and_some_are_not(companies):
    domains = Counter(domain for company in companies for domain in company.domains)
    assert 0 < sum(company.domain is None for company in companies) < 50
    assert any(len(company.domains) > 1 for company in companies)
    assert 0 < sum(count == 2 for count in domains.values()) < 50
    assert max(domains.values()) == 2
    assert any(company.is_global for company in companies)
    assert any("://" in domain or " " in domain or "!" in domain for domain in domains)
    assert any(not company.name.isascii() for company in companies)


def test_most_people_are_ordinary_and_some_are_not(persons):
    external = [person for person in persons if person.type == "external"]
    assert 5 <= sum(person.type == "internal" for person in persons) <= 10
    assert any(person.type == "collaborator" for person in persons)
    for oddity in (
        [person for person in external if person.last_name is None],
        [person for person in external if person.first_name == ""],
        [person for person in external if not person.email_addresses],
        [person for person in external if len(person.email_addresses) > 1],
        [person for person in external if any(email.endswith("@gmail.com") for email in person.email_addresses)],
        [
            person
            for person in external
            if (value(person, "affinity-data-current-organization") or {}).get("id", 0) > 2.5e8
        ],
        [person for person in external if len(value(person, "field-3201") or []) > 1],
        [person for person in external if not str(person.first_name).isascii()],
    ):
        assert 0 < len(oddity) < len(external) / 3


def test_no_two_people_share_an_email_and_few_are_invalid(persons):
    emails = Counter(email for person in persons for email in person.email_addresses)
    assert max(emails.values()) == 1

    def valid(email: str) -> bool:
        try:
            validate_email(email, check_deliverability=False)
        except EmailNotValidError:
            return False
        return True

    invalid = sum(not valid(email) for email in emails)
    assert 0 < invalid < len(emails) / 20


def test_every_row_has_every_field(companies, persons):
    assert all(
        [field.id for field in company.fields] == [known.id for known in COMPANY_FIELDS] for company in companies
    )
    assert all([field.id for field in person.fields] == [known.id for known in PERSON_FIELDS] for person in persons)


def test_an_empty_workspace_can_be_made():
    workspace = generate_workspace(1, 0, 30)
    assert len(workspace.companies.ids) == 0
    assert len(workspace.persons.ids) == 30


async def test_a_folder_takes_the_place_of_made_up_rows(tmp_path: Path):
    write(tmp_path / "companies.jsonl", COMPANY)
    write(tmp_path / "persons.jsonl", {**PERSON, "id": 9}, PERSON)
    async with running(sandbox_options(workspace=tmp_path)) as sandbox:
        assert (sandbox.companies, sandbox.people) == (1, 2)
        headers = {"Authorization": f"Bearer {sandbox.affinity_key}"}
        async with httpx.AsyncClient(verify=TLS, base_url=sandbox.affinity_url, headers=headers) as client:
            assert (await client.get("/v2/companies/7")).json() == COMPANY
            params = {"fieldTypes": "enriched"}
            rows = (await client.get("/v2/persons", params=params)).json()["data"]
            assert rows == [PERSON, {**PERSON, "id": 9}]
            (field,) = (await client.get("/v2/persons/fields")).json()["data"]
            assert field["valueType"] == "location"
            assert (await client.get("/v2/auth/whoami")).json()["user"]["id"] == 1


LIST = {"id": 3, "name": "Deals", "type": "opportunity", "creatorId": None, "ownerId": 5, "isPublic": True}
CELL = {"id": "field-31", "name": "Fit", "type": "list", "enrichmentSource": None}
STATUS = {"dropdownOptionId": 11, "text": "Open", "rank": 1, "color": "blue"}
ENTRY = {
    "id": 41,
    "type": "opportunity",
    "listId": 3,
    "createdAt": "2026-01-01T00:00:00Z",
    "creatorId": None,
    "entity": {
        "id": 21,
        "name": "Deal",
        "listId": 3,
        "fields": [
            {**CELL, "value": {"type": "hologram", "data": [{"depth": 3}]}},
            {**CELL, "id": "field-32", "name": "Status", "value": {"type": "ranked-dropdown", "data": STATUS}},
        ],
    },
}
NOTE = {"id": 51, "content": "Hi", "created_at": "2026-01-01T00:00:00.000-08:00", "organization_ids": [7]}
REMINDER = {
    "id": 61,
    "type": 0,
    "created_at": "2026-01-01T00:00:00.000-08:00",
    "due_date": "2026-02-01T00:00:00.000-08:00",
    "status": 1,
    "organization": {"id": 7},
}
FILE = {"id": 71, "name": "a.bin", "size": 3, "created_at": "2026-01-01T00:00:00.000-08:00", "organization_id": 7}


async def test_a_folder_may_hold_every_collection(tmp_path: Path):
    write(tmp_path / "companies.jsonl", COMPANY)
    write(tmp_path / "persons.jsonl", PERSON)
    write(tmp_path / "opportunities.jsonl", {"id": 21, "name": "Deal", "listId": 3, "companyIds": [7, 8]})
    write(tmp_path / "lists.jsonl", LIST)
    write(tmp_path / "list_entries.jsonl", ENTRY)
    write(tmp_path / "notes.jsonl", NOTE)
    write(tmp_path / "reminders.jsonl", REMINDER)
    write(tmp_path / "files.jsonl", FILE)
    async with client_of(sandbox_options(workspace=tmp_path)) as client:
        params = {"fieldTypes": "list"}
        (entry,) = (await client.get("/v2/lists/3/list-entries", params=params)).json()["data"]
        companies, persons = ({**CELL, "id": name} for name in ("companies", "persons"))
        fields = {field["id"]: field["value"] for field in entry["entity"]["fields"]}
        assert fields.pop(persons["id"]) == {"type": "person-multi", "data": None}
        assert [company["id"] for company in fields.pop(companies["id"])["data"]] == [7, 8]
        assert list(fields.values()) == [field["value"] for field in ENTRY["entity"]["fields"]]
        assert (await client.get("/v2/lists/3")).json() == LIST
        (status,) = (await client.get("/fields", params={"list_id": 3})).json()
        assert status["dropdown_options"] == [{"id": 11, "text": "Open", "rank": 1, "color": 1}]
        assert (await client.get("/notes")).json()["notes"][0]["organization_ids"] == [7]
        assert (await client.get("/reminders")).json()["reminders"][0]["organization"]["name"] == "Acme"
        assert (await client.get("/entity-files")).json()["entity_files"][0]["organization_id"] == 7
        assert (await client.get("/opportunities/21")).json()["organization_ids"] == [7, 8]


async def test_what_a_folder_refers_to_need_not_be_there(tmp_path: Path):
    write(tmp_path / "lists.jsonl", {**LIST, "type": "company"})
    write(tmp_path / "list_entries.jsonl", {**ENTRY, "type": "company", "entity": COMPANY})
    write(tmp_path / "notes.jsonl", {**NOTE, "creator_id": 99})
    async with client_of(sandbox_options(workspace=tmp_path)) as client:
        (entry,) = (await client.get("/v2/lists/3/list-entries")).json()["data"]
        assert entry["entity"] == COMPANY
        assert (await client.get("/v2/notes/51")).json()["creator"]["id"] == 99
        assert (await client.get("/v2/companies")).json()["data"] == []


@pytest.mark.parametrize(
    ("name", "row", "reason"),
    [
        ("lists", {**LIST, "type": "thing"}, "thing"),
        ("list_entries", {**ENTRY, "type": "thing"}, "thing"),
        ("list_entries", {**ENTRY, "entity": {"id": 1}}, "name"),
        ("opportunities", {"id": 1, "name": "x"}, "listId"),
        ("notes", {**NOTE, "colour": 1}, "colour"),
        ("reminders", {"id": 1}, "type"),
        ("files", {**FILE, "size": "big"}, "size"),
        ("fields", {"id": "field-1"}, "entity"),
    ],
)
def test_a_bad_line_of_any_file_is_named(tmp_path: Path, name: str, row: dict, reason: str):
    write(tmp_path / "companies.jsonl", COMPANY)
    write(tmp_path / f"{name}.jsonl", row)
    with pytest.raises(WorkspaceFileError, match=rf"{name}\.jsonl, line 1") as raised:
        load_workspace(tmp_path)
    assert reason in str(raised.value)


def test_metadata_of_a_folder_come_from_its_fields_file(tmp_path: Path):
    write(tmp_path / "persons.jsonl", PERSON)
    metadata = {key: FIELD[key] for key in ("id", "name", "type", "enrichmentSource")}
    write(tmp_path / "fields.jsonl", {"entity": "person", **metadata, "valueType": "location-multi"})
    workspace = load_workspace(tmp_path)
    assert [field.value_type for field in workspace.fields("person")] == ["location-multi"]
    assert workspace.fields("company") == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "line 2"),
        (b"\xff\xfe", "line 2"),
        (b'{"id": 8}', "name"),
        (b'{"id": 8, "name": "x", "domain": null, "domains": [], "isGlobal": false, "colour": 1}', "colour"),
        (b'{"id": "8", "name": "x", "domain": null, "domains": [], "isGlobal": false}', "$.id"),
        (msgspec.json.encode(COMPANY), "is also on an earlier line"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: bytes, reason: str):
    (tmp_path / "companies.jsonl").write_bytes(msgspec.json.encode(COMPANY) + b"\n" + line + b"\n")
    with pytest.raises(WorkspaceFileError, match=r"companies\.jsonl, line 2") as raised:
        load_workspace(tmp_path)
    assert reason in str(raised.value)


def test_a_folder_without_rows_is_refused(tmp_path: Path):
    with pytest.raises(WorkspaceFileError, match="neither"):
        load_workspace(tmp_path)
    with pytest.raises(WorkspaceFileError, match="not a folder"):
        load_workspace(tmp_path / "nothing")
