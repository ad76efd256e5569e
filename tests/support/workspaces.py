"""What both sides hold, read over HTTP as anybody would who wants to check a migration."""

from typing import Any

from freight_sandbox import Sandbox
from support.clients import client


async def in_source(sandbox: Sandbox, collection: str) -> list[dict[str, Any]]:
    """Return all rows of a collection of the Affinity, with all their fields."""
    rows: list[dict[str, Any]] = []
    url: str | None = f"/v2/{collection}?limit=100&fieldTypes=enriched&fieldTypes=global"
    async with client(sandbox.affinity_url, bearer=sandbox.affinity_key) as affinity:
        while url is not None:
            page = (await affinity.get(url)).raise_for_status().json()
            rows += page["data"]
            url = page["pagination"]["nextUrl"]
    return rows


async def in_target(sandbox: Sandbox, entity: str) -> dict[str, list[dict[str, Any]]]:
    """Return all records of an object of the Attio with an Affinity id, by that id."""
    found: dict[str, list[dict[str, Any]]] = {}
    offset = 0
    async with client(sandbox.attio_url, bearer=sandbox.attio_key) as attio:
        while True:
            query = {"limit": 500, "offset": offset, "sorts": [{"attribute": "created_at", "direction": "asc"}]}
            page = (await attio.post(f"/v2/objects/{entity}/records/query", json=query)).raise_for_status().json()
            for record in page["data"]:
                for value in record["values"].get("affinity_id", []):
                    found.setdefault(value["value"], []).append(record)
            if len(page["data"]) < 500:
                return found
            offset += 500


async def require_phone_numbers(sandbox: Sandbox) -> None:
    """Have the Attio refuse every company that lacks them, as its owner may have decided."""
    definition = {
        "title": "Phone numbers",
        "description": None,
        "api_slug": "phone_numbers",
        "type": "phone-number",
        "is_required": True,
        "is_unique": False,
        "is_multiselect": True,
        "config": {},
    }
    async with client(sandbox.attio_url, bearer=sandbox.attio_key) as attio:
        (await attio.post("/v2/objects/companies/attributes", json={"data": definition})).raise_for_status()


async def require_phone_numbers_no_more(sandbox: Sandbox) -> None:
    """The owner has decided otherwise."""
    async with client(sandbox.attio_url, bearer=sandbox.attio_key) as attio:
        change = {"data": {"is_required": False}}
        (await attio.patch("/v2/objects/companies/attributes/phone_numbers", json=change)).raise_for_status()


async def writes_received(sandbox: Sandbox) -> int:
    """Return how many requests that write have reached the Attio."""
    async with client(sandbox.attio_url) as attio:
        counters = (await attio.get("/_sandbox/counters")).raise_for_status().json()
    return int(counters["writes"])
