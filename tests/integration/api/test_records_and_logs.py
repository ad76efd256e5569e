"""Reading a job's records and its log in pages."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from freight import database
from freight.domain import pages
from freight.domain.migration.records import logs, records
from freight.domain.pages import Selection, Window
from support import filled
from support.errors import error_of, fields_of
from support.service import Service, Tenant, a_tenant

MANY = 100_000
FEW = 250


@pytest.fixture(scope="module")
async def owner(service: Service) -> AsyncIterator[Tenant]:
    async with a_tenant(service) as tenant:
        yield tenant


@pytest.fixture(scope="module")
async def job(owner: Tenant) -> UUID:
    """A small job."""
    job_id = await filled.a_job(owner, batch_size=100)
    await filled.add_records(owner, job_id, FEW)
    await filled.add_logs(owner, job_id, FEW)
    return job_id


@pytest.fixture(scope="module")
async def large_job(owner: Tenant, job: UUID) -> UUID:
    """A job of 100,000 records and log rows, beside others."""
    for _ in range(2):
        job_id = await filled.a_job(owner)
        await filled.add_records(owner, job_id, MANY)
        await filled.add_logs(owner, job_id, MANY)
    connection = await database.DB.get_new_connection()
    await connection.execute("ANALYZE records")
    await connection.execute("ANALYZE logs")
    await connection.close()
    return job_id


async def get(tenant: Tenant, path: str, **params: Any) -> dict[str, Any]:
    answer = await tenant.client.get(path, params=params or None)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def walk(tenant: Tenant, path: str | None) -> list[dict[str, Any]]:
    """All items, page after page."""
    items: list[dict[str, Any]] = []
    while path is not None:
        page = await get(tenant, path)
        items += page["items"]
        path = page["links"]["next"]
    return items


def of(job_id: UUID, what: str) -> str:
    return f"/api/v1/jobs/{job_id}/{what}"


async def test_a_record_says_what_became_of_it(owner: Tenant, job: UUID) -> None:
    page = await get(owner, of(job, "records"))
    assert (page["total"], page["limit"], page["offset"], page["pages"], page["has_more"]) == (FEW, 100, 0, 3, True)
    waiting, failed, skipped, updated = page["items"][:4]
    assert waiting.keys() == {
        "id",
        "entity",
        "source_id",
        "target_id",
        "outcome",
        "code",
        "message",
        "batch_number",
        "updated_at",
    }
    assert (waiting["outcome"], waiting["target_id"], waiting["code"]) == (None, None, None)
    assert (failed["entity"], failed["outcome"], failed["code"]) == ("people", "failed", "failed_for_a_reason")
    assert failed["message"] == "Record 1 is 100% wrong."
    assert skipped["outcome"] == "skipped"
    assert (updated["source_id"], updated["target_id"]) == ("source 3", "target 3")
    last = await get(owner, of(job, "records"), offset=FEW - 1)
    assert [row["batch_number"] for row in last["items"]] == [1]


async def test_what_was_read_is_shown_with_a_single_record_only(
    owner: Tenant, other_tenant: Tenant, job: UUID, large_job: UUID
) -> None:
    row = (await get(owner, of(job, "records"), limit=1))["items"][0]
    assert await get(owner, of(job, f"records/{row['id']}")) == {**row, "payload": {"name": "Record 0"}}
    error_of(await owner.client.get(of(large_job, f"records/{row['id']}")), 404)
    error_of(await other_tenant.client.get(of(job, f"records/{row['id']}")), 404)
    error_of(await owner.client.get(of(job, f"records/{2**53}")), 404)
    error_of(await owner.client.get(of(job, f"records/{2**63}")), 422)


@pytest.mark.parametrize("what", ["records", "logs"])
async def test_following_the_links_shows_everything_once_in_order(owner: Tenant, job: UUID, what: str) -> None:
    items = await walk(owner, of(job, what) + "?limit=60")
    assert [row["source_id"] for row in items] == [f"source {number}" for number in range(FEW)]
    for filters in ("entity=people", "entity=people&code=failed_for_a_reason", "text=9"):
        found = await walk(owner, of(job, what) + f"?limit=7&{filters}")
        total = (await get(owner, of(job, what) + f"?{filters}"))["total"]
        ids = [row["id"] for row in found]
        assert (len(ids), ids) == (total, sorted(set(ids)))


@pytest.mark.parametrize("what", ["records", "logs"])
@pytest.mark.parametrize("status", ["completed", "running"])
async def test_every_offset_shows_the_same_rows_as_the_whole(owner: Tenant, job: UUID, what: str, status: str) -> None:
    async with database.as_tenant(owner.id) as tx:
        await tx.execute("UPDATE jobs SET status = $2 WHERE id = $1", job, status)
    for filters in ({}, {"entity": "companies"}, {"text": "1"}):
        everything = (await get(owner, of(job, what), limit=1000, **filters))["items"]
        for offset in (
            0,
            1,
            60,
            len(everything) // 2,
            len(everything) - 61,
            len(everything) - 1,
            len(everything),
            9999,
        ):
            page = await get(owner, of(job, what), limit=60, offset=offset, **filters)
            assert page["items"] == everything[offset : offset + 60]
            assert (page["total"], page["offset"]) == (len(everything), offset)
            assert page["has_more"] == (offset + 60 < len(everything)) == (page["next_cursor"] is not None)


async def test_records_are_filtered(owner: Tenant, job: UUID) -> None:
    async def found(**filters: str) -> set[int]:
        page = await get(owner, of(job, "records"), limit=1000, **filters)
        assert page["total"] == len(page["items"])
        return {int(row["source_id"].removeprefix("source ")) for row in page["items"]}

    everything = range(FEW)
    assert await found(entity="people") == set(everything[1::2])
    assert await found(outcome="failed") == set(everything[1::10])
    assert await found(outcome="unchanged", entity="companies") == set(everything[4::10])
    assert await found(code="skipped_for_a_reason") == set(everything[2::10])
    assert await found(text="RECORD 12 ") == {12}
    assert await found(text="ource 24") == {24, *range(240, 250)}
    assert await found(text="100% wrong", outcome="failed") == set(everything[1::10])
    assert await found(text="100_ wrong") == await found(text="\\") == set()


async def test_logs_are_filtered(owner: Tenant, job: UUID) -> None:
    async def found(**filters: str) -> set[int]:
        page = await get(owner, of(job, "logs"), limit=1000, **filters)
        assert page["total"] == len(page["items"])
        return {int(row["source_id"].removeprefix("source ")) for row in page["items"]}

    everything = range(FEW)
    assert await found(level="error") == set(everything[::10])
    assert await found(code="code_7", entity="people") == set(everything[7::10])
    assert await found(source_id="source 24") == {24}
    assert await found(text="ABOUT 11") == {11, *range(110, 120)}


@pytest.mark.parametrize("what", ["records", "logs"])
async def test_a_cursor_that_is_not_of_this_list_is_refused(
    owner: Tenant, job: UUID, large_job: UUID, what: str
) -> None:
    cursor = (await get(owner, of(job, what), limit=10))["next_cursor"]
    for path, params in (
        (of(large_job, what), {"cursor": cursor}),
        (of(job, what), {"cursor": cursor, "entity": "people"}),
        (of(job, what), {"cursor": cursor[:-2]}),
        (of(job, what), {"cursor": "AAAA"}),
        (of(job, what), {"cursor": "é"}),
        (of(job, what), {"cursor": ""}),
    ):
        assert "cursor" in fields_of(error_of(await owner.client.get(path, params=params), 422))
    error = error_of(await owner.client.get(of(job, what), params={"cursor": cursor, "offset": 5}), 422)
    assert "offset" in fields_of(error)


async def test_what_the_database_cannot_hold_is_refused_as_a_filter(owner: Tenant, job: UUID) -> None:
    error_of(await owner.client.get(of(job, "records"), params={"text": "\0"}), 422)
    error_of(await owner.client.get(of(job, "logs"), params={"source_id": "\0"}), 422)
    error_of(await owner.client.get(of(job, "logs"), params={"code": "Not A Code"}), 422)


def selections(job_id: UUID) -> list[Selection]:
    return [
        records.select(job_id, records.Filters(), batch_size=1000),
        records.select(job_id, records.Filters(entity="people"), batch_size=1000),
        records.select(job_id, records.Filters(outcome="created"), batch_size=1000),
        records.select(job_id, records.Filters(code="failed_for_a_reason"), batch_size=1000),
        logs.select(job_id, logs.Filters()),
        logs.select(job_id, logs.Filters(level="error")),
        logs.select(job_id, logs.Filters(code="code_3")),
    ]


class Explained:
    """A transaction that notes how much the database reads for each query."""

    def __init__(self, tx: database.Connection) -> None:
        self.tx = tx
        self.plans: list[dict[str, Any]] = []

    async def fetch(self, query: str, *args: object) -> list[database.Row]:
        plan = await self.tx.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {query}", *args)
        self.plans.append(json.loads(plan)[0]["Plan"])
        return await self.tx.fetch(query, *args)

    async def fetchval(self, query: str, *args: object) -> Any:
        return await self.tx.fetchval(query, *args)


async def test_the_last_of_a_thousand_pages_is_found_by_reading_no_more_than_for_the_first(
    owner: Tenant, large_job: UUID
) -> None:
    async with database.as_tenant(owner.id) as tx:
        for selection in selections(large_job):
            total = await tx.fetchval(
                f"SELECT count(*) FROM {selection.table} WHERE {selection.where}", *selection.parameters
            )
            explained = Explained(tx)
            first = await pages.read(explained, selection, Window(limit=100), total=total, complete=True)  # type: ignore[arg-type]
            before_last = await pages.read(tx, selection, Window(limit=total - 100), total=total, complete=True)
            by_cursor = Window(limit=100, cursor=before_last.next_cursor)
            last = await pages.read(explained, selection, by_cursor, total=total, complete=True)  # type: ignore[arg-type]
            by_offset = Window(limit=100, offset=total - 100)
            same = await pages.read(explained, selection, by_offset, total=total, complete=True)  # type: ignore[arg-type]
            assert [row["id"] for row in last.rows] == [row["id"] for row in same.rows]
            assert len(first.rows) == len(last.rows) == 100
            for plan in explained.plans:
                assert read_by(plan) < 1000, json.dumps(plan)
                assert rows_in(plan) <= 101, plan


def read_by(plan: dict[str, Any]) -> int:
    """Pages of the database that a query looks at."""
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


def rows_in(plan: dict[str, Any]) -> int:
    """The most rows that any step of a query gives to the next."""
    return max([int(plan["Actual Rows"]), *(rows_in(step) for step in plan.get("Plans", []))])


async def test_a_job_of_100_000_records_is_read_page_by_page_from_either_end(owner: Tenant, large_job: UUID) -> None:
    for what in ("records", "logs"):
        page = await get(owner, of(large_job, what), limit=1000, offset=MANY - 2000)
        assert (page["total"], page["pages"], page["current_page"]) == (MANY, 100, 99)
        last = await get(owner, page["links"]["next"])
        assert (last["total"], last["current_page"], last["next_cursor"]) == (MANY, 100, None)
        assert last["items"][-1]["source_id"] == f"source {MANY - 1}"
        assert (await get(owner, last["links"]["previous"]))["items"] == page["items"]
