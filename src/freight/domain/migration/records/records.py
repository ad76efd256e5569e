"""Records: what a job has read from the source, and their outcomes."""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import msgspec
from msgspec import Meta

from freight.database import Connection, storable
from freight.domain import pages
from freight.domain.errors import NotFound
from freight.domain.pages import Selection, Slice, Window
from freight.model import crm
from freight.model.crm import Entity

Outcome = Literal["created", "updated", "unchanged", "skipped", "failed"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

Intent = Literal["create", "update"]
"""What a request that may be in progress does to the target."""

MAY_HAVE_ARRIVED = " It may still be in the target, because a request was about to be sent; a later run recognises it."

Group = Literal["successful", "failed", "unprocessed"]

GROUPS: dict[Group, str] = {
    "successful": "outcome IN ('created', 'updated', 'unchanged')",
    "failed": "outcome = 'failed'",
    "unprocessed": "(outcome IS NULL OR outcome = 'skipped')",
}
"""The records of a job in three disjoint groups."""


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """A record that waits to be loaded. With `in_flight` set, an earlier attempt may have written it already."""

    id: int
    source_id: str
    record: crm.Record
    in_flight: Intent | None
    in_flight_seconds: float = math.inf
    """With `in_flight`: seconds since its last request, if it was sent."""
    is_doubted: bool = False
    """Whether that request is known to have been sent and its effect is unknown."""
    doubts: int = 0
    """How many requests to create it had an unknown effect."""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a record."""

    id: int
    outcome: Outcome
    target_id: str | None = None
    code: str | None = None
    message: str | None = None
    awaits_references: bool = False
    """Whether it refers to records that are loaded later, so that it needs the second pass."""


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of records that were not migrated when the work on them ended."""

    outcome: Literal["failed", "skipped"]
    code: str
    message: str


class RecordRow(msgspec.Struct, frozen=True, kw_only=True):
    """A record as clients see it."""

    id: int
    entity: Entity
    source_id: Annotated[str, Meta(description="Its id in the source.")]
    target_id: Annotated[str | None, Meta(description="Its id in the target, once it has one.")]
    outcome: Annotated[Outcome | None, Meta(description="The outcome; null until the record is loaded.")]
    code: Annotated[str | None, Meta(description="Why it was skipped or failed: a stable code.")]
    message: Annotated[str | None, Meta(description="The reason as a sentence.")]
    batch_number: Annotated[int, Meta(description="The number of its batch within the entity, from 0.")]
    updated_at: datetime


class RecordDetail(RecordRow, frozen=True, kw_only=True):
    """A record with the data read from the source."""

    payload: Annotated[
        dict[str, Any] | None,
        Meta(description="The record as it was read; null if it is not for the target, and after the retention time."),
    ]


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of records; None for all."""

    entity: Entity | None = None
    outcome: Outcome | None = None
    code: str | None = None
    text: str | None = None
    """A case-insensitive substring of the source id or the message."""


FIELDS = RecordRow.__struct_fields__


STAGED = """id, source_id, payload, part_of, in_flight, doubted_at IS NOT NULL AS is_doubted, doubts,
    extract(epoch FROM now() - coalesce(doubted_at, updated_at))::float8 AS in_flight_seconds"""


async def waiting(
    tx: Connection,
    job_id: UUID,
    entity: Entity,
    positions: range,
    *,
    after: int,
    without: Collection[int] = (),
    limit: int,
) -> list[tuple[int, Staged]]:
    """Return records without an outcome at these positions, as (position, record), except those with ids in `without`.

    `after` is the position of the last record that was returned before, `limit` the maximum number to return.
    """
    rows = await tx.fetch(
        f"""SELECT position, {STAGED} FROM records
           WHERE job_id = $1 AND entity = $2 AND position >= $3 AND position < $4 AND position > $5
             AND outcome IS NULL AND id <> ALL($6)
           ORDER BY position LIMIT $7""",
        job_id,
        entity,
        positions.start,
        positions.stop,
        after,
        list(without),
        limit,
    )
    return [(row["position"], read_staged(row)) for row in rows]


async def waiting_among(tx: Connection, record_ids: Collection[int]) -> list[Staged]:
    """Return those of these records that have no outcome."""
    rows = await tx.fetch(
        f"SELECT {STAGED} FROM records WHERE id = ANY($1) AND outcome IS NULL ORDER BY position", list(record_ids)
    )
    return [read_staged(row) for row in rows]


async def awaiting(tx: Connection, job_id: UUID, entity: Entity, *, after: int, limit: int) -> list[Staged]:
    """Return records of an entity that await references, ordered by id, with ids greater than `after`."""
    rows = await tx.fetch(
        f"""SELECT {STAGED} FROM records
            WHERE job_id = $1 AND entity = $2 AND id > $3 AND awaits_references AND outcome IS NOT NULL
            ORDER BY id LIMIT $4""",
        job_id,
        entity,
        after,
        limit,
    )
    return [read_staged(row) for row in rows]


async def awaiting_among(tx: Connection, record_ids: Collection[int]) -> list[Staged]:
    """Return those of these records that await references."""
    rows = await tx.fetch(
        f"""SELECT {STAGED} FROM records WHERE id = ANY($1) AND awaits_references AND outcome IS NOT NULL
            ORDER BY id""",
        list(record_ids),
    )
    return [read_staged(row) for row in rows]


async def any_awaiting(tx: Connection, job_id: UUID) -> bool:
    """Return whether records of the job await references."""
    return bool(
        await tx.fetchval(
            "SELECT EXISTS (SELECT FROM records WHERE job_id = $1 AND awaits_references AND outcome IS NOT NULL)",
            job_id,
        )
    )


async def staged_ids(tx: Connection, job_id: UUID, entity: Entity, source_ids: Collection[str]) -> set[str]:
    """Return which of these source ids are records of the job."""
    rows = await tx.fetch(
        "SELECT source_id FROM records WHERE job_id = $1 AND entity = $2 AND source_id = ANY($3)",
        job_id,
        entity,
        list(source_ids),
    )
    return {row["source_id"] for row in rows}


async def staged(tx: Connection, job_id: UUID, entities: Collection[Entity]) -> list[crm.Record]:
    """Return all records of these entities, as they were read. Only for samples, which are small."""
    rows = await tx.fetch(
        "SELECT payload FROM records WHERE job_id = $1 AND entity = ANY($2) AND payload IS NOT NULL ORDER BY id",
        job_id,
        list(entities),
    )
    return [msgspec.json.decode(row["payload"], type=crm.Record) for row in rows]


async def settle(tx: Connection, settled: Sequence[Settled]) -> None:
    """Store outcomes."""
    await tx.execute(
        """UPDATE records SET outcome = result.outcome, target_id = result.target_id, code = result.code,
                  message = result.message, awaits_references = result.awaits, in_flight = NULL, updated_at = now()
           FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[])
                AS result (record_id, outcome, target_id, code, message, awaits)
           WHERE id = record_id""",
        [result.id for result in settled],
        [result.outcome for result in settled],
        [result.target_id for result in settled],
        [result.code for result in settled],
        [result.message and storable(result.message) for result in settled],
        [result.awaits_references for result in settled],
    )


async def settle_references(tx: Connection, record_ids: Sequence[int], updated: Sequence[int]) -> int:
    """Record that records no longer await references.

    Of the `updated` ones, those with the outcome `unchanged` become `updated`. Return their number.
    """
    await tx.execute(
        "UPDATE records SET awaits_references = false, in_flight = NULL WHERE id = ANY($1)", list(record_ids)
    )
    tag = await tx.execute(
        "UPDATE records SET outcome = 'updated', updated_at = now() WHERE id = ANY($1) AND outcome = 'unchanged'",
        list(updated),
    )
    return int(tag.rpartition(" ")[2])


async def settle_waiting(
    tx: Connection, job_id: UUID, entity: Entity, positions: range, rest: Leftover, *, log: bool
) -> int:
    """Give the records without an outcome at these positions the outcome `rest`, and return their number.

    With `log`, each gets a log row. Records that may be in flight stay marked, so that a retry looks them up.
    """
    count: int = await tx.fetchval(
        """WITH settled AS (
               UPDATE records SET outcome = $5, code = $6, updated_at = now(),
                      message = CASE WHEN in_flight IS NULL THEN $7 ELSE $7 || $8 END
               WHERE job_id = $1 AND entity = $2 AND position >= $3 AND position < $4 AND outcome IS NULL
               RETURNING tenant_id, source_id, position, message
           ), logged AS (
               INSERT INTO logs (tenant_id, job_id, entity, source_id, level, code, message)
               SELECT tenant_id, $1, $2, source_id, 'error', $6, message FROM settled WHERE $9 ORDER BY position
           )
           SELECT count(*) FROM settled""",
        job_id,
        entity,
        positions.start,
        positions.stop,
        rest.outcome,
        rest.code,
        storable(rest.message),
        MAY_HAVE_ARRIVED,
        log,
    )
    return count


async def take_back(
    tx: Connection,
    job_id: UUID,
    entity: Entity,
    positions: range,
    outcomes: Collection[Outcome],
    also: Collection[int] = (),
) -> Counter[Outcome]:
    """Clear the outcomes of the records at these positions that have one of `outcomes` or an id in `also`.

    Return how many had which outcome. Records that are not for the target keep theirs.
    """
    # Records that may be in flight keep the time of their request.
    rows = await tx.fetch(
        """WITH settled AS (
               SELECT id, outcome FROM records
               WHERE job_id = $1 AND entity = $2 AND position >= $3 AND position < $4 AND payload IS NOT NULL
                 AND (outcome = ANY($5) OR id = ANY($6) AND outcome IS NOT NULL)
           ), waiting AS (
               UPDATE records SET outcome = NULL, code = NULL, message = NULL, target_id = NULL,
                      doubts = least(doubts, 1),
                      updated_at = CASE WHEN in_flight IS NULL THEN now() ELSE updated_at END
               FROM settled WHERE records.id = settled.id RETURNING settled.outcome
           )
           SELECT outcome, count(*) AS records FROM waiting GROUP BY outcome""",
        job_id,
        entity,
        positions.start,
        positions.stop,
        list(outcomes),
        list(also),
    )
    return Counter({row["outcome"]: row["records"] for row in rows})


def select(job_id: UUID, filters: Filters, *, batch_size: int, group: Group | None = None) -> Selection:
    """Return the selection of the job's records that match the filters, in the order in which they were read."""
    given = {
        "entity = {}": filters.entity,
        "outcome = {}": filters.outcome,
        "code = {}": filters.code,
        "(source_id ILIKE {} OR message ILIKE {})": filters.text and pages.containing(filters.text),
    }
    used = {condition: value for condition, value in given.items() if value is not None}
    # Within an entity, positions and ids have the same order, and only positions have an index.
    by_entity = filters.entity is not None and filters.outcome is None and filters.code is None and group is None
    return Selection(
        table="records",
        job_id=job_id,
        columns=_columns(batch_size),
        conditions=(*used, *((GROUPS[group],) if group else ())),
        values=tuple(used.values()),
        key="position" if by_entity else "id",
    )


async def page(
    tx: Connection, job_id: UUID, filters: Filters, window: Window, *, batch_size: int, complete: bool
) -> Slice:
    """Return a page of the job's records. `complete` says that no more will be read.

    Raise `InvalidRequest` for a bad cursor.
    """
    total = await _counted(tx, job_id, filters)
    selection = select(job_id, filters, batch_size=batch_size)
    return await pages.read(tx, selection, window, total=total, complete=complete)


async def get(tx: Connection, job_id: UUID, record_id: int, *, batch_size: int) -> RecordDetail:
    """Return a record of the job. Raise `NotFound`."""
    row = await tx.fetchrow(
        f"SELECT {_columns(batch_size)}, payload FROM records WHERE job_id = $1 AND id = $2", job_id, record_id
    )
    if row is None:
        raise NotFound(f"The job {job_id} has no record {record_id}.")
    payload = row["payload"]
    return RecordDetail(**{**row, "payload": None if payload is None else msgspec.json.decode(payload)})


def _columns(batch_size: int) -> str:
    return ", ".join(f"position / {batch_size} AS batch_number" if name == "batch_number" else name for name in FIELDS)


async def _counted(tx: Connection, job_id: UUID, filters: Filters) -> int | None:
    """Return how many records match the filters, if the streams' counters show it."""
    if filters.code is not None or filters.text is not None:
        return None
    column = "read_records" if filters.outcome is None else f"{filters.outcome}_records"
    counted: int = await tx.fetchval(
        f"""SELECT coalesce(sum({column}), 0)::bigint FROM streams
            WHERE job_id = $1 AND ($2::text IS NULL OR entity = $2)""",
        job_id,
        filters.entity,
    )
    return counted


def read_staged(row: Any) -> Staged:
    """Return the record in a row with the columns `STAGED`."""
    record = msgspec.json.decode(row["payload"], type=crm.Record)
    if isinstance(record, crm.Note):
        # The payloads of earlier versions do not contain it.
        record = msgspec.structs.replace(record, part_of=row["part_of"])
    return Staged(
        id=row["id"],
        source_id=row["source_id"],
        record=record,
        in_flight=row["in_flight"],
        in_flight_seconds=row["in_flight_seconds"],
        is_doubted=row["is_doubted"],
        doubts=row["doubts"],
    )
