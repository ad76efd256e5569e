"""Vendors as a job uses them: connectors opened with a key, and paced together with everyone on the same account."""

from collections.abc import Callable
from urllib.parse import urlsplit

from redis.asyncio import Redis

from freight.connectors import errors as vendor_errors
from freight.connectors import registry
from freight.connectors.protocols import Kind, Source, Target, Workspace
from freight.domain.errors import CredentialsRefused, InvalidRequest, VendorUnreachable
from freight.pacing import Pacer
from freight.settings import Settings


class Vendors:
    """Opens connectors."""

    def __init__(self, settings: Settings, redis: Redis, workers: Callable[[], int]) -> None:
        """`workers` tells how many workers share the pace; it counts only while Redis is away."""
        self._settings = settings
        self._redis = redis
        self._workers = workers
        self._pacers: dict[str, Pacer] = {}

    def source(self, system: str, *, api_key: str, base_url: str, account: str) -> Source:
        """A source; `account` is what all users of the same quota have in common."""
        rates: dict[Kind, float] = {"read": self._settings.affinity_requests_per_minute / 60}
        return registry.source(system, api_key=api_key, base_url=base_url, pacer=self._pacer(system, account, rates))

    def target(self, system: str, *, api_key: str, base_url: str, account: str) -> Target:
        """A target; `account` is what all users of the same quota have in common."""
        rates: dict[Kind, float] = {
            "read": float(self._settings.attio_reads_per_second),
            "write": float(self._settings.attio_writes_per_second),
        }
        return registry.target(system, api_key=api_key, base_url=base_url, pacer=self._pacer(system, account, rates))

    def base_url(self, system: str, given: str | None, *, field: str) -> str:
        """The address to use for a vendor: its own, or the one given if it is allowed.

        A job's `base_url` is a way into the network in which Freight runs, so only the vendors' own hosts and those
        in the settings are allowed. Raises `InvalidRequest`.
        """
        if given is None:
            return registry.default_base_url(system)
        url = given.rstrip("/")
        try:
            parts = urlsplit(url)
            # What stands before the @ may be a password, and the address is quoted below.
            address = parts.netloc.casefold().rpartition("@")[2]
            own = (
                parts.scheme == "https"
                and parts.port in (None, 443)
                and parts.hostname in registry.default_hosts(system)
            )
        except ValueError:
            raise InvalidRequest("This is not a URL.", field=field) from None
        extra = {address, parts.hostname or ""} & self._settings.extra_vendor_hosts
        if (
            parts.scheme not in ("http", "https")
            or not url.isprintable()
            or not (own or extra)
            or parts.username
            or parts.query
            or parts.fragment
        ):
            raise InvalidRequest(
                f"Freight does not send requests to {address!r}. Leave base_url out to use the vendor's own, or have "
                "the operator add the host to FREIGHT_VENDOR_HOSTS.",
                field=field,
            )
        return url

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
            return await connector.identify()
        finally:
            await connector.aclose()
    except (vendor_errors.CredentialsRefused, vendor_errors.PermissionMissing) as error:
        raise CredentialsRefused(str(error), field=f"{side}_config.api_key") from error
    except vendor_errors.ConnectorError as error:
        raise VendorUnreachable(f"The {side} could not be asked whether the key works: {error}") from error
