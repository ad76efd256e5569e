"""The connector on a simulated Attio that enriches and links by itself, has a full plan, or weighs queries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from freight.connectors import registry
from freight.connectors.errors import CredentialsRefused, PlanLimitReached
from freight.connectors.protocols import References, Writer
from freight.model.crm import Company, Person
from freight.model.resolved_mapping import ResolvedMapping
from freight_sandbox import Sandbox, running
from support import late
from support.attio_parts import AFFINITY
from support.clients import client
from support.connector_parts import RecordingPacer
from support.sandboxes import sandbox_options


@asynccontextmanager
async def a_target(**options: Any) -> AsyncIterator[tuple[Sandbox, Writer]]:
    async with running(sandbox_options(companies=1, people=1, unlimited=True, **options)) as sandbox:
        target = registry.target("attio", api_key=sandbox.attio_key, base_url=sandbox.attio_url, pacer=RecordingPacer())
        layout = ResolvedMapping(provenance=AFFINITY, entities=("companies", "people"))
        await target.ensure_schema(layout)
        yield sandbox, target.writer(layout)
        await target.aclose()


@pytest.fixture
async def attio() -> AsyncIterator[tuple[Sandbox, Writer]]:
    async with a_target(enrichment=True, hold_late_work=True) as found:
        yield found


async def test_a_key_that_attio_does_not_know_and_one_that_is_cut_short_are_refused(attio):
    sandbox, _ = attio
    for key in ("f" * 64, sandbox.attio_key[:-1], "x"):
        target = registry.target("attio", api_key=key, base_url=sandbox.attio_url, pacer=RecordingPacer())
        with pytest.raises(CredentialsRefused):
            await target.identify()
        await target.aclose()


async def test_what_attio_fills_in_by_itself_is_known_from_what_was_written(attio):
    sandbox, writer = attio
    drafted = writer.draft(Company(id="1", name="Ours", domains=("acme.com",)), References())
    created = await writer.create(drafted)
    assert created.automatic == frozenset()
    await late.finish_in(sandbox)
    (found,) = await writer.find([drafted])
    assert found.values["name"] == ["Ours"]
    assert {"description", "linkedin", "primary_location"} <= found.automatic
    assert found.automatic.isdisjoint({"name", "domains", "affinity_id"})
    assert await writer.read({created.id: drafted}) == [found]
    await writer.update(drafted, created.id, {"description": ["Theirs"]})
    (after,) = await writer.read({created.id: drafted})
    assert (after.values["description"], "description" in after.automatic) == (["Theirs"], False)


async def test_the_link_that_attio_makes_by_itself_is_known_as_such_when_it_comes(attio):
    sandbox, writer = attio
    company = await writer.create(writer.draft(Company(id="1", domains=("acme.com",)), References()))
    drafted = writer.draft(Person(id="9", emails=("ann@acme.com",)), References())
    created = await writer.create(drafted)
    assert "company" not in created.values
    await late.finish_in(sandbox)
    (found,) = await writer.find([drafted])
    assert found.values["company"] == [{"target_object": "companies", "target_record_id": company.id}]
    assert "company" in found.automatic


@pytest.mark.parametrize("code", ["particle_gate_violation", "quota_exceeded", "limit_reached", "billing_error"])
async def test_a_workspace_that_is_full_is_told_from_a_record_that_is_refused(code):
    async with a_target(record_limit=1, record_limit_code=code) as (_, writer):
        await writer.create(writer.draft(Company(id="1", domains=("acme.com",)), References()))
        for record in (Company(id="2", domains=("other.com",)), Person(id="3", first_name="Ann")):
            with pytest.raises(PlanLimitReached, match=code):
                await writer.create(writer.draft(record, References()))


async def test_many_records_are_found_in_queries_that_attio_allows(attio):
    sandbox, writer = attio
    drafts = [writer.draft(Company(id=str(n), domains=(f"c{n}.com",)), References()) for n in range(40)]
    ids = [(await writer.create(drafted)).id for drafted in drafts]
    async with client(sandbox.attio_url, bearer=sandbox.attio_key) as vendor:
        await vendor.put("/_sandbox/query-limits", json={"per_query": 7})
        assert {record.id for record in await writer.find(drafts)} == set(ids)
        assert len(await writer.read(dict(zip(ids, drafts, strict=True)))) == 40
