"""Slugs: the names of attributes and lists in Attio's API."""

import re
import unicodedata
from collections.abc import Iterator

from anyascii import anyascii

from freight.model.fields import Field

MAX_SLUG_LENGTH = 80
"""Attio documents no limit; prefixes and suffixes come in addition."""

MAX_LENGTH = 1000
"""The maximum characters of a name that are used: normalising accents takes quadratic time."""


def slugify(text: str) -> str:
    """Return the text in lower-case ASCII letters, digits and single underscores, beginning with a letter; it can be
    empty.

    Letters of other scripts are transliterated; symbols are omitted.
    """
    normal = unicodedata.normalize("NFKC", text[:MAX_LENGTH].casefold())
    letters = "".join(" " if unicodedata.category(each).startswith("S") else each for each in normal)
    return _joined(anyascii(letters).lower())


def field_slug(field: Field) -> str:
    """Return the slug that a field's attribute has by default."""
    return slugify(field.name) or _slug_of_id(field)


def earlier_field_slug(field: Field) -> str:
    """Return the slug that earlier versions of Freight gave a field's attribute: without letters that are not Latin."""
    normal = unicodedata.normalize("NFKD", field.name[:MAX_LENGTH].casefold())
    return _joined(normal.encode("ascii", "ignore").decode()) or _slug_of_id(field)


def _slug_of_id(field: Field) -> str:
    return f"field_{slugify(field.id).removeprefix('field_')}"


def _joined(letters: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", letters).strip("_")[:MAX_SLUG_LENGTH].rstrip("_")
    return f"field_{slug}" if slug[:1].isdigit() else slug


def candidates(slug: str, prefix: str) -> Iterator[str]:
    """Yield the slugs to try in order: the first unchanged, all others with the prefix."""
    yield slug
    other = slug if slug.startswith(prefix) else prefix + slug
    if other != slug:
        yield other
    number = 2
    while True:
        yield f"{other}_{number}"
        number += 1


def list_slug(name: str, ending: str) -> str:
    """Return the slug that a list has by default."""
    return f"{slugify(name) or 'list'}_{ending}"
