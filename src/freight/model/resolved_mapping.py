"""Resolved mapping: the attribute or list of the target for each field and list of a source."""

from typing import Literal

import msgspec

from freight.model.crm import Entity
from freight.model.fields import FieldType
from freight.model.mapping import AttributeType
from freight.model.provenance import Provenance

Action = Literal["use", "make", "restore", "skip"]
"""What happens in the target: `use` what exists, `make` it, `restore` it from the archive, or `skip` it."""


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The attribute for the values of one field."""

    owner: str
    """`companies`, `people`, or the id of a list."""
    field: str
    """The field's id."""
    name: str
    field_type: FieldType
    action: Action
    attribute: str | None = None
    """The attribute's slug; None for a field that is not migrated."""
    title: str | None = None
    type: AttributeType | None = None
    multiple: bool = False
    options: tuple[str, ...] = ()
    """The titles that the attribute has, or will have once `new_options` are made."""
    new_options: tuple[str, ...] = ()


class ListPlace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The list for the entries of one list."""

    list_id: str
    name: str
    slug: str
    parent: Entity
    action: Action
    target_id: str | None = None
    """None until the list exists."""
    shared: bool = False
    """Whether the job names a list that can contain entries from elsewhere."""
    stage: str | None = None
    """For a list of deals: the ids of the fields that hold their stage, owner and value."""
    owner: str | None = None
    value: str | None = None


class ResolvedMapping(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The destination of everything that a job migrates."""

    provenance: Provenance | None = None
    """The system that the records come from; None in what earlier versions stored."""
    entities: tuple[Entity, ...] = ()
    """What the job migrates."""
    places: tuple[Place, ...] = ()
    parts: dict[Entity, dict[str, str]] = {}
    """The slugs of the attributes that hold the standard parts of records; see `freight.model.fields.Fact`."""
    lists: tuple[ListPlace, ...] = ()
    members: dict[str, str] = {}
    """The target's members: ids by e-mail address, in lower case."""
    default_owner: str | None = None
    """The id of the member whom the job names as the owner of what has none in the target; None if it names none."""
    deal_owner: str | None = None
    """The id of the member who owns deals without an owner, as they must have one: the default owner, or the member who
    created the target's key."""
    stages: tuple[str, ...] = ()
    """The stages that deals have, or will have."""
    new_stages: tuple[str, ...] = ()
    """Those of them that are to be made."""
    new_additions: int = 0
    """The number of attributes to make other than those of fields: for what the source keeps elsewhere."""
    own_domains: tuple[str, ...] = ()
    notes: Literal["one", "all"] = "one"

    def of_list(self, list_id: str) -> ListPlace | None:
        """Return the destination of a list; None if it is not migrated."""
        return next((place for place in self.lists if place.list_id == list_id), None)
