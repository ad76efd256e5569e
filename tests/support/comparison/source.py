"""What an Affinity workspace holds, read over HTTP to the last page."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

from freight_sandbox import Sandbox
from support.clients import TLS

Row = dict[str, Any]
Rows = dict[str, Row]
"""By id, as text."""

ALL_TYPES = ("enriched", "global", "relationship-intelligence")
VERSION = {"X-Affinity-Api-Version": "2024-01-01"}


@dataclass(frozen=True)
class Source:
    """Everything that is to be migrated."""

    fields: dict[str, list[Row]]
    """Metadata as API v2 has it, with `options` and `multiple` of API v1: of `companies`, `people`, and by list id."""
    companies: Rows
    people: Rows
    deals: Rows
    """As API v1 has them, which alone shows all that they are linked to; with the cells of their list entry."""
    lists: Rows
    list_entries: Rows
    notes: Rows
    replies: Rows
    tasks: Rows
    files: Rows
    contents: dict[str, bytes]
    """The bytes of the files."""

    @property
    def own_domains(self) -> set[str]:
        """The e-mail domains of internal users."""
        users = [row for row in self.people.values() if row["type"] == "internal"]
        return {email.rpartition("@")[2].lower() for row in users for email in row["emailAddresses"]}


async def read(sandbox: Sandbox) -> Source:
    """Read all of it."""
    headers = {"Authorization": f"Bearer {sandbox.affinity_key}", **VERSION}
    async with httpx.AsyncClient(verify=TLS, base_url=sandbox.affinity_url, headers=headers, timeout=60) as affinity:
        lists = _by_id(await _pages(affinity, "/v2/lists"))
        entries = [row for number in lists for row in await _entries(affinity, number)]
        notes = await _tokens(affinity, "notes")
        files = await _tokens(affinity, "entity-files")
        types = [("fieldTypes", name) for name in ALL_TYPES]
        return Source(
            fields=await _fields(affinity, list(lists)),
            companies=_by_id(await _pages(affinity, "/v2/companies", types)),
            people=_by_id(await _pages(affinity, "/v2/persons", types)),
            deals=_by_id(await _deals(affinity, entries)),
            lists=lists,
            list_entries=_by_id(entries),
            notes=_by_id([row for row in notes if row["parent_id"] is None]),
            replies=_by_id([row for row in notes if row["parent_id"] is not None]),
            tasks=_by_id(await _tokens(affinity, "reminders")),
            files=_by_id(files),
            contents=await _downloads(affinity, files),
        )


async def counted(sandbox: Sandbox) -> dict[str, int]:
    """Return how many records of each entity the source itself says it has."""
    headers = {"Authorization": f"Bearer {sandbox.affinity_key}", **VERSION}
    async with httpx.AsyncClient(verify=TLS, base_url=sandbox.affinity_url, headers=headers) as affinity:
        lists = (await affinity.get("/lists")).raise_for_status().json()
        return {
            "companies": await _searched(affinity, "companies"),
            "people": await _searched(affinity, "persons"),
            "deals": len(await _tokens(affinity, "opportunities")),
            "lists": len(lists),
            "list_entries": sum(given["list_size"] for given in lists),
            "notes": await _totalled(affinity, "notes"),
            "tasks": await _totalled(affinity, "reminders"),
            "files": await _totalled(affinity, "files"),
        }


def values(row: Row) -> dict[str, Any]:
    """Return what the fields of a row hold, by field id, only of those that hold something."""
    return {field["id"]: field["value"]["data"] for field in row.get("fields") or () if not _empty(field["value"])}


def _empty(value: Row) -> bool:
    data = value["data"]
    if isinstance(data, str):
        return not data.strip()
    if isinstance(data, dict):
        return all(part is None for part in data.values())
    return data is None or data == []


async def _fields(affinity: httpx.AsyncClient, list_ids: list[str]) -> dict[str, list[Row]]:
    described = {str(row["id"]): row for row in (await affinity.get("/fields")).raise_for_status().json()}
    paths = {"companies": "/v2/companies/fields", "people": "/v2/persons/fields"}
    paths |= {number: f"/v2/lists/{number}/fields" for number in list_ids}
    return {
        owner: [_joined(row, described) for row in await _pages(affinity, path) if _is_own(row, owner)]
        for owner, path in paths.items()
    }


def _is_own(row: Row, owner: str) -> bool:
    """Return whether a field is the list's own: its fields are returned together with those of its records."""
    return owner in ("companies", "people") or row["type"] == "list"


def _joined(row: Row, described: Rows) -> Row:
    other = described.get(row["id"].removeprefix("field-"), {})
    options = [option["text"] for option in other.get("dropdown_options", ())]
    multiple = bool(other.get("allows_multiple")) or row["valueType"].endswith("-multi")
    return {**row, "options": options, "multiple": multiple}


async def _entries(affinity: httpx.AsyncClient, list_id: str) -> list[Row]:
    return await _pages(affinity, f"/v2/lists/{list_id}/list-entries", [("fieldTypes", "list")])


async def _deals(affinity: httpx.AsyncClient, entries: list[Row]) -> list[Row]:
    cells = {entry["entity"]["id"]: entry for entry in entries if entry["type"] == "opportunity"}
    deals = []
    for row in await _tokens(affinity, "opportunities"):
        entry = cells.get(row["id"], {"listId": None, "entity": {}})
        deals.append({**row, "listId": entry["listId"], "fields": entry["entity"].get("fields")})
    return deals


async def _pages(affinity: httpx.AsyncClient, path: str, params: list[tuple[str, str]] | None = None) -> list[Row]:
    """Return all rows of a collection of API v2."""
    rows: list[Row] = []
    url: str | None = str(httpx.URL(path, params=[("limit", "100"), *(params or [])]))
    while url is not None:
        page = (await affinity.get(url)).raise_for_status().json()
        rows += page["data"] or []
        url = page["pagination"]["nextUrl"]
    return rows


async def _tokens(affinity: httpx.AsyncClient, collection: str) -> list[Row]:
    """Return all rows of a collection of API v1."""
    rows = [row async for page in _token_pages(affinity, collection) for row in page]
    assert len({row["id"] for row in rows}) == len(rows)
    return rows


async def _token_pages(affinity: httpx.AsyncClient, collection: str) -> AsyncIterator[list[Row]]:
    params: dict[str, Any] = {"page_size": 500}
    while True:
        answer = (await affinity.get(f"/{collection}", params=params)).raise_for_status().json()
        yield answer[collection.replace("-", "_")]
        if (token := answer.get("next_page_token")) is None:
            return
        params["page_token"] = token


async def _downloads(affinity: httpx.AsyncClient, files: list[Row]) -> dict[str, bytes]:
    contents = {}
    async with httpx.AsyncClient(verify=TLS) as storage:
        for row in files:
            answer = await affinity.get(f"/entity-files/download/{row['id']}")
            contents[str(row["id"])] = (await storage.get(answer.headers["location"])).raise_for_status().content
    return contents


async def _searched(affinity: httpx.AsyncClient, collection: str) -> int:
    answer = await affinity.post(f"/v2/{collection}/search?limit=1&totalCount=true", json={})
    return int(answer.raise_for_status().json()["pagination"]["totalCount"])


async def _totalled(affinity: httpx.AsyncClient, collection: str) -> int:
    answer = await affinity.get(f"/v2/{collection}", params={"limit": 1, "totalCount": "true"})
    return int(answer.raise_for_status().json()["pagination"]["totalCount"])


def _by_id(rows: list[Row]) -> Rows:
    return {str(row["id"]): row for row in rows}
