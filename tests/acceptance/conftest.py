"""Freight as its users run it."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from freight.settings import Settings
from support import service as support
from support.service import Service


@pytest.fixture(scope="module")
async def service(settings: Settings) -> AsyncIterator[Service]:
    """The API with a worker, for every sandbox on this host."""
    allowed = msgspec.structs.replace(settings, vendor_hosts="127.0.0.1,localhost")
    async with support.running(allowed, with_worker=True) as service:
        yield service
