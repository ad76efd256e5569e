"""Paths of filters and sorts: from a record over its references to an attribute of another one."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from freight_sandbox.attio.errors import refused
from freight_sandbox.attio.schema import Attribute, Definition
from freight_sandbox.attio.tables import Record, Table
from freight_sandbox.attio.values import RecordReference
from freight_sandbox.attio.workspace import Workspace

Step = tuple[Table[Definition], Attribute]

LONGEST_PATH = 5


def resolve_path(workspace: Workspace, table: Table[Definition], raw: object) -> list[Step]:
    """The tables and attributes of a path that begins at `table`. Raises `AttioError`."""
    if not isinstance(raw, list) or not 1 <= len(raw) <= LONGEST_PATH or not all(map(_is_pair, raw)):
        raise refused(f"Error in filter. A path has 1 to {LONGEST_PATH} pairs of strings.", "filter_error")
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
    """The records of the last table to which the references of one record lead."""
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
    """The ids of the records of the first table from which the path leads to one of `ids` in the last."""
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
