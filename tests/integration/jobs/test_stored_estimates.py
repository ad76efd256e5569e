"""What a job is expected to cost, as it is stored between the precheck and the end of a dry run."""

from typing import Any

import pytest

from freight import database
from freight.domain.jobs import discovered_schema
from freight.domain.jobs import model as jobs
from freight.domain.jobs.discovered_schema import Estimate, Rates
from freight.domain.migration.planning import estimates
from freight.model.resolved_mapping import ResolvedMapping
from freight.model.schema import Schema
from support import filled
from support.service import Tenant

FOUND = Estimate(source_reads=10, target_reads=20, target_writes=30, seconds=40)


@pytest.mark.parametrize(
    ("rates", "seconds"),
    [
        (Rates(source={"read": 0.5}, target={"read": 1000, "write": 1000}), 300),
        (Rates(source={"read": 15}, target={"read": 100, "write": 25}), 10),
    ],
)
async def test_a_dry_run_counts_on_the_rates_of_its_precheck(tenant: Tenant, rates: Rates, seconds: int) -> None:
    job_id = await filled.a_job(tenant, mode="dry_run", source_reads=150)
    async with database.as_tenant(tenant.id) as tx:
        await discovered_schema.save(tx, job_id, Schema(), ResolvedMapping())
        await discovered_schema.save_estimate(tx, job_id, FOUND, rates)
        assert await discovered_schema.estimate(tx, job_id) == FOUND
        await estimates.conclude(tx, await jobs.get(tx, job_id))
        assert (await discovered_schema.estimate(tx, job_id)).seconds == seconds
        assert await discovered_schema.rates(tx, job_id) == rates


async def test_an_estimate_of_an_earlier_version_counts_on_the_documented_rates(tenant: Tenant) -> None:
    stored: dict[str, Any] = {"source_reads": 150, "target_reads": 0, "target_writes": 0, "seconds": 10}
    job_id = await filled.a_job(tenant, mode="dry_run", source_reads=300, estimate=database.jsonb(stored))
    async with database.as_tenant(tenant.id) as tx:
        await discovered_schema.save(tx, job_id, Schema(), ResolvedMapping())
        assert await discovered_schema.rates(tx, job_id) is None
        await estimates.conclude(tx, await jobs.get(tx, job_id))
        assert (await discovered_schema.estimate(tx, job_id)).seconds == 20
