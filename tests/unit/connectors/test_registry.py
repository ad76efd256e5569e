"""The vendors by name."""

from typing import get_args

import pytest

from freight.connectors import registry
from freight.connectors.errors import CredentialsRefused
from freight.model.fields import FieldType
from freight.model.mapping import AttributeType
from freight.settings import Settings
from support.connector_parts import RecordingPacer


def test_each_vendor_has_an_address_of_its_own_hosts(pacer):
    for spec in registry.SPECS.values():
        assert spec.base_url.removeprefix("https://") in spec.hosts


def test_every_source_and_target_has_a_specification_with_that_role():
    assert all(registry.source_role(system) for system in registry.SOURCES)
    assert all(registry.target_role(system) for system in registry.TARGETS)
    assert registry.SPECS.keys() == registry.SOURCES.keys() | registry.TARGETS.keys()


@pytest.mark.parametrize("spec", registry.SPECS.values(), ids=lambda spec: spec.system)
def test_the_settings_begin_with_the_limits_that_the_vendor_documents(spec):
    defaults = Settings()
    for kind, rate in spec.rates.items():
        if rate.setting is not None:
            assert getattr(defaults, rate.setting) == rate.requests, kind
        else:
            assert rate.unpaced_with in spec.rates, kind


@pytest.mark.parametrize("system", registry.TARGETS)
def test_each_target_can_hold_the_values_of_each_type_of_field(system):
    possible = registry.target_role(system).capabilities.possible
    assert possible.keys() == set(get_args(FieldType))
    assert all(types and set(types) <= set(get_args(AttributeType)) for types in possible.values())


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
