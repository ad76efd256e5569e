"""What a vendor's package offers to the rest of Freight: a `Source` with its `Reader`, a `Target` with its `Writer`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, BinaryIO, NewType, Protocol

import msgspec

from freight.connectors.codes import Level
from freight.model.crm import Entity, File, Record, Reference, Reply
from freight.model.fields import PersonRef
from freight.model.mapping import Mapping as JobMapping
from freight.model.numerals import Convention
from freight.model.provenance import Provenance
from freight.model.resolved_mapping import ResolvedMapping
from freight.model.schema import Schema

Kind = str
"""What a request does at the vendor: `read`, `write`, `upload` for the content of a file, or whatever else the vendor
limits apart. The specification of a connector lists its kinds."""

Attributes = dict[str, list[Any]]
"""Values by attribute slug. Each is a list, empty for "no value", whose items are plain JSON in the one form
that the connector uses both for what it writes and for what it read back, so that they can be compared."""


PlannedId = NewType("PlannedId", str)
"""The id of a record that a dry run would create. It stands in drafts where an id of the target stands otherwise; the
target has nothing under it and is never asked for it."""

_PLANNED_PREFIX = "new:"


def planned_id(reference: Reference) -> PlannedId:
    """Return the id that a source record gets in a dry run which would create its target record."""
    entity, source_id = reference
    return PlannedId(f"{_PLANNED_PREFIX}{entity}:{source_id}")


def is_planned(target_id: str) -> bool:
    """Return whether an id is a `PlannedId`."""
    return target_id.startswith(_PLANNED_PREFIX)


MADE_BY_TARGET = "company_made_by_target"
"""The code of what is said about a record that the target makes by itself."""


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """Something about one record that its owner should know: it becomes a log row."""

    level: Level = "warning"
    code: str
    """Stable, snake_case, for programs."""
    message: str
    """A full sentence for a person, saying what became of the value and what can be done."""
    field: str | None = None
    value: str | None = None


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """One account at a vendor, as the vendor itself names it to the holder of the key."""

    id: str
    name: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a source. `skip` says why it is not for the target; then `record` may be absent."""

    id: str
    record: Record | None
    skip: Issue | None = None
    issues: tuple[Issue, ...] = ()


class ReplyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is part of a record of the same stream: an answer to a note, which may be read before its note."""

    note_id: str
    reply: Reply


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a stream; `next_cursor` is None on the last one."""

    rows: tuple[Row, ...]
    next_cursor: str | None
    replies: tuple[ReplyRow, ...] = ()
    incomplete: Issue | None = None
    """Said on the last page of a stream of which the source did not give everything."""


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about a source before anything is read. An issue of the level `error` forbids the job."""

    schema: Schema
    issues: tuple[Issue, ...] = ()
    reads: int | None = None
    """About how many calls it takes to read all that is to be carried, files included; None where the source does not
    say how much it holds."""
    calls_left: int | None = None
    """How many calls the account's long-term quota still allows; None without a quota."""


class SchemaPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the schema needs in the target. An issue of the level `error` forbids the job."""

    layout: ResolvedMapping
    issues: tuple[Issue, ...] = ()


class References(msgspec.Struct, frozen=True, kw_only=True):
    """What a draft needs to know of other records."""

    found: Mapping[Reference, str] = {}
    """Source records with their ids in the target, for what a record is attached to. What it merely refers to becomes
    a `ReferenceSlot`."""
    people: Mapping[str, PersonRef] = {}
    """Who the people are whom `freight.model.crm.people_named` names, and those that are not in the target, by source
    id, as far as it is known."""
    names: Mapping[Reference, str] = {}
    """What records other than people are called, as far as it is known: all that a note or a deal refers to, and
    whatever is not in the target."""
    earlier: Mapping[str, Attributes] = {}
    """What notes were last drafted with, by source id: one that was made stays with its record."""
    copies: Mapping[str, tuple[Attributes, ...]] = {}
    """What the target holds of notes that it was given by jobs that wrote notes otherwise (to one record, or to all of
    theirs), by source id; only of notes that are not in `earlier`."""
    own_companies: frozenset[str] = frozenset()
    """The source ids of the companies that are the firm itself, to which no note is attached."""
    numerals: Mapping[tuple[str, str], Convention] = {}
    """Which sign separates decimals in the texts of a field, by its owner and id, as far as its values say it.

    The owner is `companies`, `people`, `deals` or the id of a list, as in `freight.model.resolved_mapping.Place`."""


class FileContent(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of a file, in a file of the operating system; `size` is their number."""

    file: BinaryIO
    size: int
    content_type: str | None
    issues: tuple[Issue, ...] = ()
    """What its owner should know of how it was delivered."""


class SlotReference(msgspec.Struct, frozen=True, kw_only=True):
    """A source record that a slot refers to."""

    reference: Reference
    name: str
    """What `ReferenceSlot.if_several` is given for it."""
    if_missing: Issue
    """What is said if the record is not in the target and is not going to be."""


class ReferenceSlot(msgspec.Struct, frozen=True, kw_only=True):
    """An attribute that refers to other records. It gets its values when these are in the target."""

    attribute: str
    references: tuple[SlotReference, ...]
    """In the source's order, each once where the attribute holds several."""
    value: Callable[[Entity, str], Any]
    """Returns what the attribute holds for the record with this entity and this id in the target."""
    if_several: Callable[[Sequence[str]], Issue] | None = None
    """For an attribute that holds only the first of the references that is in the target: returns what is said of the
    others, given by name. None for one that holds all."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A record in the target's terms."""

    entity: Entity
    source_id: str
    values: Attributes
    """Only attributes that have a value."""
    unique: Mapping[str, tuple[str, ...]]
    """The unique attributes among them with their comparable values: `{"domains": ("acme.com",)}`; may be empty."""
    multiple: frozenset[str]
    """The attributes among them that hold several values at once."""
    carried: frozenset[str] = frozenset()
    """The attributes that the job carries for such records, whether this one has a value for them or not."""
    fixed: frozenset[str] = frozenset()
    """The attributes that the target does not let anybody change once the record is made."""
    issues: tuple[Issue, ...] = ()
    """Values that the target cannot hold, and were left out."""
    on_create: Attributes = {}
    """What a new record is given besides, because the target demands it; an existing one keeps its own."""
    skip: Issue | None = None
    """Why the record is not for the target at all; then the rest means nothing."""
    parents: tuple[Reference, ...] = ()
    """The source records to which it is attached; a note, task or file can be found only by way of them."""
    container: str | None = None
    """The id in the target of the list that an entry stands on."""
    slots: tuple[ReferenceSlot, ...] = ()
    """Its references to other records, at most one slot for an attribute. What a slot is filled with is added to
    `values`; then only the slots are left that wait for records which are loaded later."""
    places: Mapping[Reference, Any] = {}
    """The records of the target on which a copy of a note may stand, by what they are at the source: whatever the note
    is attached to, and its parent."""
    for_copy: Callable[[Attributes], "Draft"] | None = None
    """Returns the draft of a note as it is for a copy that the target holds with these values: on the same record.
    None for other entities."""
    alike: Attributes = {}
    """Values that an earlier job wrote of the note or of a copy of it, and that say in another form what those drafted
    say: they need not be written again."""


class Implied(msgspec.Struct, frozen=True, kw_only=True):
    """A record that the target makes by itself when another one is created, unless a record has the value already."""

    entity: Entity
    slug: str
    """The unique attribute that decides whether there is one already."""
    value: str
    """What the new record holds there."""
    issue: Issue
    """What the owner of the workspace should know of it, with the code `MADE_BY_TARGET`."""


class TargetRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it stands in the target."""

    id: str
    source_id: str | None
    """The id of the layout's source system that it bears in a mark of Freight's; ids of other systems do not count."""
    values: Attributes
    is_guess: bool = False
    """Whether it carries no source id and only looks like the record with this `source_id`; it may look like others
    too, and is then returned once for each."""
    container: str | None = None
    """The id in the target of the list that an entry stands on."""
    automatic: frozenset[str] = frozenset()
    """The attributes whose values the target's own machinery filled in, every one of them: enrichment, or a link that
    it derived. Nobody chose these values."""
    issues: tuple[Issue, ...] = ()
    """What the target did not take of a write that it answered as done."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What has been asked of a vendor."""

    reads: int = 0
    writes: int = 0
    waited_seconds: float = 0.0
    """Spent waiting for turns and for limits, added up over all requests."""


class Source(Protocol):
    """A workspace to read from. Every method raises a `freight.connectors.errors.ConnectorError` on failure."""

    async def identify(self) -> Workspace:
        """Return the workspace that the key opens."""
        ...

    async def discover(self, entities: Collection[Entity], mapping: JobMapping) -> Discovery:
        """Return what the workspace can hold, whether the key may read these entities, and what reading them with this
        mapping costs."""
        ...

    def reader(self, schema: Schema, mapping: JobMapping) -> "Reader":
        """Return a reader that goes by a schema that `discover` found, and reads only what the mapping includes."""
        ...

    def take_usage(self) -> Usage:
        """Return what has been asked of the vendor since this was called last."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class Reader(Protocol):
    """Reads the records of a source. Every method raises a `freight.connectors.errors.ConnectorError` on failure."""

    async def read(self, entity: Entity, cursor: str | None) -> Page:
        """Return the page at `cursor`, or the first one."""
        ...

    async def read_some(self, entity: Entity, ids: Sequence[str]) -> Sequence[Row]:
        """Return the records with those ids, as far as they exist; of companies, people and deals."""
        ...

    def open_file(self, file: File) -> AbstractAsyncContextManager[FileContent]:
        """Give the bytes of a file until the context ends.

        Raise `NotFound` for one that is gone, `FileIncomplete` for one that is not delivered as it is listed.
        """
        ...


class Target(Protocol):
    """A workspace to write to. Every method raises a `freight.connectors.errors.ConnectorError` on failure."""

    async def identify(self) -> Workspace:
        """Return the workspace that the key opens."""
        ...

    async def plan_schema(
        self, schema: Schema, mapping: JobMapping, entities: Collection[Entity], provenance: Provenance
    ) -> SchemaPlan:
        """Return where everything is to go, marked as coming from this source; ask what exists, and change nothing."""
        ...

    async def ensure_schema(self, layout: ResolvedMapping) -> ResolvedMapping:
        """Make whatever the layout lacks, attributes, options and lists; making it again changes nothing.

        Return the layout with the ids of what was made. Raise `Rejected` where the target refuses a part of it.
        """
        ...

    def writer(self, layout: ResolvedMapping) -> "Writer":
        """Return a writer that goes by a layout that `plan_schema` or `ensure_schema` returned."""
        ...

    def take_usage(self) -> Usage:
        """Return what has been asked of the vendor since this was called last."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class Writer(Protocol):
    """Finds, reads and writes the records of a target by one layout.

    Every method raises a `freight.connectors.errors.ConnectorError` on failure.
    """

    makes: frozenset[Entity]
    """The entities of which the target makes records by itself; see `implied`."""

    def draft(self, record: Record, references: References) -> Draft:
        """Return the record in the target's terms, with an issue for each value that the target cannot hold.

        References to other records are slots, filled later by whoever knows which records the target has."""
        ...

    def implied(self, draft: Draft) -> tuple[Implied, ...]:
        """Return the records that the target makes by itself when this draft is created. Asks the target nothing."""
        ...

    async def read(self, drafts: Mapping[str, Draft]) -> list[TargetRecord]:
        """Return the records with those ids, each given with the draft of the same entity that is to be written to it;
        ones that are gone are absent from the answer."""
        ...

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """Return every record that has the source id, if it is not empty, or one of the unique values, of one of the
        drafts (all of one entity). Costs a request for each parent of notes, tasks and files, otherwise one for many
        drafts."""
        ...

    async def create(self, draft: Draft, content: FileContent | None = None) -> TargetRecord:
        """Write a new record; a file with its content.

        Repeatable by itself where the draft has unique values; otherwise raise `InDoubt` where it cannot be known
        whether the record was made.
        """
        ...

    async def update(self, draft: Draft, target_id: str, values: Attributes) -> TargetRecord:
        """Give these attributes exactly these values, none with an empty list, and leave the others. Repeatable.

        Raise `Rejected` with the attribute for one that cannot be changed, `NotFound` if the record is gone.
        """
        ...

    async def delete(self, draft: Draft, target_id: str) -> None:
        """Delete the record that was made from this draft. Repeatable. Raise `NotFound` if it is gone already."""
        ...


class Pacer(Protocol):
    """Hands out turns to send requests, shared by everyone who talks to the same account."""

    async def turn(self, kind: Kind) -> None:
        """Wait until one request of this kind may be sent.

        Raises `MustWait` where that takes too long for a step: while a pause lasts, or the circuit is open.
        """
        ...

    async def pause(self, kind: Kind, until: datetime) -> None:
        """Keep everyone from sending requests of this kind before `until` (aware)."""
        ...

    async def succeeded(self) -> None:
        """Note that the vendor answered."""
        ...

    async def failed(self) -> None:
        """Note that the vendor answered 5xx, or not at all."""
        ...
