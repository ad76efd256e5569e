"""The forms in which Attio takes values, by attribute type: the object form and the shortcut of each."""

import re
from collections.abc import Callable
from datetime import datetime

from freight_sandbox.attio.contacts import parse_domain_value, parse_email, parse_location, parse_name, parse_phone
from freight_sandbox.attio.errors import AttioError, malformed, of_value, refused
from freight_sandbox.attio.given import Given, require_keys
from freight_sandbox.attio.moments import format_moment, parse_moment
from freight_sandbox.attio.references import parse_reference
from freight_sandbox.attio.values import (
    ActorReference,
    Checkbox,
    Currency,
    Date,
    Number,
    Rating,
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
    """The value as it will be stored. Raises `AttioError` for one that Attio refuses.

    There is no limit on the number of values of an attribute, of any type: Attio's specification states none (its
    only bounds on arrays are those of paths), nor does a public client or report. The one limit that is documented
    is of 400 values in a request that writes the history of an attribute.
    """
    try:
        return PARSERS[given.attribute.type](given)
    except AttioError as error:
        raise of_value(error, given.attribute.slug) from None


def _text(given: Given) -> Value:
    text = given.text("value")
    if not text:
        raise given.bad("An empty string is no value; send an empty array to clear the attribute.", "value")
    if len(text.encode()) > LONGEST_TEXT:
        raise given.bad("Text is limited to 10MB.", "value")
    return Text(value=text, **given.common)


def _number(given: Given) -> Value:
    return Number(value=_numeric(given, given.part("value"), "value"), **given.common)


def _checkbox(given: Given) -> Value:
    flag = given.part("value")
    flag = {"true": True, "false": False}.get(flag, flag) if isinstance(flag, str) else flag
    if not isinstance(flag, bool):
        raise malformed(("value",), "boolean", flag)
    return Checkbox(value=flag, **given.common)


def _currency(given: Given) -> Value:
    amount = given.part("currency_value")
    if isinstance(amount, str) and re.fullmatch(r"-?\d+(\.\d+)?", amount):
        amount = float(amount)
    number = _numeric(given, amount, "currency_value")
    if number != round(number, 4):
        raise given.bad("A currency value has at most 4 decimal places.", "currency_value")
    currency = given.attribute.currency or {"default_currency_code": "USD"}
    return Currency(currency_value=number, currency_code=currency["default_currency_code"], **given.common)


def _numeric(given: Given, number: object, key: str) -> float | int:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise malformed((key,), "number", number)
    if isinstance(number, float) or abs(number) <= EXACT:
        return number
    try:
        return int(float(number))
    except OverflowError:
        raise given.bad("Numbers are kept as 64-bit floats.", key) from None


def _date(given: Given) -> Value:
    return Date(value=_moment(given).date().isoformat(), **given.common)


def _timestamp(given: Given) -> Value:
    return Timestamp(value=format_moment(_moment(given)), **given.common)


def _moment(given: Given) -> datetime:
    text = given.text("value")
    moment = parse_moment(text)
    if moment is None:
        raise given.bad(f'"{text}" is not an ISO 8601 date.', "value")
    return moment


def _rating(given: Given) -> Value:
    stars = given.part("value")
    if isinstance(stars, float) and stars.is_integer():
        stars = int(stars)
    if isinstance(stars, bool) or not isinstance(stars, int) or not 0 <= stars <= 5:
        raise given.bad("A rating is an integer from 0 to 5.", "value")
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
        require_keys(raw, ("referenced_actor_type", "referenced_actor_id"))
        if raw["referenced_actor_type"] != "workspace-member":
            raise given.bad("Only workspace members can be referred to.", "referenced_actor_type")
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
    "record-reference": lambda given: parse_reference(given, parse_value),
    "location": parse_location,
    "domain": parse_domain_value,
    "email-address": parse_email,
    "phone-number": parse_phone,
    "personal-name": parse_name,
}
"""`interaction` is missing: it can never be written."""
