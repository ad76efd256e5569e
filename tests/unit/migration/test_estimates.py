"""How long a job is expected to take."""

import pytest

from freight.domain.jobs.discovered_schema import Estimate, Rates
from freight.domain.migration.planning import estimates
from freight.model.crm import Entity
from freight.model.resolved_mapping import ResolvedMapping
from freight.model.schema import Schema

FAST = Rates(source={"read": 1000}, target={"read": 1000, "write": 1000, "upload": 1000})


def estimated(rates: Rates, *, source_reads: int | None = 60, **counts: int) -> Estimate:
    entities: list[Entity] = list(counts)  # type: ignore[arg-type]
    return estimates.before_reading(
        Schema(counts=counts),  # type: ignore[arg-type]
        ResolvedMapping(),
        entities,
        source_reads=source_reads,
        records_per_query=100,
        rates=rates,
    )


@pytest.mark.parametrize(
    ("rates", "seconds"),
    [
        (FAST, 1),
        (Rates(source={"read": 2}, target=FAST.target), 30),
        (Rates(source=FAST.source, target={**FAST.target, "read": 0.1}), 110),
        (Rates(source=FAST.source, target={**FAST.target, "write": 10}), 110),
        (Rates(source=FAST.source, target={**FAST.target, "upload": 0.5}), 200),
    ],
)
def test_the_slowest_kind_of_requests_decides_how_long_a_job_takes(rates, seconds):
    assert estimated(rates, companies=1000, files=100) == Estimate(
        source_reads=60, target_reads=11, target_writes=1100, seconds=seconds
    )


def test_a_kind_without_a_rate_takes_no_time():
    assert estimated(Rates(source={}, target={"write": 50}), companies=1000, files=100).seconds == 22


def test_nothing_is_said_of_the_target_where_the_source_does_not_say_how_much_it_holds():
    given = estimates.before_reading(
        Schema(), ResolvedMapping(), ["companies"], source_reads=7, records_per_query=100, rates=FAST
    )
    assert given == Estimate(source_reads=7)


def test_estimates_of_earlier_versions_count_on_the_documented_rates():
    rates = estimates.documented("affinity", "attio")
    assert rates.source == {"read": 15}
    assert (rates.target["read"], rates.target["write"], rates.target["upload"]) == (100, 25, 1)
