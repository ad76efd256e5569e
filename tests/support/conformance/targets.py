"""What the engine relies on in every target."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO

import msgspec
import pytest

from freight.connectors.errors import NotFound
from freight.connectors.protocols import (
    Draft,
    FileContent,
    References,
    Target,
    TargetRecord,
    Writer,
    planned_id,
)
from freight.connectors.spec import TargetRole
from freight.domain.migration.planning.reference_slots import fill
from freight.model.crm import (
    LOAD_ORDER,
    Company,
    Entity,
    File,
    Record,
    Reference,
    UniquePart,
    claims,
    entity_of,
    without_claims,
)
from freight.model.mapping import Mapping as JobMapping
from freight.model.provenance import Provenance
from support.conformance.subject import ConnectorConformance, Subject
from support.memory import firm
from support.memory.workspaces import SourceWorkspace

PROVENANCE = Provenance(system="elsewhere", label="Elsewhere")
OTHER = Provenance(system="nowhere", label="Nowhere")

DELETABLE: tuple[Entity, ...] = tuple(entity for entity in LOAD_ORDER if entity != "lists")
"""Entities of which Freight deletes doubles."""


@dataclass
class Filled:
    """A target that has got the records of the firm."""

    target: Target
    writer: Writer
    drafts: dict[Reference, Draft] = field(default_factory=dict)
    made: dict[Reference, TargetRecord] = field(default_factory=dict)

    def of(self, entity: Entity) -> list[tuple[Draft, TargetRecord]]:
        """Return the drafts of an entity with the records that were made of them."""
        return [(self.drafts[one], made) for one, made in self.made.items() if one[0] == entity]


class TargetConformance(ConnectorConformance[Target]):
    """Tests of a target whose workspace is empty at first and may keep what earlier tests wrote to it."""

    async def test_a_plan_changes_nothing_and_is_the_same_each_time(self, subject: Subject[Target]) -> None:
        async with subject.opened() as target:
            plans = [await target.plan_schema(firm.SCHEMA, JobMapping(), LOAD_ORDER, PROVENANCE) for _ in range(2)]
            assert target.take_usage().writes == 0
        assert plans[0] == plans[1]
        assert plans[0].layout.provenance == PROVENANCE
        assert not [issue for issue in plans[0].issues if issue.level == "error"]
        subject.check_declared(plans[0].issues)

    async def test_every_field_and_list_has_a_place(self, subject: Subject[Target]) -> None:
        async with subject.opened() as target:
            layout = (await target.plan_schema(firm.SCHEMA, JobMapping(), LOAD_ORDER, PROVENANCE)).layout
        for owner in ("companies", "people", "1", "2"):
            expected = {given.id for given in firm.SCHEMA.fields_of(owner)}
            assert {place.field for place in layout.places if place.owner == owner and place.attribute} == expected
        assert {place.list_id for place in layout.lists} == {"1", "2"}

    async def test_a_schema_that_was_made_is_complete_and_not_made_again(self, subject: Subject[Target]) -> None:
        async with subject.opened() as target:
            plan = await target.plan_schema(firm.SCHEMA, JobMapping(), LOAD_ORDER, PROVENANCE)
            made = await target.ensure_schema(plan.layout)
            assert all(place.target_id for place in made.lists)
            again = (await target.plan_schema(firm.SCHEMA, JobMapping(), LOAD_ORDER, PROVENANCE)).layout
            assert {place.action for place in (*again.places, *again.lists)} == {"use"}
            assert not [place for place in again.places if place.new_options]
            assert [place.attribute for place in again.places] == [place.attribute for place in made.places]
            assert [place.target_id for place in again.lists] == [place.target_id for place in made.lists]

    async def test_drafting_is_pure_and_names_declared_codes(self, subject: Subject[Target]) -> None:
        async with filled(subject) as held:
            for draft in held.drafts.values():
                subject.check_declared(draft.issues)
                assert draft.values.keys() >= draft.unique.keys() - {"parent_record"}
                assert all(isinstance(items, list) and items for items in draft.values.values())
                assert msgspec.json.decode(msgspec.json.encode(draft.values)) == draft.values
            company = next(record for record in records(role_of(subject).unique) if isinstance(record, Company))
            drafts = [held.writer.draft(company, References()) for _ in range(2)]
            assert (drafts[0].values, drafts[0].issues) == (drafts[1].values, drafts[1].issues)
            # References wait in slots: nothing that is not in the target yet is drafted.
            assert {one.reference for slot in drafts[0].slots for one in slot.references} == {
                ("people", "1"), ("people", "2"),
            }  # fmt: skip

    async def test_what_was_written_is_read_back_as_it_was_drafted(self, subject: Subject[Target]) -> None:
        async with filled(subject) as held:
            for entity in LOAD_ORDER:
                given = {made.id: draft for draft, made in held.of(entity)}
                read = {record.id: record for record in await held.writer.read(given)}
                assert read.keys() == given.keys(), entity
                for target_id, draft in given.items():
                    shown = read[target_id].values
                    assert {slug: shown.get(slug) for slug in draft.values} == draft.values, entity

    async def test_a_record_is_found_by_its_source_id(self, subject: Subject[Target]) -> None:
        async with filled(subject) as held:
            for entity in LOAD_ORDER:
                given = held.of(entity)
                found = await held.writer.find([draft for draft, _ in given])
                expected = {(draft.source_id, made.id) for draft, made in given}
                assert expected <= {(record.source_id, record.id) for record in found}, entity

    async def test_records_that_do_not_exist_are_absent(self, subject: Subject[Target]) -> None:
        async with filled(subject) as held:
            for draft, made in held.of("companies"):
                missing = f"{made.id[:-4]}ffff"
                assert await held.writer.read({missing: draft}) == []
                with pytest.raises(NotFound):
                    await held.writer.update(draft, missing, {"name": ["Nobody"]})
                break

    async def test_an_id_of_another_system_is_another_record(self, subject: Subject[Target]) -> None:
        async with filled(subject) as held:
            plan = await held.target.plan_schema(firm.SCHEMA, JobMapping(), LOAD_ORDER, OTHER)
            writer = held.target.writer(await held.target.ensure_schema(plan.layout))
            draft = writer.draft(Company(id="3", name="Company 3"), References())
            assert all(record.source_id != "3" for record in await writer.find([draft]))

    async def test_an_update_sets_and_clears_what_it_names_and_leaves_the_rest(self, subject: Subject[Target]) -> None:
        async with filled(subject) as held:
            draft, made = held.of("companies")[0]
            slug = "name"
            left = next(name for name in draft.values if name not in (slug, *draft.unique) and "_id" not in name)
            for _ in range(2):
                updated = await held.writer.update(draft, made.id, {slug: ["Renamed"], left: []})
                assert updated.values.get(slug) == ["Renamed"], updated
            (read,) = await held.writer.read({made.id: draft})
            assert not read.values.get(left), (left, read.values)
            rest = {name: items for name, items in draft.values.items() if name not in (slug, left)}
            assert {name: read.values.get(name) for name in rest} == rest

    async def test_a_record_with_a_unique_value_is_created_once(self, subject: Subject[Target]) -> None:
        async with filled(subject) as held:
            pairs = [pair for entity in role_of(subject).unique for pair in held.of(entity) if pair[0].unique]
            assert pairs
            places = Counter((draft.container, *draft.parents) for draft, _ in held.of("list_entries"))
            for draft, made in pairs:
                if places[draft.container, *draft.parents] > 1:
                    # A record that is on a list several times has no unique place there.
                    continue
                assert (await held.writer.create(draft)).id == made.id

    async def test_records_of_a_dry_run_are_not_asked_for(self, subject: Subject[Target]) -> None:
        async with filled(subject) as held:
            planned = {one: str(planned_id(one)) for one in held.made if one[0] in ("companies", "people", "deals")}
            attached: tuple[Entity, ...] = ("list_entries", "notes", "tasks", "files")
            for record in records(role_of(subject).unique):
                if entity_of(record) in attached:
                    new = msgspec.structs.replace(record, id="777")
                    draft = held.writer.draft(new, References(found=planned))
                    assert draft.skip is None
                    assert await held.writer.find([draft]) == []

    async def test_a_record_that_was_deleted_is_gone(self, subject: Subject[Target]) -> None:
        async with filled(subject) as held:
            for entity in reversed(DELETABLE):
                draft, made = held.of(entity)[-1]
                await held.writer.delete(draft, made.id)
                assert await held.writer.read({made.id: draft}) == [], entity
                with pytest.raises(NotFound):
                    await held.writer.delete(draft, made.id)

    async def test_requests_are_paced_and_counted(self, subject: Subject[Target]) -> None:
        subject.pacer.turns.clear()
        async with filled(subject) as held:
            usage = held.target.take_usage()
            assert usage.writes >= len([one for one in held.made if one[0] != "lists"])
            assert usage.reads > 0
            assert held.target.take_usage().writes == 0
        subject.check_paced()


def records(unique: Mapping[Entity, UniquePart]) -> Sequence[Record]:
    """Return the records of the firm in the order in which they are loaded.

    As in a job, a value that only one record of the target can have is left to the first record that names it.
    """
    workspace = SourceWorkspace()
    firm.fill(workspace)
    found: list[Record] = []
    taken: set[tuple[Entity, str]] = set()
    for record in (record for entity in LOAD_ORDER for record in workspace.of(entity)):
        wanted = {(entity_of(record), value) for value in claims(record, unique)}
        found.append(without_claims(record, {value for _, value in wanted & taken}))
        taken |= wanted
    return found


def role_of(subject: Subject[Target]) -> TargetRole:
    """Return the role of the connector as a target."""
    role = subject.spec.target
    assert role is not None
    return role


@asynccontextmanager
async def filled(subject: Subject[Target]) -> AsyncIterator[Filled]:
    """Yield the target with the records of the firm, which are deleted at the end."""
    async with subject.opened() as target:
        plan = await target.plan_schema(firm.SCHEMA, JobMapping(), LOAD_ORDER, PROVENANCE)
        writer = target.writer(await target.ensure_schema(plan.layout))
        held = Filled(target, writer)
        found: dict[Reference, str] = {}
        for record in records(role_of(subject).unique):
            reference = (entity_of(record), record.id)
            draft = fill(writer.draft(record, References(found=found)), found)
            assert draft.skip is None, (reference, draft.skip)
            held.drafts[reference] = draft
            held.made[reference] = await _write(writer, draft, record)
            found[reference] = held.made[reference].id
        yield held
        for entity in reversed(DELETABLE):
            for draft, made in held.of(entity):
                if await writer.read({made.id: draft}):
                    await writer.delete(draft, made.id)


async def _write(writer: Writer, draft: Draft, record: Record) -> TargetRecord:
    if draft.entity == "lists":
        (made,) = await writer.find([draft])
        return made
    if not isinstance(record, File):
        return await writer.create(draft)
    content = FileContent(file=BytesIO(b"deck"), size=4, content_type=record.content_type)
    return await writer.create(draft, content)
