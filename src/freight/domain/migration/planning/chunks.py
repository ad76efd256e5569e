"""Plan the records of a chunk, so that one record that cannot be planned does not affect the others.

What decisions need is looked up for the whole chunk; then each record is decided about, which is pure.
"""

import asyncio
from collections.abc import Sequence

import asyncpg
import structlog

from freight import database
from freight.connectors.errors import ConnectorError, QueryTooComplex, Unavailable, UnexpectedAnswer
from freight.connectors.protocols import Issue, Writer
from freight.domain.current_step import Interrupted
from freight.domain.jobs.model import Job
from freight.domain.migration.availability import Availability
from freight.domain.migration.planning import context
from freight.domain.migration.planning.plan import RecordPlan, plan_record
from freight.domain.migration.records.records import MAY_HAVE_ARRIVED, Settled, Staged
from freight.domain.migration.records.results import Result

log = structlog.get_logger()


async def plan_each(
    job: Job,
    target: Writer,
    chunk: Sequence[Staged],
    *,
    references_only: bool = False,
    availability: Availability | None = None,
) -> tuple[list[RecordPlan], list[Result]]:
    """Plan the records of a chunk, all of one entity.

    Return the plans, and results for the records that cannot be planned by themselves. `references_only` is for the
    second pass over records that this job has migrated: everything that they refer to has been loaded since.

    Raise errors that are about the vendor, the database or the job, and not about a record. With `availability`, a
    record about which the target gives no usable answer while it answers other requests cannot be planned.
    """
    try:
        plans = await _plan(job, target, chunk, references_only=references_only)
    except Exception as error:
        if isinstance(error, Unavailable | UnexpectedAnswer) and availability is not None:
            await availability.failed(error)
        elif not is_about_records(error):
            raise
        if len(chunk) == 1:
            return [], [failed(chunk[0], error)]
    else:
        if availability is not None:
            availability.succeeded()
        return plans, []
    middle = len(chunk) // 2
    plans, results = await plan_each(
        job, target, chunk[:middle], references_only=references_only, availability=availability
    )
    more_plans, more_results = await plan_each(
        job, target, chunk[middle:], references_only=references_only, availability=availability
    )
    return plans + more_plans, results + more_results


async def _plan(job: Job, target: Writer, chunk: Sequence[Staged], *, references_only: bool) -> list[RecordPlan]:
    known = await context.look_up(job, target, chunk, references_only=references_only)
    plans = []
    for candidate in known.candidates:
        # Other records' requests must be sent in time, so they do not wait for a whole chunk.
        await asyncio.sleep(0)
        plans.append(plan_record(candidate, known))
    return plans


def is_about_records(error: BaseException) -> bool:
    """Return whether an error may be about single records, so that the others can continue without them."""
    if isinstance(error, asyncpg.PostgresError):
        return database.is_about_data(error)
    if isinstance(error, ConnectorError):
        return isinstance(error, QueryTooComplex)
    # An error of the operating system, such as a full disk, affects all records.
    return isinstance(error, Exception) and not isinstance(error, Interrupted | OSError | asyncpg.InterfaceError)


def failed(staged: Staged, error: BaseException) -> Result:
    """Return the result of a record that failed with this error."""
    if isinstance(error, ConnectorError):
        code, message = error.code, f"This record cannot be looked up in the target, so it is not migrated: {error}"
    else:
        log.error("record_failed", record=staged.id, source_id=staged.source_id, exc_info=error)
        code = "internal_error"
        message = (
            f"An internal error occurred at this record ({type(error).__name__}), so it is not migrated. Tell the "
            "operator: the details are in the worker's log."
        )
    if staged.in_flight is not None:
        message += MAY_HAVE_ARRIVED
    return Result(
        source_id=staged.source_id,
        settled=Settled(id=staged.id, outcome="failed", code=code, message=message),
        issues=(Issue(level="error", code=code, message=message),),
    )
