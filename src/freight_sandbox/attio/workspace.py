"""One Attio workspace in memory."""

import itertools
import secrets
import uuid
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from freight_sandbox.attio.access import DEFAULT_SCOPES
from freight_sandbox.attio.content import EventType, Note, RecordAttachments, StoredFile, Task, Thread, Webhook
from freight_sandbox.attio.errors import AttioError, not_found
from freight_sandbox.attio.late_work import LateWork
from freight_sandbox.attio.moments import now
from freight_sandbox.attio.schema import AttioList, AttioObject, new_status
from freight_sandbox.attio.standard import DEAL_STAGES, DISABLED_OBJECTS, standard_objects
from freight_sandbox.attio.tables import Record, Table
from freight_sandbox.attio.values import Actor


class NewMember(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A person to be made a member of the workspace."""

    first_name: str
    last_name: str
    email_address: str
    access_level: Literal["admin", "member", "suspended"] = "member"


class Member(msgspec.Struct, frozen=True):
    """A workspace member."""

    id: dict[str, str]
    first_name: str
    last_name: str
    email_address: str
    created_at: str
    access_level: str
    avatar_url: str | None = None


DEFAULT_MEMBERS = [
    NewMember(first_name="Ada", last_name="Admin", email_address="ada@sandbox-ventures.com", access_level="admin"),
    NewMember(first_name="Ben", last_name="Broker", email_address="ben@sandbox-ventures.com"),
    NewMember(
        first_name="Cleo", last_name="Former", email_address="cleo@sandbox-ventures.com", access_level="suspended"
    ),
]


PlanCode = Literal["particle_gate_violation", "quota_exceeded", "limit_reached", "billing_error"]


class Plan(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The limits of the workspace's plan."""

    record_limit: int | None = None
    """The maximum number of records of all objects together; None means no limit."""
    object_limit: int | None = None
    """The maximum number of objects; None means no limit."""
    code: PlanCode = "particle_gate_violation"
    """The code with which records are refused. Which one a full workspace gives is unknown; upserts document this one.
    """


class Workspace:
    """A workspace. It is new on every start and has a new id."""

    def __init__(
        self, *, deals_enabled: bool, late: LateWork | None = None, enrichment: bool = False, plan: Plan | None = None
    ) -> None:
        self.id = str(uuid.uuid4())
        self.name = "Freight Sandbox"
        self.slug = "freight-sandbox"
        self.token_id = str(uuid.uuid4())
        self.signing_key = secrets.token_bytes(32)
        self.scopes: tuple[str, ...] = DEFAULT_SCOPES
        self.members: list[Member] = []
        self.set_members(DEFAULT_MEMBERS)
        self.tables = {
            definition.slug: Table(definition) for definition in standard_objects(deals_enabled=deals_enabled)
        }
        if deals_enabled:
            self._add_deal_stages()
        self._tables_by_id = {table.definition.id: table for table in self.tables.values()}
        self.lists: dict[str, Table[AttioList]] = {}
        """Tables of entries by the id of their list."""
        self.notes = RecordAttachments[Note]("Note")
        self.tasks = RecordAttachments[Task]("Task")
        self.files = RecordAttachments[StoredFile]("File")
        self.threads = RecordAttachments[Thread]("Thread")
        self.webhooks: dict[str, Webhook] = {}
        self.late = late or LateWork(1)
        self.enrichment = enrichment
        """Whether Attio enriches new companies."""
        self.plan = plan or Plan()
        self.conflicts = itertools.count()
        """Counts uniqueness conflicts, which Attio words in two ways."""

    @property
    def actor(self) -> Actor:
        """The holder of the key."""
        return Actor("api-token", self.token_id)

    def find_table(self, identifier: str) -> Table[AttioObject] | None:
        """Return the table of the object with this slug or id, or None."""
        return self.tables.get(identifier) or self._tables_by_id.get(identifier)

    def table(self, identifier: str) -> Table[AttioObject]:
        """Return the table of the object with this slug or id. Raise 404."""
        found = self.find_table(identifier)
        if found is None:
            raise not_found("Object", identifier)
        return found

    def object_id(self, slug: str) -> str:
        """Return the id of an object, even of one that is not enabled."""
        found = self.find_table(slug)
        return str(uuid.uuid5(uuid.UUID(self.id), slug)) if found is None else found.definition.id

    def add_object(self, definition: AttioObject) -> None:
        """Add a custom object. Raise 409 if its slug is taken, also by an object that is not enabled."""
        if definition.slug in self.tables or definition.slug in DISABLED_OBJECTS:
            raise AttioError(409, "slug_conflict", "The object cannot be created: its API slug is taken.")
        limit = self.plan.object_limit
        if limit is not None and len(self.tables) >= limit:
            raise AttioError(400, "quota_exceeded", "The plan of this workspace allows no more objects.")
        table = Table(definition)
        self.tables[definition.slug] = self._tables_by_id[definition.id] = table

    def find_list(self, identifier: str) -> Table[AttioList] | None:
        """Return the entries of the list with this slug or id, or None."""
        return self.lists.get(identifier) or next(
            (table for table in self.lists.values() if table.definition.slug == identifier), None
        )

    def list_table(self, identifier: str) -> Table[AttioList]:
        """Return the entries of the list with this slug or id. Raise 404."""
        found = self.find_list(identifier)
        if found is None:
            raise not_found("List", identifier)
        return found

    def record(self, object_name: str, record_id: str) -> tuple[Table[AttioObject], Record]:
        """Return a record with its table. Raise 404."""
        table = self.table(object_name)
        if record_id not in table.records:
            raise not_found("Record", record_id, by="ID")
        return table, table.records[record_id]

    def entry(self, list_name: str, entry_id: str) -> tuple[Table[AttioList], Record]:
        """Return a list entry with its table. Raise 404."""
        table = self.list_table(list_name)
        if entry_id not in table.records:
            raise not_found("Entry", entry_id, by="ID")
        return table, table.records[entry_id]

    def has_room(self) -> bool:
        """Return whether the plan allows another record."""
        limit = self.plan.record_limit
        return limit is None or sum(len(table.records) for table in self.tables.values()) < limit

    def require_room(self) -> None:
        """Raise the plan's error if it allows no more records."""
        if not self.has_room():
            message = "The plan of this workspace allows no more records. Please upgrade it or contact sales."
            if self.plan.code == "billing_error":
                raise AttioError(403, "billing_error", message, kind="auth_error")
            raise AttioError(400, self.plan.code, message)

    def announce(self, event_type: EventType, ids: dict[str, str], actor: Actor | None = None, **more: str) -> None:
        """Notify the webhooks of an event. `ids` name its subject; the default actor is the holder of the key."""
        if not self.webhooks:
            return
        event = {"id": {"workspace_id": self.id, **ids}, "actor": msgspec.to_builtins(actor or self.actor), **more}
        for webhook in self.webhooks.values():
            if any(subscription.wants(event_type, event) for subscription in webhook.subscriptions):
                webhook.events[event_type] += 1

    def set_members(self, members: list[NewMember]) -> None:
        """Replace the members; one with the e-mail address of a present member keeps that member's id."""
        known = {member.email_address.casefold(): member for member in self.members}
        self.members = [self._member(new, known.get(new.email_address.casefold())) for new in members]

    def invite(self, members: Iterable[NewMember]) -> None:
        """Add members."""
        self.members += [self._member(new, None) for new in members]

    def find_member(self, identifier: str) -> Member | None:
        """Return the member with this id or e-mail address, or None."""
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
        """Return what the workspace holds."""
        return {
            "workspace_id": self.id,
            "workspace_name": self.name,
            "records": {slug: len(table.records) for slug, table in self.tables.items()},
            "lists": len(self.lists),
            "entries": {table.definition.slug: len(table.records) for table in self.lists.values()},
            "notes": len(self.notes.items),
            "tasks": len(self.tasks.items),
            "files": len(self.files.items),
            "comments": sum(len(thread.comments) for thread in self.threads.items.values()),
        }

    def _add_deal_stages(self) -> None:
        deals = self.tables["deals"].definition
        stage = deals.attribute("stage")
        for title in DEAL_STAGES:
            stage.choices.add(new_status(self.id, deals, stage, title))

    def _member(self, new: NewMember, known: Member | None) -> Member:
        ids = {"workspace_id": self.id, "workspace_member_id": str(uuid.uuid4())} if known is None else known.id
        created_at = now() if known is None else known.created_at
        return Member(ids, new.first_name, new.last_name, new.email_address, created_at, new.access_level)
