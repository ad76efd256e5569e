"""The attributes of Attio's objects and lists for the planning of fields; pure."""

from collections.abc import Iterator, Mapping
from itertools import chain, takewhile

from freight.connectors.attio.definitions import Attribute
from freight.connectors.attio.planning.slugs import candidates, earlier_field_slug, field_slug
from freight.connectors.attio.provenance import Marks, is_made_for_field, is_mark
from freight.connectors.attio.standard import ATTIO_TYPES, IDENTIFYING, LIST_SYSTEM, managed_attributes, written_types
from freight.connectors.planning.target import FieldOwner, TargetAttribute
from freight.model.fields import Field
from freight.model.mapping import AttributeType


def field_owner(name: str, attributes: Mapping[str, Attribute], marks: Marks) -> FieldOwner:
    """Return `companies`, `people` or the list with this id as an owner of fields that has these attributes."""

    def slugs(field: Field) -> Iterator[str]:
        # An attribute with the slug that an earlier version gave comes first.
        earlier = takewhile(attributes.__contains__, candidates(earlier_field_slug(field), marks.prefix))
        return chain(earlier, candidates(field_slug(field), marks.prefix))

    kept = {added.slug for added in managed_attributes(name, marks)}
    kept |= {slug for slug, attribute in attributes.items() if is_mark(name, slug, attribute.description)}
    return FieldOwner(
        name=name,
        attributes={slug: _seen(attribute, marks) for slug, attribute in attributes.items()},
        kept=LIST_SYSTEM | kept,
        standard=frozenset(written_types(name, marks)),
        identifying=IDENTIFYING.get(name, frozenset()),
        slugs=slugs,
    )


def types_of(attribute: Attribute) -> frozenset[AttributeType]:
    """Return the types that an attribute of Attio can serve as; none for types that hold no field."""
    if attribute.type == "record-reference":
        both: tuple[AttributeType, ...] = ("people", "companies")
        return frozenset(type_ for type_ in both if attribute.allowed is None or type_ in attribute.allowed)
    return frozenset(type_ for type_, name in ATTIO_TYPES.items() if name == attribute.type)


def _seen(attribute: Attribute, marks: Marks) -> TargetAttribute:
    made_for = marks.field_id(attribute.description)
    return TargetAttribute(
        slug=attribute.slug,
        types=types_of(attribute),
        type=attribute.type,
        multiple=attribute.multiple,
        is_writable=attribute.is_writable,
        is_archived=attribute.is_archived,
        made_for=made_for,
        is_the_firms=not (attribute.is_system or made_for is not None or is_made_for_field(attribute.description)),
    )
