"""Clients of other makers, published on PyPI, work with both sandboxes and find in the target what Freight wrote.

They know nothing of Freight, so what they read is what anybody will read. Each writes one of everything, too, and
finds it again. Some things they cannot do, for reasons of their own: affinity-sdk has no way to list the files of a
whole workspace with their records, and fails on the null that Affinity documents for the entries of an empty list;
attio follows the redirect of a download, which it then refuses because it was made for the redirect alone.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import attio
import pytest
from affinity import AsyncAffinity, ValidationError
from affinity.models.entities import (
    Company,
    CompanyCreate,
    CompanyUpdate,
    FieldCreate,
    FieldValueCreate,
    ListCreate,
    OpportunityCreate,
    OpportunityUpdate,
    PersonCreate,
    PersonUpdate,
)
from affinity.models.secondary import NoteCreate, NoteUpdate, ReminderCreate, ReminderUpdate
from affinity.models.types import EntityType, FieldValueType, ListType, ReminderType

from freight_sandbox import Sandbox
from freight_sandbox import running as running_sandbox
from support import migration
from support import service as support
from support.sandboxes import sandbox_options
from support.service import Service, Tenant

OBJECTS = ("companies", "people", "deals")


@pytest.fixture(scope="module")
async def workspace() -> AsyncIterator[Sandbox]:
    options = sandbox_options(
        companies=30, people=50, opportunities=8, lists=3, entries=30, notes=30, reminders=8, files=5,
        unlimited=True, deals_enabled=True,
    )  # fmt: skip
    async with running_sandbox(options) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
async def tenant(service: Service) -> AsyncIterator[Tenant]:
    async with support.a_tenant(service) as tenant:
        yield tenant


@pytest.fixture(scope="module")
async def carried(workspace: Sandbox, tenant: Tenant) -> dict[str, Any]:
    """The job that carried everything."""
    return await migration.carry(tenant, workspace)


@pytest.fixture(scope="module")
async def affinity_client(workspace: Sandbox) -> AsyncIterator[AsyncAffinity]:
    async with a_client_of_affinity(workspace) as client:
        yield client


@pytest.fixture
async def writer() -> AsyncIterator[AsyncAffinity]:
    """A client of an Affinity that nobody else reads."""
    options = sandbox_options(companies=5, people=8, custom_fields=True, unlimited=True)
    async with running_sandbox(options) as sandbox, a_client_of_affinity(sandbox) as client:
        yield client


@pytest.fixture
async def company(writer: AsyncAffinity) -> Company:
    """A company that the client made."""
    return await writer.companies.create(CompanyCreate(name="New", domain="independent.example.com"))


@pytest.fixture(scope="module")
async def attio_client(workspace: Sandbox) -> AsyncIterator[attio.SDK]:
    async with attio.SDK(oauth2=workspace.attio_key, server_url=workspace.attio_url) as client:
        yield client


async def test_affinity_sdk_reads_as_many_of_each_entity_as_freight_did(
    affinity_client: AsyncAffinity, carried: dict[str, Any]
) -> None:
    lists = [given async for given in affinity_client.lists.all()]
    entries = [entry for given in lists async for entry in affinity_client.lists.entries(given.id).all()]
    notes = [note async for note in affinity_client.notes.iter_feed()]
    found = {
        "companies": len([company async for company in affinity_client.companies.all()]),
        "people": len([person async for person in affinity_client.persons.all()]),
        "deals": len([deal async for deal in affinity_client.opportunities.all()]),
        "lists": len(lists),
        "list_entries": len(entries),
        "notes": len(notes),
        "tasks": len([reminder async for reminder in affinity_client.reminders.iter()]),
        "files": len([file async for file in affinity_client.files.iter_feed()]),
    }
    assert found == {entity: counts["read"] for entity, counts in migration.outcomes(carried).items()}


async def test_affinity_sdk_reads_the_fields_users_replies_and_contents_of_files(
    affinity_client: AsyncAffinity,
) -> None:
    assert await affinity_client.fields.list()
    assert await affinity_client.companies.get_fields()
    assert [user async for user in affinity_client.users.iter()]
    replied = [note async for note in affinity_client.notes.iter_feed(includes=True) if note.replies_count]
    assert replied
    for note in replied:
        assert len([reply async for reply in affinity_client.notes.iter_replies(note.id)]) == note.replies_count
    files = [file async for file in affinity_client.files.iter_feed()]
    assert [len(await affinity_client.files.download(file.id)) for file in files] == [file.size for file in files]


async def test_affinity_sdk_writes_records_and_reads_them_back(writer: AsyncAffinity, company: Company) -> None:
    person = await writer.persons.create(
        PersonCreate(
            first_name="Ina",
            last_name="Dependent",
            emails=["ina@independent.example.com"],
            organization_ids=[company.id],
        )
    )
    await writer.persons.update(person.id, PersonUpdate(first_name="Ida"))
    await writer.companies.update(company.id, CompanyUpdate(name="Newer"))
    assert (await writer.persons.get(person.id)).full_name == "Ida Dependent"
    found = await writer.companies.get(company.id)
    assert (found.name, found.domains) == ("Newer", ["independent.example.com"])
    assert await writer.companies.get_associated_person_ids(company.id) == [person.id]
    await writer.persons.delete(person.id)
    await writer.companies.delete(company.id)
    # The client asks version 1 of the API in the end, which has no 404 for ids.
    for gone in (writer.persons.get(person.id), writer.companies.get(company.id)):
        with pytest.raises(ValidationError, match="to be a valid id"):
            await gone


async def test_affinity_sdk_writes_opportunities_and_reads_them_back(writer: AsyncAffinity, company: Company) -> None:
    pipeline = await writer.lists.create(ListCreate(name="Pipeline", type=ListType.OPPORTUNITY, is_public=True))
    deal = await writer.opportunities.create(
        OpportunityCreate(name="New", list_id=pipeline.id, organization_ids=[company.id])
    )
    await writer.opportunities.update(deal.id, OpportunityUpdate(name="Newer"))
    found = await writer.opportunities.get_details(deal.id)
    assert (found.name, found.list_id, found.company_ids) == ("Newer", pipeline.id, [company.id])
    await writer.opportunities.delete(deal.id)
    assert await writer.lists.get_size(pipeline.id, force=True) == 0


async def test_affinity_sdk_writes_lists_entries_and_values_and_reads_them_back(
    writer: AsyncAffinity, company: Company
) -> None:
    made_list = await writer.lists.create(ListCreate(name="New", type=ListType.COMPANY, is_public=True))
    entries = writer.lists.entries(made_list.id)
    entry = await entries.add_company(company.id)
    assert [found.id async for found in entries.all()] == [entry.id]
    text = await writer.fields.create(
        FieldCreate(
            name="New", entity_type=EntityType.ORGANIZATION, value_type=FieldValueType.TEXT, list_id=made_list.id
        )
    )
    await entries.update_field_value(entry.id, text.id, "first")
    assert await entries.get_field_value(entry.id, text.id) == "first"
    await entries.batch_update_fields(entry.id, {text.id: "second"})
    (value,) = await writer.field_values.list(list_entry_id=entry.id)
    assert value.value == "second"
    await writer.field_values.update(value.id, "third")
    assert (await entries.get_field_values(entry.id)).get_value(text.id) == "third"
    await writer.field_values.delete(value.id)
    assert await writer.field_values.list(list_entry_id=entry.id) == []
    await writer.fields.delete(text.id)
    await entries.delete(entry.id)
    assert await writer.lists.get_size(made_list.id, force=True) == 0


async def test_affinity_sdk_writes_the_fields_of_records_and_reads_them_back(
    writer: AsyncAffinity, company: Company
) -> None:
    fields = {
        str(field.value_type): field.id for field in await writer.companies.get_fields() if field.type == "global"
    }
    await writer.companies.batch_update_fields(company.id, {fields["text"]: "New", fields["number"]: 4})
    await writer.companies.update_field_value(company.id, fields["number"], 5)
    assert await writer.companies.get_field_value(company.id, fields["number"]) == 5
    assert (await writer.companies.get_field_values(company.id)).get_value(fields["text"]) == "New"
    value = await writer.field_values.create(
        FieldValueCreate(field_id=fields["dropdown-multi"], entity_id=int(company.id), value="Never seen")
    )
    assert value in await writer.field_values.list(company_id=company.id)


async def test_affinity_sdk_writes_notes_reminders_and_files_and_reads_them_back(
    writer: AsyncAffinity, company: Company
) -> None:
    note = await writer.notes.create(NoteCreate(content="New\n\n& more", company_ids=[company.id]))
    await writer.notes.create(NoteCreate(content="Answer", parent_id=note.id))
    changed = await writer.notes.update(note.id, NoteUpdate(content="Newer"))
    assert (changed.content.html, changed.replies_count) == ("<p>Newer</p>", 1)
    assert [row.content.html async for row in writer.notes.iter_replies(note.id)] == ["<p>Answer</p>"]
    await writer.notes.delete(note.id)
    assert [row async for row in writer.notes.iter_feed()] == []

    user, *_ = [user async for user in writer.users.iter()]
    reminder = await writer.reminders.create(
        ReminderCreate(
            owner_id=user.id,
            type=ReminderType.ONE_TIME,
            company_id=company.id,
            due_date=datetime(2040, 1, 1, tzinfo=UTC),
        )
    )
    done = await writer.reminders.update(reminder.id, ReminderUpdate(content="Newer", is_completed=True))
    assert (done.content, str(done.status)) == ("Newer", "completed")
    await writer.reminders.delete(reminder.id)
    assert [row async for row in writer.reminders.iter()] == []

    (file,) = await writer.files.upload_bytes_returning_files(b"\x00new", "new.bin", company_id=company.id)
    assert (await writer.files.get(file.id)).size == 4
    assert await writer.files.download(file.id) == b"\x00new"


async def test_attio_s_client_finds_every_record_and_entry_that_freight_wrote(
    attio_client: attio.SDK, tenant: Tenant, carried: dict[str, Any]
) -> None:
    for entity in OBJECTS:
        answer = await attio_client.records.post_v2_objects_object_records_query_async(object=entity, limit=500)
        found = {record.id.record_id: texts(record.values["affinity_id"]) for record in answer.data}
        for source_id, target_id in await made(tenant, carried, entity):
            assert found[target_id] == [source_id]
    lists = await attio_client.lists.get_v2_lists_async()
    assert {target_id for _, target_id in await made(tenant, carried, "lists")} == {
        row.id.list_id for row in lists.data
    }
    entries: dict[str, list[str]] = {}
    for row in lists.data:
        page = await attio_client.entries.post_v2_lists_list_entries_query_async(list_id=row.id.list_id, limit=500)
        entries |= {entry.id.entry_id: texts(entry.entry_values["affinity_entry_id"]) for entry in page.data}
    assert entries == {target_id: [source_id] for source_id, target_id in await made(tenant, carried, "list_entries")}


async def test_attio_s_client_finds_every_note_task_and_file_that_freight_wrote(
    attio_client: attio.SDK, tenant: Tenant, carried: dict[str, Any]
) -> None:
    notes = await attio_client.notes.get_v2_notes_async(limit=50)
    assert {note.id.note_id for note in notes.data} == {
        target_id for _, target_id in await made(tenant, carried, "notes")
    }
    tasks = await attio_client.tasks.get_v2_tasks_async()
    assert {task.id.task_id for task in tasks.data} == {
        target_id for _, target_id in await made(tenant, carried, "tasks")
    }
    files = set()
    for entity in OBJECTS:
        for _, record_id in await made(tenant, carried, entity):
            page = await attio_client.files.get_v2_files_async(object=entity, record_id=record_id)
            files |= {file.id.file_id for file in page.data}
    assert files == {target_id for _, target_id in await made(tenant, carried, "files")}


async def test_attio_s_client_writes_one_of_each(attio_client: attio.SDK, carried: dict[str, Any]) -> None:
    company_id = await a_record(attio_client, "companies", {"name": ["New"], "domains": ["independent.example.com"]})
    name = {"first_name": "Ina", "last_name": "Dependent", "full_name": "Ina Dependent"}
    await a_record(attio_client, "people", {"name": [name], "company": ["independent.example.com"]})
    deal = {"name": ["New"], "stage": [{"status": "Lead"}], "owner": ["ada@sandbox-ventures.com"]}
    await a_record(attio_client, "deals", {**deal, "affinity_id": ["of another maker"]})
    lists = await attio_client.lists.get_v2_lists_async()
    row = next(row for row in lists.data if "companies" in row.parent_object)
    await attio_client.entries.post_v2_lists_list_entries_async(
        list_id=row.id.list_id,
        data={"parent_record_id": company_id, "parent_object": "companies", "entry_values": {}},
    )
    await attio_client.notes.post_v2_notes_async(
        data={
            "parent_object": "companies",
            "parent_record_id": company_id,
            "title": "New",
            "format_": "markdown",
            "content": "*New*",
        }
    )
    await attio_client.tasks.post_v2_tasks_async(
        data={
            "content": "New",
            "format_": "plaintext",
            "deadline_at": None,
            "is_completed": False,
            "linked_records": ["independent.example.com"],
            "assignees": [],
        }
    )
    file = await attio_client.files.post_v2_files_upload_async(
        file={"file_name": "new.txt", "content": b"new", "content_type": "text/plain"},
        object="companies",
        record_id=company_id,
    )
    assert file.data.content_size == 3


@asynccontextmanager
async def a_client_of_affinity(sandbox: Sandbox) -> AsyncIterator[AsyncAffinity]:
    async with AsyncAffinity(
        sandbox.affinity_key,
        v1_base_url=sandbox.affinity_url,
        v2_base_url=f"{sandbox.affinity_url}/v2",
        enable_beta_endpoints=True,
        # The sandbox hands out files over plain HTTP.
        allow_insecure_download_redirects=True,
    ) as client:
        yield client


async def a_record(client: attio.SDK, entity: str, values: dict[str, Any]) -> str:
    """Make a record with the client; its id."""
    made_record = await client.records.post_v2_objects_object_records_async(object=entity, data={"values": values})
    return str(made_record.data.id.record_id)


async def made(tenant: Tenant, job: dict[str, Any], entity: str) -> list[tuple[str, str]]:
    """The ids in the source and in the target of all records that a job made."""
    rows = await migration.records(tenant, job["id"], entity=entity, outcome="created")
    assert rows
    return [(row["source_id"], row["target_id"]) for row in rows]


def texts(values: list[Any]) -> list[str]:
    """The values of a text attribute as the client gives them."""
    return [value.value for value in values]
