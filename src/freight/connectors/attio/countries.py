"""Countries as people write them, in the two-letter codes that Attio takes."""

from functools import cache

import pycountry

EVERYDAY_NAMES = {
    "america": "US",
    "britain": "GB",
    "brunei": "BN",
    "burma": "MM",
    "cape verde": "CV",
    "cote d'ivoire": "CI",
    "curacao": "CW",
    "democratic republic of the congo": "CD",
    "dr congo": "CD",
    "east timor": "TL",
    "england": "GB",
    "falkland islands": "FK",
    "great britain": "GB",
    "holland": "NL",
    "holy see": "VA",
    "ivory coast": "CI",
    "kosovo": "XK",
    "macao": "MO",
    "macau": "MO",
    "macedonia": "MK",
    "micronesia": "FM",
    "northern ireland": "GB",
    "palestine": "PS",
    "palestinian territories": "PS",
    "pr china": "CN",
    "republic of ireland": "IE",
    "republic of korea": "KR",
    "republic of the congo": "CG",
    "reunion": "RE",
    "russia": "RU",
    "scotland": "GB",
    "saint martin": "MF",
    "sint maarten": "SX",
    "swaziland": "SZ",
    "the bahamas": "BS",
    "the gambia": "GM",
    "the netherlands": "NL",
    "the philippines": "PH",
    "turkey": "TR",
    "u.a.e.": "AE",
    "u.k.": "GB",
    "u.s.": "US",
    "u.s.a.": "US",
    "uae": "AE",
    "uk": "GB",
    "us virgin islands": "VI",
    "vatican": "VA",
    "vatican city": "VA",
    "wales": "GB",
    "xk": "XK",
}
"""What pycountry does not find under its official, common or code names."""


@cache
def country_code(name: str) -> str | None:
    """The ISO 3166 alpha-2 code of a country, given its English name or a code; None if there is no such country.

    Kosovo is `XK`, which ISO leaves to its users and Attio's list of codes contains.
    """
    text = " ".join(name.split()).casefold()
    if text in EVERYDAY_NAMES:
        return EVERYDAY_NAMES[text]
    try:
        # Names in Affinity come with "The" or "Saint" spelled in more than one way.
        return str(pycountry.countries.lookup(text.replace("st. ", "saint ").removeprefix("the ")).alpha_2)
    except LookupError:
        return None
