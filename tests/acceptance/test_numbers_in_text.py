"""Numbers in fields of text: which sign separates their decimals is decided by all values of the field."""

from pathlib import Path
from typing import ClassVar

import pytest

from freight import database
from freight.connectors import registry
from freight.connectors.attio.target import AttioWriter
from freight.connectors.protocols import Draft, References
from freight.model.crm import Record
from freight.model.numerals import Convention
from support import firm, jobs, migration
from support.odd_vendors import target_written_by
from support.service import Service, Tenant

LABEL_IS_A_NUMBER = {"companies": {"field-2": {"type": "number", "to": "label_number"}}}
MORE_THAN_A_PAGE, MORE_THAN_TWO_PAGES = 105, 205


class ListeningWriter(AttioWriter):
    """An Attio that notes with which conventions each company is drafted."""

    heard: ClassVar[dict[str, Convention | None]] = {}

    def draft(self, record: Record, references: References) -> Draft:
        self.heard[record.id] = references.numerals.get(("companies", "field-2"))
        return super().draft(record, references)


@pytest.fixture(autouse=True)
def _listening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ListeningWriter, "heard", {})
    monkeypatch.setitem(registry.TARGETS, "attio", target_written_by(ListeningWriter))


@pytest.mark.parametrize("mode", ["full", "dry_run"])
async def test_the_last_value_of_a_field_decides_how_the_first_one_is_read(
    service: Service, tenant: Tenant, tmp_path: Path, mode: str
) -> None:
    texts = ["1,234"] * (MORE_THAN_TWO_PAGES - 1) + ["0,125"]
    companies = [firm.company(number, f"a{number}.com", label=text) for number, text in enumerate(texts, start=1)]
    async with firm.running(tmp_path, companies=companies) as both:
        await migration.carry(tenant, both, mode=mode, batch_size=100, mapping=LABEL_IS_A_NUMBER)
    assert set(ListeningWriter.heard.values()) == {"comma"}
    assert len(ListeningWriter.heard) == MORE_THAN_TWO_PAGES


async def test_values_that_contradict_each_other_decide_nothing(
    service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    companies = [firm.company(1, "a1.com", label="0,125"), firm.company(2, "a2.com", label="0.125")]
    async with firm.running(tmp_path, companies=companies) as both:
        await migration.carry(tenant, both, mapping=LABEL_IS_A_NUMBER)
    assert ListeningWriter.heard == {"1": None, "2": None}


async def test_without_numbers_in_text_loading_begins_while_the_rest_is_read(
    service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    companies = [firm.company(number, f"a{number}.com", label="0,125") for number in range(1, MORE_THAN_A_PAGE + 1)]
    async with firm.running(tmp_path, companies=companies) as both:
        job = await jobs.create(tenant, both)
        await jobs.until_ended(tenant, job["id"])
        stream = await read_whole(tenant, job["id"])
        other = await jobs.create(tenant, both, mapping=LABEL_IS_A_NUMBER)
        await jobs.until_ended(tenant, other["id"])
        assert (stream, await read_whole(tenant, other["id"])) == (False, True)


async def read_whole(tenant: Tenant, job_id: str) -> bool:
    """Whether companies were loaded only when all had been read."""
    async with database.as_tenant(tenant.id) as tx:
        return bool(
            await tx.fetchval("SELECT read_whole FROM streams WHERE job_id = $1 AND entity = 'companies'", job_id)
        )
