"""Outgoing connections to addresses that a client chooses, which could reach the network in which Freight runs.

A URL is refused by its form, by the addresses that its name resolves to, and again when a connection is made: Freight
connects to the addresses that were checked, so a name that resolves differently the next time gains nothing (DNS
rebinding).

This is our own code because httpx has no choice of addresses, and httpcore leaves it to the backend that it is given.
"""

import asyncio
import ipaddress
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network

import httpcore
import httpx

RESOLVE_SECONDS = 5
"""The maximum time to look up a name, including the wait for a free look-up."""

MAX_LOOKUPS, MAX_LOOKUPS_EACH = 32, 4
"""Concurrent look-ups, in total and for one tenant. A look-up that hangs cannot be stopped."""

ON_BEHALF_OF: ContextVar[str] = ContextVar("on_behalf_of", default="")
"""The tenant for whom names are looked up, or None for Freight itself."""

GLOBAL_UNICAST = IPv6Network("2000::/3")
SIX_TO_FOUR = IPv6Network("2002::/16")
NAT64 = IPv6Network("64:ff9b::/96")
"""The prefix that IPv6-only networks use for IPv4 addresses (RFC 6052)."""

DEFAULT_PORTS = {"http": 80, "https": 443}
PORTS = {None, *range(1, 65536)}

UNRESOLVED = (OSError, UnicodeError, TimeoutError)
"""What resolving a name raises if it does not exist, is not valid, or no server answers."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host name, as text."""


class AddressRefused(httpx.ConnectError):
    """Freight sends no requests to this address; the message says why."""


LookUp = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host name, and blocks."""


def ask_system(host: str, port: int) -> Sequence[str]:
    """Return the addresses that the system resolves a host to. Raise one of `UNRESOLVED`."""
    return [str(address[0]) for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Resolver:
    """Looks names up, such that a tenant whose name servers do not answer delays no other tenant.

    Each look-up has a thread of its own, which the process does not wait for when it ends. asyncio's threads are few,
    shared with everything else, and waited for.
    """

    def __init__(
        self,
        look_up: LookUp = ask_system,
        *,
        total: int = MAX_LOOKUPS,
        each: int = MAX_LOOKUPS_EACH,
        seconds: float = RESOLVE_SECONDS,
    ) -> None:
        self._look_up = look_up
        self._seconds = seconds
        self._total = total
        self._each = each
        self._under_way: Counter[str] = Counter()
        self._ended = asyncio.Event()

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host. Raise one of `UNRESOLVED`."""
        who = ON_BEHALF_OF.get()
        async with asyncio.timeout(self._seconds):
            while self._under_way[who] >= self._each or self._under_way.total() >= self._total:
                self._ended.clear()
                await self._ended.wait()
            self._under_way[who] += 1
            return await self._started(who, host, port)

    def _started(self, who: str, host: str, port: int) -> asyncio.Future[Sequence[str]]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[str]] = loop.create_future()

        def end(found: Sequence[str], error: Exception | None) -> None:
            self._under_way[who] -= 1
            self._under_way += Counter()  # without those who have none
            self._ended.set()
            if answer.done():
                return
            if error is None:
                answer.set_result(found)
            else:
                answer.set_exception(error)

        def work() -> None:
            found: Sequence[str] = ()
            failure: Exception | None = None
            try:
                found = self._look_up(host, port)
            except Exception as error:  # noqa: BLE001 - raised where the answer is awaited
                failure = error
            # The loop may have ended meanwhile.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(end, found, failure)

        threading.Thread(target=work, name="look-up", daemon=True).start()
        return answer


class EgressPolicy:
    """Decides where requests may go: to public addresses over HTTPS, and to hosts that the operator allows."""

    def __init__(self, allowed_hosts: frozenset[str], *, resolve: Resolve | None = None) -> None:
        """Allow `host` or `host:port` of `allowed_hosts` too, whatever they resolve to, and over plain HTTP."""
        self._allowed = allowed_hosts
        self.resolve = resolve or Resolver()

    def allows(self, url: httpx.URL) -> bool:
        """Return whether the operator allows this host by name."""
        return self._is_allowed(url.raw_host.decode(), url.port or DEFAULT_PORTS.get(url.scheme, 0))

    async def check(self, text: str) -> None:
        """Raise `AddressRefused` if requests must not be sent to this URL.

        A name that does not resolve passes: it may at the time of the request, and is checked then.
        """
        url = parse(text)
        if self.allows(url):
            return
        if url.scheme != "https":
            raise AddressRefused("The URL must begin with https://.")
        with suppress(*UNRESOLVED):
            async with asyncio.timeout(RESOLVE_SECONDS):
                await self.addresses(url.raw_host.decode(), url.port or DEFAULT_PORTS["https"])

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses to connect to for a host. Raise `AddressRefused`, or one of `UNRESOLVED`."""
        if self._is_allowed(host, port):
            return [host]
        literal = numeric(host)
        found = [str(literal)] if literal else await self.resolve(host, port)
        if not all(is_public(address) for address in found):
            raise AddressRefused(f"The host {host!r} is not at a public address of the internet.")
        return found

    def transport(self, limits: httpx.Limits) -> httpx.AsyncBaseTransport:
        """Return a transport whose connections all obey this policy, including those after a redirect."""
        return _GuardedTransport(self, limits)

    def _is_allowed(self, host: str, port: int) -> bool:
        name = f"[{host}]" if ":" in host else host
        return not self._allowed.isdisjoint({host, name, f"{name}:{port}"})


def parse(text: str) -> httpx.URL:
    """Return the URL as it is understood when a request is sent. Raise `AddressRefused` if it is not usable."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError):
        raise AddressRefused("This is not a URL.") from None
    if url.scheme not in DEFAULT_PORTS or not url.raw_host or url.port not in PORTS:
        raise AddressRefused("The URL must begin with https:// and name a host.")
    if url.userinfo:
        raise AddressRefused("The URL must not hold a user name or a password.")
    return url


def numeric(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a host is, in any notation, or None for a name: systems also accept `0x7f.1` and
    `2130706433`.
    """
    text = host.rstrip(".")
    with suppress(ValueError):
        return ipaddress.ip_address(text)
    with suppress(OSError, ValueError):
        return IPv4Address(socket.inet_aton(text))
    return None


def is_public(address: str) -> bool:
    """Return whether an address belongs to a single host of the internet."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or (IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else None)
        if inner is None:
            return ip in GLOBAL_UNICAST and ip not in SIX_TO_FOUR and ip.is_global
        ip = inner
    return ip.is_global and not ip.is_multicast


class _GuardedTransport(httpx.AsyncHTTPTransport):
    def __init__(self, egress_policy: EgressPolicy, limits: httpx.Limits) -> None:
        # httpx does not let its users choose how connections are made; httpcore does. Without the inherited __init__
        # this pool is the only one, so a httpx that names it otherwise would send nothing rather than send unchecked.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_tls_context(),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_CheckedBackend(egress_policy),
        )


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, egress_policy: EgressPolicy) -> None:
        self._egress_policy = egress_policy
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._egress_policy.addresses(host, port)
        except UNRESOLVED as error:
            raise httpcore.ConnectError(f"The host {host!r} could not be resolved.") from error
        failure: Exception = httpcore.ConnectError(f"The host {host!r} has no address.")
        for address in addresses:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


@cache
def _tls_context() -> ssl.SSLContext:
    # Loading the certificates takes some ten milliseconds, so it is done once and not for every connection.
    return httpx.create_ssl_context()
