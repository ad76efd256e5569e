"""Attio as a target."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import httpx

from freight.connectors.attio import drafting
from freight.connectors.attio.client import AttioClient
from freight.connectors.attio.concurrency import gather_all
from freight.connectors.attio.definitions import Definitions
from freight.connectors.attio.drafting import MappingIndex
from freight.connectors.attio.implied import implied
from freight.connectors.attio.planning.checks import check_scopes
from freight.connectors.attio.planning.existing import discover
from freight.connectors.attio.planning.prepare import choice_attribute_of, prepare
from freight.connectors.attio.planning.resolve import Request, assemble, resolve_fields, resolve_lists
from freight.connectors.attio.provenance import Marks
from freight.connectors.attio.writing.catalog import AttributeCatalog
from freight.connectors.attio.writing.entries import Entries
from freight.connectors.attio.writing.files import Files
from freight.connectors.attio.writing.lists import Lists
from freight.connectors.attio.writing.notes import Notes
from freight.connectors.attio.writing.objects import Objects
from freight.connectors.attio.writing.queries import Queries
from freight.connectors.attio.writing.tasks import Tasks
from freight.connectors.errors import PermissionMissing, UnexpectedAnswer
from freight.connectors.protocols import (
    Attributes,
    Draft,
    FileContent,
    Implied,
    Pacer,
    References,
    SchemaPlan,
    TargetRecord,
    Usage,
    Workspace,
)
from freight.model.crm import LOAD_ORDER, Entity, Record
from freight.model.mapping import Mapping as JobMapping
from freight.model.provenance import Provenance
from freight.model.resolved_mapping import ResolvedMapping
from freight.model.schema import Schema

SCOPES = ("record_permission:read-write", "object_configuration:read-write")


class Store(Protocol):
    """Finds, reads and writes records of one entity; see `freight.connectors.protocols.Writer`."""

    async def read(self, drafts: Mapping[str, Draft]) -> list[TargetRecord]:
        """Return the records with these ids."""
        ...

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """Return the records that may be those of the drafts."""
        ...

    async def create(self, draft: Draft, content: FileContent | None, /) -> TargetRecord:
        """Write a new record."""
        ...

    async def update(self, draft: Draft, target_id: str, values: Attributes, /) -> TargetRecord:
        """Change a record."""
        ...

    async def delete(self, draft: Draft, target_id: str, /) -> None:
        """Delete a record."""
        ...


class AttioTarget:
    """Writes an Attio workspace; see `freight.connectors.protocols.Target`."""

    def __init__(
        self, api_key: str, *, base_url: str, pacer: Pacer, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._client = AttioClient(api_key, base_url=base_url, pacer=pacer, transport=transport)
        self._definitions = Definitions(self._client)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._client.base_url}>"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def take_usage(self) -> Usage:
        """Return the use of Attio's API since the last call."""
        return self._client.take_usage()

    async def identify(self) -> Workspace:
        """Return the workspace of the key. Raise `PermissionMissing` if the key lacks what every job needs."""
        match await self._client.identify():
            case {"workspace_id": str(workspace_id)} as answer:
                pass
            case _:
                raise UnexpectedAnswer("Attio does not name the workspace of the API key.")
        scope = answer.get("scope")
        if isinstance(scope, str) and (missing := [needed for needed in SCOPES if needed not in scope.split()]):
            raise PermissionMissing(
                f"The Attio API key lacks {' and '.join(missing)}: grant it in Attio's developer settings "
                "and try again."
            )
        return Workspace(id=workspace_id, name=str(answer.get("workspace_name") or workspace_id))

    async def plan_schema(
        self, schema: Schema, mapping: JobMapping, entities: Collection[Entity], provenance: Provenance
    ) -> SchemaPlan:
        """Return the plan for these entities. Reads the target and changes nothing."""
        identity = await self._client.identify()
        if lacking := check_scopes(identity.get("scope"), entities):
            # Without these scopes the workspace cannot be examined further.
            loaded = tuple(entity for entity in LOAD_ORDER if entity in entities)
            return SchemaPlan(layout=ResolvedMapping(provenance=provenance, entities=loaded), issues=tuple(lacking))
        existing = await discover(
            self._definitions,
            schema,
            mapping,
            entities,
            Marks(provenance),
            authorized_by=identity.get("authorized_by_workspace_member_id"),
        )
        request = Request(
            schema=schema, mapping=mapping, entities=tuple(entities), provenance=provenance, existing=existing
        )
        lists = resolve_lists(request)
        fields = resolve_fields(request, lists[0])
        choice_attributes = {
            (place.owner, place.attribute): choice_attribute
            for place in fields[0]
            if place.attribute is not None
            and place.action != "make"
            and (choice_attribute := choice_attribute_of(place, lists[0])) is not None
        }
        choices = await gather_all(
            self._definitions.choices(choice_attribute) for choice_attribute in choice_attributes.values()
        )
        return assemble(request, lists, fields, dict(zip(choice_attributes, choices, strict=True)))

    async def ensure_schema(self, layout: ResolvedMapping) -> ResolvedMapping:
        """Make what is missing. Idempotent. Return the layout with the ids."""
        return await prepare(self._definitions, layout)

    def writer(self, layout: ResolvedMapping) -> "AttioWriter":
        """Return a writer for this layout."""
        return AttioWriter(self._client, self._definitions, layout)


class AttioWriter:
    """Writes the records of an Attio workspace; see `freight.connectors.protocols.Writer`."""

    makes: frozenset[Entity] = frozenset({"companies"})

    def __init__(self, client: AttioClient, definitions: Definitions, layout: ResolvedMapping) -> None:
        self._guide = MappingIndex(layout)
        catalog = AttributeCatalog(definitions, layout)
        queries = Queries(client)
        objects = Objects(client, queries, catalog)
        self._stores: dict[Entity, Store] = {
            "companies": objects,
            "people": objects,
            "deals": objects,
            "lists": Lists(definitions),
            "list_entries": Entries(client, queries, catalog),
            "notes": Notes(client, catalog.marks),
            "tasks": Tasks(client, catalog.marks),
            "files": Files(client),
        }

    def draft(self, record: Record, references: References) -> Draft:
        """Return the record in Attio's terms, with an issue for each value that Attio cannot hold."""
        return drafting.draft(record, references, self._guide)

    def implied(self, draft: Draft) -> tuple[Implied, ...]:
        """Return the companies that Attio creates by itself with this draft."""
        return implied(draft)

    async def read(self, drafts: Mapping[str, Draft]) -> list[TargetRecord]:
        """Return the records with these ids."""
        return await self._stores[_entity(drafts.values())].read(drafts) if drafts else []

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """Return the records that may be those of the drafts."""
        return await self._stores[_entity(drafts)].find(drafts) if drafts else []

    async def create(self, draft: Draft, content: FileContent | None = None) -> TargetRecord:
        """Write a new record."""
        return await self._stores[draft.entity].create(draft, content)

    async def update(self, draft: Draft, target_id: str, values: Attributes) -> TargetRecord:
        """Give these attributes exactly these values, and leave the others."""
        return await self._stores[draft.entity].update(draft, target_id, values)

    async def delete(self, draft: Draft, target_id: str) -> None:
        """Delete the record that was made from this draft."""
        await self._stores[draft.entity].delete(draft, target_id)


def _entity(drafts: Collection[Draft]) -> Entity:
    return next(iter(drafts)).entity
