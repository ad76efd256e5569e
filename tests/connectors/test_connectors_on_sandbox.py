"""The connectors on simulated vendors that answer over real sockets."""

from collections.abc import AsyncIterator
from typing import NamedTuple

import httpx
import pytest
from connector_parts import RecordingPacer

from freight.connectors import registry
from freight.connectors.errors import CredentialsRefused, InDoubt, UniquenessConflict
from freight.connectors.protocols import Row, Source, Target
from freight.crm import Company, Entity, Location, Person
from freight.sandbox import Sandbox, SandboxOptions, running


class Vendors(NamedTuple):
    sandbox: Sandbox
    source: Source
    target: Target
    pacer: RecordingPacer


@pytest.fixture
async def vendors() -> AsyncIterator[Vendors]:
    async with running(SandboxOptions(companies=120, people=250, unlimited=True)) as sandbox:
        pacer = RecordingPacer()
        source = registry.source("affinity", api_key=sandbox.affinity_key, base_url=sandbox.affinity_url, pacer=pacer)
        target = registry.target("attio", api_key=sandbox.attio_key, base_url=sandbox.attio_url, pacer=pacer)
        await target.prepare_schema(["companies", "people"])
        yield Vendors(sandbox, source, target, pacer)
        await source.aclose()
        await target.aclose()


async def rows_of(source: Source, entity: Entity) -> list[Row]:
    rows: list[Row] = []
    cursor = None
    while True:
        page = await source.read_page(entity, cursor)
        rows += page.rows
        cursor = page.next_cursor
        if cursor is None:
            return rows


async def break_attio(vendors: Vendors, kind: str, **more: object) -> None:
    async with httpx.AsyncClient(base_url=vendors.sandbox.attio_url) as client:
        answer = await client.post("/_sandbox/faults", json={"kind": kind, "times": 1, **more})
        assert answer.status_code == 200


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
    for entity, count in (("companies", vendors.sandbox.companies), ("people", vendors.sandbox.people)):
        rows = await rows_of(vendors.source, entity)
        assert len({row.id for row in rows}) == len(rows) == count


async def test_a_written_record_reads_back_as_it_was_drafted(vendors):
    company = Company(
        id="1",
        name="Zürich Works",
        domains=("zuerich.example.com", "zw.example.com"),
        description="Makes\nthings.",
        phone_numbers=("+41 44 668 18 00", "044 668 18 01"),
        location=Location(street="Main St 1\nFloor 2", city="Zürich", region="ZH", country="Switzerland"),
        linkedin="https://www.linkedin.com/company/zw",
    )
    person = Person(
        id="2",
        first_name="Ana",
        emails=("Ana@zuerich.example.com", "ana@home.example.com"),
        phone_numbers=("+1 202 224 3121",),
        job_title="CEO",
        location=Location(city="Bern"),
        company_id="1",
    )
    references: dict[tuple[Entity, str], str] = {}
    for record in (company, person, Company(id="3", name="No domain"), Person(id="4", last_name="No address")):
        draft = vendors.target.draft(record, references)
        assert draft.issues == ()
        written = await vendors.target.create(draft)
        references["companies", record.id] = written.id
        assert written.values == draft.values
        assert await vendors.target.read(draft.entity, [written.id]) == [written]
        assert await vendors.target.find([draft]) == [written]


async def test_an_update_gives_an_attribute_exactly_the_values_that_were_sent(vendors):
    draft = vendors.target.draft(Company(id="1", domains=("a.example.com",), phone_numbers=("+41446681800",)), {})
    written = await vendors.target.create(draft)
    more = {"domains": ["b.example.com"], "phone_numbers": ["+12022243121"]}
    replaced = await vendors.target.update("companies", written.id, more)
    assert replaced.values == {"affinity_id": ["1"], **more}


async def test_a_value_of_another_record_is_a_conflict_that_names_the_attribute(vendors):
    await vendors.target.create(vendors.target.draft(Company(id="1", domains=("a.example.com",)), {}))
    other = await vendors.target.create(vendors.target.draft(Company(id="2", name="Other"), {}))
    with pytest.raises(UniquenessConflict) as raised:
        await vendors.target.update("companies", other.id, {"domains": ["a.example.com"]})
    assert raised.value.attribute == "domains"


@pytest.mark.parametrize("fault", ["drop_after_write", "server_error_after_write", "drop_before", "html_error"])
async def test_a_write_whose_answer_is_lost_leaves_one_record(vendors, fault):
    upserted = vendors.target.draft(Company(id="1", domains=("a.example.com",)), {})
    await break_attio(vendors, fault, path_prefix="/v2/objects/companies/records")
    await vendors.target.create(upserted)
    assert len(await vendors.target.find([upserted])) == 1

    created = vendors.target.draft(Company(id="2", name="No domain"), {})
    await break_attio(vendors, fault, path_prefix="/v2/objects/companies/records", method="POST")
    with pytest.raises(InDoubt):
        await vendors.target.create(created)
    found = await vendors.target.find([created])
    assert len(found) == (1 if fault.endswith("after_write") else 0)


async def test_a_conflicting_write_and_a_limit_are_waited_out(vendors):
    draft = vendors.target.draft(Company(id="1", name="No domain"), {})
    await break_attio(vendors, "write_conflict")
    await break_attio(vendors, "rate_limit")
    await vendors.target.create(draft)
    assert len(await vendors.target.find([draft])) == 1
    assert len(vendors.pacer.pauses) == 1
