"""Blueprints: what a job found out about its two sides before it began, and what that will cost."""

from typing import Any
from uuid import UUID

import msgspec

from freight.database import Connection, jsonb
from freight.model.fields import PersonRef
from freight.model.resolved_mapping import ResolvedMapping
from freight.model.schema import Schema


class DiscoveredSchema(msgspec.Struct, frozen=True, kw_only=True):
    """What the source can hold, and where in the target it goes."""

    schema: Schema
    layout: ResolvedMapping


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What a job costs; None where that cannot be told."""

    source_reads: int | None = None
    target_reads: int | None = None
    """Without those that look at what the job is only going to make."""
    target_writes: int | None = None
    seconds: int | None = None
    """How long the vendors' limits make it last."""


async def read(tx: Connection, job_id: UUID) -> DiscoveredSchema | None:
    """The blueprint of a job; None before its precheck."""
    row = await tx.fetchrow("SELECT source_schema, layout FROM jobs WHERE id = $1", job_id)
    if row is None or row["source_schema"] is None or row["layout"] is None:
        return None
    return DiscoveredSchema(
        schema=msgspec.json.decode(row["source_schema"], type=Schema),
        layout=msgspec.json.decode(row["layout"], type=ResolvedMapping),
    )


async def get(tx: Connection, job_id: UUID) -> DiscoveredSchema:
    """Return what a job that has been started found out."""
    return await read(tx, job_id) or DiscoveredSchema(schema=Schema(), layout=ResolvedMapping())


async def save(tx: Connection, job_id: UUID, schema: Schema, layout: ResolvedMapping) -> None:
    """Store the blueprint of a job."""
    await tx.execute(
        "UPDATE jobs SET source_schema = $2, layout = $3 WHERE id = $1", job_id, jsonb(schema), jsonb(layout)
    )


async def save_estimate(tx: Connection, job_id: UUID, estimate: Estimate) -> None:
    """Store what a job will cost."""
    await tx.execute("UPDATE jobs SET estimate = $2 WHERE id = $1", job_id, jsonb(estimate))


async def estimate(tx: Connection, job_id: UUID) -> Estimate:
    """What a job will cost, as far as it is known."""
    given: Any = await tx.fetchval("SELECT estimate FROM jobs WHERE id = $1", job_id)
    return Estimate() if given is None else msgspec.json.decode(given, type=Estimate)


async def users(tx: Connection, job_id: UUID) -> tuple[PersonRef, ...]:
    """The firm's own people, as far as the source names them."""
    given: Any = await tx.fetchval("SELECT source_schema -> 'users' FROM jobs WHERE id = $1", job_id)
    return () if given is None else msgspec.json.decode(given, type=tuple[PersonRef, ...] | None) or ()


async def own_domains(tx: Connection, job_id: UUID) -> list[str]:
    """The firm's own e-mail domains."""
    given: Any = await tx.fetchval("SELECT source_schema -> 'own_domains' FROM jobs WHERE id = $1", job_id)
    return [] if given is None else msgspec.json.decode(given, type=list[str])
