"""Cursors that are refused or go round, and a source that is down: a stream is read, or ends with a sentence."""

from pathlib import Path

import pytest

from freight.connectors import registry
from freight.connectors.affinity.source import AffinityReader
from freight.connectors.errors import CursorRefused, Unavailable
from freight.connectors.protocols import Page, Workspace
from freight.model.crm import Entity
from support import firm, jobs, migration
from support.odd_vendors import source_read_by
from support.service import Service, Tenant

ONE_ATTEMPT = {"max_attempts": 1}

COMPANIES = [firm.company(number, f"a{number}.com") for number in range(1, 251)]


class PoorReader(AffinityReader):
    """An Affinity at which something is wrong with the pages of companies."""

    trouble: list[str]

    async def read(self, entity: Entity, cursor: str | None) -> Page:
        trouble = self.trouble[0] if self.trouble and entity == "companies" else None
        if trouble == "refused" and cursor is not None:
            self.trouble.pop()
            raise CursorRefused("The cursor is not valid.")
        if trouble == "refused for good" and cursor is not None:
            raise CursorRefused("The cursor is not valid.")
        if trouble in ("down", "down for a page"):
            self.trouble[0] = {"down": "down for all"}.get(trouble, trouble)
            raise Unavailable("503")
        page = await super().read(entity, cursor)
        if trouble == "round" and cursor is not None:
            return Page(rows=page.rows, next_cursor=cursor)
        return page


class PoorSource(source_read_by(PoorReader)):  # type: ignore[misc]
    async def identify(self) -> Workspace:
        if PoorReader.trouble == ["down for all"]:
            PoorReader.trouble.pop()
            raise Unavailable("503")
        found: Workspace = await super().identify()
        return found


def poor(monkeypatch: pytest.MonkeyPatch, *trouble: str) -> None:
    monkeypatch.setattr(PoorReader, "trouble", list(trouble), raising=False)
    monkeypatch.setitem(registry.SOURCES, "affinity", PoorSource)


async def test_a_stream_whose_cursor_is_refused_is_read_from_its_start(
    service: Service, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poor(monkeypatch, "refused")
    async with firm.running(tmp_path, companies=COMPANIES) as both:
        job = await migration.carry(tenant, both, retry_policy=ONE_ATTEMPT, batch_size=100)
    assert (job["total_records"], migration.outcomes(job)["companies"]["created"]) == (250, 250)
    (row,) = await jobs.logs(tenant, job["id"], code="cursor_refused")
    assert (row["level"], "from the start" in row["message"]) == ("warning", True)
    records = await migration.records(tenant, job["id"], entity="companies")
    assert len({row["source_id"] for row in records}) == len(records) == 250


@pytest.mark.parametrize(
    ("trouble", "code", "said"),
    [
        ("round", "paging_loops", "Not all companies could be read: the source's pages lead back"),
        ("refused for good", "cursor_refused", "Not all companies could be read"),
        ("down for a page", "vendor_unavailable", "Not all companies could be read"),
    ],
)
async def test_a_stream_that_cannot_be_read_ends_with_a_sentence_and_a_retry_reads_it(
    service: Service,
    tenant: Tenant,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
    code: str,
    said: str,
) -> None:
    poor(monkeypatch, trouble)
    async with firm.running(tmp_path, companies=COMPANIES) as both:
        job = await jobs.create(tenant, both, retry_policy=ONE_ATTEMPT)
        job = await jobs.until_ended(tenant, job["id"])
        assert (job["status"], job["error"]["code"]) == ("failed", code)
        assert job["error"]["message"].startswith(said)
        failed = await migration.records(tenant, job["id"], outcome="failed")
        named = {row["source_id"] for row in await jobs.logs(tenant, job["id"], level="error") if row["source_id"]}
        assert named == {row["source_id"] for row in failed}
        monkeypatch.setattr(PoorReader, "trouble", [])
        (await tenant.client.post(job["links"]["retry"])).raise_for_status()
        job = await jobs.until_ended(tenant, job["id"])
    assert (job["status"], migration.outcomes(job)["companies"]["created"]) == ("completed", 250)


async def test_a_source_that_is_down_is_waited_for_and_no_attempt_is_spent(
    service: Service, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poor(monkeypatch, "down")
    async with firm.running(tmp_path, companies=COMPANIES) as both:
        job = await jobs.create(tenant, both, retry_policy=ONE_ATTEMPT)
        job = await jobs.until_ended(tenant, job["id"])
    assert (job["status"], job["failed_records"]) == ("completed", 0)
    (row,) = await jobs.logs(tenant, job["id"], code="vendor_unavailable")
    assert row["message"].startswith("The source is not available: 503")
