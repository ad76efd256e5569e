"""Default values: what a new record holds where it was given nothing."""

from datetime import UTC, datetime
from typing import Any

from freight_sandbox.attio.errors import refused
from freight_sandbox.attio.given import Given
from freight_sandbox.attio.moments import format_moment, later, now
from freight_sandbox.attio.parsing import parse_value
from freight_sandbox.attio.schema import Attribute
from freight_sandbox.attio.values import ActorReference, Date, Timestamp, Value
from freight_sandbox.attio.workspace import Workspace


def default_values(workspace: Workspace, attribute: Attribute) -> list[Value]:
    """The default of an attribute at this moment. Raises `AttioError` for one that cannot be understood."""
    default = attribute.default_value
    if default is None:
        return []
    if default.type == "dynamic":
        return [_dynamic(workspace, attribute, default.template)]
    if not isinstance(default.template, list) or not default.template:
        raise refused("A static default value is an array of values.")
    stamp = now()
    return [parse_value(Given(raw, attribute, workspace, stamp, workspace.actor)) for raw in default.template]


def _dynamic(workspace: Workspace, attribute: Attribute, template: object) -> Value:
    actor, moment = workspace.actor, datetime.now(UTC)
    common: dict[str, Any] = {"active_from": format_moment(moment), "created_by_actor": actor}
    if attribute.type == "actor-reference" and template == "current-user":
        return ActorReference(referenced_actor_type=actor.type, referenced_actor_id=actor.id, **common)
    then = later(moment, template) if isinstance(template, str) else None
    if then is not None and attribute.type == "timestamp":
        return Timestamp(value=format_moment(then), **common)
    if then is not None and attribute.type == "date":
        return Date(value=then.date().isoformat(), **common)
    raise refused(f'"{template}" is not a dynamic default value of {attribute.type} attributes.')
