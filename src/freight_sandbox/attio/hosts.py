"""Host names: what a domain is, what belongs to it, and which ones belong to nobody's firm."""

import re

FREE_MAIL = frozenset(
    {
        "aol.com", "fastmail.com", "free.fr", "gmail.com", "gmx.com", "gmx.de", "googlemail.com", "hotmail.com",
        "icloud.com", "live.com", "mac.com", "mail.com", "mail.ru", "me.com", "msn.com", "orange.fr", "outlook.com",
        "pm.me", "proton.me", "protonmail.com", "qq.com", "t-online.de", "web.de", "yahoo.co.uk", "yahoo.com",
        "yandex.ru", "ymail.com", "zoho.com",
    }
)  # fmt: skip
SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "net", "or", "org"})

_LABEL = r"(?!-)[^\W_](?:[\w-]{0,61}[^\W_])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)+(?:xn--[a-z0-9-]+|[^\W\d_]{{2,63}})")


def parse_domain(text: str) -> str | None:
    """The lower-case host in a domain or an URL, or None if there is none."""
    without_scheme = re.sub(r"^[a-z][a-z0-9+.-]*://", "", text.strip().lower())
    host = re.split(r"[/?#:]", without_scheme, maxsplit=1)[0].rstrip(".")
    return host if "_" not in host and _HOST.fullmatch(host) and len(host) <= 253 else None


def root_domain(host: str) -> str:
    """The part that can be registered: `acme.co.uk` of `mail.acme.co.uk`."""
    labels = host.split(".")
    size = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in SECOND_LEVEL else 2
    return ".".join(labels[-size:])
