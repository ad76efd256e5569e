"""Workspaces of the in-memory vendor. A key is the name of a workspace: tests change it as its users would."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from freight.connectors.errors import CredentialsRefused
from freight.connectors.planning.choices import Choice
from freight.connectors.planning.lists import ListDefinition
from freight.connectors.protocols import Attributes
from freight.model.crm import Entity, Record, entity_of
from freight.model.mapping import AttributeType
from freight.model.schema import Schema

Moment = Literal["before", "after"]
"""When a write is interrupted: before its effect, or after it and before the answer."""

Interrupt = Callable[[Moment, str, Entity, str], Awaitable[None]]
"""Called at each moment of a write with its verb, the entity and the id of the source record. It may raise."""

TYPE_NAMES: dict[AttributeType, str] = {
    "text": "line",
    "number": "figure",
    "date": "day",
    "select": "choice",
    "people": "link to people",
    "companies": "link to companies",
}
"""What the vendor calls the types of its attributes."""


@dataclass
class SourceWorkspace:
    """What a firm has in the source, in the vocabulary of `freight.model.crm`."""

    schema: Schema = field(default_factory=Schema)
    records: dict[Entity, dict[str, Record]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    """The contents of files, by id."""
    page_size: int = 50

    def put(self, *records: Record) -> None:
        """Add records, or replace those with the same ids."""
        for record in records:
            self.records.setdefault(entity_of(record), {})[record.id] = record

    def remove(self, entity: Entity, id_: str) -> None:
        """Delete a record."""
        del self.records[entity][id_]

    def of(self, entity: Entity) -> list[Record]:
        """Return the records of an entity in the order of their ids."""
        held: dict[str, Record] = {given.id: given for given in self.schema.lists} if entity == "lists" else {}
        return [record for _, record in sorted((held or self.records.get(entity, {})).items())]


@dataclass
class Attribute:
    """An attribute of the target."""

    slug: str
    type: AttributeType
    multiple: bool = False
    title: str = ""
    made_for: str | None = None
    """The mark of the field that it was made for."""
    choices: list[Choice] = field(default_factory=list)


@dataclass
class Stored:
    """A record of the target."""

    id: str
    entity: Entity
    values: Attributes
    list_id: str | None = None
    """The list of an entry."""


@dataclass
class TargetWorkspace:
    """What a firm has in the target. Attributes are kept by entity, those of entries by the id of their list."""

    attributes: dict[str, dict[str, Attribute]] = field(default_factory=dict)
    lists: dict[str, ListDefinition] = field(default_factory=dict)
    list_marks: dict[str, str] = field(default_factory=dict)
    """The ids of lists by the mark of the list that each was made for."""
    records: dict[str, Stored] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    """Ids by e-mail address in lower case."""
    writes: Counter[tuple[str, Entity, str]] = field(default_factory=Counter)
    """The writes that took effect, by verb, entity and the id of the source record."""
    schema_changes: int = 0
    """How many lists, attributes and choices were asked for that a plan found missing."""
    interrupt: Interrupt | None = None
    ids: "count[int]" = field(default_factory=lambda: count(1))

    def of(self, entity: Entity) -> list[Stored]:
        """Return the records of an entity in the order of their creation."""
        return [record for record in self.records.values() if record.entity == entity]


SOURCES: dict[str, SourceWorkspace] = {}
TARGETS: dict[str, TargetWorkspace] = {}


def source(key: str) -> SourceWorkspace:
    """Return the source workspace of a key. Raise `CredentialsRefused` for an unknown one."""
    if key not in SOURCES:
        raise CredentialsRefused
    return SOURCES[key]


def target(key: str) -> TargetWorkspace:
    """Return the target workspace of a key. Raise `CredentialsRefused` for an unknown one."""
    if key not in TARGETS:
        raise CredentialsRefused
    return TARGETS[key]
