"""Checks of whether the key and the workspace allow a job; pure."""

from collections.abc import Collection, Mapping

from freight.connectors.attio.definitions import Attribute
from freight.connectors.attio.planning import issues
from freight.connectors.attio.provenance import Marks
from freight.connectors.attio.standard import ManagedAttribute, always_filled, managed_attributes
from freight.connectors.protocols import Issue
from freight.model.crm import Entity

ALWAYS = ("record_permission:read-write", "object_configuration:read-write", "user_management:read")

SCOPES: dict[Entity, tuple[str, ...]] = {
    "lists": ("list_configuration:read-write",),
    "list_entries": ("list_configuration:read-write", "list_entry:read-write"),
    "notes": ("note:read-write",),
    "tasks": ("task:read-write",),
    "files": ("file:read-write",),
}
"""The further scopes of each entity, as Attio documents them."""


def check_scopes(scope: object, entities: Collection[Entity]) -> list[Issue]:
    """Return an issue for each scope that the key lacks; none if Attio does not list its scopes."""
    if not isinstance(scope, str):
        return []
    given = set(scope.split())
    # Permission to write includes permission to read.
    given |= {name.removesuffix("-write") for name in given if name.endswith(":read-write")}
    needed = [*ALWAYS, *(scope for entity in entities for scope in SCOPES.get(entity, ()))]
    return [issues.scope_missing(scope) for scope in dict.fromkeys(needed) if scope not in given]


def check_managed(owner: str, attributes: Mapping[str, Attribute], marks: Marks) -> list[Issue]:
    """Return an issue for each attribute that has the slug of one that Freight adds and cannot serve as that."""
    return [
        issues.own_attribute_incompatible(owner, added)
        for added in managed_attributes(owner, marks)
        if (attribute := attributes.get(added.slug)) is not None and not serves(attribute, added)
    ]


def check_required(owner: str, attributes: Mapping[str, Attribute], marks: Marks) -> list[Issue]:
    """Return a warning for each required attribute that Freight does not always fill."""
    filled = always_filled(owner, marks)
    return [
        issues.attribute_demanded(owner, attribute)
        for attribute in attributes.values()
        if attribute.is_required and not attribute.is_archived and attribute.slug not in filled
    ]


def serves(attribute: Attribute, added: ManagedAttribute) -> bool:
    """Return whether an existing attribute can serve as the one that Freight adds."""
    kind = (attribute.type, attribute.multiple)
    return kind == (added.type, added.multiple) and attribute.is_writable and (attribute.is_unique or not added.unique)
