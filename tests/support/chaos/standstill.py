"""What a run that does not end was doing: its job, what waits, and the last lines of its processes."""

import asyncio

import asyncpg

from support.chaos.fleet import Fleet
from support.servers import as_superuser

SECONDS = 10
"""How long the database may take to say it."""
ROWS = 10

STATEMENTS = {
    "job": """
        SELECT status, stage, mode, processed_records, total_records, waiting_for, error_code, error_message,
            resume_at, attempt, due_at - now() AS due_in, leased_by, lease_until - now() AS leased_for
        FROM jobs WHERE id = $1""",
    "stream": """
        SELECT entity, read_records, attempt, due_at - now() AS due_in, leased_by, lease_until - now() AS leased_for
        FROM streams WHERE job_id = $1 AND NOT done""",
    "batch": """
        SELECT entity, number, status, processed_records, size, attempt, due_at - now() AS due_in, error_code,
            error_message, leased_by, lease_until - now() AS leased_for
        FROM batches WHERE job_id = $1 AND status <> 'completed'""",
    "record in flight": """
        SELECT entity, source_id, in_flight, doubts, doubted_at
        FROM records WHERE job_id = $1 AND outcome IS NULL AND in_flight IS NOT NULL""",
    "log": "SELECT created_at, level, code, message FROM logs WHERE job_id = $1 ORDER BY created_at DESC",
}


async def described(fleet: Fleet, job_id: str) -> str:
    """Return what PostgreSQL holds about the job, which may be all that answers, and what the processes logged last."""
    lines: list[str] = []
    try:
        async with asyncio.timeout(SECONDS):
            lines += await _rows(fleet.database_url, job_id)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        lines.append(f"PostgreSQL does not answer: {error!r}")
    return "\n".join(["", *lines, *fleet.last_lines()])


async def _rows(database_url: str, job_id: str) -> list[str]:
    connection = await asyncpg.connect(as_superuser(database_url))
    try:
        return [
            f"{name}: {_shown(row)}"
            for name, statement in STATEMENTS.items()
            for row in await connection.fetch(f"{statement} LIMIT {ROWS}", job_id)
        ]
    finally:
        await connection.close()


def _shown(row: asyncpg.Record) -> str:
    return " ".join(f"{name}={value}" for name, value in row.items() if value is not None)
