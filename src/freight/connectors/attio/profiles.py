"""Addresses of profiles in the one form in which they are written to Attio and compared with what it holds.

Attio's enrichment writes `https://linkedin.com/company/acme` and `https://x.com/acme`; sources have the same pages with
`www.`, with a closing slash or without a scheme.
"""

import re
from typing import Any

from freight.connectors.protocols import Attributes
from freight.crm import Entity

PROFILES = frozenset({"angellist", "facebook", "instagram", "linkedin", "twitter"})
"""The attributes of Attio's companies and people that hold the address of a profile."""

MOVED = {"twitter.com": "x.com", "mobile.twitter.com": "x.com"}
"""Hosts that Attio writes under their new name."""

ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?([a-z0-9.-]+\.[a-z]{2,})(/\S*)", re.IGNORECASE)


def canonical_profiles(entity: Entity, values: Attributes) -> Attributes:
    """Return the values with the addresses of a company's or a person's profiles in canonical form."""
    if entity not in ("companies", "people"):
        return values
    return {slug: [_canonical(item) for item in items] if slug in PROFILES else items for slug, items in values.items()}


def _canonical(item: Any) -> Any:
    address = ADDRESS.fullmatch(item.strip()) if isinstance(item, str) else None
    if address is None:
        return item
    host = address[1].lower()
    return f"https://{MOVED.get(host, host)}{address[2].rstrip('/')}"
