"""Which requests surely had no effect, so that a record is afterwards as if none had been sent for it."""

from datetime import UTC, datetime

import msgspec
import pytest

from freight.connectors.errors import ConnectorError, MustWait, Unavailable
from freight.connectors.protocols import Draft
from freight.domain.current_step import Interrupted
from freight.domain.migration.planning.plan import RecordPlan
from freight.domain.migration.records.records import Intent, Staged
from freight.domain.migration.steps.unsent import NotSent, had_no_effect
from freight.model.crm import Company

WAIT = MustWait("Attio refused it because of its rate limit.", until=datetime.now(UTC), code="rate_limited")


def plan(write: Intent = "create", *, unique: bool = False) -> RecordPlan:
    domains = {"domains": ("example.com",)} if unique else {}
    draft = Draft(entity="companies", source_id="1", values={}, unique=domains, multiple=frozenset())
    staged = Staged(id=1, source_id="1", record=Company(id="1"), in_flight=None)
    return RecordPlan(staged=staged, draft=draft, drafted={}, write=write)


@pytest.mark.parametrize(
    ("planned", "error", "is_unsent"),
    [
        (plan(), WAIT, True),
        (plan(), NotSent(), True),
        (plan(unique=True), NotSent(), True),
        # Such a request is repeated after an answer that was lost, and it may be the repetition that has to wait.
        (plan(unique=True), WAIT, False),
        (plan("update"), WAIT, False),
        (plan(), Unavailable("Attio answered 500."), False),
        (plan(), Interrupted(), False),
    ],
)
def test_a_request_had_surely_no_effect(
    planned: RecordPlan, error: ConnectorError | Interrupted, is_unsent: bool
) -> None:
    assert had_no_effect(planned, error) is is_unsent
    met_before = msgspec.structs.replace(planned.staged, in_flight="create")
    assert not had_no_effect(msgspec.structs.replace(planned, staged=met_before), error)
