"""What planning must know of a target: what its attributes can be, and which of them exist."""

from collections.abc import Callable, Iterator, Mapping

import msgspec

from freight.model.fields import Field, FieldType
from freight.model.mapping import AttributeType

OWNER_NAMES = frozenset({"owner", "owners", "deal owner", "lead", "deal lead", "account owner", "relationship owner"})
"""Names of person fields that hold the firm's own people, as firms use them."""

CHOSEN: tuple[AttributeType, ...] = ("select", "status")
"""Types of attributes that take only what is among their options."""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a target can make of fields."""

    label: str
    """The target's name in sentences."""
    possible: Mapping[FieldType, tuple[AttributeType, ...]]
    """What a field's values can become; the first is the default of a field that holds one value."""
    multiple: frozenset[AttributeType]
    """Types whose attributes can hold several values."""
    options_per_second: int
    """How many options of an attribute can be made in a second."""

    def default_type(self, field: Field) -> AttributeType:
        """Return what a field becomes. Several numbers or texts become one text with a value a line."""
        possible = self.possible[field.type]
        if names_owners(field) and "members" in possible:
            return "members"
        if field.multiple and field.type in ("number", "text") and "text" in possible:
            return "text"
        if field.multiple and field.type == "status" and "select" in possible:
            return "select"
        return possible[0]


class TargetAttribute(msgspec.Struct, frozen=True, kw_only=True):
    """An attribute that exists in the target, as far as a field may go there."""

    slug: str
    types: frozenset[AttributeType]
    """What it can serve as; none for types that hold no field."""
    type: str
    """What the target calls its type."""
    multiple: bool = False
    is_writable: bool = True
    is_archived: bool = False
    made_for: str | None = None
    """The id of the field of this source that Freight made it for."""
    is_the_firms: bool = True
    """Whether the firm made it, so that a field of the same name may go there: not the vendor, and not Freight."""


class FieldOwner(msgspec.Struct, frozen=True, kw_only=True):
    """What has fields of its own, companies, people or a list, with what it has in the target."""

    name: str
    """`companies`, `people`, or the id of a list."""
    attributes: Mapping[str, TargetAttribute]
    """By slug."""
    kept: frozenset[str]
    """Slugs that no mapping may name: what Freight or the target writes itself."""
    standard: frozenset[str]
    """Slugs of what standard parts of records fill: a field goes there only where the job names it."""
    identifying: frozenset[str]
    """Those of them that hold what a record is known by."""
    slugs: Callable[[Field], Iterator[str]]
    """The slugs that an attribute of a field may have, the preferred one first, without end."""


def names_owners(field: Field) -> bool:
    """Return whether a field holds the firm's own people, by its name."""
    return field.type == "person" and field.name.strip().casefold() in OWNER_NAMES
