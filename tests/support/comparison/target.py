"""What an Attio workspace holds, read over HTTP to the last page."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import httpx

from freight_sandbox import Sandbox
from support import late
from support.clients import TLS

Row = dict[str, Any]

OBJECTS = ("companies", "people", "deals")


@dataclass(frozen=True)
class Attribute:
    """An attribute of an object or of a list."""

    slug: str
    title: str
    type: str
    multiple: bool
    description: str
    system: bool
    choices: tuple[str, ...]
    """The titles of a select's options or a status's statuses."""


@dataclass(frozen=True)
class File:
    """A file on a record."""

    name: str
    content: bytes
    record_id: str


@dataclass(frozen=True)
class Target:
    """Everything that was migrated, and everything else."""

    attributes: dict[str, list[Attribute]]
    """Of the three objects, and by list id."""
    records: dict[str, list[Row]]
    lists: dict[str, Row]
    entries: dict[str, list[Row]]
    """By list id."""
    notes: list[Row]
    tasks: list[Row]
    files: list[File]
    members: dict[str, str]
    """E-mail addresses, in lower case, by id."""
    key_holder: str
    """The e-mail address of the member who made the key."""

    def source_ids(self) -> dict[str, tuple[str, str]]:
        """Return which source record each record is, by its id in the target; companies that were not migrated are
        named by their domain."""
        found = {}
        for entity, records in self.records.items():
            for record in records:
                carried = plain(record["values"], "affinity_id") or plain(record["values"], "domains")
                found[record["id"]["record_id"]] = (entity, str((*carried, "")[0]))
        return found


async def read(sandbox: Sandbox) -> Target:
    """Read all of it."""
    headers = {"Authorization": f"Bearer {sandbox.attio_key}"}
    async with httpx.AsyncClient(verify=TLS, base_url=sandbox.attio_url, headers=headers, timeout=60) as attio:
        members = {
            row["id"]["workspace_member_id"]: row["email_address"].lower()
            for row in await _all(attio, "/v2/workspace_members")
        }
        lists = {row["id"]["list_id"]: row for row in await _all(attio, "/v2/lists")}
        owners = [*(("objects", name) for name in OBJECTS), *(("lists", number) for number in lists)]
        await late.finish(attio)
        records = {name: await _queried(attio, f"/v2/objects/{name}/records/query") for name in OBJECTS}
        holder = (await attio.get("/v2/self")).raise_for_status().json()["authorized_by_workspace_member_id"]
        return Target(
            attributes={owner: await _attributes(attio, kind, owner) for kind, owner in owners},
            records=records,
            lists=lists,
            entries={number: await _queried(attio, f"/v2/lists/{number}/entries/query") for number in lists},
            notes=await _offsets(attio, "/v2/notes", 50),
            tasks=await _offsets(attio, "/v2/tasks", 500),
            files=[file for name, rows in records.items() for file in await _files(attio, name, rows)],
            members=members,
            key_holder=members[holder],
        )


async def read_schema(sandbox: Sandbox) -> tuple[int, list[Attribute]]:
    """Return how many lists there are, and the attributes of all lists and objects."""
    headers = {"Authorization": f"Bearer {sandbox.attio_key}"}
    async with httpx.AsyncClient(verify=TLS, base_url=sandbox.attio_url, headers=headers, timeout=60) as attio:
        lists = [row["id"]["list_id"] for row in await _all(attio, "/v2/lists")]
        owners = [*(("objects", name) for name in OBJECTS), *(("lists", number) for number in lists)]
        found = [await _attributes(attio, kind, owner) for kind, owner in owners]
    return len(lists), [attribute for attributes in found for attribute in attributes]


def plain(values: dict[str, list[Row]], slug: str) -> list[Any]:
    """Return the values of a text, domain or e-mail attribute."""
    part = {"domains": "domain", "email_addresses": "email_address", "phone_numbers": "phone_number"}.get(slug, "value")
    return [value[part] for value in values.get(slug, ())]


def by_source_id(records: list[Row], slug: str = "affinity_id", key: str = "values") -> dict[str, list[Row]]:
    """Return the records with a source id, by that id."""
    found: dict[str, list[Row]] = defaultdict(list)
    for record in records:
        for source_id in plain(record[key], slug):
            found[source_id].append(record)
    return found


async def _attributes(attio: httpx.AsyncClient, kind: str, owner: str) -> list[Attribute]:
    path = f"/v2/{kind}/{owner}/attributes"
    found = []
    for row in await _all(attio, path):
        group = {"select": "options", "status": "statuses"}.get(row["type"])
        choices = [] if group is None else await _all(attio, f"{path}/{row['id']['attribute_id']}/{group}")
        found.append(
            Attribute(
                slug=row["api_slug"],
                title=row["title"],
                type=row["type"],
                multiple=row["is_multiselect"],
                description=row["description"] or "",
                system=row["is_system_attribute"],
                choices=tuple(choice["title"] for choice in choices),
            )
        )
    return found


async def _files(attio: httpx.AsyncClient, entity: str, records: list[Row]) -> list[File]:
    files = []
    async with httpx.AsyncClient(verify=TLS) as storage:
        for record_id in (record["id"]["record_id"] for record in records):
            params = {"object": entity, "record_id": record_id, "limit": 200}
            for row in (await attio.get("/v2/files", params=params)).raise_for_status().json()["data"]:
                answer = await attio.get(f"/v2/files/{row['id']['file_id']}/download")
                content = (await storage.get(answer.headers["location"])).raise_for_status().content
                files.append(File(row["name"], content, record_id))
    return files


async def _queried(attio: httpx.AsyncClient, path: str) -> list[Row]:
    rows: list[Row] = []
    while True:
        query = {"limit": 500, "offset": len(rows), "sorts": [{"attribute": "created_at", "direction": "asc"}]}
        page = (await attio.post(path, json=query)).raise_for_status().json()["data"]
        rows += page
        if len(page) < 500:
            return rows


async def _offsets(attio: httpx.AsyncClient, path: str, limit: int) -> list[Row]:
    rows: list[Row] = []
    while True:
        params = {"limit": limit, "offset": len(rows)}
        page = (await attio.get(path, params=params)).raise_for_status().json()["data"]
        rows += page
        if len(page) < limit:
            return rows


async def _all(attio: httpx.AsyncClient, path: str) -> list[Row]:
    answer: list[Row] = (await attio.get(path)).raise_for_status().json()["data"]
    return answer
