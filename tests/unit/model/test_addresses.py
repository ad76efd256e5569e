"""One canonical form of host names and e-mail addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freight.model import addresses
from freight.model.addresses import UnusableAddressError, comparable, domain, email_address

HOSTS = st.text(max_size=40) | st.from_regex(
    r"\A(www\.){0,3}[a-zäéß0-9-]{1,12}[.\u3002\uff0e](com|co\.uk|test|ch)\.{0,2}\Z"
)
EMAILS = st.text(max_size=40) | st.emails() | st.from_regex(r"\A[A-Za-z.+ü]{1,8}@[A-Za-zü-]{1,8}\.(com|test|ch)\Z")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (" Acme.COM ", "acme.com"),
        (
            "\uff57\uff57\uff57\uff0e\uff41\uff43\uff4d\uff45\uff0d\uff4b\uff4b\uff0e\uff43\uff4f\uff0e\uff4a\uff50",
            "acme-kk.co.jp",
        ),
        ("www.www.acme.com", "acme.com"),
        ("sakura\u3002example\u3002com", "sakura.example.com"),
        ("acme.com..", "acme.com"),
        ("müller.de", "xn--mller-kva.de"),
        ("straße.de", "xn--strae-oqa.de"),
        ("strasse.de", "strasse.de"),
        ("\N{LATIN SMALL LIGATURE FI}.com", "fi.com"),
        ("www.com", "www.com"),
        ("www.www.com", "www.com"),
        ("www.co.uk", "www.co.uk"),
        ("www.github.io", "www.github.io"),
        ("www2.acme.com", "www2.acme.com"),
        ("acme.test", "acme.test"),
    ],
)
def test_a_domain_has_one_canonical_form(text, canonical):
    assert domain(text) == comparable(text) == canonical


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("ada@example.com.", "ada@example.com"),
        ("\uff41\uff44\uff41\uff20example\uff0ecom", "ada@example.com"),
        ("ada@müller.de", "ada@xn--mller-kva.de"),
        ("ada+crm@example.com", "ada+crm@example.com"),
        ("ada@www.example.com", "ada@www.example.com"),
        ("ada@example.com\N{NO-BREAK SPACE}", "ada@example.com"),
    ],
)
def test_an_e_mail_address_has_one_canonical_form(text, canonical):
    assert email_address(text) == comparable(text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "acme", "localhost", "acme.local", "acme.c", "1.5", "10.0.0.1", "[::1]", "::1", "foo_bar.com",
        "-a.com",
        "a..com", ".a.com", "acme.com:80", "acme com", "xn--a.com", "x" * 64 + ".com", "x." * 200 + "com",
        "acme.com\N{ZERO WIDTH SPACE}", "so\N{SOFT HYPHEN}ft.com", "\N{RIGHT-TO-LEFT MARK}a.com", "a\0.com",
        "\ud800.com",
    ],
)  # fmt: skip
def test_what_is_no_host_on_the_internet_has_no_canonical_domain(text):
    with pytest.raises(UnusableAddressError):
        domain(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "ada", "ada@", "@example.com", "ada@acme", "ada@localhost", "ada@10.0.0.1", "ada@firm.test",
        "ada lovelace@example.com", "a@b@example.com", "x" * 2800 + "@example.com",
        "ada@example.com\N{ZERO WIDTH SPACE}", "\N{RIGHT-TO-LEFT MARK}ada@example.com", "\ud800@example.com",
    ],
)  # fmt: skip
def test_what_is_no_e_mail_address_has_no_canonical_one_and_a_short_reason(text):
    with pytest.raises(UnusableAddressError) as caught:
        email_address(text)
    assert len(str(caught.value)) < 200


@given(text=HOSTS)
def test_a_canonical_domain_is_its_own_canonical_form(text):
    try:
        canonical = domain(text)
    except UnusableAddressError:
        return
    assert domain(canonical) == canonical == comparable(text)
    assert canonical.isascii()
    assert len(canonical) <= addresses.MAX_HOST_LENGTH


@given(text=EMAILS)
def test_a_canonical_e_mail_address_is_its_own_canonical_form(text):
    try:
        canonical = email_address(text)
    except UnusableAddressError:
        return
    assert email_address(canonical) == canonical == canonical.lower()
    assert len(canonical) <= addresses.MAX_EMAIL_LENGTH


@given(text=HOSTS | EMAILS)
def test_the_form_for_comparison_is_its_own(text):
    assert comparable(comparable(text)) == comparable(text)


@pytest.mark.parametrize("text", ["a" + "\u0301" * 500_000 + "\u0327" * 500_000, "\ufdfa" * 1_000_000])
def test_a_text_far_too_long_for_an_address_is_compared_as_it_is(text):
    # To normalise so many accents would take hours.
    assert comparable(f" {text} ") == text
    with pytest.raises(UnusableAddressError):
        domain(text)
    with pytest.raises(UnusableAddressError):
        email_address(f"{text}@example.com")
