"""What tests of the steps of a worker have in common."""

from collections.abc import AsyncIterator

import pytest

from freight import queue
from freight.domain.migration.steps.worker_context import WorkerContext
from freight.domain.slots import Slots
from freight.domain.vendors import Vendors
from freight.encryption import CredentialCipher
from freight.queue import Queue
from freight.settings import Settings
from support.service import Service


@pytest.fixture
async def vendors(service: Service, settings: Settings) -> AsyncIterator[Vendors]:
    """The vendors as a worker reaches them."""
    redis = queue.connect(settings.redis_url or "")
    yield Vendors(settings, redis, workers=lambda: 1)
    await redis.aclose(close_connection_pool=True)


@pytest.fixture
async def context(settings: Settings, vendors: Vendors) -> AsyncIterator[WorkerContext]:
    """What a worker has at hand."""
    redis = queue.connect(settings.redis_url or "")
    yield WorkerContext(
        worker="worker", cipher=CredentialCipher(settings.secrets), vendors=vendors, queue=Queue(redis), slots=Slots(1)
    )
    await redis.aclose(close_connection_pool=True)
