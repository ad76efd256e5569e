"""Jobs as a client follows them."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from freight_sandbox import Sandbox
from support.service import Tenant, job_request


async def create(tenant: Tenant, sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    """Return a new job from the sandbox's Affinity to its Attio."""
    return _answer(await tenant.client.post("/api/v1/jobs", json=job_request(sandbox, **changes)))


async def until(
    tenant: Tenant, job_id: str, condition: Callable[[dict[str, Any]], bool], *, timeout: float = 120
) -> dict[str, Any]:
    """Return the job once the condition holds for it."""
    async with asyncio.timeout(timeout):
        while True:
            job = _answer(await tenant.client.get(f"/api/v1/jobs/{job_id}"))
            if condition(job):
                return job
            await asyncio.sleep(0.2)


async def until_ended(tenant: Tenant, job_id: str, *, timeout: float = 120) -> dict[str, Any]:
    """Return the job once it has ended."""
    return await until(tenant, job_id, lambda job: job["completed_at"] is not None, timeout=timeout)


async def logs(tenant: Tenant, job_id: str, **filters: str) -> list[dict[str, Any]]:
    """Return the whole log of a job."""
    rows: list[dict[str, Any]] = []
    while True:
        params = {**filters, "limit": 1000, "offset": len(rows)}
        page = _answer(await tenant.client.get(f"/api/v1/jobs/{job_id}/logs", params=params))
        rows += page["items"]
        if not page["has_more"]:
            return rows


def counts(job: dict[str, Any], entity: str) -> dict[str, int]:
    """Return what became of an entity's records."""
    return next(
        {k: v for k, v in counts.items() if k != "entity"} for counts in job["counts"] if counts["entity"] == entity
    )


def _answer(response: httpx.Response) -> dict[str, Any]:
    assert response.is_success, response.text
    answer: dict[str, Any] = response.json()
    return answer
