"""The attribute of the target for each field. Pure: the same workspaces always give the same result."""

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
    """Return the places of an owner's fields in their order, and an issue for each field that is refused.

    Attributes that the job names come first, then those that are recognised, so that neither depends on the order of
    fields.
    """
    resolver = _FieldResolver(owner, capabilities)
    preferences = [_Preference.of(field, wanted.get(field.id, FieldMapping()), capabilities) for field in fields]
    for preference in preferences:
        if preference.mapping.skip:
            resolver.skip(preference.field)
        elif preference.type not in capabilities.possible[preference.field.type]:
            resolver.refuse(
                preference.field, issues.type_impossible(owner.name, preference.field, preference.type, capabilities)
            )
        elif preference.has_no_options and preference.mapping.to not in owner.attributes:
            resolver.refuse(preference.field, issues.options_unknown(owner.name, preference.field, preference.type))
        elif preference.mapping.to is not None:
            resolver.place_as_named(preference, preference.mapping.to)
    for preference in preferences:
        resolver.recognise(preference)
    for preference in preferences:
        resolver.place_by_slug(preference)
    return [resolver.places[field.id] for field in fields if field.id in resolver.places], resolver.issues


class _Preference(msgspec.Struct, frozen=True):
    """What a field should become."""

    field: Field
    mapping: FieldMapping
    type: AttributeType
    multiple: bool

    @classmethod
    def of(cls, field: Field, mapping: FieldMapping, capabilities: Capabilities) -> "_Preference":
        type_ = mapping.type or capabilities.default_type(field)
        return cls(field, mapping, type_, field.multiple and type_ in capabilities.multiple)

    @property
    def has_no_options(self) -> bool:
        """Whether its values are options that the source does not list."""
        return self.type in CHOSEN and self.field.type not in CHOSEN


class _FieldResolver:
    """Assigns attributes to one owner's fields; a field that is refused has none."""

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

    def place_as_named(self, preference: _Preference, slug: str) -> None:
        """Use the attribute that the job names, or make it."""
        name = self._owner.name
        attribute = self._owner.attributes.get(slug)
        is_kept = slug in self._owner.kept
        if (other := self._taken.get(slug)) is not None:
            self.refuse(preference.field, issues.attribute_taken_twice(name, slug, other, preference.field))
        elif attribute is None and not is_kept:
            self._place(preference, slug, None, preference.type)
        elif attribute is None or is_kept or (type_ := self._servable(attribute, preference)) is None:
            incompatible = issues.attribute_incompatible(name, preference.field, slug, attribute, self._capabilities)
            self.refuse(preference.field, incompatible)
        elif slug in self._owner.identifying and not preference.mapping.replace:
            self.refuse(preference.field, issues.standard_value_taken(name, preference.field, slug))
        else:
            self._place(preference, slug, attribute, type_)

    def recognise(self, preference: _Preference) -> None:
        """Use the attribute that Freight made for this field earlier."""
        if self._is_settled(preference.field):
            return
        for slug, attribute in self._owner.attributes.items():
            if attribute.made_for == preference.field.id and self._is_free(slug) and _holds(attribute, preference):
                self._place(preference, slug, attribute, preference.type)
                return

    def place_by_slug(self, preference: _Preference) -> None:
        """Use or make the attribute with the first free slug for this field."""
        if self._is_settled(preference.field):
            return
        for slug in self._owner.slugs(preference.field):
            attribute = self._owner.attributes.get(slug)
            if self._is_free(slug) and (attribute is None or _adoptable(attribute, preference)):
                self._place(preference, slug, attribute, preference.type)
                return

    def _is_settled(self, field: Field) -> bool:
        return field.id in self.places or field.id in self._refused

    def _is_free(self, slug: str) -> bool:
        return slug not in self._taken and slug not in self._owner.standard and slug not in self._owner.kept

    def _servable(self, attribute: TargetAttribute, preference: _Preference) -> AttributeType | None:
        """Return the type that the named attribute can serve as for the field; None if there is none."""
        served = attribute.types if attribute.is_writable else frozenset()
        possible = self._capabilities.possible[preference.field.type]
        asked = (preference.mapping.type,) if preference.mapping.type else (preference.type, *possible)
        return next((type_ for type_ in asked if type_ in served), None)

    def _place(
        self, preference: _Preference, slug: str, attribute: TargetAttribute | None, type_: AttributeType
    ) -> None:
        field = preference.field
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
            title=(preference.mapping.title or name or slug) if made else None,
            type=type_,
            multiple=preference.multiple if attribute is None else attribute.multiple,
        )


def _holds(attribute: TargetAttribute, preference: _Preference) -> bool:
    return (
        attribute.is_writable and preference.type in attribute.types and (attribute.multiple or not preference.multiple)
    )


def _adoptable(attribute: TargetAttribute, preference: _Preference) -> bool:
    return attribute.is_the_firms and attribute.multiple == preference.multiple and _holds(attribute, preference)
