"""Parsing of Affinity's rows, and issues of what is not read."""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from freight.connectors.affinity.fields import (
    ASSOCIATIONS,
    FIELD_TYPES,
    KNOWN_TYPES,
    Described,
    FilledField,
    damaged_text,
    holds_something,
    quoted,
    read_fields,
    read_values,
    text_of,
    unreadable,
)
from freight.connectors.affinity.standard_fields import FACTS, fact_of
from freight.connectors.errors import ConnectorError, PermissionMissing
from freight.connectors.protocols import Issue, Row
from freight.model.addresses import comparable
from freight.model.fields import CompanyRef, Field, FieldValues, Location
from freight.model.mapping import Mapping
from freight.model.schema import Schema

Item = TypeVar("Item")


class FieldSelection(msgspec.Struct, frozen=True):
    """The selection of fields for the rows of one kind of record."""

    owner: str
    """`companies`, `people`, or the id of a list."""
    fields: dict[str, Field]
    skipped: frozenset[str]
    """The ids of fields that the mapping skips."""
    users: frozenset[str] = frozenset()
    """The ids of the internal users, as far as the key shows them."""

    @classmethod
    def of(cls, schema: Schema, mapping: Mapping, owner: str) -> "FieldSelection":
        """Return the fields that the mapping selects of `companies`, of `people`, or of the list with this id."""
        skipped = frozenset(id_ for id_, wanted in mapping.fields_of(owner).items() if wanted.skip)
        fields = {field.id: field for field in schema.fields_of(owner) if field.id not in skipped}
        return cls(owner, fields, skipped, frozenset(user.id for user in schema.users or ()))

    def fact_of(self, field: Described) -> str | None:
        """Return the part of a company or a person that the field is, or None."""
        return None if field.id in self.fields or field.id in self.skipped else fact_of(self.owner, field)

    def migrates(self, field: Described) -> bool:
        """Return whether the values of the field are migrated."""
        return field.id in self.fields or self.fact_of(field) is not None


class RowParser:
    """Parses a row. `issues` names what it cannot read."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.issues: list[Issue] = []
        self._row = row

    def value(self, key: str, read: Callable[[Any], Item | None]) -> Item | None:
        """Return what `read` makes of the part of the row with this key."""
        return self._read(key, self._row.get(key), read)

    def values(self, key: str, read: Callable[[Any], Item | None]) -> list[Item]:
        """Return what `read` makes of the items of the list with this key."""
        given = self._row.get(key)
        if not isinstance(given, list):
            if given is not None:
                self.issues.append(unreadable(key, given))
            return []
        return [value for item in given if (value := self._read(key, item, read)) is not None]

    def text(self, key: str) -> str | None:
        """Return a text."""
        return self.value(key, text_of)

    def texts(self, primary: str, others: str) -> list[str]:
        """Return the texts under two keys: a single one, then a list."""
        first = self.text(primary)
        return [*([] if first is None else [first]), *self.values(others, text_of)]

    def _read(self, key: str, given: Any, read: Callable[[Any], Item | None]) -> Item | None:
        value = read(given)
        if value is None and holds_something(given):
            self.issues.append(unreadable(key, given))
        self.report_damaged(key, given)
        return value

    def report_damaged(self, field: str, given: object) -> None:
        """Add the issue of a text with invalid characters."""
        if (text := damaged_text(given)) is not None:
            self.issues.append(
                Issue(
                    code="damaged_text",
                    message=f"A text of {field!r} contains a NUL, or half of a truncated character. NUL was "
                    "removed, and the half became \N{REPLACEMENT CHARACTER}. Correct the text at the source or in the "
                    "target.",
                    field=field,
                    value=quoted(text),
                )
            )


class FieldsParser(RowParser):
    """Parses a row with fields. `issues` names values that have no place in a record."""

    def __init__(self, row: dict[str, Any], selection: FieldSelection) -> None:
        super().__init__(row)
        self.fields: FieldValues = {}
        self._owner = selection.owner
        self._users = selection.users
        self._facts: dict[str, list[FilledField]] = {}
        left: dict[str, list[str]] = {}
        for field in read_fields(row.get("fields"), self.issues):
            if field.id in selection.skipped:
                continue
            if (fact := selection.fact_of(field)) is not None:
                self._facts.setdefault(fact, []).append(field)
                self._say_cut_off(field)
                self.report_damaged(field.label, field.data)
            elif field.value_type not in KNOWN_TYPES:
                self.issues.append(_unknown_value_type(field))
            elif field.id in selection.fields:
                self._take(field, selection.fields[field.id])
            elif (code := _why_left_out(selection.owner, field)) is not None:
                left.setdefault(code, []).append(f"{field.label} ({field.id})")
        self.issues += [
            Issue(level="info", code=code, message=LEFT_OUT[code].format(", ".join(names)), field=", ".join(names))
            for code, names in left.items()
        ]

    def facts(self, name: str, read: Callable[[FilledField, list[Issue]], Iterable[Item]]) -> list[Item]:
        """Return the values of all fields that are the standard fact `name`, each once."""
        order = list(FACTS[self._owner])
        fields = sorted(
            self._facts.get(name, ()), key=lambda field: order.index(field.id) if field.id in order else len(order)
        )
        return list(dict.fromkeys(item for field in fields for item in read(field, self.issues)))

    def fact(self, name: str, read: Callable[[FilledField, list[Issue]], Iterable[Item]]) -> Item | None:
        """Return the first of those values; the others become an issue."""
        values = self.facts(name, read)
        if len(values) > 1:
            left = "; ".join(shown(value) for value in values[1:])
            # Its id, since a custom field may have the same name.
            fields = ", ".join(field.id for field in self._facts[name])
            self.issues.append(
                Issue(
                    code="further_values_left_out",
                    message=f"Only one value fits {name!r}; {shown(values[0])} was taken and the others were left "
                    f"out: {left}.",
                    field=fields,
                    value=left,
                )
            )
        return values[0] if values else None

    def _take(self, field: FilledField, known: Field) -> None:
        if FIELD_TYPES.get(field.value_type) != known.type:
            self.issues.append(_type_changed(field))
            return
        self._say_cut_off(field)
        self.report_damaged(field.label, field.data)
        if values := read_values(field, self.issues, self._users):
            self.fields[field.id] = values

    def _say_cut_off(self, field: FilledField) -> None:
        if field.is_cut_off:
            self.issues.append(values_cut_off(field))


LEFT_OUT = {
    "association_left_out": "Affinity links this record to others in these fields; in the target people are linked to "
    "their current company only, so they were left out: {}.",
    "field_not_mapped": "These fields have values that the migration has no place for, so they were left out: {}.",
    "not_writable": "These fields have values that Affinity computed from mailboxes and calendars; the target "
    "computes its own, which cannot be written: {}.",
}


def row_without_id(row: object) -> Row:
    """Return the record for a row without an id."""
    digest = hashlib.sha256(msgspec.json.encode(row)).hexdigest()[:16]
    return unreadable_row(f"unreadable-{digest}", row, "without an id")


def unreadable_row(id_: str, row: object, why: str) -> Row:
    """Return the record for a row that cannot be read; `why` ends the sentence "Affinity gave a row …"."""
    issue = Issue(
        level="error",
        code="unreadable_row",
        message=f"Affinity gave a row {why}, which cannot be migrated.",
        value=quoted(row),
    )
    return Row(id=id_, record=None, skip=issue)


def refused_row(id_: str, refusal: ConnectorError) -> Row:
    """Return the record for one that other records refer to and that Affinity refuses."""
    hidden = isinstance(refusal, PermissionMissing)
    advice = "Give the key's user access to it and run the migration again. " if hidden else ""
    issue = Issue(
        code="hidden_at_source" if hidden else refusal.code,
        message="Another record refers to this one, but Affinity does not give it, so the reference is left out. "
        f"{advice}{refusal}",
        value=id_,
    )
    return Row(id=id_, record=None, skip=issue)


def values_cut_off(field: FilledField) -> Issue:
    """Return the issue of a field of which Affinity returned only the first values."""
    given = len(field.data)
    missing = "any others were" if field.total is None else f"the other {field.total - given} were"
    return Issue(
        code="values_cut_off",
        message=f"Affinity gave the first {given} values of the field {field.label!r} only; {missing} left out: add "
        "them by hand.",
        field=field.label,
        value=None if field.total is None else str(field.total - given),
    )


def distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """Return each text once, ignoring case, in the given order."""
    first: dict[str, str] = {}
    for text in texts:
        first.setdefault(comparable(text), text)
    return tuple(first.values())


def shown(value: object) -> str:
    """Return a value as an issue shows it."""
    match value:
        case Location():
            return ", ".join(part for part in (value.street, value.city, value.region, value.country) if part)
        case CompanyRef():
            return value.name or value.id
        case _:
            return str(value)


def _why_left_out(owner: str, field: FilledField) -> str | None:
    """Return the code of `LEFT_OUT`; None for what other issues cover."""
    if field.id in ASSOCIATIONS:
        return "association_left_out" if owner in FACTS else None
    return "not_writable" if field.kind == "relationship-intelligence" else "field_not_mapped"


def _type_changed(field: FilledField) -> Issue:
    return Issue(
        code="field_type_changed",
        message=f"The field {field.label!r} ({field.id}) holds values of another type than when the job began, now "
        f"{field.value_type!r}: they were left out. Run the migration again to migrate them.",
        field=field.label,
        value=quoted(field.data),
    )


def _unknown_value_type(field: FilledField) -> Issue:
    return Issue(
        code="unknown_value_type",
        message=f"The field {field.label!r} ({field.id}) holds a value of the type {field.value_type!r}, which Freight "
        "does not know: it was left out.",
        field=field.label,
        value=quoted(field.data),
    )
