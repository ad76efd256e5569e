"""What the result of a write says."""

from typing import Any

import msgspec
import pytest

from freight.connectors.errors import InDoubt
from freight.connectors.protocols import Attributes, Draft, FileContent, Implied, Issue, TargetRecord
from freight.crm import Task
from freight.domain.ledger import Known
from freight.domain.pipeline.plan import Plan, lost
from freight.domain.pipeline.write import Doubted, Writer
from freight.domain.records import Staged

LOST = Issue(code="link_not_kept", message="The link was not kept.")
DRAFTED = Issue(code="owner_replaced", message="Another owner.")


class Forgetful:
    """A target that writes records and says that it did not keep all of them; the rest of a target is not asked."""

    def implied(self, draft: Draft) -> tuple[Implied, ...]:
        return ()

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was not to be asked for")

    async def create(self, draft: Draft, _content: FileContent | None = None) -> TargetRecord:
        return TargetRecord(id="t1", source_id=draft.source_id, values=draft.values, issues=(LOST,))

    async def update(self, draft: Draft, target_id: str, values: Attributes) -> TargetRecord:
        return TargetRecord(id=target_id, source_id=draft.source_id, values=values, issues=(LOST,))


def plan(write: str) -> Plan:
    draft = Draft(
        entity="tasks", source_id="1", values={"content": ["Call"]}, unique={}, multiple=frozenset(), issues=(DRAFTED,)
    )
    made = Plan(
        staged=Staged(id=1, source_id="1", record=Task(id="1"), in_flight=None),
        draft=draft,
        drafted=draft.values,
        write="create",
        issues=draft.issues,
    )
    known = Known(source_id="1", target_id="t1", origin="created", values={}, written=frozenset(), replaced={})
    if write == "create":
        return made
    return msgspec.structs.replace(made, write="update", target_id="t1", values=draft.values, known=known)


async def test_what_the_target_did_not_keep_of_a_new_record_becomes_a_log_row():
    result = await Writer(Forgetful()).write(plan("create"))
    assert (result.settled.outcome, result.issues) == ("created", (DRAFTED, LOST))


async def test_what_the_target_did_not_keep_of_a_change_becomes_a_log_row():
    result = await Writer(Forgetful()).write(plan("update"))
    assert (result.settled.outcome, result.issues) == ("updated", (DRAFTED, LOST))


class Silent(Forgetful):
    """A target that does not say whether it made the record."""

    def __init__(self) -> None:
        self.sent = 0

    async def create(self, draft: Draft, _content: FileContent | None = None) -> TargetRecord:
        self.sent += 1
        raise InDoubt


async def test_a_create_without_an_answer_is_neither_looked_for_nor_sent_again_at_once():
    target = Silent()
    with pytest.raises(Doubted) as doubted:
        await Writer(target).write(plan("create"))
    assert (target.sent, doubted.value.draft.source_id, doubted.value.code) == (1, "1", "in_doubt")


LINKED: Attributes = {"content": ["Call"], "linked_records": [{"target_record_id": "c1"}]}


async def test_a_task_whose_answer_and_whose_links_were_lost_is_created_once_it_has_its_links():
    made = plan("update")
    interrupted = msgspec.structs.replace(made.staged, in_flight="create")
    result = await Writer(Forgetful()).write(
        msgspec.structs.replace(made, staged=interrupted, outcome="created", values=LINKED)
    )
    assert (result.settled.outcome, result.settled.target_id) == ("created", "t1")


@pytest.mark.parametrize(
    ("entity", "values", "missing"),
    [
        ("tasks", {"content": ["Call"]}, {"linked_records"}),
        ("tasks", LINKED, set()),
        ("tasks", {"linked_records": LINKED["linked_records"]}, set()),
        ("companies", {}, set()),
    ],
)
def test_only_what_can_be_sent_once_more_counts_as_lost(entity, values, missing):
    draft = msgspec.structs.replace(plan("create").draft, entity=entity, values=LINKED, fixed=frozenset({"content"}))
    assert lost(draft, TargetRecord(id="t1", source_id="1", values=values)).keys() == missing
