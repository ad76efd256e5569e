"""Whether the log of a job explains a difference: by entity, record, field, code and value."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from support.comparison.values import Difference

EXPLAINED_BY: dict[str, frozenset[str]] = {
    "absent": frozenset(
        {"internal_person", "parent_not_in_target", "no_parent", "only_own_company", "only_own_people"}
    ),
    "claimed": frozenset({"claimed_by_another_record", "held_by_another_record"}),
    "continent": frozenset({"continent_not_carried"}),
    "country": frozenset({"unknown_country"}),
    "extension": frozenset({"phone_extension_dropped"}),
    "further": frozenset({"further_values_left_out"}),
    "internal": frozenset({"internal_person_in_deal", "internal_person_in_field", "internal_person_in_task"}),
    "malformed": frozenset({"invalid_domain", "invalid_email", "invalid_phone_number"}),
    "not a member": frozenset({"not_a_member", "owner_without_member"}),
    "not writable": frozenset({"not_writable"}),
    "option": frozenset({"unknown_option"}),
    "owner": frozenset({"owner_without_member", "owner_replaced"}),
    "owner defaulted": frozenset({"owner_defaulted"}),
    "recurrence": frozenset({"recurrence_not_carried"}),
    "reference": frozenset({"reference_not_found"}),
    "rounded": frozenset({"rounded"}),
    "stage defaulted": frozenset({"stage_defaulted"}),
    "too old": frozenset({"date_not_carried"}),
    "truncated": frozenset({"value_truncated"}),
    "unknown type": frozenset({"unknown_value_type"}),
    "unnamed": frozenset({"name_defaulted"}),
}
"""The codes that may explain each kind of difference. Kinds that are not here are never explained."""

WITHOUT_VALUE = frozenset(
    {"not writable", "owner defaulted", "stage defaulted", "unnamed", "recurrence", "truncated", "too old"}
)
"""Kinds of which a log row need not quote the value: there is none, or it is too long."""


def unexplained(differences: Iterable[Difference], rows: Iterable[dict[str, Any]]) -> list[Difference]:
    """Return the differences that none of these rows explains; each has `entity`, `source_id`, `code`, `message`, and
    log rows a `field` and a `value`."""
    by_record: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_record[row["entity"], row["source_id"]].append(row)
    return [
        difference
        for difference in differences
        if not any(_explains(row, difference) for row in by_record[difference.entity, difference.source_id])
    ]


def _explains(row: dict[str, Any], difference: Difference) -> bool:
    if row["code"] not in EXPLAINED_BY.get(difference.kind, ()):
        return False
    if difference.kind == "absent":
        return True
    said = " ".join((row["field"] or "", row["value"] or "", row["message"])).casefold()
    names_field = any(name.casefold() in (row["field"] or "").casefold() for name in difference.names if name)
    names_value = difference.kind in WITHOUT_VALUE or any(text.casefold() in said for text in difference.shown)
    return names_field and names_value
