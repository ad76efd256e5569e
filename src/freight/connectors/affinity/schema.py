"""Affinity's descriptions of fields, in both versions of its API, as Freight's fields.

Version 2 has each field's id, kind and type; both have its options, used or not. A custom field is `field-123` in
version 2 and 123 in version 1.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from freight.connectors.affinity.fields import (
    ASSOCIATIONS,
    FIELD_TYPES,
    Described,
    described,
    id_of,
    integer_of,
    text_of,
)
from freight.connectors.affinity.standard_fields import fact_of
from freight.model.fields import Fact, Field, Option
from freight.model.mapping import FieldMapping

RELATIONSHIP_INTELLIGENCE = "relationship-intelligence"


class Definitions:
    """The fields as version 1 defines them."""

    def __init__(self, rows: object) -> None:
        self._by_id: dict[str, dict[str, Any]] = {}
        self._by_name: dict[tuple[str | None, str | None], list[dict[str, Any]]] = defaultdict(list)
        for row in rows if isinstance(rows, list) else ():
            if (id_ := id_of(row)) is not None:
                self._by_id[f"field-{id_}"] = row
                self._by_name[text_of(row.get("enrichment_source")), text_of(row.get("name"))].append(row)

    def find(self, id_: str, name: str, source: str | None) -> dict[str, Any] | None:
        """Return the definition of a field of version 2.

        Enriched fields have another id there: they are found by their name, if only one definition has it.
        """
        if id_ in self._by_id:
            return self._by_id[id_]
        named = self._by_name.get((source, name), []) if source is not None else []
        return named[0] if len(named) == 1 else None


def fields_of(
    metadata: Iterable[Any], definitions: Definitions, owner: str, named: Mapping[str, FieldMapping]
) -> list[Field]:
    """Return the fields of the schema, of `companies`, of `people`, or of the list with this id.

    Standard facts do not belong to it unless the job's mapping names them, nor do values that Affinity computes, links
    between records, and unknown types.
    """
    fields: dict[str, Field] = {}
    for row in metadata:
        field = _described(row)
        if field is None or field.id in ASSOCIATIONS or field.value_type not in FIELD_TYPES:
            continue
        # The fields of a list are returned together with those of the records on it.
        wanted = field.kind != RELATIONSHIP_INTELLIGENCE if owner in ("companies", "people") else field.kind == "list"
        if wanted and (fact_of(owner, field) is None or _is_ordinary(field, named.get(field.id))):
            definition = definitions.find(field.id, field.name, text_of(row.get("enrichmentSource")))
            fields.setdefault(field.id, _field(field, definition))
    return list(fields.values())


def facts_of(metadata: Iterable[Any], owner: str, named: Mapping[str, FieldMapping]) -> list[Fact]:
    """Return the fields of `companies` or of `people` that are standard parts of these, and cannot be mapped."""
    facts: dict[str, Fact] = {}
    for row in metadata:
        field = _described(row)
        part = None if field is None else fact_of(owner, field)
        if field is not None and part is not None and not _is_ordinary(field, named.get(field.id)):
            facts.setdefault(field.id, Fact(part=part, name=field.label, field=field.id))
    return list(facts.values())


def _is_ordinary(fact: Described, wanted: FieldMapping | None) -> bool:
    """Return whether the job treats a standard fact like any other field.

    A field that Affinity fills can only be skipped; a custom field is recognised by its name alone, and can be mapped.
    """
    return wanted is not None and (wanted.skip or fact.kind == "global")


def options_of(rows: object) -> tuple[Option, ...]:
    """Return the options of a dropdown, as either version gives them, in their order."""
    options = []
    for row in rows if isinstance(rows, list) else ():
        id_ = id_of(row)
        text = text_of(row.get("text")) if isinstance(row, dict) else None
        if id_ is not None and text is not None:
            options.append(Option(id=id_, text=text, rank=integer_of(row.get("rank"))))
    return tuple(options)


def merged_options(defined: Iterable[Option], current: Iterable[Option]) -> tuple[Option, ...]:
    """Return the options that either version knows, each once by its id.

    Version 1 may be minutes behind, version 2 may not return them at all: if both know an option, version 2 takes
    precedence. Options with ranks are ordered by these, others as in version 1.
    """
    options = list({option.id: option for option in (*defined, *current)}.values())
    if all(option.rank is not None for option in options):
        options.sort(key=lambda option: option.rank or 0)
    return tuple(options)


def _described(row: Any) -> Described | None:
    match row:
        case {"id": str(id_), "valueType": str(value_type)} if text_of(id_):
            return described(row, value_type)
        case _:
            return None


def _field(field: Described, definition: dict[str, Any] | None) -> Field:
    definition = definition or {}
    return Field(
        id=field.id,
        name=field.label,
        type=FIELD_TYPES[field.value_type],
        multiple=field.value_type.endswith("-multi") or definition.get("allows_multiple") is True,
        options=options_of(definition.get("dropdown_options")),
        enriched=field.kind == "enriched",
    )
