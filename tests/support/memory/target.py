"""The in-memory vendor as a target."""

from collections.abc import Collection, Mapping, Sequence

from freight.connectors.errors import NotFound, Rejected, UniquenessConflict
from freight.connectors.protocols import (
    Attributes,
    Draft,
    FileContent,
    Implied,
    References,
    SchemaPlan,
    TargetRecord,
    Workspace,
)
from freight.model.crm import Entity, Record
from freight.model.mapping import Mapping as JobMapping
from freight.model.provenance import Provenance
from freight.model.resolved_mapping import ResolvedMapping
from freight.model.schema import Schema
from support.memory import planning, workspaces
from support.memory.connection import MemoryConnection
from support.memory.drafting import Drafter
from support.memory.workspaces import Moment, Stored, TargetWorkspace

UNIQUE = "mails"
"""The only attribute whose values no two records share."""


class MemoryTarget(MemoryConnection):
    """Writes a workspace; see `freight.connectors.protocols.Target`."""

    async def identify(self) -> Workspace:
        """Return the workspace. Raise `CredentialsRefused` for an unknown key."""
        await self.query()
        return Workspace(id=self.key, name=f"Target {self.key}")

    async def plan_schema(
        self, schema: Schema, mapping: JobMapping, entities: Collection[Entity], provenance: Provenance
    ) -> SchemaPlan:
        """Return the plan for these entities. Changes nothing."""
        return planning.plan(await self.query(), schema, mapping, entities, provenance)

    async def ensure_schema(self, layout: ResolvedMapping) -> ResolvedMapping:
        """Make what is missing. Idempotent."""
        held = await self.change()
        await _interrupt(held, "before", "make", "lists", "")
        made = planning.prepare(held, layout)
        await _interrupt(held, "after", "make", "lists", "")
        return made

    def writer(self, layout: ResolvedMapping) -> "MemoryWriter":
        """Return a writer for this layout."""
        return MemoryWriter(self, layout)

    async def query(self) -> TargetWorkspace:
        """Return the workspace, as one read."""
        await self.take_turn("query")
        return workspaces.target(self.key)

    async def change(self) -> TargetWorkspace:
        """Return the workspace, as one write."""
        await self.take_turn("change")
        return workspaces.target(self.key)


class MemoryWriter:
    """Writes the records of a workspace; see `freight.connectors.protocols.Writer`."""

    makes: frozenset[Entity] = frozenset()

    def __init__(self, target: MemoryTarget, layout: ResolvedMapping) -> None:
        assert layout.provenance is not None
        self._target = target
        self._layout = layout
        self._mark = planning.mark_slug(layout.provenance)

    def draft(self, record: Record, references: References) -> Draft:
        """Return the record in the target's terms."""
        return Drafter(self._layout, references).draft(record)

    def implied(self, draft: Draft) -> tuple[Implied, ...]:
        """Return nothing: the target makes no records by itself."""
        return ()

    async def read(self, drafts: Mapping[str, Draft]) -> list[TargetRecord]:
        """Return the records with these ids, in one query."""
        held = await self._target.query()
        lists = [
            _list_record(held, target_id, draft)
            for target_id, draft in drafts.items()
            if draft.entity == "lists" and target_id in held.lists
        ]
        return lists + [self._record(held.records[target_id]) for target_id in drafts if target_id in held.records]

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """Return the records with a mark, or an e-mail address, of one of the drafts, in one query."""
        held = await self._target.query()
        named = [draft for draft in drafts if draft.entity == "lists" and draft.container in held.lists]
        ids = {(draft.entity, draft.source_id) for draft in drafts}
        mails = {mail for draft in drafts for mail in draft.unique.get(UNIQUE, ())}
        return [_list_record(held, draft.container or "", draft) for draft in named] + [
            self._record(record)
            for record in held.records.values()
            if (record.entity, self._source_id(record)) in ids
            or (record.entity == "people" and not mails.isdisjoint(record.values.get(UNIQUE, ())))
        ]

    async def create(self, draft: Draft, content: FileContent | None = None) -> TargetRecord:
        """Write a new record. Only people have a unique value, so only their creation is idempotent."""
        held = await self._target.change()
        if draft.entity == "lists":
            raise Rejected("This list was deleted after the job had made it. Run the job again.")
        await self._interrupt(held, "before", "create", draft)
        holder = _holder(held, draft.values)
        if holder is not None and self._source_id(holder) != draft.source_id:
            raise UniquenessConflict(attribute=UNIQUE)
        record = holder or Stored(f"{draft.entity}-{next(held.ids)}", draft.entity, {}, draft.container)
        record.values |= {**draft.values, **draft.on_create}
        held.records[record.id] = record
        if content is not None:
            held.contents[record.id] = content.file.read()
        held.writes["create", draft.entity, draft.source_id] += 1
        await self._interrupt(held, "after", "create", draft)
        return self._record(record)

    async def update(self, draft: Draft, target_id: str, values: Attributes) -> TargetRecord:
        """Give these attributes exactly these values."""
        held = await self._target.change()
        await self._interrupt(held, "before", "update", draft)
        if draft.entity == "lists":
            renamed = self._rename(held, draft, target_id, values)
            await self._interrupt(held, "after", "update", draft)
            return renamed
        record = held.records.get(target_id)
        if record is None:
            raise NotFound
        if _holder(held, values, besides=target_id) is not None:
            raise UniquenessConflict(attribute=UNIQUE)
        record.values = {slug: items for slug, items in {**record.values, **values}.items() if items}
        held.writes["update", draft.entity, draft.source_id] += 1
        await self._interrupt(held, "after", "update", draft)
        return self._record(record)

    async def delete(self, draft: Draft, target_id: str) -> None:
        """Delete a record."""
        held = await self._target.change()
        await self._interrupt(held, "before", "delete", draft)
        if held.records.pop(target_id, None) is None:
            raise NotFound
        held.writes["delete", draft.entity, draft.source_id] += 1
        await self._interrupt(held, "after", "delete", draft)

    def _rename(self, held: TargetWorkspace, draft: Draft, target_id: str, values: Attributes) -> TargetRecord:
        if target_id not in held.lists:
            raise NotFound
        if values.keys() != {"name"} or not values["name"]:
            raise Rejected("A list has a name, and nothing else can be changed.")
        definition = held.lists[target_id]
        held.lists[target_id] = type(definition)(
            id=definition.id, slug=definition.slug, name=values["name"][0], parents=definition.parents
        )
        held.writes["update", "lists", draft.source_id] += 1
        return _list_record(held, target_id, draft)

    def _record(self, record: Stored) -> TargetRecord:
        values = {slug: list(items) for slug, items in record.values.items()}
        return TargetRecord(id=record.id, source_id=self._source_id(record), values=values, container=record.list_id)

    def _source_id(self, record: Stored) -> str | None:
        marks: list[str | None] = record.values.get(self._mark, [None])
        return marks[0]

    async def _interrupt(self, held: TargetWorkspace, moment: Moment, verb: str, draft: Draft) -> None:
        await _interrupt(held, moment, verb, draft.entity, draft.source_id)


async def _interrupt(held: TargetWorkspace, moment: Moment, verb: str, entity: Entity, source_id: str) -> None:
    if held.interrupt is not None:
        await held.interrupt(moment, verb, entity, source_id)


def _list_record(held: TargetWorkspace, target_id: str, draft: Draft) -> TargetRecord:
    return TargetRecord(id=target_id, source_id=draft.source_id, values={"name": [held.lists[target_id].name]})


def _holder(held: TargetWorkspace, values: Attributes, besides: str | None = None) -> Stored | None:
    mails = set(values.get(UNIQUE, ()))
    return next(
        (
            record
            for record in held.records.values()
            if record.entity == "people"
            and record.id != besides
            and not mails.isdisjoint(record.values.get(UNIQUE, ()))
        ),
        None,
    )
