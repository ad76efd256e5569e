"""Rates: how many requests a second are sent to vendors, by their specifications and the settings."""

from freight.connectors.protocols import Kind
from freight.connectors.spec import ConnectorSpec, Rate
from freight.settings import Settings


def paced(spec: ConnectorSpec, settings: Settings) -> dict[Kind, float]:
    """Return the requests a second of each kind; 0 for a kind that is not paced."""

    def is_unpaced(rate: Rate) -> bool:
        if rate.unpaced_with is not None:
            return is_unpaced(spec.rates[rate.unpaced_with])
        return _requests(rate, settings) == 0

    return {
        kind: 0.0 if is_unpaced(rate) else _requests(rate, settings) / rate.seconds for kind, rate in spec.rates.items()
    }


def expected(spec: ConnectorSpec, settings: Settings) -> dict[Kind, float]:
    """Return the requests a second that a job can expect: for what is not paced, the vendor's documented limit."""
    return {
        kind: rate or spec.rates[kind].requests / spec.rates[kind].seconds
        for kind, rate in paced(spec, settings).items()
    }


def _requests(rate: Rate, settings: Settings) -> int:
    if rate.setting is None:
        return rate.requests
    requests: int = getattr(settings, rate.setting)
    return requests
