"""The context of every draft: the layout, the records that it refers to, and its issues."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from freight.connectors.attio import values
from freight.connectors.attio.provenance import Marks, marks_of
from freight.connectors.attio.standard import written_types
from freight.connectors.protocols import Issue, References, ReferenceSlot, SlotReference
from freight.model.crm import Entity, Reference
from freight.model.fields import PersonRef
from freight.model.resolved_mapping import Place, ResolvedMapping

MAX_QUOTED = 80
"""The maximum characters of a value in a message."""


class MappingIndex:
    """A layout with indexes for look-ups."""

    def __init__(self, layout: ResolvedMapping) -> None:
        self.layout = layout
        self.places: dict[str, dict[str, Place]] = {}
        """The places by owner and field."""
        for place in layout.places:
            self.places.setdefault(place.owner, {})[place.field] = place
        self.options = {
            (place.owner, place.field): frozenset(place.options) for place in layout.places if place.options
        }
        """The titles of the options by owner and field; there can be thousands."""

    def migrated(self, owner: str) -> frozenset[str]:
        """Return the attributes that the job migrates for the records of an owner of fields."""
        fields = (place.attribute for place in self.places.get(owner, {}).values() if place.action != "skip")
        return frozenset(written_types(owner, self.marks)) | {slug for slug in fields if slug is not None}

    @property
    def marks(self) -> Marks:
        """The marks of the source system."""
        return marks_of(self.layout)

    def member(self, person: PersonRef) -> str | None:
        """Return the id of the member with the person's e-mail address."""
        return self.layout.members.get((person.email or "").strip().lower())


class DraftBuilder:
    """A draft in progress."""

    def __init__(self, index: MappingIndex, references: References) -> None:
        self.index = index
        self.layout = index.layout
        self.marks = index.marks
        self.references = references
        self.issues: list[Issue] = []
        self.slots: dict[str, ReferenceSlot] = {}
        """The attributes that refer to other records."""

    def add_issue(
        self, code: str, message: str, *, field: str | None, value: str | None = None, info: bool = False
    ) -> None:
        """Add an issue."""
        level = "info" if info else "warning"
        self.issues.append(Issue(level=level, code=code, message=message, field=field, value=value))  # type: ignore[arg-type]

    def refer(
        self,
        attribute: str,
        references: Iterable[SlotReference],
        *,
        multiple: bool,
        if_several: Callable[[Sequence[str]], Issue] | None = None,
    ) -> None:
        """Make an attribute refer to other records; see `freight.connectors.protocols.ReferenceSlot`."""
        if given := tuple(references):
            self.slots[attribute] = ReferenceSlot(
                attribute=attribute,
                references=given,
                multiple=multiple,
                value=values.record_reference,
                if_several=if_several,
            )

    def reference(self, reference: Reference, *, field: str, what: str, name: str = "") -> SlotReference:
        """Return a reference for the slot of a field. `what` names the record at the beginning of a sentence."""
        return SlotReference(
            reference=reference, name=name, if_missing=self.not_found(reference, field=field, what=what)
        )

    def not_found(self, reference: Reference, *, field: str, what: str) -> Issue:
        """Return the issue of a record that a field refers to and that is not in the target."""
        _, source_id = reference
        name = self.name_of(reference)
        which = f"{source_id} at the source" if name is None or name in what else f"{name}, {source_id} at the source"
        return Issue(
            code="reference_not_found",
            message=f"{what} ({which}) is not in Attio: the link was left out. See the outcome of that record, then "
            f"run the job again.",
            field=field,
            value=source_id,
        )

    def name_of(self, reference: Reference) -> str | None:
        """Return the name of a record, if it is known."""
        entity, source_id = reference
        return (
            described(self.references.people, source_id) if entity == "people" else self.references.names.get(reference)
        )

    def called(self, reference: Reference) -> str:
        """Return the name, if known, and the id of a source record for a sentence."""
        entity, source_id = reference
        name = self.name_of(reference)
        noun = self.noun(entity)
        return f"{name} ({noun} {source_id})" if name else f"the {noun} {source_id}"

    def noun(self, entity: Entity) -> str:
        """Return the source's word for one record of an entity."""
        source = self.marks.provenance
        nouns: dict[Entity, str] = {
            "companies": "company",
            "people": "person",
            "deals": source.deal,
            "lists": "list",
            "tasks": source.task,
        }
        return nouns[entity]

    def own_person(self, reference: Reference) -> PersonRef | None:
        """Return the person that a reference names if that is an internal user; internal users are not records."""
        entity, source_id = reference
        person = self.references.people.get(source_id) if entity == "people" else None
        return person if person is not None and person.internal else None

    def own(self, person: PersonRef, *, field: str) -> dict[str, str] | None:
        """Return the member who becomes the owner for this person; None if no member can."""
        if (member_id := self.index.member(person)) is not None:
            return values.actor_reference(member_id)
        who = f"{person.name or person.id} ({person.email or 'no e-mail address known'})"
        if self.layout.default_owner is not None:
            self.add_issue(
                "owner_replaced",
                f"{who} is not a member of this Attio workspace: the default owner replaces this person. Invite the "
                f"person to Attio and run the job again, or select another owner there.",
                field=field,
                value=person.email or person.id,
            )
            return values.actor_reference(self.layout.default_owner)
        self.add_issue(
            "owner_without_member",
            f"{who} is not a member of this Attio workspace, and the job names no default owner: the field was left "
            f"empty. Invite the person to Attio, or name a default owner in the mapping, and run the job again.",
            field=field,
            value=person.email or person.id,
        )
        return None


def shown(value: object) -> str:
    """Return a value, shortened, for a message."""
    text = str(value)
    return repr(text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}…")


def described(people: Mapping[str, PersonRef], person_id: str) -> str | None:
    """Return the name of a person, if it is known."""
    person = people.get(person_id)
    return None if person is None else person.name or person.email
