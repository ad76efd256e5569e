"""What the precheck has to say about Attio, each with the sentence that tells what to do."""

from collections.abc import Collection

from freight.connectors.attio.definitions import Attribute
from freight.connectors.attio.standard import Added
from freight.connectors.protocols import Issue
from freight.model.crm import List
from freight.model.fields import Field, FieldType, PersonRef
from freight.model.mapping import POSSIBLE_TYPES, AttributeType

WRITES_PER_SECOND = 25
"""What Attio documents that it takes."""


def scope_missing(scope: str) -> Issue:
    """The key lacks a scope."""
    return _error(
        "scope_missing",
        f"The Attio API key lacks the scope {scope}: an admin grants it in Attio under Workspace settings, Developers, "
        "in the settings of the key. Then create the job again.",
        value=scope,
    )


def deals_disabled() -> Issue:
    """The workspace has no deals."""
    return _error(
        "deals_disabled",
        "Deals are switched off in this Attio workspace, and no API can switch them on: an admin does that in Attio "
        "under Workspace settings, Objects, Deals. Or leave deals out of the entities of the job.",
        field="entities",
    )


def list_needs_deals(given: List) -> Issue:
    """A list of deals where the workspace has none."""
    return _warning(
        "list_needs_deals",
        f"The list {_quoted(given)} holds opportunities, and deals are switched off in this Attio workspace: the list "
        "and its entries are left out. An admin can switch deals on in Attio under Workspace settings, Objects, Deals.",
        field=f"lists.{given.id}",
        value=given.name,
    )


def unknown_field(owner: str, field_id: str, *, field: str | None = None) -> Issue:
    """The job's mapping names a field that is not there."""
    return _error(
        "unknown_field",
        f"The mapping names the field {field_id}, which {_owner(owner)} do not have as a field of their own at the "
        "source. Correct the id, or leave it out of the mapping.",
        field=field or _place(owner, field_id),
        value=field_id,
    )


def unknown_list(list_id: str, field: str) -> Issue:
    """The job's mapping names a list that is not there."""
    return _error(
        "unknown_list",
        f"The mapping names the list {list_id}, which the source does not have or does not show to the key. Correct "
        "the id, or leave it out of the mapping.",
        field=field,
        value=list_id,
    )


def type_impossible(owner: str, field: Field, type_: AttributeType) -> Issue:
    """The job wants a field to become what its values cannot be."""
    return _error(
        "type_impossible",
        f"The field {_quoted(field)} holds values of the type {field.type}, which cannot become {type_}. Possible are "
        f"{_enumerated(POSSIBLE_TYPES[field.type])}.",
        field=_place(owner, field.id),
        value=type_,
    )


def options_unknown(owner: str, field: Field, type_: AttributeType) -> Issue:
    """The job wants a field to be chosen among options that nobody knows."""
    return _error(
        "options_unknown",
        f"The field {_quoted(field)} holds values of the type {field.type}, of which the source does not say what they "
        f"can be, so no {type_} attribute can be made of it. Name an attribute that has the options already, as `to`, "
        "or leave the type out.",
        field=_place(owner, field.id),
        value=type_,
    )


def wrong_role(list_id: str, role: str, field: Field, possible: Collection[FieldType]) -> Issue:
    """The job names a field of another type as the stage, owner or value of deals."""
    return _error(
        "type_impossible",
        f"The field {_quoted(field)} holds values of the type {field.type} and cannot give the {role} of deals, which "
        f"takes {_enumerated(possible)}. Name another field, or leave {role} out of the mapping.",
        field=f"lists.{list_id}.{role}",
        value=field.id,
    )


def attribute_taken_twice(owner: str, slug: str, first: Field, second: Field) -> Issue:
    """The job leads two fields to one attribute."""
    return _error(
        "attribute_taken_twice",
        f"The mapping leads both the fields {_quoted(first)} and {_quoted(second)} to the attribute {slug}, which can "
        "hold one of them. Choose another attribute for one, or skip it.",
        field=_place(owner, second.id),
        value=slug,
    )


def attribute_incompatible(owner: str, field: Field, slug: str, attribute: Attribute | None) -> Issue:
    """The attribute that the job names cannot hold the field."""
    if attribute is None:
        why = "is kept for what Freight or Attio writes itself"
    elif not attribute.is_writable:
        why = "is filled by Attio and cannot be written"
    else:
        several = " with several values" if attribute.multiple else ""
        why = f"is of the type {attribute.type}{several}, or is kept for what Freight writes itself"
    return _error(
        "attribute_incompatible",
        f"The mapping leads the field {_quoted(field)} to the attribute {slug}, which {why}. A field that holds "
        f"{field.type} can become {_enumerated(POSSIBLE_TYPES[field.type])}. Name another attribute, or leave `to` out "
        "to have a new one made.",
        field=_place(owner, field.id),
        value=slug,
    )


def standard_value_taken(owner: str, field: Field, slug: str) -> Issue:
    """The attribute that the job names holds what a record is known by."""
    return _error(
        "standard_value_taken",
        f"The mapping sends the field {_quoted(field)} to the attribute {slug}, which holds the {slug} of "
        f"{_owner(owner)} themselves: every record would lose it to the field. Name another attribute, or set "
        "`replace` for this field if that is what you want.",
        field=_place(owner, field.id),
        value=slug,
    )


def standard_value_replaced(owner: str, field: Field, slug: str, standard: str) -> Issue:
    """The attribute that the job names holds a standard value as well."""
    return _warning(
        "standard_value_replaced",
        f"The mapping sends the field {_quoted(field)} to the attribute {slug}, where the source's {standard} of "
        f"{_owner(owner)} goes too: a record that has both keeps the field only. Name another attribute to keep both, "
        "or set `replace` for this field.",
        field=_place(owner, field.id),
        value=slug,
    )


def own_attribute_incompatible(owner: str, added: Added) -> Issue:
    """Something else stands under a slug that Freight needs."""
    kind = f"{'a unique' if added.unique else 'a'} {added.type}{' with several values' if added.multiple else ''}"
    return _error(
        "attribute_incompatible",
        f"In Attio {_owner(owner)} have an attribute {added.slug} which is not {kind} that can be written. Freight "
        "needs that slug for itself: give the attribute another slug in Attio and create the job again.",
        field=added.slug,
    )


def attribute_demanded(owner: str, attribute: Attribute) -> Issue:
    """No record can be made without a value that the source may not have."""
    return _warning(
        "attribute_demanded",
        f"Attio demands that {_owner(owner)} have a value for {attribute.title or attribute.slug}: those that come "
        "without one will fail. Make the attribute optional in Attio, or lead a field to it that always has a value.",
        field=attribute.slug,
        value=attribute.title or attribute.slug,
    )


def list_incompatible(given: List, slug: str, parents: Collection[str]) -> Issue:
    """The list that the job names holds other records."""
    return _error(
        "list_incompatible",
        f"The list {_quoted(given)} holds {given.of} and cannot go to Attio's list {slug}, which holds "
        f"{_enumerated(parents)}. Name another list, or leave `to` out to have a new one made.",
        field=f"lists.{given.id}.to",
        value=slug,
    )


def list_taken_twice(first: List, second: List, slug: str) -> Issue:
    """The job leads two lists to one."""
    return _error(
        "list_taken_twice",
        f"The lists {_quoted(first)} and {_quoted(second)} would both go to Attio's list {slug}, where the entries of "
        "a record could not be told apart. Choose another slug for one of them.",
        field=f"lists.{second.id}.to",
        value=slug,
    )


def unknown_member(email: str) -> Issue:
    """The default owner is nobody."""
    return _error(
        "unknown_member",
        f"{email} is not a member of this Attio workspace and cannot be the default owner. Invite that person in "
        "Attio, or name the e-mail address of a member.",
        field="default_owner",
        value=email,
    )


def no_deal_owner() -> Issue:
    """Nobody to own deals."""
    return _error(
        "no_deal_owner",
        "In Attio every deal must have an owner, and Attio does not say who made this API key. Name the e-mail address "
        "of a member as `default_owner` in the mapping, to own the deals whose owner is not a member.",
        field="default_owner",
    )


def many_options(owner: str, field: Field, number: int) -> Issue:
    """A field has so many options that making them takes a while."""
    return _warning(
        "many_options",
        f"The field {_quoted(field)} has {number} options that Attio lacks. Attio takes them one at a time, which "
        f"lasts about {number // WRITES_PER_SECOND + 1} seconds. "
        "To carry the field as text instead, give it the type text.",
        field=_place(owner, field.id),
        value=str(number),
    )


def owner_without_member(user: PersonRef) -> Issue:
    """A user of the source is not a member of the target."""
    return _warning(
        "owner_without_member",
        f"{user.name or user.id} ({user.email or 'no e-mail address known'}) is not a member of this Attio workspace: "
        "what this person owns goes to the default owner, or loses its owner where the mapping names none. Invite the "
        "person to Attio with that address before the job runs, if ownership is to be kept.",
        field="owner",
        value=user.email or user.id,
    )


def owners_not_checked() -> Issue:
    """The source does not name its users."""
    return Issue(
        level="info",
        code="owners_not_checked",
        message="The source does not say who its users are, so it could not be checked whether each of them is a "
        "member of this Attio workspace. Records whose owner is not one are named in the log of the job.",
    )


def _error(code: str, message: str, *, field: str | None = None, value: str | None = None) -> Issue:
    return Issue(level="error", code=code, message=message, field=field, value=value)


def _warning(code: str, message: str, *, field: str, value: str) -> Issue:
    return Issue(code=code, message=message, field=field, value=value)


def _place(owner: str, field_id: str) -> str:
    return f"{owner}.{field_id}" if owner in ("companies", "people") else f"lists.{owner}.fields.{field_id}"


def _owner(owner: str) -> str:
    return owner if owner in ("companies", "people", "deals") else f"the entries of list {owner}"


def _quoted(named: Field | List) -> str:
    return f'"{named.name}" ({named.id})'


def _enumerated(words: Collection[str]) -> str:
    *first, last = sorted(words) if words else ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last
