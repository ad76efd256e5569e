"""What a vendor's package offers to the rest of Freight: a `Source` to read from, a `Target` to write to."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec

from freight.crm import Entity, Record

Kind = Literal["read", "write"]
"""What a request does at the vendor; reads and writes have limits of their own."""

Attributes = dict[str, list[Any]]
"""Values by attribute slug. Each is a list, empty for "no value", whose items are plain JSON in the one form
that the connector uses both for what it writes and for what it read back, so that they can be compared."""


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """Something about one record that its owner should know: it becomes a log row."""

    level: Literal["info", "warning", "error"] = "warning"
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


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a stream; `next_cursor` is None on the last one."""

    rows: tuple[Row, ...]
    next_cursor: str | None


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
    issues: tuple[Issue, ...] = ()
    """Values that the target cannot hold, and were left out."""


class TargetRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it stands in the target."""

    id: str
    source_id: str | None
    """What its `affinity_id` attribute holds."""
    values: Attributes


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What has been asked of a vendor."""

    reads: int = 0
    writes: int = 0
    waited_seconds: float = 0.0
    """Spent waiting for turns and for limits, added up over all requests."""


class Source(Protocol):
    """Reads a workspace. Every method raises a `freight.connectors.errors.ConnectorError` on failure."""

    async def identify(self) -> Workspace:
        """The workspace that the key opens."""
        ...

    async def read_page(self, entity: Entity, cursor: str | None) -> Page:
        """The page at `cursor`, or the first one."""
        ...

    def take_usage(self) -> Usage:
        """What has been asked of the vendor since this was called last."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class Target(Protocol):
    """Writes a workspace. Every method raises a `freight.connectors.errors.ConnectorError` on failure."""

    async def identify(self) -> Workspace:
        """The workspace that the key opens."""
        ...

    async def prepare_schema(self, entities: Sequence[Entity]) -> None:
        """Make whatever attributes are lacking; making them again changes nothing."""
        ...

    def draft(self, record: Record, references: Mapping[tuple[Entity, str], str]) -> Draft:
        """The record in the target's terms. `references` maps (entity, source id) to ids in the target; what it
        lacks is left out with an issue."""
        ...

    async def read(self, entity: Entity, target_ids: Collection[str]) -> list[TargetRecord]:
        """The records with those ids; ones that are gone are absent from the answer."""
        ...

    async def find(self, drafts: Sequence[Draft]) -> list[TargetRecord]:
        """Every record that carries the source id, or one of the unique values, of one of the drafts (all of one
        entity)."""
        ...

    async def create(self, draft: Draft) -> TargetRecord:
        """Write a new record. Repeatable by itself where the draft has unique values; otherwise raises `InDoubt`
        where it cannot be known whether the record was made."""
        ...

    async def update(self, entity: Entity, target_id: str, values: Attributes) -> TargetRecord:
        """Give these attributes exactly these values, none with an empty list, and leave the others. Repeatable."""
        ...

    def take_usage(self) -> Usage:
        """What has been asked of the vendor since this was called last."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class Pacer(Protocol):
    """Hands out turns to send requests, shared by everyone who talks to the same account."""

    async def turn(self, kind: Kind) -> None:
        """Wait until one request of this kind may be sent. Raises `Unavailable` if the circuit stays open."""
        ...

    async def pause(self, kind: Kind, until: datetime) -> None:
        """Nobody sends requests of this kind before `until` (aware)."""
        ...

    async def succeeded(self) -> None:
        """The vendor answered."""
        ...

    async def failed(self) -> None:
        """The vendor answered 5xx, or not at all."""
        ...
