"""A vendor that fails at one record: that record fails alone, and the others are migrated."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from freight.connectors import registry
from freight.connectors.affinity.source import AffinityReader
from freight.connectors.attio.target import AttioWriter
from freight.connectors.errors import (
    ConnectorError,
    InDoubt,
    MustWait,
    NotFound,
    PermissionMissing,
    RejectedBySource,
    Unavailable,
    UnexpectedAnswer,
)
from freight.connectors.protocols import Draft, FileContent, TargetRecord, Workspace
from freight.model.crm import File
from freight.settings import Settings
from support import firm, jobs, migration
from support.odd_vendors import source_read_by, target_written_by
from support.service import Service, Tenant

QUICK = {"max_attempts": 5, "initial_delay": 0}


class PoorReader(AffinityReader):
    """An Affinity that does not give the file 92."""

    error: ConnectorError = Unavailable("Affinity gave no usable answer.")
    opened = 0

    @asynccontextmanager
    async def open_file(self, file: File) -> AsyncIterator[FileContent]:
        if file.id == "92":
            type(self).opened += 1
            raise self.error
        async with super().open_file(file) as content:
            yield content


class RestartingReader(AffinityReader):
    """An Affinity that goes down when it is first asked for a file, and answers nothing until it is asked again."""

    asked = 0

    @asynccontextmanager
    async def open_file(self, file: File) -> AsyncIterator[FileContent]:
        type(self).asked += 1
        if self.asked == 1:
            raise Unavailable("Affinity gave no usable answer.")
        async with super().open_file(file) as content:
            yield content


class RestartingSource(source_read_by(RestartingReader)):  # type: ignore[misc]
    async def identify(self) -> Workspace:
        if RestartingReader.asked == 1:
            raise Unavailable("Affinity gave no usable answer.")
        found: Workspace = await super().identify()
        return found


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Nothing here takes effect late."""
    return msgspec.structs.replace(settings, in_doubt_seconds=0.2)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Unavailable("500."), "vendor_unavailable", "The source does not return this record"),
        (RejectedBySource("422."), "rejected_by_source", "The source refused to return this record"),
        (PermissionMissing("403."), "permission_missing", "The source refused access to this record"),
        (NotFound("404."), "not_found", "The source no longer has this record"),
    ],
    ids=["500", "422", "403", "404"],
)
async def test_a_file_that_never_downloads_fails_alone_and_its_row_names_the_source(
    service: Service,
    tenant: Tenant,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: ConnectorError,
    code: str,
    said: str,
) -> None:
    monkeypatch.setattr(PoorReader, "error", error)
    monkeypatch.setattr(PoorReader, "opened", 0)
    monkeypatch.setitem(registry.SOURCES, "affinity", source_read_by(PoorReader))
    async with firm.running(tmp_path, companies=[firm.company(1, "a1.com")], files=[a_file(91), a_file(92)]) as both:
        job = await jobs.create(tenant, both, retry_policy=QUICK)
        job = await jobs.until_ended(tenant, job["id"], timeout=60)
    assert job["status"] == "completed_with_errors"
    assert migration.outcomes(job)["files"]["created"] == 1
    (failed,) = await migration.records(tenant, job["id"], outcome="failed")
    assert (failed["source_id"], failed["code"]) == ("92", code)
    assert failed["message"].startswith(said)
    (row,) = await jobs.logs(tenant, job["id"], level="error")
    assert (row["source_id"], row["code"], row["message"]) == ("92", code, failed["message"])
    assert PoorReader.opened == (2 if code == "vendor_unavailable" else 1)


async def test_a_source_that_is_down_is_waited_for_and_no_file_is_blamed(
    service: Service, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RestartingReader, "asked", 0)
    monkeypatch.setitem(registry.SOURCES, "affinity", RestartingSource)
    async with firm.running(tmp_path, companies=[firm.company(1, "a1.com")], files=[a_file(91)]) as both:
        job = await migration.carry(tenant, both, retry_policy={"max_attempts": 1})
    assert (migration.outcomes(job)["files"]["created"], RestartingReader.asked) == (1, 2)
    assert await jobs.logs(tenant, job["id"], level="error") == []


class PoorWriter(AttioWriter):
    """An Attio that has no answer to the company 2."""

    error: ConnectorError = Unavailable("Attio gave no usable answer.")
    sent = 0

    async def create(self, draft: Draft, content: FileContent | None = None) -> TargetRecord:
        if draft.source_id == "2":
            type(self).sent += 1
            raise self.error
        return await super().create(draft, content)


@pytest.mark.parametrize(
    ("error", "code", "said", "sent"),
    [
        (Unavailable("500."), "vendor_unavailable", "The target does not accept this record, although it answers", 2),
        (
            UnexpectedAnswer("200."),
            "unexpected_answer",
            "The target does not accept this record, although it answers",
            2,
        ),
        (InDoubt("500."), "in_doubt", "The target confirmed none of the requests to create this record", 5),
    ],
    ids=["500", "200 with an error", "500 to a request that may not be repeated"],
)
async def test_a_record_that_the_target_has_no_answer_to_fails_alone(
    service: Service,
    tenant: Tenant,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: ConnectorError,
    code: str,
    said: str,
    sent: int,
) -> None:
    monkeypatch.setattr(PoorWriter, "error", error)
    monkeypatch.setattr(PoorWriter, "sent", 0)
    monkeypatch.setitem(registry.TARGETS, "attio", target_written_by(PoorWriter))
    companies = [firm.company(number, f"a{number}.com") for number in range(1, 61)]
    async with firm.running(tmp_path, companies=companies) as both:
        job = await jobs.create(tenant, both, retry_policy={"max_attempts": 1})
        job = await jobs.until_ended(tenant, job["id"], timeout=60)
    assert migration.outcomes(job)["companies"]["created"] == 59
    (row,) = await jobs.logs(tenant, job["id"], level="error")
    assert (row["source_id"], row["code"]) == ("2", code)
    assert row["message"].startswith(said)
    assert PoorWriter.sent == sent
    (batch,) = (await tenant.client.get(f"/api/v1/jobs/{job['id']}/batches")).raise_for_status().json()["items"]
    assert (batch["status"], batch["attempt"], batch["failed_records"]) == ("completed", 0, 1)


class BusyWriter(AttioWriter):
    """An Attio that lets nobody in for a moment, when it is first given the company 30."""

    sent: list[str]

    async def create(self, draft: Draft, content: FileContent | None = None) -> TargetRecord:
        self.sent.append(draft.source_id)
        if draft.source_id == "30" and self.sent.count("30") == 1:
            raise MustWait(
                "Attio asks for a wait.", until=datetime.now(UTC) + timedelta(seconds=1), code="rate_limited"
            )
        return await super().create(draft, content)


async def test_a_wait_in_the_middle_of_a_batch_is_no_attempt_and_what_is_written_is_stored(
    service: Service, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BusyWriter, "sent", [], raising=False)
    monkeypatch.setitem(registry.TARGETS, "attio", target_written_by(BusyWriter))
    companies = [firm.company(number, f"a{number}.com") for number in range(1, 81)]
    async with firm.running(tmp_path, companies=companies) as both:
        job = await migration.carry(tenant, both, retry_policy={"max_attempts": 1})
    assert migration.outcomes(job)["companies"]["created"] == 80
    assert sorted(BusyWriter.sent) == sorted([*(str(number) for number in range(1, 81)), "30"])
    (row,) = await jobs.logs(tenant, job["id"], code="rate_limited")
    assert row["message"] == "Attio asks for a wait."


class SilentWriter(AttioWriter):
    """An Attio that has no answer to any question about the company 2."""

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        if any(draft.source_id == "2" for draft in drafts):
            raise Unavailable("Attio gave no usable answer.")
        return await super().find(drafts)


async def test_a_record_that_cannot_be_looked_up_fails_alone(
    service: Service, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.TARGETS, "attio", target_written_by(SilentWriter))
    companies = [firm.company(number, f"a{number}.com") for number in range(1, 9)]
    async with firm.running(tmp_path, companies=companies) as both:
        job = await jobs.create(tenant, both, retry_policy=QUICK)
        job = await jobs.until_ended(tenant, job["id"], timeout=60)
    assert migration.outcomes(job)["companies"]["created"] == 7
    (row,) = await jobs.logs(tenant, job["id"], level="error")
    assert (row["source_id"], row["code"]) == ("2", "vendor_unavailable")


async def test_a_batch_that_is_given_up_names_each_of_its_records(
    service: Service, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    companies = [firm.company(number, f"a{number}.com") for number in range(1, 31)]
    monkeypatch.setattr(AttioWriter, "find", unusable)
    async with firm.running(tmp_path, companies=companies) as both:
        job = await jobs.create(tenant, both, retry_policy={"max_attempts": 2, "initial_delay": 0})
        job = await jobs.until_ended(tenant, job["id"], timeout=60)
    assert (job["status"], job["failed_records"]) == ("completed_with_errors", 30)
    rows = await jobs.logs(tenant, job["id"], level="error")
    assert [(row["source_id"], row["code"]) for row in rows] == [
        (str(number), "unexpected_answer") for number in range(1, 31)
    ]
    (batch,) = (await tenant.client.get(f"/api/v1/jobs/{job['id']}/batches")).raise_for_status().json()["items"]
    assert (batch["status"], batch["attempt"]) == ("failed", 2)


async def test_the_notes_of_a_company_that_was_deleted_in_the_target_fail_alone(
    service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    companies = [firm.company(number, f"a{number}.com") for number in (1, 2)]
    notes = [{**firm.note(number), "organization_ids": [1 if number == 70 else 2]} for number in range(70, 80)]
    async with firm.running(tmp_path, companies=companies, notes=notes) as both:
        first = await migration.carry(tenant, both, entities=["companies"])
        (gone,) = await migration.records(tenant, first["id"], text="1", entity="companies")
        await firm.attio(both, "DELETE", f"/objects/companies/records/{gone['target_id']}")
        job = await jobs.create(tenant, both, entities=["companies", "notes"], retry_policy=QUICK)
        job = await jobs.until_ended(tenant, job["id"])
    counts = migration.outcomes(job)["notes"]
    assert (counts["created"], counts["failed"]) == (9, 1)
    (failed,) = await migration.records(tenant, job["id"], outcome="failed")
    assert (failed["source_id"], failed["code"]) == ("70", "not_found")
    assert failed["message"].startswith("A record to which this one belongs is gone")


async def unusable(*_: Any) -> None:
    raise UnexpectedAnswer("Attio answered with something else.\0")


def a_file(number: int) -> firm.Row:
    """A file that is attached to the first company."""
    return {
        "id": number, "name": f"{number}.txt", "size": 3, "content": "abc", "created_at": "2024-06-01T10:00:00Z",
        "organization_id": 1,
    }  # fmt: skip
