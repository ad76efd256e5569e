"""A sandbox per module and clients for its two vendors."""

from collections.abc import AsyncIterator

import httpx
import pytest

from freight.sandbox import Sandbox, SandboxOptions, running


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(SandboxOptions(unlimited=True, companies=250, people=600, deals_enabled=True)) as started:
        yield started


@pytest.fixture
async def affinity(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {sandbox.affinity_key}"}
    async with httpx.AsyncClient(base_url=sandbox.affinity_url, headers=headers) as client:
        yield client


@pytest.fixture
async def attio(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {sandbox.attio_key}"}
    async with httpx.AsyncClient(base_url=sandbox.attio_url, headers=headers) as client:
        yield client
