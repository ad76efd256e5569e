"""The protocols of connectors: a `Source` with its `Reader`, a `Target` with its `Writer`."""

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
"""The kind of a request: `read`, `write`, `upload` for the content of a file, or others that the vendor limits
separately. The specification of a connector lists its kinds."""

Attributes = dict[str, list[Any]]
"""Values by attribute slug. Each is a list, empty for "no value", whose items are plain JSON in the one form
that the connector uses both for what it writes and for what it read back, so that they can be compared."""


PlannedId = NewType("PlannedId", str)
"""The id of a record that a dry run would create. It replaces an id of the target in drafts; the target does not know
it and is never asked for it."""

_PLANNED_PREFIX = "new:"


def planned_id(reference: Reference) -> PlannedId:
    """Return the planned id of the target record of a source record."""
    entity, source_id = reference
    return PlannedId(f"{_PLANNED_PREFIX}{entity}:{source_id}")


def is_planned(target_id: str) -> bool:
    """Return whether an id is a `PlannedId`."""
    return target_id.startswith(_PLANNED_PREFIX)


MADE_BY_TARGET = "company_made_by_target"
"""The code of the issue of a record that the target creates by itself."""


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """Something about one record that its owner must know: it becomes a log row."""

    level: Level = "warning"
    code: str
    """Stable, snake_case, for programs."""
    message: str
    """A sentence for a person: what happened to the value and what to do."""
    field: str | None = None
    value: str | None = None


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """One account at a vendor, as the vendor names it to the holder of the key."""

    id: str
    name: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a source. `skip` says why it is not migrated; then `record` may be absent."""

    id: str
    record: Record | None
    skip: Issue | None = None
    issues: tuple[Issue, ...] = ()


class ReplyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is part of a record of the same stream: a reply to a note, which can be read before its note."""

    note_id: str
    reply: Reply


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a stream; `next_cursor` is None on the last one."""

    rows: tuple[Row, ...]
    next_cursor: str | None
    replies: tuple[ReplyRow, ...] = ()
    incomplete: Issue | None = None
    """The issue, on the last page, of a stream that the source did not return completely."""


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """The result of examining a source before anything is read. An issue of the level `error` prevents the job."""

    schema: Schema
    issues: tuple[Issue, ...] = ()
    reads: int | None = None
    """The estimated calls to read everything that is migrated, files included; None if the source does not give its
    numbers of records."""
    calls_left: int | None = None
    """The calls that remain of the account's long-term quota; None without a quota."""


class SchemaPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The changes to the target's schema. An issue of the level `error` prevents the job."""

    layout: ResolvedMapping
    issues: tuple[Issue, ...] = ()


class References(msgspec.Struct, frozen=True, kw_only=True):
    """Information about other records that a draft needs."""

    found: Mapping[Reference, str] = {}
    """Ids in the target by source record, for records that others are attached to. Other references become
    `ReferenceSlot`s."""
    people: Mapping[str, PersonRef] = {}
    """Known people by source id: those of `freight.model.crm.people_named`, and those that are not in the target."""
    names: Mapping[Reference, str] = {}
    """Known names of records other than people: all that a note or a deal refers to, and those that are not in the
    target."""
    earlier: Mapping[str, Attributes] = {}
    """The records that notes were last drafted for, by source id: an existing note stays on its record."""
    copies: Mapping[str, tuple[Attributes, ...]] = {}
    """Copies of notes in the target that jobs with the other setting of `notes` wrote, by source id; only of notes that
    are not in `earlier`."""
    own_companies: frozenset[str] = frozenset()
    """The source ids of the companies that are the firm itself; notes are not attached to these."""
    numerals: Mapping[tuple[str, str], Convention] = {}
    """The decimal separator of the texts of a field, by its owner and id, if its values show it.

    The owner is `companies`, `people`, `deals` or the id of a list, as in `freight.model.resolved_mapping.Place`.
    """


class FileContent(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a file, in a temporary file of `size` bytes."""

    file: BinaryIO
    size: int
    content_type: str | None
    issues: tuple[Issue, ...] = ()
    """Issues of its delivery."""


class SlotReference(msgspec.Struct, frozen=True, kw_only=True):
    """A source record that a slot refers to."""

    reference: Reference
    name: str
    """Its name for `ReferenceSlot.if_several`."""
    if_missing: Issue
    """The issue if the record is not in the target and will not be."""


class ReferenceSlot(msgspec.Struct, frozen=True, kw_only=True):
    """An attribute that refers to other records. It is filled when these are in the target."""

    attribute: str
    references: tuple[SlotReference, ...]
    """In the source's order, each once if the attribute can hold several."""
    multiple: bool
    """Whether the attribute can hold several values at once."""
    value: Callable[[Entity, str], Any]
    """Returns the value of the attribute for the record with this entity and id in the target."""
    if_several: Callable[[Sequence[str]], Issue] | None = None
    """For an attribute that holds one value: returns the issue of the references that are left out, given by name. The
    attribute has the first that is in the target. None if there is only one reference."""


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
    migrated: frozenset[str] = frozenset()
    """The attributes that the job migrates for such records, with or without a value in this one."""
    fixed: frozenset[str] = frozenset()
    """The attributes that cannot be changed in the target after the record is created."""
    issues: tuple[Issue, ...] = ()
    """Issues of values that the target cannot hold."""
    on_create: Attributes = {}
    """Further values for a new record, because the target requires them; an existing one keeps its own."""
    skip: Issue | None = None
    """Why the record is not migrated; the other fields are then meaningless."""
    parents: tuple[Reference, ...] = ()
    """The source records to which it is attached; a note, task or file can be found only via them."""
    container: str | None = None
    """The id in the target of the list of an entry."""
    slots: tuple[ReferenceSlot, ...] = ()
    """Its references to other records, at most one slot for each attribute. Filling a slot adds to `values`; slots that
    wait for records loaded later remain."""
    places: Mapping[Reference, Any] = {}
    """The records of the target that can have a copy of the note, by source record: those that the note is attached to,
    and its parent. One of them is the only value of one of the note's attributes."""
    for_copy: Callable[[Attributes], "Draft"] | None = None
    """Returns the draft of a note for a copy that the target has with these values: on the same record. None for other
    entities."""
    alike: Attributes = {}
    """Values that an earlier job wrote for the note or a copy of it, equal in meaning to those drafted: they need not
    be written again."""


class Implied(msgspec.Struct, frozen=True, kw_only=True):
    """A record that the target creates by itself together with another one, unless a record already has the value."""

    entity: Entity
    slug: str
    """The unique attribute by which the target finds an existing one."""
    value: str
    """Its value in the new record."""
    issue: Issue
    """Its issue, with the code `MADE_BY_TARGET`."""


class TargetRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it is in the target."""

    id: str
    source_id: str | None
    """The id in its mark of the layout's source system; None without one. Ids of other systems do not count."""
    values: Attributes
    is_guess: bool = False
    """Whether it has no mark and only looks like the record with this `source_id`; if it looks like several, it is
    returned once for each."""
    container: str | None = None
    """The id in the target of the list of an entry."""
    automatic: frozenset[str] = frozenset()
    """The attributes all of whose values the target itself filled in, by enrichment or by deriving a link. No person
    chose these values."""
    issues: tuple[Issue, ...] = ()
    """Issues of values that the target did not keep although it confirmed the write."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """The use of a vendor's API."""

    reads: int = 0
    writes: int = 0
    waited_seconds: float = 0.0
    """The time spent waiting for turns and limits, in total over all requests."""


class Source(Protocol):
    """A workspace to read from. Every method raises a `freight.connectors.errors.ConnectorError` on failure."""

    async def identify(self) -> Workspace:
        """Return the workspace of the key."""
        ...

    async def discover(self, entities: Collection[Entity], mapping: JobMapping) -> Discovery:
        """Return the schema of the workspace, issues of what the key cannot read, and the cost of reading these
        entities."""
        ...

    def reader(self, schema: Schema, mapping: JobMapping) -> "Reader":
        """Return a reader for a schema that `discover` returned; it reads only what the mapping includes."""
        ...

    def take_usage(self) -> Usage:
        """Return the use of the vendor's API since the last call."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class Reader(Protocol):
    """Reads the records of a source. Every method raises a `freight.connectors.errors.ConnectorError` on failure."""

    async def read(self, entity: Entity, cursor: str | None) -> Page:
        """Return the page at `cursor`, or the first one. If a record comes several times, the first row counts."""
        ...

    async def read_some(self, entity: Entity, ids: Sequence[str]) -> Sequence[Row]:
        """Return the existing records with these ids; companies, people and deals only."""
        ...

    def open_file(self, file: File) -> AbstractAsyncContextManager[FileContent]:
        """Yield the content of a file, available until the context ends.

        Raise `NotFound` for one that no longer exists, `FileIncomplete` for one that differs from its listing.
        """
        ...


class Target(Protocol):
    """A workspace to write to. Every method raises a `freight.connectors.errors.ConnectorError` on failure."""

    async def identify(self) -> Workspace:
        """Return the workspace of the key."""
        ...

    async def plan_schema(
        self, schema: Schema, mapping: JobMapping, entities: Collection[Entity], provenance: Provenance
    ) -> SchemaPlan:
        """Return the plan for these entities with marks of this source. Reads the target and changes nothing."""
        ...

    async def ensure_schema(self, layout: ResolvedMapping) -> ResolvedMapping:
        """Make the attributes, options and lists that are missing. Idempotent.

        Return the layout with the ids of what was made. Raise `Rejected` if the target refuses a part.
        """
        ...

    def writer(self, layout: ResolvedMapping) -> "Writer":
        """Return a writer for a layout that `plan_schema` or `ensure_schema` returned."""
        ...

    def take_usage(self) -> Usage:
        """Return the use of the vendor's API since the last call."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class Writer(Protocol):
    """Finds, reads and writes the records of a target by one layout.

    Every method raises a `freight.connectors.errors.ConnectorError` on failure.
    """

    makes: frozenset[Entity]
    """The entities of which the target creates records by itself; see `implied`."""

    def draft(self, record: Record, references: References) -> Draft:
        """Return the record in the target's terms, with an issue for each value that the target cannot hold.

        References to other records are slots, which the caller fills.
        """
        ...

    def implied(self, draft: Draft) -> tuple[Implied, ...]:
        """Return the records that the target creates by itself with this draft. Sends no request."""
        ...

    async def read(self, drafts: Mapping[str, Draft]) -> list[TargetRecord]:
        """Return the records with these ids, each given with the draft that is to be written to it. Those that no
        longer exist are absent."""
        ...

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """Return every record with the source id, if not empty, or a unique value of one of the drafts (all of one
        entity). Takes a request for each parent of notes, tasks and files, otherwise one for many drafts."""
        ...

    async def create(self, draft: Draft, content: FileContent | None = None) -> TargetRecord:
        """Write a new record; a file with its content.

        Idempotent if the draft has unique values; otherwise raise `InDoubt` if it is unknown whether the record was
        created.
        """
        ...

    async def update(self, draft: Draft, target_id: str, values: Attributes) -> TargetRecord:
        """Give these attributes exactly these values, none with an empty list, and leave the others. Idempotent.

        Raise `Rejected` with the attribute if it cannot be changed, `NotFound` if the record no longer exists.
        """
        ...

    async def delete(self, draft: Draft, target_id: str) -> None:
        """Delete the record that was created from this draft. Idempotent. Raise `NotFound` if it no longer exists."""
        ...


class Pacer(Protocol):
    """Paces requests, shared by all that send to the same account."""

    async def turn(self, kind: Kind) -> None:
        """Wait until one request of this kind may be sent.

        Raise `MustWait` if that takes too long for a step: during a pause, or while the circuit is open.
        """
        ...

    async def pause(self, kind: Kind, until: datetime) -> None:
        """Stop requests of this kind until `until` (aware), for all that share the pacer."""
        ...

    async def succeeded(self) -> None:
        """Record that the vendor answered."""
        ...

    async def failed(self) -> None:
        """Record that the vendor answered 5xx, or not at all."""
        ...
