"""A small firm, whose rows tests change at will, and the Attio that it moves to."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from freight_sandbox import Sandbox
from freight_sandbox import running as running_sandbox
from support.clients import client
from support.sandboxes import sandbox_options

Row = dict[str, Any]

CHAMPION = {
    "entity": "company", "id": "field-1", "name": "Champion", "type": "global", "enrichmentSource": None,
    "valueType": "person",
}  # fmt: skip
LABEL = {
    "entity": "company", "id": "field-2", "name": "Label", "type": "global", "enrichmentSource": None,
    "valueType": "filterable-text", "dropdownOptions": [],
}  # fmt: skip
PHONE = {
    "entity": "person", "id": "affinity-data-phone-number", "name": "Phone Number", "type": "enriched",
    "enrichmentSource": "affinity-data", "valueType": "filterable-text-multi",
}  # fmt: skip
ADA = {"id": 7, "firstName": "Ada", "lastName": "Lovelace", "primaryEmailAddress": "ada@acme.com", "type": "external"}


@asynccontextmanager
async def running(
    folder: Path,
    *,
    enrichment: bool = False,
    hold_late_work: bool = False,
    record_limit: int | None = None,
    **rows: list[Row],
) -> AsyncIterator[Sandbox]:
    """Both vendors; the Affinity holds these rows, the Attio none, and no more than the limit."""
    for collection, held in {"companies": [], "persons": [], "fields": [CHAMPION, LABEL, PHONE], **rows}.items():
        (folder / f"{collection}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in held))
    options = sandbox_options(
        workspace=folder,
        unlimited=True,
        deals_enabled=True,
        enrichment=enrichment,
        hold_late_work=hold_late_work,
        record_limit=record_limit,
    )
    async with running_sandbox(options) as sandbox:
        yield sandbox


async def make(sandbox: Sandbox, kind: str, **values: Any) -> None:
    """A record of the target that Freight knows nothing of."""
    await attio(sandbox, "POST", f"/objects/{kind}/records", {"data": {"values": values}})


async def attio(sandbox: Sandbox, method: str, path: str, body: Row | None = None) -> Row:
    """Return what the Attio answers to a request below `/v2`."""
    async with client(sandbox.attio_url, bearer=sandbox.attio_key) as target:
        answer: Row = (await target.request(method, f"/v2{path}", json=body)).raise_for_status().json()
        return answer


async def put(sandbox: Sandbox, collection: str, row: Row) -> None:
    """Add a row to the source, or replace it."""
    async with client(sandbox.affinity_url) as source:
        (await source.put(f"/_sandbox/rows/{collection}", json=row)).raise_for_status()


def company(number: int, *domains: str, champion: Row | None = None, label: str | None = None) -> Row:
    """Return a company, whom it names as its champion and how it is labelled."""
    fields = [value(CHAMPION, champion), value(LABEL, label)]
    name = f"Company {number}"
    return {
        "id": number,
        "name": name,
        "domain": domains[0],
        "domains": list(domains),
        "isGlobal": False,
        "fields": fields,
    }


def value(field: Row, data: Any) -> Row:
    """Return what a record holds in a field."""
    described = {key: field[key] for key in ("id", "name", "type", "enrichmentSource")}
    return {**described, "value": {"type": field["valueType"], "data": data}}


def a_list(number: int, name: str) -> Row:
    """Return a list of companies."""
    return {"id": number, "name": name, "creatorId": 1, "ownerId": 1, "isPublic": True, "type": "company"}


def entry(number: int, list_id: int, on_it: Row) -> Row:
    """Return the place of a company on a list."""
    return {
        "id": number, "type": "company", "listId": list_id, "createdAt": "2024-01-02T03:04:05Z", "creatorId": 1,
        "entity": {**on_it, "fields": []},
    }  # fmt: skip


def reminder(content: str, *, due_date: str, **links: Row | None) -> Row:
    """About the first company, unless the links say otherwise."""
    return {
        "id": 60, "type": 0, "content": content, "due_date": due_date, "status": 1,
        "created_at": "2024-06-01T10:00:00Z", "creator": {"id": 1}, "owner": {"id": 1}, "organization": {"id": 1},
        **links,
    }  # fmt: skip


def person(short: Row) -> Row:
    """Return the row of a person, by what others say of them."""
    return {**short, "emailAddresses": [short["primaryEmailAddress"]], "fields": []}


def note(number: int) -> Row:
    """About the first company."""
    created_at = "2024-06-01T10:00:00Z"
    return {
        "id": number, "content": f"Note {number}", "creator_id": 1, "created_at": created_at, "organization_ids": [1],
    }  # fmt: skip
