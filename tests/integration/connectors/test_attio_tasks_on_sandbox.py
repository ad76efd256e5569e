"""Tasks on a simulated Attio that answers without their links, which come late or not at all."""

from collections.abc import AsyncIterator

import httpx
import pytest

from freight.connectors import registry
from freight.connectors.errors import InDoubt
from freight.connectors.protocols import Draft, References, Target
from freight.model.crm import Company, Task
from freight.model.resolved_mapping import ResolvedMapping
from freight_sandbox import running
from support.attio_parts import AFFINITY
from support.clients import client
from support.connector_parts import RecordingPacer
from support.sandboxes import sandbox_options


@pytest.fixture
async def target() -> AsyncIterator[tuple[Target, httpx.AsyncClient]]:
    """The target, and its Attio as a test reaches it."""
    async with running(sandbox_options(companies=1, people=1, unlimited=True)) as sandbox:
        target = registry.target("attio", api_key=sandbox.attio_key, base_url=sandbox.attio_url, pacer=RecordingPacer())
        target.use(await target.prepare(ResolvedMapping(provenance=AFFINITY, entities=("companies",))))
        async with client(sandbox.attio_url, bearer=sandbox.attio_key) as attio:
            yield target, attio
        await target.aclose()


async def a_task(target: Target, id_: str) -> Draft:
    company = await target.create(target.draft(Company(id="1", domains=("acme.com",)), References()))
    found = References(found={("companies", "1"): company.id})
    return target.draft(Task(id=id_, content="Call", company_id="1"), found)


async def fail(attio: httpx.AsyncClient, kind: str) -> None:
    fault = {"kind": kind, "method": "POST", "path_prefix": "/v2/tasks", "times": 1}
    (await attio.post("/_sandbox/faults", json=fault)).raise_for_status()


@pytest.mark.parametrize("kind", ["task_links_dropped", "task_links_late"])
async def test_a_task_has_its_links_in_the_end(target, kind):
    target, attio = target
    draft = await a_task(target, "t1")
    await fail(attio, kind)
    made = await target.create(draft)
    assert made.issues == ()
    assert made.values == draft.values
    assert await target.read({made.id: draft}) == await target.find([draft]) == [made]


async def test_a_task_whose_links_and_whose_answer_are_lost_is_found_and_stays_one(target):
    target, attio = target
    draft = await a_task(target, "t1")
    await fail(attio, "task_links_dropped")
    await fail(attio, "drop_after_write")
    with pytest.raises(InDoubt):
        await target.create(draft)
    (found,) = await target.find([draft])
    assert (found.source_id, found.values.get("linked_records")) == ("t1", None)
    mended = await target.update(draft, found.id, {"linked_records": draft.values["linked_records"]})
    assert (mended.values, mended.issues) == (draft.values, ())
