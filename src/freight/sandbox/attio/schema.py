"""Objects and attributes: what records of a workspace can hold."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from freight.sandbox.attio.errors import AttioError, not_found, refused
from freight.sandbox.attio.values import Option, Status

AttributeType = Literal[
    "text", "number", "checkbox", "currency", "date", "timestamp", "rating", "status", "select", "record-reference",
    "actor-reference", "location", "domain", "email-address", "phone-number", "interaction", "personal-name",
]  # fmt: skip
MULTISELECT_TYPES = frozenset(
    {"select", "record-reference", "actor-reference", "email-address", "phone-number", "domain"}
)


def now() -> str:
    """The present moment as Attio writes it, with nanoseconds."""
    return format_moment(datetime.now(UTC))


def format_moment(moment: datetime) -> str:
    """A moment in UTC as Attio writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"


class DefaultValue(msgspec.Struct, frozen=True):
    """What a new record holds where it was given nothing. The sandbox applies static ones."""

    type: Literal["static", "dynamic"]
    template: Any


class Attribute(msgspec.Struct, kw_only=True, eq=False):
    """One attribute of an object."""

    slug: str
    title: str
    type: AttributeType
    description: str | None = None
    id: str = msgspec.field(default_factory=lambda: str(uuid.uuid4()))
    is_system: bool = True
    is_writable: bool = True
    is_required: bool = False
    is_unique: bool = False
    is_multiselect: bool = False
    is_archived: bool = False
    default_value: DefaultValue | None = None
    currency: dict[str, str] | None = None
    allowed_objects: list[str] | None = None
    """Slugs of the objects that a record reference may point to; None is any."""
    inverse: tuple[str, str] | None = None
    """Object slug and attribute id of the other side of a relationship."""
    created_at: str = msgspec.field(default_factory=now)
    options: list[Option] = msgspec.field(default_factory=list)
    statuses: list[Status] = msgspec.field(default_factory=list)


class AttioObject:
    """An object with its attributes."""

    def __init__(self, slug: str, singular: str, plural: str, attributes: list[Attribute]) -> None:
        self.id = str(uuid.uuid4())
        self.slug = slug
        self.singular = singular
        self.plural = plural
        self.created_at = now()
        self._attributes: list[Attribute] = []
        self._named: dict[str, Attribute] = {}
        for attribute in attributes:
            self.add(attribute)

    def add(self, attribute: Attribute) -> None:
        """Add an attribute. Raises 409 if its slug is taken, also by an archived one."""
        self.require_free_slug(attribute.slug)
        self._attributes.append(attribute)
        self._named[attribute.slug] = self._named[attribute.id] = attribute

    def rename(self, attribute: Attribute, slug: str) -> None:
        """Give an attribute another slug. Raises 409 if that one is taken."""
        if slug != attribute.slug:
            self.require_free_slug(slug)
            del self._named[attribute.slug]
            attribute.slug = slug
            self._named[slug] = attribute

    def require_free_slug(self, slug: str) -> None:
        """Raises 409 if an attribute, archived or not, has this slug."""
        if slug in self._named:
            raise AttioError(
                409,
                "slug_conflict",
                "An attribute with the same API slug already exists on this object. Please choose a different API "
                "slug.",
            )

    def find(self, identifier: str) -> Attribute | None:
        """The attribute with this slug or id, also an archived one."""
        return self._named.get(identifier)

    def attribute(self, identifier: str) -> Attribute:
        """The attribute with this slug or id, also an archived one. Raises 404."""
        found = self.find(identifier)
        if found is None:
            raise not_found("Attribute", identifier)
        return found

    def attributes(self, *, archived: bool = False) -> Iterator[Attribute]:
        """The attributes in their order; with `archived` those as well."""
        return (attribute for attribute in self._attributes if archived or not attribute.is_archived)


def find_choice(attribute: Attribute, identifier: str) -> Option | Status | None:
    """The option or status with this title or id, also an archived one."""
    choices: list[Option] | list[Status] = attribute.statuses if attribute.type == "status" else attribute.options
    key = "status_id" if attribute.type == "status" else "option_id"
    return next((choice for choice in choices if identifier in {choice.title, choice.id[key]}), None)


def new_status(workspace_id: str, definition: AttioObject, attribute: Attribute, title: str) -> Status:
    """A status of an attribute, not yet among its statuses."""
    return Status({**_choice_ids(workspace_id, definition, attribute), "status_id": str(uuid.uuid4())}, title)


def new_option(workspace_id: str, definition: AttioObject, attribute: Attribute, title: str) -> Option:
    """An option of an attribute, not yet among its options."""
    return Option({**_choice_ids(workspace_id, definition, attribute), "option_id": str(uuid.uuid4())}, title)


def _choice_ids(workspace_id: str, definition: AttioObject, attribute: Attribute) -> dict[str, str]:
    return {"workspace_id": workspace_id, "object_id": definition.id, "attribute_id": attribute.id}


def require_type(attribute: Attribute, attribute_type: Literal["select", "status"]) -> None:
    """Raises 400 if the attribute is of another type."""
    if attribute.type != attribute_type:
        raise refused(f"This attribute is not a {attribute_type} attribute.")


def require_free_title(attribute: Attribute, title: str, what: str) -> None:
    """Raises 409 if another option or status has this title."""
    found = find_choice(attribute, title)
    if found is not None and found.title == title:
        raise AttioError(409, "slug_conflict", f'There is already another {what} with the title "{title}".')
