"""What the tests of the simulated Affinity share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from freight_sandbox import Sandbox, SandboxOptions, running
from support.clients import TLS
from support.sandboxes import sandbox_options

FULL = sandbox_options(
    companies=40,
    people=160,
    opportunities=120,
    lists=4,
    entries=240,
    notes=120,
    reminders=24,
    files=14,
    custom_fields=True,
    unlimited=True,
)
"""A workspace with all collections and all oddities."""


@asynccontextmanager
async def client_of(options: SandboxOptions) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the simulated Affinity of a sandbox that runs as long."""
    async with running(options) as sandbox, client(sandbox) as made:
        yield made


def client(sandbox: Sandbox) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {sandbox.affinity_key}"}
    return httpx.AsyncClient(verify=TLS, base_url=sandbox.affinity_url, headers=headers)


async def read_all(client: httpx.AsyncClient, url: str, params: Any = None) -> list[dict]:
    """Every row of a collection of API v2."""
    page = (await client.get(url, params=params)).raise_for_status().json()
    rows = page["data"] or []
    while page["pagination"]["nextUrl"] is not None:
        page = (await client.get(page["pagination"]["nextUrl"])).raise_for_status().json()
        rows += page["data"]
    return rows


async def read_pages(client: httpx.AsyncClient, url: str, params: dict[str, Any]) -> list[dict]:
    """Every page of a collection of API v1, up to the one without a token."""
    pages = [(await client.get(url, params=params)).raise_for_status().json()]
    while (token := pages[-1].get("next_page_token")) is not None:
        pages.append((await client.get(url, params={**params, "page_token": token})).raise_for_status().json())
    return pages


async def read_rows(client: httpx.AsyncClient, name: str, url: str, **params: Any) -> list[dict]:
    """Every row of a collection of API v1."""
    return [row for page in await read_pages(client, url, params) for row in page[name]]


async def put(client: httpx.AsyncClient, collection: str, row: dict[str, Any]) -> None:
    (await client.put(f"/_sandbox/rows/{collection}", json=row)).raise_for_status()


async def remove(client: httpx.AsyncClient, collection: str, row_id: int | str) -> None:
    (await client.delete(f"/_sandbox/rows/{collection}/{row_id}")).raise_for_status()


def value(record: dict[str, Any], field_id: str) -> Any:
    """What a record of API v2 has in a field."""
    return next(field["value"]["data"] for field in record["fields"] if field["id"] == field_id)


def message(answer: httpx.Response) -> str:
    return answer.json()["errors"][0]["message"]
