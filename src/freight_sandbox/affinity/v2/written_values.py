"""API v2: the values that clients write, and what a field then holds."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from freight_sandbox.affinity.colors import color_name
from freight_sandbox.affinity.rows import FieldDefinition
from freight_sandbox.affinity.times import pacific_midnight
from freight_sandbox.affinity.v2.people import company_data, person_data
from freight_sandbox.affinity.workspace import Workspace

MOST_VALUES = 100


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person or a company."""

    id: int


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """An option of a dropdown field."""

    dropdown_option_id: int


class Location(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A place; all five parts are needed."""

    street_address: str | None
    city: str | None
    state: str | None
    country: str | None
    continent: str | None


SHAPES: Mapping[str, Any] = {
    "text": str,
    "filterable-text": str,
    "number": int | float,
    "datetime": str,
    "location": Location,
    "person": Reference,
    "company": Reference,
    "dropdown": Choice,
    "ranked-dropdown": Choice,
}
"""By the value type without `-multi`. Values of other types Affinity makes itself."""


def kind_of(field: FieldDefinition) -> str:
    """The value type without `-multi`."""
    return field.value_type.removesuffix("-multi")


def takes_several(field: FieldDefinition) -> bool:
    """Whether the data of the field is an array."""
    return field.value_type.endswith("-multi")


def held(workspace: Workspace, field: FieldDefinition, data: Any) -> Any:
    """What a field holds after it was given this data. Raises `ValueError` for data that it cannot hold.

    Affinity documents that a multi-value is an array of at most 100 and that an empty one is null.
    """
    if kind_of(field) not in SHAPES or (field.entity == "opportunity" and field.id in {"persons", "companies"}):
        raise ValueError(f"The field {field.id} cannot be written.")
    if data is None:
        return None
    if not takes_several(field):
        return held_item(workspace, field, data)
    if not isinstance(data, list) or (len(data) > MOST_VALUES and kind_of(field) != "dropdown"):
        raise ValueError(f"The field {field.id} takes an array of at most {MOST_VALUES} values.")
    return [held_item(workspace, field, item) for item in data] or None


def held_item(workspace: Workspace, field: FieldDefinition, item: Any) -> Any:
    """The same for one value of those that a field may have."""
    kind = kind_of(field)
    given = msgspec.convert(item, SHAPES[kind])
    if kind == "datetime":
        return pacific_midnight(given)
    if kind in {"dropdown", "ranked-dropdown"}:
        return _chosen(field, given.dropdown_option_id)
    if kind == "person":
        return _known(workspace.persons.ids, given.id, lambda: person_data(workspace, given.id))
    if kind == "company":
        return _known(workspace.companies.ids, given.id, lambda: company_data(workspace, given.id))
    return msgspec.to_builtins(given)


def _chosen(field: FieldDefinition, option_id: int) -> dict[str, Any]:
    """An option as a value. Raises `ValueError` if the field has none with that id."""
    for option in field.dropdown_options:
        if option.id == option_id:
            value = {"dropdownOptionId": option.id, "text": option.text}
            if kind_of(field) == "dropdown":
                return value
            return {**value, "rank": option.rank or 0, "color": color_name(option.color)}
    raise ValueError(f"The field {field.id} has no option with id {option_id}.")


def _known(ids: Any, row_id: int, data: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    if row_id not in ids:
        raise ValueError(f"There is no record with id {row_id}.")
    return data()
