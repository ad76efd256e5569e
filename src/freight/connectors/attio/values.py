"""The canonical form of values, in which they are written to Attio and compared with what is read from it.

| attribute type | canonical item |
|---|---|
| text | text |
| domain, email-address | text, in the canonical form of `freight.model.addresses` |
| phone-number | text, E.164 |
| number, currency, rating | number of at most four decimals, an integer where it is whole |
| checkbox | True or False; one that is read as not set is no value, as Attio knows none without one |
| date | text, `2024-01-31` |
| timestamp | text, `2024-01-31T10:00:00Z`, with a fraction only if there is one |
| select, status | text, the title |
| personal-name | `{"first_name", "last_name", "full_name"}`, empty text for missing parts |
| location | all ten keys that Attio requires, None for missing ones |
| record-reference | `{"target_object", "target_record_id"}` |
| actor-reference | `{"referenced_actor_type", "referenced_actor_id"}` |

Attio accepts each of them as it is.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from freight.connectors.attio.countries import country_code
from freight.connectors.protocols import Attributes
from freight.model.addresses import comparable
from freight.model.fields import Location

LOCATION_KEYS = (
    "line_1",
    "line_2",
    "line_3",
    "line_4",
    "locality",
    "region",
    "postcode",
    "country_code",
    "latitude",
    "longitude",
)


DECIMALS = 4
"""The decimals that Attio documents to keep."""

MAX_EXACT_INTEGER = 2**53
"""The largest integer up to which a float represents every one."""


class InvalidValueError(Exception):
    """Attio cannot hold the value; the message is a clause that says why."""


def personal_name(first: str | None, last: str | None) -> dict[str, str] | None:
    """Return the name of a person, or None without both parts."""
    first, last = (first or "").strip(), (last or "").strip()
    full = f"{first} {last}".strip()
    return {"first_name": first, "last_name": last, "full_name": full} if full else None


def location(place: Location) -> dict[str, str | None] | None:
    """Return a location, or None if Attio can hold no part of it; an unknown country is omitted."""
    values: dict[str, str | None] = dict.fromkeys(LOCATION_KEYS)
    lines = [line for part in (place.street or "").splitlines() if (line := part.strip())]
    lines[3:] = [", ".join(lines[3:])] if len(lines) > 3 else []
    for number, line in enumerate(lines, start=1):
        values[f"line_{number}"] = line
    values["locality"] = _filled(place.city)
    values["region"] = _filled(place.region)
    values["postcode"] = _filled(place.postcode)
    values["country_code"] = country_code(place.country) if place.country else None
    return values if any(values.values()) else None


def record_reference(target_object: str, target_record_id: str) -> dict[str, str]:
    """Return a reference to another record."""
    return {"target_object": target_object, "target_record_id": target_record_id}


def actor_reference(member_id: str) -> dict[str, str]:
    """Return a reference to a member of the workspace."""
    return {"referenced_actor_type": "workspace-member", "referenced_actor_id": member_id}


def ordered(references: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Return references sorted, because Attio keeps no order."""
    return sorted(references, key=lambda reference: (reference["target_object"], reference["target_record_id"]))


def number(given: float | Decimal) -> int | float:
    """Return a number as Attio keeps it, with at most four decimals. Raise `InvalidValueError` for an infinite one."""
    try:
        kept = round(float(given), DECIMALS)
    except OverflowError:
        kept = math.inf
    if not math.isfinite(kept):
        raise InvalidValueError("it is too large, or not a finite number")
    return int(kept) if kept == int(kept) and abs(kept) < MAX_EXACT_INTEGER else kept


def loss(given: float | Decimal, kept: float) -> str | None:
    """Return why a finite number is not kept exactly, as the beginning of a sentence; None if it is."""
    exact = given if isinstance(given, Decimal) else Decimal(repr(given))
    if exact == Decimal(repr(kept)):
        return None
    # A float is what its shortest decimal form says, as every program shows it.
    if exact == Decimal(repr(float(given))):
        return f"Attio keeps {DECIMALS} decimals"
    digits = "Attio keeps numbers as 64-bit floats, of about 16 digits"
    return digits if exact == exact.to_integral_value() else f"{digits} and at most {DECIMALS} decimals"


def moment(given: datetime) -> str:
    """Return the canonical form of a timestamp (aware). Attio keeps milliseconds."""
    kept = given.replace(microsecond=given.microsecond // 1000 * 1000)
    return kept.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_values(types: Mapping[str, str], values: Mapping[str, Any]) -> Attributes:
    """Return values that Attio returned in canonical form, of the attributes with these types; without empty ones."""
    read: Attributes = {}
    for slug, type_ in types.items():
        given = values.get(slug)
        items = [item for value in given or () if (item := _item(type_, value)) is not None]
        if items:
            read[slug] = list({msgspec.json.encode(item): item for item in items}.values())
    return read


def read_automatic(types: Mapping[str, str], values: Mapping[str, Any]) -> frozenset[str]:
    """Return those of the attributes whose values were all written by Attio itself: by enrichment, or by linking a
    person to a company."""
    return frozenset(
        slug
        for slug, type_ in types.items()
        if (standing := [value for value in values.get(slug) or () if _item(type_, value) is not None])
        and all(_actor(value) == "system" for value in standing)
    )


def _actor(value: Mapping[str, Any]) -> object:
    """Return the type of the author of a value: `workspace-member`, `api-token`, `app`, `system`, or one that Attio
    adds later."""
    actor = value.get("created_by_actor")
    return actor.get("type") if isinstance(actor, dict) else None


def read_moment(text: object) -> str | None:
    """Return a timestamp that Attio returned, in canonical form; None if it is not a timestamp."""
    try:
        given = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment(given if given.tzinfo else given.replace(tzinfo=UTC))


def _item(type_: str, value: object) -> object:
    if not isinstance(value, dict):
        return None
    match type_:
        case "domain":
            return comparable(str(value.get("domain") or "")) or None
        case "email-address":
            return comparable(str(value.get("email_address") or "")) or None
        case "phone-number":
            return value.get("phone_number")
        case "number" | "rating":
            return _number_item(value.get("value"))
        case "currency":
            return _number_item(value.get("currency_value"))
        case "checkbox":
            return value.get("value") or None
        case "timestamp":
            return read_moment(value.get("value"))
        case "select":
            return _title(value.get("option"))
        case "status":
            return _title(value.get("status"))
        case "personal-name":
            return {key: value.get(key) or "" for key in ("first_name", "last_name", "full_name")}
        case "location":
            return {key: value.get(key) or None for key in LOCATION_KEYS}
        case "record-reference":
            return record_reference(str(value.get("target_object")), str(value.get("target_record_id")))
        case "actor-reference":
            type_of = value.get("referenced_actor_type") or "workspace-member"
            return {**actor_reference(str(value.get("referenced_actor_id"))), "referenced_actor_type": type_of}
        case _:
            return value.get("value")


def _number_item(value: object) -> int | float | None:
    return number(value) if isinstance(value, int | float) else None


def _title(choice: object) -> str | None:
    return choice.get("title") if isinstance(choice, dict) else None


def _filled(text: str | None) -> str | None:
    return (text or "").strip() or None
