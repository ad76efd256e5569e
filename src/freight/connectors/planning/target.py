"""The target as planning sees it: its attribute types and existing attributes."""

from collections.abc import Callable, Iterator, Mapping

import msgspec

from freight.model.fields import Field, FieldType
from freight.model.mapping import AttributeType

OWNER_NAMES = frozenset({"owner", "owners", "deal owner", "lead", "deal lead", "account owner", "relationship owner"})
"""Common names of person fields that hold internal users."""

CHOSEN: tuple[AttributeType, ...] = ("select", "status")
"""Types of attributes whose values must be among their options."""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """The attribute types of a target."""

    label: str
    """The target's name in sentences."""
    possible: Mapping[FieldType, tuple[AttributeType, ...]]
    """The types that a field's values can become; the first is the default of a field with one value."""
    multiple: frozenset[AttributeType]
    """Types whose attributes can hold several values."""
    options_per_second: int
    """The options of an attribute that can be made in a second."""

    def default_type(self, field: Field) -> AttributeType:
        """Return the default type of a field. Several numbers or texts become one text with one value per line."""
        possible = self.possible[field.type]
        if names_owners(field) and "members" in possible:
            return "members"
        if field.multiple and field.type in ("number", "text") and "text" in possible:
            return "text"
        if field.multiple and field.type == "status" and "select" in possible:
            return "select"
        return possible[0]


class TargetAttribute(msgspec.Struct, frozen=True, kw_only=True):
    """An existing attribute of the target as a destination of fields."""

    slug: str
    types: frozenset[AttributeType]
    """The types that it can serve as; none for types that hold no field."""
    type: str
    """The target's name of its type."""
    multiple: bool = False
    is_writable: bool = True
    is_archived: bool = False
    made_for: str | None = None
    """The id of the field of this source for which Freight made it."""
    is_the_firms: bool = True
    """Whether the firm made it, and not the vendor or Freight: a field of the same name can use it."""


class FieldOwner(msgspec.Struct, frozen=True, kw_only=True):
    """An owner of fields, companies, people or a list, with its attributes in the target."""

    name: str
    """`companies`, `people`, or the id of a list."""
    attributes: Mapping[str, TargetAttribute]
    """By slug."""
    kept: frozenset[str]
    """Slugs that no mapping can name, because Freight or the target writes them."""
    standard: frozenset[str]
    """Slugs that standard parts of records fill: a field uses one only if the job names it."""
    identifying: frozenset[str]
    """Those of them that identify a record."""
    slugs: Callable[[Field], Iterator[str]]
    """Yields slugs for the attribute of a field, the preferred one first, without end."""


def names_owners(field: Field) -> bool:
    """Return whether a field holds internal users, judged by its name."""
    return field.type == "person" and field.name.strip().casefold() in OWNER_NAMES
