"""Whole migrations as a client sees them: what became of everything, and what it cost."""

from typing import Any

import httpx

from freight_sandbox import Sandbox
from support import jobs
from support.clients import TLS
from support.service import Tenant

Outcomes = dict[str, dict[str, int]]
"""By entity, how many records ended in each outcome, and how many were read."""


async def carry(tenant: Tenant, sandbox: Sandbox, *, timeout: float = 120, **changes: Any) -> dict[str, Any]:
    """Run a job and return it; check that no record failed and each one that was read has an outcome."""
    job = await jobs.create(tenant, sandbox, **changes)
    job = await jobs.until_ended(tenant, job["id"], timeout=timeout)
    failed = [(row["source_id"], row["message"]) for row in await records(tenant, job["id"], outcome="failed")]
    assert job["status"] == "completed", (job["error"], failed)
    for counts in outcomes(job).values():
        assert counts["read"] == sum(count for outcome, count in counts.items() if outcome != "read")
    return job


def outcomes(job: dict[str, Any]) -> Outcomes:
    """Return what became of each entity's records."""
    return {
        counts["entity"]: {name: count for name, count in counts.items() if name != "entity"}
        for counts in job["counts"]
    }


def written(job: dict[str, Any]) -> int:
    """Return how many records the job made or changed, lists left out: they are a part of the schema."""
    return sum(counts["created"] + counts["updated"] for entity, counts in outcomes(job).items() if entity != "lists")


async def records(tenant: Tenant, job_id: str, **filters: str) -> list[dict[str, Any]]:
    """Return what was read, with what became of it."""
    rows: list[dict[str, Any]] = []
    while True:
        params: dict[str, Any] = {**filters, "limit": 1000, "offset": len(rows)}
        page = (await tenant.client.get(f"/api/v1/jobs/{job_id}/records", params=params)).raise_for_status().json()
        rows += page["items"]
        if not page["has_more"]:
            return rows


async def said(tenant: Tenant, job_id: str) -> list[dict[str, Any]]:
    """Return all that a job says of records: its log, and why it skipped some or failed at them."""
    reasons = [row for outcome in ("skipped", "failed") for row in await records(tenant, job_id, outcome=outcome)]
    return [*await jobs.logs(tenant, job_id), *({"field": None, "value": None, **row} for row in reasons)]


async def requests(url: str) -> dict[tuple[str, str], int]:
    """Return how many requests a vendor has received, by method and route."""
    async with httpx.AsyncClient(verify=TLS, base_url=url) as vendor:
        counters = (await vendor.get("/_sandbox/counters")).raise_for_status().json()
    found: dict[tuple[str, str], int] = {}
    for entry in counters["requests"]:
        key = (entry["method"], entry["route"])
        found[key] = found.get(key, 0) + entry["count"]
    return found


async def writes(url: str) -> dict[tuple[str, str], int]:
    """Return the same of Attio's requests that write."""
    received = await requests(url)
    return {key: count for key, count in received.items() if key[0] != "GET" and not key[1].endswith("/query")}
