"""Which attribute of the target holds which field; pure, so that the same workspaces always give the same answer."""

from collections.abc import Mapping, Sequence

import msgspec

from freight.connectors.planning import issues
from freight.connectors.planning.target import CHOSEN, Capabilities, FieldOwner, TargetAttribute
from freight.connectors.protocols import Issue
from freight.model.fields import Field
from freight.model.mapping import AttributeType, FieldMapping
from freight.model.resolved_mapping import Place


def place_fields(
    owner: FieldOwner, fields: Sequence[Field], wanted: Mapping[str, FieldMapping], capabilities: Capabilities
) -> tuple[list[Place], list[Issue]]:
    """Return where the fields of an owner go, in the order of the fields; one that is refused has an issue instead.

    What the job names comes first, then what is recognised, so that neither depends on the fields before it.
    """
    placing = _Placing(owner, capabilities)
    wishes = [_Wish.of(field, wanted.get(field.id, FieldMapping()), capabilities) for field in fields]
    for wish in wishes:
        if wish.mapping.skip:
            placing.skip(wish.field)
        elif wish.type not in capabilities.possible[wish.field.type]:
            placing.refuse(wish.field, issues.type_impossible(owner.name, wish.field, wish.type, capabilities))
        elif wish.has_no_options and wish.mapping.to not in owner.attributes:
            placing.refuse(wish.field, issues.options_unknown(owner.name, wish.field, wish.type))
        elif wish.mapping.to is not None:
            placing.place_as_named(wish, wish.mapping.to)
    for wish in wishes:
        placing.recognise(wish)
    for wish in wishes:
        placing.place_by_slug(wish)
    return [placing.places[field.id] for field in fields if field.id in placing.places], placing.issues


class _Wish(msgspec.Struct, frozen=True):
    """What a field is to become."""

    field: Field
    mapping: FieldMapping
    type: AttributeType
    multiple: bool

    @classmethod
    def of(cls, field: Field, mapping: FieldMapping, capabilities: Capabilities) -> "_Wish":
        type_ = mapping.type or capabilities.default_type(field)
        return cls(field, mapping, type_, field.multiple and type_ in capabilities.multiple)

    @property
    def has_no_options(self) -> bool:
        """Whether it is to be chosen among options that the source does not name."""
        return self.type in CHOSEN and self.field.type not in CHOSEN


class _Placing:
    """The places of one owner's fields as they are found; a field that was refused has none."""

    def __init__(self, owner: FieldOwner, capabilities: Capabilities) -> None:
        self.places: dict[str, Place] = {}
        self.issues: list[Issue] = []
        self._owner = owner
        self._capabilities = capabilities
        self._refused: set[str] = set()
        self._taken: dict[str, Field] = {}

    def skip(self, field: Field) -> None:
        self.places[field.id] = Place(
            owner=self._owner.name, field=field.id, name=field.name, field_type=field.type, action="skip"
        )

    def refuse(self, field: Field, issue: Issue) -> None:
        self._refused.add(field.id)
        self.issues.append(issue)

    def place_as_named(self, wish: _Wish, slug: str) -> None:
        """Use the attribute that the job names, or make it."""
        name = self._owner.name
        attribute = self._owner.attributes.get(slug)
        is_kept = slug in self._owner.kept
        if (other := self._taken.get(slug)) is not None:
            self.refuse(wish.field, issues.attribute_taken_twice(name, slug, other, wish.field))
        elif attribute is None and not is_kept:
            self._place(wish, slug, None, wish.type)
        elif attribute is None or is_kept or (type_ := self._servable(attribute, wish)) is None:
            incompatible = issues.attribute_incompatible(name, wish.field, slug, attribute, self._capabilities)
            self.refuse(wish.field, incompatible)
        elif slug in self._owner.identifying and not wish.mapping.replace:
            self.refuse(wish.field, issues.standard_value_taken(name, wish.field, slug))
        else:
            self._place(wish, slug, attribute, type_)

    def recognise(self, wish: _Wish) -> None:
        """Use the attribute that Freight made for this field earlier."""
        if self._is_settled(wish.field):
            return
        for slug, attribute in self._owner.attributes.items():
            if attribute.made_for == wish.field.id and self._is_free(slug) and _holds(attribute, wish):
                self._place(wish, slug, attribute, wish.type)
                return

    def place_by_slug(self, wish: _Wish) -> None:
        """Use or make the attribute with the first slug that is free for this field."""
        if self._is_settled(wish.field):
            return
        for slug in self._owner.slugs(wish.field):
            attribute = self._owner.attributes.get(slug)
            if self._is_free(slug) and (attribute is None or _adoptable(attribute, wish)):
                self._place(wish, slug, attribute, wish.type)
                return

    def _is_settled(self, field: Field) -> bool:
        return field.id in self.places or field.id in self._refused

    def _is_free(self, slug: str) -> bool:
        return slug not in self._taken and slug not in self._owner.standard and slug not in self._owner.kept

    def _servable(self, attribute: TargetAttribute, wish: _Wish) -> AttributeType | None:
        """Return what the attribute that the job names would hold of the field; None if it cannot."""
        served = attribute.types if attribute.is_writable else frozenset()
        possible = self._capabilities.possible[wish.field.type]
        asked = (wish.mapping.type,) if wish.mapping.type else (wish.type, *possible)
        return next((type_ for type_ in asked if type_ in served), None)

    def _place(self, wish: _Wish, slug: str, attribute: TargetAttribute | None, type_: AttributeType) -> None:
        field = wish.field
        self._taken[slug] = field
        name = field.name.replace("\0", "").strip()
        made = attribute is None
        self.places[field.id] = Place(
            owner=self._owner.name,
            field=field.id,
            name=field.name,
            field_type=field.type,
            action="make" if attribute is None else "restore" if attribute.is_archived else "use",
            attribute=slug,
            title=(wish.mapping.title or name or slug) if made else None,
            type=type_,
            multiple=wish.multiple if attribute is None else attribute.multiple,
        )


def _holds(attribute: TargetAttribute, wish: _Wish) -> bool:
    return attribute.is_writable and wish.type in attribute.types and (attribute.multiple or not wish.multiple)


def _adoptable(attribute: TargetAttribute, wish: _Wish) -> bool:
    return attribute.is_the_firms and attribute.multiple == wish.multiple and _holds(attribute, wish)
