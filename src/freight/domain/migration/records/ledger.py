"""The ledger: which target record each source record of a pair of workspaces is, across jobs."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from freight.connectors.protocols import Attributes, Issue
from freight.database import Connection, jsonb
from freight.domain.migration.records.logs import Entry
from freight.model.crm import Entity, Reference

Origin = Literal["created", "matched"]

ONE_TO_ONE: tuple[Entity, ...] = ("companies", "people", "deals", "list_entries")
"""Entities of which no two source records are one target record."""


class WorkspacePair(msgspec.Struct, frozen=True, kw_only=True):
    """The two workspaces of a job, each as `system:id`."""

    source: str
    target: str


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """This source record *is* that target record."""

    source_id: str
    target_id: str
    origin: Origin
    values: Attributes
    """The attributes as the last job drafted them."""
    written: frozenset[str]
    """The slugs of the attributes that Freight itself wrote."""
    replaced: Attributes
    """The target's values before Freight first wrote an attribute."""
    given: Attributes = {}
    """Values that the target required or filled in when Freight created the record, in attributes without a value, and
    those that it shows instead of what Freight sent."""
    kept: frozenset[str] = frozenset()
    """The slugs of the attributes in which Freight left a person's values."""
    refused: Attributes = {}
    """The part of `values` that the target did not accept: another record holds it, or it was refused."""
    container: str | None = None
    """The id in the target of the list that an entry is on; None in rows of versions that did not store it."""
    formerly: str | None = None
    """The former source id of this entry in the ledger, if it was another one: that row is replaced."""


class LinkedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The target record of a source record."""

    target_id: str
    origin: Origin
    created_at: datetime
    """When the ledger first had it."""


async def look_up(
    tx: Connection, pair: WorkspacePair, entity: Entity, source_ids: Collection[str]
) -> dict[str, LedgerEntry]:
    """Return the entries of these source records, by source id."""
    rows = await tx.fetch(
        """SELECT source_id, target_id, origin, values, written, replaced, given, kept, refused, container
           FROM ledger
           WHERE source_workspace = $1 AND target_workspace = $2 AND entity = $3 AND source_id = ANY($4)""",
        pair.source,
        pair.target,
        entity,
        list(source_ids),
    )
    return {
        row["source_id"]: LedgerEntry(
            source_id=row["source_id"],
            target_id=row["target_id"],
            origin=row["origin"],
            values=msgspec.json.decode(row["values"]),
            written=frozenset(row["written"]),
            replaced=msgspec.json.decode(row["replaced"]),
            given=msgspec.json.decode(row["given"]),
            kept=frozenset(row["kept"]),
            refused=msgspec.json.decode(row["refused"]),
            container=row["container"],
        )
        for row in rows
    }


async def linked_records(
    tx: Connection, pair: WorkspacePair, references: Collection[Reference]
) -> dict[Reference, LinkedRecord]:
    """Return the target records of these source records; those without one are absent."""
    rows = await tx.fetch(
        """SELECT entity, source_id, target_id, origin, created_at FROM ledger
           WHERE source_workspace = $1 AND target_workspace = $2
             AND (entity, source_id) IN (SELECT * FROM unnest($3::text[], $4::text[]))""",
        pair.source,
        pair.target,
        [entity for entity, _ in references],
        [source_id for _, source_id in references],
    )
    return {
        (row["entity"], row["source_id"]): LinkedRecord(
            target_id=row["target_id"], origin=row["origin"], created_at=row["created_at"]
        )
        for row in rows
    }


async def owners(tx: Connection, pair: WorkspacePair, entity: Entity, target_ids: Collection[str]) -> dict[str, str]:
    """Return the source ids of these target records, by target id; unknown ones are absent."""
    rows = await tx.fetch(
        """SELECT target_id, source_id FROM ledger
           WHERE source_workspace = $1 AND target_workspace = $2 AND entity = $3 AND target_id = ANY($4)""",
        pair.source,
        pair.target,
        entity,
        list(target_ids),
    )
    return {row["target_id"]: row["source_id"] for row in rows}


async def hand_over(tx: Connection, pair: WorkspacePair, entity: Entity, entries: Sequence[LedgerEntry]) -> list[Entry]:
    """Delete the rows of other source records with the target records of these entries. Return log rows about them."""
    if entity not in ONE_TO_ONE:
        return []
    rows = await tx.fetch(
        """DELETE FROM ledger USING unnest($4::text[], $5::text[]) AS entry (source_id, target_id)
           WHERE source_workspace = $1 AND target_workspace = $2 AND entity = $3
             AND ledger.target_id = entry.target_id AND ledger.source_id <> entry.source_id
           RETURNING entry.source_id AS taking, ledger.source_id AS former""",
        pair.source,
        pair.target,
        entity,
        [entry.source_id for entry in entries],
        [entry.target_id for entry in entries],
    )
    former = {row["taking"]: row["former"] for row in rows}
    return [_taken_over(entity, source_id, other) for source_id, other in former.items()]


def _taken_over(entity: Entity, source_id: str, former: str) -> Entry:
    message = (
        f"In an earlier job, the target record of this one belonged to the source record {former}. This job matched it "
        f"with this record; {former} gets a target record of its own if it is migrated again."
    )
    return Entry(issue=Issue(level="info", code="taken_over", message=message), entity=entity, source_id=source_id)


async def log_gone(tx: Connection, tenant_id: UUID, job_id: UUID, pair: WorkspacePair, entity: Entity) -> None:
    """Log the records that an earlier job migrated and that the source no longer returns."""
    await tx.execute(
        """INSERT INTO logs (tenant_id, job_id, entity, source_id, level, code, message, value)
           SELECT $1, $2, $3::text, source_id, 'info', 'gone_from_source',
                  'An earlier job migrated this record, and the source no longer returns it: it was deleted there, '
                  || 'merged into another, or hidden from the key. It stays in the target as it is; delete it there '
                  || 'if you do not want it.', target_id
           FROM ledger
           WHERE source_workspace = $4 AND target_workspace = $5 AND entity = $3::text AND NOT EXISTS (
               SELECT FROM records
               WHERE job_id = $2 AND records.entity = $3::text AND records.source_id = ledger.source_id
           ) AND NOT (entity = 'notes' AND coalesce(part_of, source_id) IN (
               -- Copies of a note that the source returns are logged elsewhere.
               SELECT coalesce(records.part_of, records.source_id)
               FROM records WHERE job_id = $2 AND records.entity = 'notes'
           ))""",
        tenant_id,
        job_id,
        entity,
        pair.source,
        pair.target,
    )


async def remember(
    tx: Connection, tenant_id: UUID, job_id: UUID, pair: WorkspacePair, entity: Entity, entries: Sequence[LedgerEntry]
) -> None:
    """Store entries, in place of former ones of the same source records."""
    if not entries:
        return
    if former := [entry for entry in entries if entry.formerly is not None]:
        await _forget(tx, pair, entity, former)
    await tx.execute(
        """INSERT INTO ledger (tenant_id, job_id, source_workspace, target_workspace, entity, source_id, target_id,
                               origin, values, written, replaced, given, kept, refused, container, part_of)
           SELECT $1, $2, $3, $4, $5::text, source_id, target_id, origin, values,
                  ARRAY(SELECT jsonb_array_elements_text(written)), replaced, given,
                  ARRAY(SELECT jsonb_array_elements_text(kept)), refused, container,
                  (SELECT part_of FROM records WHERE $5::text = 'notes' AND job_id = $2 AND records.entity = $5::text
                                                 AND records.source_id = entry.source_id)
           FROM unnest($6::text[], $7::text[], $8::text[], $9::jsonb[], $10::jsonb[], $11::jsonb[], $12::jsonb[],
                       $13::jsonb[], $14::jsonb[], $15::text[])
                AS entry (source_id, target_id, origin, values, written, replaced, given, kept, refused, container)
           ON CONFLICT (tenant_id, source_workspace, target_workspace, entity, source_id) DO UPDATE
           SET job_id = excluded.job_id, target_id = excluded.target_id, origin = excluded.origin,
               values = excluded.values, written = excluded.written, replaced = excluded.replaced,
               given = excluded.given, kept = excluded.kept, refused = excluded.refused,
               container = excluded.container, part_of = excluded.part_of, updated_at = now()""",
        tenant_id,
        job_id,
        pair.source,
        pair.target,
        entity,
        [entry.source_id for entry in entries],
        [entry.target_id for entry in entries],
        [entry.origin for entry in entries],
        [jsonb(entry.values) for entry in entries],
        [jsonb(sorted(entry.written)) for entry in entries],
        [jsonb(entry.replaced) for entry in entries],
        [jsonb(entry.given) for entry in entries],
        [jsonb(sorted(entry.kept)) for entry in entries],
        [jsonb(entry.refused) for entry in entries],
        [entry.container for entry in entries],
    )


async def _forget(tx: Connection, pair: WorkspacePair, entity: Entity, entries: Sequence[LedgerEntry]) -> None:
    """Delete the entries under the former source ids of these."""
    await tx.execute(
        """DELETE FROM ledger USING unnest($4::text[], $5::text[]) AS former (id, target)
           WHERE source_workspace = $1 AND target_workspace = $2 AND entity = $3
             AND source_id = former.id AND target_id = former.target""",
        pair.source,
        pair.target,
        entity,
        [entry.formerly for entry in entries],
        [entry.target_id for entry in entries],
    )
