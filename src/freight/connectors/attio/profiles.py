"""Addresses of profiles, of which one page has many: with and without a scheme, `www.`, or a slash at the end.

What the source says is written as it is. Attio's enrichment writes `https://linkedin.com/company/acme`, and may do so
in place of what was written: that is the same value, and is read as the draft spells it that it is compared with.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from freight.connectors.attio.standard import SOCIAL
from freight.connectors.protocols import Attributes, Draft

PROFILES = frozenset(SOCIAL)

MOVED = {"twitter.com": "x.com", "mobile.twitter.com": "x.com"}
"""Hosts that Attio writes under their new name."""

ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?([a-z0-9.-]+\.[a-z]{2,})(/\S*)", re.IGNORECASE)


Spellings = Mapping[tuple[str, str], str]
"""How drafts spell addresses, by attribute and page."""


def spellings_in(drafts: Iterable[Draft]) -> Spellings:
    """Return how these drafts spell the addresses of profiles."""
    return {(slug, page(item)): item for draft in drafts for slug in PROFILES for item in draft.values.get(slug, ())}


def respelled(values: Attributes, spellings: Spellings) -> Attributes:
    """Return the values of a record with the addresses of profiles spelled as in a draft that names the same page."""
    return {
        slug: [spellings.get((slug, page(item)), item) for item in items] if slug in PROFILES else items
        for slug, items in values.items()
    }


def page(text: Any) -> str:
    """Return the one form of the address of a page; of anything else the text as it is."""
    address = ADDRESS.fullmatch(str(text).strip())
    if address is None:
        return str(text)
    host = address[1].lower()
    return f"{MOVED.get(host, host)}{address[2].rstrip('/')}"
