"""A retry takes along what was skipped, or lacks a reference, because another record failed."""

from pathlib import Path
from typing import Any

import pytest

from freight.connectors import registry
from freight.connectors.attio.target import AttioWriter
from freight.connectors.errors import Rejected
from freight.connectors.protocols import Draft, FileContent, TargetRecord
from support import firm, jobs, migration
from support.odd_vendors import target_written_by
from support.service import Service, Tenant


class ChoosyWriter(AttioWriter):
    """An Attio that refuses some records, by their names."""

    refused: set[str]

    async def create(self, draft: Draft, content: FileContent | None = None) -> TargetRecord:
        if self.refused & {str(item) for items in draft.values.values() for item in items}:
            raise Rejected("No.", status=400)
        return await super().create(draft, content)


def refusing(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(ChoosyWriter, "refused", set(names), raising=False)
    monkeypatch.setitem(registry.TARGETS, "attio", target_written_by(ChoosyWriter))


async def with_a_failed_company(tenant: Tenant, both: Any) -> dict[str, Any]:
    """A job in which one company failed, and with it an entry and a note."""
    job = await jobs.create(tenant, both)
    job = await jobs.until_ended(tenant, job["id"])
    assert job["status"] == "completed_with_errors"
    counts = migration.outcomes(job)
    assert (counts["companies"]["failed"], counts["companies"]["created"]) == (1, 1)
    assert (counts["list_entries"]["skipped"], counts["notes"]["skipped"]) == (1, 1)
    return job


def a_firm(folder: Path) -> Any:
    companies = [firm.company(1, "a1.com"), firm.company(2, "a2.com")]
    return firm.running(
        folder,
        companies=companies,
        lists=[firm.a_list(5, "Pipeline")],
        list_entries=[firm.entry(number, 5, companies[number - 1]) for number in (1, 2)],
        notes=[firm.note(70)],
    )


@pytest.mark.parametrize("batch", [False, True], ids=["of the job", "of the batch"])
async def test_a_retry_takes_along_what_was_skipped_because_of_a_failed_record(
    service: Service, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: bool
) -> None:
    refusing(monkeypatch, "Company 1")
    async with a_firm(tmp_path) as both:
        job = await with_a_failed_company(tenant, both)
        monkeypatch.setattr(ChoosyWriter, "refused", set())
        link = job["links"]["retry"]
        if batch:
            batches = (await tenant.client.get(f"/api/v1/jobs/{job['id']}/batches")).raise_for_status().json()["items"]
            (link,) = [one["links"]["retry"] for one in batches if one["failed_records"]]
        answer = (await tenant.client.post(link)).raise_for_status().json()
        assert answer["batches_queued_for_retry"] == 3
        assert "retry_failed_only" not in answer["message"]
        job = await jobs.until_ended(tenant, job["id"])
        assert job["status"] == "completed"
        for entity, created in (("companies", 2), ("list_entries", 2), ("notes", 1)):
            counts = migration.outcomes(job)[entity]
            assert (counts["created"], counts["skipped"], counts["failed"]) == (created, 0, 0)
        again = await migration.carry(tenant, both)
        assert migration.written(again) == 0


async def test_what_belongs_to_a_record_that_fails_again_is_skipped_again(
    service: Service, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch, "Company 1")
    async with a_firm(tmp_path) as both:
        job = await with_a_failed_company(tenant, both)
        (await tenant.client.post(job["links"]["retry"])).raise_for_status()
        job = await jobs.until_ended(tenant, job["id"])
    assert job["status"] == "completed_with_errors"
    assert job["links"]["retry"] is not None
    counts = migration.outcomes(job)
    assert [counts[entity]["skipped"] for entity in ("list_entries", "notes")] == [1, 1]
    for outcomes in counts.values():
        assert outcomes["read"] == sum(count for outcome, count in outcomes.items() if outcome != "read")


async def test_a_retry_adds_the_reference_to_a_record_that_had_failed(
    service: Service, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch, "ada@acme.com")
    companies = [firm.company(1, "a1.com", champion=firm.ADA)]
    async with firm.running(tmp_path, companies=companies, persons=[firm.person(firm.ADA)]) as both:
        job = await jobs.create(tenant, both)
        job = await jobs.until_ended(tenant, job["id"])
        assert job["status"] == "completed_with_errors"
        assert await jobs.logs(tenant, job["id"], code="reference_not_found")
        monkeypatch.setattr(ChoosyWriter, "refused", set())
        (await tenant.client.post(job["links"]["retry"])).raise_for_status()
        job = await jobs.until_ended(tenant, job["id"])
        assert (job["status"], migration.outcomes(job)["companies"]["created"]) == ("completed", 1)
        held = (await firm.attio(both, "POST", "/objects/companies/records/query", {}))["data"]
        (company,) = [one for one in held if one["values"]["name"][0]["value"] == "Company 1"]
        (person,) = (await firm.attio(both, "POST", "/objects/people/records/query", {}))["data"]
        champions = [value["target_record_id"] for value in company["values"]["champion"]]
        assert champions == [person["id"]["record_id"]]
        again = await migration.carry(tenant, both)
        assert migration.written(again) == 0
