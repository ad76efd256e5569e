"""A request to create a record does not say whether it took effect: nothing is doubled, and nothing is silent."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from freight.connectors import registry
from freight.connectors.attio.target import AttioTarget
from freight.connectors.errors import InDoubt
from freight.connectors.protocols import Draft, FileContent, TargetRecord
from freight.model.crm import Entity
from freight.settings import Settings
from freight_sandbox import Sandbox
from support import faults, firm, jobs, migration
from support.service import Service, Tenant

KEYLESS: list[tuple[Entity, str]] = [("notes", "70"), ("tasks", "60"), ("files", "91"), ("companies", "2")]
"""Records that nothing keeps the target from creating twice."""


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Long enough for a late effect, short enough for a test."""
    return msgspec.structs.replace(settings, in_doubt_seconds=3)


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """One record of each kind, and an Attio that nobody has written to."""
    nameless = {**firm.company(2, "none.com"), "domain": None, "domains": []}
    a_file = {
        "id": 91, "name": "91.txt", "size": 3, "content": "abc", "created_at": "2024-06-01T10:00:00Z",
        "organization_id": 1,
    }  # fmt: skip
    async with firm.running(
        tmp_path,
        companies=[firm.company(1, "a1.com"), nameless],
        notes=[firm.note(70)],
        reminders=[firm.reminder("Call", due_date="2030-01-01T10:00:00Z")],
        files=[a_file],
    ) as both:
        yield both


class UncertainTarget(AttioTarget):
    """An Attio that does not confirm the creation of one record; `effects` says how often each request takes effect."""

    entity: Entity
    source_id: str
    effects: list[int]

    async def create(self, draft: Draft, content: FileContent | None = None) -> TargetRecord:
        if (draft.entity, draft.source_id) != (self.entity, self.source_id) or not self.effects:
            return await super().create(draft, content)
        made = []
        for _ in range(self.effects.pop(0)):
            if content is not None:
                content.file.seek(0)
            made.append(await super().create(draft, content))
        if not made or self.effects:
            raise InDoubt("POST was sent to Attio, but it answered 504.")
        return made[-1]


def uncertain(monkeypatch: pytest.MonkeyPatch, entity: Entity, source_id: str, *effects: int) -> None:
    monkeypatch.setattr(UncertainTarget, "entity", entity, raising=False)
    monkeypatch.setattr(UncertainTarget, "source_id", source_id, raising=False)
    monkeypatch.setattr(UncertainTarget, "effects", list(effects), raising=False)
    monkeypatch.setitem(registry.TARGETS, "attio", UncertainTarget)


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


@pytest.mark.parametrize(("entity", "source_id"), KEYLESS)
async def test_a_double_that_turns_up_after_the_second_request_is_removed_and_named(
    service: Service, tenant: Tenant, both: Sandbox, monkeypatch: pytest.MonkeyPatch, entity: Entity, source_id: str
) -> None:
    uncertain(monkeypatch, entity, source_id, 0, 2)
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
    service: Service, tenant: Tenant, both: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    uncertain(monkeypatch, "notes", "70", 0, 1)
    monkeypatch.setattr(UncertainTarget, "create", with_another_title)
    job = await migration.carry(tenant, both)
    assert await held(both) == {**EACH_ONCE, "notes": 2}
    (left,) = await jobs.logs(tenant, job["id"], code="double_not_removed")
    assert (left["source_id"], left["level"]) == ("70", "warning")
    assert left["value"] in left["message"]


async def with_another_title(self: UncertainTarget, draft: Draft, content: FileContent | None = None) -> TargetRecord:
    """The second request is confirmed; the first has taken effect, and somebody has changed the note since."""
    if draft.entity == "notes" and self.effects:
        if not self.effects.pop(0):
            raise InDoubt("504")
        edited = msgspec.structs.replace(draft, values={**draft.values, "title": ["Edited"]})
        await AttioTarget.create(self, edited, content)
    return await AttioTarget.create(self, draft, content)


async def test_a_job_that_is_paused_while_a_create_is_in_doubt_doubles_nothing(
    service: Service, tenant: Tenant, both: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[Any] = []

    async def create(self: AttioTarget, draft: Draft, content: FileContent | None = None) -> TargetRecord:
        if draft.entity != "notes":
            return await AttioTarget.create(self, draft, content)
        late.append(draft)
        raise InDoubt("504")

    monkeypatch.setattr(UncertainTarget, "create", create)
    monkeypatch.setitem(registry.TARGETS, "attio", UncertainTarget)
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
