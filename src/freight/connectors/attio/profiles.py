"""Spellings of profile addresses: the same page with and without a scheme, `www.`, or a slash at the end.

The source's spelling is written. Attio's enrichment writes `https://linkedin.com/company/acme`, and may replace it:
that is the same value, so it is read in the spelling of the draft that it is compared with.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from freight.connectors.attio.standard import SOCIAL
from freight.connectors.protocols import Attributes, Draft

PROFILES = frozenset(SOCIAL)

MOVED = {"twitter.com": "x.com", "mobile.twitter.com": "x.com"}
"""Hosts that Attio writes with their new name."""

ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?([a-z0-9.-]+\.[a-z]{2,})(/\S*)", re.IGNORECASE)


Spellings = Mapping[tuple[str, str], str]
"""The spellings of drafts, by attribute and page."""


def spellings_in(drafts: Iterable[Draft]) -> Spellings:
    """Return the spellings of profile addresses in these drafts."""
    return {(slug, page(item)): item for draft in drafts for slug in PROFILES for item in draft.values.get(slug, ())}


def respelled(values: Attributes, spellings: Spellings) -> Attributes:
    """Return the values of a record with profile addresses spelled as in a draft that names the same page."""
    return {
        slug: [spellings.get((slug, page(item)), item) for item in items] if slug in PROFILES else items
        for slug, items in values.items()
    }


def page(text: Any) -> str:
    """Return the canonical address of a page; any other text unchanged."""
    address = ADDRESS.fullmatch(str(text).strip())
    if address is None:
        return str(text)
    host = address[1].lower()
    return f"{MOVED.get(host, host)}{address[2].rstrip('/')}"
