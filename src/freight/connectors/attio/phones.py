"""Parsing of telephone numbers that people type: digits are taken as typed, and letters are not converted.

Exceptions are numbers with letters by design, such as 1-800-FLOWERS.
"""

import re
import unicodedata

import msgspec
import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from freight.connectors.attio.countries import is_country

MAX_LENGTH = 250
"""The maximum characters of a text that is searched for numbers."""

SCHEME = re.compile(r"^\s*tel:", re.IGNORECASE)
NUMBER = re.compile(r"(?:\+[ \t(]*|\()?[0-9](?:[0-9 \t().\-\u2010-\u2015\u2212\u00b7]|(?<=[0-9])/(?=[0-9(]))*")
EXTENSION = re.compile(
    r"[ \t,(]*(?:;ext=|(?:ext(?:ension|n)?|x|durchwahl|dw|poste|anexo|int)[.:]?|#)[ \t]*([0-9]{1,7})(?![0-9])\)?",
    re.IGNORECASE,
)
ATTACHED = re.compile(r"[0-9][^\W\d_]|[^\W\d_][0-9]")
"""A letter in the middle of a number: a mask as in `6X XX`, or a typing error."""

VANITY = re.compile(r"(?:\+|\()?[0-9][0-9 ().\-]*[A-Za-z][A-Za-z0-9\-. ]*")
VANITY_TYPES = {
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.PERSONAL_NUMBER,
    PhoneNumberType.UAN,
}
NORTH_AMERICA = 1

NOT_A_NUMBER = "it is not a telephone number"
NO_COUNTRY = "it has no country code, and the record names no country"
IMPOSSIBLE = "no such number can exist in its country"


class PhoneNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A telephone number in a text."""

    number: str
    """E.164."""
    extension: str | None = None
    assumed_country: str | None = None
    """The country (ISO code), if it was taken from the record and not from the text."""
    rewritten: bool = False
    """Whether its digits differ from the text: it is dialled differently from abroad, or has letters for digits."""


class ParsedNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers in a text. If there are none, `reason` says why."""

    numbers: tuple[PhoneNumber, ...] = ()
    remark: str | None = None
    """The text next to the numbers."""
    reason: str | None = None


def read_phone_numbers(text: str, country: str | None) -> ParsedNumbers:
    """Return the numbers in a text; `country` (ISO code) applies to numbers without an international prefix."""
    if len(text) > MAX_LENGTH:
        return ParsedNumbers(reason=f"it has more than {MAX_LENGTH} characters")
    plain = SCHEME.sub("", "".join(_ascii(character) for character in _normalized(text)))
    if (vanity := _vanity(plain, country)) is not None:
        return ParsedNumbers(numbers=(vanity,))
    found: dict[PhoneNumber, None] = {}
    beside: list[str] = []
    reasons: list[str] = []
    end = 0
    while (match := NUMBER.search(plain, end)) is not None:
        beside.append(plain[end : match.start()])
        extension = EXTENSION.match(plain, match.end() - _trailing(match[0]))
        try:
            number, left = _number(match[0], country)
        except ValueError as error:
            reasons.append(str(error))
            beside.append(match[0])
            end = match.end()
            continue
        if left:
            beside.append(left)
        elif extension is not None:
            number = msgspec.structs.replace(number, extension=extension[1])
        found[number] = None
        end = extension.end() if extension is not None and not left else match.end()
    if ATTACHED.search(_without_extensions(plain)):
        return ParsedNumbers(reason="it has letters between its digits")
    if not found:
        return ParsedNumbers(reason=reasons[0] if len(reasons) == 1 else NOT_A_NUMBER)
    beside.append(plain[end:])
    remark = " ".join(" ".join(part.strip(" \t\n,;|/&()-.:") for part in beside).split())
    return ParsedNumbers(numbers=tuple(found), remark=remark or None)


def _normalized(text: str) -> str:
    """Return the text in one width. Numeric characters that are not digits remain: a superscript 2, a half, a circled
    digit."""
    return unicodedata.normalize(
        "NFC",
        "".join(
            letter if unicodedata.category(letter) == "No" else unicodedata.normalize("NFKC", letter) for letter in text
        ),
    )


def _ascii(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return "" if unicodedata.category(character) == "Cf" else character


def _trailing(written: str) -> int:
    return len(written) - len(written.rstrip(" \t().-"))


def _without_extensions(text: str) -> str:
    return EXTENSION.sub(" ", text)


def _number(written: str, country: str | None) -> tuple[PhoneNumber, str]:
    """Return the number, and the text that a slash or a bracket separates from it. Raise `ValueError` with a clause."""
    # +49 30 901820/21 is a number and a part of another, +49 30 901820 (2) a number and a remark; +49 30/901820 and
    # +49 (30) 901820 are one number each.
    for first, separator, second in (written.partition("/"), written.rpartition("(")):
        try:
            if separator:
                return _parsed(first, country), second
        except ValueError:
            pass
    return _parsed(written, country), ""


def _parsed(written: str, country: str | None) -> PhoneNumber:
    digits = _digits(written)
    international = written.startswith("+")
    if not international and country is None and digits.startswith("00"):
        written, international = f"+{digits[2:]}", True
    try:
        parsed = phonenumbers.parse(written, country)
    except NumberParseException as error:
        lacks_country = error.error_type == NumberParseException.INVALID_COUNTRY_CODE and not international
        raise ValueError(NO_COUNTRY if lacks_country and country is None else NOT_A_NUMBER) from None
    number = _valid(parsed)
    return PhoneNumber(
        number=number,
        assumed_country=None if international or _names_its_country(digits, parsed) else country,
        rewritten=not digits.endswith(phonenumbers.national_significant_number(parsed)),
    )


def _names_its_country(digits: str, parsed: phonenumbers.PhoneNumber) -> bool:
    return digits.startswith(("00", "011")) and digits.endswith(
        f"{parsed.country_code}{phonenumbers.national_significant_number(parsed)}"
    )


def _valid(parsed: phonenumbers.PhoneNumber) -> str:
    if not phonenumbers.is_valid_number(parsed):
        raise ValueError(IMPOSSIBLE)
    if not is_country(phonenumbers.region_code_for_number(parsed) or ""):
        raise ValueError("it belongs to no country that Attio knows")
    return str(phonenumbers.format_number(parsed, PhoneNumberFormat.E164))


def _vanity(text: str, country: str | None) -> PhoneNumber | None:
    """Return the number if the whole text is one whose letters are digits by design, otherwise None."""
    written = text.strip()
    letters = "".join(character for character in written if character.isalpha())
    masked = len(set(letters.casefold())) < 2
    if not VANITY.fullmatch(written) or len(letters) < 3 or masked or EXTENSION.search(written):
        return None
    try:
        parsed = phonenumbers.parse(phonenumbers.convert_alpha_characters_in_number(written), country)
        number = _valid(parsed)
    except (NumberParseException, ValueError):
        return None
    try:
        _number(re.split(r"[A-Za-z]", written)[0], country)
    except ValueError:
        kind = phonenumbers.number_type(parsed)
        spelled = kind in VANITY_TYPES or (parsed.country_code == NORTH_AMERICA and letters.isupper())
        assumed = None if written.startswith("+") else country
        return PhoneNumber(number=number, assumed_country=assumed, rewritten=True) if spelled else None
    # The text before the letters is a number by itself: the letters are a remark.
    return None


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())
