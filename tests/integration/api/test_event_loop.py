"""The event loop belongs to everyone: no request keeps it for long, whatever it holds."""

import asyncio
import gc
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from freight import database
from freight.model.mapping import Mapping
from support import filled, loop
from support.errors import error_of
from support.service import Service, Tenant

JOBS = "/api/v1/jobs"

LONGEST = 0.15
"""Three times what is promised, since processors and their load differ. Without bounds it would be seconds."""

FULL = {"to": "a_slug", "title": "A title", "type": "text"}

BODIES: dict[str, Any] = {
    "a valid mapping of 80,000 fields": {"mapping": {"companies": {str(n): {} for n in range(80_000)}}},
    "the largest valid mapping": {
        "mapping": {"lists": {str(n): {"fields": {f"{n}-{m}": FULL for m in range(30)}} for n in range(100)}}
    },
    "60,000 unknown fields": {f"unknown {n}": 1 for n in range(60_000)},
    "15,000 unknown fields with names like known ones": {f"mappin{n}": 1 for n in range(15_000)},
    "wrong field mappings": {
        "mapping": {"people": {str(n): {"to": "A", "title": "", "type": "x"} for n in range(3_900)}}
    },
    "one wrong field mapping after many right ones": {
        "mapping": {"people": {**{str(n): {"to": "a"} for n in range(5_000)}, "x": {"to": "A"}}}
    },
    "a list of entities": {"entities": ["companies"] * 15_000 + ["x"]},
    "labels": {"labels": {str(n): 5 for n in range(15_000)}},
    "a long name": {"name": "é" * 400_000},
    "a long name of a field": {"n" * 900_000: 1},
    "a long number": 10**4_000,
    "empty lists": {"name": [[] for _ in range(300_000)]},
    "fractions": {"name": [1.5] * 200_000},
}


@pytest.fixture(autouse=True)
def no_garbage_of_others() -> Iterator[None]:
    """What earlier tests have left is not collected during the measurement."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


async def sent(service: Service, tenant: Tenant, method: str, path: str, body: bytes) -> bytes:
    """The answer, by a client that itself costs nothing."""
    url = httpx.URL(service.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {tenant.key}\r\nContent-Length: {len(body)}\r\n"
        "Accept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_no_body_keeps_the_event_loop(body: Any, service: Service, tenant: Tenant) -> None:
    sent_body = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()[:990_000]
    for method, path in (("PATCH", f"{JOBS}/{uuid4()}"), ("POST", JOBS)):
        await sent(service, tenant, method, path, b"{}")
        async with loop.watched() as blocks:
            answer = await sent(service, tenant, method, path, sent_body)
        assert answer[9:12] in (b"400", b"404", b"422")
        assert len(answer) < 100_000
        assert blocks.longest < LONGEST


async def test_no_page_of_jobs_keeps_the_event_loop(service: Service, tenant: Tenant) -> None:
    jobs = [await filled.a_job(tenant) for _ in range(20)]
    mapping = {"companies": {str(n): {"to": "a_slug", "title": "x" * 200} for n in range(3_000)}}
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute("UPDATE jobs SET mapping = $1", database.jsonb(mapping))
        columns = [
            row["column_name"]
            for row in await tx.fetch("SELECT column_name FROM information_schema.columns WHERE table_name = 'jobs'")
        ]
        others = ", ".join(name for name in columns if name not in ("id", "source_workspace"))
        await tx.execute(
            f"""INSERT INTO jobs (id, source_workspace, {others})
                SELECT gen_random_uuid(), 'copy ' || n, {others} FROM jobs, generate_series(1, 980) AS n
                WHERE id = $1""",
            jobs[0],
        )
    for path in (f"{JOBS}?limit=1000", f"{JOBS}/{jobs[0]}", f"{JOBS}/{jobs[0]}/report", "/api/v1/stats"):
        await sent(service, tenant, "GET", "/api/v1/jobs?limit=1", b"")
        async with loop.watched() as blocks:
            answer = await sent(service, tenant, "GET", path, b"")
        assert answer[9:12] == b"200"
        assert blocks.longest < LONGEST, path


async def test_the_description_does_not_keep_the_event_loop(service: Service, tenant: Tenant) -> None:
    for path in ("/schema/openapi.json", "/schema/swagger", "/schema/openapi.yaml", "/schema/openapi.json"):
        async with loop.watched() as blocks:
            answer = await sent(service, tenant, "GET", path, b"")
        assert answer[9:12] == b"200"
        assert blocks.longest < LONGEST, path


async def test_a_mapping_names_no_more_than_a_workspace_may_have(service: Service, tenant: Tenant) -> None:
    job = await filled.a_job(tenant, status="pending")
    for mapping, field in (
        ({"companies": {str(n): {} for n in range(1_001)}}, "mapping.companies"),
        ({"lists": {"7": {"fields": {str(n): {} for n in range(1_001)}}}}, "mapping.lists.7.fields"),
        ({"lists": {str(n): {} for n in range(1_001)}}, "mapping.lists"),
        ({"only_lists": [str(n) for n in range(1_001)]}, "mapping.only_lists"),
        ({"lists": {str(n): {"fields": {str(m): {} for m in range(800)}} for n in range(4)}}, "mapping"),
        ({"people": {"x" * 201: {}}}, "mapping.people"),
    ):
        error = error_of(await tenant.client.patch(f"{JOBS}/{job}", json={"mapping": mapping}), 422)
        assert [detail["field"] for detail in error["details"]] == [field]
    largest = {"companies": {str(n): {"to": "a"} for n in range(1_000)}}
    assert (await tenant.client.patch(f"{JOBS}/{job}", json={"mapping": largest})).status_code == 200


async def test_an_answer_lists_a_hundred_problems_and_says_how_many_more_there_are(tenant: Tenant) -> None:
    error = error_of(await tenant.client.post(JOBS, json={f"unknown {n}": 1 for n in range(300)}), 422)
    assert len(error["details"]) == 101
    # Four required fields are missing besides.
    assert error["details"][-1]["type"] == "more_problems"
    assert "204 more" in error["details"][-1]["message"]


async def test_a_job_with_a_larger_mapping_from_an_earlier_version_can_still_be_read(tenant: Tenant) -> None:
    job = await filled.a_job(tenant)
    mapping = Mapping(companies={str(n): {} for n in range(5_000)})  # type: ignore[misc]
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute("UPDATE jobs SET mapping = $1", database.jsonb(mapping))
    assert len((await tenant.client.get(f"{JOBS}/{job}")).json()["mapping"]["companies"]) == 5_000
    (listed,) = (await tenant.client.get(JOBS)).json()["items"]
    assert "mapping" not in listed
