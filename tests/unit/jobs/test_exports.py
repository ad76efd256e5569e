"""Cells that a spreadsheet shows and never evaluates."""

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from freight.domain.jobs.exports import neutral

DANGEROUS = "=+-@\t\r\n＝＋－＠"  # noqa: RUF001

CELLS = st.one_of(
    st.text(),
    st.builds(str.__add__, st.sampled_from(DANGEROUS), st.text()),
    st.builds(str.__add__, st.sampled_from("+-"), st.from_regex(r"[0-9.,eE+-]{1,8}", fullmatch=True)),
)


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@given(cell=CELLS)
@example(cell="-1\n")
@example(cell="+1e5")
@example(cell="-٣")
@example(cell="x;\t =1")
def test_no_cell_begins_as_a_formula_does_unless_it_is_a_number(cell: str) -> None:
    safe = neutral(cell)
    assert safe.replace("'", "") == cell.replace("'", "")
    assert not safe.startswith(tuple(DANGEROUS)) or is_number(safe)
    # Another cell would begin here where semicolons or tabs separate them.
    _, *further = re.split(r"[;\t\r\n]\s*", safe)
    assert not any(part.startswith(tuple(DANGEROUS)) for part in further)


@given(cell=CELLS)
def test_a_program_that_reads_the_file_gets_the_same_cell(cell: str) -> None:
    text = io.StringIO()
    csv.writer(text).writerow([neutral(cell), "next"])
    assert list(csv.reader(io.StringIO(text.getvalue(), newline=""))) == [[neutral(cell), "next"]]


@pytest.mark.parametrize("number", ["-5", "+5", "-12.50", "0", "12", "+49301234567"])
def test_a_plain_number_stays_one(number: str) -> None:
    assert neutral(number) == number


@pytest.mark.parametrize("cell", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "-", "+49 30 1234", "-1=2", "=cmd|' /C calc'!A0"])
def test_what_may_be_a_formula_gets_an_apostrophe(cell: str) -> None:
    assert neutral(cell) == f"'{cell}"


@pytest.mark.parametrize(
    ("cell", "neutralised"),
    [
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("x;=1+1;y", "x;'=1+1;y"),
        ("x\t=2+2", "x\t'=2+2"),
        ("x; \n+1", "x; \n'+1"),
        ("a;b\tc", "a;b\tc"),
        ("5;-3", "5;'-3"),
    ],
)
def test_what_would_be_a_formula_under_another_separator_gets_an_apostrophe(cell: str, neutralised: str) -> None:
    assert neutral(cell) == neutralised
