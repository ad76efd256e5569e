"""Whose a file is, although nothing on it says so: workers know it from the database, and share no memory."""

import io
import json
from typing import Any

import httpx
import pytest

from freight import database
from freight.connectors.attio.target import AttioTarget, AttioWriter
from freight.connectors.protocols import Draft, FileContent, Kind, References
from freight.domain.jobs import model as jobs
from freight.domain.jobs.model import Job
from freight.domain.migration.planning.lookup import find_match, find_matches, reserve_created
from freight.domain.migration.records import ledger
from freight.domain.migration.records.ledger import LedgerEntry
from freight.model.crm import File
from freight.model.resolved_mapping import ResolvedMapping
from support import filled
from support.attio_parts import AFFINITY
from support.service import Tenant


class Folder:
    """The files of one company at Attio, which all have one name and one size."""

    def __init__(self, *ids: str) -> None:
        self.ids = list(ids)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.ids.append(f"uploaded {len(self.ids)}")
            return httpx.Response(200, content=json.dumps({"data": self._item(self.ids[-1])}))
        return httpx.Response(200, content=json.dumps({"data": [self._item(id_) for id_ in self.ids]}))

    def _item(self, id_: str) -> dict[str, Any]:
        ids = {"file_id": id_}
        return {"id": ids, "name": "x", "content_size": 3, "object_slug": "companies", "record_id": "c1"}


class NoPacer:
    async def turn(self, kind: Kind) -> None:
        """Let it through."""

    async def succeeded(self) -> None:
        """Take no note."""


def a_worker(folder: Folder) -> AttioWriter:
    """A writer as a process makes it that was just started."""
    pacer: Any = NoPacer()
    transport = httpx.MockTransport(folder.answer)
    target = AttioTarget("key", base_url="https://api.attio.com", pacer=pacer, transport=transport)
    return target.writer(ResolvedMapping(provenance=AFFINITY))


async def a_job(tenant: Tenant, **changes: Any) -> Job:
    job_id = await filled.a_job(tenant, entities=["files"], **changes)
    async with database.as_tenant(tenant.id) as tx:
        return await jobs.get(tx, job_id)


def draft(source_id: str) -> Draft:
    references = References(found={("companies", "1"): "c1"})
    return a_worker(Folder()).draft(File(id=source_id, name="x", size=3, company_id="1"), references)


async def found(job: Job, folder: Folder, *source_ids: str) -> list[str | None]:
    """The files that a worker without a memory takes for these of the source."""
    drafts = [draft(source_id) for source_id in source_ids]
    matches = await find_matches(job, a_worker(folder), "files", drafts)
    return [None if (match := matches.of(one)) is None else match.id for one in drafts]


async def test_two_workers_recognise_different_files_among_those_that_are_alike(tenant: Tenant) -> None:
    job, folder = await a_job(tenant), Folder("a", "b")
    assert await found(job, folder, "1") == ["a"]
    assert await found(job, folder, "2") == ["b"]
    assert await found(job, folder, "3") == [None]
    assert await found(job, folder, "2", "1") == ["b", "a"]


async def test_a_file_that_was_just_uploaded_is_recognised_by_another_worker_and_for_its_own_record_alone(
    tenant: Tenant,
) -> None:
    job, folder = await a_job(tenant), Folder()
    content = FileContent(file=io.BytesIO(b"abc"), size=3, content_type=None)
    made = await a_worker(folder).create(draft("1"), content)
    await reserve_created(job, "files", "1", made.id)
    assert await found(job, folder, "2", "1") == [None, made.id]


async def test_a_later_job_knows_from_the_ledger_whose_each_file_is(tenant: Tenant) -> None:
    earlier, folder = await a_job(tenant), Folder("a", "b")
    entry = LedgerEntry(source_id="1", target_id="a", origin="created", values={}, written=frozenset(), replaced={})
    async with database.as_tenant(tenant.id) as tx:
        await ledger.remember(tx, tenant.id, earlier.id, earlier.pair, "files", [entry])
    later = await a_job(tenant, source_workspace=earlier.source_workspace, target_workspace=earlier.target_workspace)
    assert await found(later, folder, "2", "3") == ["b", None]


async def test_an_attempt_that_is_repeated_recognises_its_own_upload_and_not_what_a_person_added_since(
    tenant: Tenant,
) -> None:
    job, folder = await a_job(tenant), Folder("own")
    assert await found(job, folder, "1") == ["own"]
    folder.ids.insert(0, "added")
    assert await found(job, folder, "1") == ["own"]


@pytest.mark.parametrize(("ids", "expected"), [(("a",), "a"), ((), None)])
async def test_one_draft_is_looked_up_by_itself(tenant: Tenant, ids: tuple[str, ...], expected: str | None) -> None:
    match = await find_match(await a_job(tenant), a_worker(Folder(*ids)), draft("1"))
    assert (match and match.id) == expected
