"""Sample: the first rows of a stream, and those to which the records of the sample so far refer."""

from collections.abc import Iterable, Sequence

from freight import database
from freight.connectors.protocols import Page, Reader, Row
from freight.domain.jobs.model import Job
from freight.domain.migration.planning.fan_out import fan_out
from freight.domain.migration.records import records, staging
from freight.model import crm
from freight.model.crm import LOAD_ORDER, Entity
from freight.model.mapping import Mapping

ENTITIES_BY_ID: tuple[Entity, ...] = ("companies", "people", "deals")
"""Entities whose records a source returns by id."""


async def read_sample(reader: Reader, job: Job, entity: Entity) -> Page:
    """Return everything that a sample takes from a stream, as its only page.

    It includes what the records of later entities refer to. Of references between records of this stream, only those of
    the first records are followed.
    """
    size = job.sample_size or 0
    first = await _first(reader, entity, size, job.mapping)
    wanted = await _referred_to(job, entity)
    if entity not in ENTITIES_BY_ID:
        # Lists come on one page without a call; nothing refers to the entities after them.
        rows = [row for place, row in enumerate(first.rows) if place < size or row.id in wanted]
    else:
        rows = [*first.rows, *await _further(reader, entity, wanted, first.rows)]
        own = {
            id_ for row in rows if row.record is not None for kind, id_ in crm.references(row.record) if kind == entity
        }
        rows += await _further(reader, entity, own, rows)
    ids = {(row.record.part_of if isinstance(row.record, crm.Note) else None) or row.id for row in rows}
    return Page(
        rows=tuple(rows),
        next_cursor=None,
        replies=tuple(reply for reply in first.replies if reply.note_id in ids),
    )


async def _first(reader: Reader, entity: Entity, size: int, mapping: Mapping) -> Page:
    """Return the first rows of a stream, or all lists, with the replies to the first notes.

    A source may return replies last.
    """
    page = fan_out(await reader.read(entity, None), mapping)
    rows, replies = staging.distinct(page.rows), list(page.replies)
    while page.next_cursor is not None and (len(rows) < size or entity == "notes"):
        page = fan_out(await reader.read(entity, page.next_cursor), mapping)
        replies += page.replies
        rows = staging.distinct([*rows, *page.rows])[: max(size, len(rows))]
    kept = rows if entity == "lists" else rows[:size]
    return Page(rows=tuple(kept), next_cursor=None, replies=tuple(replies))


async def _referred_to(job: Job, entity: Entity) -> set[str]:
    later = LOAD_ORDER[LOAD_ORDER.index(entity) + 1 :]
    async with database.as_tenant(job.tenant_id) as tx:
        staged = await records.staged(tx, job.id, later)
    return _named(staged, entity)


def _named(staged: Iterable[crm.Record], entity: Entity) -> set[str]:
    """Return the ids of an entity's records to which these refer."""
    return {id_ for record in staged for kind, id_ in crm.references(record) if kind == entity}


async def _further(reader: Reader, entity: Entity, wanted: Iterable[str], held: Sequence[Row]) -> Sequence[Row]:
    missing = sorted(set(wanted) - {row.id for row in held})
    return await reader.read_some(entity, missing) if missing else ()
