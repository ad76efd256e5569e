"""Mapping: where a source's fields and lists go, if a job differs from the default."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

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
"""What an attribute of a target can hold, in any target: `people` and `companies` are references to records, `members`
to users. A target's `Capabilities` say which of them it has and what fields can become there."""

Slug = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]
Title = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]
Email = Annotated[str, Meta(max_length=320, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")]


class FieldMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How one field is migrated; what is omitted has its default."""

    skip: Annotated[bool, Meta(description="Do not migrate the field and its values.")] = False
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
    """How one list is migrated; what is omitted has its default."""

    skip: Annotated[bool, Meta(description="Do not migrate the list, its entries and its deals.")] = False
    to: Annotated[Slug | None, Meta(description="The slug of the list: an existing one, or the new one's.")] = None
    name: Annotated[Title | None, Meta(description="The name of a new list.")] = None
    fields: Annotated[dict[str, FieldMapping], Meta(description="By field id.")] = {}
    stage: Annotated[str | None, Meta(description="The field, by its id, that holds the stage of deals.")] = None
    owner: Annotated[str | None, Meta(description="The field, by its id, that holds the owner of deals.")] = None
    value: Annotated[str | None, Meta(description="The field, by its id, that holds the value of deals.")] = None


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How fields and lists are migrated; what is omitted follows the default mapping."""

    companies: Annotated[dict[str, FieldMapping], Meta(description="Fields of companies, by field id.")] = {}
    people: Annotated[dict[str, FieldMapping], Meta(description="Fields of people, by field id.")] = {}
    lists: Annotated[dict[str, ListMapping], Meta(description="Lists, by list id.")] = {}
    only_lists: Annotated[list[str] | None, Meta(description="The ids of the lists to migrate; null for all.")] = None
    default_owner: Annotated[
        Email | None,
        Meta(
            description="E-mail address of the member who owns records that have no owner in the target; by default "
            "the member who created the target's key."
        ),
    ] = None
    notes: Annotated[
        Literal["one", "all"],
        Meta(description="`one` attaches a note to one record and names the others; `all` writes it to each."),
    ] = "one"

    def fields_of(self, owner: str) -> dict[str, FieldMapping]:
        """Return the mapping of the fields of `companies`, `people` or the list with this id, by field id."""
        if owner == "companies":
            return self.companies
        if owner == "people":
            return self.people
        return self.of_list(owner).fields

    def of_list(self, list_id: str) -> ListMapping:
        """Return the mapping of a list."""
        return self.lists.get(list_id, ListMapping())

    def migrates_list(self, list_id: str) -> bool:
        """Return whether a list is migrated."""
        return (self.only_lists is None or list_id in self.only_lists) and not self.of_list(list_id).skip
