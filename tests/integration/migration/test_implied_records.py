"""What the target makes by itself: named once, whatever happens in between."""

from collections.abc import Sequence
from typing import Any, cast

import msgspec

from freight import database
from freight.connectors.protocols import MADE_BY_TARGET, Draft, Implied, Issue, Target, TargetRecord
from freight.domain.jobs import model as jobs
from freight.domain.jobs.model import Job
from freight.domain.migration.planning import implied
from freight.domain.migration.planning.plan import RecordPlan
from freight.domain.migration.records.records import Settled, Staged
from freight.domain.migration.records.results import Result
from freight.model.crm import Entity, Person
from support import filled
from support.service import Tenant


class ATarget:
    """A target that makes a company of each new person's domain."""

    makes: frozenset[Entity] = frozenset({"companies"})

    def __init__(self, *domains: str) -> None:
        self.companies = [TargetRecord(id=domain, source_id=None, values={"domains": [domain]}) for domain in domains]

    def implied(self, draft: Draft) -> tuple[Implied, ...]:
        domains = [address.rpartition("@")[2] for address in draft.values.get("emails", [])]
        return tuple(company(domain) for domain in domains)

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        wanted = {value for draft in drafts for value in draft.unique.get("domains", ())}
        return [record for record in self.companies if wanted.intersection(record.values["domains"])]


async def test_what_the_target_has_already_is_not_foreseen(tenant: Tenant) -> None:
    job = await a_job(tenant)
    plans = await foresee(job, ATarget("acme.com"), create(1, "a@acme.com"), create(2, "b@new.com"))
    assert [domains(plan) for plan in plans] == [[], ["new.com"]]


async def test_an_update_makes_nothing(tenant: Tenant) -> None:
    job = await a_job(tenant)
    plan = msgspec.structs.replace(create(1, "a@new.com"), write="update", outcome="unchanged")
    assert [domains(plan) for plan in await foresee(job, ATarget(), plan)] == [[]]


async def test_what_several_records_cause_is_named_once(tenant: Tenant) -> None:
    job = await a_job(tenant)
    target = ATarget()
    first = await foresee(job, target, create(1, "a@new.com"), create(2, "b@new.com"))
    second = await foresee(job, target, create(3, "c@new.com"))
    assert await named(job, *second) == [("3", "new.com")]
    assert await named(job, *first) == []


async def test_a_record_that_failed_leaves_the_naming_to_the_next_one(tenant: Tenant) -> None:
    job = await a_job(tenant)
    _failed, created = await foresee(job, ATarget(), create(1, "a@new.com"), create(2, "b@new.com"))
    assert await named(job, created) == [("2", "new.com")]


async def test_an_attempt_that_was_killed_after_the_write_does_not_hide_what_it_caused(tenant: Tenant) -> None:
    job = await a_job(tenant)
    await foresee(job, ATarget(), create(1, "a@new.com"))
    killed = create(1, "a@new.com")
    adopted = msgspec.structs.replace(
        killed, write=None, outcome="created", staged=msgspec.structs.replace(killed.staged, in_flight="create")
    )
    assert await named(job, *await foresee(job, ATarget("new.com"), adopted)) == [("1", "new.com")]


async def test_a_dry_run_takes_what_it_would_have_written_for_written(tenant: Tenant) -> None:
    job = await a_job(tenant, mode="dry_run")
    there = create(9, entity="companies", values={"domains": ["acme.com"]}, unique={"domains": ("acme.com",)})
    more = msgspec.structs.replace(there, write="update", values={"domains": ["acme.com", "acme.io"]})
    await foresee(job, ATarget(), there, more)
    plans = await foresee(job, ATarget(), create(1, "a@acme.com", "a@acme.io", "a@new.com"))
    assert [domains(plan) for plan in plans] == [["new.com"]]


async def a_job(tenant: Tenant, **changes: Any) -> Job:
    job_id = await filled.a_job(tenant, **changes)
    async with database.as_tenant(tenant.id) as tx:
        return await jobs.get(tx, job_id)


async def foresee(job: Job, target: ATarget, *plans: RecordPlan) -> list[RecordPlan]:
    return await implied.foresee(job, cast("Target", target), plans)


async def named(job: Job, *plans: RecordPlan) -> list[tuple[str, str | None]]:
    """The records that name something, with what they name."""
    results = [
        Result(source_id=plan.staged.source_id, settled=Settled(id=1, outcome="created"), implied=plan.implied)
        for plan in plans
    ]
    async with database.as_tenant(job.tenant_id) as tx:
        stored = await implied.name(tx, job, results)
    return [(result.source_id, issue.value) for result in stored for issue in result.issues]


def create(
    number: int,
    *addresses: str,
    entity: Entity = "people",
    values: dict[str, Any] | None = None,
    unique: dict[str, tuple[str, ...]] | None = None,
) -> RecordPlan:
    values = values or {"emails": list(addresses)}
    draft = Draft(entity=entity, source_id=str(number), values=values, unique=unique or {}, multiple=frozenset())
    staged = Staged(id=number, source_id=str(number), record=Person(id=str(number)), in_flight=None)
    return RecordPlan(staged=staged, draft=draft, drafted=values, write="create")


def company(domain: str) -> Implied:
    issue = Issue(level="info", code=MADE_BY_TARGET, message="It is made.", value=domain)
    return Implied(entity="companies", slug="domains", value=domain, issue=issue)


def domains(plan: RecordPlan) -> list[str]:
    return [one.value for one in plan.implied]
