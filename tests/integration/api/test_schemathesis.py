"""The whole API as schemathesis tries it: with everything that its description allows, and with what it does not."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import msgspec
import pytest

from freight.connectors import registry
from freight.settings import Settings
from freight_sandbox import Sandbox
from support.service import Service, Tenant, job_request

CONFIG = Path(__file__).with_name("schemathesis.toml")
TENANTS = "^/api/v1/tenants"


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, webhook_hosts="localhost:1")


@pytest.fixture(autouse=True)
def no_vendor_is_called(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that names no `base_url` would go to the vendors themselves."""
    for system, url in (("affinity", sandbox.affinity_url), ("attio", sandbox.attio_url)):
        there = msgspec.structs.replace(registry.SPECS[system], base_url=url)
        monkeypatch.setitem(registry.SPECS, system, there)


async def tried(service: Service, key: str, *options: str) -> None:
    """Have schemathesis call the API with this key, and all of its checks."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("st")),
        *("--config-file", str(CONFIG), "run", f"{service.url}/schema/openapi.json"),
        *("--header", f"X-API-Key: {key}", "--checks", "all", "--no-color", *options),
        stdout=PIPE,
        stderr=STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()


async def test_what_a_tenants_key_may_ask_is_answered_as_described(
    service: Service, tenant: Tenant, sandbox: Sandbox
) -> None:
    assert (await tenant.client.post("/api/v1/jobs", json=job_request(sandbox))).status_code == 201
    await tried(service, tenant.key, "--exclude-path-regex", TENANTS)


async def test_what_the_administrators_key_may_ask_is_answered_as_described(service: Service) -> None:
    key = await service.new_key(None, ["admin"])
    await tried(service, key, "--include-path-regex", TENANTS)
