"""Estimates: how many requests a job sends, and how long the vendors' limits make that last."""

from collections.abc import Collection

from freight.database import Connection
from freight.domain.jobs import discovered_schema
from freight.domain.jobs import model as jobs
from freight.domain.jobs.discovered_schema import Estimate
from freight.domain.jobs.model import Job
from freight.model.crm import Entity
from freight.model.resolved_mapping import ResolvedMapping
from freight.model.schema import Schema

SOURCE_READS_PER_SECOND = 900 / 60
TARGET_READS_PER_SECOND = 100
TARGET_WRITES_PER_SECOND = 25
TARGET_UPLOADS_PER_SECOND = 1
"""What Affinity and Attio document as their limits, whatever this Freight is set to."""

MATCHED_AT_ONCE = 100
"""Records that are looked for in the target by one request."""


def before_reading(
    schema: Schema, layout: ResolvedMapping, entities: Collection[Entity], source_reads: int | None
) -> Estimate:
    """What a job that has to write every record once costs, by the source's own counts, as far as there are any."""
    counts = [schema.counts.get(entity) for entity in entities]
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        return Estimate(source_reads=source_reads)
    return _with_seconds(
        source_reads=source_reads,
        target_reads=sum(-(-count // MATCHED_AT_ONCE) for count in known),
        target_writes=sum(known) + schema_writes(layout),
        uploads=schema.counts.get("files", 0) if "files" in entities else 0,
    )


async def conclude(tx: Connection, job: Job) -> None:
    """Store what a full run costs, by what a dry run that is about to end has found."""
    row = await tx.fetchrow("SELECT source_reads, target_reads, written_twice FROM jobs WHERE id = $1", job.id)
    discovered = await discovered_schema.read(tx, job.id)
    counts = (await jobs.counts(tx, [job.id]))[job.id]
    if row is None or discovered is None:
        return
    written = sum(entity.created + entity.updated for entity in counts if entity.entity != "lists")
    uploads = sum(entity.created for entity in counts if entity.entity == "files")
    estimate = _with_seconds(
        source_reads=row["source_reads"] + uploads,
        target_reads=row["target_reads"],
        target_writes=written + row["written_twice"] + schema_writes(discovered.layout),
        uploads=uploads,
    )
    await discovered_schema.save_estimate(tx, job.id, estimate)


def schema_writes(layout: ResolvedMapping) -> int:
    """How many requests make what the layout lacks."""
    attributes = sum(place.action in ("make", "restore") for place in layout.places)
    options = sum(len(place.new_options) for place in layout.places)
    lists = sum(place.action == "make" for place in layout.lists)
    return attributes + options + lists + len(layout.new_stages) + layout.new_additions


def _with_seconds(*, source_reads: int | None, target_reads: int, target_writes: int, uploads: int) -> Estimate:
    seconds = max(
        (source_reads or 0) / SOURCE_READS_PER_SECOND,
        target_reads / TARGET_READS_PER_SECOND,
        target_writes / TARGET_WRITES_PER_SECOND,
        uploads / TARGET_UPLOADS_PER_SECOND,
    )
    return Estimate(
        source_reads=source_reads, target_reads=target_reads, target_writes=target_writes, seconds=round(seconds)
    )
