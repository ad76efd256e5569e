"""The list of the target for each list of the source; pure."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from freight.connectors.planning import issues
from freight.connectors.planning.roles import resolve_roles
from freight.connectors.protocols import Issue
from freight.model.crm import List
from freight.model.mapping import Mapping as JobMapping
from freight.model.resolved_mapping import ListPlace


class ListDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A list in the target; `parents` are the objects whose records it can hold."""

    id: str
    slug: str
    name: str
    parents: tuple[str, ...]


def place_lists(
    lists: Sequence[List],
    mapping: JobMapping,
    existing: Mapping[str, ListDefinition],
    slug_of: Callable[[List], str],
    *,
    migrated: bool,
    target: str,
) -> tuple[tuple[ListPlace, ...], list[Issue]]:
    """Return the places of the lists that the mapping selects.

    `existing` are lists of the target by the id of their source list, `slug_of` names a new one. With `migrated` false
    only lists of deals have a place, for their stages, and its action is `skip`.
    """
    places: list[ListPlace] = []
    found: list[Issue] = []
    taken: dict[str, List] = {}
    for given in lists:
        if not mapping.migrates_list(given.id) or (not migrated and given.of != "deals"):
            continue
        held = existing.get(given.id)
        roles, wrong = resolve_roles(given, mapping) if given.of == "deals" else ({}, [])
        found += wrong
        if migrated and held is not None and given.of not in held.parents:
            found.append(issues.list_incompatible(given, held.slug, held.parents, target))
        slug = held.slug if held is not None else mapping.of_list(given.id).to or slug_of(given)
        if migrated and slug in taken:
            found.append(issues.list_taken_twice(taken[slug], given, slug, target))
            continue
        taken[slug] = given
        places.append(_place(given, mapping, held, slug, roles, migrated=migrated))
    return tuple(places), found


def _place(
    given: List,
    mapping: JobMapping,
    held: ListDefinition | None,
    slug: str,
    roles: Mapping[str, str],
    *,
    migrated: bool,
) -> ListPlace:
    wanted = mapping.of_list(given.id)
    return ListPlace(
        list_id=given.id,
        name=held.name if held is not None and wanted.to else wanted.name or given.name or slug,
        slug=slug,
        parent=given.of,
        action="skip" if not migrated else "make" if held is None else "use",
        target_id=held.id if migrated and held is not None else None,
        shared=held is not None and wanted.to is not None,
        **roles,
    )
