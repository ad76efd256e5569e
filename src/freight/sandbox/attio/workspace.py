"""One Attio workspace in memory."""

import uuid
from collections.abc import Iterable
from typing import Any

import msgspec

from freight.sandbox.attio.errors import not_found
from freight.sandbox.attio.index import Index
from freight.sandbox.attio.schema import AttioObject, Attribute, new_status, now
from freight.sandbox.attio.standard import DEAL_STAGES, standard_objects
from freight.sandbox.attio.values import Actor, Value

INDEXED_FIELDS = {
    "text": "value",
    "domain": "domain",
    "email-address": "email_address",
    "phone-number": "phone_number",
    "record-reference": "target_record_id",
}
"""The field of a value that has an index, by attribute type."""
LONGEST_INDEXED = 256


class Record(msgspec.Struct, eq=False):
    """A record; values by attribute id, present only where there are some."""

    id: str
    number: int
    """Ascending with creation."""
    created_at: str
    created_by: Actor
    values: dict[str, list[Value]]


class Table:
    """The records of one object."""

    def __init__(self, definition: AttioObject) -> None:
        self.definition = definition
        self.records: dict[str, Record] = {}
        self._indexes: dict[str, Index] = {}
        self._numbered = 0

    def add(self, created_at: str, created_by: Actor) -> Record:
        """A new record without values."""
        self._numbered += 1
        record = Record(str(uuid.uuid4()), self._numbered, created_at, created_by, {})
        self.records[record.id] = record
        return record

    def remove(self, record: Record) -> None:
        """Take a record out."""
        for attribute in self.definition.attributes(archived=True):
            self.set(record, attribute, [])
        del self.records[record.id]

    def values(self, record: Record, attribute: Attribute) -> list[Value]:
        """The values of one attribute."""
        return record.values.get(attribute.id, [])

    def set(self, record: Record, attribute: Attribute, values: list[Value]) -> None:
        """Replace the values of one attribute."""
        index = self._index(attribute)
        if index is not None:
            for value in record.values.get(attribute.id, ()):
                if (key := index_key(attribute, value)) is not None:
                    index.discard(key, record.id)
            for value in values:
                if (key := index_key(attribute, value)) is not None:
                    index.add(key, record.id)
        if values:
            record.values[attribute.id] = values
        else:
            record.values.pop(attribute.id, None)

    def append(self, record: Record, attribute: Attribute, value: Value) -> None:
        """Add one value; the cost does not grow with the number of values."""
        record.values.setdefault(attribute.id, []).append(value)
        index, key = self._index(attribute), index_key(attribute, value)
        if index is not None and key is not None:
            index.add(key, record.id)

    def holders(self, attribute: Attribute, text: str) -> Iterable[str] | None:
        """The ids of the records that hold this text, ignoring case; None if the attribute has no index for it."""
        index = self._index(attribute)
        if index is None or len(text) > LONGEST_INDEXED:
            return None
        return index.holders(text.casefold())

    def _index(self, attribute: Attribute) -> Index | None:
        if attribute.type not in INDEXED_FIELDS:
            return None
        return self._indexes.setdefault(attribute.id, Index())


def index_key(attribute: Attribute, value: Value) -> str | None:
    """The key under which an index keeps a value; None where none does, or for text too long to be looked up."""
    if attribute.type not in INDEXED_FIELDS:
        return None
    text: str = getattr(value, INDEXED_FIELDS[attribute.type])
    return text.casefold() if len(text) <= LONGEST_INDEXED else None


class Member(msgspec.Struct, frozen=True):
    """A workspace member."""

    id: dict[str, str]
    first_name: str
    last_name: str
    email_address: str
    created_at: str
    access_level: str
    avatar_url: str | None = None


class Workspace:
    """A workspace. It is a new one on every start, and its id says so."""

    def __init__(self, *, deals_enabled: bool) -> None:
        self.id = str(uuid.uuid4())
        self.name = "Freight Sandbox"
        self.slug = "freight-sandbox"
        self.token_id = str(uuid.uuid4())
        self.members = [
            self._member("Ada", "Admin", "ada@sandbox-ventures.com", "admin"),
            self._member("Ben", "Broker", "ben@sandbox-ventures.com", "member"),
            self._member("Cleo", "Former", "cleo@sandbox-ventures.com", "suspended"),
        ]
        self.tables = {
            definition.slug: Table(definition) for definition in standard_objects(deals_enabled=deals_enabled)
        }
        if deals_enabled:
            self._add_deal_stages()
        self._by_id = {table.definition.id: table for table in self.tables.values()}

    def find_table(self, identifier: str) -> Table | None:
        """The table of the object with this slug or id."""
        return self.tables.get(identifier) or self._by_id.get(identifier)

    def table(self, identifier: str) -> Table:
        """The table of the object with this slug or id. Raises 404."""
        found = self.find_table(identifier)
        if found is None:
            raise not_found("Object", identifier)
        return found

    def find_member(self, identifier: str) -> Member | None:
        """The member with this id or e-mail address."""
        wanted = identifier.casefold()
        return next(
            (
                member
                for member in self.members
                if wanted in {member.id["workspace_member_id"], member.email_address.casefold()}
            ),
            None,
        )

    def summary(self) -> dict[str, Any]:
        """What the workspace holds."""
        return {
            "workspace_id": self.id,
            "workspace_name": self.name,
            "records": {slug: len(table.records) for slug, table in self.tables.items()},
        }

    def _add_deal_stages(self) -> None:
        deals = self.tables["deals"].definition
        stage = deals.attribute("stage")
        stage.statuses = [new_status(self.id, deals, stage, title) for title in DEAL_STAGES]

    def _member(self, first_name: str, last_name: str, email: str, access_level: str) -> Member:
        ids = {"workspace_id": self.id, "workspace_member_id": str(uuid.uuid4())}
        return Member(ids, first_name, last_name, email, now(), access_level)
