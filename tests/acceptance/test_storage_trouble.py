"""A storage of files that delivers something else, and uploads whose answer is lost: whole files, and each once."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from tenacity import wait_none

from freight.connectors import registry
from freight.connectors.affinity.source import AffinitySource
from freight_sandbox import Sandbox
from support import faults, firm, jobs, migration, workspaces
from support.clients import TLS, client
from support.service import Service, Tenant

CONTENT = "The deck, whole.\n" * 40


class Prompt(AffinitySource):
    """An Affinity that is asked again without a wait."""

    def __init__(self, api_key: str, **given: Any) -> None:
        super().__init__(api_key, backoff=wait_none(), **given)


@pytest.fixture(autouse=True)
def promptly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait between the attempts at a download."""
    monkeypatch.setitem(registry.SOURCES, "affinity", Prompt)


def a_file(number: int, *, size: int = len(CONTENT)) -> firm.Row:
    """A file that is attached to the first company, and listed with that size."""
    return {
        "id": number, "name": f"{number}.pdf", "size": size, "content": CONTENT, "organization_id": 1,
        "created_at": "2024-06-01T10:00:00Z",
    }  # fmt: skip


async def in_target(sandbox: Sandbox) -> list[tuple[str, str]]:
    """The files of the company in Attio: their names and what is in them."""
    company = (await workspaces.in_target(sandbox, "companies"))["1"][0]["id"]["record_id"]
    files = []
    async with client(sandbox.attio_url, bearer=sandbox.attio_key) as attio, httpx.AsyncClient(verify=TLS) as storage:
        params = {"object": "companies", "record_id": company}
        for row in (await attio.get("/v2/files", params=params)).raise_for_status().json()["data"]:
            answer = await attio.get(f"/v2/files/{row['id']['file_id']}/download")
            files.append((row["name"], (await storage.get(answer.headers["location"])).raise_for_status().text))
    return sorted(files)


async def test_what_the_storage_delivers_instead_of_a_file_never_becomes_that_file(
    service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    spoiled = {91: "storage_error", 92: "storage_html", 93: "storage_truncated"}
    files = [a_file(number) for number in (91, 92, 93, 94, 95)]
    async with firm.running(tmp_path, companies=[firm.company(1, "a1.com")], files=files) as both:
        for number, kind in spoiled.items():
            await faults.add(both.affinity_url, kind, path_prefix=f"/userfiles/{number}/")
        await faults.add(both.affinity_url, "storage_redirect", path_prefix="/userfiles/94/")
        job = await jobs.create(tenant, both)
        job = await jobs.until_ended(tenant, job["id"])
        assert job["status"] == "completed_with_errors"
        failed = await migration.records(tenant, job["id"], outcome="failed")
        assert {(row["source_id"], row["code"]) for row in failed} == {
            (str(number), "file_incomplete") for number in spoiled
        }
        assert {row["source_id"] for row in await jobs.logs(tenant, job["id"], code="file_incomplete")} == {
            str(number) for number in spoiled
        }
        assert await in_target(both) == [("94.pdf", CONTENT), ("95.pdf", CONTENT)]
        await faults.clear(both.affinity_url)
        again = await migration.carry(tenant, both)
        assert migration.outcomes(again)["files"]["created"] == 3
        assert await in_target(both) == [(f"{number}.pdf", CONTENT) for number in (91, 92, 93, 94, 95)]


async def test_files_whose_listed_size_is_off_arrive_once_and_are_named_also_when_an_answer_is_lost(
    service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    files = [a_file(number, size=len(CONTENT) + 7) for number in (91, 92)]
    async with firm.running(tmp_path, companies=[firm.company(1, "a1.com")], files=files) as both:
        await faults.add(both.attio_url, "server_error_after_write", times=2, path_prefix="/v2/files/upload")
        job = await migration.carry(tenant, both)
        assert await faults.left(both.attio_url) == []
        assert await in_target(both) == [("91.pdf", CONTENT), ("92.pdf", CONTENT)]
        again = await migration.carry(tenant, both)
        assert migration.written(again) == 0
    assert migration.outcomes(job)["files"]["created"] == 2
    assert {row["source_id"] for row in await jobs.logs(tenant, job["id"], code="file_size_differs")} == {"91", "92"}
