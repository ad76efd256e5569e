"""Domains, e-mail addresses and profiles in the form of Attio, and issues of the rest of the text."""

from collections.abc import Iterable

from freight.connectors.attio.drafting.builder import DraftBuilder, shown
from freight.connectors.attio.profiles import page
from freight.connectors.attio.standard import PROFILE_OF_PLATFORM
from freight.connectors.protocols import Attributes
from freight.model.contacts import Part, read_email, read_website

CORRECT = "Correct it in the source and run the job again, or enter it in Attio."


def domains(texts: Iterable[str], name: str | None, profiles: Attributes, builder: DraftBuilder) -> list[str]:
    """Return the domains in texts typed as the website of a firm with this name. Profiles on platforms are added to
    `profiles`, under their attributes, if these are empty."""
    return _kept(((text, read_website(text, name)) for text in texts), "domains", profiles, builder)


def email_addresses(texts: Iterable[str], profiles: Attributes, builder: DraftBuilder) -> list[str]:
    """Return the addresses in texts typed as a person's e-mail address. Profiles are treated as in `domains`."""
    return _kept(((text, _with_profiles(text)) for text in texts), "email_addresses", profiles, builder)


def _with_profiles(text: str) -> tuple[Part, ...]:
    parts = read_email(text)
    if [part.kind for part in parts] != ["unusable"]:
        return parts
    read = read_website(text, None)
    return read if read and all(part.kind == "profile" for part in read) else parts


def _kept(
    read: Iterable[tuple[str, tuple[Part, ...]]], slug: str, profiles: Attributes, builder: DraftBuilder
) -> list[str]:
    found: dict[str, None] = {}
    for text, parts in read:
        for part in parts:
            match part.kind:
                case "address":
                    found[part.value or ""] = None
                case "profile":
                    _place_profile(part, slug, profiles, builder)
                case _:
                    _report_left_out(text, part, slug, builder)
    return list(found)


def _place_profile(part: Part, slug: str, profiles: Attributes, builder: DraftBuilder) -> None:
    attribute = PROFILE_OF_PLATFORM.get(part.platform or "")
    address = part.value or part.text
    what = f"{shown(part.text)} is a page on a platform, not {_thing(slug)}"
    if attribute is None:
        builder.add_issue(
            "profile_not_a_domain",
            f"{what}, and Attio has no attribute for it: it was left out. Note it elsewhere in Attio if you need it.",
            field=slug,
            value=part.text,
        )
        return
    held = profiles.get(attribute) or [address]
    profiles[attribute] = held
    if page(held[0]) == page(address):
        builder.add_issue(
            "profile_not_a_domain",
            f"{what}: it was written to {attribute} instead.",
            field=slug,
            value=part.text,
            info=True,
        )
    else:
        builder.add_issue(
            "profile_not_a_domain",
            f"{what}, and the record has another value for {attribute}, {shown(held[0])}: it was left out. Correct it "
            f"in the source or in Attio.",
            field=slug,
            value=part.text,
        )


def _report_left_out(text: str, part: Part, slug: str, builder: DraftBuilder) -> None:
    match part.kind:
        case "free_mail":
            builder.add_issue(
                "free_mail_domain",
                f"{shown(part.text)} belongs to a provider of free e-mail, where people of many firms have addresses: "
                f"it was not used as the domain of this company. Enter the company's own domain if it has one.",
                field=slug,
                value=part.text,
            )
        case "shared":
            builder.add_issue(
                "shared_domain",
                f"{part.value} is shared by many: {shown(part.text)} was not used as the domain of this company. "
                "Enter the company's own domain if it has one.",
                field=slug,
                value=part.text,
            )
        case "page":
            builder.add_issue(
                "page_left_out",
                f"Attio keeps only the domain of a web address: of {shown(text)}, {shown(part.text)} was left out. "
                "Note it elsewhere in Attio if you need it.",
                field=slug,
                value=part.text,
                info=True,
            )
        case "remark":
            builder.add_issue(
                "remark_left_out",
                f"Attio has no place for text next to an address: of {shown(text)}, {shown(part.text)} was left "
                "out. Note it elsewhere in Attio if you need it.",
                field=slug,
                value=part.text,
                info=True,
            )
        case _:
            code = "invalid_domain" if slug == "domains" else "invalid_email"
            builder.add_issue(
                code,
                f"{shown(part.text)} is not {_thing(slug)} ({part.reason}): it was left out. {CORRECT}",
                field=slug,
                value=part.text,
            )


def _thing(slug: str) -> str:
    return "a company's domain" if slug == "domains" else "an e-mail address"
