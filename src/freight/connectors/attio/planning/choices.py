"""The choices that select and status attributes have and lack; pure."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from freight.connectors.attio.definitions import Choice
from freight.connectors.attio.planning import issues
from freight.connectors.protocols import Issue
from freight.model.fields import Field
from freight.model.resolved_mapping import Place
from freight.model.schema import Schema

CHOSEN = ("select", "status")
"""Types of attributes that take only what is among their choices."""

MANY = 1000

Existing = Mapping[tuple[str, str], Sequence[Choice]]
"""Choices by owner and slug, of the attributes that exist; archived ones included."""


def titles(field: Field) -> list[str]:
    """The titles of a field's options, each once, in the source's order. Attio compares titles as they are given."""
    return list(dict.fromkeys(title for option in field.options if (title := option.text.strip())))


def complete(wanted: Iterable[str], choices: Iterable[Choice]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All titles that there will be, and those of them that are to be made or brought back from the archive."""
    present = [choice.title for choice in choices if not choice.is_archived]
    new = [title for title in dict.fromkeys(wanted) if title not in set(present)]
    return tuple(dict.fromkeys([*present, *new])), tuple(new)


def add_choices(places: Sequence[Place], schema: Schema, existing: Existing) -> tuple[list[Place], list[Issue]]:
    """The places with their options, and a warning for each that has very many new ones."""
    completed: list[Place] = []
    found: list[Issue] = []
    for place in places:
        field = next((field for field in schema.fields_of(place.owner) if field.id == place.field), None)
        if place.type not in CHOSEN or place.attribute is None or field is None:
            completed.append(place)
            continue
        options, new = complete(titles(field), existing.get((place.owner, place.attribute), ()))
        completed.append(msgspec.structs.replace(place, options=options, new_options=new))
        if len(new) > MANY:
            found.append(issues.many_options(place.owner, field, len(new)))
    return completed, found
