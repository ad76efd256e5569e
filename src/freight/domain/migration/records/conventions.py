"""Conventions: the decimal separator in the texts of a field, as far as the values of a job show it."""

from collections.abc import Iterable, Mapping
from uuid import UUID

import msgspec
from piccolo.custom_types import Combinable

from freight.database import Connection, jsonb
from freight.domain.tables import Stream
from freight.model import crm
from freight.model.crm import Entity, Record
from freight.model.numerals import Convention, Evidence, observe
from freight.model.resolved_mapping import ResolvedMapping

Owned = dict[str, dict[str, Evidence]]
"""Evidence by the owner of a field, as in `freight.model.resolved_mapping.Place`, and by the field's id."""

NUMERIC = ("number", "currency")
"""Attribute types for which a text is parsed as a number."""


class NumericFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a job whose texts may have to be parsed as numbers, by their owner."""

    fields: Mapping[str, frozenset[str]]
    entities: frozenset[Entity]
    """The entities that have such fields."""

    @classmethod
    def of(cls, layout: ResolvedMapping) -> "NumericFields":
        """Return the text fields that the layout maps to numeric attributes, and those with the values of deals."""
        types = {(place.owner, place.field): place.field_type for place in layout.places}
        chosen = {(place.owner, place.field) for place in layout.places if place.type in NUMERIC}
        chosen |= {(of.list_id, of.value) for of in layout.lists if of.value is not None}
        fields: dict[str, set[str]] = {}
        for owner, field in chosen:
            # A job without list entries has no mapped fields of lists.
            if types.get((owner, field), "text") == "text":
                fields.setdefault(owner, set()).add(field)
        parents = {list_place.list_id: list_place.parent for list_place in layout.lists}
        entities: set[Entity] = set()
        for owner in fields:
            if owner in ("companies", "people", "deals"):
                entities.add(owner)  # type: ignore[arg-type]
            else:
                entities |= {"list_entries", "deals"} if parents.get(owner) == "deals" else {"list_entries"}
        return cls(fields={owner: frozenset(ids) for owner, ids in fields.items()}, entities=frozenset(entities))

    def observe(self, records: Iterable[Record]) -> Owned:
        """Return the evidence in the texts of these records."""
        found: Owned = {}
        for record in records:
            for owner in _owners(record):
                for field in self.fields.get(owner, ()):
                    evidence = sum(map(observe, _texts(record, field)), Evidence())
                    if evidence != Evidence():
                        _add(found, owner, field, evidence)
        return found


async def add(tx: Connection, stream_id: UUID, observed: Owned) -> None:
    """Add evidence to that of a stream whose row the transaction has locked."""
    if not observed:
        return
    total = await _stored(Stream.id == stream_id)
    for owner, fields in observed.items():
        for field, evidence in fields.items():
            _add(total, owner, field, evidence)
    await Stream.update({Stream.numerals: jsonb(total)}).where(Stream.id == stream_id)


async def read(tx: Connection, job_id: UUID, entity: Entity) -> dict[tuple[str, str], Convention]:
    """Return the conventions on which the records of an entity agree, by owner and field."""
    stored = await _stored((Stream.job_id == job_id) & (Stream.entity == entity))
    return {
        (owner, field): evidence.convention
        for owner, fields in stored.items()
        for field, evidence in fields.items()
        if evidence.convention is not None
    }


def _add(total: Owned, owner: str, field: str, evidence: Evidence) -> None:
    of_owner = total.setdefault(owner, {})
    of_owner[field] = of_owner.get(field, Evidence()) + evidence


async def _stored(which: Combinable) -> Owned:
    """Return the evidence of one stream, empty if there is no such stream."""
    row = await Stream.select(Stream.numerals).where(which).first()
    return {} if row is None else msgspec.json.decode(row["numerals"], type=Owned)


def _owners(record: Record) -> tuple[str, ...]:
    match record:
        case crm.Company():
            return ("companies",)
        case crm.Person():
            return ("people",)
        case crm.Deal():
            return ("deals",) if record.list_id is None else ("deals", record.list_id)
        case crm.ListEntry():
            return (record.list_id,)
        case _:
            return ()


def _texts(record: Record, field: str) -> list[str]:
    if not isinstance(record, crm.Company | crm.Person | crm.Deal | crm.ListEntry):
        return []
    return [value for value in record.fields.get(field, ()) if isinstance(value, str)]
