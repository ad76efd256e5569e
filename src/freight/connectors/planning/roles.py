"""The fields of a list that give the stage, owner and value of its deals; pure."""

from freight.connectors.planning import issues
from freight.connectors.planning.target import names_owners
from freight.connectors.protocols import Issue
from freight.model.crm import List
from freight.model.fields import Field, FieldType
from freight.model.mapping import FieldMapping, Mapping

STATUS_NAMES = ("status", "stage")

ROLES: dict[str, tuple[FieldType, ...]] = {
    "stage": ("select", "status"),
    "owner": ("person",),
    "value": ("number",),
}
"""The types of fields that can give the stage, owner or value of deals."""

UNCHANGED = FieldMapping()


def resolve_roles(given: List, mapping: Mapping) -> tuple[dict[str, str], list[Issue]]:
    """Return the ids of the fields by role, and an issue for each named field of the wrong type."""
    wanted = mapping.of_list(given.id)
    named = {"stage": wanted.stage, "owner": wanted.owner, "value": wanted.value}
    fields = {
        "stage": stage_field(given, mapping),
        "owner": owner_field(given, mapping),
        "value": value_field(given, mapping),
    }
    found: list[Issue] = []
    roles: dict[str, str] = {}
    for role, field in fields.items():
        field_id = named[role]
        if field is None and field_id is not None:
            found.append(issues.unknown_field(given.id, field_id, field=f"lists.{given.id}.{role}"))
        elif field is not None and field.type not in ROLES[role]:
            found.append(issues.wrong_role(given.id, role, field, ROLES[role]))
        elif field is not None and not mapping.fields_of(given.id).get(field.id, UNCHANGED).skip:
            roles[role] = field.id
    return roles, found


def stage_field(given: List, mapping: Mapping) -> Field | None:
    """Return the stage field: by default the first status called Status or Stage, else the first status."""
    if (wanted := mapping.of_list(given.id).stage) is not None:
        return _by_id(given, wanted)
    statuses = [field for field in given.fields if field.type == "status" and not field.multiple]
    named = [field for field in statuses if field.name.strip().casefold() in STATUS_NAMES]
    return next(iter([*named, *statuses]), None)


def owner_field(given: List, mapping: Mapping) -> Field | None:
    """Return the owner field: by default the first whose name says so."""
    if (wanted := mapping.of_list(given.id).owner) is not None:
        return _by_id(given, wanted)
    return next(filter(names_owners, given.fields), None)


def value_field(given: List, mapping: Mapping) -> Field | None:
    """Return the value field: none unless the job names one, because a number has no currency."""
    wanted = mapping.of_list(given.id).value
    return None if wanted is None else _by_id(given, wanted)


def _by_id(given: List, field_id: str) -> Field | None:
    return next((field for field in given.fields if field.id == field_id), None)
