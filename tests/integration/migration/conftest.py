"""What tests on the in-memory connector have in common."""

from collections.abc import AsyncIterator

import pytest

from freight.domain.vendors import Vendors
from freight.queue import Queue, connect
from freight.settings import Settings
from support import memory
from support.memory.fleet import Fleet
from support.service import Tenant


@pytest.fixture
async def fleet(tenant: Tenant, settings: Settings, vendors: Vendors) -> AsyncIterator[Fleet]:
    """Workers of a new tenant, who know the in-memory connector."""
    redis = connect(settings.redis_url or "")
    with memory.registered():
        yield Fleet(tenant, settings, vendors, Queue(redis))
    await redis.aclose(close_connection_pool=True)
