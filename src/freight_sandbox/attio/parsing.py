"""The forms in which Attio takes values, by attribute type: the object form and the shorthand of each.

The attribute by which a reference names a record need not be unique; exactly one record must hold the value. The guide
on linking in Attio's documentation says so, and that a `target_record_reference` can also choose what happens if no
record matches, or more than one, and create the record. The keys for that are not known, so only `match` and the
refusal of several matches are simulated.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from freight_sandbox.attio.contacts import parse_domain_value, parse_email, parse_location, parse_name, parse_phone
from freight_sandbox.attio.errors import AttioError, malformed, of_value, refused
from freight_sandbox.attio.moments import format_moment, later, now, parse_moment
from freight_sandbox.attio.requests import RequestValue, require_keys
from freight_sandbox.attio.schema import Attribute
from freight_sandbox.attio.values import (
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
from freight_sandbox.attio.workspace import Workspace

MAX_TEXT_BYTES = 10_000_000
MAX_EXACT_INTEGER = 2**53
"""The largest range in which a 64-bit float represents every integer."""

MATCHING_TYPES = frozenset({"domain", "email-address", "number", "phone-number", "text"})

SHORTCUTS = {
    "companies": "domains",
    "people": "email_addresses",
    "users": "user_id",
    "workspaces": "workspace_id",
}
"""The attribute by which a plain string names a record."""


def parse_value(given: RequestValue) -> Value:
    """Return the value as it will be stored. Raise `AttioError` for one that Attio refuses.

    There is no limit on the number of values of an attribute, of any type: Attio's specification states none (its only
    bounds on arrays are those of paths), nor does a public client or report. The one limit that is documented is of 400
    values in a request that writes the history of an attribute.
    """
    try:
        return PARSERS[given.attribute.type](given)
    except AttioError as error:
        raise of_value(error, given.attribute.slug) from None


def default_values(workspace: Workspace, attribute: Attribute) -> list[Value]:
    """Return the current default of an attribute. Raise `AttioError` for one that is not valid."""
    default = attribute.default_value
    if default is None:
        return []
    if default.type == "dynamic":
        return [_dynamic_default(workspace, attribute, default.template)]
    if not isinstance(default.template, list) or not default.template:
        raise refused("A static default value is an array of values.")
    stamp = now()
    return [parse_value(RequestValue(raw, attribute, workspace, stamp, workspace.actor)) for raw in default.template]


def _dynamic_default(workspace: Workspace, attribute: Attribute, template: object) -> Value:
    actor, moment = workspace.actor, datetime.now(UTC)
    common: dict[str, Any] = {"active_from": format_moment(moment), "created_by_actor": actor}
    if attribute.type == "actor-reference" and template == "current-user":
        return ActorReference(referenced_actor_type=actor.type, referenced_actor_id=actor.id, **common)
    then = later(moment, template) if isinstance(template, str) else None
    if then is not None and attribute.type == "timestamp":
        return Timestamp(value=format_moment(then), **common)
    if then is not None and attribute.type == "date":
        return Date(value=then.date().isoformat(), **common)
    raise refused(f'"{template}" is not a dynamic default value of {attribute.type} attributes.')


def _text(given: RequestValue) -> Value:
    text = given.text("value")
    if not text:
        raise given.bad("An empty string is no value; send an empty array to clear the attribute.", "value")
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise given.bad("Text is limited to 10MB.", "value")
    return Text(value=text, **given.common)


def _number(given: RequestValue) -> Value:
    return Number(value=_numeric(given, given.part("value"), "value"), **given.common)


def _checkbox(given: RequestValue) -> Value:
    flag = given.part("value")
    flag = {"true": True, "false": False}.get(flag, flag) if isinstance(flag, str) else flag
    if not isinstance(flag, bool):
        raise malformed(("value",), "boolean", flag)
    return Checkbox(value=flag, **given.common)


def _currency(given: RequestValue) -> Value:
    amount = given.part("currency_value")
    if isinstance(amount, str) and re.fullmatch(r"-?\d+(\.\d+)?", amount):
        amount = float(amount)
    number = _numeric(given, amount, "currency_value")
    if number != round(number, 4):
        raise given.bad("A currency value has at most 4 decimal places.", "currency_value")
    currency = given.attribute.currency or {"default_currency_code": "USD"}
    return Currency(currency_value=number, currency_code=currency["default_currency_code"], **given.common)


def _numeric(given: RequestValue, number: object, key: str) -> float | int:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise malformed((key,), "number", number)
    if isinstance(number, float) or abs(number) <= MAX_EXACT_INTEGER:
        return number
    try:
        return int(float(number))
    except OverflowError:
        raise given.bad("Numbers are kept as 64-bit floats.", key) from None


def _date(given: RequestValue) -> Value:
    return Date(value=_moment(given).date().isoformat(), **given.common)


def _timestamp(given: RequestValue) -> Value:
    return Timestamp(value=format_moment(_moment(given)), **given.common)


def _moment(given: RequestValue) -> datetime:
    text = given.text("value")
    moment = parse_moment(text)
    if moment is None:
        raise given.bad(f'"{text}" is not an ISO 8601 date.', "value")
    return moment


def _rating(given: RequestValue) -> Value:
    stars = given.part("value")
    if isinstance(stars, float) and stars.is_integer():
        stars = int(stars)
    if isinstance(stars, bool) or not isinstance(stars, int) or not 0 <= stars <= 5:
        raise given.bad("A rating is an integer from 0 to 5.", "value")
    return Rating(value=stars, **given.common)


def _status(given: RequestValue) -> Value:
    title = given.text("status")
    status = given.attribute.choices.find(title)
    if not isinstance(status, Status) or status.is_archived:
        raise refused(f'Cannot find status attribute with status title "{title}".', "value_not_found")
    return StatusValue(status=status, **given.common)


def _select(given: RequestValue) -> Value:
    title = given.text("option")
    option = given.attribute.choices.find(title)
    if option is None or option.is_archived:
        raise refused(f'Cannot find select attribute with select option title "{title}".', "value_not_found")
    return Select(option=option, **given.common)


def _actor(given: RequestValue) -> Value:
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


def _reference(given: RequestValue) -> Value:
    raw = given.raw
    if isinstance(raw, str):
        slug, record_id = _by_shortcut(given, raw)
    elif not isinstance(raw, dict):
        raise malformed((), "object", raw)
    elif "target_record_id" in raw:
        require_keys(raw, ("target_object", "target_record_id"))
        slug, record_id = raw["target_object"], raw["target_record_id"]
    else:
        slug, record_id = _by_match(given, raw)
    table = given.workspace.find_table(slug) if isinstance(slug, str) else None
    if table is None:
        raise refused(f'Cannot find object with slug/ID "{slug}".', "value_not_found")
    allowed = given.attribute.allowed_objects
    if allowed is not None and table.definition.slug not in allowed:
        raise given.bad(f'Records of the object "{table.definition.slug}" are not allowed here.', "target_object")
    if record_id not in table.records:
        raise refused(
            f'Cannot find record with ID "{record_id}" in object "{table.definition.slug}".', "value_not_found"
        )
    return RecordReference(target_object=table.definition.slug, target_record_id=record_id, **given.common)


def _by_shortcut(given: RequestValue, text: str) -> tuple[str, str]:
    allowed = given.attribute.allowed_objects or []
    if len(allowed) != 1 or allowed[0] not in SHORTCUTS:
        raise given.bad("A string can only name a record where a single standard object is allowed.")
    return allowed[0], _only_holder(given, allowed[0], SHORTCUTS[allowed[0]], text)


def _by_match(given: RequestValue, raw: dict[str, Any]) -> tuple[str, str]:
    slug = raw.get("target_object")
    if not isinstance(slug, str):
        raise malformed(("target_object",), "string", raw.get("target_object", msgspec.UNSET))
    if "target_record_reference" in raw:
        require_keys(raw, ("target_object", "target_record_reference"))
        key, value = _match(given, raw["target_record_reference"])
    else:
        key, value = _single(given, {key: values for key, values in raw.items() if key != "target_object"}, ())
    return slug, _only_holder(given, slug, key, value)


def _match(given: RequestValue, raw: object) -> tuple[str, object]:
    """Return the attribute and the value of a `target_record_reference`; its value may lack the array."""
    if not isinstance(raw, dict):
        raise malformed(("target_record_reference",), "object", raw)
    require_keys(raw, ("match",), ("if_multiple_matches",), ("target_record_reference",))
    if raw.get("if_multiple_matches", "error") != "error":
        raise given.bad(
            "The sandbox knows no other value than error.", "target_record_reference", "if_multiple_matches"
        )
    match = raw["match"]
    if not isinstance(match, dict):
        raise malformed(("target_record_reference", "match"), "object", match)
    listed = {key: value if isinstance(value, list) else [value] for key, value in match.items()}
    return _single(given, listed, ("target_record_reference", "match"))


def _single(given: RequestValue, matching: dict[str, Any], path: tuple[str, ...]) -> tuple[str, object]:
    values = next(iter(matching.values()), None)
    if len(matching) != 1 or not isinstance(values, list) or len(values) != 1:
        raise given.bad("Exactly one matching attribute with one value is needed to refer to a record.", *path)
    return next(iter(matching)), values[0]


def _only_holder(given: RequestValue, slug: str, identifier: str, raw: object) -> str:
    """Return the id of the only record that holds a value. Raise 400 if there is none, or more than one."""
    table = given.workspace.find_table(slug)
    attribute = None if table is None else table.definition.find(identifier)
    if table is None or attribute is None or attribute.type not in MATCHING_TYPES:
        raise refused(f'No attribute "{identifier}" to match by was found on object "{slug}".', "value_not_found")
    wanted = parse_value(msgspec.structs.replace(given, attribute=attribute, raw=raw))
    candidates = table.holders(attribute, str(wanted.identity[0]))
    found = [
        record_id
        for record_id in (table.records if candidates is None else candidates)
        if any(value.identity == wanted.identity for value in table.values(table.records[record_id], attribute))
    ]
    if len(found) == 1:
        return found[0]
    raise _not_one(f'with {identifier} "{wanted.identity[0]}" in "{slug}"', len(found))


def _not_one(what: str, hits: int) -> AttioError:
    if hits == 0:
        return refused(f"Cannot find record {what}.", "value_not_found")
    return refused(f"Found {hits} records {what}, where exactly one is needed.", "multiple_match_results")


PARSERS: dict[str, Callable[[RequestValue], Value]] = {
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
"""`interaction` is missing, because it cannot be written."""
