"""A sandbox per module and clients for its two vendors."""

from collections.abc import AsyncIterator

import httpx
import pytest

from freight_sandbox import Sandbox, running
from support.clients import client
from support.sandboxes import sandbox_options


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(sandbox_options(unlimited=True, companies=250, people=600, deals_enabled=True)) as started:
        yield started


@pytest.fixture
async def affinity(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with client(sandbox.affinity_url, bearer=sandbox.affinity_key) as affinity:
        yield affinity


@pytest.fixture
async def attio(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with client(sandbox.attio_url, bearer=sandbox.attio_key) as attio:
        yield attio
