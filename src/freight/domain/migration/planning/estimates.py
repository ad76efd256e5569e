"""Estimate how many requests a job sends, and how long the vendors' limits make that last."""

from collections.abc import Collection

from freight.connectors import registry
from freight.connectors.protocols import Kind
from freight.database import Connection
from freight.domain.jobs import discovered_schema
from freight.domain.jobs import model as jobs
from freight.domain.jobs.discovered_schema import Estimate, Rates
from freight.domain.jobs.model import Job
from freight.model.crm import Entity
from freight.model.resolved_mapping import ResolvedMapping
from freight.model.schema import Schema


def before_reading(
    schema: Schema,
    layout: ResolvedMapping,
    entities: Collection[Entity],
    *,
    source_reads: int | None,
    records_per_query: int,
    rates: Rates,
) -> Estimate:
    """Return the cost of a job that writes every record once, from the source's own counts, as far as it has any.

    `records_per_query` says how many records of the target one request looks for.
    """
    counts = [schema.counts.get(entity) for entity in entities]
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        return Estimate(source_reads=source_reads)
    return _with_seconds(
        rates,
        source_reads=source_reads,
        target_reads=sum(-(-count // records_per_query) for count in known),
        target_writes=sum(known) + schema_writes(layout),
        uploads=schema.counts.get("files", 0) if "files" in entities else 0,
    )


async def conclude(tx: Connection, job: Job) -> None:
    """Store the cost of a full run, from the results of a dry run that is about to end.

    The rates are those that the precheck of the job stored.
    """
    row = await tx.fetchrow("SELECT source_reads, target_reads, written_twice FROM jobs WHERE id = $1", job.id)
    discovered = await discovered_schema.read(tx, job.id)
    counts = (await jobs.counts(tx, [job.id]))[job.id]
    if row is None or discovered is None:
        return
    written = sum(entity.created + entity.updated for entity in counts if entity.entity != "lists")
    uploads = sum(entity.created for entity in counts if entity.entity == "files")
    rates = await discovered_schema.rates(tx, job.id) or documented(job.source_system, job.target_system)
    estimate = _with_seconds(
        rates,
        source_reads=row["source_reads"] + uploads,
        target_reads=row["target_reads"],
        target_writes=written + row["written_twice"] + schema_writes(discovered.layout),
        uploads=uploads,
    )
    await discovered_schema.save_estimate(tx, job.id, estimate, rates)


def schema_writes(layout: ResolvedMapping) -> int:
    """Return how many requests create what the target lacks."""
    attributes = sum(place.action in ("make", "restore") for place in layout.places)
    options = sum(len(place.new_options) for place in layout.places)
    lists = sum(place.action == "make" for place in layout.lists)
    return attributes + options + lists + len(layout.new_stages) + layout.new_additions


def documented(source_system: str, target_system: str) -> Rates:
    """Return the rates that the vendors document."""
    return Rates(source=_documented(source_system), target=_documented(target_system))


def _documented(system: str) -> dict[Kind, float]:
    return {kind: rate.requests / rate.seconds for kind, rate in registry.SPECS[system].rates.items()}


def _with_seconds(
    rates: Rates, *, source_reads: int | None, target_reads: int, target_writes: int, uploads: int
) -> Estimate:
    # Each kind of request has its own pace, so the slowest one decides.
    seconds = max(
        _seconds(source_reads or 0, rates.source.get("read")),
        _seconds(target_reads, rates.target.get("read")),
        _seconds(target_writes, rates.target.get("write")),
        _seconds(uploads, rates.target.get("upload")),
    )
    return Estimate(
        source_reads=source_reads, target_reads=target_reads, target_writes=target_writes, seconds=round(seconds)
    )


def _seconds(requests: int, per_second: float | None) -> float:
    return requests / per_second if per_second else 0.0
