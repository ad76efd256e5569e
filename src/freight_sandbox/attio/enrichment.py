"""Enrichment: what Attio writes about a company that has a domain, as the actor `system`, right or wrong.

In recorded traffic of May 2026 the values appeared 0.2 to 0.9 s after the creation, and those of `example.com` were
those of another firm. Whether Attio's enrichment replaces what a client wrote is not settled in public; here it fills
only what is empty by then. Every description ends with `MARK`, so that a test recognises one.
"""

import zlib
from typing import Any

import msgspec

from freight_sandbox.attio.announcements import announce_change
from freight_sandbox.attio.moments import now
from freight_sandbox.attio.relations import assign
from freight_sandbox.attio.schema import Attribute, new_option
from freight_sandbox.attio.tables import Record, Table
from freight_sandbox.attio.values import (
    LOCATION_PARTS,
    SYSTEM,
    Currency,
    Date,
    Domain,
    Location,
    Number,
    Select,
    Text,
    Value,
)
from freight_sandbox.attio.workspace import Workspace

MARK = "(enriched)"
ONE_IN_WRONG = 3
"""So many companies there are for one that is taken for another firm."""


class Profile(msgspec.Struct, frozen=True):
    """What a database of firms says about one of them."""

    name: str
    description: str
    slug: str
    """Its name in the addresses of its profiles."""
    categories: tuple[str, ...]
    locality: str
    country_code: str
    founded: str
    funding: int
    employees: str
    arr: str
    followers: int


STRANGER = Profile(
    name="Stealth Startup 45",
    description=f"Stealth Startup 45 works on what it does not talk about. {MARK}",
    slug="stealth-45",
    categories=("Finance", "Web Services & Apps"),
    locality="Reno",
    country_code="US",
    founded="2012-01-01",
    funding=70_000_000,
    employees="251-1K",
    arr="$50M-$100M",
    followers=12,
)
"""The firm for which others are taken."""


def enrich(workspace: Workspace, company_id: str) -> None:
    """Fill in what is empty on a company. Nothing happens to one that is gone by now or has no domain."""
    table = workspace.tables["companies"]
    company = table.records.get(company_id)
    if company is None:
        return
    domains = table.values(company, table.definition.attribute("domains"))
    if domains and isinstance(domains[0], Domain):
        profile = profile_of(domains[0].root_domain)
        for slug, values in _values(profile).items():
            _fill(workspace, table, company, slug, values)
        for slug, titles in (
            ("categories", profile.categories),
            ("employee_range", (profile.employees,)),
            ("estimated_arr_usd", (profile.arr,)),
        ):
            attribute = table.definition.attribute(slug)
            _fill(workspace, table, company, slug, [_select(workspace, attribute, title) for title in titles])


def profile_of(domain: str) -> Profile:
    """Return what enrichment believes about the holder of a domain: always the same, and wrong for some."""
    number = zlib.crc32(domain.encode())
    if number % ONE_IN_WRONG == 0:
        return STRANGER
    label = domain.split(".")[0]
    return Profile(
        name=label.capitalize(),
        description=f"{label.capitalize()} is a company at {domain}. {MARK}",
        slug=label,
        categories=("B2B", "Software"),
        locality=("Lisbon", "Oslo", "Toronto")[number % 3],
        country_code=("PT", "NO", "CA")[number % 3],
        founded=f"{1990 + number % 30}-01-01",
        funding=number % 90 * 100_000,
        employees="11-50",
        arr="$1M-$10M",
        followers=number % 5000,
    )


def _values(profile: Profile) -> dict[str, list[Value]]:
    """Everything but the selects. Addresses of profiles have no `www.`, as in recorded traffic."""
    common: dict[str, Any] = {"active_from": now(), "created_by_actor": SYSTEM}
    nowhere: dict[str, Any] = dict.fromkeys(LOCATION_PARTS)
    place = {**nowhere, "locality": profile.locality, "country_code": profile.country_code}
    texts = {
        "name": profile.name,
        "description": profile.description,
        "linkedin": f"https://linkedin.com/company/{profile.slug}",
        "twitter": f"https://x.com/{profile.slug}",
        "angellist": f"https://angel.co/company/{profile.slug}",
        "logo_url": f"https://logo.sandbox.invalid/{profile.slug}",
    }
    return {
        **{slug: [Text(value=text, **common)] for slug, text in texts.items()},
        "primary_location": [Location(**place, **common)],
        "twitter_follower_count": [Number(value=profile.followers, **common)],
        "foundation_date": [Date(value=profile.founded, **common)],
        "funding_raised_usd": [Currency(currency_value=profile.funding, currency_code="USD", **common)],
    }


def _select(workspace: Workspace, attribute: Attribute, title: str) -> Value:
    """An option that is chosen; Attio's own options are made when they are needed first."""
    option = attribute.choices.find(title)
    if option is None:
        option = new_option(workspace.id, workspace.tables["companies"].definition, attribute, title)
        attribute.choices.add(option)
    return Select(option=option, active_from=now(), created_by_actor=SYSTEM)


def _fill(workspace: Workspace, table: Table[Any], company: Record, slug: str, values: list[Value]) -> None:
    attribute = table.definition.attribute(slug)
    if not attribute.is_archived and not table.values(company, attribute):
        assign(workspace, table, company, attribute, values)
        announce_change(workspace, table, company, attribute, SYSTEM)
