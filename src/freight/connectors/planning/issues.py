"""What the precheck says of a mapping whichever target it is for, each with the sentence that tells what to do.

`target` is the target's name in sentences.
"""

from collections.abc import Collection

from freight.connectors.planning.target import Capabilities, TargetAttribute
from freight.connectors.protocols import Issue
from freight.model.crm import List
from freight.model.fields import Field, FieldType, PersonRef
from freight.model.mapping import AttributeType


def unknown_field(owner: str, field_id: str, *, field: str | None = None) -> Issue:
    """Say that the mapping names a field that the source does not have."""
    return blocker(
        "unknown_field",
        f"The mapping names the field {field_id}, which {records_of(owner)} do not have as a field of their own at the "
        "source. Correct the id, or leave it out of the mapping.",
        field=field or place_of(owner, field_id),
        value=field_id,
    )


def unknown_list(list_id: str, field: str) -> Issue:
    """Say that the mapping names a list that the source does not have."""
    return blocker(
        "unknown_list",
        f"The mapping names the list {list_id}, which the source does not have or does not show to the key. Correct "
        "the id, or leave it out of the mapping.",
        field=field,
        value=list_id,
    )


def type_impossible(owner: str, field: Field, type_: AttributeType, capabilities: Capabilities) -> Issue:
    """Say that a field cannot become what the job wants."""
    return blocker(
        "type_impossible",
        f"The field {quoted(field)} holds values of the type {field.type}, which cannot become {type_}. Possible are "
        f"{enumerated(capabilities.possible[field.type])}.",
        field=place_of(owner, field.id),
        value=type_,
    )


def options_unknown(owner: str, field: Field, type_: AttributeType) -> Issue:
    """Say that the job wants a field to be chosen among options that the source does not name."""
    return blocker(
        "options_unknown",
        f"The field {quoted(field)} holds values of the type {field.type}, of which the source does not say what they "
        f"can be, so no {type_} attribute can be made of it. Name an attribute that has the options already, as `to`, "
        "or leave the type out.",
        field=place_of(owner, field.id),
        value=type_,
    )


def wrong_role(list_id: str, role: str, field: Field, possible: Collection[FieldType]) -> Issue:
    """Say that the field that the job names as the stage, owner or value of deals is of another type."""
    return blocker(
        "type_impossible",
        f"The field {quoted(field)} holds values of the type {field.type} and cannot give the {role} of deals, which "
        f"takes {enumerated(possible)}. Name another field, or leave {role} out of the mapping.",
        field=f"lists.{list_id}.{role}",
        value=field.id,
    )


def attribute_taken_twice(owner: str, slug: str, first: Field, second: Field) -> Issue:
    """Say that the mapping sends two fields to one attribute."""
    return blocker(
        "attribute_taken_twice",
        f"The mapping sends both fields {quoted(first)} and {quoted(second)} to the attribute {slug}, which can "
        "hold one of them. Choose another attribute for one, or skip it.",
        field=place_of(owner, second.id),
        value=slug,
    )


def attribute_incompatible(
    owner: str, field: Field, slug: str, attribute: TargetAttribute | None, capabilities: Capabilities
) -> Issue:
    """Say that the attribute that the job names cannot hold the field."""
    target = capabilities.label
    if attribute is None:
        why = f"is kept for what Freight or {target} writes itself"
    elif not attribute.is_writable:
        why = f"is filled by {target} and cannot be written"
    else:
        several = " with several values" if attribute.multiple else ""
        why = f"is of the type {attribute.type}{several}, or is kept for what Freight writes itself"
    return blocker(
        "attribute_incompatible",
        f"The mapping sends the field {quoted(field)} to the attribute {slug}, which {why}. A field that holds "
        f"{field.type} can become {enumerated(capabilities.possible[field.type])}. Name another attribute, or leave "
        "`to` out to have a new one made.",
        field=place_of(owner, field.id),
        value=slug,
    )


def standard_value_taken(owner: str, field: Field, slug: str) -> Issue:
    """Say that the attribute that the job names holds what a record is known by."""
    return blocker(
        "standard_value_taken",
        f"The mapping sends the field {quoted(field)} to the attribute {slug}, which holds the {slug} of "
        f"{records_of(owner)} themselves: every record would lose it to the field. Name another attribute, or set "
        "`replace` for this field if that is what you want.",
        field=place_of(owner, field.id),
        value=slug,
    )


def standard_value_replaced(owner: str, field: Field, slug: str, standard: str) -> Issue:
    """Say that the attribute that the job names holds a standard value as well."""
    return advisory(
        "standard_value_replaced",
        f"The mapping sends the field {quoted(field)} to the attribute {slug}, where the source's {standard} of "
        f"{records_of(owner)} goes too: a record that has both keeps the field only. Name another attribute to keep "
        "both, or set `replace` for this field.",
        field=place_of(owner, field.id),
        value=slug,
    )


def list_incompatible(given: List, slug: str, parents: Collection[str], target: str) -> Issue:
    """Say that the list that the job names holds other records."""
    return blocker(
        "list_incompatible",
        f"The list {quoted(given)} holds {given.of} and cannot go to {target}'s list {slug}, which holds "
        f"{enumerated(parents)}. Name another list, or leave `to` out to have a new one made.",
        field=f"lists.{given.id}.to",
        value=slug,
    )


def list_taken_twice(first: List, second: List, slug: str, target: str) -> Issue:
    """Say that the mapping sends two lists to one."""
    return blocker(
        "list_taken_twice",
        f"The lists {quoted(first)} and {quoted(second)} would both go to {target}'s list {slug}, where the entries of "
        "a record could not be told apart. Choose another slug for one of them.",
        field=f"lists.{second.id}.to",
        value=slug,
    )


def unknown_member(email: str, target: str) -> Issue:
    """Say that the default owner is not a member."""
    return blocker(
        "unknown_member",
        f"{email} is not a member of this {target} workspace and cannot be the default owner. Invite that person "
        f"in {target}, or name the e-mail address of a member.",
        field="default_owner",
        value=email,
    )


def many_options(owner: str, field: Field, number: int, capabilities: Capabilities) -> Issue:
    """Say that a field has so many options that making them takes a while."""
    target = capabilities.label
    return advisory(
        "many_options",
        f"The field {quoted(field)} has {number} options that {target} lacks. {target} takes them one at a time, which "
        f"lasts about {number // capabilities.options_per_second + 1} seconds. "
        "To migrate the field as text instead, give it the type text.",
        field=place_of(owner, field.id),
        value=str(number),
    )


def owner_without_member(user: PersonRef, target: str) -> Issue:
    """Say that a user of the source is not a member of the target."""
    return advisory(
        "owner_without_member",
        f"{user.name or user.id} ({user.email or 'no e-mail address known'}) is not a member of this {target} "
        "workspace: what this person owns goes to the default owner, or loses its owner where the mapping names none. "
        f"Invite the person to {target} with that address before the job runs, if ownership is to be kept.",
        field="owner",
        value=user.email or user.id,
    )


def owners_not_checked(target: str) -> Issue:
    """Say that the source does not name its users."""
    return Issue(
        level="info",
        code="owners_not_checked",
        message="The source does not say who its users are, so it could not be checked whether each of them is a "
        f"member of this {target} workspace. Records whose owner is not one are named in the log of the job.",
    )


def blocker(code: str, message: str, *, field: str | None = None, value: str | None = None) -> Issue:
    """Return an issue that forbids the job."""
    return Issue(level="error", code=code, message=message, field=field, value=value)


def advisory(code: str, message: str, *, field: str, value: str) -> Issue:
    """Return an issue that the job can do with."""
    return Issue(code=code, message=message, field=field, value=value)


def place_of(owner: str, field_id: str) -> str:
    """Return where the mapping says what becomes of a field."""
    return f"{owner}.{field_id}" if owner in ("companies", "people") else f"lists.{owner}.fields.{field_id}"


def records_of(owner: str) -> str:
    """Return what a sentence calls the records of an owner of fields."""
    return owner if owner in ("companies", "people", "deals") else f"the entries of list {owner}"


def quoted(named: Field | List) -> str:
    """Return a field or list as a sentence names it."""
    return f'"{named.name}" ({named.id})'


def enumerated(words: Collection[str]) -> str:
    """Return words as a sentence lists them."""
    *first, last = sorted(words) if words else ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last
