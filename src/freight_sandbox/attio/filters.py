"""Filters of a query, compiled, and the paths of filters and sorts.

A condition takes its candidates from an index if possible, and then checks each of them, so that the cost of a query by
unique values or by text depends on what it finds and not on the number of records. A path leads from a record over its
references to an attribute of another one.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import msgspec

from freight_sandbox.attio.errors import refused
from freight_sandbox.attio.moments import format_moment, parse_moment
from freight_sandbox.attio.schema import Attribute, Definition
from freight_sandbox.attio.tables import INDEXED_FIELDS, Record, Table
from freight_sandbox.attio.values import FILTER_FIELDS, Option, RecordReference
from freight_sandbox.attio.workspace import Workspace

AnyTable = Table[Definition]
Step = tuple[Table[Definition], Attribute]
MAX_PATH_STEPS = 5
EQUALITY_ONLY = frozenset({"select", "status", "actor-reference", "checkbox"})
ORDERED = frozenset({"number", "currency", "date", "timestamp", "rating", "interaction"})
TEXT_OPERATORS = frozenset({"$eq", "$in", "$contains", "$starts_with", "$ends_with", "$not_empty"})
ORDER_OPERATORS = frozenset({"$eq", "$in", "$lt", "$lte", "$gt", "$gte", "$not_empty"})


class Condition(msgspec.Struct, frozen=True):
    """A compiled filter."""

    matches: Callable[[Record], bool]
    candidates: Callable[[], set[str] | None] = lambda: None
    """The ids that include all matches; None if no index helps."""


def compile_filter(workspace: Workspace, table: AnyTable, raw: dict[str, Any]) -> Condition:
    """Compile all conditions of one filter object. Raise `AttioError`."""
    if "path" in raw:
        return _compile_path(workspace, table, raw)
    conditions = [_compile_entry(workspace, table, key, value) for key, value in raw.items()]
    return conditions[0] if len(conditions) == 1 else _all(conditions)


def _compile_entry(workspace: Workspace, table: AnyTable, key: str, value: Any) -> Condition:
    if key in {"$and", "$or"}:
        if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
            raise refused(f"Error in filter. {key} takes an array of filters.", "filter_error")
        parts = [compile_filter(workspace, table, part) for part in value]
        return _all(parts) if key == "$and" else _any(parts)
    if key == "$not":
        return _not(workspace, table, value)
    if key.startswith("$"):
        raise refused(f'Error in filter. "{key}" is not supported here.', "filter_error")
    attribute = table.definition.find(key)
    if attribute is None:
        raise refused(f'Error in filter. Unknown attribute slug: "{key}".', "unknown_filter_attribute_slug")
    return _compile_attribute(table, attribute, value)


def _all(conditions: Sequence[Condition]) -> Condition:
    def candidates() -> set[str] | None:
        known = [ids for condition in conditions if (ids := condition.candidates()) is not None]
        return min(known, key=len) if known else None

    return Condition(lambda record: all(condition.matches(record) for condition in conditions), candidates)


def _any(conditions: Sequence[Condition]) -> Condition:
    def candidates() -> set[str] | None:
        known = [condition.candidates() for condition in conditions]
        return None if None in known else set().union(*(ids for ids in known if ids is not None))

    return Condition(lambda record: any(condition.matches(record) for condition in conditions), candidates)


def _compile_path(workspace: Workspace, table: AnyTable, raw: dict[str, Any]) -> Condition:
    """Compile `{"path": [["deals_list", "parent_record"], ["people", "email_addresses"]], "constraints": {…}}`."""
    if set(raw) != {"path", "constraints"}:
        raise refused("Error in filter. A path has constraints and nothing else.", "filter_error")
    steps = resolve_path(workspace, table, raw["path"])
    last, attribute = steps[-1]
    condition = _compile_attribute(last, attribute, raw["constraints"])

    def candidates() -> set[str] | None:
        ids = condition.candidates()
        return None if ids is None else starting(steps, ids)

    return Condition(lambda record: any(condition.matches(target) for target in reached(steps, record)), candidates)


def _not(workspace: Workspace, table: AnyTable, raw: Any) -> Condition:
    comparisons = _count_comparisons(raw)
    if comparisons != 1:
        raise refused("Error in filter. $not can only wrap a single comparison.", "filter_error")
    inner = compile_filter(workspace, table, raw)
    return Condition(lambda record: not inner.matches(record))


def _count_comparisons(raw: Any) -> int:
    """Return the number of comparisons below `$not`; 0 for what is not allowed there."""
    if not isinstance(raw, dict) or len(raw) != 1:
        return 0
    key, value = next(iter(raw.items()))
    if key.startswith("$") and key in {"$and", "$or", "$not"}:
        return 0
    return len(value) if isinstance(value, dict) else 1


def _compile_attribute(table: AnyTable, attribute: Attribute, raw: Any) -> Condition:
    """Compile `{"name": "Acme"}`, `{"name": {"$contains": "ac"}}` or `{"name": {"first_name": {"$eq": "Ada"}}}`."""
    fields = FILTER_FIELDS.get(attribute.type, ())
    if not isinstance(raw, dict):
        raw = {"$eq": raw}
    if attribute.type == "actor-reference" and set(raw) != set(fields):
        raise refused(
            "Error in filter. An actor reference is filtered by referenced_actor_type and referenced_actor_id.",
            "invalid_filter_field",
        )
    conditions: list[Condition] = []
    for key, value in raw.items():
        if key.startswith("$"):
            conditions.append(_comparison(table, attribute, fields[0] if fields else "", key, value))
        elif key in fields:
            operators = value if isinstance(value, dict) else {"$eq": value}
            conditions += [_comparison(table, attribute, key, name, given) for name, given in operators.items()]
        else:
            raise refused(f'Error in filter. Unknown field: "{key}".', "invalid_filter_field")
    return _all(conditions)


def _comparison(table: AnyTable, attribute: Attribute, field: str, operator: str, given: Any) -> Condition:
    _require_operator(attribute, operator)
    reader = field_reader(table, attribute, field)
    if operator == "$not_empty":
        if given is not True:
            raise refused("Error in filter. $not_empty takes true.", "filter_error")
        return Condition(lambda record: any(True for _ in reader(record)))
    loose = operator in {"$contains", "$starts_with", "$ends_with"}
    prepare = _folded if loose else partial(_prepared, attribute)
    if operator == "$in":
        if not isinstance(given, list) or any(isinstance(item, list | dict) for item in given):
            raise refused("Error in filter. $in takes an array of plain values.", "filter_error")
        wanted = {prepare(item) for item in given}
        return Condition(
            lambda record: any(item in wanted for item in reader(record)), _lookup(table, attribute, field, wanted)
        )
    if not isinstance(given, str | int | float):
        raise refused(f"Error in filter. {operator} takes a plain value.", "filter_error")
    compare, target = COMPARISONS[operator], prepare(given)
    if loose and not isinstance(target, str):
        raise refused(f"Error in filter. {operator} takes a string.", "filter_error")
    candidates = _lookup(table, attribute, field, [target]) if operator == "$eq" else lambda: None
    return Condition(lambda record: any(_safely(compare, item, target) for item in reader(record)), candidates)


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda held, given: held == given,
    "$contains": lambda held, given: given in held,
    "$starts_with": lambda held, given: held.startswith(given),
    "$ends_with": lambda held, given: held.endswith(given),
    "$lt": lambda held, given: held < given,
    "$lte": lambda held, given: held <= given,
    "$gt": lambda held, given: held > given,
    "$gte": lambda held, given: held >= given,
}


def _safely(compare: Callable[[Any, Any], bool], held: Any, given: Any) -> bool:
    if isinstance(held, str) != isinstance(given, str):
        raise refused("Error in filter. The value has the wrong type for this attribute.", "filter_error")
    return compare(held, given)


def _require_operator(attribute: Attribute, operator: str) -> None:
    if attribute.type in EQUALITY_ONLY:
        allowed = frozenset({"$eq", "$not_empty"}) - (
            {"$not_empty"} if attribute.type == "actor-reference" else frozenset()
        )
    elif attribute.type in ORDERED:
        allowed = ORDER_OPERATORS
    elif attribute.type == "record-reference":
        allowed = frozenset({"$eq", "$in", "$not_empty"})
    else:
        allowed = TEXT_OPERATORS
    if operator not in allowed:
        raise refused(
            f'Error in filter. Operator "{operator}" is not valid for {attribute.type} attributes.',
            "invalid_filter_operator",
        )


def field_reader(table: AnyTable, attribute: Attribute, field: str) -> Callable[[Record], Iterable[Any]]:
    """Return a function that yields a record's values in one field of an attribute, in comparable form."""
    if attribute.is_implied and attribute.slug in {"record_id", "entry_id"}:
        return lambda record: (record.id,)
    if attribute.is_implied and attribute.slug == "created_at":
        return lambda record: (_folded(record.created_at),)
    if attribute.type in {"select", "status"}:
        return lambda record: (
            name for value in table.values(record, attribute) for name in _choice_names(getattr(value, field))
        )
    return lambda record: (
        _folded(part)
        for value in table.values(record, attribute)
        # A location has only some of its parts.
        if (part := getattr(value, field)) is not None
    )


def _choice_names(choice: Option) -> tuple[str, str]:
    return choice.title.casefold(), choice.choice_id


def _lookup(
    table: AnyTable, attribute: Attribute, field: str, wanted: Collection[Any]
) -> Callable[[], set[str] | None]:
    """Return the candidates of an equality, from the attribute's index or the record ids themselves."""
    texts = [item for item in wanted if isinstance(item, str)]
    if attribute.is_implied and attribute.slug in {"record_id", "entry_id"}:
        return lambda: {text.casefold() for text in texts if text.casefold() in table.records}
    if INDEXED_FIELDS.get(attribute.type) != field:
        return lambda: None

    def candidates() -> set[str] | None:
        found = [table.holders(attribute, text) for text in texts]
        return None if None in found else set().union(*(ids for ids in found if ids is not None))

    return candidates


def _prepared(attribute: Attribute, given: Any) -> Any:
    """Return the operand of a filter in the form in which values are stored. Timestamps need a date and a time.

    A telephone number with its country code needs no plus sign; one without a country code finds nothing.
    """
    if attribute.type == "phone-number" and isinstance(given, str) and given.isascii() and given.isdigit():
        return f"+{given}"
    if attribute.type != "timestamp":
        return _folded(given)
    moment = parse_moment(given) if isinstance(given, str) and "T" in given else None
    if moment is None:
        raise refused(f'Error in filter. "{given}" is not a timestamp with date and time.', "filter_error")
    return _folded(format_moment(moment))


def _folded(item: Any) -> Any:
    """Fold the case of text, because filters ignore it."""
    return item.casefold() if isinstance(item, str) else item


def resolve_path(workspace: Workspace, table: Table[Definition], raw: object) -> list[Step]:
    """Return the tables and attributes of a path that begins at `table`. Raise `AttioError`."""
    if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_PATH_STEPS or not all(map(_is_pair, raw)):
        raise refused(f"Error in filter. A path has 1 to {MAX_PATH_STEPS} pairs of strings.", "filter_error")
    if raw[0][0] not in {table.definition.slug, table.definition.id}:
        raise refused(f'Error in filter. A path here begins with "{table.definition.slug}".', "filter_error")
    steps = [_step(table, raw[0][1])]
    for name, attribute_name in raw[1:]:
        if steps[-1][1].type != "record-reference":
            raise refused("Error in filter. A path goes on from record references only.", "filter_error")
        following = workspace.find_table(name)
        if following is None:
            raise refused(f'Error in filter. Unknown object: "{name}".', "filter_error")
        steps.append(_step(following, attribute_name))
    return steps


def reached(steps: Sequence[Step], record: Record) -> Iterable[Record]:
    """Return the records of the last table that one record's references lead to."""
    records: Iterable[Record] = (record,)
    for (table, attribute), (following, _) in pairwise(steps):
        records = [
            following.records[value.target_record_id]
            for one in records
            for value in table.values(one, attribute)
            if isinstance(value, RecordReference) and value.target_record_id in following.records
        ]
    return records


def starting(steps: Sequence[Step], ids: set[str]) -> set[str]:
    """Return the ids of the records of the first table from which the path leads to one of `ids` in the last."""
    for table, attribute in reversed(steps[:-1]):
        ids = {holder for target in ids for holder in table.holders(attribute, target) or ()}
    return ids


def _is_pair(raw: object) -> bool:
    return isinstance(raw, list) and len(raw) == 2 and all(isinstance(part, str) for part in raw)


def _step(table: Table[Definition], attribute_name: str) -> Step:
    attribute = table.definition.find(attribute_name)
    if attribute is None:
        raise refused(f'Error in filter. Unknown attribute slug: "{attribute_name}".', "unknown_filter_attribute_slug")
    return table, attribute
