"""The addresses in what people type, and what else stands there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freight.model.addresses import comparable
from freight.model.contacts import Part, read_email, read_website

TEXTS = st.text(max_size=60) | st.lists(
    st.sampled_from(
        ["http://", "https//", "www.", "acme.com", "b.org", "/", "\\", ",", " ", ";", "(", ")", "<", ">", "@", "ada",
         ":", "mailto:", "linkedin.com", "gmail.com", "x.com", "?", "#", "\u3002", "\u200b", "é", "St.Gallen"]
    ),
    max_size=8,
).map("".join)  # fmt: skip


def found(parts: tuple[Part, ...]) -> list[tuple[str, str | None]]:
    return [(part.kind, part.text if part.value is None else part.value) for part in parts]


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("http://https://a.com", ["a.com"]),
        ("https://https://a.com", ["a.com"]),
        ("http:/a.com", ["a.com"]),
        ("https:a.com", ["a.com"]),
        ("https//a.com", ["a.com"]),
        ("http:\\\\a.com", ["a.com"]),
        ("//a.com", ["a.com"]),
        ("a.com:8080/", ["a.com"]),
        ("http://user:secret@a.com/", ["a.com"]),
        ("<https://www.A.com>", ["a.com"]),
        ("https://www.a.com/ , https://www.b.org/", ["a.com", "b.org"]),
        ("a.com / b.org", ["a.com", "b.org"]),
        ("a.com, b.org", ["a.com", "b.org"]),
        ("a.com;b.org|c.net", ["a.com", "b.org", "c.net"]),
        ("https://a.comhttps://b.org", ["a.com", "b.org"]),
        ("a.com/https://b.org", ["a.com", "b.org"]),
        ("a.com/www.b.org", ["a.com", "b.org"]),
        ("zeta.github.io", ["zeta.github.io"]),
        ("acme.substack.com", ["acme.substack.com"]),
    ],
)
def test_every_host_in_a_web_address_is_found(text, hosts):
    assert found(read_website(text, "Acme")) == [("address", host) for host in hosts]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("acme.com (old)", [("address", "acme.com"), ("remark", "old")]),
        ("acme.com/acme.de", [("address", "acme.com"), ("page", "/acme.de")]),
        ("acme.com/shop/", [("address", "acme.com"), ("page", "/shop/")]),
        ("a.com:8080/x?y#z", [("address", "a.com"), ("page", "/x?y#z")]),
        ("acme.com?to=b.org", [("address", "acme.com"), ("page", "?to=b.org")]),
        ("acme.substack.com/about", [("address", "acme.substack.com"), ("page", "/about")]),
        ("http://info@acme.com", [("address", "acme.com"), ("remark", "info@acme.com")]),
        ("http://user:secret@acme.com", [("address", "acme.com")]),
        ("mailto:info@acme.com", [("address", "acme.com"), ("remark", "info@acme.com")]),
        ("mailto:acme@gmail.com", [("free_mail", "gmail.com"), ("remark", "acme@gmail.com")]),
        ("https://de.linkedin.com/in/x", [("profile", "https://de.linkedin.com/in/x")]),
        ("en.wikipedia.org/wiki/Acme", [("profile", "https://en.wikipedia.org/wiki/Acme")]),
        ("bit.ly/abc", [("profile", "https://bit.ly/abc")]),
        ("de.linkedin.com", [("shared", "de.linkedin.com")]),
        ("Acme AG, St.Gallen", [("unusable", "Acme AG, St.Gallen")]),
        ("co.uk", [("unusable", "co.uk")]),
        ("acme.com\N{ZERO WIDTH SPACE}", [("unusable", "acme.com\N{ZERO WIDTH SPACE}")]),
        ("x" * 6000, [("unusable", "x" * 6000)]),
        ("\ufdfa" * 500, [("unusable", "\ufdfa" * 500)]),
        ("  ", []),
    ],
)
def test_what_is_no_host_of_the_firm_is_told_apart(text, parts):
    assert found(read_website(text, "Beta")) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("mailto:ada@x.com", [("address", "ada@x.com")]),
        ("mailto:ada@x.com?subject=hi", [("address", "ada@x.com")]),
        ("mailto:ada@x.com?cc=b@x.com", [("address", "ada@x.com"), ("remark", "cc=b@x.com")]),
        ("work:ada@x.com", [("address", "ada@x.com"), ("remark", "work:")]),
        ("ada@x.com:25", [("unusable", "ada@x.com:25")]),
        ("Ada Lovelace <ada@x.com>", [("address", "ada@x.com"), ("remark", "Ada Lovelace")]),
        ("ada@x.com (work)", [("address", "ada@x.com"), ("remark", "work")]),
        ("E-mail: ada@x.com", [("address", "ada@x.com"), ("remark", "E-mail:")]),
        ("a@x.com; b@x.com", [("address", "a@x.com"), ("address", "b@x.com")]),
        ("a@x.com / b@x.com", [("address", "a@x.com"), ("address", "b@x.com")]),
        ("a@x.com/b@x.com", [("address", "a@x.com"), ("address", "b@x.com")]),
        ("a@x.com, b@y", [("address", "a@x.com"), ("remark", "b@y")]),
        ("o'brien@x.com", [("address", "o'brien@x.com")]),
        ("ada lovelace@x.com", [("unusable", "ada lovelace@x.com")]),
        ("ada(at)x.com", [("unusable", "ada(at)x.com")]),
        ("", []),
    ],
)
def test_every_address_in_a_text_is_found(text, parts):
    assert found(read_email(text)) == parts


@given(text=TEXTS, name=st.none() | st.sampled_from(["Acme", "LinkedIn"]))
def test_parts_are_canonical_and_nothing_of_a_text_is_lost(text, name):
    for parts in (read_website(text, name), read_email(text)):
        assert bool(parts) == bool(text.strip())
        for part in parts:
            assert (
                part.kind == "address"
                or part.kind == "profile"
                or part.reason
                or part.kind in ("page", "remark", "free_mail", "shared")
            )
            if part.kind == "address":
                assert comparable(part.value or "") == part.value


@given(text=TEXTS)
def test_the_text_of_an_address_among_others_is_that_address(text):
    for read in (lambda part: read_website(part, "Acme"), read_email):
        for part in read(text):
            if part.kind == "address":
                assert part.value in {again.value for again in read(part.text)}
