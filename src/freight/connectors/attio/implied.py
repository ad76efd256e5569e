"""Companies that Attio creates by itself: one for the domain of each e-mail address of a new person.

Attio documents that it matches the company that has the domain, or generates one, and links the person to it. It
creates none for the domains of e-mail providers; which these are is not documented.
"""

from freight.connectors.protocols import MADE_BY_TARGET, Draft, Implied, Issue
from freight.model import addresses
from freight.model.platforms import shared_as


def implied(draft: Draft) -> tuple[Implied, ...]:
    """Return the companies that Attio creates by itself with this draft, each once."""
    if draft.entity != "people":
        return ()
    addresses = draft.values.get("email_addresses", [])
    return tuple(_company(domain) for domain in dict.fromkeys(map(_domain, addresses)) if domain is not None)


def _domain(address: str) -> str | None:
    try:
        domain = addresses.domain(address.rpartition("@")[2])
    except addresses.UnusableAddressError:
        return None
    return None if shared_as(domain) == "free_mail" else domain


def _company(domain: str) -> Implied:
    issue = Issue(
        level="info",
        code=MADE_BY_TARGET,
        message=f"No company has the domain {domain}, so Attio creates one by itself with this person. That company "
        f"has no id of the source. If the source gets a company with this domain, a later job recognises the one in "
        f"Attio and gives it the id.",
        field="email_addresses",
        value=domain,
    )
    return Implied(entity="companies", slug="domains", value=domain, issue=issue)
