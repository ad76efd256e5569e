"""What a connector says about its vendor: everything that the rest of Freight needs to know without asking it.

Specifications are plain data. They import no client, so that every layer may read them.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from freight.connectors.codes import Code
from freight.connectors.planning.target import Capabilities
from freight.connectors.protocols import Kind
from freight.model.crm import Entity, UniquePart

BaseUrl = Annotated[str, Meta(max_length=2000, description="Where the API is, if not at the vendor's own address.")]
ApiKey = Annotated[str, Meta(min_length=1, max_length=500)]
WorkspaceId = Annotated[
    str, Meta(max_length=200, description="The id that the key's workspace must have: a guard against the wrong key.")
]


class Configuration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a job must say to open a workspace. A connector describes its own key."""

    api_key: Annotated[ApiKey, Meta(description="A key or access token for the system's API.")]
    base_url: BaseUrl | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"


class TargetConfiguration(Configuration, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a job must say to open the workspace that is written to."""

    workspace_id: WorkspaceId | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(workspace_id={self.workspace_id!r}, base_url={self.base_url!r})"


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests of one kind the vendor documents to allow in so many seconds."""

    requests: int
    seconds: int = 1
    setting: str | None = None
    """The setting that replaces `requests`, 0 for unpaced; None for a limit that is fixed."""
    unpaced_with: Kind | None = None
    """The kind of requests with which these are unpaced too, for a limit that is fixed."""
    is_read: bool = True
    """Whether such a request only reads."""


class NotMigrated(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the source's workspaces hold and that is written to no target."""

    message: str
    """What a person should know of it."""
    is_read: bool = True
    """Whether it is read at all, so that it can be counted."""
    counted_by: str | None = None
    """The code of the log rows that are counted; None where the discovery counts."""


class SourceRole(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to know of a vendor that is read."""

    configuration: type[Configuration]
    deal: str = "deal"
    """What the vendor calls a deal, in lower case: a part of what is written to targets, so it may not change."""
    task: str = "task"
    """The same of a task."""
    not_migrated: Mapping[str, NotMigrated] = {}
    """By a stable code, in the order of the report."""


class TargetRole(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to know of a vendor that is written to: its configuration and what it can do."""

    configuration: type[TargetConfiguration]
    unique: Mapping[Entity, UniquePart] = {}
    """The part of records that only one record of the entity may have."""
    keyless: frozenset[Entity] = frozenset()
    """Entities whose records carry no id of the source: they are found only through the records that they are attached
    to, at a request for each, and are read back one by one."""
    capabilities: Capabilities
    """What fields can become there."""
    records_per_query: int = 1
    """About how many records one request looks for."""


class ConnectorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor."""

    system: str
    """Its name in requests, in the database and in the pacers' keys."""
    label: str
    """Its name in sentences."""
    base_url: str
    """Where its API is."""
    hosts: frozenset[str]
    """The hosts that a job's `base_url` may name without a setting that allows more."""
    rates: Mapping[Kind, Rate]
    """The limits of the kinds of requests that are sent; each kind is paced by itself."""
    codes: Mapping[str, Code]
    """The codes of issues that the package gives, besides `freight.connectors.codes.SHARED`."""
    source: SourceRole | None = None
    target: TargetRole | None = None
