"""What Attio does by itself after a record has been created, as the actor `system`: links and enrichment.

A new person gets the company of the e-mail domain, which is created if it does not exist. In recorded traffic of May
2026 that was 199 to 489 ms after the creation in four of four cases, so it is never in the answer to the creation.

Enrichment fills in a company that has a domain, correctly or not. In the same traffic the values appeared 0.2 to 0.9 s
after the creation, and those of `example.com` belonged to another firm. Whether Attio's enrichment replaces what a
client wrote is not known publicly; here it fills only what is still empty. Every description ends with `MARK`, so that
a test recognises one.
"""

import zlib
from functools import partial
from typing import Any

import msgspec

from freight_sandbox.attio.changes import announce_change, announce_record, assign
from freight_sandbox.attio.contacts import FREE_MAIL, root_domain
from freight_sandbox.attio.moments import now
from freight_sandbox.attio.schema import AttioObject, Attribute, new_option
from freight_sandbox.attio.tables import Record, Table
from freight_sandbox.attio.values import (
    LOCATION_PARTS,
    SYSTEM,
    Currency,
    Date,
    Domain,
    EmailAddress,
    Location,
    Number,
    RecordReference,
    Select,
    Text,
    Value,
)
from freight_sandbox.attio.workspace import Workspace

LINK_DELAY = (0.2, 0.5)
ENRICHMENT_DELAY = (0.2, 0.9)
MARK = "(enriched)"
ONE_IN_WRONG = 3
"""Of so many companies, one is taken for another firm."""


class Profile(msgspec.Struct, frozen=True):
    """The data of one firm in an enrichment database."""

    name: str
    description: str
    slug: str
    """The firm's name in the URLs of its profiles."""
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
"""The firm that others are taken for."""


def follow_up(workspace: Workspace, table: Table[AttioObject], record: Record) -> None:
    """Schedule the automatic work for a new record."""
    if table is workspace.tables["people"]:
        workspace.late.schedule(LINK_DELAY, partial(_link_company, workspace, record.id))
    if table is workspace.tables["companies"] and workspace.enrichment:
        workspace.late.schedule(ENRICHMENT_DELAY, partial(enrich, workspace, record.id))


def _link_company(workspace: Workspace, person_id: str) -> None:
    """Create a company for each e-mail domain of a person, and link the person to the first one if it has no company
    yet.
    """
    people, companies = workspace.tables["people"], workspace.tables["companies"]
    person = people.records.get(person_id)
    if person is None:
        return
    domains, company = companies.definition.attribute("domains"), people.definition.attribute("company")
    for email in people.values(person, people.definition.attribute("email_addresses")):
        if not isinstance(email, EmailAddress) or email.email_domain in FREE_MAIL:
            continue
        owner = next(iter(companies.holders(domains, email.email_domain) or ()), None)
        if owner is None and workspace.has_room():
            owner = _shell_company(workspace, companies, email.email_domain).id
        if owner is not None and not people.values(person, company):
            reference = RecordReference(
                target_object="companies", target_record_id=owner, active_from=now(), created_by_actor=SYSTEM
            )
            assign(workspace, people, person, company, [reference])
            announce_change(workspace, people, person, company, SYSTEM)


def _shell_company(workspace: Workspace, companies: Table[AttioObject], domain: str) -> Record:
    stamp, root = now(), root_domain(domain)
    owned = Domain(domain=domain, root_domain=root, active_from=stamp, created_by_actor=SYSTEM)
    name = Text(value=root.split(".")[0].capitalize(), active_from=stamp, created_by_actor=SYSTEM)
    record = companies.add(stamp, SYSTEM)
    assign(workspace, companies, record, companies.definition.attribute("domains"), [owned])
    assign(workspace, companies, record, companies.definition.attribute("name"), [name])
    announce_record(workspace, "record.created", companies, record, SYSTEM)
    follow_up(workspace, companies, record)
    return record


def enrich(workspace: Workspace, company_id: str) -> None:
    """Fill in the empty attributes of a company. Do nothing if it was deleted or has no domain."""
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
    """Return the enrichment data of a domain: always the same, and wrong for some."""
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
    """Return all values but the selects. URLs of profiles have no `www.`, as in recorded traffic."""
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
    """Return a selected option; Attio's own options are created when they are first needed."""
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
