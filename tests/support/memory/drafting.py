"""Records in the form of the in-memory target."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from freight.connectors.protocols import Attributes, Draft, Issue, References, ReferenceSlot, SlotReference
from freight.model.crm import (
    Company,
    Deal,
    Entity,
    File,
    List,
    ListEntry,
    Note,
    Person,
    Record,
    Reference,
    Task,
    entity_of,
    references,
)
from freight.model.fields import CompanyRef, FieldValues, Location, PersonRef, Value
from freight.model.resolved_mapping import Place, ResolvedMapping
from support.memory.planning import mark_slug

RECORD = "record"
"""What an entry, a note, a task or a file is attached to."""


class Drafter:
    """Drafts one record."""

    def __init__(self, layout: ResolvedMapping, given: References) -> None:
        assert layout.provenance is not None
        self._layout = layout
        self._given = given
        self._mark = mark_slug(layout.provenance)
        self._issues: list[Issue] = []
        self._slots: dict[str, ReferenceSlot] = {}

    def draft(self, record: Record) -> Draft:
        """Return the record with an issue for each value that the target does not hold."""
        match record:
            case Company() | Person() | Deal():
                return self._object(record)
            case List():
                return self._list(record)
            case ListEntry():
                return self._entry(record)
            case Note() | Task() | File():
                return self._attached(record)

    def _object(self, record: Company | Person | Deal) -> Draft:
        values: Attributes = {}
        multiple: set[str] = set()
        match record:
            case Company():
                values = {"name": _some(record.name), "sites": list(record.domains), **self._shared(record)}
                multiple |= {"sites", "phones"}
            case Person():
                name = " ".join(part for part in (record.first_name, record.last_name) if part)
                mails = list(dict.fromkeys(mail.lower() for mail in record.emails))
                values = {"name": _some(name), "mails": mails, "work": _some(record.job_title), **self._shared(record)}
                multiple |= {"mails", "phones"}
                if record.company_id is not None:
                    self._refer("employer", [("companies", record.company_id)], multiple=False)
            case Deal():
                values = {"name": _some(record.name), "stage": self._stage(record)}
                self._refer("people", [("people", id_) for id_ in record.person_ids], multiple=True)
                self._refer("companies", [("companies", id_) for id_ in record.company_ids], multiple=True)
                self._leave_out_fields(record)
        if not isinstance(record, Deal):
            fields, several = self._fields(entity_of(record), record.fields)
            values |= fields
            multiple |= several
        values[self._mark] = [record.id]
        return self._draft(record, values, multiple=multiple, unique="mails" if isinstance(record, Person) else None)

    def _list(self, given: List) -> Draft:
        place = self._layout.of_list(given.id)
        if place is None or place.action == "skip":
            return self._skipped(given, Issue(level="info", code="not_kept_in_memory", message="No list is wanted."))
        return self._draft(given, {"name": [place.name]}, container=place.target_id)

    def _entry(self, entry: ListEntry) -> Draft:
        place, parent = self._layout.of_list(entry.list_id), self._given.found.get(entry.parent)
        if place is None or place.action == "skip" or parent is None:
            message = "The record of this entry is not in the target. See its outcome, and run the job again."
            return self._skipped(entry, Issue(code="parent_not_in_target", message=message))
        values, multiple = self._fields(entry.list_id, entry.fields)
        values |= {self._mark: [entry.id], RECORD: [link(entry.parent[0], parent)]}
        return self._draft(entry, values, multiple=multiple, container=place.target_id, parents=[entry.parent])

    def _attached(self, record: Note | Task | File) -> Draft:
        links = [one for one in references(record) if one in self._given.found]
        if isinstance(record, Note):
            links = [one for one in links if one[1] not in self._given.own_companies or one[0] != "companies"]
        if not links:
            message = "The records that this is attached to are not in the target. See their outcome, and run again."
            return self._skipped(record, Issue(code="no_parent", message=message))
        places = {one: link(one[0], self._given.found[one]) for one in links}
        if isinstance(record, Note) and self._layout.notes == "all":
            # The engine has made a copy for each of its records.
            links = links[:1]
        for one in references(record):
            if one not in self._given.found:
                self._leave_out("link_left_out", "The record is not in the target.", one[1], RECORD)
        values: Attributes = {RECORD: [places[one] for one in links], self._mark: [record.id]}
        match record:
            case Note():
                texts = [record.content, *(reply.content for reply in record.replies)]
                self._leave_out_authors(record)
                values |= {"text": ["\n".join(texts)], "at": _some(record.created_at and record.created_at.isoformat())}
            case Task():
                due = record.due_at and record.due_at.isoformat()
                values |= {"text": _some(record.content), "due": _some(due), "done": [record.completed]}
                self._leave_out_all(
                    "Errands have no such attribute in the target.",
                    owner=record.owner and record.owner.id,
                    creator=record.creator and record.creator.id,
                    recurrence=record.recurrence,
                    completed_at=record.completed_at,
                    created_at=record.created_at,
                )
            case File():
                values |= {"name": [record.name]}
                self._leave_out_all(
                    "Files have no such attribute in the target.",
                    uploader_id=record.uploader_id,
                    created_at=record.created_at,
                )
        return self._draft(record, values, multiple={RECORD}, parents=links)

    def _draft(
        self,
        record: Record,
        values: Attributes,
        *,
        multiple: Iterable[str] = (),
        unique: str | None = None,
        container: str | None = None,
        parents: Sequence[Reference] = (),
    ) -> Draft:
        filled = {slug: items for slug, items in values.items() if items}
        owner = record.list_id if isinstance(record, ListEntry) else entity_of(record)
        fields = {place.attribute for place in self._layout.places if place.owner == owner and place.attribute}
        return Draft(
            entity=entity_of(record),
            source_id=record.id,
            values=filled,
            unique={unique: tuple(filled[unique])} if unique is not None and unique in filled else {},
            multiple=frozenset(multiple) & filled.keys(),
            migrated=frozenset({*values, *self._slots, *fields}),
            issues=tuple(self._issues),
            parents=tuple(parents),
            container=container,
            slots=tuple(self._slots.values()),
        )

    def _skipped(self, record: Record, why: Issue) -> Draft:
        return Draft(
            entity=entity_of(record), source_id=record.id, values={}, unique={}, multiple=frozenset(), skip=why
        )

    def _shared(self, record: Company | Person) -> Attributes:
        return {
            "summary": _some(record.description),
            "phones": list(record.phone_numbers),
            "place": _some(record.location and _line(record.location)),
            "profile": _some(record.linkedin),
        }

    def _stage(self, deal: Deal) -> list[Any]:
        place = self._layout.of_list(deal.list_id) if deal.list_id is not None else None
        values = deal.fields.get(place.stage, ()) if place is not None and place.stage is not None else ()
        stages = [str(value) for value in values[:1]]
        for stage in stages:
            if stage not in self._titles(deal.list_id, place.stage if place else None):
                self._leave_out("choice_unknown", "The list has no such stage.", stage, "stage")
                return []
        return stages

    def _titles(self, list_id: str | None, field_id: str | None) -> tuple[str, ...]:
        """Return the titles of the choices of a field of a list."""
        places = (place for place in self._layout.places if (place.owner, place.field) == (list_id, field_id))
        return next((place.options for place in places), ())

    def _leave_out_fields(self, deal: Deal) -> None:
        """Name the fields of a deal, which only its entry holds in the target, apart from its stage."""
        place = self._layout.of_list(deal.list_id) if deal.list_id is not None else None
        for field_id, given in deal.fields.items():
            if place is None or field_id != place.stage:
                text = ", ".join(_line(one) for one in given)
                self._leave_out("not_kept_in_memory", "Deals have no such attribute; see the entry.", text, field_id)

    def _fields(self, owner: str, fields: FieldValues) -> tuple[Attributes, set[str]]:
        values: Attributes = {}
        multiple: set[str] = set()
        places = {place.field: place for place in self._layout.places if place.owner == owner}
        for field_id, given in fields.items():
            place = places.get(field_id)
            if place is None:
                self._leave_out("field_not_mapped", "The field is newer than the job.", field_id)
            elif place.attribute is not None and (items := self._items(place, place.attribute, given)):
                values[place.attribute] = items
                if place.multiple:
                    multiple.add(place.attribute)
        return values, multiple

    def _items(self, place: Place, slug: str, given: Sequence[Value]) -> list[Any]:
        match place.type:
            case "people" | "companies":
                internal = [one for one in given if isinstance(one, PersonRef) and one.internal]
                for one in internal:
                    self._leave_out("colleague_left_out", "Internal users are no people in the target.", one.id, slug)
                found = [
                    (place.type, one.id)
                    for one in given
                    if isinstance(one, PersonRef | CompanyRef) and one not in internal
                ]
                self._refer(slug, found, multiple=place.multiple)
                return []
            case "select":
                known = [str(one) for one in given if str(one) in place.options]
                for one in given:
                    if str(one) not in known:
                        self._leave_out("choice_unknown", "The attribute has no such choice.", str(one), slug)
                return self._one_or_all(place, known)
            case "text":
                return _some("\n".join(_line(one) for one in given))
            case _:
                return self._one_or_all(place, list(given))

    def _one_or_all(self, place: Place, items: list[Any]) -> list[Any]:
        if place.multiple or len(items) < 2:
            return items
        self._issues.append(_further(place.attribute or "", [str(item) for item in items[1:]]))
        return items[:1]

    def _refer(self, slug: str, found: Iterable[Reference], *, multiple: bool) -> None:
        given = tuple(dict.fromkeys(found))
        if not given:
            return
        self._slots[slug] = ReferenceSlot(
            attribute=slug,
            references=tuple(
                SlotReference(
                    reference=one,
                    name=one[1],
                    if_missing=Issue(
                        code="link_left_out",
                        message="The record is not in the target. See its outcome, and run the job again.",
                        field=slug,
                        value=one[1],
                    ),
                )
                for one in given
            ),
            multiple=multiple,
            value=link,
            if_several=partial(_further, slug),
        )

    def _leave_out_authors(self, note: Note) -> None:
        for part in (note, *note.replies):
            self._leave_out_all("Notes have no author in the target.", author_id=part.author_id)
        for reply in note.replies:
            self._leave_out_all("Replies have no date of their own in the target.", created_at=reply.created_at)

    def _leave_out_all(self, message: str, **values: object) -> None:
        """Name the values that there are, by what the vocabulary calls them."""
        for name, value in values.items():
            if value is not None:
                self._leave_out("not_kept_in_memory", message, str(value), name)

    def _leave_out(self, code: str, message: str, value: str, field: str | None = None) -> None:
        self._issues.append(Issue(code=code, message=message, field=field, value=value))


def link(entity: Entity, target_id: str) -> dict[str, str]:
    """Return the value of an attribute that refers to a record."""
    return {"entity": entity, "id": target_id}


def _further(slug: str, values: Sequence[str]) -> Issue:
    return Issue(
        code="further_values_left_out",
        message=f"The attribute {slug} holds one value: the first was kept.",
        field=slug,
        value=", ".join(values),
    )


def _some(value: Any) -> list[Any]:
    return [] if value in (None, "") else [value]


def _line(value: Value) -> str:
    match value:
        case Location():
            parts = (value.street, value.city, value.region, value.postcode, value.country, value.continent)
            return ", ".join(part for part in parts if part)
        case PersonRef() | CompanyRef():
            return value.name or value.id
        case _:
            return str(value)
