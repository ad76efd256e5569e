"""Creating jobs and looking at them."""

import asyncio
from uuid import UUID, uuid4

from freight.sandbox import Sandbox
from support.service import Service, Tenant, job_request

JOBS = "/api/v1/jobs"


async def test_a_created_job_is_pending_and_found_at_its_location(tenant: Tenant, sandbox: Sandbox) -> None:
    created = await tenant.client.post(JOBS, json=job_request(sandbox, name="The move", labels={"team": "x"}))
    assert created.status_code == 201
    job = created.json()
    assert created.headers["Location"] == f"{JOBS}/{job['id']}" == job["links"]["self"]
    assert (job["status"], job["stage"], job["name"], job["labels"]) == ("pending", None, "The move", {"team": "x"})
    found = await tenant.client.get(created.headers["Location"])
    assert found.status_code == 200
    assert found.json() == job
