"""The specification of a connector: everything that the rest of Freight needs to know about its vendor.

Specifications are plain data. They import no client, so that every layer can read them.
"""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from freight.connectors.codes import Code
from freight.connectors.planning.target import Capabilities
from freight.connectors.protocols import Kind
from freight.model.crm import Entity, UniquePart

BaseUrl = Annotated[str, Meta(max_length=2000, description="URL of the API, if not the vendor's own.")]
ApiKey = Annotated[str, Meta(min_length=1, max_length=500)]
WorkspaceId = Annotated[
    str, Meta(max_length=200, description="The id that the key's workspace must have; a check against the wrong key.")
]


class Configuration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job's configuration for opening a workspace. A connector describes its own key."""

    api_key: Annotated[ApiKey, Meta(description="A key or access token for the system's API.")]
    base_url: BaseUrl | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"


class TargetConfiguration(Configuration, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job's configuration for opening the target."""

    workspace_id: WorkspaceId | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(workspace_id={self.workspace_id!r}, base_url={self.base_url!r})"


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """The documented limit of one kind of requests."""

    requests: int
    seconds: int = 1
    setting: str | None = None
    """The setting that replaces `requests`, 0 for unpaced; None for a fixed limit."""
    unpaced_with: Kind | None = None
    """For a fixed limit: the kind of requests with which these are unpaced too."""
    is_read: bool = True
    """Whether such a request only reads."""


class NotMigrated(msgspec.Struct, frozen=True, kw_only=True):
    """Data of the source's workspaces that are written to no target."""

    message: str
    """A sentence for a person."""
    is_read: bool = True
    """Whether it is read, so that it can be counted."""
    counted_by: str | None = None
    """The code of the log rows that are counted; None if the discovery counts."""


class SourceRole(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor as a source."""

    configuration: type[Configuration]
    deal: str = "deal"
    """The vendor's word for a deal, in lower case. It is part of data written to targets, so it must not change."""
    task: str = "task"
    """The same for a task."""
    not_migrated: Mapping[str, NotMigrated] = {}
    """By a stable code, in the order of the report."""


class TargetRole(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor as a target: its configuration and its capabilities."""

    configuration: type[TargetConfiguration]
    unique: Mapping[Entity, UniquePart] = {}
    """The values that only one record of the entity can have."""
    keyless: frozenset[Entity] = frozenset()
    """Entities whose records have no id of the source: they are found only via the records that they are attached to,
    with a request for each, and are read back one by one."""
    capabilities: Capabilities
    """The types that fields can become."""
    records_per_query: int = 1
    """The approximate number of records that one request looks for."""


class ConnectorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor."""

    system: str
    """Its name in requests, in the database and in the pacers' keys."""
    label: str
    """Its name in sentences."""
    base_url: str
    """The URL of its API."""
    hosts: frozenset[str]
    """The hosts that a job's `base_url` can name without a setting that allows more."""
    rates: Mapping[Kind, Rate]
    """The limits by kind of request; each kind is paced separately."""
    codes: Mapping[str, Code]
    """The codes of issues that the package gives, in addition to `freight.connectors.codes.SHARED`."""
    source: SourceRole | None = None
    target: TargetRole | None = None
