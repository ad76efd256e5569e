"""All records and log rows of a job as files."""

import asyncio
import csv
import io
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import psutil
import pytest

from freight import database
from freight.connectors.protocols import Issue
from freight.domain.migration.records import logs
from freight.domain.migration.records.logs import Entry
from freight.settings import Settings
from support import filled, processes
from support.clients import TLS
from support.errors import error_of
from support.service import Service, Tenant, a_tenant

MANY = 100_000

UNCOMPRESSED = {"Accept-Encoding": "identity"}
"""Asks for an answer that is too large to be on its way all at once."""
FILES = ("records/download", "logs/download", "successful", "failed", "unprocessed")


@pytest.fixture(scope="module")
async def owner(service: Service) -> AsyncIterator[Tenant]:
    async with a_tenant(service) as tenant:
        yield tenant


@pytest.fixture(scope="module")
async def job(owner: Tenant) -> UUID:
    job_id = await filled.a_job(owner)
    await filled.add_records(owner, job_id, 2500)
    await filled.add_logs(owner, job_id, 1500)
    return job_id


@pytest.fixture(scope="module")
async def large_job(owner: Tenant) -> UUID:
    job_id = await filled.a_job(owner)
    await filled.add_records(owner, job_id, MANY)
    return job_id


def of(job_id: UUID, what: str) -> str:
    return f"/api/v1/jobs/{job_id}/{what}"


async def get(tenant: Tenant, path: str, **params: Any) -> httpx.Response:
    answer = await tenant.client.get(path, params=params or None)
    assert answer.status_code == 200, answer.text
    return answer


def table(answer: httpx.Response) -> list[dict[str, str]]:
    """A CSV file as a program reads it."""
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def objects(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.content.splitlines()]


async def test_the_files_hold_what_the_pages_show(owner: Tenant, job: UUID) -> None:
    for what in ("records", "logs"):
        rows: list[dict[str, Any]] = []
        while len(rows) < (page := (await get(owner, of(job, what), limit=1000, offset=len(rows))).json())["total"]:
            rows += page["items"]
        assert objects(await get(owner, of(job, f"{what}/download"), format="ndjson")) == rows
        cells = [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows]
        assert table(await get(owner, of(job, f"{what}/download"))) == cells


async def test_downloads_take_the_filters_of_the_pages(owner: Tenant, job: UUID) -> None:
    for what, filters in (
        ("records", {"entity": "companies", "outcome": "unchanged", "text": "source 12"}),
        ("logs", {"level": "warning", "code": "code_7", "entity": "people", "text": "11"}),
    ):
        page = (await get(owner, of(job, what), limit=1000, **filters)).json()
        assert 0 < page["total"] < 200
        rows = objects(await get(owner, of(job, f"{what}/download"), format="ndjson", **filters))
        assert rows == page["items"]


async def test_every_record_is_in_one_of_the_three_files(owner: Tenant, job: UUID) -> None:
    files = {name: table(await get(owner, of(job, name))) for name in ("successful", "failed", "unprocessed")}
    assert {row["outcome"] for row in files["successful"]} == {"created", "updated", "unchanged"}
    assert {row["outcome"] for row in files["failed"]} == {"failed"}
    assert all(row["code"] and row["message"] for row in files["failed"])
    assert {row["outcome"] for row in files["unprocessed"]} == {"skipped", ""}
    ids = sorted(int(row["id"]) for rows in files.values() for row in rows)
    everything = objects(await get(owner, of(job, "records/download"), format="ndjson"))
    assert ids == [row["id"] for row in everything]


async def test_a_file_has_a_name_and_is_for_nobody_s_cache(owner: Tenant, job: UUID) -> None:
    for path in FILES:
        name = path.removesuffix("/download")
        for kind in ("csv", "ndjson"):
            answer = await get(owner, of(job, path), format=kind)
            assert answer.headers["Content-Disposition"] == f'attachment; filename="job-{job}-{name}.{kind}"'
            assert answer.headers["Cache-Control"] == "no-store"


async def test_a_csv_is_utf_8_as_excel_recognises_it_with_the_line_ends_of_the_standard(
    owner: Tenant, job: UUID
) -> None:
    content = (await get(owner, of(job, "failed"))).content
    assert content.startswith(b"\xef\xbb\xbfid,entity,source_id,")
    assert content.count(b"\r\n") == content.count(b"\n") == 251


async def test_a_job_without_records_is_a_file_without_rows(owner: Tenant) -> None:
    job_id = await filled.a_job(owner)
    for path in FILES:
        assert table(await get(owner, of(job_id, path))) == []
        assert (await get(owner, of(job_id, path), format="ndjson")).content == b""


async def test_source_data_that_look_like_formulas_open_as_text(owner: Tenant) -> None:
    job_id = await filled.a_job(owner)
    nasty = [
        '=HYPERLINK("http://x","y")',
        "+1+1",
        "-1+cmd|' /C calc'!A0",
        "@SUM(1)",
        "\t=1",
        '"\r\n=1',
        'Ünï, "q"',
        "-5",
        "x;=1+1;y",
        "x\t=2+2",
        "x;  @SUM(1)",
        "x\n+1",
    ]
    entries = [
        Entry(
            entity="companies",
            source_id=text,
            issue=Issue(level="warning", code="a_code", message=text, field=text, value=text),
        )
        for text in nasty
    ]
    async with database.as_tenant(owner.id) as tx:
        await logs.write(tx, owner.id, job_id, entries)
    rows = table(await get(owner, of(job_id, "logs/download")))
    for row, text in zip(rows, nasty, strict=True):
        for column in ("source_id", "message", "field", "value"):
            assert row[column].replace("'", "") == text.replace("'", "")
            for separator in ",;\t\r\n":
                for cell in row[column].split(separator):
                    assert row[column] == "-5" or not cell.lstrip(" ").startswith(("=", "+", "-", "@"))
    as_json = objects(await get(owner, of(job_id, "logs/download"), format="ndjson"))
    assert [row["value"] for row in as_json] == nasty


async def test_another_tenant_s_files_do_not_exist(other_tenant: Tenant, job: UUID) -> None:
    for path in FILES:
        error_of(await other_tenant.client.get(of(job, path)), 404)
        error_of(await other_tenant.client.get(of(uuid4(), path)), 404)
        error_of(await other_tenant.client.get(of(job, path), params={"format": "xlsx"}), 422)


async def transactions(database_url: str) -> int:
    """How many transactions are open."""
    connection = await asyncpg.connect(database_url)
    number: int = await connection.fetchval(
        """SELECT count(*) FROM pg_stat_activity
           WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"""
    )
    await connection.close()
    return number


async def until_no_transactions(database_url: str) -> None:
    async with asyncio.timeout(60):
        while await transactions(database_url):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_client_that_goes_ends_the_query(owner: Tenant, large_job: UUID, database_url: str) -> None:
    async with owner.client.stream("GET", of(large_job, "records/download"), headers=UNCOMPRESSED) as answer:
        await anext(answer.aiter_raw())
    await until_no_transactions(database_url)


async def test_downloads_that_nobody_reads_keep_no_other_tenant_and_no_other_request_waiting(
    owner: Tenant, other_tenant: Tenant, large_job: UUID, settings: Settings, database_url: str
) -> None:
    theirs = await filled.a_job(other_tenant)
    async with AsyncExitStack() as stack:
        share, held = settings.database_pool_size // 4, []
        small = httpx.AsyncHTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)])
        sleeper = await stack.enter_async_context(
            httpx.AsyncClient(base_url=owner.client.base_url, headers=owner.client.headers, transport=small, timeout=60)
        )
        for _ in range(share):
            download = sleeper.stream("GET", of(large_job, "records/download"), headers=UNCOMPRESSED)
            pieces = (await stack.enter_async_context(download)).aiter_raw()
            await anext(pieces)
            # A generator that nobody holds would be closed, and the download with it.
            held.append(pieces)
        further = asyncio.create_task(owner.client.get(of(large_job, "failed")))
        assert table(await get(other_tenant, of(theirs, "failed"))) == []
        assert (await get(owner, of(large_job, "records"))).json()["total"] == MANY
        refused = await further
        assert refused.status_code == 429
        assert error_of(refused, 429)["details"][0]["type"] == "downloads_exceeded"
        assert int(refused.headers["Retry-After"]) > 0
    await until_no_transactions(database_url)
    assert len(table(await get(owner, of(large_job, "failed")))) == MANY // 10


async def test_a_file_s_head_is_answered_without_the_file(owner: Tenant, large_job: UUID, database_url: str) -> None:
    answer = await owner.client.head(of(large_job, "records/download"))
    assert (answer.status_code, answer.content) == (200, b"")
    assert "attachment" in answer.headers["Content-Disposition"]
    await until_no_transactions(database_url)


async def test_100_000_records_are_streamed_without_being_held_in_memory(
    owner: Tenant, job: UUID, large_job: UUID, settings: Settings
) -> None:
    command = (str(processes.BIN / "freight"), "serve", "--no-worker")
    env = processes.environment(msgspec.structs.replace(settings, log_level="error"))
    async with processes.started(*command, env=env) as serving:
        line = await serving.printed("Freight is ready at")
        url = line.partition("ready at ")[2].partition(" ")[0]
        memory = psutil.Process(serving.process.pid).memory_info
        async with httpx.AsyncClient(verify=TLS, base_url=url, headers={"X-API-Key": owner.key}, timeout=60) as client:
            for kind in ("csv", "ndjson"):
                assert (await client.get(of(job, "records/download"), params={"format": kind})).status_code == 200
            before = most = memory().rss
            for kind in ("csv", "ndjson"):
                received = 0
                async with client.stream("GET", of(large_job, "records/download"), params={"format": kind}) as answer:
                    async for piece in answer.aiter_bytes():
                        received += len(piece)
                        most = max(most, memory().rss)
                assert received > 8_000_000
    # Less than the file: as Python objects the rows would take many times its size.
    assert most - before < 8_000_000
