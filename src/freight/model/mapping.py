"""Mapping: where the fields and lists of a source go, as far as a job wants it otherwise than by default."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from freight.model.crm import List
from freight.model.fields import Field, FieldType

AttributeType = Literal[
    "text",
    "number",
    "currency",
    "date",
    "timestamp",
    "checkbox",
    "rating",
    "select",
    "status",
    "location",
    "people",
    "companies",
    "members",
]
"""What an attribute of the target holds; `people` and `companies` are references to records, `members` to users."""

POSSIBLE_TYPES: dict[FieldType, tuple[AttributeType, ...]] = {
    "text": ("text", "select", "number", "currency", "date"),
    "number": ("number", "currency", "rating", "text", "checkbox"),
    "date": ("date", "timestamp", "text"),
    "location": ("location", "text"),
    "select": ("select", "status", "text"),
    "status": ("status", "select", "text"),
    "person": ("people", "members", "text"),
    "company": ("companies", "text"),
}
"""What a field's values can become; the first is the default of a field that holds one value."""

OWNER_NAMES = frozenset({"owner", "owners", "deal owner", "lead", "deal lead", "account owner", "relationship owner"})
"""Names of person fields that hold the firm's own people, as firms use them."""

STATUS_NAMES = ("status", "stage")

Slug = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]
Title = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]
Email = Annotated[str, Meta(max_length=320, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")]


class FieldMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is to become of one field; what is left out is as by default."""

    skip: Annotated[bool, Meta(description="Leave the field and its values behind.")] = False
    to: Annotated[Slug | None, Meta(description="The slug of the attribute: an existing one, or the new one's.")] = None
    replace: Annotated[
        bool,
        Meta(
            description="Whether `to` may name an attribute that a standard value of the record fills, such as its "
            "name: the field then replaces that value. Without it such a mapping is refused."
        ),
    ] = False
    title: Annotated[Title | None, Meta(description="The title of a new attribute.")] = None
    type: Annotated[AttributeType | None, Meta(description="The type of the attribute.")] = None


class ListMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is to become of one list; what is left out is as by default."""

    skip: Annotated[bool, Meta(description="Leave the list and its entries behind; its deals as well.")] = False
    to: Annotated[Slug | None, Meta(description="The slug of the list: an existing one, or the new one's.")] = None
    name: Annotated[Title | None, Meta(description="The name of a new list.")] = None
    fields: Annotated[dict[str, FieldMapping], Meta(description="By field id.")] = {}
    stage: Annotated[str | None, Meta(description="The field, by its id, that holds the stage of deals.")] = None
    owner: Annotated[str | None, Meta(description="The field, by its id, that holds the owner of deals.")] = None
    value: Annotated[str | None, Meta(description="The field, by its id, that holds the value of deals.")] = None


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where things go; what is not mentioned goes where the default mapping puts it."""

    companies: Annotated[dict[str, FieldMapping], Meta(description="Fields of companies, by field id.")] = {}
    people: Annotated[dict[str, FieldMapping], Meta(description="Fields of people, by field id.")] = {}
    lists: Annotated[dict[str, ListMapping], Meta(description="Lists, by list id.")] = {}
    only_lists: Annotated[list[str] | None, Meta(description="The ids of the lists to carry; null for all.")] = None
    default_owner: Annotated[
        Email | None,
        Meta(description="E-mail address of the member who owns what has no owner in the target; by default whoever "
             "made the target's key."),
    ] = None  # fmt: skip
    notes: Annotated[
        Literal["one", "all"],
        Meta(description="`one` attaches a note to one record and names the others; `all` writes it to each."),
    ] = "one"

    def fields_of(self, owner: str) -> dict[str, FieldMapping]:
        """What is wanted of the fields of `companies`, of `people`, or of the list with this id."""
        if owner == "companies":
            return self.companies
        if owner == "people":
            return self.people
        return self.of_list(owner).fields

    def of_list(self, list_id: str) -> ListMapping:
        """What is wanted of a list."""
        return self.lists.get(list_id, ListMapping())

    def carries_list(self, list_id: str) -> bool:
        """Whether a list is carried at all."""
        return (self.only_lists is None or list_id in self.only_lists) and not self.of_list(list_id).skip


def default_type(field: Field) -> AttributeType:
    """What a field becomes. A number or text that is held several times becomes a text with one value a line."""
    if field.type == "person" and field.name.strip().casefold() in OWNER_NAMES:
        return "members"
    if field.multiple and field.type in ("number", "text"):
        return "text"
    if field.multiple and field.type == "status":
        return "select"
    return POSSIBLE_TYPES[field.type][0]


def stage_field(given: List, mapping: Mapping) -> Field | None:
    """The field of a list of deals that holds their stage: by default its first status called Status or Stage, else
    its first status."""
    if (wanted := mapping.of_list(given.id).stage) is not None:
        return _by_id(given, wanted)
    statuses = [field for field in given.fields if field.type == "status" and not field.multiple]
    named = [field for field in statuses if field.name.strip().casefold() in STATUS_NAMES]
    return next(iter([*named, *statuses]), None)


def owner_field(given: List, mapping: Mapping) -> Field | None:
    """The field of a list of deals that holds their owner: by default the first with the name of one."""
    if (wanted := mapping.of_list(given.id).owner) is not None:
        return _by_id(given, wanted)
    people = [field for field in given.fields if field.type == "person"]
    return next((field for field in people if field.name.strip().casefold() in OWNER_NAMES), None)


def value_field(given: List, mapping: Mapping) -> Field | None:
    """The field of a list of deals that holds their value; none unless the job says so, since the source knows no
    currency."""
    wanted = mapping.of_list(given.id).value
    return None if wanted is None else _by_id(given, wanted)


def _by_id(given: List, field_id: str) -> Field | None:
    return next((field for field in given.fields if field.id == field_id), None)
