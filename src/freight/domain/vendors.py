"""Open connectors with a key. All users of an account share one pace."""

from collections.abc import Callable

import httpx
from redis.asyncio import Redis

from freight.connectors import protocols, registry
from freight.connectors.http import LIMITS
from freight.connectors.protocols import Kind, Source, Target
from freight.domain import rates
from freight.domain.errors import InvalidRequest
from freight.domain.sending import OwnedTransport
from freight.egress import AddressRefused, EgressPolicy, Resolve, parse
from freight.pacing import Pacer, Pacers
from freight.settings import Settings

Watched = Callable[[protocols.Pacer], protocols.Pacer]
"""Wraps the pacer of a connector."""

REMEDY = "Leave base_url out to use the vendor's own, or have the operator add the host to FREIGHT_VENDOR_HOSTS."


def _unwatched(pacer: protocols.Pacer) -> protocols.Pacer:
    return pacer


class Vendors:
    """Opens connectors."""

    def __init__(self, settings: Settings, redis: Redis, workers: Callable[[], int]) -> None:
        """`workers` returns how many workers share the pace; it is used only while Redis is unavailable."""
        self._settings = settings
        self._egress_policy = EgressPolicy(settings.extra_vendor_hosts)
        self._redis = redis
        self._workers = workers
        self._pacers = Pacers()

    def source(
        self, system: str, *, api_key: str, base_url: str, account: str, watched: Watched = _unwatched
    ) -> Source:
        """Open a source. Users of one `account` at this address share a pace; `watched` may refuse turns."""
        return registry.source(
            system,
            api_key=api_key,
            base_url=base_url,
            pacer=watched(self._pacer(system, _at(base_url, account))),
            transport=OwnedTransport(self._egress_policy.transport(LIMITS)),
        )

    def target(
        self, system: str, *, api_key: str, base_url: str, account: str, watched: Watched = _unwatched
    ) -> Target:
        """Open a target. Users of one `account` at this address share a pace; `watched` may refuse turns."""
        return registry.target(
            system,
            api_key=api_key,
            base_url=base_url,
            pacer=watched(self._pacer(system, _at(base_url, account))),
            transport=OwnedTransport(self._egress_policy.transport(LIMITS)),
        )

    def expected_rates(self, system: str) -> dict[Kind, float]:
        """Return the requests a second of each kind that a job can expect."""
        return rates.expected(registry.SPECS[system], self._settings)

    @property
    def resolve(self) -> Resolve:
        """The function that resolves host names to addresses."""
        return self._egress_policy.resolve

    async def base_url(self, system: str, given: str | None, *, field: str) -> str:
        """Return the address to use for a vendor: its own, or the one given if it is allowed.

        A job's `base_url` is a way into the network in which Freight runs, so only the vendors' own hosts and those
        in the settings are allowed, and the former only at public addresses. Raise `InvalidRequest`.
        """
        text = registry.SPECS[system].base_url if given is None else given.rstrip("/")
        try:
            await self._check(system, text)
        except AddressRefused as refusal:
            raise InvalidRequest(f"{refusal} {REMEDY}", field=field) from None
        return text

    async def _check(self, system: str, text: str) -> None:
        url = parse(text)
        own = url.scheme == "https" and url.port is None and url.host in registry.SPECS[system].hosts
        if not (own or self._egress_policy.allows(url)) or url.query or url.fragment:
            raise AddressRefused(f"Freight does not send requests to {url.netloc.decode()!r}.")
        await self._egress_policy.check(text)

    def _pacer(self, system: str, account: str) -> Pacer:
        spec = registry.SPECS[system]
        key = f"{system}:{account}"
        return self._pacers.get(
            key,
            lambda: Pacer(
                self._redis,
                account=key,
                vendor=spec.label,
                rates=rates.paced(spec, self._settings),
                workers=self._workers,
            ),
        )


def _at(base_url: str, account: str) -> str:
    """Return a name for the account that is unique across addresses."""
    return f"{httpx.URL(base_url).netloc.decode()}:{account}"
