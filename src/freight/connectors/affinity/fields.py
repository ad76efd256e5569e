"""The values of Affinity's fields, read leniently: an unforeseen shape becomes an issue, never an exception.

A field is `{"id", "name", "type", "enrichmentSource", "value": {"type", "data"}}`; what `data` is depends on
the value's type, as Affinity's documentation of version 2 lists them.
"""

from typing import Any

import msgspec

from freight.connectors.protocols import Issue
from freight.crm import Location

KNOWN_TYPES = frozenset(
    {
        "company",
        "company-multi",
        "datetime",
        "dropdown",
        "dropdown-multi",
        "filterable-text",
        "filterable-text-multi",
        "formula-number",
        "interaction",
        "location",
        "location-multi",
        "number",
        "number-multi",
        "person",
        "person-multi",
        "ranked-dropdown",
        "text",
    }
)

LONGEST_QUOTE = 200


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of one record."""

    id: str
    name: str
    kind: str
    """`enriched`, `global`, `relationship-intelligence`, or what a later version of the API adds."""
    value_type: str
    data: Any

    @property
    def label(self) -> str:
        """The field as a person knows it."""
        return self.name or self.id


def read_fields(row: dict[str, Any], issues: list[Issue]) -> list[Field]:
    """The fields of a row that hold a value."""
    given = row.get("fields")
    if not isinstance(given, list):
        if given is not None:
            issues.append(unreadable("fields", given))
        return []
    fields = []
    for item in given:
        match item:
            case {"id": str(id_), "value": {"type": str(type_), "data": data}}:
                if holds_something(data):
                    name, kind = (text_of(item.get(key)) or "" for key in ("name", "type"))
                    fields.append(
                        Field(id=text_of(id_) or "", name=name, kind=kind, value_type=text_of(type_) or "", data=data)
                    )
            case {"id": str(), "value": None | {"data": None}}:
                pass
            case _:
                issues.append(unreadable("fields", item))
    return fields


def holds_something(data: object, depth: int = 3) -> bool:
    """Whether there is a value in it: Affinity writes emptiness as null, also within objects in lists."""
    if depth and isinstance(data, dict):
        return any(holds_something(part, depth - 1) for part in data.values())
    if depth and isinstance(data, list):
        return any(holds_something(part, depth - 1) for part in data)
    if isinstance(data, str):
        return text_of(data) is not None
    return data not in (None, [], {})


def read_texts(field: Field, issues: list[Issue]) -> list[str]:
    """The texts in a field, also where it holds links as `{"link", "text"}`."""
    texts = []
    for item in _items(field.data):
        text = text_of((item.get("link") or item.get("text")) if isinstance(item, dict) else item)
        if text is not None:
            texts.append(text)
        elif holds_something(item):
            issues.append(unreadable(field.label, item))
    return texts


def read_locations(field: Field, issues: list[Issue]) -> list[Location]:
    """The places in a field."""
    locations = []
    for item in _items(field.data):
        given = item if isinstance(item, dict) else {}
        parts = {name: text_of(given.get(key)) for name, key in LOCATION_PARTS.items()}
        if any(parts.values()):
            locations.append(Location(**parts))
        known = {key for key in LOCATION_PARTS.values() if isinstance(given.get(key), str)}
        rest = {key: part for key, part in given.items() if key not in known} if given else item
        if holds_something(rest):
            issues.append(unreadable(field.label, rest))
    return locations


LOCATION_PARTS = {
    "street": "streetAddress",
    "city": "city",
    "region": "state",
    "country": "country",
    "continent": "continent",
}


def read_company_ids(field: Field, issues: list[Issue]) -> list[str]:
    """The ids of the companies in a field."""
    ids = []
    for item in _items(field.data):
        id_ = id_of(item)
        if id_ is None:
            issues.append(unreadable(field.label, item))
        else:
            ids.append(id_)
    return ids


def text_of(value: object) -> str | None:
    """A text without what no database stores and nobody sees: NUL, and space around it."""
    if not isinstance(value, str):
        return None
    return value.replace("\0", "").strip() or None


def id_of(item: object) -> str | None:
    """The id of a record, as text."""
    match item:
        case {"id": bool()}:
            return None
        case {"id": int() | str() as id_}:
            return text_of(str(id_))
        case _:
            return None


def unreadable(field: str, value: object) -> Issue:
    """The issue of a value in a shape that its place does not know."""
    return Issue(
        code="unreadable_value",
        message=f"Affinity gave a value of {field!r} in a form that Freight does not know: it was left out.",
        field=field,
        value=quoted(value),
    )


def quoted(value: object) -> str:
    """A value as it is shown in a log, shortened."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text.replace("\0", "")[:LONGEST_QUOTE]


def _items(data: object) -> list[Any]:
    return data if isinstance(data, list) else [data]
