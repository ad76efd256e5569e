"""Vendors as a job uses them: connectors opened with a key, and paced together with everyone on the same account."""

from collections.abc import Callable

import httpx
from redis.asyncio import Redis

from freight.connectors import protocols, registry
from freight.connectors.http import LIMITS
from freight.connectors.protocols import Kind, Source, Target
from freight.domain.errors import InvalidRequest
from freight.domain.migration.steps.sending import OwnedTransport
from freight.egress import AddressRefused, EgressPolicy, Resolve, parse
from freight.pacing import Pacer, Pacers
from freight.settings import Settings

Watched = Callable[[protocols.Pacer], protocols.Pacer]
"""Puts itself between a connector and its pacer."""

REMEDY = "Leave base_url out to use the vendor's own, or have the operator add the host to FREIGHT_VENDOR_HOSTS."


def _unwatched(pacer: protocols.Pacer) -> protocols.Pacer:
    return pacer


NOTE_LISTS_PER_SECOND = 10
UPLOADS_PER_SECOND = 1
"""Attio documents limits of their own for listing notes and for uploading files."""


class Vendors:
    """Opens connectors."""

    def __init__(self, settings: Settings, redis: Redis, workers: Callable[[], int]) -> None:
        """`workers` tells how many workers share the pace; it counts only while Redis is away."""
        self._settings = settings
        self._guard = EgressPolicy(settings.extra_vendor_hosts)
        self._redis = redis
        self._workers = workers
        self._pacers = Pacers()

    def source(
        self, system: str, *, api_key: str, base_url: str, account: str, watched: Watched = _unwatched
    ) -> Source:
        """A source; `account` is what users of a quota have in common at this address, `watched` may withhold turns."""
        account = _at(base_url, account)
        rates: dict[Kind, float] = {"read": self._settings.affinity_requests_per_minute / 60}
        return registry.source(
            system,
            api_key=api_key,
            base_url=base_url,
            pacer=watched(self._pacer(system, account, rates)),
            transport=OwnedTransport(self._guard.transport(LIMITS)),
        )

    def target(
        self, system: str, *, api_key: str, base_url: str, account: str, watched: Watched = _unwatched
    ) -> Target:
        """A target; `account` is what users of a quota have in common at this address, `watched` may withhold turns."""
        account = _at(base_url, account)
        rates: dict[Kind, float] = {
            "read": float(self._settings.attio_reads_per_second),
            "write": float(self._settings.attio_writes_per_second),
            "note_list": NOTE_LISTS_PER_SECOND if self._settings.attio_reads_per_second else 0,
            "upload": UPLOADS_PER_SECOND if self._settings.attio_writes_per_second else 0,
        }
        return registry.target(
            system,
            api_key=api_key,
            base_url=base_url,
            pacer=watched(self._pacer(system, account, rates)),
            transport=OwnedTransport(self._guard.transport(LIMITS)),
        )

    @property
    def resolve(self) -> Resolve:
        """What finds the addresses of host names."""
        return self._guard.resolve

    async def base_url(self, system: str, given: str | None, *, field: str) -> str:
        """The address to use for a vendor: its own, or the one given if it is allowed.

        A job's `base_url` is a way into the network in which Freight runs, so only the vendors' own hosts and those
        in the settings are allowed, and the former only at public addresses. Raises `InvalidRequest`.
        """
        text = registry.default_base_url(system) if given is None else given.rstrip("/")
        try:
            await self._check(system, text)
        except AddressRefused as refusal:
            raise InvalidRequest(f"{refusal} {REMEDY}", field=field) from None
        return text

    async def _check(self, system: str, text: str) -> None:
        url = parse(text)
        own = url.scheme == "https" and url.port is None and url.host in registry.default_hosts(system)
        if not (own or self._guard.allows(url)) or url.query or url.fragment:
            raise AddressRefused(f"Freight does not send requests to {url.netloc.decode()!r}.")
        await self._guard.check(text)

    def _pacer(self, system: str, account: str, rates: dict[Kind, float]) -> Pacer:
        key = f"{system}:{account}"
        return self._pacers.get(
            key,
            lambda: Pacer(self._redis, account=key, vendor=system.capitalize(), rates=rates, workers=self._workers),
        )


def _at(base_url: str, account: str) -> str:
    """An account at the vendor's own address has nothing to do with one of the same name at another."""
    return f"{httpx.URL(base_url).netloc.decode()}:{account}"
