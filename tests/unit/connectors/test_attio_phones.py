"""Telephone numbers as people type them: what is written stands in the text, and the rest is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freight.connectors.attio.phones import ParsedNumbers, read_phone_numbers

COUNTRIES = st.none() | st.sampled_from(["US", "GB", "IT", "DE", "XK", "AQ", "SG", "AR", "BR"])
TEXTS = st.text(max_size=40) | st.text("+0123456789 ()/-.,;x#ABCabcé\u0661\uff11", max_size=40)


def numbers(reading: ParsedNumbers) -> list[str]:
    return [phone.number for phone in reading.numbers]


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("+1 (202) 224-3121", None, "+12022243121"),
        ("(202) 224-3121", "US", "+12022243121"),
        ("+49 (0)30 901820", None, "+4930901820"),
        ("0049 30 901820", None, "+4930901820"),
        ("0049 30 901820", "FR", "+4930901820"),
        ("030/901820", "DE", "+4930901820"),
        ("+49 89 1234-0", None, "+498912340"),
        ("06 698 12345", "IT", "+390669812345"),
        ("tel:+12022243121", None, "+12022243121"),
        ("\uff0b\uff11\uff12\uff10\uff12\uff12\uff12\uff14\uff13\uff11\uff12\uff11", None, "+12022243121"),
        ("\u0660\u0663\u0660 \u0669\u0660\u0661\u0668\u0662\u0660", "DE", "+4930901820"),
    ],
)
def test_a_number_is_read_however_it_is_written(text, country, number):
    reading = read_phone_numbers(text, country)
    assert (numbers(reading), reading.remark, reading.reason) == ([number], None, None)


@pytest.mark.parametrize(
    ("text", "country", "number", "remark"),
    [
        ("070 123 45 67 (Axel)", "SE", "+46701234567", "Axel"),
        ("+49 30 901820 home", None, "+4930901820", "home"),
        ("+49 30 901820 desk", None, "+4930901820", "desk"),
        ("+43 1 5138 B\u00fcro", None, "+4315138", "B\u00fcro"),
        ("+49 30 901820 bis 25", None, "+4930901820", "bis 25"),
        ("+49 30 901820/21", None, "+4930901820", "21"),
        ("+44 20 7946 0958 or 0959", None, "+442079460958", "or 0959"),
        ("Tel. +1 202 224 3121", None, "+12022243121", "Tel"),
    ],
)
def test_what_stands_beside_a_number_is_no_part_of_it_and_is_told(text, country, number, remark):
    reading = read_phone_numbers(text, country)
    assert (numbers(reading), reading.remark) == ([number], remark)


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("+917878787xyz", None),
        ("+33 6 6X XX XX 83", None),
        ("1 800 XXX XXXX", "US"),
        ("202 555 home", "US"),
        ("030 901820", None),
        ("+800 1234 5678", None),
        ("911", "US"),
        ("nonsense", "DE"),
        ("", "DE"),
        ("+" + "1" * 100_000, None),
    ],
)
def test_what_is_no_number_is_refused_with_a_reason(text, country):
    reading = read_phone_numbers(text, country)
    assert numbers(reading) == []
    assert reading.reason


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("+1-800-FLOWERS", None, "+18003569377"),
        ("1-800-GOT-JUNK", "US", "+18004685865"),
        ("0800 FLOWERS", "GB", "+448003569377"),
        ("202-555-HOME", "US", "+12025554663"),
    ],
)
def test_letters_are_digits_only_in_a_number_that_is_letters_by_design(text, country, number):
    reading = read_phone_numbers(text, country)
    assert (numbers(reading), reading.remark) == ([number], None)
    assert reading.numbers[0].rewritten


@pytest.mark.parametrize(
    ("text", "number", "remark"),
    [
        ("+49 30 901820 (8-18 Uhr)", "+4930901820", "8-18 Uhr"),
        ("+49 (0)30 901820 (2)", "+4930901820", "2"),
        ("+1 (202) 224-3121 (2023)", "+12022243121", "2023"),
        ("+49 (30) 901820", "+4930901820", None),
        ("\u2460 +49 30 901820", "+4930901820", "\u2460"),
        ("+49 30 901820 \N{VULGAR FRACTION ONE HALF}", "+4930901820", "\N{VULGAR FRACTION ONE HALF}"),
    ],
)
def test_what_stands_in_brackets_behind_a_number_or_is_no_digit_is_no_part_of_it(text, number, remark):
    reading = read_phone_numbers(text, None)
    assert (numbers(reading), reading.remark) == ([number], remark)


@pytest.mark.parametrize(
    "text", ["+1 202 224 3121 x44", "+1 202 224 3121 ext. 44", "+12022243121;ext=44", "+1 202 224 3121 (ext 44)"]
)
def test_an_extension_is_an_extension(text):
    (phone,) = read_phone_numbers(text, None).numbers
    assert (phone.number, phone.extension) == ("+12022243121", "44")


@pytest.mark.parametrize("between", [" / ", ", ", "; ", "\n", " ", " or "])
def test_two_numbers_are_two(between):
    reading = read_phone_numbers(f"+1 202 224 3121{between}+1 202 224 3122", None)
    assert numbers(reading) == ["+12022243121", "+12022243122"]


@pytest.mark.parametrize(
    ("text", "country", "assumed"),
    [("(202) 224-3121", "US", "US"), ("+1 202 224 3121", "DE", None), ("0049 30 901820", "FR", None)],
)
def test_a_country_is_assumed_only_where_the_number_names_none(text, country, assumed):
    (phone,) = read_phone_numbers(text, country).numbers
    assert phone.assumed_country == assumed


def test_a_number_with_other_digits_from_abroad_says_so():
    (phone,) = read_phone_numbers("011 15 2345 6789", "AR").numbers
    assert (phone.number, phone.rewritten) == ("+5491123456789", True)


@given(text=TEXTS, country=COUNTRIES)
def test_there_are_numbers_or_a_reason_and_a_number_is_its_own_canonical_form(text, country):
    reading = read_phone_numbers(text, country)
    assert bool(reading.numbers) != bool(reading.reason)
    for phone in reading.numbers:
        assert numbers(read_phone_numbers(phone.number, None)) == [phone.number]


@given(text=st.text("+0123456789 ()/-.,;", max_size=40), country=st.none() | st.sampled_from(["US", "GB", "IT", "DE"]))
def test_digits_that_are_written_are_digits_that_were_typed(text, country):
    typed = "".join(character for character in text if character.isdigit())
    for phone in read_phone_numbers(text, country).numbers:
        national = phone.number.removeprefix("+1").removeprefix("+44").removeprefix("+39").removeprefix("+49")
        assert phone.rewritten or any(typed.find(national[cut:]) >= 0 for cut in range(3))
