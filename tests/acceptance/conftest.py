"""Freight as its users run it."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from freight.settings import Settings
from support import service as support
from support.service import Service


@pytest.fixture(scope="module")
def with_worker() -> bool:
    """Whether the service has a worker; not where a test starts workers of its own."""
    return True


@pytest.fixture(scope="module")
async def service(settings: Settings, with_worker: bool) -> AsyncIterator[Service]:
    """The API, for every sandbox on this host."""
    allowed = msgspec.structs.replace(settings, vendor_hosts="127.0.0.1,localhost")
    async with support.running(allowed, with_worker=with_worker) as service:
        yield service
