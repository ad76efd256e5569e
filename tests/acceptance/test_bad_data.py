"""Data that PostgreSQL, Freight itself or a vendor cannot take: its record is named, and all others are migrated."""

import random
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from freight.connectors import registry
from freight.connectors.affinity.source import AffinityReader
from freight.connectors.attio.target import AttioWriter
from freight.connectors.errors import QueryTooComplex
from freight.connectors.protocols import Draft, FileContent, Page, References, ReplyRow, Row, TargetRecord
from freight.model.crm import Company, Entity, Record, Reply
from support import firm, jobs, migration, workspaces
from support.odd_vendors import source_read_by, target_written_by
from support.service import Service, Tenant


def incompressible(length: int) -> str:
    """Text that PostgreSQL cannot make shorter."""
    letters = string.ascii_lowercase + string.digits
    return "".join(random.Random(0).choices(letters, k=length))


async def test_an_address_longer_than_an_index_takes_costs_its_person_nothing_but_itself(
    service: Service, tenant: Tenant, other_tenant: Tenant, tmp_path: Path
) -> None:
    endless = f"{incompressible(2800)}@example.com"
    long = firm.person(
        {"id": 2, "firstName": "Long", "lastName": "Mail", "primaryEmailAddress": endless, "type": "external"}
    )
    async with firm.running(
        tmp_path, companies=[firm.company(1, "a1.com")], persons=[firm.person(firm.ADA), long]
    ) as both:
        job = await migration.carry(tenant, both, timeout=60)
        people = await workspaces.in_target(both, "people")
        assert people.keys() == {"2", "7"}
        assert people["2"][0]["values"]["email_addresses"] == []
        rows = await jobs.logs(tenant, job["id"], source_id="2")
        assert any(row["value"] is not None and row["value"].startswith(endless[:100]) for row in rows), rows
        before = await workspaces.writes_received(both)
        await migration.carry(tenant, both, timeout=60)
        # The other one has no ledger.
        await migration.carry(other_tenant, both, timeout=60)
        assert await workspaces.writes_received(both) == before


class OddReader(AffinityReader):
    """An Affinity whose companies have further ones among them, and whose notes have further answers."""

    rows: Sequence[Row] = ()
    replies: Sequence[ReplyRow] = ()

    async def read(self, entity: Entity, cursor: str | None) -> Page:
        page = await super().read(entity, cursor)
        if entity == "companies":
            (first, *others) = page.rows
            return msgspec.structs.replace(page, rows=(first, *self.rows, *others))
        if entity == "notes" and cursor is None:
            return msgspec.structs.replace(page, replies=(*page.replies, *self.replies))
        return page


def odd(id_: str, **values: Any) -> Row:
    return Row(id=id_, record=Company(id=id_, **values))


async def test_records_that_cannot_be_stored_fail_alone_and_are_named(
    service: Service, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        odd("81", name="not a number", fields={"field-2": (float("nan"),)}),
        odd("82", name="half a character \ud83d"),
        odd(incompressible(4000), name="long id"),
        odd("8\x004", name="NUL in its id"),
        odd("85", name="more digits than a number has", fields={"field-2": (10**4500,)}),
    ]
    monkeypatch.setattr(OddReader, "rows", rows)
    monkeypatch.setitem(registry.SOURCES, "affinity", source_read_by(OddReader))
    async with firm.running(tmp_path, companies=[firm.company(1, "a1.com"), firm.company(2, "a2.com")]) as both:
        job = await jobs.create(tenant, both)
        job = await jobs.until_ended(tenant, job["id"], timeout=60)
        assert (await workspaces.in_target(both, "companies")).keys() == {"1", "2"}
    assert job["status"] == "completed_with_errors"
    counts = jobs.counts(job, "companies")
    assert (counts["read"], counts["created"], counts["failed"]) == (7, 2, 5)
    assert (job["total_records"], job["processed_records"], job["failed_records"]) == (7, 7, 5)
    failed = await migration.records(tenant, job["id"], outcome="failed")
    logged = await jobs.logs(tenant, job["id"], code="not_storable")
    assert {row["code"] for row in failed} == {"not_storable"}
    assert [row["source_id"] for row in failed] == [row["source_id"] for row in logged]
    assert {"81", "82", "85"} < {row["source_id"] for row in failed}


async def test_an_answer_that_cannot_be_stored_is_named_and_its_note_is_migrated(
    service: Service, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = Reply(id=f"r{incompressible(4000)}", content="An answer.")
    monkeypatch.setattr(OddReader, "replies", [ReplyRow(note_id="50", reply=reply)])
    monkeypatch.setitem(registry.SOURCES, "affinity", source_read_by(OddReader))
    async with firm.running(tmp_path, companies=[firm.company(1, "a1.com")], notes=[firm.note(50)]) as both:
        job = await migration.carry(tenant, both, timeout=60)
        (row,) = await jobs.logs(tenant, job["id"], code="not_storable")
    assert (row["entity"], row["source_id"]) == ("notes", reply.id[:100])
    assert "the note 50" in row["message"]


class OddWriter(AttioWriter):
    """An Attio that has trouble with the company 2."""

    trouble: str = ""
    drafts = 0

    def draft(self, record: Record, references: References) -> Draft:
        if self.trouble == "draft" and record.id == "2":
            raise RecursionError
        if self.trouble == "late draft" and record.id == "2":
            type(self).drafts += 1
            if self.drafts > 1:
                raise RecursionError
        return super().draft(record, references)

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        if self.trouble == "find" and any(draft.source_id == "2" for draft in drafts):
            raise QueryTooComplex
        return await super().find(drafts)

    async def create(self, draft: Draft, content: FileContent | None = None) -> TargetRecord:
        if self.trouble == "create" and draft.source_id == "2":
            raise KeyError("values")
        made = await super().create(draft, content)
        if self.trouble == "answer" and draft.source_id == "2":
            return msgspec.structs.replace(made, id=incompressible(4000))
        return made


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        ("draft", "internal_error"),
        ("find", "query_too_complex"),
        ("create", "internal_error"),
        ("answer", "not_storable"),
    ],
)
@pytest.mark.parametrize("max_attempts", [1, 5])
async def test_a_record_that_cannot_be_worked_on_fails_alone_and_is_named(
    service: Service,
    tenant: Tenant,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
    code: str,
    max_attempts: int,
) -> None:
    monkeypatch.setattr(OddWriter, "trouble", trouble)
    monkeypatch.setitem(registry.TARGETS, "attio", target_written_by(OddWriter))
    companies = [firm.company(number, f"a{number}.com") for number in range(1, 6)]
    async with firm.running(tmp_path, companies=companies) as both:
        job = await jobs.create(tenant, both, retry_policy={"max_attempts": max_attempts, "initial_delay": 0})
        job = await jobs.until_ended(tenant, job["id"], timeout=60)
        assert {"1", "3", "4", "5"} <= (await workspaces.in_target(both, "companies")).keys()
    assert job["status"] == "completed_with_errors"
    (failed,) = await migration.records(tenant, job["id"], outcome="failed")
    (row,) = await jobs.logs(tenant, job["id"], level="error")
    assert (failed["source_id"], failed["code"]) == (row["source_id"], row["code"]) == ("2", code)
    assert failed["message"] == row["message"]


async def test_a_record_whose_references_cannot_be_planned_is_named_and_the_others_have_theirs(
    service: Service, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OddWriter, "trouble", "late draft")
    monkeypatch.setattr(OddWriter, "drafts", 0)
    monkeypatch.setitem(registry.TARGETS, "attio", target_written_by(OddWriter))
    companies = [firm.company(number, f"a{number}.com", champion=firm.ADA) for number in range(1, 4)]
    async with firm.running(tmp_path, companies=companies, persons=[firm.person(firm.ADA)]) as both:
        job = await migration.carry(tenant, both, timeout=60)
        found = await workspaces.in_target(both, "companies")
    assert {id_ for id_, (record,) in found.items() if record["values"]["champion"]} == {"1", "3"}
    (row,) = await jobs.logs(tenant, job["id"], level="error")
    assert (row["source_id"], row["code"]) == ("2", "references_not_written")


class MergingWriter(AttioWriter):
    """An Attio that takes the domain of the company 2 for that of the company 1."""

    always = False

    async def create(self, draft: Draft, content: FileContent | None = None) -> TargetRecord:
        if draft.source_id == "2" and (draft.unique or self.always):
            same = {"domains": ("a1.com",)}
            draft = msgspec.structs.replace(draft, unique=same, values={**draft.values, "domains": ["a1.com"]})
        return await super().create(draft, content)


async def test_two_records_that_the_target_takes_for_one_become_two(
    service: Service, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.TARGETS, "attio", target_written_by(MergingWriter))
    companies = [firm.company(1, "a1.com", label="first"), firm.company(2, "a2.com", label="second")]
    async with firm.running(tmp_path, companies=companies) as both:
        job = await migration.carry(tenant, both, timeout=60)
        found = await workspaces.in_target(both, "companies")
        assert {id_: text(record, "name") for id_, (record,) in found.items()} == {"1": "Company 1", "2": "Company 2"}
        assert {id_: text(record, "label") for id_, (record,) in found.items()} == {"1": "first", "2": "second"}
        (kept,) = await jobs.logs(tenant, job["id"], code="held_by_another_record")
        assert (kept["source_id"], kept["value"]) == ("2", "a2.com")
        (told,) = await jobs.logs(tenant, job["id"], code="restored_after_overwrite")
        assert told["source_id"] == "1"
        before = await workspaces.writes_received(both)
        await migration.carry(tenant, both, timeout=60)
        assert await workspaces.writes_received(both) == before


async def test_a_record_that_the_target_never_keeps_apart_fails_and_the_other_keeps_its_values(
    service: Service, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MergingWriter, "always", True)
    monkeypatch.setitem(registry.TARGETS, "attio", target_written_by(MergingWriter))
    companies = [firm.company(1, "a1.com", label="first"), firm.company(2, "a2.com", label="second")]
    async with firm.running(tmp_path, companies=companies) as both:
        job = await jobs.create(tenant, both)
        job = await jobs.until_ended(tenant, job["id"], timeout=60)
        found = await workspaces.in_target(both, "companies")
    assert {id_: text(record, "label") for id_, (record,) in found.items()} == {"1": "first"}
    (failed,) = await migration.records(tenant, job["id"], outcome="failed")
    assert (failed["source_id"], failed["code"]) == ("2", "merged_in_target")
    (row,) = await jobs.logs(tenant, job["id"], level="error")
    assert (row["source_id"], row["code"]) == ("2", "merged_in_target")


def text(record: dict[str, Any], slug: str) -> str | None:
    """What a record holds in a text attribute."""
    return next((value["value"] for value in record["values"][slug]), None)
