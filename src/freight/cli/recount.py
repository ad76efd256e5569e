"""Count what the target of a demonstration holds of a job, by asking the target itself."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import click
import httpx

PAGE = 500
NOTES_PAGE = 50
MARKS = {"notes": "Affinity note ", "tasks": "Affinity reminder "}
"""The texts that mark content from Affinity."""


class Recount:
    """Counts records with an Affinity id in an Attio workspace."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def count(self, entity: str, file_ids: list[str]) -> int:
        """Return the number of records of an entity; files are found by the ids that the job gives."""
        match entity:
            case "lists":
                return len(await self._lists())
            case "list_entries":
                return sum([await self._marked(f"/v2/lists/{slug}/entries/query") for slug in await self._lists()])
            case "notes":
                return await self._texts("/v2/notes", NOTES_PAGE, lambda note: note["content_plaintext"], entity)
            case "tasks":
                return await self._texts("/v2/tasks", PAGE, lambda task: task["content_plaintext"], entity)
            case "files":
                return sum([(await self._client.get(f"/v2/files/{id_}")).is_success for id_ in file_ids])
            case _:
                return await self._marked(f"/v2/objects/{entity}/records/query")

    async def _lists(self) -> list[str]:
        answer = await self._data(self._client.get("/v2/lists"))
        return [given["api_slug"] for given in answer if "_affinity_" in given["api_slug"]]

    async def _marked(self, path: str) -> int:
        """Return the number of records or entries with an Affinity id."""
        count = offset = 0
        while True:
            page = await self._data(self._client.post(path, json={"limit": PAGE, "offset": offset}))
            for row in page:
                values = row.get("values") or row.get("entry_values") or {}
                count += bool(values.get("affinity_id") or values.get("affinity_entry_id"))
            if len(page) < PAGE:
                return count
            offset += PAGE

    async def _texts(self, path: str, size: int, text: Callable[[dict[str, Any]], str], entity: str) -> int:
        return sum([MARKS[entity] in text(row) async for row in self._pages(path, size)])

    async def _pages(self, path: str, size: int) -> AsyncIterator[dict[str, Any]]:
        offset = 0
        while True:
            page = await self._data(self._client.get(path, params={"limit": size, "offset": offset}))
            for row in page:
                yield row
            if len(page) < size:
                return
            offset += size

    async def _data(self, request: Any) -> list[dict[str, Any]]:
        response: httpx.Response = await request
        if response.is_error:
            raise click.ClickException(f"The simulated Attio answered {response.status_code}: {response.text}")
        rows: list[dict[str, Any]] = response.json()["data"]
        return rows
