"""The present schema of an Attio workspace, as a plan needs it."""

from collections.abc import Collection

import msgspec

from freight.connectors.attio.concurrency import gather_all
from freight.connectors.attio.definitions import (
    Attribute,
    ChoiceAttribute,
    Container,
    Definitions,
    Member,
)
from freight.connectors.attio.planning.lists import matching_list
from freight.connectors.attio.provenance import Marks
from freight.connectors.attio.standard import OBJECTS
from freight.connectors.planning.choices import Choice
from freight.connectors.planning.lists import ListDefinition
from freight.model.crm import Entity
from freight.model.mapping import Mapping
from freight.model.schema import Schema

STAGES = ChoiceAttribute(Container("objects", "deals"), "stage", "status")

LISTED: tuple[Entity, ...] = ("lists", "list_entries")
"""Entities that need the lists themselves."""


class Existing(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a workspace that a plan depends on."""

    objects: dict[str, dict[str, Attribute]] = {}
    """The attributes, by slug, of the objects that are migrated and enabled."""
    enabled: frozenset[str] = frozenset()
    """The slugs of all enabled objects."""
    lists: tuple[ListDefinition, ...] = ()
    list_attributes: dict[str, dict[str, Attribute]] = {}
    """The attributes, by slug, of the lists that can be written to, by list id."""
    stages: tuple[Choice, ...] = ()
    """The stages of deals, archived ones included."""
    members: tuple[Member, ...] = ()
    authorized_by: str | None = None
    """The id of the member who created the key."""


async def discover(
    definitions: Definitions,
    schema: Schema,
    mapping: Mapping,
    entities: Collection[Entity],
    marks: Marks,
    *,
    authorized_by: str | None,
) -> Existing:
    """Read the present schema from Attio. Raise a `ConnectorError` on failure."""
    enabled = frozenset((await definitions.objects()).values())
    names: list[str] = [name for name in OBJECTS if name in entities and name in enabled]
    attributes = await gather_all(definitions.attributes(Container("objects", name)) for name in names)
    objects: dict[str, dict[str, Attribute]] = dict(zip(names, attributes, strict=True))
    stages: list[Choice] = []
    if "stage" in objects.get("deals", {}):
        stages = await definitions.choices(STAGES)
    lists = await definitions.lists() if any(entity in entities for entity in LISTED) else []
    matches = [
        matching_list(given, mapping, lists, {}, marks) for given in schema.lists if mapping.migrates_list(given.id)
    ]
    # A list without a known slug can be any of them.
    used = [found.id for found in (lists if None in matches else matches) if found is not None]
    list_attributes = await gather_all(definitions.attributes(Container("lists", list_id)) for list_id in used)
    return Existing(
        objects=objects,
        enabled=enabled,
        lists=tuple(lists),
        list_attributes=dict(zip(used, list_attributes, strict=True)),
        stages=tuple(stages),
        members=tuple(await definitions.members()),
        authorized_by=authorized_by,
    )
