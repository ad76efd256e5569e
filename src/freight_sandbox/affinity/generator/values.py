"""Values of generated fields, of every value type."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Protocol

from freight_sandbox.affinity.generator.fields import OWNERS, UNUSED_STATUS
from freight_sandbox.affinity.generator.word_lists import CITIES, COMPANY_SECOND_WORDS, City
from freight_sandbox.affinity.rows import PACIFIC, DropdownOption, Field, FieldDefinition

THESES = (
    "Strong founder, early market. Revisit after the next round.",
    "Line one: pricing power.\nLine two: “sticky” customers — 94 % renew.",
    "Competes with two companies of ours; see the memo <draft>.",
)


class People(Protocol):
    """Returns the people and companies that values refer to, in the short forms of API v2, or None."""

    def user(self, chance: random.Random) -> dict[str, Any] | None:
        """Return an internal user."""
        ...

    def outsider(self, chance: random.Random) -> dict[str, Any] | None:
        """Return an external person."""
        ...

    def company(self, chance: random.Random) -> dict[str, Any] | None:
        """Return a company."""
        ...


def make_values(definitions: Iterable[FieldDefinition], chance: random.Random, people: People) -> list[Field]:
    """Return a value, or none, for each of the fields."""
    return [field.holding(_value(field, chance, people) if chance.random() < 0.7 else None) for field in definitions]


def location(city: City, chance: random.Random) -> dict[str, str | None]:
    """Return a location in a city."""
    street = city.street.format(chance.randrange(1, 400)) if chance.random() < 0.6 else None
    return {
        "streetAddress": street,
        "city": city.name,
        "state": city.state,
        "country": city.country,
        "continent": city.continent,
    }


def last_contact(chance: random.Random, user: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a value that Affinity computes about a user's e-mail or meeting."""
    if user is None or chance.random() < 0.4:
        return None
    at = datetime(2025, chance.randrange(1, 13), chance.randrange(1, 28), 17, 30, tzinfo=UTC)
    attendee = {"emailAddress": user["primaryEmailAddress"], "person": user}
    number = chance.randrange(1, 10**6)
    content: dict[str, Any]
    if chance.random() < 0.5:
        content = {"type": "email", "sentAt": in_utc(at), "subject": "Intro", "from": attendee, "to": [], "cc": []}
    else:
        content = {
            "type": "meeting",
            "title": "Catch-up",
            "allDay": False,
            "startTime": in_utc(at),
            "endTime": None,
            "attendees": [attendee],
        }
    return {"id": number, **content}


def _value(field: FieldDefinition, chance: random.Random, people: People) -> Any:
    match field.value_type:
        case "text":
            return chance.choice(THESES)
        case "filterable-text":
            return f"AC-{chance.randrange(1000, 10_000)}"
        case "filterable-text-multi":
            return chance.sample(COMPANY_SECOND_WORDS, chance.randrange(1, 4))
        case "number" | "number-multi":
            return _number(chance) if field.value_type == "number" else [_number(chance) for _ in range(3)]
        case "datetime":
            return _midnight(chance)
        case "location":
            return location(chance.choice(CITIES), chance)
        case "location-multi":
            return [location(city, chance) for city in chance.sample(CITIES, chance.randrange(1, 3))]
        case "dropdown" | "dropdown-multi" | "ranked-dropdown":
            return _choice(field, chance)
        case "formula-number":
            return {"calculatedValue": None if chance.random() < 0.2 else round(chance.uniform(0, 100), 2)}
        case _:
            return _reference(field, chance, people)


def _number(chance: random.Random) -> float:
    return chance.choice((chance.randrange(1, 500) * 10_000, round(chance.uniform(-5, 100), 3), 0))


def _midnight(chance: random.Random) -> str:
    # Affinity stores dates as midnight in its own time zone, which is 07:00 or 08:00 in UTC.
    day = datetime(2024, chance.randrange(1, 13), chance.randrange(1, 29), tzinfo=PACIFIC)
    return day.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _choice(field: FieldDefinition, chance: random.Random) -> Any:
    options = [option for option in field.dropdown_options if option.text != UNUSED_STATUS]
    if field.value_type == "dropdown-multi":
        return [_chosen(option) for option in chance.sample(options, chance.randrange(1, 4))]
    option = chance.choice(options)
    if field.value_type == "ranked-dropdown":
        return {**_chosen(option), "rank": option.rank, "color": option.color}
    return _chosen(option)


def _chosen(option: DropdownOption) -> dict[str, Any]:
    return {"dropdownOptionId": option.id, "text": option.text}


def _reference(field: FieldDefinition, chance: random.Random, people: People) -> Any:
    find = people.company if field.value_type.startswith("company") else people.outsider
    if field.name == OWNERS:
        find = people.user
    if not field.value_type.endswith("-multi"):
        return find(chance)
    found = {data["id"]: data for _ in range(chance.randrange(1, 4)) if (data := find(chance)) is not None}
    return list(found.values()) or None


def in_utc(at: datetime) -> str:
    """Return a time as API v2 writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def in_pacific(at: datetime) -> str:
    """Return a time as API v1 writes it."""
    return at.astimezone(PACIFIC).isoformat(timespec="milliseconds")
