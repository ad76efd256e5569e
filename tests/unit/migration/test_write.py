"""What the result of a write says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any, Literal

import msgspec
import pytest

from freight.connectors.errors import InDoubt
from freight.connectors.protocols import Attributes, Draft, FileContent, Implied, Issue, TargetRecord
from freight.domain.migration.planning.plan import RecordPlan, lost
from freight.domain.migration.records.ledger import LedgerEntry
from freight.domain.migration.records.records import Staged
from freight.domain.migration.steps.write import Doubted, Writer
from freight.model.crm import File, Task

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


def plan(write: str) -> RecordPlan:
    draft = Draft(
        entity="tasks", source_id="1", values={"content": ["Call"]}, unique={}, multiple=frozenset(), issues=(DRAFTED,)
    )
    made = RecordPlan(
        staged=Staged(id=1, source_id="1", record=Task(id="1"), in_flight=None),
        draft=draft,
        drafted=draft.values,
        write="create",
        issues=draft.issues,
    )
    known = LedgerEntry(source_id="1", target_id="t1", origin="created", values={}, written=frozenset(), replaced={})
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
    record = TargetRecord(id="t1", source_id="1", values=values)
    assert lost(draft, record, is_keyless=entity == "tasks").keys() == missing


class Delivering:
    """A source that delivers three bytes of any file, with a word about it."""

    SAID = Issue(code="file_size_differs", message="It is smaller.")

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was not to be asked for")

    @asynccontextmanager
    async def open_file(self, file: File) -> AsyncIterator[FileContent]:
        yield FileContent(file=BytesIO(b"abc"), size=3, content_type=None, issues=(self.SAID,))


class Holding(Forgetful):
    """A target that holds files of these sizes, and says how many it was sent."""

    def __init__(self, *sizes: int) -> None:
        self.sizes = sizes
        self.created = 0

    async def look_up(self, draft: Draft) -> TargetRecord | None:
        (size,) = draft.values["size"]
        return TargetRecord(id=f"of {size}", source_id="1", values=draft.values) if size in self.sizes else None

    async def create(self, draft: Draft, _content: FileContent | None = None) -> TargetRecord:
        self.created += 1
        return TargetRecord(id="new", source_id="1", values=draft.values)


def upload(in_flight: Literal["create"] | None) -> RecordPlan:
    draft = Draft(entity="files", source_id="1", values={"name": ["x"], "size": [10]}, unique={}, multiple=frozenset())
    staged = Staged(id=1, source_id="1", record=File(id="1", name="x", size=10), in_flight=in_flight)
    return RecordPlan(staged=staged, draft=draft, drafted=draft.values, write="create")


@pytest.mark.parametrize(
    ("in_flight", "held", "target_id"),
    [("create", [3], "of 3"), ("create", [], "new"), (None, [3], "new")],
    ids=["it had arrived", "it had not arrived", "another one is there"],
)
async def test_an_upload_that_was_killed_is_looked_for_by_the_size_that_was_really_sent(in_flight, held, target_id):
    target = Holding(*held)
    result = await Writer(target, Delivering(), target.look_up).write(upload(in_flight))
    assert (result.settled.outcome, result.settled.target_id) == ("created", target_id)
    assert target.created == (target_id == "new")


async def test_what_is_said_of_a_delivery_becomes_a_log_row_of_the_file():
    result = await Writer(Holding(), Delivering()).write(upload(None))
    assert result.issues == (Delivering.SAID,)
