"""The connectors on simulated vendors that answer over real sockets."""

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import NamedTuple

import httpx
import msgspec
import pytest

from freight.connectors import registry
from freight.connectors.attio.concurrency import gather_all
from freight.connectors.attio.values import record_reference
from freight.connectors.errors import CredentialsRefused, InDoubt, NotFound, Rejected, UniquenessConflict
from freight.connectors.protocols import (
    Attributes,
    Draft,
    FileContent,
    Reader,
    References,
    Row,
    Source,
    Target,
    TargetRecord,
    Writer,
)
from freight.domain.migration.planning.reference_slots import fill
from freight.model.crm import (
    LOAD_ORDER,
    Company,
    Deal,
    Entity,
    File,
    List,
    ListEntry,
    Note,
    Person,
    Record,
    Reference,
    Reply,
    Task,
    entity_of,
)
from freight.model.fields import CompanyRef, Location, PersonRef
from freight.model.mapping import FieldMapping, ListMapping, Mapping
from freight.model.resolved_mapping import ResolvedMapping
from freight.model.schema import Schema
from freight_sandbox import Sandbox, running
from support import late
from support.attio_parts import AFFINITY, field
from support.clients import TLS
from support.connector_parts import RecordingPacer
from support.sandboxes import sandbox_options

WHEN = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
MEMBER = PersonRef(id="90", name="Ada", email="ada@sandbox-ventures.com", internal=True)

SCHEMA = Schema(
    companies=(
        field("f1", "Industry", "select", multiple=True, options=("SaaS", "Bio")),
        field("f2", "Tier", "status", options=("A", "B")),
        field("f3", "Score", "number"),
        field("f4", "Founded", "date"),
        field("f5", "Office", "location"),
        field("f6", "Champions", "person", multiple=True),
        field("f7", "Owner", "person"),
        field("f8", "Parent", "company"),
        field("f9", "Name"),
        field("f10", "Price", "number"),
        field("f11", "Stars", "number"),
        field("f12", "Active", "number"),
        field("f13", "Met", "date"),
    ),
    lists=(
        List(
            id="7",
            name="Pipeline",
            of="deals",
            fields=(
                field("s", "Status", "status", options=("New", "Lead")),
                field("o", "Owners", "person", multiple=True),
            ),
        ),
        List(
            id="8", name="LPs", of="companies", fields=(field("t", "Temperature", "status", options=("Warm", "Cold")),)
        ),
    ),
    users=(MEMBER,),
)
MAPPING = Mapping(
    companies={
        "f10": FieldMapping(type="currency"),
        "f11": FieldMapping(type="rating"),
        "f12": FieldMapping(type="checkbox"),
        "f13": FieldMapping(type="timestamp"),
    }
)


class Vendors(NamedTuple):
    sandbox: Sandbox
    source: Source
    target: Target
    writer: Writer
    pacer: RecordingPacer


@pytest.fixture(scope="module")
async def prepared() -> AsyncIterator[tuple[Sandbox, ResolvedMapping]]:
    options = sandbox_options(companies=120, people=250, unlimited=True, deals_enabled=True)
    async with running(options) as sandbox:
        target = registry.target("attio", api_key=sandbox.attio_key, base_url=sandbox.attio_url, pacer=RecordingPacer())
        plan = await target.plan_schema(SCHEMA, MAPPING, LOAD_ORDER, AFFINITY)
        assert not plan.issues
        yield sandbox, await target.ensure_schema(plan.layout)
        await target.aclose()


@pytest.fixture
async def vendors(prepared: tuple[Sandbox, ResolvedMapping]) -> AsyncIterator[Vendors]:
    """Both vendors, and in the Attio nothing but the schema."""
    sandbox, layout = prepared
    pacer = RecordingPacer()
    source = registry.source("affinity", api_key=sandbox.affinity_key, base_url=sandbox.affinity_url, pacer=pacer)
    target = registry.target("attio", api_key=sandbox.attio_key, base_url=sandbox.attio_url, pacer=pacer)
    vendors = Vendors(sandbox, source, target, target.writer(layout), pacer)
    yield vendors
    await source.aclose()
    await target.aclose()
    async with attio_of(vendors) as attio:
        await late.finish_in(vendors.sandbox)
        for path in ("objects/companies/records", "objects/people/records", "objects/deals/records"):
            found = (await attio.post(f"{path}/query", json={})).raise_for_status().json()["data"]
            for record in found:
                (await attio.delete(f"{path}/{record['id']['record_id']}")).raise_for_status()


class Work:
    """Writes records that refer to one another, and checks what Attio made of each."""

    def __init__(self, vendors: Vendors) -> None:
        self.writer = vendors.writer
        self.found: dict[Reference, str] = {}

    def draft(self, record: Record) -> Draft:
        people = {"90": MEMBER, "9": PersonRef(id="9", name="Ann Lee")}
        return fill(self.writer.draft(record, References(found=self.found, people=people)), self.found)

    async def put(self, record: Record, content: FileContent | None = None) -> TargetRecord:
        """Write it, and read it in every way."""
        draft = self.draft(record)
        assert (draft.issues, draft.skip) == ((), None)
        written = await self.writer.create(draft, content)
        self.found[entity_of(record), record.id] = written.id
        wanted = {**draft.values, **draft.on_create}
        assert {slug: written.values.get(slug) for slug in wanted} == wanted
        assert written.source_id == record.id
        assert await self.writer.read({written.id: draft}) == [written]
        # Nothing on a file says whose it is.
        assert await self.writer.find([draft]) == [msgspec.structs.replace(written, is_guess=draft.entity == "files")]
        return written


def bytes_of(content: bytes) -> FileContent:
    return FileContent(file=io.BytesIO(content), size=len(content), content_type="application/pdf")


async def rows_of(reader: Reader, entity: Entity) -> list[Row]:
    rows: list[Row] = []
    cursor = None
    while True:
        page = await reader.read(entity, cursor)
        rows += page.rows
        cursor = page.next_cursor
        if cursor is None:
            return rows


async def break_attio(vendors: Vendors, kind: str, **more: object) -> None:
    async with httpx.AsyncClient(verify=TLS, base_url=vendors.sandbox.attio_url) as client:
        answer = await client.post("/_sandbox/faults", json={"kind": kind, "times": 1, **more})
        assert answer.status_code == 200


def another_target(vendors: Vendors) -> Target:
    sandbox = vendors.sandbox
    return registry.target("attio", api_key=sandbox.attio_key, base_url=sandbox.attio_url, pacer=vendors.pacer)


def attio_of(vendors: Vendors) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {vendors.sandbox.attio_key}"}
    return httpx.AsyncClient(verify=TLS, base_url=f"{vendors.sandbox.attio_url}/v2", headers=headers)


async def test_both_vendors_say_whose_key_it_is(vendors):
    assert (await vendors.source.identify()).name == vendors.sandbox.affinity_tenant
    assert (await vendors.target.identify()).id == vendors.sandbox.attio_workspace_id


async def test_a_wrong_key_is_refused_by_both(vendors):
    for connector in (
        registry.source("affinity", api_key="wrong", base_url=vendors.sandbox.affinity_url, pacer=vendors.pacer),
        registry.target("attio", api_key="wrong", base_url=vendors.sandbox.attio_url, pacer=vendors.pacer),
    ):
        with pytest.raises(CredentialsRefused):
            await connector.identify()
        await connector.aclose()


async def test_every_row_of_the_source_is_read_once(vendors):
    discover = await vendors.source.discover(("companies", "people"), Mapping())
    reader = vendors.source.reader(discover.schema, Mapping())
    for entity, count in (("companies", vendors.sandbox.companies), ("people", vendors.sandbox.people)):
        rows = await rows_of(reader, entity)
        assert len({row.id for row in rows}) == len(rows) == count


async def test_every_record_reads_back_as_it_was_drafted(vendors):
    work = Work(vendors)
    await work.put(Company(id="2", name="No domain"))
    await work.put(
        Person(
            id="9",
            first_name="Ann",
            last_name="Lee",
            emails=("Ann@home.example.com", "ann@work.example.com"),
            phone_numbers=("+1 202 224 3121",),
            job_title="CEO",
            location=Location(city="Bern"),
            company_id="2",
        )
    )
    fields = {
        "f1": ("Bio", "SaaS"),
        "f2": ("B",),
        "f3": (3.25,),
        "f4": ("2024-01-31",),
        "f5": (Location(city="Bern", country="Switzerland"),),
        "f6": (PersonRef(id="9"),),
        "f7": (MEMBER,),
        "f8": (CompanyRef(id="2"),),
        "f9": ("Other name",),
        "f10": (9.99,),
        "f11": (4,),
        "f12": (1,),
        "f13": ("2024-02-29",),
    }
    await work.put(
        Company(
            id="1",
            name="Zürich Works",
            domains=("zuerich.example.com", "zw.example.com"),
            description="Makes\nthings.",
            phone_numbers=("+41 44 668 18 00", "0041 44 668 18 01"),
            location=Location(street="Main St 1\nFloor 2", city="Zürich", region="ZH", country="Switzerland"),
            linkedin="https://www.linkedin.com/company/zw",
            fields=fields,
        )
    )
    await work.put(
        Deal(
            id="5", name="Round A", list_id="7", person_ids=("9",), company_ids=("1",),
            fields={"s": ("New",), "o": (MEMBER,)},
        )
    )  # fmt: skip
    await work.put(ListEntry(id="e1", list_id="7", parent=("deals", "5"), created_at=WHEN, fields={"o": (MEMBER,)}))
    await work.put(
        Note(
            id="n1",
            content="One *star*\nand more",
            author_id="90",
            created_at=WHEN,
            company_ids=("1",),
            deal_ids=("5",),
            replies=(Reply(id="r1", content="**Yes**", is_markdown=True, author_id="9", created_at=WHEN),),
        )
    )
    await work.put(Task(id="t1", content="Call 😀", due_at=WHEN, owner=MEMBER, person_id="9", deal_id="5"))
    await work.put(Task(id="t2", completed=True))
    await work.put(File(id="d1", name='Zürich "deck".pdf', size=300, person_id="9"), bytes_of(b"abc" * 100))


async def test_a_second_job_finds_the_schema_that_the_first_made(vendors):
    fresh = another_target(vendors)
    plan = await fresh.plan_schema(SCHEMA, MAPPING, LOAD_ORDER, AFFINITY)
    assert {place.action for place in (*plan.layout.places, *plan.layout.lists)} == {"use"}
    assert not plan.layout.new_stages
    assert not any(place.new_options for place in plan.layout.places)
    vendors.pacer.turns.clear()
    assert await fresh.ensure_schema(plan.layout) == plan.layout
    assert "write" not in vendors.pacer.turns
    await fresh.aclose()


async def test_what_was_archived_comes_back(vendors):
    async with attio_of(vendors) as attio:
        for name in ("industry/options/Bio", "tier"):
            path = f"objects/companies/attributes/{name}"
            (await attio.patch(path, json={"data": {"is_archived": True}})).raise_for_status()
    plan = await vendors.target.plan_schema(SCHEMA, MAPPING, LOAD_ORDER, AFFINITY)
    changed = {place.attribute: (place.action, place.new_options) for place in plan.layout.places[:2]}
    assert changed == {"industry": ("use", ("Bio",)), "tier": ("restore", ())}
    vendors = vendors._replace(writer=vendors.target.writer(await vendors.target.ensure_schema(plan.layout)))
    await Work(vendors).put(Company(id="1", fields={"f1": ("Bio",), "f2": ("A",)}))


async def test_two_workers_prepare_one_schema(vendors):
    more = msgspec.structs.replace(
        SCHEMA,
        people=(field("p1", "Topics", "select", multiple=True, options=[f"t{number}" for number in range(30)]),),
        lists=(*SCHEMA.lists, List(id="9", name="New", of="people", fields=(field("x", "X"),))),
    )
    plan = await vendors.target.plan_schema(more, MAPPING, LOAD_ORDER, AFFINITY)
    other = another_target(vendors)
    first, second = await gather_all([vendors.target.ensure_schema(plan.layout), other.ensure_schema(plan.layout)])
    assert first == second
    assert {place.action for place in (await other.plan_schema(more, MAPPING, LOAD_ORDER, AFFINITY)).layout.places} == {
        "use"
    }
    await other.aclose()


async def test_lists_find_themselves(vendors):
    (draft,) = [vendors.writer.draft(given, References()) for given in SCHEMA.lists[:1]]
    (found,) = await vendors.writer.find([draft])
    assert (found.source_id, found.values) == ("7", {"name": ["Pipeline"]})
    await vendors.writer.update(draft, found.id, {"name": ["Deals"]})
    assert (await vendors.writer.read({found.id: draft}))[0].values == {"name": ["Deals"]}


async def test_a_record_stands_on_a_list_twice_where_it_does_so_at_the_source(vendors):
    work = Work(vendors)
    await work.put(Company(id="1", name="Acme"))
    first = await work.put(ListEntry(id="e1", list_id="8", parent=("companies", "1"), fields={"t": ("Warm",)}))
    again = ListEntry(id="e2", list_id="8", parent=("companies", "1"), fields={"t": ("Cold",)}, repeated=True)
    assert (await work.put(again)).id != first.id


async def test_an_entry_that_a_person_made_on_a_list_of_theirs_is_found_by_its_record(vendors):
    work = Work(vendors)
    company = await work.put(Company(id="1", name="Acme"))
    body = {
        "name": "Theirs",
        "api_slug": "theirs",
        "parent_object": "companies",
        "workspace_access": "full-access",
        "workspace_member_access": [],
    }
    entry = {"parent_record_id": company.id, "parent_object": "companies", "entry_values": {}}
    async with attio_of(vendors) as attio:
        (await attio.post("lists", json={"data": body})).raise_for_status()
        (await attio.post("lists/theirs/entries", json={"data": entry})).raise_for_status()
    mapping = msgspec.structs.replace(MAPPING, lists={"8": ListMapping(to="theirs")})
    plan = await vendors.target.plan_schema(SCHEMA, mapping, LOAD_ORDER, AFFINITY)
    draft_before = ListEntry(id="e1", list_id="8", parent=("companies", "1"))
    work.writer = vendors.target.writer(plan.layout)
    assert len(await work.writer.find([work.draft(draft_before)])) == 1
    work.writer = vendors.target.writer(await vendors.target.ensure_schema(plan.layout))
    draft = work.draft(draft_before)
    (found,) = await work.writer.find([draft])
    assert (found.source_id, found.values) == (None, {"parent_record": [company.id]})
    assert await work.writer.read({found.id: draft}) == [found]
    assert (await work.writer.create(draft)).id == found.id


async def test_an_update_gives_an_attribute_exactly_the_values_that_were_sent(vendors):
    work = Work(vendors)
    draft = work.draft(Company(id="1", domains=("a.example.com",), phone_numbers=("+41446681800",)))
    written = await vendors.writer.create(draft)
    more = {"domains": ["b.example.com"], "phone_numbers": ["+12022243121"]}
    replaced = await vendors.writer.update(draft, written.id, more)
    assert replaced.values == {"affinity_id": ["1"], **more}
    assert (await vendors.writer.update(draft, written.id, {"domains": []})).values.keys() == {
        "affinity_id",
        "phone_numbers",
    }


async def test_entries_notes_and_tasks_can_be_changed(vendors):
    work = Work(vendors)
    company = await work.put(Company(id="1", name="Acme"))
    entry = ListEntry(id="e1", list_id="8", parent=("companies", "1"), fields={"t": ("Warm",)})
    changed = await vendors.writer.update(work.draft(entry), (await work.put(entry)).id, {"temperature": []})
    assert changed.values == {"affinity_entry_id": ["e1"], "parent_record": [company.id]}
    note = Note(id="n1", content="x", company_ids=("1",))
    new = {"title": ["T"], "content": ["**c** (Affinity note n1)"]}
    changed = await vendors.writer.update(work.draft(note), (await work.put(note)).id, new)
    assert {slug: changed.values[slug] for slug in new} == new
    task = Task(id="t1", content="Call", due_at=WHEN, owner=MEMBER, company_id="1")
    new = {"is_completed": [True], "deadline_at": [], "assignees": [], "linked_records": []}
    changed = await vendors.writer.update(work.draft(task), (await work.put(task)).id, new)
    assert changed.values == {"content": work.draft(task).values["content"], "is_completed": [True]}


async def test_a_value_of_another_record_is_a_conflict_that_names_the_attribute(vendors):
    work = Work(vendors)
    await work.put(Company(id="1", domains=("a.example.com",)))
    other = Company(id="2", name="Other")
    with pytest.raises(UniquenessConflict) as raised:
        await vendors.writer.update(work.draft(other), (await work.put(other)).id, {"domains": ["a.example.com"]})
    assert raised.value.attribute == "domains"


async def test_a_value_that_attio_refuses_names_the_attribute(vendors):
    work = Work(vendors)
    company = Company(id="1", name="Acme")
    target_id = (await work.put(company)).id
    for attribute, items in {
        "industry": ["Bio", "Gone"],
        "tier": ["Gone"],
        "parent": [record_reference("companies", "50cf242c-7fa3-4cad-87d0-75b1af71c57b")],
        "score": ["much"],
        "stars": [9],
        "vanished": ["x"],
    }.items():
        with pytest.raises(Rejected) as raised:
            await vendors.writer.update(work.draft(company), target_id, {attribute: items})
        assert raised.value.attribute == attribute


async def test_what_was_deleted_is_absent_and_cannot_be_changed(vendors):
    work = Work(vendors)
    await work.put(Company(id="1", name="Acme"))
    deleted: dict[str, tuple[Record, Attributes]] = {
        "notes": (Note(id="n1", content="x", company_ids=("1",)), {"title": ["T"]}),
        "tasks": (Task(id="t1", company_id="1"), {"is_completed": [True]}),
        "objects/deals/records": (Deal(id="5", name="Round"), {"name": ["N"]}),
    }
    async with attio_of(vendors) as attio:
        for path, (record, change) in deleted.items():
            draft = work.draft(record)
            target_id = (await vendors.writer.create(draft)).id
            (await attio.delete(f"{path}/{target_id}")).raise_for_status()
            assert await vendors.writer.read({target_id: draft}) == []
            with pytest.raises(NotFound):
                await vendors.writer.update(draft, target_id, change)


FAULTS = ["drop_after_write", "server_error_after_write", "drop_before", "html_error"]


async def test_an_upsert_whose_answer_is_lost_leaves_one_record(vendors):
    work = Work(vendors)
    fields = {"s": ("New",), "o": (MEMBER,)}
    writes = []
    for number in range(len(FAULTS)):
        await work.put(Company(id=f"1{number}", name="No domain"))
        writes += [
            Company(id=f"2{number}", domains=(f"d{number}.example.com",)),
            Deal(id=f"5{number}", name="Round", list_id="7", fields=fields),
            ListEntry(id=f"e{number}", list_id="8", parent=("companies", f"1{number}")),
        ]
    for fault in FAULTS:
        for path in ("objects/companies/records", "objects/deals/records", "lists"):
            await break_attio(vendors, fault, path_prefix=f"/v2/{path}", method="PUT")
    await gather_all(work.put(record) for record in writes)


async def test_a_create_whose_answer_is_lost_is_in_doubt_and_can_be_looked_up(vendors):
    work = Work(vendors)
    await work.put(Company(id="1", domains=("a.example.com",)))
    for number, fault in enumerate(FAULTS):
        records: dict[str, Record] = {
            "/v2/objects/companies/records": Company(id=f"2{number}", name="No domain"),
            "/v2/lists": ListEntry(id=f"e{number}", list_id="8", parent=("companies", "1"), repeated=True),
            "/v2/notes": Note(id=f"n{number}", content="x", company_ids=("1",)),
            "/v2/tasks": Task(id=f"lost{number}", company_id="1"),
            "/v2/files": File(id=f"d{number}", name=f"{fault}.txt", size=3, company_id="1"),
        }
        for path, record in records.items():
            draft = work.draft(record)
            await break_attio(vendors, fault, path_prefix=path, method="POST")
            with pytest.raises(InDoubt):
                await vendors.writer.create(draft, bytes_of(b"abc"))
            found = await vendors.writer.find([draft])
            assert [one.source_id for one in found] == ([record.id] if fault.endswith("after_write") else [])


class Watched(io.BytesIO):
    """Remembers how much was asked of it at once."""

    largest = 0

    def read(self, size: int | None = -1) -> bytes:
        content = super().read(size)
        self.largest = max(self.largest, len(content))
        return content


async def test_a_file_is_never_read_as_a_whole_and_is_sent_again_after_a_limit(vendors):
    work = Work(vendors)
    await work.put(Company(id="1", name="Acme"))
    content = Watched(bytes(range(256)) * 8192)
    size = len(content.getvalue())
    await break_attio(vendors, "rate_limit", path_prefix="/v2/files")
    await work.put(
        File(id="d1", name="big.bin", size=size, company_id="1"),
        FileContent(file=content, size=size, content_type=None),
    )
    assert content.largest <= 65536 < size


async def test_a_conflicting_write_and_a_limit_are_waited_out(vendors):
    draft = Work(vendors).draft(Company(id="1", name="No domain"))
    await break_attio(vendors, "write_conflict")
    await break_attio(vendors, "rate_limit")
    await vendors.writer.create(draft)
    assert len(await vendors.writer.find([draft])) == 1
    assert len(vendors.pacer.pauses) == 1
