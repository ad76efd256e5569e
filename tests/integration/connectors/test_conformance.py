"""Every connector passes the conformance suite: Affinity and Attio on the simulated vendors, and one in memory."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from freight.connectors import registry
from freight.connectors.protocols import Source, Target
from freight_sandbox import Sandbox, running
from support.conformance import SourceConformance, Subject, TargetConformance
from support.memory import firm, spec
from support.memory.jobs import new_pair
from support.memory.source import MemorySource
from support.memory.target import MemoryTarget
from support.sandboxes import sandbox_options


@pytest.fixture(scope="module")
async def vendors() -> AsyncIterator[Sandbox]:
    """A source with some records of every entity, and an empty target."""
    rows = dict.fromkeys(("opportunities", "entries", "notes", "reminders", "files"), 12)
    options = sandbox_options(companies=120, people=30, lists=4, custom_fields=True, deals_enabled=True, **rows)
    async with running(msgspec.structs.replace(options, unlimited=True)) as sandbox:
        yield sandbox


class TestAffinitySource(SourceConformance):
    """Affinity on the sandbox."""

    @pytest.fixture
    def subject(self, vendors: Sandbox) -> Subject[Source]:
        return Subject(
            registry.SPECS["affinity"],
            vendors.affinity_key,
            lambda key, pacer: registry.source("affinity", api_key=key, base_url=vendors.affinity_url, pacer=pacer),
        )


class TestMemorySource(SourceConformance):
    """The in-memory source."""

    @pytest.fixture
    def subject(self) -> Subject[Source]:
        pair = new_pair()
        firm.fill(pair.source, companies=120)
        return Subject(
            spec.SPEC, pair.key, lambda key, pacer: MemorySource(key, base_url=spec.SPEC.base_url, pacer=pacer)
        )


class TestAttioTarget(TargetConformance):
    """Attio on the sandbox."""

    @pytest.fixture
    def subject(self, vendors: Sandbox) -> Subject[Target]:
        return Subject(
            registry.SPECS["attio"],
            vendors.attio_key,
            lambda key, pacer: registry.target("attio", api_key=key, base_url=vendors.attio_url, pacer=pacer),
        )


class TestMemoryTarget(TargetConformance):
    """The in-memory target."""

    @pytest.fixture
    def subject(self) -> Subject[Target]:
        return Subject(
            spec.SPEC,
            new_pair().key,
            lambda key, pacer: MemoryTarget(key, base_url=spec.SPEC.base_url, pacer=pacer),
        )
