"""Countries as people write them, in the two-letter codes that Attio takes."""

import unicodedata
from functools import cache

import pycountry

EVERYDAY_NAMES = {
    "america": "US",
    "britain": "GB",
    "brunei": "BN",
    "burma": "MM",
    "cape verde": "CV",
    "democratic republic of congo": "CD",
    "dr congo": "CD",
    "east timor": "TL",
    "england": "GB",
    "falkland islands": "FK",
    "great britain": "GB",
    "holland": "NL",
    "holy see": "VA",
    "ivory coast": "CI",
    "kosovo": "XK",
    "macau": "MO",
    "macedonia": "MK",
    "micronesia": "FM",
    "northern ireland": "GB",
    "palestine": "PS",
    "palestinian territories": "PS",
    "pr china": "CN",
    "republic of ireland": "IE",
    "republic of korea": "KR",
    "russia": "RU",
    "scotland": "GB",
    "saint martin": "MF",
    "sint maarten": "SX",
    "swaziland": "SZ",
    "turkey": "TR",
    "uae": "AE",
    "uk": "GB",
    "us virgin islands": "VI",
    "vatican": "VA",
    "vatican city": "VA",
    "wales": "GB",
    "xk": "XK",
}
"""What pycountry does not know as a name or code; in the form that `_plain` gives."""

KEYS = ("alpha_2", "alpha_3", "numeric", "flag", "name", "official_name", "common_name")

SPELLINGS = {"&": "and", "st": "saint", "the": ""}


@cache
def country_code(name: str) -> str | None:
    """The ISO 3166 alpha-2 code of a country, given its English name or a code; None if there is no such country.

    Kosovo is `XK`, which ISO leaves to its users and Attio's list of codes contains.
    """
    return _codes().get(_plain(name))


@cache
def _codes() -> dict[str, str]:
    known = {
        _plain(value): str(country.alpha_2)
        for country in pycountry.countries
        for key in KEYS
        if (value := getattr(country, key, None))
    }
    return known | EVERYDAY_NAMES


def _plain(name: str) -> str:
    """A name without what people write in more than one way: case, accents, dots, hyphens, "and", "the" and "saint"."""
    text = unicodedata.normalize("NFKD", name.casefold().replace("&", " & ").replace("-", " "))
    text = "".join(letter for letter in text if letter not in ".,'\u2019()" and not unicodedata.combining(letter))
    words = text.split()
    if len(words) > 1:
        words = [SPELLINGS.get(word, word) for word in words]
    return " ".join(filter(None, words))
