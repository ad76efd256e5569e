"""The connectors by name: what a job calls `source_system` and `target_system`.

A further vendor is a package beside the others and its lines here. Whatever else has to be known of it is in its
specification.
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
    """Opens a source."""

    def __call__(
        self, api_key: str, *, base_url: str, pacer: Pacer, transport: httpx.AsyncBaseTransport | None
    ) -> Source:
        """Open it. Raises `CredentialsRefused` for a key that cannot be one."""


class TargetFactory(Protocol):
    """Opens a target."""

    def __call__(
        self, api_key: str, *, base_url: str, pacer: Pacer, transport: httpx.AsyncBaseTransport | None
    ) -> Target:
        """Open it. Raises `CredentialsRefused` for a key that cannot be one."""


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
    """Open the source of that name. Raises `CredentialsRefused` for a key that cannot be one."""
    return SOURCES[system](api_key, base_url=base_url or SPECS[system].base_url, pacer=pacer, transport=transport)


def target(
    system: str,
    *,
    api_key: str,
    base_url: str | None = None,
    pacer: Pacer,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Target:
    """Open the target of that name. Raises `CredentialsRefused` for a key that cannot be one."""
    return TARGETS[system](api_key, base_url=base_url or SPECS[system].base_url, pacer=pacer, transport=transport)


def source_role(system: str) -> SourceRole:
    """Return what there is to know of the source of that name."""
    role = SPECS[system].source
    if role is None:
        raise KeyError(f"{system} is no source.")
    return role


def provenance(system: str) -> Provenance:
    """Return what the records of the source of that name are marked with at the target."""
    role = source_role(system)
    return Provenance(system=system, label=SPECS[system].label, deal=role.deal, task=role.task)


def target_role(system: str) -> TargetRole:
    """Return what there is to know of the target of that name."""
    role = SPECS[system].target
    if role is None:
        raise KeyError(f"{system} is no target.")
    return role


def code(name: str) -> Code | None:
    """Return what connectors say of a code of issues; None for one that they do not give."""
    return next((codes[name] for codes in (SHARED, *(spec.codes for spec in SPECS.values())) if name in codes), None)
