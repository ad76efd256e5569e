"""Make what a layout needs and the workspace lacks. Idempotent, also if two workers do it concurrently."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from freight.connectors.attio.concurrency import gather_all
from freight.connectors.attio.definitions import Attribute, ChoiceAttribute, Container, Definitions
from freight.connectors.attio.planning.attributes import types_of
from freight.connectors.attio.planning.checks import serves
from freight.connectors.attio.planning.existing import LISTED, STAGES
from freight.connectors.attio.provenance import Marks, marks_of
from freight.connectors.attio.standard import ATTIO_TYPES, OBJECTS, ManagedAttribute, managed_attributes
from freight.connectors.errors import Rejected
from freight.connectors.planning.choices import Choice
from freight.connectors.planning.lists import ListDefinition
from freight.model.mapping import AttributeType
from freight.model.resolved_mapping import ListPlace, Place, ResolvedMapping

Definition = dict[str, Any]
Fit = Callable[[Attribute], bool]
"""Whether an existing attribute can serve as one that is to be made."""

CURRENCY = {"default_currency_code": "USD", "display_type": "symbol"}
"""Attio keeps a currency with each attribute, and numbers of the source have none: this is the one of Attio's deals."""


async def prepare(definitions: Definitions, layout: ResolvedMapping) -> ResolvedMapping:
    """Make lists, attributes and choices, and return the layout with the ids of the lists.

    Raise `Rejected` where Attio refuses a part.
    """
    marks = marks_of(layout)
    lists = layout.lists
    if any(entity in layout.entities for entity in LISTED):
        lists = await _prepare_lists(definitions, lists)
    await gather_all(
        _prepare_attributes(
            definitions, owner, container, [place for place in layout.places if place.owner == owner], marks
        )
        for owner, container in _owners(layout, lists)
    )
    choice_attributes = [
        (choice_attribute_of(place, lists), place.new_options) for place in layout.places if place.new_options
    ]
    if layout.new_stages:
        choice_attributes.append((STAGES, layout.new_stages))
    await gather_all(
        _prepare_choices(definitions, choice_attribute, titles)
        for choice_attribute, titles in choice_attributes
        if choice_attribute
    )
    return msgspec.structs.replace(layout, lists=lists)


def choice_attribute_of(place: Place, lists: Sequence[ListPlace]) -> ChoiceAttribute | None:
    """Return the attribute of a place if it has choices; None for others and on a list that does not exist."""
    container = container_of(place.owner, lists)
    if container is None or place.attribute is None or place.type not in ("select", "status"):
        return None
    return ChoiceAttribute(container, place.attribute, place.type)


def container_of(owner: str, lists: Sequence[ListPlace]) -> Container | None:
    """Return the container of an owner of fields; None for a list that does not exist."""
    if owner in OBJECTS:
        return Container("objects", owner)
    target_id = next((place.target_id for place in lists if place.list_id == owner), None)
    return None if target_id is None else Container("lists", target_id)


def _owners(layout: ResolvedMapping, lists: Sequence[ListPlace]) -> list[tuple[str, Container]]:
    objects = [name for name in OBJECTS if name in layout.entities]
    owners = [*objects, *(place.list_id for place in lists if place.action != "skip")]
    return [(owner, container) for owner in owners if (container := container_of(owner, lists)) is not None]


async def _prepare_lists(definitions: Definitions, places: Sequence[ListPlace]) -> tuple[ListPlace, ...]:
    existing = {found.slug: found for found in await definitions.lists()}
    prepared = []
    for place in places:
        if place.action == "skip" or place.target_id is not None:
            prepared.append(place)
            continue
        found = existing.get(place.slug) or await _make_list(definitions, place)
        if place.parent not in found.parents:
            raise Rejected(
                f"Attio's list {place.slug} holds other records than {place.parent}, which the list {place.name} "
                "holds: give that list another slug in Attio and run the job again."
            )
        prepared.append(msgspec.structs.replace(place, target_id=found.id))
    return tuple(prepared)


async def _make_list(definitions: Definitions, place: ListPlace) -> ListDefinition:
    try:
        return await definitions.make_list(slug=place.slug, name=place.name, parent=place.parent)
    except Rejected as error:
        if error.vendor_code != "slug_conflict":
            raise
    # Another worker may have just made it.
    found = next((found for found in await definitions.lists() if found.slug == place.slug), None)
    if found is None:
        raise Rejected(
            f"Attio has a list {place.slug} that this API key cannot read, so the list {place.name} cannot be made "
            "under that slug. Give the key access to it, or name another slug in the mapping."
        )
    return found


async def _prepare_attributes(
    definitions: Definitions, owner: str, container: Container, places: Sequence[Place], marks: Marks
) -> None:
    """Make the attributes one after the other, because Attio shows them in the order of creation."""
    existing = await definitions.attributes(container)
    preparing = _Preparing(definitions, container, existing)
    for added in managed_attributes(owner, marks):
        await preparing.attribute(*_added(added))
    for place in places:
        if place.attribute is not None and place.type is not None:
            await preparing.attribute(*_placed(place, place.attribute, place.type, marks))


class _Preparing:
    """The attributes of one object or list."""

    def __init__(self, definitions: Definitions, container: Container, existing: Mapping[str, Attribute]) -> None:
        self._definitions = definitions
        self._container = container
        self._existing = existing

    async def attribute(self, definition: Definition, fits: Fit) -> None:
        """Make an attribute with this definition, or restore it, if it is missing."""
        slug = definition["api_slug"]
        if slug not in self._existing:
            try:
                await self._definitions.make_attribute(self._container, definition)
            except Rejected as error:
                if error.vendor_code != "slug_conflict":
                    error.attribute = slug
                    raise
                self._existing = await self._definitions.attributes(self._container)
            else:
                return
        found = self._existing.get(slug)
        if found is None or not fits(found):
            raise Rejected(
                f"Attio's {self._container.kind} {self._container.name} have an attribute {slug} which is not of the "
                f"type {definition['type']}: give it another slug in Attio and run the job again.",
                attribute=slug,
            )
        if found.is_archived:
            await self._definitions.restore_attribute(self._container, slug)


async def _prepare_choices(definitions: Definitions, choice_attribute: ChoiceAttribute, titles: Sequence[str]) -> None:
    """Make the choices one after the other, because Attio shows them in the order of creation."""
    existing = {choice.title: choice for choice in await definitions.choices(choice_attribute)}
    for title in titles:
        found = existing.get(title) or await _make_choice(definitions, choice_attribute, title)
        if found is not None and found.is_archived:
            await definitions.restore_choice(choice_attribute, found)


async def _make_choice(definitions: Definitions, choice_attribute: ChoiceAttribute, title: str) -> Choice | None:
    """Make a choice. Return None, or the existing choice for which Attio refuses it."""
    try:
        await definitions.make_choice(choice_attribute, title)
    except Rejected as error:
        if error.vendor_code != "slug_conflict":
            error.attribute = choice_attribute.slug
            raise
    else:
        return None
    # Attio does not document whether it distinguishes titles by case.
    alike = [
        choice for choice in await definitions.choices(choice_attribute) if choice.title.casefold() == title.casefold()
    ]
    return next((choice for choice in alike if choice.title == title), next(iter(alike), None))


def _added(added: ManagedAttribute) -> tuple[Definition, Fit]:
    definition = _definition(added.slug, added.title, added.type, multiple=added.multiple, unique=added.unique)
    definition["description"] = added.description
    return definition, lambda found: serves(found, added)


def _placed(place: Place, slug: str, type_: AttributeType, marks: Marks) -> tuple[Definition, Fit]:
    definition = _definition(slug, place.title or place.name, ATTIO_TYPES[type_], multiple=place.multiple)
    definition["description"] = marks.of_field(place.field)
    if type_ == "currency":
        definition["config"] = {"currency": CURRENCY}
    elif type_ in ("people", "companies"):
        definition["config"] = {"record_reference": {"allowed_objects": [type_]}}
    return definition, lambda found: type_ in types_of(found)


def _definition(slug: str, title: str, type_: str, *, multiple: bool, unique: bool = False) -> Definition:
    return {
        "title": title,
        "description": None,
        "api_slug": slug,
        "type": type_,
        "is_required": False,
        "is_unique": unique,
        "is_multiselect": multiple,
        "config": {},
    }
