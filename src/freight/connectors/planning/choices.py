"""The options and statuses that attributes have and need; pure."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from freight.connectors.planning import issues
from freight.connectors.planning.target import CHOSEN, Capabilities
from freight.connectors.protocols import Issue
from freight.model.fields import Field
from freight.model.resolved_mapping import Place
from freight.model.schema import Schema

MANY = 1000


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """An option of a select attribute, or a status, in the target."""

    id: str
    title: str
    is_archived: bool = False


Existing = Mapping[tuple[str, str], Sequence[Choice]]
"""Choices by owner and slug, of existing attributes; archived ones included."""


def titles(field: Field) -> list[str]:
    """Return the titles of a field's options, each once, in the source's order. The comparison is exact."""
    return list(dict.fromkeys(title for option in field.options if (title := option.text.strip())))


def complete(wanted: Iterable[str], choices: Iterable[Choice]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return all titles after the schema is ensured, and those of them to make or restore from the archive."""
    present = [choice.title for choice in choices if not choice.is_archived]
    new = [title for title in dict.fromkeys(wanted) if title not in set(present)]
    return tuple(dict.fromkeys([*present, *new])), tuple(new)


def complete_places(
    places: Sequence[Place], schema: Schema, existing: Existing, capabilities: Capabilities
) -> tuple[tuple[Place, ...], list[Issue]]:
    """Return the places with their options, and a warning for each with very many new ones."""
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
            found.append(issues.many_options(place.owner, field, len(new), capabilities))
    return tuple(completed), found


def new_stages(
    wanted: Iterable[tuple[str, str | None]], schema: Schema, existing: Iterable[Choice]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the stages that deals will have, the target's own first, and those of them to make.

    `wanted` are lists of deals, each with the id of its stage field.
    """
    fields = [field for list_id, stage in wanted for field in schema.fields_of(list_id) if field.id == stage]
    return complete([title for field in fields for title in titles(field)], existing)
