"""The configuration of connectors in requests."""

from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from freight.connectors.spec import ApiKey, Configuration
from freight.domain.jobs.requests import configuration


class One(Configuration, frozen=True, kw_only=True, forbid_unknown_fields=True):
    api_key: Annotated[ApiKey, Meta(description="The key of One.")]
    region: str = "eu"


class Two(Configuration, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


def asked(*systems: type[Configuration]) -> type[Configuration]:
    return configuration("SourceConfig", "The workspace to read.", Configuration, systems)


def key_of(kind: type[Configuration]) -> dict[str, Any]:
    schema = msgspec.json.schema(kind)["$defs"]["SourceConfig"]
    assert schema["description"] == "The workspace to read."
    properties: dict[str, Any] = schema["properties"]
    return properties["api_key"]


def test_with_one_connector_requests_have_its_configuration():
    kind = asked(One, One)
    assert msgspec.convert({"api_key": "k", "region": "us"}, kind).region == "us"  # type: ignore[attr-defined]
    assert key_of(kind)["description"] == "The key of One."


def test_with_several_connectors_requests_have_what_their_configurations_have_in_common():
    kind = asked(One, Two)
    assert msgspec.convert({"api_key": "k"}, kind).base_url is None
    assert "One" not in key_of(kind)["description"]
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"api_key": "k", "region": "us"}, kind)


def test_a_configuration_does_not_show_its_key():
    given = msgspec.convert({"api_key": "secret", "base_url": "https://one.example"}, asked(One))
    assert repr(given) == "SourceConfig(base_url='https://one.example')"
