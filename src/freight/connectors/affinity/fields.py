"""The values of Affinity's fields, parsed leniently: an unexpected shape becomes an issue, never an exception.

A field is `{"id", "name", "type", "enrichmentSource", "value": {"type", "data"}}`; the form of `data` depends on the
value's type, as Affinity's documentation of version 2 lists them.
"""

from collections.abc import Callable, Sequence, Set
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from freight.connectors.protocols import Issue
from freight.model.fields import CompanyRef, FieldType, Location, PersonRef, Value

Item = TypeVar("Item")

FIELD_TYPES: dict[str, FieldType] = {
    "company": "company",
    "company-multi": "company",
    "datetime": "date",
    "dropdown": "select",
    "dropdown-multi": "select",
    "filterable-text": "text",
    "filterable-text-multi": "text",
    "formula-number": "number",
    "location": "location",
    "location-multi": "location",
    "number": "number",
    "number-multi": "number",
    "person": "person",
    "person-multi": "person",
    "ranked-dropdown": "status",
    "status-dropdown": "status",
    "text": "text",
}
"""Freight's types of values, by Affinity's types."""

KNOWN_TYPES = FIELD_TYPES.keys() | {"interaction"}

ASSOCIATIONS = frozenset({"persons", "companies"})
"""The ids of the fields with the people and the companies that a record is linked to."""

PERSON_TYPES = ("external", "internal", "collaborator")
"""The types of a person. A collaborator is `external` among the persons and `collaborator` in values: an external
person.
"""

MAX_ID_LENGTH = 64

MAX_REFERENCES = 100
"""Affinity documents that it returns at most this many people or companies of one field. Later versions than the
requested one return so many values of any type, and their number.
"""

# Affinity documents that it stores a date as midnight there.
PACIFIC = ZoneInfo("America/Los_Angeles")

MAX_QUOTE_LENGTH = 200


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A field as Affinity describes it."""

    id: str
    name: str
    kind: str
    """One of `enriched`, `global`, `list`, `relationship-intelligence`, or a type that a later version of the API adds.
    """
    value_type: str

    @property
    def label(self) -> str:
        """The field's name for people."""
        return self.name or self.id


class FilledField(Described, frozen=True, kw_only=True):
    """One field of one record, with a value."""

    data: Any
    total: int | None = None
    """The number of its values, if Affinity gives it."""

    @property
    def is_cut_off(self) -> bool:
        """Whether Affinity returned only the first of its values, or may have."""
        return isinstance(self.data, list) and is_cut_off(self.value_type, self.data, self.total)


def described(field: dict[str, Any], value_type: str) -> Described:
    """Return the field of a row, or of the metadata of fields, with values of this type."""
    id_, name, kind = (text_of(field.get(key)) or "" for key in ("id", "name", "type"))
    return Described(id=id_, name=name, kind=kind, value_type=text_of(value_type) or "")


def is_cut_off(value_type: str, data: list[Any], total: object) -> bool:
    """Return whether there are more values than those in `data`, or may be; `total` is their number according to
    Affinity.
    """
    if isinstance(total, int):
        return total > len(data)
    if FIELD_TYPES.get(value_type) in ("person", "company"):
        return len(data) >= MAX_REFERENCES
    return len(data) == MAX_REFERENCES


def read_fields(given: object, issues: list[Issue]) -> list[FilledField]:
    """Return the fields of a row that hold a value."""
    if not isinstance(given, list):
        if given is not None:
            issues.append(unreadable("fields", given))
        return []
    fields = []
    for item in given:
        match item:
            case {"id": str(), "value": {"type": str(type_), "data": data} as value}:
                if holds_something(data):
                    known = msgspec.structs.asdict(described(item, type_))
                    fields.append(FilledField(**known, data=data, total=integer_of(value.get("totalCount"))))
            case {"id": str(), "value": None | {"data": None}}:
                pass
            case _:
                issues.append(unreadable("fields", item))
    return fields


def holds_something(data: object, depth: int = 3) -> bool:
    """Return whether there is a value: Affinity writes empty ones as null, also within objects in lists."""
    if depth and isinstance(data, dict):
        return any(holds_something(part, depth - 1) for part in data.values())
    if depth and isinstance(data, list):
        return any(holds_something(part, depth - 1) for part in data)
    if isinstance(data, str):
        return text_of(data) is not None
    return data not in (None, [], {})


def read_values(field: FilledField, issues: list[Issue], users: Set[str] = frozenset()) -> tuple[Value, ...]:
    """Return the values of a field whose type is one of `FIELD_TYPES`, with duplicates.

    `users` are the ids of the internal users.
    """
    type_ = FIELD_TYPES[field.value_type]
    return tuple(read_people(field, issues, users) if type_ == "person" else READERS[type_](field, issues))


def read_texts(field: FilledField, issues: list[Issue]) -> list[str]:
    """Return the texts in a field, also if it holds links as `{"link", "text"}`."""
    return _each(field, issues, _text)


def read_locations(field: FilledField, issues: list[Issue]) -> list[Location]:
    """Return the locations in a field."""
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


def read_people(field: FilledField, issues: list[Issue], users: Set[str] = frozenset()) -> list[PersonRef]:
    """Return the people in a field. `users` are the ids of the internal users."""
    return _each(field, issues, lambda item: person_ref(item, users))


def read_companies(field: FilledField, issues: list[Issue]) -> list[CompanyRef]:
    """Return the companies in a field."""
    return _each(field, issues, _company_ref)


def person_ref(item: object, users: Set[str] = frozenset()) -> PersonRef | None:
    """Return the person that version 2 names as `{"id", "firstName", "lastName", "primaryEmailAddress", "type"}`."""
    id_ = id_of(item)
    if id_ is None or not isinstance(item, dict):
        return None
    return PersonRef(
        id=id_,
        name=full_name(item.get("firstName"), item.get("lastName")),
        email=text_of(item.get("primaryEmailAddress")),
        internal=is_internal(id_, item.get("type"), users),
    )


def is_internal(id_: str, type_: object, users: Set[str]) -> bool:
    """Return whether a person is an internal user: by the type or, if that is not known, by the users."""
    return type_ == "internal" or (type_ not in PERSON_TYPES and id_ in users)


def _company_ref(item: object) -> CompanyRef | None:
    id_ = id_of(item)
    return CompanyRef(id=id_, name=text_of(item.get("name"))) if id_ is not None and isinstance(item, dict) else None


def _text(item: object) -> str | None:
    return text_of((item.get("link") or item.get("text")) if isinstance(item, dict) else item)


def _option(item: object) -> str | None:
    return text_of(item.get("text")) if isinstance(item, dict) else None


def _number(item: object) -> int | float | None:
    number = item.get("calculatedValue") if isinstance(item, dict) else item
    return number if isinstance(number, int | float) and not isinstance(number, bool) else None


def read_dates(field: FilledField, issues: list[Issue]) -> list[str]:
    """Return the dates in a field. One that was stored at a time that leaves the day open gets an issue."""
    dates = _each(field, issues, _date)
    for item in _items(field.data):
        taken, moment = _date(item), _parsed(item)
        if taken and moment and (other := _other_day(moment, date.fromisoformat(taken))) is not None:
            issues.append(_date_uncertain(field, quoted(item), taken, other))
    return dates


def _date_uncertain(field: FilledField, kept: str, taken: str, other: date) -> Issue:
    return Issue(
        code="date_uncertain",
        message=f"Affinity keeps a date as midnight in its own time zone, and the one in {field.label!r} as {kept}: it "
        f"was read as {taken} and may be {other.isoformat()}. Compare it with what Affinity shows, and correct it in "
        "the target if needed.",
        field=field.label,
        value=kept,
    )


def _date(item: object) -> str | None:
    moment = _parsed(item)
    try:
        return None if moment is None else (_midnight(moment) or moment.astimezone(PACIFIC).date()).isoformat()
    except OverflowError:
        return None


def _midnight(moment: datetime) -> date | None:
    """Return the day that begins at this time: where it was written, in UTC, or in Affinity's time zone."""
    # Dates that were stored before Affinity began to do so, or by another program, are at midnight in other zones.
    if moment.tzinfo is None:
        return moment.date()
    zones = (moment, moment.astimezone(UTC), moment.astimezone(PACIFIC))
    return next((local.date() for local in zones if local.time() == time.min), None)


def _other_day(moment: datetime, taken: date) -> date | None:
    """Return the intended day if this is midnight in another zone or a time of day in UTC, unless it is `taken`."""
    if _midnight(moment) is not None:
        return None
    utc = moment.astimezone(UTC)
    # Midnight in Europe or Asia is the day before in UTC. Noon in UTC is chosen so that the day is the same everywhere.
    is_full = (utc.minute % 15, utc.second, utc.microsecond) == (0, 0, 0)
    meant = utc.date() + timedelta(days=is_full and utc.time() > time(12))
    return meant if meant != taken else None


READERS: dict[FieldType, Callable[[FilledField, list[Issue]], Sequence[Value]]] = {
    "text": read_texts,
    "number": lambda field, issues: _each(field, issues, _number),
    "date": read_dates,
    "location": read_locations,
    "select": lambda field, issues: _each(field, issues, _option),
    "status": lambda field, issues: _each(field, issues, _option),
    "company": read_companies,
}


def text_of(value: object) -> str | None:
    """Return a text without what no database stores or no one sees: NUL, and surrounding space."""
    if not isinstance(value, str):
        return None
    return value.replace("\0", "").strip() or None


def damaged_text(given: object, depth: int = 4) -> str | None:
    """Return the first text in a value with a NUL, or with the replacement character for half of a surrogate pair."""
    match given:
        case str():
            return given if "\0" in given or "\N{REPLACEMENT CHARACTER}" in given else None
        case dict() | list() if depth:
            parts = given.values() if isinstance(given, dict) else given
            return next((text for part in parts if (text := damaged_text(part, depth - 1)) is not None), None)
        case _:
            return None


def id_of(item: object) -> str | None:
    """Return the id of a record, as text."""
    return id_text(item.get("id")) if isinstance(item, dict) else None


def id_text(value: object) -> str | None:
    """Return an id, which is a number at Affinity, as text."""
    text = text_of(str(value)) if isinstance(value, int | str) and not isinstance(value, bool) else None
    return text if text is not None and len(text) <= MAX_ID_LENGTH else None


def is_number(id_: str) -> bool:
    """Return whether an id can be one of Affinity's: a whole number in ASCII digits."""
    return id_.isascii() and id_.isdecimal()


def integer_of(value: object) -> int | None:
    """Return a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def full_name(*parts: object) -> str | None:
    """Return the name of a person."""
    return " ".join(filter(None, map(text_of, parts))) or None


def moment_of(value: object) -> datetime | None:
    """Return a time in UTC: Affinity writes times as ISO 8601, in version 1 with other offsets."""
    moment = _parsed(value)
    try:
        return moment and (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))
    except OverflowError:
        return None


def unreadable(field: str, value: object) -> Issue:
    """Return the issue of a value with an unknown shape."""
    return Issue(
        code="unreadable_value",
        message=f"Affinity gave a value of {field!r} in a form that Freight does not know: it was left out.",
        field=field,
        value=quoted(value),
    )


def quoted(value: object) -> str:
    """Return a value as it is shown in a log, shortened."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text.replace("\0", "")[:MAX_QUOTE_LENGTH]


def _parsed(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text_of(value) or "")
    except ValueError:
        return None


def _each(field: FilledField, issues: list[Issue], read: Callable[[object], Item | None]) -> list[Item]:
    found = []
    for item in _items(field.data):
        value = read(item)
        if value is not None:
            found.append(value)
        elif holds_something(item):
            issues.append(unreadable(field.label, item))
    return found


def _items(data: object) -> list[Any]:
    return data if isinstance(data, list) else [data]
