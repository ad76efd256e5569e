"""The mapping in force: where a job writes fields, lists and owners, as the report shows it."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from freight.model.crm import Entity
from freight.model.fields import FieldType, PersonRef
from freight.model.mapping import AttributeType
from freight.model.resolved_mapping import Action, ListPlace, Place, ResolvedMapping
from freight.model.schema import Schema


class MappedField(msgspec.Struct, frozen=True, kw_only=True):
    """Where the values of one field go."""

    owner: Annotated[str, Meta(description="`companies`, `people`, or the id of a list.")]
    owner_name: Annotated[str, Meta(description="The same, or the list's name.")]
    field: Annotated[str, Meta(description="The field's id in the source.")]
    name: str
    field_type: FieldType
    action: Annotated[
        Action,
        Meta(
            description="`use` an existing attribute, `make` one, `restore` one from the archive, or `skip` the field."
        ),
    ]
    attribute: Annotated[str | None, Meta(description="The attribute's slug; null for a field that is not migrated.")]
    title: str | None
    type: AttributeType | None
    multiple: Annotated[bool, Meta(description="Whether the attribute holds several values.")]
    new_options: Annotated[int, Meta(description="How many options the job had to create.")]


class MappedFact(msgspec.Struct, frozen=True, kw_only=True):
    """Where a standard value of records goes, as opposed to a custom field."""

    entity: Entity
    part: Annotated[str, Meta(description="A stable name, such as `job_title`.")]
    name: Annotated[str, Meta(description="Its name at the source.")]
    field: Annotated[str | None, Meta(description="The id of the field that holds it at the source, if any.")]
    attribute: Annotated[
        str | None, Meta(description="The attribute's slug; null if the target has no attribute for it.")
    ]


class MappedList(msgspec.Struct, frozen=True, kw_only=True):
    """Where the entries of one list go."""

    list_id: str
    name: str
    slug: str
    parent: Entity
    action: Action
    shared: Annotated[bool, Meta(description="Whether the list may have entries from elsewhere.")]
    stage: Annotated[str | None, Meta(description="The name of the field that holds the stage of deals.")]
    owner: Annotated[str | None, Meta(description="The name of the field that holds the owner of deals.")]
    value: Annotated[str | None, Meta(description="The name of the field that holds the value of deals.")]


class UnmatchedUser(msgspec.Struct, frozen=True, kw_only=True):
    """An internal user of the source who is not a member of the target's workspace."""

    name: str | None
    email: str | None


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """Users of the source and members of the target, matched by e-mail address."""

    users: Annotated[int | None, Meta(description="Number of users of the source; null if it does not say.")]
    matched: Annotated[int, Meta(description="How many of them are members of the target.")]
    unmatched: list[UnmatchedUser]
    default_owner: Annotated[
        str | None, Meta(description="The owner of records whose owner is not in the target, if the job names one.")
    ]
    deal_owner: Annotated[
        str | None, Meta(description="The owner of deals without one, because each deal must have one.")
    ]


class MappingInForce(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything goes."""

    facts: Annotated[
        list[MappedFact],
        Meta(
            description="Standard and enriched values of records. If several go to one attribute, the first one wins."
        ),
    ]
    fields: Annotated[list[MappedField], Meta(description="Fields that a job can map.")]
    lists: list[MappedList]
    stages: Annotated[list[str], Meta(description="The stages of deals.")]
    new_stages: Annotated[list[str], Meta(description="Those that the job had to create.")]
    members: Members
    notes: Literal["one", "all"]


def mapping_in_force(layout: ResolvedMapping, schema: Schema) -> MappingInForce:
    """Return a layout, with the names of ids from the source's schema."""
    lists = {place.list_id: place.name for place in layout.lists}
    names = {(place.owner, place.field): place.name for place in layout.places}
    return MappingInForce(
        facts=[
            MappedFact(
                entity=entity,
                part=fact.part,
                name=fact.name,
                field=fact.field,
                attribute=layout.parts.get(entity, {}).get(fact.part),
            )
            for entity, facts in schema.facts.items()
            for fact in facts
        ],
        fields=[_field(place, lists.get(place.owner, place.owner)) for place in layout.places],
        lists=[_list(place, names) for place in layout.lists],
        stages=list(layout.stages),
        new_stages=list(layout.new_stages),
        members=_members(layout, schema.users),
        notes=layout.notes,
    )


def _field(place: Place, owner_name: str) -> MappedField:
    return MappedField(
        owner=place.owner,
        owner_name=owner_name,
        field=place.field,
        name=place.name,
        field_type=place.field_type,
        action=place.action,
        attribute=place.attribute,
        title=place.title,
        type=place.type,
        multiple=place.multiple,
        new_options=len(place.new_options),
    )


def _list(place: ListPlace, names: dict[tuple[str, str], str]) -> MappedList:
    def name(field: str | None) -> str | None:
        return None if field is None else names.get((place.list_id, field), field)

    return MappedList(
        list_id=place.list_id,
        name=place.name,
        slug=place.slug,
        parent=place.parent,
        action=place.action,
        shared=place.shared,
        stage=name(place.stage),
        owner=name(place.owner),
        value=name(place.value),
    )


def _members(layout: ResolvedMapping, users: Sequence[PersonRef] | None) -> Members:
    addresses = {member_id: address for address, member_id in layout.members.items()}

    def address(member_id: str | None) -> str | None:
        return None if member_id is None else addresses.get(member_id, member_id)

    unmatched = list(_unmatched(layout, users or ()))
    return Members(
        users=None if users is None else len(users),
        matched=len(users or ()) - len(unmatched),
        unmatched=unmatched,
        default_owner=address(layout.default_owner),
        deal_owner=address(layout.deal_owner),
    )


def _unmatched(layout: ResolvedMapping, users: Iterable[PersonRef]) -> Iterable[UnmatchedUser]:
    for user in users:
        if user.email is None or user.email.strip().lower() not in layout.members:
            yield UnmatchedUser(name=user.name, email=user.email)
