"""How fast vendors are asked, by what they document and what the operator has set."""

from freight.connectors.protocols import Kind
from freight.connectors.spec import ConnectorSpec, Rate
from freight.domain import rates
from freight.settings import Settings

SPEC = ConnectorSpec(
    system="one",
    label="One",
    base_url="https://one.example",
    hosts=frozenset({"one.example"}),
    rates={
        "read": Rate(requests=120, seconds=60, setting="keyless_requests_per_minute"),
        "export": Rate(requests=1, seconds=4, unpaced_with="read"),
        "write": Rate(requests=5),
    },
    codes={},
)


def paced(setting: int) -> dict[Kind, float]:
    return rates.paced(SPEC, Settings(keyless_requests_per_minute=setting))


def test_a_setting_replaces_what_the_vendor_documents():
    assert paced(30) == {"read": 0.5, "export": 0.25, "write": 5}


def test_a_setting_of_zero_sends_its_kind_and_those_that_follow_it_unpaced():
    assert paced(0) == {"read": 0, "export": 0, "write": 5}


def test_what_is_not_paced_is_expected_to_meet_the_documented_limit():
    assert rates.expected(SPEC, Settings(keyless_requests_per_minute=0)) == {"read": 2, "export": 0.25, "write": 5}
    assert rates.expected(SPEC, Settings(keyless_requests_per_minute=240)) == {"read": 4, "export": 0.25, "write": 5}
