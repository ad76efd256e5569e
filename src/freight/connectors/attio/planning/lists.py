"""The list of Attio that was made for a list of the source; pure."""

from collections.abc import Mapping, Sequence

from freight.connectors.attio.definitions import Attribute
from freight.connectors.attio.provenance import Marks
from freight.connectors.planning.lists import ListDefinition
from freight.model.crm import List
from freight.model.mapping import Mapping as JobMapping

ListAttributes = Mapping[str, Mapping[str, Attribute]]
"""The attributes of lists, by list id and slug."""


def matching_list(
    given: List, mapping: JobMapping, existing: Sequence[ListDefinition], attributes: ListAttributes, marks: Marks
) -> ListDefinition | None:
    """Return the list of Attio that the job names, or that Freight made for this one earlier.

    The latter is recognised by its slug or, if that was changed, by the description of its attributes.
    """
    if (slug := mapping.of_list(given.id).to) is not None:
        return next((found for found in existing if found.slug == slug), None)
    ending = marks.list_ending(given.id)
    by_slug = next((found for found in existing if f"_{found.slug}".endswith(f"_{ending}")), None)
    description = marks.of_list(given.id)
    return by_slug or next((found for found in existing if _has(description, attributes.get(found.id, {}))), None)


def _has(description: str, attributes: Mapping[str, Attribute]) -> bool:
    return any(attribute.description == description for attribute in attributes.values())
