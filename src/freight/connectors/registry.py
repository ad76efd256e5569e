"""The connectors by name: what a job calls `source_system` and `target_system`.

A further vendor is a package next to the others and its lines here. Everything else is in its specification.
"""

from typing import Protocol

import httpx

from freight.connectors.affinity import spec as affinity
from freight.connectors.affinity.source import AffinitySource
from freight.connectors.attio import spec as attio
from freight.connectors.attio.target import AttioTarget
from freight.connectors.codes import SHARED, Code
from freight.connectors.protocols import Pacer, Source, Target
from freight.connectors.spec import ConnectorSpec, SourceRole, TargetRole
from freight.model.provenance import Provenance


class SourceFactory(Protocol):
    """A function that opens a source."""

    def __call__(
        self, api_key: str, *, base_url: str, pacer: Pacer, transport: httpx.AsyncBaseTransport | None
    ) -> Source:
        """Open it. Raise `CredentialsRefused` for a malformed key."""


class TargetFactory(Protocol):
    """A function that opens a target."""

    def __call__(
        self, api_key: str, *, base_url: str, pacer: Pacer, transport: httpx.AsyncBaseTransport | None
    ) -> Target:
        """Open it. Raise `CredentialsRefused` for a malformed key."""


SPECS: dict[str, ConnectorSpec] = {spec.system: spec for spec in (affinity.SPEC, attio.SPEC)}
SOURCES: dict[str, SourceFactory] = {affinity.SPEC.system: AffinitySource}
TARGETS: dict[str, TargetFactory] = {attio.SPEC.system: AttioTarget}


def source(
    system: str,
    *,
    api_key: str,
    base_url: str | None = None,
    pacer: Pacer,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Source:
    """Open the source with this name. Raise `CredentialsRefused` for a malformed key."""
    return SOURCES[system](api_key, base_url=base_url or SPECS[system].base_url, pacer=pacer, transport=transport)


def target(
    system: str,
    *,
    api_key: str,
    base_url: str | None = None,
    pacer: Pacer,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Target:
    """Open the target with this name. Raise `CredentialsRefused` for a malformed key."""
    return TARGETS[system](api_key, base_url=base_url or SPECS[system].base_url, pacer=pacer, transport=transport)


def source_role(system: str) -> SourceRole:
    """Return the role of the source with this name."""
    role = SPECS[system].source
    if role is None:
        raise KeyError(f"{system} is no source.")
    return role


def provenance(system: str) -> Provenance:
    """Return the provenance of the records of the source with this name."""
    role = source_role(system)
    return Provenance(system=system, label=SPECS[system].label, deal=role.deal, task=role.task)


def target_role(system: str) -> TargetRole:
    """Return the role of the target with this name."""
    role = SPECS[system].target
    if role is None:
        raise KeyError(f"{system} is no target.")
    return role


def code(name: str) -> Code | None:
    """Return the declaration of a code of issues; None for one that no connector gives."""
    return next((codes[name] for codes in (SHARED, *(spec.codes for spec in SPECS.values())) if name in codes), None)
