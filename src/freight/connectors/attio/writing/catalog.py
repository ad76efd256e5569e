"""The attributes of the workspace that is written to, and the interpretation of Attio's errors."""

import re
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from freight.connectors.attio.definitions import Attribute, Container, Definitions
from freight.connectors.attio.provenance import Marks, marks_of
from freight.connectors.attio.standard import ATTIO_TYPES, written_types
from freight.connectors.errors import NotFound, Rejected
from freight.connectors.protocols import Attributes
from freight.model.resolved_mapping import ResolvedMapping

Item = TypeVar("Item")

QUOTED = re.compile(r'"([^"]+)"')


class AttributeCatalog:
    """The attributes of a workspace, according to the layout and to Attio."""

    def __init__(self, definitions: Definitions, layout: ResolvedMapping) -> None:
        self.layout = layout
        self._definitions = definitions
        self._types: dict[str, dict[str, str]] = {}
        self._attributes: dict[Container, dict[str, Attribute]] = {}
        for place in layout.places:
            if place.attribute is not None and place.type is not None:
                types = self._types.setdefault(place.owner, {})
                types[place.attribute] = ATTIO_TYPES[place.type]

    @property
    def marks(self) -> Marks:
        """The marks of the source system."""
        return marks_of(self.layout)

    def types(self, owner: str) -> Mapping[str, str]:
        """Return the attributes that Freight writes on `companies`, `people`, `deals`, or a list, with their types."""
        return {**written_types(owner, self.marks), **self._types.get(owner, {})}

    async def has(self, container: Container, slug: str) -> bool:
        """Return whether an object or a list has an attribute now; in a dry run some are still to be made."""
        if slug not in self._attributes.get(container, {}):
            await self._load(container)
        attribute = self._attributes[container].get(slug)
        return attribute is not None and not attribute.is_archived

    @asynccontextmanager
    async def naming(self, container: Container, sent: Attributes) -> AsyncIterator[None]:
        """Add the slug of the attribute to a refusal: Attio often gives only its id, or the value that it refused."""
        try:
            yield
        except Rejected as error:
            error.attribute = await self._slug(container, error, sent)
            raise

    async def _slug(self, container: Container, error: Rejected, sent: Attributes) -> str | None:
        named = error.attribute
        if named is None:
            return await self._refused(container, QUOTED.findall(str(error)), sent)
        if named in sent:
            return named
        attributes = self._attributes.get(container) or await self._load(container)
        return next((slug for slug, attribute in attributes.items() if attribute.id == named), named)

    async def _refused(self, container: Container, quoted: Sequence[str], sent: Attributes) -> str | None:
        """Return the attribute for which one of these titles or ids was sent."""
        holding = _holding(quoted, sent)
        if len(holding) > 1:
            # A text can equal the unknown title, and is never refused for its content.
            attributes = self._attributes.get(container) or await self._load(container)
            holding.sort(key=lambda slug: slug in attributes and attributes[slug].type == "text")
        return holding[0] if holding else None

    async def _load(self, container: Container) -> dict[str, Attribute]:
        self._attributes[container] = await self._definitions.attributes(container)
        return self._attributes[container]


def unchangeable(attribute: str, what: str) -> Rejected:
    """Return the error for an attribute that no client can change."""
    return Rejected(
        f"Attio does not let the {attribute} of a {what} be changed once it is made: change it by hand, or make the "
        f"{what} again there.",
        attribute=attribute,
    )


async def if_present(reading: Coroutine[Any, Any, Item]) -> Item | None:
    """Return the result, or None if the record no longer exists."""
    try:
        return await reading
    except NotFound:
        return None


def _holding(quoted: Sequence[str], sent: Attributes) -> list[str]:
    return [slug for slug, items in sent.items() if any(_name(item) in quoted for item in items)]


def _name(item: object) -> object:
    """Return the value that Attio does not know, as named in its error: the title of an option, or an id."""
    return item.get("target_record_id", item.get("referenced_actor_id")) if isinstance(item, dict) else item
