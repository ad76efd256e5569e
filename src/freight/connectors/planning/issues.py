"""Issues that the precheck finds in a mapping, for any target.

`target` is the target's name in sentences.
"""

from collections.abc import Collection

from freight.connectors.planning.target import Capabilities, TargetAttribute
from freight.connectors.protocols import Issue
from freight.model.crm import List
from freight.model.fields import Field, FieldType, PersonRef
from freight.model.mapping import AttributeType


def unknown_field(owner: str, field_id: str, *, field: str | None = None) -> Issue:
    """Return the issue of a field in the mapping that the source does not have."""
    return blocker(
        "unknown_field",
        f"The mapping names the field {field_id}, which {records_of(owner)} do not have as a separate field in the "
        "source. Correct the id, or remove it from the mapping.",
        field=field or place_of(owner, field_id),
        value=field_id,
    )


def unknown_list(list_id: str, field: str) -> Issue:
    """Return the issue of a list in the mapping that the source does not have."""
    return blocker(
        "unknown_list",
        f"The mapping names the list {list_id}, which the source does not have, or which the key cannot read. Correct "
        "the id, or remove it from the mapping.",
        field=field,
        value=list_id,
    )


def type_impossible(owner: str, field: Field, type_: AttributeType, capabilities: Capabilities) -> Issue:
    """Return the issue of a field that cannot get the type that the job names."""
    return blocker(
        "type_impossible",
        f"The field {quoted(field)} holds values of the type {field.type}, which cannot become {type_}. Possible are "
        f"{enumerated(capabilities.possible[field.type])}.",
        field=place_of(owner, field.id),
        value=type_,
    )


def options_unknown(owner: str, field: Field, type_: AttributeType) -> Issue:
    """Return the issue of a type with options for a field whose options the source does not list."""
    return blocker(
        "options_unknown",
        f"The field {quoted(field)} holds values of the type {field.type}, whose options the source does not list, so "
        f"no {type_} attribute can be made for it. Name an attribute that has the options, as `to`, or omit the type.",
        field=place_of(owner, field.id),
        value=type_,
    )


def wrong_role(list_id: str, role: str, field: Field, possible: Collection[FieldType]) -> Issue:
    """Return the issue of a field of the wrong type for the stage, owner or value of deals."""
    return blocker(
        "type_impossible",
        f"The field {quoted(field)} holds values of the type {field.type} and cannot give the {role} of deals, which "
        f"takes {enumerated(possible)}. Name another field, or remove {role} from the mapping.",
        field=f"lists.{list_id}.{role}",
        value=field.id,
    )


def attribute_taken_twice(owner: str, slug: str, first: Field, second: Field) -> Issue:
    """Return the issue of two fields that are mapped to one attribute."""
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
    """Return the issue of a named attribute that cannot hold the field."""
    target = capabilities.label
    if attribute is None:
        why = f"is reserved for what Freight or {target} writes"
    elif not attribute.is_writable:
        why = f"is filled by {target} and cannot be written"
    else:
        several = " with several values" if attribute.multiple else ""
        why = f"is of the type {attribute.type}{several}, or is reserved for what Freight writes"
    return blocker(
        "attribute_incompatible",
        f"The mapping sends the field {quoted(field)} to the attribute {slug}, which {why}. A field of the type "
        f"{field.type} can become {enumerated(capabilities.possible[field.type])}. Name another attribute, or omit "
        f"`to` to make a new one.",
        field=place_of(owner, field.id),
        value=slug,
    )


def standard_value_taken(owner: str, field: Field, slug: str) -> Issue:
    """Return the issue of a named attribute that identifies records."""
    return blocker(
        "standard_value_taken",
        f"The mapping sends the field {quoted(field)} to the attribute {slug}, which holds the {slug} of "
        f"{records_of(owner)}: the field would replace it in every record. Name another attribute, or set "
        "`replace` for this field if you want that.",
        field=place_of(owner, field.id),
        value=slug,
    )


def standard_value_replaced(owner: str, field: Field, slug: str, standard: str) -> Issue:
    """Return the issue of a named attribute that also holds a standard value."""
    return advisory(
        "standard_value_replaced",
        f"The mapping sends the field {quoted(field)} to the attribute {slug}, which the source's {standard} of "
        f"{records_of(owner)} uses too: a record that has both keeps the field only. Name another attribute to keep "
        "both, or set `replace` for this field.",
        field=place_of(owner, field.id),
        value=slug,
    )


def list_incompatible(given: List, slug: str, parents: Collection[str], target: str) -> Issue:
    """Return the issue of a named list that holds records of another kind."""
    return blocker(
        "list_incompatible",
        f"The list {quoted(given)} holds {given.of} and cannot go to {target}'s list {slug}, which holds "
        f"{enumerated(parents)}. Name another list, or omit `to` to make a new one.",
        field=f"lists.{given.id}.to",
        value=slug,
    )


def list_taken_twice(first: List, second: List, slug: str, target: str) -> Issue:
    """Return the issue of two lists that are mapped to one."""
    return blocker(
        "list_taken_twice",
        f"The lists {quoted(first)} and {quoted(second)} would both go to {target}'s list {slug}, where entries of "
        f"the same record cannot be distinguished. Choose another slug for one of them.",
        field=f"lists.{second.id}.to",
        value=slug,
    )


def unknown_member(email: str, target: str) -> Issue:
    """Return the issue of a default owner who is not a member."""
    return blocker(
        "unknown_member",
        f"{email} is not a member of this {target} workspace and cannot be the default owner. Invite this person to "
        f"{target}, or name the e-mail address of a member.",
        field="default_owner",
        value=email,
    )


def many_options(owner: str, field: Field, number: int, capabilities: Capabilities) -> Issue:
    """Return the warning of a field with so many options that making them takes long."""
    target = capabilities.label
    return advisory(
        "many_options",
        f"The field {quoted(field)} has {number} options that {target} lacks. {target} takes them one at a time, "
        f"which takes about {number // capabilities.options_per_second + 1} seconds. "
        "To migrate the field as text instead, give it the type text.",
        field=place_of(owner, field.id),
        value=str(number),
    )


def owner_without_member(user: PersonRef, target: str) -> Issue:
    """Return the warning of a user of the source who is not a member of the target."""
    return advisory(
        "owner_without_member",
        f"{user.name or user.id} ({user.email or 'no e-mail address known'}) is not a member of this {target} "
        "workspace: records of this owner go to the default owner, or have no owner if the mapping names none. "
        f"To keep the owner, invite this person to {target} with that address before the job runs.",
        field="owner",
        value=user.email or user.id,
    )


def owners_not_checked(target: str) -> Issue:
    """Return the warning of a source that does not list its users."""
    return Issue(
        level="info",
        code="owners_not_checked",
        message="The source does not list its users, so Freight cannot check whether each of them is a member of this "
        f"{target} workspace. The log of the job names records whose owner is not a member.",
    )


def blocker(code: str, message: str, *, field: str | None = None, value: str | None = None) -> Issue:
    """Return an issue that prevents the job."""
    return Issue(level="error", code=code, message=message, field=field, value=value)


def advisory(code: str, message: str, *, field: str, value: str) -> Issue:
    """Return a warning, with which the job can run."""
    return Issue(code=code, message=message, field=field, value=value)


def place_of(owner: str, field_id: str) -> str:
    """Return the path of a field in the mapping."""
    return f"{owner}.{field_id}" if owner in ("companies", "people") else f"lists.{owner}.fields.{field_id}"


def records_of(owner: str) -> str:
    """Return the name of an owner's records in a sentence."""
    return owner if owner in ("companies", "people", "deals") else f"the entries of list {owner}"


def quoted(named: Field | List) -> str:
    """Return the name of a field or list in a sentence."""
    return f'"{named.name}" ({named.id})'


def enumerated(words: Collection[str]) -> str:
    """Return words as a list in a sentence."""
    *first, last = sorted(words) if words else ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last
