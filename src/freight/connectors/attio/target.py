"""Attio as a target: drafts in, records out."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx

from freight.connectors.attio import drafts
from freight.connectors.attio.client import AttioClient, AttioRecord
from freight.connectors.attio.values import ATTRIBUTES, UNIQUE_ATTRIBUTE, read_values
from freight.connectors.errors import CredentialsRefused, PermissionMissing, Rejected, UnexpectedAnswer
from freight.connectors.protocols import Attributes, Draft, Pacer, TargetRecord, Usage, Workspace
from freight.crm import Entity, Record

Item = TypeVar("Item")

SCOPES = ("record_permission:read-write", "object_configuration:read-write")

SOURCE_ID = "affinity_id"

QUERY_SIZE = 200
"""Records looked for in one query: Attio weighs queries by their filters, and documents no greatest number."""

ADDED_ATTRIBUTES: dict[Entity, dict[str, str]] = {
    "companies": {SOURCE_ID: "Affinity ID", "phone_numbers": "Phone numbers"},
    "people": {SOURCE_ID: "Affinity ID"},
}
"""What Attio's standard objects lack, as slug → title."""

UNIQUE_FIELD = {"domains": "domain", "email_addresses": "email_address"}
"""The part of a unique attribute's values that a filter compares."""


class AttioTarget:
    """Writes an Attio workspace; see `freight.connectors.protocols.Target`."""

    def __init__(
        self, api_key: str, *, base_url: str, pacer: Pacer, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._client = AttioClient(api_key, base_url=base_url, pacer=pacer, transport=transport)
        self._attributes: dict[Entity, dict[str, dict[str, Any]]] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._client.base_url}>"

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def take_usage(self) -> Usage:
        """What has been asked of the vendor since this was called last."""
        return self._client.take_usage()

    async def identify(self) -> Workspace:
        """The workspace that the key opens. Raises `PermissionMissing` if the key lacks a scope that Freight needs."""
        match await self._client.identify():
            case {"active": False}:
                raise CredentialsRefused("The Attio API key is not active: it was revoked or has expired.")
            case {"workspace_id": str(workspace_id)} as answer:
                pass
            case _:
                raise UnexpectedAnswer("Attio did not say which workspace the API key opens.")
        scope = answer.get("scope")
        if isinstance(scope, str) and (missing := [needed for needed in SCOPES if needed not in scope.split()]):
            raise PermissionMissing(
                f"The Attio API key lacks {' and '.join(missing)}: grant it in Attio's developer settings "
                "and try again."
            )
        return Workspace(id=workspace_id, name=str(answer.get("workspace_name") or workspace_id))

    async def prepare_schema(self, entities: Sequence[Entity]) -> None:
        """Make the attributes that Attio's standard objects lack. Raises `Rejected` where a slug has another use."""
        for entity in entities:
            await self._load_attributes(entity)
            for slug, title in ADDED_ATTRIBUTES[entity].items():
                await self._prepare_attribute(entity, slug, title)
            await self._load_attributes(entity)

    def draft(self, record: Record, references: Mapping[tuple[Entity, str], str]) -> Draft:
        """The record in Attio's terms, with an issue for each value that Attio cannot hold."""
        return drafts.draft(record, references)

    async def read(self, entity: Entity, target_ids: Collection[str]) -> list[TargetRecord]:
        """The records with those ids."""
        found: list[TargetRecord] = []
        for ids in _chunks(list(target_ids)):
            found += [_target_record(entity, item) for item in await self._query(entity, {"record_id": {"$in": ids}})]
        return found

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """Every record that carries the source id or a unique value of one of the drafts, oldest first in a query."""
        found: dict[str, TargetRecord] = {}
        for chunk in _chunks(drafts):
            entity = chunk[0].entity
            unique = UNIQUE_ATTRIBUTE[entity]
            conditions: list[dict[str, Any]] = []
            # Before the schema was prepared, as in a dry run, nothing can carry a source id.
            if await self._has_source_id(entity):
                conditions.append({SOURCE_ID: {"$in": [draft.source_id for draft in chunk]}})
            if held := list(dict.fromkeys(value for draft in chunk for value in draft.unique.get(unique, ()))):
                conditions.append({unique: {UNIQUE_FIELD[unique]: {"$in": held}}})
            if conditions:
                for item in await self._query(entity, {"$or": conditions}):
                    found[item.id] = _target_record(entity, item)
        return list(found.values())

    async def create(self, draft: Draft) -> TargetRecord:
        """Write a new record, by an upsert where it has unique values. Otherwise `InDoubt` is possible."""
        async with self._naming_attributes(draft.entity):
            if draft.unique:
                matching = next(iter(draft.unique))
                written = await self._client.upsert(draft.entity, matching, draft.values)
            else:
                written = await self._client.create(draft.entity, draft.values)
        return _target_record(draft.entity, written)

    async def update(self, entity: Entity, target_id: str, values: Attributes) -> TargetRecord:
        """Give these attributes exactly these values, and leave the others."""
        async with self._naming_attributes(entity):
            written = await self._client.update(entity, target_id, values)
        return _target_record(entity, written)

    async def _query(self, entity: Entity, filter_: Mapping[str, Any]) -> list[AttioRecord]:
        async with self._naming_attributes(entity):
            return await self._client.query(entity, filter_)

    async def _prepare_attribute(self, entity: Entity, slug: str, title: str) -> None:
        type_ = ATTRIBUTES[entity][slug]
        definition: dict[str, object] = {
            "title": title,
            "description": None,
            "api_slug": slug,
            "type": type_,
            "is_required": False,
            "is_unique": False,
            "is_multiselect": type_ == "phone-number",
            "config": {},
        }
        if slug not in self._attributes[entity]:
            try:
                await self._client.create_attribute(entity, definition)
            except Rejected as error:
                if error.vendor_code != "slug_conflict":
                    raise
                await self._load_attributes(entity)
            else:
                return
        existing = self._attributes[entity].get(slug, {})
        if any(existing.get(key) != definition[key] for key in ("type", "is_multiselect")):
            raise Rejected(
                f"Attio's {entity} already have an attribute `{slug}` which is not "
                f"{'a list of telephone numbers' if definition['is_multiselect'] else 'a text'}: give that one another "
                "slug in Attio and run the job again.",
                attribute=slug,
            )
        if existing.get("is_archived"):
            await self._client.update_attribute(entity, slug, {"is_archived": False})

    async def _load_attributes(self, entity: Entity) -> dict[str, dict[str, Any]]:
        self._attributes[entity] = {item["api_slug"]: item for item in await self._client.list_attributes(entity)}
        return self._attributes[entity]

    async def _has_source_id(self, entity: Entity) -> bool:
        attributes = self._attributes.get(entity, {})
        if SOURCE_ID not in attributes:
            attributes = await self._load_attributes(entity)
        return SOURCE_ID in attributes and not attributes[SOURCE_ID].get("is_archived")

    @asynccontextmanager
    async def _naming_attributes(self, entity: Entity) -> AsyncIterator[None]:
        """Attio often names attributes by their ids, which say nothing to people: put the slug in their place."""
        try:
            yield
        except Rejected as error:
            if error.attribute is not None and error.attribute not in ATTRIBUTES[entity]:
                attributes = self._attributes.get(entity) or await self._load_attributes(entity)
                ids = {item["id"].get("attribute_id"): slug for slug, item in attributes.items() if "id" in item}
                error.attribute = ids.get(error.attribute, error.attribute)
            raise


def _target_record(entity: Entity, record: AttioRecord) -> TargetRecord:
    values = read_values(entity, record.values)
    return TargetRecord(id=record.id, source_id=values.get(SOURCE_ID, [None])[0], values=values)


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + QUERY_SIZE] for start in range(0, len(items), QUERY_SIZE))
