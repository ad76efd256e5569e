"""A target whose plan holds no more: the job pauses, says why, and goes on once there is room."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from freight.connectors import registry
from freight.connectors.attio.target import AttioWriter
from freight.connectors.errors import PlanLimitReached
from freight.connectors.protocols import Attributes, Draft, FileContent, TargetRecord
from freight.model.resolved_mapping import ResolvedMapping
from freight.settings import Settings
from freight_sandbox import Sandbox
from support import firm, jobs, migration, workspaces
from support import service as support
from support.odd_vendors import target_written_by
from support.receiver import Receiver, receiving
from support.service import Tenant

COMPANIES = 40
FULL = "Attio's plan allows 500 records (record_limit_reached)."


class FullWriter(AttioWriter):
    """An Attio whose plan is full at a certain step, as long as there is no room."""

    full_at: str = ""
    has_room = False
    creates = 0

    async def create(self, draft: Draft, content: FileContent | None = None) -> TargetRecord:
        type(self).creates += 1
        if self.full_at == "create" and not self.has_room and self.creates > COMPANIES // 2:
            raise PlanLimitReached(FULL)
        return await super().create(draft, content)

    async def update(self, draft: Draft, target_id: str, values: Attributes) -> TargetRecord:
        if self.full_at == "update" and not self.has_room:
            raise PlanLimitReached(FULL)
        return await super().update(draft, target_id, values)


class FullTarget(target_written_by(FullWriter)):  # type: ignore[misc]
    async def ensure_schema(self, layout: ResolvedMapping) -> ResolvedMapping:
        if FullWriter.full_at == "prepare" and not FullWriter.has_room:
            raise PlanLimitReached(FULL)
        made: ResolvedMapping = await super().ensure_schema(layout)
        return made


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def tenant(settings: Settings, receiver: Receiver) -> AsyncIterator[Tenant]:
    allowed = msgspec.structs.replace(settings, vendor_hosts="127.0.0.1,localhost", webhook_hosts=receiver.address)
    async with support.running(allowed, with_worker=True) as service, support.a_tenant(service) as tenant:
        yield tenant


@pytest.mark.parametrize("full_at", ["prepare", "create", "update"])
async def test_a_full_plan_pauses_the_job_and_after_it_is_resumed_everything_is_there_once(
    tenant: Tenant, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_at: str
) -> None:
    for name, value in {"full_at": full_at, "has_room": False, "creates": 0}.items():
        monkeypatch.setattr(FullWriter, name, value)
    monkeypatch.setitem(registry.TARGETS, "attio", FullTarget)
    webhook = (await tenant.client.post("/api/v1/webhooks", json={"url": receiver.url})).json()
    # What they name as their champion is written when the people are there, by an update.
    companies = [firm.company(number, f"a{number}.com", champion=firm.ADA) for number in range(1, COMPANIES + 1)]
    async with firm.running(tmp_path, companies=companies, persons=[firm.person(firm.ADA)]) as both:
        job = await jobs.create(tenant, both, retry_policy={"max_attempts": 1})
        job = await jobs.until(tenant, job["id"], lambda job: job["status"] not in ("pending", "running"), timeout=60)
        assert (job["status"], job["paused_by"], job["resume_at"], job["error"]) == ("paused", "plan", None, None)
        assert job["failed_records"] == 0
        (row,) = await jobs.logs(tenant, job["id"], code="plan_limit_reached")
        assert (row["level"], row["message"]) == ("warning", FULL)
        report = (await tenant.client.get(f"/api/v1/jobs/{job['id']}/report")).raise_for_status().json()
        assert any("workspace has reached the limit of its plan" in remark for remark in report["remarks"])
        told = [delivery.verified(webhook["secret"]) for delivery in await receiver.received(times=2)]
        # Two deliveries that follow each other closely may change places on their way.
        assert {(said["type"], said["data"].get("paused_by")) for said in told} == {
            ("job.started", None), ("job.paused", "plan"),
        }  # fmt: skip
        monkeypatch.setattr(FullWriter, "has_room", True)
        (await tenant.client.post(f"/api/v1/jobs/{job['id']}/resume")).raise_for_status()
        job = await jobs.until_ended(tenant, job["id"], timeout=60)
        found = await workspaces.in_target(both, "companies")
    assert job["status"] == "completed"
    assert migration.outcomes(job)["companies"]["created"] == COMPANIES
    assert {id_: len(records) for id_, records in found.items()} == dict.fromkeys(map(str, range(1, COMPANIES + 1)), 1)
    assert all(has_champion(record) for (record,) in found.values())


async def test_a_job_goes_on_when_records_were_deleted_to_make_room(tenant: Tenant, tmp_path: Path) -> None:
    companies = [firm.company(number, f"a{number}.com") for number in range(1, 11)]
    async with firm.running(tmp_path, record_limit=12, companies=companies) as both:
        old = [await made_by_hand(both, f"Old {number}") for number in range(5)]
        job = await jobs.create(tenant, both, entities=["companies"])
        job = await jobs.until(tenant, job["id"], lambda job: job["status"] not in ("pending", "running"), timeout=60)
        assert (job["status"], job["paused_by"], job["failed_records"]) == ("paused", "plan", 0)
        assert len(await workspaces.in_target(both, "companies")) == 7
        for record_id in old:
            await firm.attio(both, "DELETE", f"/objects/companies/records/{record_id}")
        (await tenant.client.post(f"/api/v1/jobs/{job['id']}/resume")).raise_for_status()
        job = await jobs.until_ended(tenant, job["id"], timeout=60)
        assert migration.outcomes(job)["companies"]["created"] == 10
        assert len(await workspaces.in_target(both, "companies")) == 10


async def made_by_hand(both: Sandbox, name: str) -> str:
    """The id of a new company that somebody made in the Attio."""
    body = {"data": {"values": {"name": [name]}}}
    answer = await firm.attio(both, "POST", "/objects/companies/records", body)
    return str(answer["data"]["id"]["record_id"])


def has_champion(record: dict[str, Any]) -> bool:
    return len(record["values"]["champion"]) == 1
