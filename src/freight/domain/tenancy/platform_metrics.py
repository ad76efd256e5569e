"""Platform metrics: figures about everything that is stored, for the operator."""

from typing import get_args

import msgspec

from freight.database import Connection
from freight.domain.jobs import stalls
from freight.domain.jobs.transitions import STATUSES
from freight.domain.migration.records import batches
from freight.domain.migration.records.records import OUTCOMES


class PlatformMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """Figures over all tenants. Deleted rows are not counted, so the figures can also fall."""

    jobs: dict[str, int]
    """By status, including those without jobs."""
    waiting: dict[str, int]
    """Live jobs that wait, by code."""
    batches: dict[str, int]
    records: dict[str, int]
    """By outcome; `waiting` are those without one."""
    deliveries: dict[str, int]
    source_reads: int
    target_reads: int
    target_writes: int
    waited_seconds: float


async def read(tx: Connection) -> PlatformMetrics:
    """Count everything (as the platform)."""
    outcomes = ", ".join(f"coalesce(sum({outcome}_records), 0)::bigint AS {outcome}" for outcome in OUTCOMES)
    settled = " + ".join(f"{outcome}_records" for outcome in OUTCOMES)
    records = await tx.fetchrow(
        f"SELECT {outcomes}, coalesce(sum(read_records - ({settled})), 0)::bigint AS waiting FROM streams"
    )
    usage = await tx.fetchrow(
        """SELECT coalesce(sum(source_reads), 0)::bigint AS source_reads,
                  coalesce(sum(target_reads), 0)::bigint AS target_reads,
                  coalesce(sum(target_writes), 0)::bigint AS target_writes,
                  coalesce(sum(waited_seconds), 0) AS waited_seconds
           FROM jobs"""
    )
    return PlatformMetrics(
        jobs=await _by_status(tx, "jobs WHERE deleted_at IS NULL", STATUSES),
        waiting=await stalls.count(tx),
        batches=await _by_status(tx, "batches", get_args(batches.Status)),
        records=dict(records or {}),
        deliveries=await _by_status(tx, "webhook_deliveries", ("pending", "delivered", "failed")),
        **(usage or {}),
    )


async def _by_status(tx: Connection, rows: str, statuses: tuple[str, ...]) -> dict[str, int]:
    counted = await tx.fetch(f"SELECT status, count(*) FROM {rows} GROUP BY status")
    return dict.fromkeys(statuses, 0) | {row["status"]: row["count"] for row in counted}
