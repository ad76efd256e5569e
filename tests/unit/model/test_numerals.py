"""Numbers as people write them in text."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freight.model.numerals import AmbiguousNumberError, Evidence, NumeralError, observe, parse, read

TEXTS = st.text(max_size=20) | st.text("0123456789,.' -+()%\u20ac\u0661\u066b\u066ceE", max_size=16)
CONVENTIONS = st.sampled_from(["comma", "point", None])


@pytest.mark.parametrize(
    ("text", "number", "convention"),
    [
        ("0,125", "0.125", "comma"),
        ("0.125", "0.125", "point"),
        ("4,25", "4.25", "comma"),
        ("1.234,56", "1234.56", "comma"),
        ("1,234.56", "1234.56", "point"),
        ("1,234,567", "1234567", "point"),
        ("1.234.567", "1234567", "comma"),
        ("12,34,567.5", "1234567.5", "point"),
        ("1234,567", "1234.567", "comma"),
        ("1'234.50", "1234.50", "point"),
        ("1 234,567", "1234.567", "comma"),
        (".5", "0.5", "point"),
        ("1 234", "1234", None),
        ("1\N{NARROW NO-BREAK SPACE}234", "1234", None),
        ("1\N{RIGHT SINGLE QUOTATION MARK}234", "1234", None),
        ("-5", "-5", None),
        ("\N{MINUS SIGN}5", "-5", None),
        ("(1,234.50)", "-1234.50", "point"),
        ("1e3", "1000", None),
        ("1.5E-3", "0.0015", "point"),
        ("007", "7", None),
        ("\u0663\u066b\u0665", "3.5", None),
        ("\uff11\uff12\uff13", "123", None),
        ("12345678901234567890123456789012345.5", "12345678901234567890123456789012345.5", "point"),
    ],
)
def test_a_number_that_can_be_read_in_one_way_is_read_and_says_how_its_field_is_written(text, number, convention):
    assert parse(text) == parse(text, "comma") == parse(text, "point") == Decimal(number)
    assert observe(text).convention == convention


@pytest.mark.parametrize(("text", "by_comma", "by_point"), [("1,234", "1.234", "1234"), ("12.345", "12345", "12.345")])
def test_a_number_that_can_be_read_in_two_ways_is_refused_unless_its_field_decides(text, by_comma, by_point):
    assert (parse(text, "comma"), parse(text, "point")) == (Decimal(by_comma), Decimal(by_point))
    assert observe(text) == Evidence()
    with pytest.raises(AmbiguousNumberError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("$1,000.50", "1000.50", "$"), ("5 \u20ac", "5", "\u20ac"), ("USD 5", "5", "USD"), ("-US$ 5", "-5", "US$"),
        ("50%", "50", "%"), ("12,5 %", "12.5", "%"), ("($5.00)", "-5.00", "$"), ("5 chf", "5", "chf"),
    ],
)  # fmt: skip
def test_a_currency_or_a_percent_sign_beside_a_number_is_told(text, number, unit):
    numeral = read(text)
    assert (numeral.number, numeral.unit) == (Decimal(number), unit)


@pytest.mark.parametrize(
    "text",
    ["", "-", ".", "N/A", "NaN", "inf", "10-20", "10k", "5 kg", "1,,2", "1.234.56", "1,234,56", "1 2", "+-5", "5%%",
     "$5\u20ac", "(5", "1e999999", "1e9999", "9" * 500, "\u00b2", "1\u00b2", "--5", "1e", "e5"],
)  # fmt: skip
def test_what_is_no_number_is_refused(text):
    with pytest.raises(NumeralError):
        parse(text)
    assert observe(text) == Evidence()


def test_a_field_whose_texts_contradict_each_other_decides_nothing():
    assert (observe("4,25") + observe("13,75")).convention == "comma"
    assert (observe("4,25") + observe("1,234.5")).convention is None
    assert Evidence().convention is None


def test_evidence_can_be_kept():
    evidence = Evidence(comma=3, point=1)
    assert msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence) == evidence


@given(text=TEXTS, convention=CONVENTIONS)
def test_a_text_is_a_number_or_refused_and_evidence_fits_it(text, convention):
    seen = observe(text).convention
    try:
        number = parse(text, convention)
    except NumeralError:
        return
    assert number.is_finite()
    if seen is not None:
        assert parse(text, seen) == number


@given(number=st.decimals(-(10**12), 10**12, places=3), comma=st.booleans())
def test_a_number_written_out_by_a_convention_is_read_back(number, comma):
    text = f"{number:,}"
    if comma:
        text = text.translate(str.maketrans(",.", ".,"))
    assert parse(text, "comma" if comma else "point") == number
