"""What the target should hold of each value, derived independently from the vendors' documentation."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from support.comparison.target import Attribute

Row = dict[str, Any]

CALIFORNIA = ZoneInfo("America/Los_Angeles")
COUNTRIES = {"Germany": "DE", "Norway": "NO", "United States": "US"}
"""All the countries that tests speak of; others do not exist."""
DIALLING = {"DE": "+49", "NO": "+47", "US": "+1"}


@dataclass(frozen=True)
class Item:
    """One value that the target should hold."""

    value: Any
    shown: tuple[str, ...]
    """How a log row may name it."""
    loss: str | None = None
    """Why it may be missing; see `explanation.EXPLAINED_BY`."""


@dataclass(frozen=True)
class Difference:
    """Something that is not in the target as it is in the source."""

    entity: str
    source_id: str
    names: frozenset[str]
    """What the field is called: by the source, by the target, and by its id."""
    kind: str
    shown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """What must be known of other records to read a value."""

    carried: Mapping[tuple[str, str], str]
    """The ids in the target of the source's records, by entity and id."""
    source_ids: Mapping[str, tuple[str, str]]
    """The reverse."""
    members: Mapping[str, str]
    """E-mail addresses by id."""


def one_of_many(items: Sequence[Item]) -> list[Item]:
    """Return the same items where the target takes only one: the first that it can hold."""
    kept = next((item for item in items if item.loss is None), None)
    return [item if item is kept or item.loss else replace(item, loss="further") for item in items]


def compare(
    entity: str,
    source_id: str,
    names: Iterable[str],
    expected: Sequence[Item],
    found: Sequence[Any],
    *,
    defaults: Mapping[Any, str] | None = None,
) -> Iterator[Difference]:
    """Yield every missing value, and every one without a source; the log must name `defaults` too."""
    place = (entity, source_id, frozenset(names))
    often = Counter(item.value for item in expected)
    wanted = {item.value for item in expected}
    for item in expected:
        if item.value not in found:
            # A rounded number is there, only not as it was.
            yield Difference(*place, "missing" if item.loss in (None, "rounded") else str(item.loss), item.shown)
        elif item.loss == "rounded":
            yield Difference(*place, "rounded", item.shown)
    for value in found:
        if value not in wanted:
            yield Difference(*place, (defaults or {}).get(value, "made up"), (str(value),))
    counted = Counter(found)
    if any(count > max(1, often[value]) for value, count in counted.items()):
        yield Difference(*place, "twice", tuple(map(str, found)))
    if any(counted[item.value] < often[item.value] for item in expected if item.loss is None and item.value in found):
        yield Difference(*place, "missing", tuple(map(str, found)))


def expected(field: Row, data: Any, attribute: Attribute, known: Known) -> list[Item]:
    """Return the values of a field as the attribute that it became should hold them."""
    given = data if isinstance(data, list) else [data]
    match field["valueType"].removesuffix("-multi"), attribute.type:
        case "text" | "filterable-text", _:
            items = [_text(text["link"] if isinstance(text, dict) else text) for text in given]
        case "number", "number":
            items = list(map(_number, given))
        case "number", _:
            items = [Item(float(number), (str(number),)) for number in given]
        case "formula-number", _:
            items = [_number(part["calculatedValue"]) for part in given if part["calculatedValue"] is not None]
        case "datetime", _:
            items = [_date(text) for text in given]
        case "location", _:
            items = [item for part in given for item in place(part)]
        case "dropdown" | "ranked-dropdown" | "status-dropdown", _:
            items = [_choice(part["text"], attribute) for part in given]
        case "person", "actor-reference":
            items = [member(part, known) for part in given]
        case "person", _:
            items = [_person(part, known) for part in given]
        case "company", _:
            items = [reference("companies", part, known) for part in given]
        case kind:
            raise AssertionError(kind)
    if _holds_lines(field, attribute):
        return items
    distinct = list({item.value: item for item in items}.values())
    return distinct if attribute.multiple else one_of_many(distinct)


def found(field: Row, values: Sequence[Row], attribute: Attribute, known: Known) -> list[Any]:
    """Return the values of the attribute that a field became, in the same terms."""
    if _holds_lines(field, attribute):
        lines = [line for value in values for line in value["value"].split("\n")]
        return [float(line) for line in lines] if field["valueType"].startswith("number") else lines
    return [read(attribute.type, value, known) for value in values]


def read(type_: str, value: Row, known: Known) -> Any:
    """Return a value of an attribute in comparable terms."""
    if type_ in READERS:
        return READERS[type_](value)
    if type_ == "record-reference":
        return known.source_ids.get(value["target_record_id"], ("nowhere", value["target_record_id"]))
    if type_ == "actor-reference":
        return known.members[value["referenced_actor_id"]]
    return value["value"]


READERS: dict[str, Callable[[Row], Any]] = {
    "domain": lambda value: value["domain"],
    "email-address": lambda value: value["email_address"],
    "phone-number": lambda value: value["phone_number"],
    "location": lambda value: _comparable_place(value),
    "personal-name": lambda value: (value["first_name"], value["last_name"]),
    "select": lambda value: value["option"]["title"],
    "status": lambda value: value["status"]["title"],
    "number": lambda value: float(value["value"]),
    "text": lambda value: value["value"].strip(),
}


def reference(entity: str, part: Row, known: Known) -> Item:
    """Return a record that a value names."""
    key = (entity, str(part["id"]))
    return Item(key, (str(part["id"]),), None if key in known.carried else "reference")


def member(part: Row, known: Known) -> Item:
    """Return a member of the target whom a value names as an internal user."""
    email = (part["primaryEmailAddress"] or "").lower()
    shown = (str(part["id"]), part["primaryEmailAddress"] or "-", part["lastName"] or "-")
    if part["type"] != "internal":
        return Item(email, shown, "not a member")
    return Item(email, shown, None if email in known.members.values() else "owner")


def place(part: Row) -> list[Item]:
    """Return a location; what of it no location can hold is an item of its own."""
    country, continent = part["country"], part["continent"]
    lines = (part["streetAddress"] or "").splitlines() + [""] * 4
    code = COUNTRIES.get(country or "")
    parts = (*(line or None for line in lines[:4]), part["city"], part["state"], code)
    items = [Item(parts, (part["city"] or "-",))] if any(parts) else []
    if country and code is None:
        items.append(Item(("country", country), (country,), "country"))
    if continent and code is None:
        items.append(Item(("continent", continent), (continent,), "continent"))
    return items


def phone(text: str, country: str | None) -> list[Item]:
    """Return a telephone number in E.164, as far as a person could write it so."""
    written = re.fullmatch(r"(.*?)(\s*(?:ext\.|x)\s*\d+)?", text)
    assert written is not None
    number, extension = written.groups()
    digits = re.sub(r"\D", "", number)
    if number.startswith("+"):
        items = [Item(f"+{digits}", (text,))]
    elif country in DIALLING and len(digits) > 6:
        items = [Item(DIALLING[country] + digits.removeprefix("0"), (text,))]
    else:
        return [Item(("no number", text), (text,), "malformed")]
    return [*items, Item(("extension", text), (text,), "extension")] if extension else items


def _holds_lines(field: Row, attribute: Attribute) -> bool:
    """Return whether several texts or numbers are in one text, one per line."""
    return attribute.type == "text" and field["multiple"]


def _text(text: str) -> Item:
    return Item(text.strip(), (text.strip()[:100],))


def _number(number: float) -> Item:
    return Item(float(round(number, 4)), (str(number),), None if round(number, 4) == number else "rounded")


def _date(text: str) -> Item:
    day = datetime.fromisoformat(text).astimezone(CALIFORNIA).date().isoformat()
    return Item(day, (day,))


def _choice(text: str, attribute: Attribute) -> Item:
    title = text.strip()
    return Item(title, (title,), None if title in attribute.choices else "option")


def _person(part: Row, known: Known) -> Item:
    if part["type"] != "internal":
        return reference("people", part, known)
    return Item(("people", str(part["id"])), (str(part["id"]), part["lastName"] or "-"), "internal")


def _comparable_place(value: Row) -> tuple[str | None, ...]:
    lines = tuple(value[f"line_{number}"] for number in range(1, 5))
    return (*lines, value["locality"], value["region"], value["country_code"])
