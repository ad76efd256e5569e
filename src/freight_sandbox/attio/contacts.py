"""The forms in which Attio takes names, addresses, domains and telephone numbers."""

import re
from functools import lru_cache

import phonenumbers
import pycountry
from email_validator import EmailNotValidError, validate_email

from freight_sandbox.attio.errors import invalid, malformed
from freight_sandbox.attio.requests import RequestValue, require_keys
from freight_sandbox.attio.values import (
    LOCATION_PARTS,
    Domain,
    EmailAddress,
    Location,
    PersonalName,
    PhoneNumber,
    Value,
)

FREE_MAIL = frozenset(
    {
        "aol.com", "fastmail.com", "free.fr", "gmail.com", "gmx.com", "gmx.de", "googlemail.com", "hotmail.com",
        "icloud.com", "live.com", "mac.com", "mail.com", "mail.ru", "me.com", "msn.com", "orange.fr", "outlook.com",
        "pm.me", "proton.me", "protonmail.com", "qq.com", "t-online.de", "web.de", "yahoo.co.uk", "yahoo.com",
        "yandex.ru", "ymail.com", "zoho.com",
    }
)  # fmt: skip

SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "net", "or", "org"})
_LABEL = r"(?!-)[^\W_](?:[\w-]{0,61}[^\W_])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)+(?:xn--[a-z0-9-]+|[^\W\d_]{{2,63}})")
COUNTRIES = frozenset({*(country.alpha_2 for country in pycountry.countries), "XK"})
LATITUDE = re.compile(r"[-+]?([1-8]?\d(\.\d+)?|90(\.0+)?)")
LONGITUDE = re.compile(r"[-+]?(180(\.0+)?|((1[0-7]\d)|([1-9]?\d))(\.\d+)?)")


def parse_location(given: RequestValue) -> Value:
    """Parse a location: all ten parts, or a line of text."""
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
    """Return locality, region and country of "Berlin, Germany". How Attio reads such text is not documented."""
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


def parse_domain_value(given: RequestValue) -> Value:
    """Parse an internet domain, also from a URL."""
    text = given.text("domain")
    host = parse_domain(text)
    if host is None:
        raise given.bad(f'"{text}" is not a valid domain.', "domain")
    return Domain(domain=host, root_domain=root_domain(host), **given.common)


def parse_email(given: RequestValue) -> Value:
    """Parse an e-mail address; reserved domains are refused."""
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


def parse_phone(given: RequestValue) -> Value:
    """Parse a telephone number with a country, from its prefix or given separately."""
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


def parse_name(given: RequestValue) -> Value:
    """Parse a person's name: all three parts, or "Last, First"."""
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


def parse_domain(text: str) -> str | None:
    """Return the lower-case host of a domain or a URL, or None if there is none."""
    without_scheme = re.sub(r"^[a-z][a-z0-9+.-]*://", "", text.strip().lower())
    host = re.split(r"[/?#:]", without_scheme, maxsplit=1)[0].rstrip(".")
    return host if "_" not in host and _HOST.fullmatch(host) and len(host) <= 253 else None


def root_domain(host: str) -> str:
    """Return the registrable part: `acme.co.uk` of `mail.acme.co.uk`."""
    labels = host.split(".")
    size = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SECOND_LEVEL else 2
    return ".".join(labels[-size:])
