"""A query of records or list entries: filter, sort and page."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import msgspec

from freight_sandbox.attio.errors import malformed, refused
from freight_sandbox.attio.filters import AnyTable, Condition, compile_filter, field_reader
from freight_sandbox.attio.paths import Step, reached, resolve_path
from freight_sandbox.attio.tables import Record
from freight_sandbox.attio.values import FILTER_FIELDS
from freight_sandbox.attio.workspace import Workspace

MAXIMUM_LIMIT = 500
OLDEST_FIRST = {"direction": "asc", "attribute": "created_at"}
"""The sort that asks for the order in which the records are kept anyway."""


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a query."""

    filter: dict[str, Any] | None = None
    sorts: list[dict[str, Any]] | None = None
    limit: float = MAXIMUM_LIMIT
    """Any JSON number that is whole, such as 500.0."""
    offset: float = 0
    expand: Any = None
    """What a client wants to have beside the values; Attio takes it and gives nothing more."""


def run_query(workspace: Workspace, table: AnyTable, body: Body) -> list[Record]:
    """The records that a query finds, in the order of their ids unless it sorts. Raises `AttioError`."""
    limit, offset = int(body.limit), int(body.offset)
    if limit != body.limit or not 1 <= limit <= MAXIMUM_LIMIT:
        raise malformed(("limit",), f"number from 1 to {MAXIMUM_LIMIT}", body.limit)
    if offset != body.offset or offset < 0:
        raise malformed(("offset",), "number from 0", body.offset)
    if not body.filter and not body.sorts:
        return [table.records[record_id] for record_id in table.ids[offset : offset + limit]]
    if not body.filter and body.sorts == [OLDEST_FIRST]:
        return list(islice(table.records.values(), offset, offset + limit))
    condition = compile_filter(workspace, table, body.filter or {})
    found = sorted(filter(condition.matches, _candidates(table, condition)), key=lambda record: record.id)
    for sort in reversed(body.sorts or []):
        _sort(workspace, table, found, sort)
    return found[offset : offset + limit]


def _candidates(table: AnyTable, condition: Condition) -> Iterable[Record]:
    ids = condition.candidates()
    if ids is None:
        return table.records.values()
    return (table.records[record_id] for record_id in ids)


def _sort(workspace: Workspace, table: AnyTable, records: list[Record], sort: dict[str, Any]) -> None:
    direction = sort.get("direction")
    if direction not in ("asc", "desc") or ("attribute" in sort) == ("path" in sort):
        raise malformed(("sorts",), "a direction with an attribute or a path", sort)
    raw_path = sort["path"] if "path" in sort else [[table.definition.slug, sort["attribute"]]]
    read = _reader(resolve_path(workspace, table, raw_path), sort.get("field"))
    # Records without a value come last, whichever way the others are sorted.
    present: dict[str, Any] = {record.id: item for record in records for item in islice(read(record), 1)}
    filled = [record for record in records if record.id in present]
    filled.sort(key=lambda record: present[record.id], reverse=direction == "desc")
    records[:] = [*filled, *(record for record in records if record.id not in present)]


def _reader(steps: list[Step], field: object) -> Callable[[Record], Iterable[Any]]:
    table, attribute = steps[-1]
    if attribute.is_implied and attribute.slug == "created_at":
        # Two records of the same millisecond still have an order.
        return lambda record: (target.number for target in reached(steps, record))
    fields = FILTER_FIELDS.get(attribute.type, ())
    wanted = fields[0] if field is None and fields else field
    if not isinstance(wanted, str) or wanted not in fields:
        raise refused(f'Error in sort. Unknown field: "{wanted}".', "invalid_filter_field")
    read = field_reader(table, attribute, wanted)
    return lambda record: (item for target in reached(steps, record) for item in read(target))
