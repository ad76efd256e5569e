"""The `filter` parameter of API v2: conditions such as `createdAt>=2026-01-01T00:00:00Z`, joined by `&`."""

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from freight_sandbox.affinity.errors import AffinityError
from freight_sandbox.affinity.times import moment

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
CONDITION = re.compile(r"\s*([A-Za-z.]+)\s*(>=|<=|=|>|<)\s*(.+?)\s*")

Properties = Mapping[str, int | str | datetime | None]


def matches(filter_text: str, properties: Properties) -> bool:
    """Whether a row with these properties passes. Raises `AffinityError` for a filter that cannot be read."""
    return all(_holds(condition, properties) for condition in filter_text.split("&"))


def _holds(condition: str, properties: Properties) -> bool:
    parts = CONDITION.fullmatch(condition)
    if parts is None or parts[1] not in properties:
        raise AffinityError("validation", f"The filter '{condition.strip()}' is not valid.", "filter")
    value = properties[parts[1]]
    try:
        wanted = moment(parts[3]) if isinstance(value, datetime) else type(value)(parts[3]) if value else None
    except ValueError:
        raise AffinityError("validation", f"The filter '{condition.strip()}' is not valid.", "filter") from None
    return value is not None and wanted is not None and OPERATORS[parts[2]](value, wanted)
