"""Numbers as people write them in text: which separator marks the decimals, and which number a text is.

`1,234` is 1234 in London and 1.234 in Berlin. A text alone often says which (`1.234,56`, `0,125`, `1,234,567`); where
it does not, the other texts of the same field may: `observe` collects the evidence, `parse` uses it.
"""

import re
import unicodedata
from decimal import Decimal
from typing import Literal

import msgspec
import pycountry

Convention = Literal["comma", "point"]
"""Which character separates the decimals of a number from its whole part."""

SIGNS: dict[Convention, str] = {"comma": ",", "point": "."}

MAX_LENGTH = 400
"""The maximum characters of a text that is parsed as a number; the largest double has 309 digits."""

MAX_EXPONENT = 400
"""The largest exponent: beyond it, no number fits a double."""

EQUIVALENTS = str.maketrans(
    {
        "\N{MINUS SIGN}": "-",
        "\N{FULLWIDTH HYPHEN-MINUS}": "-",
        "\N{FULLWIDTH PLUS SIGN}": "+",
        "\N{FULLWIDTH COMMA}": ",",
        "\N{FULLWIDTH FULL STOP}": ".",
        "\N{FULLWIDTH LEFT PARENTHESIS}": "(",
        "\N{FULLWIDTH RIGHT PARENTHESIS}": ")",
        "\N{FULLWIDTH PERCENT SIGN}": "%",
        "\N{ARABIC PERCENT SIGN}": "%",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{MODIFIER LETTER APOSTROPHE}": "'",
        "\N{PRIME}": "'",
        "\N{ARABIC THOUSANDS SEPARATOR}": "'",
    }
)
ARABIC_POINT = "\N{ARABIC DECIMAL SEPARATOR}"
MARKS = "%\N{PER MILLE SIGN}"

DIGITS = re.compile(r"[0-9]+")
EXPONENT = re.compile(r"[eE]([-+]?[0-9]{1,6})$")
GROUPED = re.compile(r"[0-9]{1,3}(?:([,.' ])[0-9]{3})(?:\1[0-9]{3})*")
GROUPED_BY_TWO = re.compile(r"[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}")
"""Lakhs and crores, as in India: `12,34,567`."""


class NumeralError(ValueError):
    """The text is not a number; the message is a clause that says why."""


class AmbiguousNumberError(NumeralError):
    """The text is one of two numbers, and nothing tells which."""


class Numeral(msgspec.Struct, frozen=True):
    """A number in a text, and the unit next to it: `%`, `EUR`, `$`."""

    number: Decimal
    unit: str | None = None


class Evidence(msgspec.Struct, frozen=True):
    """How many texts of a field can only be read with a decimal comma, and how many only with a decimal point."""

    comma: int = 0
    point: int = 0

    def __add__(self, other: "Evidence") -> "Evidence":
        return Evidence(self.comma + other.comma, self.point + other.point)

    @property
    def convention(self) -> Convention | None:
        """The convention that the texts agree on; None if they give no evidence, or contradict each other."""
        if bool(self.comma) == bool(self.point):
            return None
        return "comma" if self.comma else "point"


def observe(text: str) -> Evidence:
    """Return what a text shows about the convention of its field: nothing if it is not a number or allows both."""
    try:
        digits = _Written.of(text).digits
        possible = _conventions(digits)
    except NumeralError:
        return Evidence()
    if len(possible) > 1 or not (set(digits) & set(",.")):
        return Evidence()
    return Evidence(comma=1) if "comma" in possible else Evidence(point=1)


def parse(text: str, convention: Convention | None = None) -> Decimal:
    """Return the number in a text, exactly as written.

    Raise `AmbiguousNumberError` if it is one of two numbers and no convention decides, `NumeralError` if it is not a
    number.
    """
    return read(text, convention).number


def read(text: str, convention: Convention | None = None) -> Numeral:
    """Return the number in a text with its unit, a currency or a percent sign. Raise the errors of `parse`."""
    written = _Written.of(text)
    possible = {each: _value(written.digits, each) for each in _conventions(written.digits)}
    if convention in possible:
        possible = {convention: possible[convention]}
    different = set(possible.values())
    if len(different) > 1:
        one, other = sorted(different)
        raise AmbiguousNumberError(f"it can be read as {one} and as {other}, and nothing says which")
    number = different.pop()
    # Arithmetic would round to the precision of the decimal context; these two do not.
    exact = Decimal(f"{number:f}e{written.exponent}") if written.exponent else number
    return Numeral(exact.copy_negate() if written.negative else exact, written.unit)


class _Written(msgspec.Struct, frozen=True):
    """The parts of a text that looks like a number."""

    digits: str
    """ASCII digits and separators."""
    negative: bool = False
    exponent: int = 0
    unit: str | None = None

    @classmethod
    def of(cls, text: str) -> "_Written":
        if len(text) > MAX_LENGTH:
            raise NumeralError("it is too long for a number")
        rest = _plain(text)
        bracketed = rest.startswith("(") and rest.endswith(")")
        rest, units = _without_units(rest[1:-1].strip() if bracketed else rest)
        rest, sign = _without_sign(rest)
        rest, more = _without_units(rest)
        units += more
        if not sign:
            rest, sign = _without_sign(rest)
        if len(units) > 1 or (bracketed and sign):
            raise NumeralError("it is not a number")
        exponent = 0
        if found := EXPONENT.search(rest):
            exponent, rest = int(found[1]), rest[: found.start()]
            if abs(exponent) > MAX_EXPONENT:
                raise NumeralError("its exponent is beyond what a number can have")
        return cls(rest, bracketed or sign == "-", exponent, units[0] if units else None)


def _plain(text: str) -> str:
    """Return the text with ASCII digits, signs and spaces."""
    translated = text.strip().translate(EQUIVALENTS)
    return "".join(_ascii(letter) for letter in translated)


def _ascii(letter: str) -> str:
    if letter.isascii():
        return " " if letter.isspace() else letter
    if (digit := unicodedata.decimal(letter, None)) is not None:
        return str(digit)
    return " " if unicodedata.category(letter) == "Zs" else letter


def _without_sign(text: str) -> tuple[str, str]:
    if text[:1] in {"-", "+"}:
        return text[1:].strip(), text[0]
    return text, ""


def _without_units(text: str) -> tuple[str, list[str]]:
    """Return the text without a currency or percent sign before or after it, and what was removed."""
    found = []
    before, after = re.match(r"[^0-9,.+\-'\u066b(]*", text), re.search(r"[^0-9,.'\u066b)]*$", text)
    for part in (before, after):
        if part is not None and (unit := part[0].strip()):
            if not _is_unit(unit):
                return text, []
            found.append(unit)
    start = before.end() if before else 0
    end = after.start() if after else len(text)
    return text[start : max(start, end)].strip(), found


def _is_unit(text: str) -> bool:
    if text in MARKS:
        return True
    letters = "".join(letter for letter in text if unicodedata.category(letter) != "Sc").strip()
    has_sign = len(letters) < len(text)
    if not letters:
        return len(text) == 1
    if has_sign:
        # US$, A$, HK$, R$: a currency's sign with the country before it.
        return len(text) - len(letters) == 1 and len(letters) <= 3 and letters.isalpha()
    return len(letters) == 3 and pycountry.currencies.get(alpha_3=letters.upper()) is not None


def _conventions(digits: str) -> set[Convention]:
    """Return the conventions by which the digits are a number. Raise `NumeralError` if there is none."""
    possible: set[Convention] = {each for each in SIGNS if _parts(digits, each) is not None}
    if not possible:
        raise NumeralError("it is not a number")
    return possible


def _value(digits: str, convention: Convention) -> Decimal:
    parts = _parts(digits, convention)
    if parts is None:
        raise NumeralError("it is not a number")
    whole, decimals = parts
    return Decimal(f"{whole or '0'}.{decimals}" if decimals else whole)


def _parts(digits: str, convention: Convention) -> tuple[str, str] | None:
    """Return the digits before and after the decimal sign; None if this is not a number in the convention."""
    if ARABIC_POINT in digits:
        digits = digits.replace(ARABIC_POINT, SIGNS[convention])
    whole, sign, decimals = digits.partition(SIGNS[convention])
    if sign and not DIGITS.fullmatch(decimals):
        return None
    if DIGITS.fullmatch(whole) or (sign and not whole):
        return whole, decimals
    grouped = GROUPED.fullmatch(whole)
    if grouped is None and not (convention == "point" and GROUPED_BY_TWO.fullmatch(whole)):
        return None
    if whole.startswith("0"):
        return None
    return re.sub(r"[^0-9]", "", whole), decimals
