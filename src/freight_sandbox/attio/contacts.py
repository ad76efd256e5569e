"""The forms in which Attio takes names, addresses and what else reaches somebody."""

import re
from functools import lru_cache

import phonenumbers
import pycountry
from email_validator import EmailNotValidError, validate_email

from freight_sandbox.attio.errors import invalid, malformed
from freight_sandbox.attio.given import Given, require_keys
from freight_sandbox.attio.hosts import parse_domain, root_domain
from freight_sandbox.attio.values import (
    LOCATION_PARTS,
    Domain,
    EmailAddress,
    Location,
    PersonalName,
    PhoneNumber,
    Value,
)

COUNTRIES = frozenset({*(country.alpha_2 for country in pycountry.countries), "XK"})
LATITUDE = re.compile(r"[-+]?([1-8]?\d(\.\d+)?|90(\.0+)?)")
LONGITUDE = re.compile(r"[-+]?(180(\.0+)?|((1[0-7]\d)|([1-9]?\d))(\.\d+)?)")


def parse_location(given: Given) -> Value:
    """A place: all ten parts, or a line of text."""
    raw = _split_address(given.raw) if isinstance(given.raw, str) else given.raw
    if not isinstance(raw, dict):
        raise malformed((), "object", raw)
    require_keys(raw, LOCATION_PARTS)
    for key in LOCATION_PARTS:
        if raw[key] is not None and not isinstance(raw[key], str):
            raise malformed((key,), "string", raw[key])
    if raw["country_code"] is not None and raw["country_code"] not in COUNTRIES:
        raise invalid(("country_code",), "Invalid country code.")
    for key, pattern in (("latitude", LATITUDE), ("longitude", LONGITUDE)):
        if raw[key] is not None and not pattern.fullmatch(str(raw[key])):
            raise invalid((key,), f"Invalid {key}.")
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


def parse_domain_value(given: Given) -> Value:
    """An internet domain, also out of an URL."""
    text = given.text("domain")
    host = parse_domain(text)
    if host is None:
        raise given.bad(f'"{text}" is not a valid domain.', "domain")
    return Domain(domain=host, root_domain=root_domain(host), **given.common)


def parse_email(given: Given) -> Value:
    """An e-mail address; reserved domains are refused."""
    text = given.text("email_address") if not _is_full_email(given.raw) else given.raw["original_email_address"]
    try:
        valid = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise given.bad(f'"{text}" is not a valid email address. {error}', "email_address") from None
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


def parse_phone(given: Given) -> Value:
    """A telephone number with a country, from its prefix or beside it."""
    raw = given.raw
    if isinstance(raw, dict):
        require_keys(raw, ("original_phone_number",), ("country_code",))
        original, country = raw["original_phone_number"], raw.get("country_code")
    else:
        original, country = raw, None
    if not isinstance(original, str):
        raise malformed(("original_phone_number",), "string", original)
    if country is not None and country not in COUNTRIES:
        raise invalid(("country_code",), "Invalid country code.")
    number = _parsed_phone(original, country)
    region = None if number is None else phonenumbers.region_code_for_number(number)
    if number is None or region not in COUNTRIES:
        raise given.bad("Invalid phone number, possibly due to missing country information.", "original_phone_number")
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


def parse_name(given: Given) -> Value:
    """A person's name: all three parts, or "Last, First"."""
    raw = given.raw
    keys = ("first_name", "last_name", "full_name")
    if isinstance(raw, str):
        last, comma, first = (part.strip() for part in raw.partition(","))
        first, last = (first, last) if comma else (last, "")
        raw = {"first_name": first, "last_name": last, "full_name": f"{first} {last}".strip()}
    if not isinstance(raw, dict):
        raise malformed((), "object", raw)
    require_keys(raw, keys)
    for key in keys:
        if not isinstance(raw[key], str):
            raise malformed((key,), "string", raw[key])
    return PersonalName(**raw, **given.common)
