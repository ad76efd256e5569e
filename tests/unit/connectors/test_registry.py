"""The vendors by name."""

import pytest

from freight.connectors import registry
from freight.connectors.errors import CredentialsRefused
from support.connector_parts import RecordingPacer


def test_each_vendor_has_an_address_of_its_own_hosts(pacer):
    for system in registry.SYSTEMS:
        assert registry.default_base_url(system).removeprefix("https://") in registry.default_hosts(system)


def test_attio_paces_writes_apart_from_reads_and_affinity_only_reads():
    assert registry.rate_kinds("affinity") == ("read",)
    assert registry.rate_kinds("attio") == ("read", "write")


async def test_no_connector_shows_its_key(pacer: RecordingPacer):
    connectors = [
        registry.source("affinity", api_key="a-secret-key", pacer=pacer),
        registry.target("attio", api_key="a-secret-key", pacer=pacer),
    ]
    for connector in connectors:
        assert "a-secret-key" not in repr(connector)
        await connector.aclose()


def test_a_key_that_cannot_be_one_is_refused_at_once(pacer: RecordingPacer):
    with pytest.raises(CredentialsRefused):
        registry.target("attio", api_key="two words", pacer=pacer)
