"""Objects, lists and their attributes: what records and entries of a workspace can hold."""

import uuid
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import msgspec

from freight_sandbox.attio.errors import AttioError, not_found, refused
from freight_sandbox.attio.moments import now
from freight_sandbox.attio.values import Actor, Option, Status

AttributeType = Literal[
    "text", "number", "checkbox", "currency", "date", "timestamp", "rating", "status", "select", "record-reference",
    "actor-reference", "location", "domain", "email-address", "phone-number", "interaction", "personal-name",
]  # fmt: skip
MULTISELECT_TYPES = frozenset(
    {"select", "record-reference", "actor-reference", "email-address", "phone-number", "domain"}
)
AccessLevel = Literal["full-access", "read-and-write", "read-only"]


class DefaultValue(msgspec.Struct, frozen=True):
    """The default of an attribute: values, or the name of something to be computed."""

    type: Literal["static", "dynamic"]
    template: Any


class Choices:
    """The options of a select attribute, or the statuses of a status attribute, in their order."""

    def __init__(self) -> None:
        self._all: list[Option] = []
        self._named: dict[str, Option] = {}

    def add(self, choice: Option) -> None:
        """Add an option or status. Raise 409 if its title is taken, also by an archived one."""
        self._require_free(choice, choice.title)
        self._all.append(choice)
        self._named[choice.title] = self._named[choice.choice_id] = choice

    def rename(self, choice: Option, title: str) -> None:
        """Rename an option or status. Raise 409 if the title is taken."""
        if title != choice.title:
            self._require_free(choice, title)
            del self._named[choice.title]
            choice.title = title
            self._named[title] = choice

    def find(self, identifier: str) -> Option | None:
        """Return the option or status with this title or id, even an archived one."""
        return self._named.get(identifier)

    def listed(self, *, archived: bool) -> list[Option]:
        """Return the options or statuses in order; with `archived` including archived ones."""
        return [choice for choice in self._all if archived or not choice.is_archived]

    def _require_free(self, choice: Option, title: str) -> None:
        if title in self._named:
            what = "status" if isinstance(choice, Status) else "select option"
            raise AttioError(409, "slug_conflict", f'There is already another {what} with the title "{title}".')


class Attribute(msgspec.Struct, kw_only=True, eq=False):
    """One attribute of an object or a list."""

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
    """Slugs of the objects that a record reference can point to; None means any."""
    inverse: tuple[str, str] | None = None
    """Object slug and attribute id of the other side of a relationship."""
    created_at: str = msgspec.field(default_factory=now)
    choices: Choices = msgspec.field(default_factory=Choices)

    @property
    def is_implied(self) -> bool:
        """Whether the values follow from the record itself, such as its id."""
        return self.is_system and not self.is_writable


class Definition:
    """The common part of objects and lists: attributes."""

    noun: ClassVar[str]
    values_key: ClassVar[str]
    """The key of the values in requests and answers."""

    def __init__(self, slug: str, attributes: list[Attribute]) -> None:
        self.id = str(uuid.uuid4())
        self.slug = slug
        self.created_at = now()
        self._attributes: list[Attribute] = []
        self._named: dict[str, Attribute] = {}
        for attribute in attributes:
            self.add(attribute)

    def add(self, attribute: Attribute) -> None:
        """Add an attribute. Raise 409 if its slug is taken, also by an archived one."""
        self.require_free_slug(attribute.slug)
        self._attributes.append(attribute)
        self._named[attribute.slug] = self._named[attribute.id] = attribute

    def rename(self, attribute: Attribute, slug: str) -> None:
        """Change an attribute's slug. Raise 409 if it is taken."""
        if slug != attribute.slug:
            self.require_free_slug(slug)
            del self._named[attribute.slug]
            attribute.slug = slug
            self._named[slug] = attribute

    def require_free_slug(self, slug: str) -> None:
        """Raise 409 if an attribute, archived or not, has this slug."""
        if slug in self._named:
            raise AttioError(
                409,
                "slug_conflict",
                f"An attribute with the same API slug already exists on this {self.noun}. Please choose a different "
                "API slug.",
            )

    def find(self, identifier: str) -> Attribute | None:
        """Return the attribute with this slug or id, even an archived one, or None."""
        return self._named.get(identifier)

    def attribute(self, identifier: str) -> Attribute:
        """Return the attribute with this slug or id, even an archived one. Raise 404."""
        found = self.find(identifier)
        if found is None:
            raise not_found("Attribute", identifier)
        return found

    def attributes(self, *, archived: bool = False) -> Iterator[Attribute]:
        """Return the attributes in order; with `archived` including archived ones."""
        return (attribute for attribute in self._attributes if archived or not attribute.is_archived)


class AttioObject(Definition):
    """An object with its attributes."""

    noun = "object"
    values_key = "values"

    def __init__(self, slug: str, singular: str, plural: str, attributes: list[Attribute]) -> None:
        super().__init__(slug, attributes)
        self.singular = singular
        self.plural = plural


class MemberAccess(msgspec.Struct):
    """One member's access to a list."""

    workspace_member_id: str
    level: AccessLevel


class AttioList(Definition):
    """A list of records of one object, with its own attributes."""

    noun = "list"
    values_key = "entry_values"

    def __init__(
        self,
        slug: str,
        name: str,
        parent_object: str,
        attributes: list[Attribute],
        workspace_access: AccessLevel | None,
        member_access: list[MemberAccess],
        created_by: Actor,
    ) -> None:
        super().__init__(slug, attributes)
        self.name = name
        self.parent_object = parent_object
        """The slug of the object."""
        self.workspace_access = workspace_access
        self.member_access = member_access
        self.created_by = created_by


def new_status(workspace_id: str, definition: Definition, attribute: Attribute, title: str) -> Status:
    """Return a new status, which is not yet among the attribute's choices."""
    return Status({**_choice_ids(workspace_id, definition, attribute), "status_id": str(uuid.uuid4())}, title)


def new_option(workspace_id: str, definition: Definition, attribute: Attribute, title: str) -> Option:
    """Return a new option, which is not yet among the attribute's choices."""
    return Option({**_choice_ids(workspace_id, definition, attribute), "option_id": str(uuid.uuid4())}, title)


def _choice_ids(workspace_id: str, definition: Definition, attribute: Attribute) -> dict[str, str]:
    return {"workspace_id": workspace_id, "object_id": definition.id, "attribute_id": attribute.id}


def require_type(attribute: Attribute, attribute_type: Literal["select", "status"]) -> None:
    """Raise 400 if the attribute is of another type."""
    if attribute.type != attribute_type:
        raise refused(f"This attribute is not a {attribute_type} attribute.")
