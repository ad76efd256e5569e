"""Discovered schemas: what the precheck found out about a job's two sides, and what the job will cost."""

from uuid import UUID

import msgspec

from freight.connectors import registry
from freight.connectors.protocols import Kind
from freight.database import Connection, jsonb
from freight.domain.tables import Job
from freight.model.fields import PersonRef
from freight.model.resolved_mapping import ResolvedMapping
from freight.model.schema import Schema


class DiscoveredSchema(msgspec.Struct, frozen=True, kw_only=True):
    """The schema of the source, and the mapping resolved against the target."""

    schema: Schema
    layout: ResolvedMapping


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What a job costs; None where that is unknown."""

    source_reads: int | None = None
    target_reads: int | None = None
    """Without the requests that read what the job itself creates."""
    target_writes: int | None = None
    seconds: int | None = None
    """Duration of the job at the vendors' rate limits."""


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """The requests a second that an estimate assumes, by kind; a kind that is absent takes no time."""

    source: dict[Kind, float] = {}
    target: dict[Kind, float] = {}


class _StoredEstimate(Estimate, frozen=True, kw_only=True):
    rates: Rates | None = None
    """None in estimates of earlier versions."""


async def read(tx: Connection, job_id: UUID) -> DiscoveredSchema | None:
    """Return what a job's precheck discovered, None before the precheck."""
    row = await Job.select(Job.source_system, Job.source_schema, Job.layout).where(Job.id == job_id).first()
    if row is None or row["source_schema"] is None or row["layout"] is None:
        return None
    layout = msgspec.json.decode(row["layout"], type=ResolvedMapping)
    if layout.provenance is None:
        # Stored by a version that did not keep it with the layout.
        layout = msgspec.structs.replace(layout, provenance=registry.provenance(row["source_system"]))
    return DiscoveredSchema(schema=msgspec.json.decode(row["source_schema"], type=Schema), layout=layout)


async def get(tx: Connection, job_id: UUID) -> DiscoveredSchema:
    """Return what the precheck of a started job discovered."""
    return await read(tx, job_id) or DiscoveredSchema(schema=Schema(), layout=ResolvedMapping())


async def save(tx: Connection, job_id: UUID, schema: Schema, layout: ResolvedMapping) -> None:
    """Store what a job's precheck discovered."""
    await Job.update({Job.source_schema: jsonb(schema), Job.layout: jsonb(layout)}).where(Job.id == job_id)


async def save_estimate(tx: Connection, job_id: UUID, estimate: Estimate, rates: Rates) -> None:
    """Store the estimate of a job, and the rates from which its duration was computed."""
    stored = _StoredEstimate(**msgspec.structs.asdict(estimate), rates=rates)
    await Job.update({Job.estimate: jsonb(stored)}).where(Job.id == job_id)


async def estimate(tx: Connection, job_id: UUID) -> Estimate:
    """Return the estimate of a job, as far as it is known."""
    given = await _estimate(job_id)
    return Estimate() if given is None else msgspec.json.decode(given, type=Estimate)


async def rates(tx: Connection, job_id: UUID) -> Rates | None:
    """Return the rates that the estimate of a job assumes, None if none are stored."""
    given = await _estimate(job_id)
    return None if given is None else msgspec.json.decode(given, type=_StoredEstimate).rates


async def users(tx: Connection, job_id: UUID) -> tuple[PersonRef, ...]:
    """Return the source's internal users, as far as the source names them."""
    given = await _part(job_id, "users")
    return () if given is None else msgspec.json.decode(given, type=tuple[PersonRef, ...] | None) or ()


async def own_domains(tx: Connection, job_id: UUID) -> list[str]:
    """Return the firm's own e-mail domains."""
    given = await _part(job_id, "own_domains")
    return [] if given is None else msgspec.json.decode(given, type=list[str])


async def _estimate(job_id: UUID) -> str | None:
    row = await Job.select(Job.estimate).where(Job.id == job_id).first()
    return None if row is None else row["estimate"]


async def _part(job_id: UUID, name: str) -> str | None:
    """Return one field of the source's schema, because the whole may be large."""
    row = await Job.select(Job.source_schema.arrow(name).as_alias("part")).where(Job.id == job_id).first()
    return None if row is None else row["part"]
