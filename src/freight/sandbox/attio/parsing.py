"""The forms in which Attio takes values, by attribute type: the object form and the shortcut of each."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import phonenumbers
import pycountry
from email_validator import EmailNotValidError, validate_email

from freight.sandbox.attio.errors import Path, invalid, malformed, refused, unrecognised
from freight.sandbox.attio.hosts import parse_domain, root_domain
from freight.sandbox.attio.schema import Attribute, find_choice, format_moment
from freight.sandbox.attio.values import (
    LOCATION_PARTS,
    Actor,
    ActorReference,
    Checkbox,
    Currency,
    Date,
    Domain,
    EmailAddress,
    Location,
    Number,
    Option,
    PersonalName,
    PhoneNumber,
    Rating,
    RecordReference,
    Select,
    Status,
    StatusValue,
    Text,
    Timestamp,
    Value,
)
from freight.sandbox.attio.workspace import Workspace

LONGEST_TEXT = 10_000_000
COUNTRIES = frozenset({*(country.alpha_2 for country in pycountry.countries), "XK"})
LATITUDE = re.compile(r"[-+]?([1-8]?\d(\.\d+)?|90(\.0+)?)")
LONGITUDE = re.compile(r"[-+]?(180(\.0+)?|((1[0-7]\d)|([1-9]?\d))(\.\d+)?)")


class Given(msgspec.Struct, frozen=True):
    """One value as a client sent it, with what is needed to understand it."""

    raw: Any
    attribute: Attribute
    path: Path
    workspace: Workspace
    active_from: str
    actor: Actor

    def bad(self, reason: str, code: str = "validation_type") -> Exception:
        """The error that names the attribute."""
        return refused(f'An invalid value was passed to attribute with slug "{self.attribute.slug}". {reason}', code)

    def part(self, key: str) -> Any:
        """The raw value itself, or what stands under the only key of its object form."""
        if isinstance(self.raw, dict):
            require_keys(self.raw, (key,), self.path)
            return self.raw[key]
        return self.raw

    def text(self, key: str) -> str:
        """As `part`, and a string."""
        part = self.part(key)
        if not isinstance(part, str):
            raise malformed((*self.path, key), "string", part)
        return part

    @property
    def common(self) -> dict[str, Any]:
        """What every value carries."""
        return {"active_from": self.active_from, "created_by_actor": self.actor}


def require_keys(raw: dict[str, Any], required: tuple[str, ...], path: Path, optional: tuple[str, ...] = ()) -> None:
    """Raises 400 unless the object has all the required keys and no unknown ones."""
    for key in required:
        if key not in raw:
            raise malformed((*path, key), "string")
    if unknown := [key for key in raw if key not in required and key not in optional]:
        raise unrecognised(path, unknown)


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
    return number


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


def parse_moment(text: str) -> datetime | None:
    """The moment in UTC, or None. What the text leaves out is taken to be the beginning, and UTC."""
    if re.fullmatch(r"\d{4}(-\d{2})?", text):
        text = text + "-01-01" if len(text) == 4 else text + "-01"
    try:
        # Attio takes nanoseconds; the standard library reads microseconds.
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _rating(given: Given) -> Value:
    stars = given.part("value")
    if isinstance(stars, bool) or not isinstance(stars, int) or not 0 <= stars <= 5:
        raise given.bad("A rating is an integer from 0 to 5.")
    return Rating(value=stars, **given.common)


def _status(given: Given) -> Value:
    title = given.text("status")
    status = find_choice(given.attribute, title)
    if not isinstance(status, Status) or status.is_archived:
        raise refused(f'Cannot find status attribute with status title "{title}".', "value_not_found")
    return StatusValue(status=status, **given.common)


def _select(given: Given) -> Value:
    title = given.text("option")
    option = find_choice(given.attribute, title)
    if not isinstance(option, Option) or option.is_archived:
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


def _location(given: Given) -> Value:
    raw = _split_address(given.raw) if isinstance(given.raw, str) else given.raw
    if not isinstance(raw, dict):
        raise malformed(given.path, "object", raw)
    require_keys(raw, LOCATION_PARTS, given.path)
    for key in LOCATION_PARTS:
        if raw[key] is not None and not isinstance(raw[key], str):
            raise malformed((*given.path, key), "string", raw[key])
    if raw["country_code"] is not None and raw["country_code"] not in COUNTRIES:
        raise invalid((*given.path, "country_code"), "Invalid country code.")
    for key, pattern in (("latitude", LATITUDE), ("longitude", LONGITUDE)):
        if raw[key] is not None and not pattern.fullmatch(str(raw[key])):
            raise invalid((*given.path, key), f"Invalid {key}.")
    return Location(**raw, **given.common)


def _split_address(text: str) -> dict[str, str | None]:
    """Locality, region and country of "Berlin, Germany"; Attio's own reading of such text is not documented."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    country = _country(parts[-1]) if parts else None
    if country:
        parts.pop()
    named = {
        "locality": parts[0] if parts else None,
        "region": parts[1] if len(parts) > 1 else None,
        "country_code": country,
    }
    return {key: named.get(key) for key in LOCATION_PARTS}


@lru_cache(maxsize=1024)
def _country(text: str) -> str | None:
    try:
        code: str = pycountry.countries.lookup(text).alpha_2
    except LookupError:
        return None
    return code


def _domain(given: Given) -> Value:
    text = given.text("domain")
    host = parse_domain(text)
    if host is None:
        raise given.bad(f'"{text}" is not a valid domain.')
    return Domain(domain=host, root_domain=root_domain(host), **given.common)


def _email(given: Given) -> Value:
    text = given.text("email_address") if not _is_full_email(given.raw) else given.raw["original_email_address"]
    try:
        valid = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise given.bad(f'"{text}" is not a valid email address. {error}') from None
    address = valid.normalized.lower()
    local, _, domain = address.rpartition("@")
    return EmailAddress(
        original_email_address=text,
        email_address=address,
        email_domain=domain,
        email_root_domain=root_domain(domain),
        email_local_specifier=local,
        **given.common,
    )


def _is_full_email(raw: object) -> bool:
    return isinstance(raw, dict) and isinstance(raw.get("original_email_address"), str)


def _phone(given: Given) -> Value:
    raw = given.raw
    if isinstance(raw, dict):
        require_keys(raw, ("original_phone_number",), given.path, ("country_code",))
        original, country = raw["original_phone_number"], raw.get("country_code")
    else:
        original, country = raw, None
    if not isinstance(original, str):
        raise malformed((*given.path, "original_phone_number"), "string", original)
    if country is not None and country not in COUNTRIES:
        raise invalid((*given.path, "country_code"), "Invalid country code.")
    number = _parsed_phone(original, country)
    region = None if number is None else phonenumbers.region_code_for_number(number)
    if number is None or region not in COUNTRIES:
        raise given.bad("Invalid phone number, possibly due to missing country information.")
    return PhoneNumber(
        original_phone_number=original,
        country_code=region,
        phone_number=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        **given.common,
    )


def _parsed_phone(text: str, country: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _name(given: Given) -> Value:
    raw = given.raw
    keys = ("first_name", "last_name", "full_name")
    if isinstance(raw, str):
        last, comma, first = (part.strip() for part in raw.partition(","))
        first, last = (first, last) if comma else (last, "")
        raw = {"first_name": first, "last_name": last, "full_name": f"{first} {last}".strip()}
    if not isinstance(raw, dict):
        raise malformed(given.path, "object", raw)
    require_keys(raw, keys, given.path)
    for key in keys:
        if not isinstance(raw[key], str):
            raise malformed((*given.path, key), "string", raw[key])
    return PersonalName(**raw, **given.common)


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
    "location": _location,
    "domain": _domain,
    "email-address": _email,
    "phone-number": _phone,
    "personal-name": _name,
}
"""`interaction` is missing: it can never be written."""
