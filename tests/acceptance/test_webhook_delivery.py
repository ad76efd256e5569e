"""A worker tells webhooks what becomes of a job."""

import msgspec
import pytest

from freight.domain.webhooks import deliveries
from freight.settings import Settings
from freight_sandbox import Sandbox
from support import jobs
from support import service as support
from support.receiver import Answer, receiving


async def test_a_receiver_hears_of_the_start_and_of_the_end_of_a_job_even_if_it_fails_at_first(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "DELAYS", (0.1,) * 8)
    async with receiving() as receiver:
        receiver.answers.extend([Answer(500), Answer(None)])
        allowed = msgspec.structs.replace(settings, webhook_hosts=receiver.address)
        async with support.running(allowed, with_worker=True) as service, support.a_tenant(service) as tenant:
            webhook = (await tenant.client.post("/api/v1/webhooks", json={"url": receiver.url})).json()
            job = await jobs.create(tenant, sandbox)
            await jobs.until_ended(tenant, job["id"])
            requests = await receiver.received(times=4)
    said = [request.verified(webhook["secret"]) for request in requests]
    assert len(said) == 4
    assert {each["type"] for each in said} == {"job.started", "job.completed"}
    end = next(each["data"] for each in said if each["type"] == "job.completed")
    assert (end["job_id"], end["status"], end["previous_status"]) == (job["id"], "completed", "running")
    assert end["total_records"] == end["processed_records"] == sum(counts["read"] for counts in end["counts"]) > 0
