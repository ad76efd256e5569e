"""Conversion of the values of fields to the types of their attributes."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from freight.connectors.attio import values
from freight.connectors.attio.countries import countries_named, country_code, country_name
from freight.connectors.attio.drafting.builder import DraftBuilder, shown
from freight.connectors.attio.values import InvalidValueError
from freight.connectors.protocols import Attributes, Issue, SlotReference
from freight.model import numerals
from freight.model.crm import Reference
from freight.model.fields import CompanyRef, FieldValues, Location, PersonRef, Value
from freight.model.numerals import AmbiguousNumberError, NumeralError
from freight.model.resolved_mapping import Place

MAX_TEXT_BYTES = 10_000_000
"""Bytes, as Attio documents."""

ENCODER = msgspec.json.Encoder(order="deterministic")


def field_values(owner: str, fields: FieldValues, builder: DraftBuilder) -> tuple[Attributes, frozenset[str]]:
    """Return the values of the fields of a record, and the attributes among them that hold several values at once.

    Fields that refer to other records become slots of the draft.
    """
    drafted: Attributes = {}
    multiple: set[str] = set()
    places = builder.index.places.get(owner, {})
    for field_id, given in fields.items():
        place = places.get(field_id)
        if place is None:
            builder.add_issue(
                "field_not_mapped",
                f"The field {field_id} was added to the source after the job had read its fields: its values were "
                f"left out. Create the job again to migrate them.",
                field=field_id,
                value=", ".join(map(str, given)),
            )
        elif place.attribute is not None and (items := _converted(given, place, builder)):
            drafted[place.attribute] = items
            if place.multiple:
                multiple.add(place.attribute)
    return drafted, frozenset(multiple)


def text_items(text: str | None, field: str, builder: DraftBuilder) -> list[Any]:
    """Return a text as the only value of an attribute; no value if it is empty or longer than Attio accepts."""
    cleaned = (text or "").strip()
    if len(cleaned) * 4 > MAX_TEXT_BYTES and len(cleaned.encode()) > MAX_TEXT_BYTES:
        builder.add_issue(
            "value_too_long",
            f"Attio accepts texts of at most {MAX_TEXT_BYTES:,} bytes: this one was left out. Shorten it in the source "
            "and run the job again.",
            field=field,
            value=cleaned[:1000],
        )
        return []
    return [cleaned] if cleaned else []


def number_item(given: float | Decimal, field: str, builder: DraftBuilder) -> int | float:
    """Return a number as Attio keeps it, with an issue if digits are lost. Raise `InvalidValueError` for infinity."""
    kept = values.number(given)
    if (reason := values.loss(given, kept)) is not None:
        written = str(kept).removesuffix(".0")
        builder.add_issue(
            "rounded", f"{reason}: {given} was written as {written}.", field=field, value=str(given), info=True
        )
    return kept


def location_item(place: Location, field: str, builder: DraftBuilder) -> dict[str, str | None] | None:
    """Return a location, with an issue for each part that Attio cannot hold; None if it can hold no part."""
    location = values.location(place)
    country = (place.country or "").strip()
    if country and country_code(country) is None:
        several = " or ".join(sorted(map(country_name, countries_named(country))))
        problem = f"can be {several}" if several else "is not a country that Attio knows"
        builder.add_issue(
            "unknown_country",
            f"{shown(country)} {problem}: it was left out of the location. Correct it in the source and run the job "
            f"again, or select it in Attio.",
            field=field,
            value=country,
        )
    if place.continent and (location is None or location["country_code"] is None):
        builder.add_issue(
            "continent_not_carried",
            f"A location in Attio has no continent: {shown(place.continent)} was left out. Enter a country there if "
            f"you know it.",
            field=field,
            value=place.continent,
        )
    return location


def _converted(given: tuple[Value, ...], place: Place, builder: DraftBuilder) -> list[Any]:
    slug = place.attribute or ""
    if place.type == "text":
        return text_items("\n".join(filter(None, map(_text, given))), slug, builder)
    found: list[tuple[Any, str]] = []
    for value in given:
        try:
            item = _item(value, place, builder)
        except AmbiguousNumberError as error:
            _report_ambiguous(value, place, error, builder)
            continue
        except (InvalidValueError, NumeralError) as error:
            builder.add_issue(
                "value_not_convertible",
                f"{shown(_text(value))} in {place.name} cannot become a {place.type} ({error}): it was left out. "
                "Correct it in the source, or give the field another type in the mapping, and run the job again.",
                field=slug,
                value=_text(value),
            )
            continue
        if item is not None:
            found.append((item, _text(value)))
    if place.multiple:
        found = _each_once(found, place, builder)
    if place.type in ("people", "companies"):
        references = (reference for reference, _ in found)
        builder.refer(slug, references, multiple=place.multiple, if_several=partial(_further_left_out, place))
        return []
    if not place.multiple and len(found) > 1:
        builder.issues.append(_further_left_out(place, [text for _, text in found[1:]]))
        found = found[:1]
    return [item for item, _ in found]


def _further_left_out(place: Place, texts: Sequence[str]) -> Issue:
    rest = ", ".join(texts)
    return Issue(
        code="further_values_left_out",
        message=f"The attribute {place.attribute} holds one value, and {place.name} has several: the first was kept. "
        f"Left out: {shown(rest)}. To keep all of them, map the field to an attribute that holds several.",
        field=place.attribute,
        value=rest,
    )


def _each_once(found: list[tuple[Any, str]], place: Place, builder: DraftBuilder) -> list[tuple[Any, str]]:
    """Return the items without duplicates, which an attribute with several values cannot hold."""
    kept: list[tuple[Any, str]] = []
    seen: set[bytes] = set()
    again: list[str] = []
    for item, text in found:
        key = ENCODER.encode(item.reference if isinstance(item, SlotReference) else item)
        (again if key in seen else kept).append(text if key in seen else (item, text))  # type: ignore[arg-type]
        seen.add(key)
    if again:
        builder.add_issue(
            "equal_values_left_out",
            f"An attribute with several values holds each once in Attio, and {place.name} has some twice: "
            f"{shown(', '.join(again))}. Each was written once.",
            field=place.attribute,
            value=", ".join(again),
            info=True,
        )
    return kept


def _report_ambiguous(value: Value, place: Place, error: AmbiguousNumberError, builder: DraftBuilder) -> None:
    builder.add_issue(
        "ambiguous_number",
        f"{shown(_text(value))} in {place.name} is one of two numbers: {error}. "
        "It was left out. Write it without a thousands separator in the source and run the job again, or enter it in "
        "Attio.",
        field=place.attribute,
        value=_text(value),
    )


def _item(value: Value, place: Place, builder: DraftBuilder) -> Any:
    """Return the value in the form of the attribute, or its reference; None if it has no value, or if an issue was
    added."""
    slug = place.attribute or ""
    match place.type:
        case "number" | "currency":
            return number_item(_number(value, place, builder), slug, builder)
        case "rating":
            return _rating(_number(value, place, builder))
        case "checkbox":
            return _flag(_number(value, place, builder))
        case "date":
            return _date(value)
        case "timestamp":
            return f"{_date(value)}T00:00:00Z"
        case "select" | "status":
            return _option(value, place, builder)
        case "location":
            return location_item(_required(value, Location), slug, builder)
        case "people":
            return _person(_required(value, PersonRef), place, builder)
        case "companies":
            company = _required(value, CompanyRef)
            return _reference(("companies", company.id), _text(company), place, builder)
        case _:
            return _member(_required(value, PersonRef), place, builder)


def _person(person: PersonRef, place: Place, builder: DraftBuilder) -> Any:
    slug = place.attribute or ""
    if person.internal:
        builder.add_issue(
            "internal_person_in_field",
            f"{_text(person)} in {place.name} is an internal user. Internal users are members in Attio and not "
            f"people, so the value was left out. To migrate such values, give the field the type `members` in the "
            f"mapping.",
            field=slug,
            value=_text(person),
        )
        return None
    return _reference(("people", person.id), _text(person), place, builder)


def _reference(reference: Reference, text: str, place: Place, builder: DraftBuilder) -> SlotReference:
    return builder.reference(reference, field=place.attribute or "", what=f"{text} in {place.name}", name=text)


def _member(person: PersonRef, place: Place, builder: DraftBuilder) -> Any:
    slug = place.attribute or ""
    if person.internal:
        return builder.own(person, field=slug)
    builder.add_issue(
        "not_a_member",
        f"{_text(person)} in {place.name} is not an internal user, and the attribute {slug} holds members of the "
        f"workspace only: the value was left out. To migrate such values, give the field the type `people` in the "
        f"mapping.",
        field=slug,
        value=_text(person),
    )
    return None


def _option(value: Value, place: Place, builder: DraftBuilder) -> str | None:
    title = _text(value)
    if title in builder.index.options.get((place.owner, place.field), ()):
        return title
    if title and place.field_type == "text":
        builder.add_issue(
            "unknown_option",
            f"{shown(title)} is not among the options of {place.attribute} in Attio: the value was left out. Add the "
            "option there and run the job again.",
            field=place.attribute,
            value=title,
        )
    elif title:
        builder.add_issue(
            "unknown_option",
            f"{shown(title)} is not among the options of {place.name} that the job found in the source: the value was "
            f"left out. Run the job again if the option is new.",
            field=place.attribute,
            value=title,
        )
    return None


def _number(value: Value, place: Place, builder: DraftBuilder) -> float | Decimal:
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str):
        raise InvalidValueError("it is not a number")
    numeral = numerals.read(value, builder.references.numerals.get((place.owner, place.field)))
    if numeral.unit is not None:
        builder.add_issue(
            "unit_left_out",
            f"A number in Attio has no unit: {shown(value)} in {place.name} was written without {numeral.unit}.",
            field=place.attribute,
            value=value.strip(),
            info=True,
        )
    return numeral.number


def _rating(given: float | Decimal) -> int:
    if given not in range(6):
        raise InvalidValueError("a rating is a whole number from 0 to 5")
    return int(given)


def _flag(given: float | Decimal) -> bool:
    if given not in (0, 1):
        raise InvalidValueError("only 1 and 0 mean yes and no")
    return bool(given)


def _date(value: Value) -> str:
    try:
        return date.fromisoformat(_text(value)).isoformat()
    except ValueError:
        raise InvalidValueError("it is not a date of the form 2024-01-31") from None


def _required(value: Value, kind: type[Any]) -> Any:
    if not isinstance(value, kind):
        raise InvalidValueError("its type differs from that of the field")
    return value


def _text(value: Value) -> str:
    """Return a value in words."""
    match value:
        case Location():
            # The continent follows from the country.
            widest = (value.country or "").strip() or value.continent
            parts = (*(value.street or "").splitlines(), value.city, value.region, value.postcode, widest)
            return ", ".join(part.strip() for part in parts if part and part.strip())
        case PersonRef():
            return value.name or value.email or f"person {value.id}"
        case CompanyRef():
            return value.name or f"company {value.id}"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value).strip()
