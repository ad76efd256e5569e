"""Tasks on a simulated Attio that answers without their links, which come late or not at all."""

from collections.abc import AsyncIterator

import httpx
import pytest

from freight.connectors import registry
from freight.connectors.errors import InDoubt
from freight.connectors.protocols import Draft, References, Writer
from freight.model.crm import Company, Task
from freight.model.resolved_mapping import ResolvedMapping
from freight_sandbox import running
from support.attio_parts import AFFINITY
from support.clients import client
from support.connector_parts import RecordingPacer
from support.sandboxes import sandbox_options


@pytest.fixture
async def target() -> AsyncIterator[tuple[Writer, httpx.AsyncClient]]:
    """The writer of a target, and its Attio as a test reaches it."""
    async with running(sandbox_options(companies=1, people=1, unlimited=True)) as sandbox:
        target = registry.target("attio", api_key=sandbox.attio_key, base_url=sandbox.attio_url, pacer=RecordingPacer())
        layout = ResolvedMapping(provenance=AFFINITY, entities=("companies",))
        await target.ensure_schema(layout)
        async with client(sandbox.attio_url, bearer=sandbox.attio_key) as attio:
            yield target.writer(layout), attio
        await target.aclose()


async def a_task(writer: Writer, id_: str) -> Draft:
    company = await writer.create(writer.draft(Company(id="1", domains=("acme.com",)), References()))
    found = References(found={("companies", "1"): company.id})
    return writer.draft(Task(id=id_, content="Call", company_id="1"), found)


async def fail(attio: httpx.AsyncClient, kind: str) -> None:
    fault = {"kind": kind, "method": "POST", "path_prefix": "/v2/tasks", "times": 1}
    (await attio.post("/_sandbox/faults", json=fault)).raise_for_status()


@pytest.mark.parametrize("kind", ["task_links_dropped", "task_links_late"])
async def test_a_task_has_its_links_in_the_end(target, kind):
    writer, attio = target
    draft = await a_task(writer, "t1")
    await fail(attio, kind)
    made = await writer.create(draft)
    assert made.issues == ()
    assert made.values == draft.values
    assert await writer.read({made.id: draft}) == await writer.find([draft]) == [made]


async def test_a_task_whose_links_and_whose_answer_are_lost_is_found_and_stays_one(target):
    writer, attio = target
    draft = await a_task(writer, "t1")
    await fail(attio, "task_links_dropped")
    await fail(attio, "drop_after_write")
    with pytest.raises(InDoubt):
        await writer.create(draft)
    (found,) = await writer.find([draft])
    assert (found.source_id, found.values.get("linked_records")) == ("t1", None)
    mended = await writer.update(draft, found.id, {"linked_records": draft.values["linked_records"]})
    assert (mended.values, mended.issues) == (draft.values, ())
