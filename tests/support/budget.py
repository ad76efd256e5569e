"""What a migration costs in requests, by the vendors' own counters, and what it may cost."""

from dataclasses import dataclass
from typing import Any

import httpx

from freight_sandbox import Sandbox, SandboxOptions
from support import comparison, migration
from support.clients import TLS
from support.comparison import source
from support.comparison.fields import is_carried
from support.comparison.source import Row, Source
from support.sandboxes import sandbox_options
from support.service import Tenant

V2_PAGE, V1_PAGE = 100, 500

FIXED_READS = 40
"""Who the key belongs to, its limits, fields, users, counts, and the page of each stream that is not full."""
READS_PER_LIST = 7
"""Its fields, its size and its saved views, and the pages of its entries that are not full."""
READS_PER_FILE = 2
"""The address of its content, and the content."""

SHARE = 1.02
"""Write requests per record that had to be written."""


@dataclass(frozen=True)
class Cost:
    """The requests of one job."""

    reads: int
    """At the source."""
    reads_allowed: int
    writes: int
    """At the target, without those that made attributes, options and lists."""
    written: int
    """Records that were made or changed."""
    linked_later: int
    """Records that name others which are loaded after them, so that they are written a second time."""
    schema_writes: int
    schema_parts: int
    """Attributes, options, statuses and lists that were made."""
    outcomes: migration.Outcomes

    @property
    def writes_allowed(self) -> int:
        """One for each record, and one for each that has to be linked later."""
        return int(SHARE * (self.written + self.linked_later))


def workspace(scale: int, *, custom_fields: bool = False) -> SandboxOptions:
    """Return the workspace that figures are promised for, so many times smaller.

    With `custom_fields` most of its companies and many of its people name others that are loaded after them.
    """
    return sandbox_options(
        companies=5_000 // scale,
        people=20_000 // scale,
        opportunities=2_000 // scale,
        lists=max(4, 10 // scale),
        entries=15_000 // scale,
        notes=10_000 // scale,
        reminders=2_000 // scale,
        files=200 // scale,
        custom_fields=custom_fields,
        unlimited=True,
        deals_enabled=True,
    )


async def measure(tenant: Tenant, sandbox: Sandbox, *, timeout: float = 120) -> Cost:
    """Migrate a workspace into an empty target."""
    parts = await _schema_parts(sandbox)
    for url in (sandbox.affinity_url, sandbox.attio_url):
        async with httpx.AsyncClient(verify=TLS, base_url=url) as vendor:
            (await vendor.delete("/_sandbox/counters")).raise_for_status()
    job = await migration.carry(tenant, sandbox, timeout=timeout)
    reads, writes = await migration.requests(sandbox.affinity_url), await migration.writes(sandbox.attio_url)
    schema_writes = sum(count for (_, route), count in writes.items() if _is_schema(route))
    held = await source.read(sandbox)
    return Cost(
        reads=sum(reads.values()),
        reads_allowed=_reads_allowed(held),
        writes=sum(writes.values()) - schema_writes,
        written=migration.written(job),
        linked_later=linked_later(held),
        schema_writes=schema_writes,
        schema_parts=await _schema_parts(sandbox) - parts,
        outcomes=migration.outcomes(job),
    )


def _reads_allowed(held: Source) -> int:
    v2_rows = len(held.companies) + len(held.people) + len(held.list_entries) + len(held.deals)
    v1_rows = len(held.deals) + len(held.notes) + len(held.replies) + len(held.tasks) + len(held.files)
    fixed = FIXED_READS + READS_PER_LIST * len(held.lists) + READS_PER_FILE * len(held.files)
    return v2_rows // V2_PAGE + v1_rows // V1_PAGE + fixed


def linked_later(held: Source) -> int:
    """Companies may name people and each other, and people may name each other."""
    loaded_later = {"companies": ("person", "company"), "people": ("person",)}
    rows = {"companies": held.companies, "people": held.people}
    return sum(
        _names_external(held.fields[owner], row, kinds)
        for owner, kinds in loaded_later.items()
        for row in rows[owner].values()
    )


def _names_external(fields: list[Row], row: Row, kinds: tuple[str, ...]) -> bool:
    data = source.values(row)
    named: list[Any] = []
    for field in fields:
        if is_carried(field) and field["valueType"].removesuffix("-multi") in kinds and field["id"] in data:
            named += data[field["id"]] if isinstance(data[field["id"]], list) else [data[field["id"]]]
    return any(part.get("type") != "internal" for part in named)


def _is_schema(route: str) -> bool:
    return "/attributes" in route or route in ("/v2/lists", "/v2/lists/{list}")


async def _schema_parts(sandbox: Sandbox) -> int:
    lists, attributes = await comparison.target.read_schema(sandbox)
    made = [attribute for attribute in attributes if not attribute.system]
    return lists + len(made) + sum(len(attribute.choices) for attribute in attributes)
