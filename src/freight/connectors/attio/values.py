"""Values in the one form in which they are written to Attio, and in which what was read is compared with it.

| attribute type | canonical item |
|---|---|
| text | text |
| domain, email-address | text, in the canonical form of `freight.model.addresses` |
| phone-number | text, E.164 |
| number, currency, rating | number of at most four decimals, an integer where it is whole |
| checkbox | True or False; one that is read as not set is no value, as Attio knows none without one |
| date | text, `2024-01-31` |
| timestamp | text, `2024-01-31T10:00:00Z`, with a fraction only where there is one |
| select, status | text, the title |
| personal-name | `{"first_name", "last_name", "full_name"}`, empty text for what is lacking |
| location | all ten keys that Attio demands, None for what is lacking |
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
"""What Attio documents that it keeps of a number."""

MAX_EXACT_INTEGER = 2**53
"""From here on a float holds no longer every integer."""


class InvalidValueError(Exception):
    """A value that Attio cannot hold; the message is a clause that says why."""


def personal_name(first: str | None, last: str | None) -> dict[str, str] | None:
    """The name of a person, or None if both parts are lacking."""
    first, last = (first or "").strip(), (last or "").strip()
    full = f"{first} {last}".strip()
    return {"first_name": first, "last_name": last, "full_name": full} if full else None


def location(place: Location) -> dict[str, str | None] | None:
    """A place, or None if nothing of it can be held; an unknown country is left out."""
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
    """A reference to another record."""
    return {"target_object": target_object, "target_record_id": target_record_id}


def actor_reference(member_id: str) -> dict[str, str]:
    """A reference to a member of the workspace."""
    return {"referenced_actor_type": "workspace-member", "referenced_actor_id": member_id}


def ordered(references: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """References in one order, for where Attio keeps none."""
    return sorted(references, key=lambda reference: (reference["target_object"], reference["target_record_id"]))


def number(given: float | Decimal) -> int | float:
    """A number as Attio keeps it, with at most four decimals. Raises `InvalidValueError` for an infinite one."""
    try:
        kept = round(float(given), DECIMALS)
    except OverflowError:
        kept = math.inf
    if not math.isfinite(kept):
        raise InvalidValueError("it is too large, or not a number that can be counted with")
    return int(kept) if kept == int(kept) and abs(kept) < MAX_EXACT_INTEGER else kept


def loss(given: float | Decimal, kept: float) -> str | None:
    """Why a finite number is not kept exactly, as the beginning of a sentence; None if it is."""
    exact = given if isinstance(given, Decimal) else Decimal(repr(given))
    if exact == Decimal(repr(kept)):
        return None
    # A float is what its shortest decimal form says, as every program shows it.
    if exact == Decimal(repr(float(given))):
        return f"Attio keeps {DECIMALS} decimals"
    digits = "Attio keeps numbers as 64-bit floats, of about 16 digits"
    return digits if exact == exact.to_integral_value() else f"{digits} and at most {DECIMALS} decimals"


def moment(given: datetime) -> str:
    """The canonical form of a timestamp (aware). Attio keeps milliseconds."""
    kept = given.replace(microsecond=given.microsecond // 1000 * 1000)
    return kept.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_values(types: Mapping[str, str], values: Mapping[str, Any]) -> Attributes:
    """Values that Attio gave, in canonical form, of the attributes whose types are given; only of those that have
    one."""
    read: Attributes = {}
    for slug, type_ in types.items():
        given = values.get(slug)
        items = [item for value in given or () if (item := _item(type_, value)) is not None]
        if items:
            read[slug] = list({msgspec.json.encode(item): item for item in items}.values())
    return read


def read_automatic(types: Mapping[str, str], values: Mapping[str, Any]) -> frozenset[str]:
    """Of these attributes those whose values, as Attio gave them, were all written by Attio itself: by its enrichment,
    or by the link that it makes from a person to a company."""
    return frozenset(
        slug
        for slug, type_ in types.items()
        if (standing := [value for value in values.get(slug) or () if _item(type_, value) is not None])
        and all(_actor(value) == "system" for value in standing)
    )


def _actor(value: Mapping[str, Any]) -> object:
    """Who wrote a value: `workspace-member`, `api-token`, `app`, `system`, or what Attio may add."""
    actor = value.get("created_by_actor")
    return actor.get("type") if isinstance(actor, dict) else None


def read_moment(text: object) -> str | None:
    """A timestamp that Attio gave, in canonical form; None if it is none."""
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
