"""Notes that an earlier version of Freight wrote in another form of Markdown are neither doubled nor written again."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from freight.connectors.attio.drafting import notes as drafting
from freight_sandbox import Sandbox
from support import firm, jobs, migration, workspaces
from support.service import Service, Tenant

CONTENT = "Title\n=====\n\n[![Logo](https://x.example.com/i)](https://x.example.com)\n\n    code <b>bold</b>"
OLDER = CONTENT.replace("[![Logo]", "[[Logo]")
"""What was written of it before a parser read Markdown."""

HTML = 2


@pytest.fixture
async def vendors(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """An Affinity with a note in Markdown and one in plain text, and an empty Attio."""
    plain = {**firm.note(42), "content": "One\n\n\n\nTwo"}
    marked = {**firm.note(41), "content": CONTENT, "type": HTML}
    rows = {"companies": [firm.company(1, "acme.com")], "notes": [marked, plain]}
    async with firm.running(tmp_path, **rows) as sandbox:
        yield sandbox


@pytest.fixture
async def written_before(
    service: Service, tenant: Tenant, vendors: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> list[dict[str, Any]]:
    """The notes as an earlier version wrote them."""
    with monkeypatch.context() as earlier:
        earlier.setattr(drafting, "simplify", lambda content: content.replace(CONTENT, OLDER))
        earlier.setattr(drafting, "escape", str)
        earlier.setattr(drafting, "first_line", lambda content, *, is_markdown: "Title =====")
        await migration.carry(tenant, vendors)
    held = await notes(vendors)
    assert any(OLDER in note["content_markdown"] for note in held)
    return held


@pytest.mark.parametrize("on_existing", ["fill", "overwrite"])
async def test_a_note_in_an_older_form_is_unchanged(
    tenant: Tenant, vendors: Sandbox, written_before: list[dict[str, Any]], on_existing: str
) -> None:
    before = await workspaces.writes_received(vendors)
    predicted = await migration.carry(tenant, vendors, mode="dry_run", on_existing=on_existing)
    job = await migration.carry(tenant, vendors, on_existing=on_existing)
    for each in (predicted, job):
        counts = jobs.counts(each, "notes")
        assert counts == {**counts, "created": 0, "updated": 0, "unchanged": 2}
    assert await workspaces.writes_received(vendors) == before
    assert await jobs.logs(tenant, job["id"], code="kept_in_target") == []


async def test_a_note_in_an_older_form_is_recognised_without_a_ledger(
    other_tenant: Tenant, vendors: Sandbox, written_before: list[dict[str, Any]]
) -> None:
    job = await migration.carry(other_tenant, vendors)
    counts = jobs.counts(job, "notes")
    assert counts == {**counts, "created": 0, "updated": 0, "unchanged": 2}
    assert await notes(vendors) == written_before


async def test_a_note_in_an_older_form_follows_its_source(
    tenant: Tenant, vendors: Sandbox, written_before: list[dict[str, Any]]
) -> None:
    await firm.put(vendors, "notes", {**firm.note(41), "content": f"{CONTENT}\n\nMore", "type": HTML})
    job = await migration.carry(tenant, vendors)
    counts = jobs.counts(job, "notes")
    assert counts == {**counts, "created": 0, "updated": 1, "unchanged": 1}
    assert len(await notes(vendors)) == len(written_before)


async def notes(vendors: Sandbox) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await firm.attio(vendors, "GET", "/notes?limit=50"))["data"]
    return found
