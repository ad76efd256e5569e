"""Promises 1 to 4 under edits of both workspaces, killed workers and repeated jobs, in any order."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from freight import database
from freight.domain.jobs import model as jobs
from freight.domain.jobs.model import Job
from freight.model.crm import Company, Entity, ListEntry, Note, Person, Record
from freight.model.fields import CompanyRef, PersonRef, Value
from support.memory import firm
from support.memory.fleet import Accident, Fleet
from support.memory.jobs import new_pair
from support.memory.workspaces import Stored
from support.service import Tenant

IDS = ("1", "2", "3")
TEXTS = ("", "Acme", "Ærø", "Two\nlines")
EDITABLE: tuple[tuple[Entity, str], ...] = (("companies", "name"), ("companies", "x_13"), ("people", "work"))
"""What people change in the target."""

ACCIDENTS = st.lists(st.tuples(st.integers(0, 8), st.sampled_from(("kill", "fail"))), max_size=4)


@dataclass(frozen=True)
class World:
    """What all examples share."""

    loop: asyncio.AbstractEventLoop
    tenant: Tenant
    fleet: Fleet


@pytest.fixture
async def world(tenant: Tenant, fleet: Fleet) -> World:
    """A fleet, and the loop on which it works, which the machine uses from another thread."""
    return World(asyncio.get_running_loop(), tenant, fleet)


class Migrations(RuleBasedStateMachine):
    """A source, a target, and the jobs between them."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.pair = new_pair()
        self.pair.source.page_size = 2
        self.pair.source.schema = firm.SCHEMA
        self.by_hand: dict[tuple[str, str], list[Any]] = {}
        """What people wrote in the target, by record and attribute."""
        self.edits = 0
        self.is_carried = False
        """Whether a job has ended since the last edit."""
        self.is_running = False

    @rule(id_=st.sampled_from(IDS), name=st.sampled_from(TEXTS), seats=st.sampled_from((0, 7, 40)), data=st.data())
    def a_company_changes_in_the_source(self, id_: str, name: str, seats: int, data: st.DataObject) -> None:
        fields: dict[str, tuple[Value, ...]] = {"13": (seats,)} if seats else {}
        if founders := data.draw(self._some_of("people")):
            fields["11"] = tuple(PersonRef(id=one) for one in founders)
        if parents := [one for one in data.draw(self._some_of("companies")) if one != id_]:
            fields["12"] = (CompanyRef(id=parents[0]),)
        self._put(Company(id=id_, name=name or None, fields=fields))

    @rule(id_=st.sampled_from(IDS), title=st.sampled_from(TEXTS), data=st.data())
    def a_person_changes_in_the_source(self, id_: str, title: str, data: st.DataObject) -> None:
        employers = data.draw(self._some_of("companies"))
        self._put(
            Person(
                id=id_,
                first_name=f"Person {id_}",
                emails=(f"p{id_}@acme.example",),
                job_title=title or None,
                company_id=employers[0] if employers else None,
            )
        )

    @precondition(lambda self: self._ids("companies"))
    @rule(id_=st.sampled_from(IDS), why=st.sampled_from(TEXTS), data=st.data())
    def an_entry_or_a_note_is_added_in_the_source(self, id_: str, why: str, data: st.DataObject) -> None:
        company = data.draw(st.sampled_from(self._ids("companies")))
        if id_ not in self.pair.source.records.get("list_entries", {}):
            fields: dict[str, tuple[Value, ...]] = {"40": (why,)} if why else {}
            self._put(ListEntry(id=id_, list_id="2", parent=("companies", company), fields=fields))
        elif id_ not in self.pair.source.records.get("notes", {}):
            self._put(Note(id=id_, content=why or "Nothing", company_ids=(company,)))

    @precondition(lambda self: self.pair.target.records)
    @rule(what=st.sampled_from(EDITABLE), data=st.data())
    def somebody_edits_a_record_in_the_target(self, what: tuple[Entity, str], data: st.DataObject) -> None:
        entity, slug = what
        if held := self.pair.target.of(entity):
            record = data.draw(st.sampled_from(held))
            self.edits += 1
            record.values[slug] = self.by_hand[record.id, slug] = [
                1000 + self.edits if slug == "x_13" else f"By hand {self.edits}"
            ]
            self.is_carried = False

    @rule(accidents=ACCIDENTS, batch_size=st.sampled_from((1, 2, 100)))
    def a_job_runs(self, accidents: Sequence[Accident], batch_size: int) -> None:
        self._run(accidents, batch_size)
        self._check()
        self.is_carried = True

    @precondition(lambda self: self.is_carried)
    @rule()
    def the_job_runs_again(self) -> None:
        before = self.pair.target.writes.copy()
        self._run([], 100)
        assert self.pair.target.writes == before
        self._check()

    def teardown(self) -> None:
        if self.is_running:
            # The job of a failed example has not ended.
            return
        if not self.is_carried:
            self.a_job_runs([(1, "kill")], 2)
        self.the_job_runs_again()

    def _run(self, accidents: Sequence[Accident], batch_size: int) -> None:
        self.is_running = True
        job = self._wait(self.world.fleet.run(self.pair, accidents, batch_size=batch_size))
        self.is_running = False
        assert (job.status, job.error_code) == ("completed", None)
        for entity, counts in self._wait(self._counts(job)).items():
            # Promise 1: what is read has an outcome.
            assert counts["read"] == len(self.pair.source.of(entity)), (entity, counts)
            assert counts["read"] == sum(number for name, number in counts.items() if name != "read"), (entity, counts)
            assert counts["failed"] == counts["skipped"] == 0, (entity, counts)

    def _check(self) -> None:
        for entity in ("companies", "people", "list_entries", "notes"):
            for record in self.pair.source.of(entity):
                # Promises 3 and 4: it is there once, and no second one was created and removed.
                assert self.pair.target.writes["create", entity, record.id] == 1, (entity, record.id)
                self._compare(self.pair.copy_of(entity, record.id), self._expected(record))

    def _compare(self, held: Stored, expected: dict[str, list[Any]]) -> None:
        """Check promise 2: every value has arrived, unless a person chose another one."""
        for slug, items in expected.items():
            wanted = self.by_hand.get((held.id, slug), items)
            assert held.values.get(slug, []) == wanted, (held, slug, wanted)

    def _expected(self, record: Record) -> dict[str, list[Any]]:
        match record:
            case Company():
                fields = record.fields
                return {
                    "name": _some(record.name),
                    "x_13": list(fields.get("13", ())),
                    "x_11": [self.pair.link_to("people", one.id) for one in fields.get("11", ())],
                    "x_12": [self.pair.link_to("companies", one.id) for one in fields.get("12", ())],
                }
            case Person():
                employer = record.company_id
                return {
                    "work": _some(record.job_title),
                    "mails": list(record.emails),
                    "employer": [self.pair.link_to("companies", employer)] if employer else [],
                }
            case ListEntry():
                return {"x_40": list(record.fields.get("40", ())), "record": [self.pair.link_to(*record.parent)]}
            case Note():
                return {"text": [record.content], "record": [self.pair.link_to("companies", record.company_ids[0])]}
            case _:
                raise AssertionError(record)

    def _put(self, record: Record) -> None:
        self.pair.source.put(record)
        self.is_carried = False

    def _ids(self, entity: Entity) -> list[str]:
        return sorted(self.pair.source.records.get(entity, {}))

    def _some_of(self, entity: Entity) -> st.SearchStrategy[list[str]]:
        held = self._ids(entity)
        return st.lists(st.sampled_from(held), max_size=2, unique=True) if held else st.just([])

    async def _counts(self, job: Job) -> dict[Entity, dict[str, int]]:
        async with database.as_tenant(self.world.tenant.id) as tx:
            counts = (await jobs.counts(tx, [job.id]))[job.id]
        found = [msgspec.structs.asdict(one) for one in counts]
        return {one.pop("entity"): one for one in found}

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.world.loop).result(timeout=60)


def _some(text: str | None) -> list[str]:
    return [text] if text else []


async def test_edits_kills_and_repeated_jobs_in_any_order_keep_promises_1_to_4(world: World) -> None:
    machine = type("Machine", (Migrations,), {"world": world})
    bounds = settings(
        max_examples=20,
        stateful_step_count=12,
        deadline=None,
        derandomize=True,
        # Each step runs whole jobs: a failure is shown as it was found.
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=bounds)
