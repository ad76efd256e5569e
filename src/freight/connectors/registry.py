"""The vendors by name: what a job calls `source_system` and `target_system`."""

import httpx
import msgspec

from freight.connectors.affinity.provenance import PROVENANCE
from freight.connectors.affinity.source import AffinitySource
from freight.connectors.attio.target import AttioTarget
from freight.connectors.protocols import Kind, Pacer, Source, Target
from freight.model.provenance import Provenance


class System(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a vendor without asking it."""

    base_url: str
    kinds: tuple[Kind, ...]
    """The kinds of requests that Freight sends there, each with a limit of its own."""


SYSTEMS = {
    "affinity": System(base_url="https://api.affinity.co", kinds=("read",)),
    "attio": System(base_url="https://api.attio.com", kinds=("read", "write")),
}

SOURCES = {"affinity": AffinitySource}
PROVENANCES = {PROVENANCE.system: PROVENANCE}
TARGETS = {"attio": AttioTarget}


def source(
    system: str,
    *,
    api_key: str,
    base_url: str | None = None,
    pacer: Pacer,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Source:
    """The source of that name. Raises `CredentialsRefused` for a key that cannot be one."""
    return SOURCES[system](api_key, base_url=base_url or SYSTEMS[system].base_url, pacer=pacer, transport=transport)


def target(
    system: str,
    *,
    api_key: str,
    base_url: str | None = None,
    pacer: Pacer,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Target:
    """The target of that name. Raises `CredentialsRefused` for a key that cannot be one."""
    return TARGETS[system](api_key, base_url=base_url or SYSTEMS[system].base_url, pacer=pacer, transport=transport)


def provenance(system: str) -> Provenance:
    """Return what the records of a source are marked with at the target."""
    return PROVENANCES[system]


def default_base_url(system: str) -> str:
    """The address of the vendor's API."""
    return SYSTEMS[system].base_url


def default_hosts(system: str) -> frozenset[str]:
    """The vendor's own hosts: those that a job's `base_url` may name without a setting that allows more."""
    return frozenset({httpx.URL(SYSTEMS[system].base_url).host})


def rate_kinds(system: str) -> tuple[Kind, ...]:
    """The kinds of requests that are sent to the vendor; each is paced by itself."""
    return SYSTEMS[system].kinds
