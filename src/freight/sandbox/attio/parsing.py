"""The forms in which Attio takes values, by attribute type: the object form and the shortcut of each."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from freight.sandbox.attio.contacts import parse_domain_value, parse_email, parse_location, parse_name, parse_phone
from freight.sandbox.attio.errors import malformed, refused
from freight.sandbox.attio.given import Given, require_keys
from freight.sandbox.attio.moments import format_moment, parse_moment
from freight.sandbox.attio.values import (
    ActorReference,
    Checkbox,
    Currency,
    Date,
    Number,
    Rating,
    RecordReference,
    Select,
    Status,
    StatusValue,
    Text,
    Timestamp,
    Value,
)

LONGEST_TEXT = 10_000_000
EXACT = 2**53
"""Up to here a 64-bit float holds every whole number."""


def parse_value(given: Given) -> Value:
    """The value as it will be stored. Raises `AttioError` for one that Attio refuses."""
    return PARSERS[given.attribute.type](given)


def _text(given: Given) -> Value:
    text = given.text("value")
    if not text:
        raise given.bad("An empty string is no value; send an empty array to clear the attribute.")
    if len(text.encode()) > LONGEST_TEXT:
        raise given.bad("Text is limited to 10MB.")
    return Text(value=text, **given.common)


def _number(given: Given) -> Value:
    return Number(value=_numeric(given, given.part("value"), "value"), **given.common)


def _checkbox(given: Given) -> Value:
    flag = given.part("value")
    flag = {"true": True, "false": False}.get(flag, flag) if isinstance(flag, str) else flag
    if not isinstance(flag, bool):
        raise malformed((*given.path, "value"), "boolean", flag)
    return Checkbox(value=flag, **given.common)


def _currency(given: Given) -> Value:
    amount = given.part("currency_value")
    if isinstance(amount, str) and re.fullmatch(r"-?\d+(\.\d+)?", amount):
        amount = float(amount)
    number = _numeric(given, amount, "currency_value")
    if number != round(number, 4):
        raise given.bad("A currency value has at most 4 decimal places.")
    currency = given.attribute.currency or {"default_currency_code": "USD"}
    return Currency(currency_value=number, currency_code=currency["default_currency_code"], **given.common)


def _numeric(given: Given, number: object, key: str) -> float | int:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise malformed((*given.path, key), "number", number)
    if isinstance(number, float) or abs(number) <= EXACT:
        return number
    try:
        return int(float(number))
    except OverflowError:
        raise given.bad("Numbers are kept as 64-bit floats.") from None


def _date(given: Given) -> Value:
    return Date(value=_moment(given).date().isoformat(), **given.common)


def _timestamp(given: Given) -> Value:
    return Timestamp(value=format_moment(_moment(given)), **given.common)


def _moment(given: Given) -> datetime:
    text = given.text("value")
    moment = parse_moment(text)
    if moment is None:
        raise given.bad(f'"{text}" is not an ISO 8601 date.')
    return moment


def _rating(given: Given) -> Value:
    stars = given.part("value")
    if isinstance(stars, float) and stars.is_integer():
        stars = int(stars)
    if isinstance(stars, bool) or not isinstance(stars, int) or not 0 <= stars <= 5:
        raise given.bad("A rating is an integer from 0 to 5.")
    return Rating(value=stars, **given.common)


def _status(given: Given) -> Value:
    title = given.text("status")
    status = given.attribute.choices.find(title)
    if not isinstance(status, Status) or status.is_archived:
        raise refused(f'Cannot find status attribute with status title "{title}".', "value_not_found")
    return StatusValue(status=status, **given.common)


def _select(given: Given) -> Value:
    title = given.text("option")
    option = given.attribute.choices.find(title)
    if option is None or option.is_archived:
        raise refused(f'Cannot find select attribute with select option title "{title}".', "value_not_found")
    return Select(option=option, **given.common)


def _actor(given: Given) -> Value:
    raw = given.raw
    if isinstance(raw, dict) and "referenced_actor_type" in raw:
        require_keys(raw, ("referenced_actor_type", "referenced_actor_id"), given.path)
        if raw["referenced_actor_type"] != "workspace-member":
            raise given.bad("Only workspace members can be referred to.")
        identifier = raw["referenced_actor_id"]
    else:
        identifier = given.part("workspace_member_email_address")
    member = given.workspace.find_member(identifier) if isinstance(identifier, str) else None
    if member is None:
        raise refused(f'Workspace member with ID "{identifier}" not found.', "value_not_found")
    return ActorReference(
        referenced_actor_type="workspace-member",
        referenced_actor_id=member.id["workspace_member_id"],
        **given.common,
    )


def _reference(given: Given) -> Value:
    raw = given.raw
    if isinstance(raw, str):
        table_name, record_id = _referred_by_shortcut(given, raw)
    elif isinstance(raw, dict) and "target_record_id" in raw:
        require_keys(raw, ("target_object", "target_record_id"), given.path)
        table_name, record_id = raw["target_object"], raw["target_record_id"]
    elif isinstance(raw, dict):
        table_name, record_id = _referred_by_match(given, raw)
    else:
        raise malformed(given.path, "object", raw)
    table = given.workspace.find_table(table_name) if isinstance(table_name, str) else None
    if table is None:
        raise refused(f'Cannot find object with slug/ID "{table_name}".', "value_not_found")
    allowed = given.attribute.allowed_objects
    if allowed is not None and table.definition.slug not in allowed:
        raise given.bad(f'Records of the object "{table.definition.slug}" are not allowed here.')
    if record_id not in table.records:
        raise refused(
            f'Cannot find record with ID "{record_id}" in object "{table.definition.slug}".', "value_not_found"
        )
    return RecordReference(target_object=table.definition.slug, target_record_id=record_id, **given.common)


SHORTCUTS = {"companies": "domains", "people": "email_addresses"}
"""The attribute by which a plain string names a record."""


def _referred_by_shortcut(given: Given, text: str) -> tuple[str, str]:
    allowed = given.attribute.allowed_objects or []
    if len(allowed) != 1 or allowed[0] not in SHORTCUTS:
        raise given.bad("A string can only name a record where a single standard object is allowed.")
    return allowed[0], _unique_holder(given, allowed[0], SHORTCUTS[allowed[0]], text)


def _referred_by_match(given: Given, raw: dict[str, Any]) -> tuple[str, str]:
    """The record that one matching attribute with one value names."""
    slug = raw.get("target_object")
    if not isinstance(slug, str):
        raise malformed((*given.path, "target_object"), "string", raw.get("target_object", msgspec.UNSET))
    matching = [(key, values) for key, values in raw.items() if key != "target_object"]
    if len(matching) != 1 or not isinstance(matching[0][1], list) or len(matching[0][1]) != 1:
        raise given.bad("Exactly one matching attribute with one value is needed to refer to a record.")
    key, (value,) = matching[0]
    return slug, _unique_holder(given, slug, key, value)


def _unique_holder(given: Given, slug: str, identifier: str, raw: object) -> str:
    table = given.workspace.find_table(slug)
    attribute = None if table is None else table.definition.find(identifier)
    if table is None or attribute is None or not attribute.is_unique:
        raise refused(f'No unique attribute "{identifier}" was found on object "{slug}".', "value_not_found")
    wanted = parse_value(msgspec.structs.replace(given, attribute=attribute, raw=raw))
    for record_id in table.holders(attribute, str(wanted.identity[0])) or ():
        if any(value.identity == wanted.identity for value in table.values(table.records[record_id], attribute)):
            return record_id
    raise refused(f'Cannot find record with {identifier} "{wanted.identity[0]}" in "{slug}".', "value_not_found")


PARSERS: dict[str, Callable[[Given], Value]] = {
    "text": _text,
    "number": _number,
    "checkbox": _checkbox,
    "currency": _currency,
    "date": _date,
    "timestamp": _timestamp,
    "rating": _rating,
    "status": _status,
    "select": _select,
    "actor-reference": _actor,
    "record-reference": _reference,
    "location": parse_location,
    "domain": parse_domain_value,
    "email-address": parse_email,
    "phone-number": parse_phone,
    "personal-name": parse_name,
}
"""`interaction` is missing: it can never be written."""
