"""A request to create a record does not say whether it took effect: nothing is doubled, and nothing is silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from freight.connectors import registry
from freight.connectors.attio.client import AttioClient
from freight.connectors.attio.definitions import Definitions
from freight.connectors.attio.target import AttioWriter
from freight.connectors.errors import InDoubt
from freight.connectors.protocols import Draft, FileContent, TargetRecord
from freight.domain.migration.records.leases import LeaseLost
from freight.model.crm import Entity
from freight.model.resolved_mapping import ResolvedMapping
from freight.settings import Settings
from freight_sandbox import Sandbox
from support import faults, firm, jobs, migration
from support.odd_vendors import target_written_by
from support.service import Service, Tenant

KEYLESS: dict[Entity, str] = {"notes": "70", "tasks": "60", "files": "91", "companies": "2"}
"""Records that nothing keeps the target from creating twice."""


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Long enough for a late effect, short enough for a test."""
    return msgspec.structs.replace(settings, in_doubt_seconds=3)


@asynccontextmanager
async def one_of_each(folder: Path) -> AsyncIterator[Sandbox]:
    """One record of each kind, and an Attio that has not been written to."""
    nameless = {**firm.company(2, "none.com"), "domain": None, "domains": []}
    a_file = {
        "id": 91, "name": "91.txt", "size": 3, "content": "abc", "created_at": "2024-06-01T10:00:00Z",
        "organization_id": 1,
    }  # fmt: skip
    async with firm.running(
        folder,
        companies=[firm.company(1, "a1.com"), nameless],
        notes=[firm.note(70)],
        reminders=[firm.reminder("Call", due_date="2030-01-01T10:00:00Z")],
        files=[a_file],
    ) as both:
        yield both


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """The same for a whole test."""
    async with one_of_each(tmp_path) as both:
        yield both


class UncertainWriter(AttioWriter):
    """An Attio that does not confirm the creation of one record; `effects` says how often each request takes effect."""

    effects: dict[tuple[str, Entity, str], list[int]]
    """By the URL, the entity and the record's id in the source."""
    frozen: set[tuple[str, Entity, str]]
    """The records whose next request is left to another worker."""

    def __init__(self, client: AttioClient, definitions: Definitions, layout: ResolvedMapping) -> None:
        super().__init__(client, definitions, layout)
        self.base_url = str(client.base_url)

    def effects_of(self, draft: Draft) -> list[int]:
        return self.effects.get((self.base_url, draft.entity, draft.source_id), [])

    async def create(self, draft: Draft, content: FileContent | None = None) -> TargetRecord:
        if (record := (self.base_url, draft.entity, draft.source_id)) in self.frozen:
            self.frozen.remove(record)
            raise LeaseLost
        if not (effects := self.effects_of(draft)):
            return await super().create(draft, content)
        made = []
        for _ in range(effects.pop(0)):
            if content is not None:
                content.file.seek(0)
            made.append(await super().create(draft, content))
        if not made or effects:
            raise InDoubt("POST was sent to Attio, but it answered 504.")
        return made[-1]


@pytest.fixture
def uncertain(monkeypatch: pytest.MonkeyPatch) -> type[UncertainWriter]:
    """The target of all jobs of a test, uncertain of nothing yet."""
    monkeypatch.setattr(UncertainWriter, "effects", {}, raising=False)
    monkeypatch.setattr(UncertainWriter, "frozen", set(), raising=False)
    monkeypatch.setitem(registry.TARGETS, "attio", target_written_by(UncertainWriter))
    return UncertainWriter


async def held(sandbox: Sandbox) -> dict[str, int]:
    """How many of each kind the target holds."""
    companies = (await firm.attio(sandbox, "POST", "/objects/companies/records/query", {}))["data"]
    (parent,) = [c for c in companies if c["values"]["domains"]]
    place = f"object=companies&record_id={parent['id']['record_id']}"
    return {
        "companies": len(companies),
        "notes": len((await firm.attio(sandbox, "GET", "/notes"))["data"]),
        "tasks": len((await firm.attio(sandbox, "GET", "/tasks"))["data"]),
        "files": len((await firm.attio(sandbox, "GET", f"/files?{place}"))["data"]),
    }


EACH_ONCE = {"companies": 2, "notes": 1, "tasks": 1, "files": 1}


async def test_what_takes_effect_seconds_after_a_504_is_found_and_not_sent_again(
    service: Service, tenant: Tenant, both: Sandbox
) -> None:
    for path in ("/v2/notes", "/v2/tasks", "/v2/files/upload", "/v2/objects/companies/records"):
        await faults.add(
            both.attio_url, "late_server_error_after_write", times=1, method="POST", path_prefix=path, milliseconds=700
        )
    job = await migration.carry(tenant, both)
    assert await faults.left(both.attio_url) == []
    assert await held(both) == EACH_ONCE
    for entity, counts in EACH_ONCE.items():
        assert migration.outcomes(job)[entity]["created"] == counts
    assert await jobs.logs(tenant, job["id"], code="sent_twice") == []


async def test_a_double_that_turns_up_after_the_second_request_is_removed_and_named(
    service: Service,
    tenant: Tenant,
    tmp_path_factory: pytest.TempPathFactory,
    uncertain: type[UncertainWriter],
) -> None:
    # At the same time: most of it is waiting.
    async with asyncio.TaskGroup() as targets:
        for entity in KEYLESS:
            folder = tmp_path_factory.mktemp(entity)
            targets.create_task(check_a_double_is_removed(tenant, folder, uncertain, entity), name=entity)


async def test_what_a_worker_sends_that_was_frozen_in_the_middle_of_sending_is_removed(
    service: Service, tenant: Tenant, both: Sandbox, uncertain: type[UncertainWriter]
) -> None:
    # No look at the lease is the last thing that happens before a request: a worker can be frozen between the two. So
    # it leaves the note to another one, which looks for it in vain and sends it, and sends its own request after that.
    uncertain.frozen.add((both.attio_url, "notes", KEYLESS["notes"]))
    uncertain.effects[both.attio_url, "notes", KEYLESS["notes"]] = [2]
    job = await migration.carry(tenant, both)
    assert uncertain.frozen == set()
    assert await held(both) == EACH_ONCE
    (removed,) = await jobs.logs(tenant, job["id"], code="double_removed")
    assert (removed["entity"], removed["source_id"]) == ("notes", KEYLESS["notes"])
    (record,) = await migration.records(tenant, job["id"], entity="notes")
    assert record["target_id"] != removed["value"]


async def check_a_double_is_removed(
    tenant: Tenant, folder: Path, uncertain: type[UncertainWriter], entity: Entity
) -> None:
    source_id = KEYLESS[entity]
    async with one_of_each(folder) as both:
        uncertain.effects[both.attio_url, entity, source_id] = [0, 2]
        job = await migration.carry(tenant, both)
        assert await held(both) == EACH_ONCE
        (sent,) = await jobs.logs(tenant, job["id"], code="sent_twice")
        (removed,) = await jobs.logs(tenant, job["id"], code="double_removed")
        assert [(row["entity"], row["source_id"]) for row in (sent, removed)] == [(entity, source_id)] * 2
        (record,) = await migration.records(tenant, job["id"], entity=entity, text=source_id)
        assert removed["value"] != record["target_id"]
        again = await migration.carry(tenant, both)
        assert migration.written(again) == 0


async def test_a_double_that_says_something_else_is_left_and_named(
    service: Service,
    tenant: Tenant,
    both: Sandbox,
    uncertain: type[UncertainWriter],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uncertain.effects[both.attio_url, "notes", "70"] = [0, 1]
    monkeypatch.setattr(uncertain, "create", with_another_title)
    job = await migration.carry(tenant, both)
    assert await held(both) == {**EACH_ONCE, "notes": 2}
    (left,) = await jobs.logs(tenant, job["id"], code="double_not_removed")
    assert (left["source_id"], left["level"]) == ("70", "warning")
    assert left["value"] in left["message"]


async def with_another_title(self: UncertainWriter, draft: Draft, content: FileContent | None = None) -> TargetRecord:
    """The second request is confirmed; the first has taken effect, and somebody has changed the note since."""
    if effects := self.effects_of(draft):
        if not effects.pop(0):
            raise InDoubt("504")
        edited = msgspec.structs.replace(draft, values={**draft.values, "title": ["Edited"]})
        await AttioWriter.create(self, edited, content)
    return await AttioWriter.create(self, draft, content)


async def test_a_job_that_is_paused_while_a_create_is_in_doubt_doubles_nothing(
    service: Service,
    tenant: Tenant,
    both: Sandbox,
    uncertain: type[UncertainWriter],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late: list[Any] = []

    async def create(self: AttioWriter, draft: Draft, content: FileContent | None = None) -> TargetRecord:
        if draft.entity != "notes":
            return await AttioWriter.create(self, draft, content)
        late.append(draft)
        raise InDoubt("504")

    monkeypatch.setattr(uncertain, "create", create)
    job = await jobs.create(tenant, both, entities=["companies", "notes"])
    await jobs.until(tenant, job["id"], lambda _: bool(late))
    (await tenant.client.post(f"/api/v1/jobs/{job['id']}/pause")).raise_for_status()
    body = {slug: items[0] for slug, items in late[0].values.items() if slug in ("title", "content")}
    (parent,) = late[0].values["parent"]
    body |= {"parent_object": "companies", "parent_record_id": parent["target_record_id"], "format": "markdown"}
    await firm.attio(both, "POST", "/notes", {"data": body})
    (await tenant.client.post(f"/api/v1/jobs/{job['id']}/resume")).raise_for_status()
    job = await jobs.until_ended(tenant, job["id"])
    assert (job["status"], migration.outcomes(job)["notes"]["created"], len(late)) == ("completed", 1, 1)
