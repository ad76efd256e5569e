"""The result of a run, compared with that of a run without faults."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import asyncpg

from support import comparison
from support.chaos.client import Client
from support.chaos.fleet import Fleet
from support.chaos.problems import Kind, Problems
from support.comparison.values import Difference
from support.migration import Outcomes, outcomes
from support.servers import as_superuser

KIND_OF: dict[str, Kind] = {"absent": "lost", "twice": "doubled", "made up": "doubled"}
"""Of differences between the workspaces; all others are wrong values."""


@dataclass(frozen=True)
class Books:
    """What there is when a job has ended."""

    status: str
    error: str
    outcomes: Outcomes
    differences: Counter[Difference]
    ledger: dict[str, int]
    """Rows by entity."""
    failures: list[str]


async def read(fleet: Fleet, client: Client, job_id: str) -> Books:
    """Read all of it over HTTP, and from the database what HTTP does not show."""
    job = await client.job(job_id)
    failed = await client.pages(f"/api/v1/jobs/{job_id}/records?outcome=failed")
    return Books(
        status=job["status"],
        error=str(job["error"] or ""),
        outcomes=outcomes(job),
        differences=Counter(await comparison.differences(fleet.sandbox)),
        ledger=await _ledger(fleet.database_url),
        failures=[f"{row['entity']} {row['source_id']}: {row['code']} {row['message']}" for row in failed],
    )


def compare(found: Books, expected: Books, problems: Problems) -> None:
    """Note every way in which the books differ from those of a run without faults.

    Of a job that ended in another way only doubles are noted besides: what is missing follows from its end.
    """
    if found.status != expected.status:
        failures = "; ".join(found.failures[:3])
        problems.add("stuck", f"the job ended {found.status} instead of {expected.status} {found.error} {failures}")
    for difference in (found.differences - expected.differences).elements():
        kind = KIND_OF.get(difference.kind, "wrong")
        if found.status != expected.status and kind != "doubled":
            continue
        names = "/".join(sorted(difference.names))
        shown = " ".join(difference.shown)[:120]
        problems.add(kind, f"{difference.entity} {difference.source_id}: {difference.kind} {names} {shown}")
    if found.status != expected.status:
        return
    for entity, counts in found.outcomes.items():
        told, wanted = _settled(counts), _settled(expected.outcomes[entity])
        if told != wanted:
            problems.add("counters", f"{entity} are {told} instead of {wanted}")
        if counts["read"] != sum(count for name, count in counts.items() if name != "read"):
            problems.add("counters", f"outcomes of {entity} do not sum to what was read: {counts}")
    if not found.ledger:
        problems.add("counters", "the ledger is empty")
    if found.ledger != expected.ledger:
        problems.add("counters", f"the ledger holds {found.ledger} instead of {expected.ledger}")


async def check_counters(database_url: str, job_id: str, problems: Problems) -> None:
    """Note counters of a job that ended which do not agree with its records."""
    connection = await asyncpg.connect(as_superuser(database_url))
    try:
        for name, statement in DISAGREEMENTS.items():
            for row in await connection.fetch(statement, job_id):
                problems.add("counters", f"{name}: {dict(row)}")
    finally:
        await connection.close()


OUTCOMES = ("created", "updated", "unchanged", "skipped", "failed")

DISAGREEMENTS = {
    "the job's counters": """
        SELECT total_records, processed_records, failed_records, counted.* FROM jobs, (
            SELECT count(*) AS total, count(outcome) AS processed, count(*) FILTER (WHERE outcome = 'failed') AS failed
            FROM records WHERE job_id = $1) AS counted
        WHERE id = $1 AND (total_records, processed_records, failed_records) <> (total, processed, failed)""",
    "the counters of streams": f"""
        SELECT told.*, counted.* FROM (
            SELECT entity, sum(read_records) AS read, {", ".join(f"sum({name}_records) AS {name}" for name in OUTCOMES)}
            FROM streams WHERE job_id = $1 GROUP BY entity) AS told
        FULL JOIN (
            SELECT entity AS of, count(*) AS held, {
        ", ".join(f"count(*) FILTER (WHERE outcome = '{name}') AS now_{name}" for name in OUTCOMES)
    }
            FROM records WHERE job_id = $1 GROUP BY entity) AS counted ON entity = of
        WHERE (coalesce(read, 0), {", ".join(f"coalesce({name}, 0)" for name in OUTCOMES)})
           <> (coalesce(held, 0), {", ".join(f"coalesce(now_{name}, 0)" for name in OUTCOMES)})""",
    "a batch": """
        SELECT entity, number, status, processed_records, size FROM batches
        WHERE job_id = $1 AND status = 'completed' AND processed_records <> size""",
    "records without an outcome": """
        SELECT entity, count(*) FROM records WHERE job_id = $1 AND outcome IS NULL GROUP BY entity""",
    "leases": "SELECT id, entity, leased_by FROM batches WHERE job_id = $1 AND lease_until > now()",
}
"""What is wrong with the counters of a job that ended, each as rows."""


async def _ledger(database_url: str) -> dict[str, int]:
    connection = await asyncpg.connect(as_superuser(database_url))
    try:
        rows: list[Any] = await connection.fetch(
            "SELECT entity, count(*), count(DISTINCT target_id) AS targets FROM ledger GROUP BY entity ORDER BY entity"
        )
    finally:
        await connection.close()
    return {name: count for row in rows for name, count in (
        (row["entity"], row["count"]), (f"{row['entity']} in the target", row["targets"])
    )}  # fmt: skip


def _settled(counts: dict[str, int]) -> dict[str, int]:
    """Outcomes as far as faults may not change them: what one attempt created, a later one finds unchanged."""
    arrived = counts["created"] + counts["updated"] + counts["unchanged"]
    return {"read": counts["read"], "arrived": arrived, "skipped": counts["skipped"], "failed": counts["failed"]}
