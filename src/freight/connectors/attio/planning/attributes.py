"""Which attribute of Attio holds which field; pure, so that the same workspaces always give the same answer."""

from collections.abc import Mapping, Sequence
from itertools import chain, takewhile

import msgspec

from freight.connectors.attio.definitions import Attribute
from freight.connectors.attio.planning import issues
from freight.connectors.attio.planning.choices import CHOSEN
from freight.connectors.attio.planning.slugs import candidates, earlier_field_slug, field_slug
from freight.connectors.attio.provenance import MADE_FOR_FIELD, Marks, is_mark
from freight.connectors.attio.standard import (
    ATTIO_TYPES,
    IDENTIFYING,
    LIST_SYSTEM,
    MULTIPLE_TYPES,
    Added,
    added_to,
    always_filled,
    own_types,
)
from freight.connectors.protocols import Issue
from freight.model.fields import Field
from freight.model.mapping import POSSIBLE_TYPES, AttributeType, FieldMapping, default_type
from freight.model.resolved_mapping import Place


def types_of(attribute: Attribute) -> frozenset[AttributeType]:
    """What an attribute of Attio can serve as; none for types that hold no field."""
    if attribute.type == "record-reference":
        both: tuple[AttributeType, ...] = ("people", "companies")
        return frozenset(type_ for type_ in both if attribute.allowed is None or type_ in attribute.allowed)
    return frozenset(type_ for type_, name in ATTIO_TYPES.items() if name == attribute.type)


def place_fields(
    owner: str,
    fields: Sequence[Field],
    wanted: Mapping[str, FieldMapping],
    attributes: Mapping[str, Attribute],
    marks: Marks,
) -> tuple[list[Place], list[Issue]]:
    """Where the fields of an owner go, given what its object or list has; in the order of the fields.

    What the job names comes first, then what is recognised, so that neither depends on the fields before it.
    """
    placing = _Placing(owner, attributes, marks)
    wishes = [_Wish.of(field, wanted.get(field.id, FieldMapping())) for field in fields]
    for wish in wishes:
        if wish.mapping.skip:
            placing.skip(wish.field)
        elif wish.type not in POSSIBLE_TYPES[wish.field.type]:
            placing.refuse(wish.field, issues.type_impossible(owner, wish.field, wish.type))
        elif wish.has_no_options and wish.mapping.to not in attributes:
            placing.refuse(wish.field, issues.options_unknown(owner, wish.field, wish.type))
        elif wish.mapping.to is not None:
            placing.place_as_named(wish, wish.mapping.to)
    for wish in wishes:
        placing.recognise(wish)
    for wish in wishes:
        placing.place_by_slug(wish)
    return [placing.places[field.id] for field in fields if field.id in placing.places], placing.issues


def check_added(owner: str, attributes: Mapping[str, Attribute], marks: Marks) -> list[Issue]:
    """Issues for attributes that stand where Freight needs its own and cannot serve as these."""
    return [
        issues.own_attribute_incompatible(owner, added)
        for added in added_to(owner, marks)
        if (attribute := attributes.get(added.slug)) is not None and not serves(attribute, added)
    ]


def check_demanded(owner: str, attributes: Mapping[str, Attribute], marks: Marks) -> list[Issue]:
    """Issues for attributes that every new record must have and that Freight does not always fill."""
    return [
        issues.attribute_demanded(owner, attribute)
        for attribute in attributes.values()
        if attribute.is_demanded and not attribute.is_archived and attribute.slug not in always_filled(owner, marks)
    ]


def serves(attribute: Attribute, added: Added) -> bool:
    """Whether an attribute that exists can be the one that Freight adds for itself."""
    kind = (attribute.type, attribute.multiple)
    return kind == (added.type, added.multiple) and attribute.is_writable and (attribute.is_unique or not added.unique)


class _Wish(msgspec.Struct, frozen=True):
    """What a field is to become."""

    field: Field
    mapping: FieldMapping
    type: AttributeType
    multiple: bool

    @classmethod
    def of(cls, field: Field, mapping: FieldMapping) -> "_Wish":
        type_ = mapping.type or default_type(field)
        return cls(field, mapping, type_, field.multiple and type_ in MULTIPLE_TYPES)

    @property
    def has_no_options(self) -> bool:
        """Whether it is to be chosen among options that the source does not name."""
        return self.type in CHOSEN and self.field.type not in CHOSEN


class _Placing:
    """The places of one owner's fields as they are found; a field that was refused has none."""

    def __init__(self, owner: str, attributes: Mapping[str, Attribute], marks: Marks) -> None:
        self.places: dict[str, Place] = {}
        self.issues: list[Issue] = []
        self._owner = owner
        self._attributes = attributes
        self._marks = marks
        self._refused: set[str] = set()
        self._taken: dict[str, Field] = {}
        self._reserved = {*own_types(owner, marks), *LIST_SYSTEM}

    def skip(self, field: Field) -> None:
        self.places[field.id] = Place(
            owner=self._owner, field=field.id, name=field.name, field_type=field.type, action="skip"
        )

    def refuse(self, field: Field, issue: Issue) -> None:
        self._refused.add(field.id)
        self.issues.append(issue)

    def place_as_named(self, wish: _Wish, slug: str) -> None:
        """Use the attribute that the job names, or make it."""
        attribute = self._attributes.get(slug)
        own = {added.slug for added in added_to(self._owner, self._marks)} | LIST_SYSTEM
        if (other := self._taken.get(slug)) is not None:
            self.refuse(wish.field, issues.attribute_taken_twice(self._owner, slug, other, wish.field))
        elif attribute is None and slug not in own:
            self._place(wish, slug, None, wish.type)
        elif (
            attribute is None
            or slug in own
            or is_mark(slug, attribute.description)
            or (type_ := _servable(attribute, wish)) is None
        ):
            self.refuse(wish.field, issues.attribute_incompatible(self._owner, wish.field, slug, attribute))
        elif slug in IDENTIFYING.get(self._owner, ()) and not wish.mapping.replace:
            self.refuse(wish.field, issues.standard_value_taken(self._owner, wish.field, slug))
        else:
            self._place(wish, slug, attribute, type_)

    def recognise(self, wish: _Wish) -> None:
        """Use the attribute that Freight made for this field earlier."""
        if self._is_settled(wish.field):
            return
        mark = self._marks.of_field(wish.field.id)
        for slug, attribute in self._attributes.items():
            if attribute.description == mark and self._is_free(slug) and _holds(attribute, wish):
                self._place(wish, slug, attribute, wish.type)
                return

    def place_by_slug(self, wish: _Wish) -> None:
        """Use or make the attribute with the first slug that is free for this field.

        An attribute that exists under the slug which an earlier version would have given it comes first.
        """
        if self._is_settled(wish.field):
            return
        prefix = self._marks.prefix
        present = takewhile(self._attributes.__contains__, candidates(earlier_field_slug(wish.field), prefix))
        for slug in chain(present, candidates(field_slug(wish.field), prefix)):
            attribute = self._attributes.get(slug)
            if self._is_free(slug) and (attribute is None or _adoptable(attribute, wish)):
                self._place(wish, slug, attribute, wish.type)
                return

    def _is_settled(self, field: Field) -> bool:
        return field.id in self.places or field.id in self._refused

    def _is_free(self, slug: str) -> bool:
        return slug not in self._taken and slug not in self._reserved

    def _place(self, wish: _Wish, slug: str, attribute: Attribute | None, type_: AttributeType) -> None:
        field = wish.field
        self._taken[slug] = field
        name = field.name.replace("\0", "").strip()
        made = attribute is None
        self.places[field.id] = Place(
            owner=self._owner,
            field=field.id,
            name=field.name,
            field_type=field.type,
            action="make" if attribute is None else "restore" if attribute.is_archived else "use",
            attribute=slug,
            title=(wish.mapping.title or name or slug) if made else None,
            type=type_,
            multiple=wish.multiple if attribute is None else attribute.multiple,
        )


def _servable(attribute: Attribute, wish: _Wish) -> AttributeType | None:
    """What the attribute that the job names would hold of the field; None if it cannot."""
    possible = types_of(attribute) if attribute.is_writable else frozenset()
    asked = (wish.mapping.type,) if wish.mapping.type else (wish.type, *POSSIBLE_TYPES[wish.field.type])
    return next((type_ for type_ in asked if type_ in possible), None)


def _holds(attribute: Attribute, wish: _Wish) -> bool:
    return attribute.is_writable and wish.type in types_of(attribute) and (attribute.multiple or not wish.multiple)


def _adoptable(attribute: Attribute, wish: _Wish) -> bool:
    made_for_field = MADE_FOR_FIELD.match(attribute.description or "") is not None
    ours = made_for_field or is_mark(attribute.slug, attribute.description)
    return not attribute.is_system and not ours and attribute.multiple == wish.multiple and _holds(attribute, wish)
