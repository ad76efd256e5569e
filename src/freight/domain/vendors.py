"""Vendors as a job uses them: connectors opened with a key, and paced together with everyone on the same account."""

import asyncio
from collections.abc import Callable

from redis.asyncio import Redis

from freight.connectors import errors as vendor_errors
from freight.connectors import protocols, registry
from freight.connectors.http import LIMITS
from freight.connectors.protocols import Kind, Source, Target, Workspace
from freight.domain.errors import CredentialsRefused, InvalidRequest, VendorUnreachable
from freight.domain.sending import OwnedTransport
from freight.outgoing import AddressRefused, Guard, parse
from freight.pacing import Pacer
from freight.settings import Settings

Watched = Callable[[protocols.Pacer], protocols.Pacer]
"""Puts itself between a connector and its pacer."""

REMEDY = "Leave base_url out to use the vendor's own, or have the operator add the host to FREIGHT_VENDOR_HOSTS."


def _unwatched(pacer: protocols.Pacer) -> protocols.Pacer:
    return pacer


NOTE_LISTS_PER_SECOND = 10
UPLOADS_PER_SECOND = 1
"""Attio documents limits of their own for listing notes and for uploading files."""

ANSWER_SECONDS = 15
"""How long a client waits at most until a vendor has said whose key it is; a job would be more patient."""


class Vendors:
    """Opens connectors."""

    def __init__(self, settings: Settings, redis: Redis, workers: Callable[[], int]) -> None:
        """`workers` tells how many workers share the pace; it counts only while Redis is away."""
        self._settings = settings
        self._guard = Guard(settings.extra_vendor_hosts)
        self._redis = redis
        self._workers = workers
        self._pacers: dict[str, Pacer] = {}

    def source(
        self, system: str, *, api_key: str, base_url: str, account: str, watched: Watched = _unwatched
    ) -> Source:
        """A source; `account` is what all users of the same quota have in common, `watched` may withhold turns."""
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
        """A target; `account` is what all users of the same quota have in common, `watched` may withhold turns."""
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
        # One for the whole process: a new one would begin slowly, and know nothing of an open circuit.
        key = f"{system}:{account}"
        if key not in self._pacers:
            self._pacers[key] = Pacer(self._redis, account=key, rates=rates, workers=self._workers)
        return self._pacers[key]


async def identify(connect: Callable[[], Source | Target], *, side: str) -> Workspace:
    """The workspace that a connector's key opens, which is closed again; `side` is `source` or `target`.

    Raises `CredentialsRefused`, or `VendorUnreachable` if the vendor gives no answer.
    """
    try:
        connector = connect()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await connector.identify()
        finally:
            await connector.aclose()
    except (vendor_errors.CredentialsRefused, vendor_errors.PermissionMissing) as error:
        raise CredentialsRefused(str(error), field=f"{side}_config.api_key") from error
    except TimeoutError as error:
        raise VendorUnreachable(
            f"The {side} could not be asked whether the key works: it gave no usable answer within {ANSWER_SECONDS} "
            "seconds. Try again later."
        ) from error
    except vendor_errors.ConnectorError as error:
        raise VendorUnreachable(f"The {side} could not be asked whether the key works: {error}") from error
