"""Parsing of what people type as web or e-mail addresses: the addresses, and the rest of the text.

A text becomes parts, each with its kind. Parsing the text of an address again gives that address.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Literal

import msgspec

from freight.model import addresses, platforms
from freight.model.addresses import UnusableAddressError

MAX_LENGTH = 5000
"""The maximum characters of a text that is searched for addresses."""

Kind = Literal["address", "profile", "free_mail", "shared", "page", "remark", "unusable"]
"""`address` is a domain or an e-mail address, `profile` a page on a platform, `free_mail` the domain of a provider of
mailboxes, `shared` a host that many share, `page` what follows the host of an address, `remark` other text next to an
address, `unusable` a text without one."""

SEPARATORS = re.compile(r"[\s,;|<>()\[\]{}\"\u201c\u201d\u201e\u00ab\u00bb\u3001\u060c\u061b]+")
QUOTES = "'`*\u2018\u2019"
SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]*:[/\\]+|h?t?tps?[:;]?[/\\]+|https?:|[/\\]{2,})", re.IGNORECASE)
RUN_TOGETHER = re.compile(
    r"(?:(?<=[^\s/\\:])|(?<=[^\s/\\:][/\\]))(?=https?:?[/\\])|(?<=[^\s/\\:])[/\\](?=www\.)", re.IGNORECASE
)
"""Where a second address begins directly after the first."""
MAILTO = re.compile(r"mailto:[/\\]*", re.IGNORECASE)
LABEL = re.compile(r"[^@]*:(?=[^@:]*@)")
"""What precedes an address, as in `work:ada@acme.com`: no address has a colon there."""
PORT = re.compile(r":[0-9]*$")
BROKEN = re.compile(r"\s*[^\s@,;|<>()\[\]]*[^\s@,;|<>()\[\]:]\s+[^\s@,;|<>()\[\]]+@")
"""Begins with a word that only a space separates from an address."""
TRIVIAL = re.compile(r"[\W_]*")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of what was typed."""

    text: str
    """As it was typed, without what separated it from the others."""
    kind: Kind
    value: str | None = None
    """The canonical domain or e-mail address; of a profile its address."""
    platform: str | None = None
    """The name of the platform that a profile is on."""
    reason: str | None = None
    """A clause that says why a text is unusable."""


def read_website(text: str, name: str | None) -> tuple[Part, ...]:
    """Return the parts of a text typed as the website of a firm with this name."""
    return _bounded(text, lambda: _read_website(text, name))


def read_email(text: str) -> tuple[Part, ...]:
    """Return the parts of a text typed as a person's e-mail address."""
    return _bounded(text, lambda: _read_email(text))


def _bounded(text: str, read: Callable[[], tuple[Part, ...]]) -> tuple[Part, ...]:
    if not text.strip():
        return ()
    # A letter may stand for many: the longest, an Arabic formula, for eighteen.
    if len(text) > MAX_LENGTH or len(unicodedata.normalize("NFKC", text)) > MAX_LENGTH:
        return (Part(text=text, kind="unusable", reason=f"it has more than {MAX_LENGTH} characters"),)
    return read()


@lru_cache(maxsize=2048)
def _read_website(text: str, name: str | None) -> tuple[Part, ...]:
    tokens = _tokens(RUN_TOGETHER.sub(" ", unicodedata.normalize("NFKC", text)))
    # Among words, `St.Gallen` is no host.
    return _parts(text, tokens, lambda token: _site(token, name, among_words=len(tokens) > 1))


@lru_cache(maxsize=2048)
def _read_email(text: str) -> tuple[Part, ...]:
    try:
        return (Part(text=text, kind="address", value=addresses.email_address(text)),)
    except UnusableAddressError as error:
        reason = str(error)
    plain = unicodedata.normalize("NFKC", text)
    # An address with a space in it is not the one that its second half would be.
    if BROKEN.match(plain):
        return (Part(text=text, kind="unusable", reason=reason),)
    # A slash may be part of an address, but no address has two `@`.
    tokens = [part for token in _tokens(plain) for part in (token.split("/") if token.count("@") > 1 else [token])]
    return _parts(text, [token for token in tokens if token], _mailbox)


def _tokens(text: str) -> list[str]:
    found = (token.strip(QUOTES) for token in SEPARATORS.split(text))
    return [token for token in found if not TRIVIAL.fullmatch(token)]


def _parts(text: str, tokens: Sequence[str], read: Callable[[str], Iterable[Part]]) -> tuple[Part, ...]:
    """Return what the tokens contain and the text next to it; the whole text as one part if they contain nothing."""
    found: dict[Part, None] = {}
    beside: list[str] = []
    reasons: list[str] = []
    for token in tokens or [text]:
        try:
            found |= dict.fromkeys(read(token))
        except UnusableAddressError as error:
            beside.append(token)
            reasons.append(str(error))
    if not found:
        return (Part(text=text, kind="unusable", reason=reasons[0] if len(reasons) == 1 else "it holds no address"),)
    remarks = [*beside, *(part.text for part in found if part.kind == "remark")]
    kept = [part for part in found if part.kind != "remark"]
    if len(tokens) == 1:
        kept[:1] = [msgspec.structs.replace(kept[0], text=text)]
    return (*kept, *([Part(text=" ".join(remarks), kind="remark")] if remarks else ()))


def _mailbox(token: str) -> list[Part]:
    address, beside = MAILTO.sub("", token), ""
    if address != token:
        address, _, more = address.partition("?")
        # It can name further recipients.
        beside = more if "@" in more else ""
    elif label := LABEL.match(address):
        address, beside = address[label.end() :], label[0]
    found = Part(text=token, kind="address", value=addresses.email_address(address.rstrip(".:!?")))
    return [found, *([Part(text=beside, kind="remark")] if beside else [])]


def _site(token: str, name: str | None, *, among_words: bool) -> list[Part]:
    rest = MAILTO.sub("", token)
    schemes = 0
    while (scheme := SCHEME.match(rest)) is not None:
        rest, schemes = rest[scheme.end() :], schemes + 1
    authority, path = _split(rest)
    host = PORT.sub("", authority.rpartition("@")[2])
    domain = addresses.domain(host.rstrip(",:!"))
    if among_words and not schemes and not addresses.has_known_ending(domain):
        raise UnusableAddressError("it is not the name of a host on the internet")
    site = _classified(token, domain, path, name)
    # What follows a user and a password is no e-mail address, and must not be logged.
    beside = [authority] if "@" in authority and not (schemes and ":" in authority.rpartition("@")[0]) else []
    page = path if site.kind == "address" and path.strip("/\\?#") else ""
    return [
        site,
        *([Part(text=page, kind="page")] if page else []),
        *(Part(text=text, kind="remark") for text in beside),
    ]


def _split(address: str) -> tuple[str, str]:
    """Return the host, and the path with what follows it."""
    found = re.search(r"[/\\?#]", address)
    return (address, "") if found is None else (address[: found.start()], address[found.start() :])


def _classified(token: str, domain: str, path: str, name: str | None) -> Part:
    if addresses.is_top_level(domain):
        raise UnusableAddressError("it is the ending of many names, and itself no host's")
    if platforms.is_named_after(domain, name):
        return Part(text=token, kind="address", value=domain)
    page = re.split(r"[?#]", path)[0].strip("/\\")
    platform = platforms.platform_of(domain)
    if platform is not None and page:
        address = f"https://{domain}{path.rstrip('/')}"
        return Part(text=token, kind="profile", value=address, platform=platform)
    match platforms.shared_as(domain):
        case "free_mail":
            return Part(text=token, kind="free_mail", value=domain)
        case "platform" | "hosting":
            return Part(text=token, kind="shared", value=domain)
        case None:
            return Part(text=token, kind="address", value=domain)
