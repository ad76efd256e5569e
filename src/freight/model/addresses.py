"""One canonical form of host names and e-mail addresses, for unique values, matching and writing.

Two spellings of one address have one canonical form: capitals, full-width letters, the full stops of other scripts,
trailing dots, `www.` before a site's name however often, and names in their own letters or in those of the DNS. Two
addresses stay two: straße.de is not strasse.de, and ada+crm@acme.com is not ada@acme.com.
"""

import re
import unicodedata
from functools import cache
from ipaddress import ip_address

import idna
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from publicsuffixlist import PublicSuffixList

MAX_HOST_LENGTH = 253
"""Characters of the longest name that a host can have."""

MAX_EMAIL_LENGTH = 254
"""Characters of the longest e-mail address."""

MAX_TEXT_LENGTH = 4 * MAX_HOST_LENGTH
"""Characters of the longest text that may be an address: no letter is written with more than four. Longer ones are not
normalised, because that takes quadratic time over accents."""

MAX_REASON_LENGTH = 160

LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
TOP_LEVEL = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{2,59}")

JOINERS = frozenset("\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}")
"""Invisible, and yet parts of some names in Persian and in scripts of India; IDNA knows where."""

RESERVED = frozenset(SPECIAL_USE_DOMAIN_NAMES) - {"test"}
"""Top-level names that no host on the internet has. Vendors refuse `.test` in e-mail addresses only."""


class UnusableAddressError(ValueError):
    """The text is not an address; the message is a clause that says why."""


def host_name(text: str) -> str:
    """Return the canonical name of a host: lower-case ASCII without a final dot. Raise `UnusableAddressError`."""
    given = _visible(text)
    # A longer text cannot become short enough, and IDNA takes quadratic time over it.
    if len(given) > 2 * MAX_HOST_LENGTH:
        raise UnusableAddressError("it is longer than the name of a host can be")
    name = _ascii(given).rstrip(".")
    if len(name) > MAX_HOST_LENGTH:
        raise UnusableAddressError("it is longer than the name of a host can be")
    if _is_ip_address(name):
        raise UnusableAddressError("it is an IP address, not the name of a host")
    labels = name.split(".")
    if not all(LABEL.fullmatch(label) for label in labels):
        raise UnusableAddressError("it is not the name of a host")
    if len(labels) == 1 or not TOP_LEVEL.fullmatch(labels[-1]):
        raise UnusableAddressError("it is not the name of a host on the internet")
    if any(".".join(labels[start:]) in RESERVED for start in range(len(labels))):
        raise UnusableAddressError("its ending is reserved, so no host on the internet has this name")
    return name


def domain(text: str) -> str:
    """Return the canonical domain of a site: its host without `www.`, as long as a domain is left.

    `www.com` and `www.co.uk` remain unchanged, because `com` and `co.uk` belong to no site. Raise
    `UnusableAddressError`.
    """
    name = host_name(text)
    while name.startswith("www.") and not is_public_suffix(name.removeprefix("www.")):
        name = name.removeprefix("www.")
    return name


def email_address(text: str) -> str:
    """Return the canonical e-mail address, in lower case throughout. Raise `UnusableAddressError`."""
    given = _visible(text).rstrip(".")
    local, at, host = given.rpartition("@")
    if not at:
        raise UnusableAddressError("it has no @")
    if len(given) > 2 * MAX_EMAIL_LENGTH:
        raise UnusableAddressError("it is longer than an e-mail address can be")
    address = f"{local}@{host_name(host)}".lower()
    try:
        valid = validate_email(address, check_deliverability=False)
    except (EmailNotValidError, UnicodeError) as error:
        raise UnusableAddressError(str(error).rstrip(".")[:MAX_REASON_LENGTH]) from None
    canonical = f"{valid.local_part}@{valid.ascii_domain}".lower()
    if len(canonical) > MAX_EMAIL_LENGTH:
        raise UnusableAddressError("it is longer than an e-mail address can be")
    return canonical


def comparable(text: str) -> str:
    """Return the form by which two addresses are compared: the canonical one, or a lower-case one of what has none."""
    try:
        return email_address(text) if "@" in text else domain(text)
    except UnusableAddressError:
        pass
    text = text.strip()
    if len(text) > MAX_TEXT_LENGTH:
        return text.lower()
    # Twice, since the lower-case form of a letter may have an equivalent of its own.
    for _ in range(2):
        text = unicodedata.normalize("NFKC", text).strip().lower()
    return text


def is_public_suffix(name: str) -> bool:
    """Return whether anyone can have a name below a canonical name: `com`, `co.uk`, `github.io`."""
    return _suffixes().privatesuffix(_in_own_letters(name)) is None


def is_top_level(name: str) -> bool:
    """Return whether registries sell names below a canonical name: `com`, `co.uk`, but not `github.io`."""
    # In this order, because the second list is rarely needed and slow to read.
    return is_public_suffix(name) and _suffixes(only_icann=True).privatesuffix(_in_own_letters(name)) is None


def is_registered(name: str) -> bool:
    """Return whether a canonical name was registered, or names are sold below it: acme.co.uk, not shop.acme.co.uk."""
    given = _in_own_letters(name)
    return _suffixes().privatesuffix(given) in (given, None)


def has_known_ending(name: str) -> bool:
    """Return whether a canonical name ends as names on the internet do."""
    return _suffixes(accept_unknown=False).publicsuffix(_in_own_letters(name)) is not None


def invisible_character(text: str) -> str | None:
    """Return the name of the first invisible character in a text, or None."""
    for character in text:
        if unicodedata.category(character) in ("Cf", "Cc", "Co", "Cs", "Cn") and character not in JOINERS:
            return unicodedata.name(character, f"U+{ord(character):04X}")
    return None


@cache
def _suffixes(*, only_icann: bool = False, accept_unknown: bool = True) -> PublicSuffixList:
    # In ASCII as well, the list takes three times as long to be read.
    return PublicSuffixList(only_icann=only_icann, accept_unknown=accept_unknown, accept_encoded_idn=False)


def _in_own_letters(name: str) -> str:
    return idna.decode(name) if "xn--" in name else name


def _visible(text: str) -> str:
    """Return the text in one width. Raise `UnusableAddressError` for one with invisible characters."""
    text = text.strip()
    if len(text) > MAX_TEXT_LENGTH:
        raise UnusableAddressError("it is longer than an address can be")
    given = unicodedata.normalize("NFKC", text).strip()
    if (name := invisible_character(given)) is not None:
        raise UnusableAddressError(f"it contains a character that cannot be seen ({name})")
    return given


def _ascii(host: str) -> str:
    if host.isascii() and "xn--" not in host.lower():
        return host.lower()
    try:
        return idna.encode(host, uts46=True, std3_rules=True).decode("ascii")
    except UnicodeError:
        raise UnusableAddressError("it is not the name of a host") from None


def _is_ip_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
