"""Country names as people write them, and the two-letter codes that Attio accepts.

In English the names are those of ISO 3166, from `pycountry`; in the official languages of all countries those of CLDR,
in `country_names.json`, which `scripts/country-names` makes from the package `babel`. Reading them from that package
would take a second and 100 MB.
"""

import unicodedata
from functools import cache, lru_cache
from importlib import resources

import msgspec
import pycountry

EVERYDAY_NAMES = {
    "america": "US",
    "britain": "GB",
    "brunei": "BN",
    "bosnia": "BA",
    "burma": "MM",
    "cape verde": "CV",
    "congo democratic republic": "CD",
    "congo republic": "CG",
    "democratic republic of congo": "CD",
    "dprk": "KP",
    "dr congo": "CD",
    "east timor": "TL",
    "england": "GB",
    "falkland islands": "FK",
    "great britain": "GB",
    "holland": "NL",
    "holy see": "VA",
    "hong kong china": "HK",
    "hong kong sar": "HK",
    "ivory coast": "CI",
    "kosovo": "XK",
    "macau": "MO",
    "macau sar": "MO",
    "macedonia": "MK",
    "micronesia": "FM",
    "northern ireland": "GB",
    "palestine": "PS",
    "palestinian territories": "PS",
    "pr china": "CN",
    "republic of ireland": "IE",
    "republic of korea": "KR",
    "rok": "KR",
    "russia": "RU",
    "s korea": "KR",
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
"""Names and codes that pycountry does not know, in the form that `plain` returns."""

SHARED_NAMES = {
    "korea": frozenset({"KP", "KR"}),
    "virgin islands": frozenset({"VG", "VI"}),
}
"""Names of several countries, in the form that `plain` returns."""

MAX_LENGTH = 200
"""The maximum characters of a name; no country has so many."""

KEYS = ("alpha_2", "alpha_3", "numeric", "flag", "name", "official_name", "common_name")

SPELLINGS = {"&": "and", "dem": "democratic", "rep": "republic", "st": "saint", "the": ""}


def country_code(name: str) -> str | None:
    """Return the ISO 3166 alpha-2 code of a country, given its name or a code; None if there is no such country, or if
    several countries have the name in different languages.

    Kosovo is `XK`, which ISO leaves to its users and Attio's list of codes contains.
    """
    codes = countries_named(name)
    return next(iter(codes)) if len(codes) == 1 else None


@lru_cache(maxsize=4096)
def countries_named(name: str) -> frozenset[str]:
    """Return the codes of the countries with this name. An English name takes precedence."""
    wanted = plain(name[:MAX_LENGTH])
    code = _codes().get(wanted)
    if code is not None:
        return frozenset({code})
    return SHARED_NAMES.get(wanted) or _translated().get(wanted, frozenset())


def country_name(code: str) -> str:
    """Return the English name of a country, or its code if it has none."""
    country = pycountry.countries.get(alpha_2=code)
    return code if country is None else str(getattr(country, "common_name", country.name))


def is_country(code: str) -> bool:
    """Return whether this is the code of a country in Attio's list."""
    return code == "XK" or pycountry.countries.get(alpha_2=code) is not None


@cache
def _codes() -> dict[str, str]:
    known = {
        plain(value): str(country.alpha_2)
        for country in pycountry.countries
        for key in KEYS
        if (value := getattr(country, key, None))
    }
    return known | EVERYDAY_NAMES


@cache
def _translated() -> dict[str, frozenset[str]]:
    """Return the codes by name; several if countries have the same name in different languages."""
    text = resources.files(__package__).joinpath("country_names.json").read_text("utf-8")
    names: dict[str, list[str]] = msgspec.json.decode(text)["names"]
    found: dict[str, set[str]] = {}
    for code, spellings in names.items():
        for name in spellings:
            found.setdefault(name, set()).add(code)
    return {name: frozenset(codes) for name, codes in found.items()}


def plain(name: str) -> str:
    """Return a name without variations in spelling: case, accents, dots, hyphens, "and", "the" and "saint"."""
    text = unicodedata.normalize("NFKD", name.casefold().replace("&", " & ").replace("-", " "))
    text = "".join(letter for letter in text if letter not in ".,'\u2019()" and not unicodedata.combining(letter))
    words = text.split()
    if len(words) > 1:
        words = [SPELLINGS.get(word, word) for word in words]
    return " ".join(filter(None, words))
