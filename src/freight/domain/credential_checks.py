"""Credential checks: find out which workspace a vendor's key opens, while a client waits for its job to be created."""

import asyncio
import hashlib
from datetime import datetime
from typing import Protocol

import httpx

from freight import egress
from freight.connectors import errors as vendor_errors
from freight.connectors.protocols import Kind, Pacer, Source, Target, Workspace
from freight.domain.errors import CredentialsRefused, VendorUnreachable
from freight.domain.vendors import Watched
from freight.egress import Resolve

ANSWER_SECONDS = 15.0
"""How long a client waits for a vendor to identify a key. A job waits longer."""


class Connect(Protocol):
    """Opens a connector: `Vendors.source` or `Vendors.target`."""

    def __call__(self, system: str, *, api_key: str, base_url: str, account: str, watched: Watched) -> Source | Target:
        """Open the connector."""


async def identify(
    connect: Connect,
    system: str,
    *,
    side: str,
    api_key: str,
    base_url: str,
    resolve: Resolve,
    seconds: float = ANSWER_SECONDS,
) -> Workspace:
    """Return the workspace that the key opens; `side` is `source` or `target`.

    Each key has a pace of its own, which is not shared with other tenants' keys. Raise `CredentialsRefused`, or
    `VendorUnreachable` with the reason if the vendor does not answer in time.
    """
    progress = _Progress()
    account = f"key:{hashlib.sha256(api_key.encode()).hexdigest()}"
    try:
        connector = connect(system, api_key=api_key, base_url=base_url, account=account, watched=progress.of)
        try:
            await _resolved(base_url, side, resolve)
            async with asyncio.timeout(seconds):
                return await connector.identify()
        finally:
            await connector.aclose()
    except (vendor_errors.CredentialsRefused, vendor_errors.PermissionMissing) as error:
        raise CredentialsRefused(str(error), field=f"{side}_config.api_key") from error
    except TimeoutError as error:
        raise _not_asked(side, f"{progress.described} within {seconds:g} seconds. Try again later.") from error
    except vendor_errors.ConnectorError as error:
        raise _not_asked(side, str(error)) from error


async def _resolved(base_url: str, side: str, resolve: Resolve) -> None:
    url = httpx.URL(base_url)
    host = url.raw_host.decode()
    if egress.numeric(host) is not None:
        return
    try:
        async with asyncio.timeout(egress.RESOLVE_SECONDS):
            await resolve(host, url.port or egress.DEFAULT_PORTS.get(url.scheme, 0))
    except egress.UNRESOLVED as error:
        raise _not_asked(
            side,
            f"the name {host!r} does not resolve to an address. Check {side}_config.base_url, or try again later.",
        ) from error


def _not_asked(side: str, reason: str) -> VendorUnreachable:
    return VendorUnreachable(f"The {side}'s key could not be checked: {reason}")


class _Progress:
    """The progress of the check, as its pacer sees it."""

    def __init__(self) -> None:
        self.described = "no request was sent, because it limited or did not answer earlier requests with this key,"
        """What happened last, as part of a sentence that continues with the time."""

    def of(self, pacer: Pacer) -> Pacer:
        """Return a pacer that reports to this progress."""
        return _Listening(pacer, self)


class _Listening:
    def __init__(self, pacer: Pacer, progress: _Progress) -> None:
        self._pacer = pacer
        self._progress = progress

    async def turn(self, kind: Kind) -> None:
        await self._pacer.turn(kind)
        self._progress.described = "it did not answer"

    async def pause(self, kind: Kind, until: datetime) -> None:
        await self._pacer.pause(kind, until)

    async def succeeded(self) -> None:
        # After an answer, another turn is needed only if that was a 429.
        self._progress.described = "it answered 429 because of its rate limit and accepted no other request"
        await self._pacer.succeeded()

    async def failed(self) -> None:
        self._progress.described = "it did not answer, or answered with a server error,"
        await self._pacer.failed()
