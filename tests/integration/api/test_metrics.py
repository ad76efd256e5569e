"""What Prometheus is told."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from freight import database, queue
from freight.api.routes import metrics
from freight.queue import Queue
from freight.settings import Settings
from freight_sandbox import Sandbox
from support.service import Service, Tenant, job_request

JOBS = "/api/v1/jobs"
ALERTS = Path(__file__).parents[3] / "docs" / "prometheus-alerts.yml"


@pytest.fixture(autouse=True)
def always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "FRESH_SECONDS", 0)


async def told(service: Service) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    async with service.client() as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    samples: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in samples
            samples[key] = sample.value
    return samples


def value(samples: dict[Any, float], name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


async def test_jobs_batches_records_and_vendor_calls_are_counted(
    service: Service, tenant: Tenant, sandbox: Sandbox
) -> None:
    before = await told(service)
    job = (await tenant.client.post(JOBS, json=job_request(sandbox))).json()
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(
            "UPDATE jobs SET source_reads = 3, target_reads = 5, target_writes = 7, waited_seconds = 1.5 WHERE id = $1",
            job["id"],
        )
        await tx.execute(
            """INSERT INTO streams (id, tenant_id, job_id, entity, done, read_records, created_records,
                                    updated_records, unchanged_records, skipped_records, failed_records)
               VALUES (gen_random_uuid(), $1, $2, 'companies', false, 10, 1, 2, 3, 0, 1)""",
            tenant.id,
            job["id"],
        )
    after = await told(service)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grown("freight_jobs", status="pending") == 1
    assert grown("freight_jobs", status="failed") == 0
    assert grown("freight_batches", status="retrying") == 0
    outcomes = {"created": 1, "updated": 2, "unchanged": 3, "skipped": 0, "failed": 1, "waiting": 3}
    assert {name: grown("freight_records", outcome=name) for name in outcomes} == outcomes
    assert grown("freight_vendor_calls", side="source", kind="read") == 3
    assert grown("freight_vendor_calls", side="target", kind="read") == 5
    assert grown("freight_vendor_calls", side="target", kind="write") == 7
    assert grown("freight_vendor_waited_seconds") == 1.5


async def test_the_queue_the_workers_and_lost_leases_are_counted_for_all_processes(
    settings: Settings, service: Service
) -> None:
    before = await told(service)
    redis = queue.connect(settings.redis_url or "")
    await Queue(redis).report_worker("one", leases_lost=2)
    await Queue(redis).report_worker("two", leases_lost=1)
    after = await told(service)
    assert value(after, "freight_workers") == value(before, "freight_workers") + 2
    assert value(after, "freight_leases_lost_total") == value(before, "freight_leases_lost_total") + 3
    assert value(after, "freight_queue_depth") >= 0
    for name in ("one", "two"):
        await Queue(redis).forget_worker(name)
    await redis.aclose(close_connection_pool=True)


async def test_requests_are_counted_by_the_pattern_of_their_path_and_by_status(
    service: Service, tenant: Tenant
) -> None:
    labels = {"app_name": "freight", "method": "GET", "path": JOBS + "/{job_id}"}
    before = await told(service)
    for status in ("404", "401"):
        headers = {"X-API-Key": "wrong"} if status == "401" else {}
        await tenant.client.get(f"{JOBS}/{tenant.id}", headers=headers)
        after = await told(service)
        assert value(after, "freight_requests_total", status_code=status, **labels) == 1 + before.get(
            ("freight_requests_total", tuple(sorted({**labels, "status_code": status}.items()))), 0
        )


async def test_nobody_is_named(service: Service, tenant: Tenant, sandbox: Sandbox) -> None:
    job = (await tenant.client.post(JOBS, json=job_request(sandbox, name="A name of ours"))).json()
    await tenant.client.get(job["links"]["self"])
    async with service.client() as client:
        text = (await client.get("/metrics")).text
    for secret in (str(tenant.id), job["id"], job["source_workspace"]["name"], "A name of ours", tenant.key[:17]):
        assert secret not in text


async def test_the_examples_of_alerts_ask_for_nothing_that_is_not_told(service: Service, tenant: Tenant) -> None:
    await tenant.client.get(JOBS)
    names = {name for name, _ in await told(service)}
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    for rule in rules:
        assert set(re.findall(r"freight_\w+", rule["expr"])) <= names | {"freight_requests_error_total"}
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["annotations"]["description"].endswith(".")
    assert len(rules) == 11
