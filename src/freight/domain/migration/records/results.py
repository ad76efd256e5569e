"""Results: what became of each record of a chunk, until it is stored."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from freight.connectors.protocols import Implied, Issue
from freight.database import Connection
from freight.domain.migration.records import ledger, records
from freight.domain.migration.records.ledger import ONE_TO_ONE, LedgerEntry, WorkspacePair
from freight.domain.migration.records.logs import Entry
from freight.domain.migration.records.records import Settled
from freight.domain.migration.records.refusals import NOT_STORABLE
from freight.model.crm import Entity


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one record: its outcome, its ledger entry, and issues to log."""

    source_id: str
    settled: Settled
    learned: LedgerEntry | None = None
    issues: tuple[Issue, ...] = ()
    implied: tuple[Implied, ...] = ()
    """The records that the target creates by itself because this one was created."""


class Clash(msgspec.Struct, frozen=True, kw_only=True):
    """A result whose newly created target record is known to belong to another source record."""

    result: Result
    target_id: str
    owner: str
    """The source id of that other record."""


async def find_clashes(
    tx: Connection, job_id: UUID, pair: WorkspacePair, entity: Entity, results: Sequence[Result]
) -> list[Clash]:
    """Return the results whose newly created target record belongs to another source record.

    No other transaction can store results of this entity before this one ends.
    """
    if entity not in ONE_TO_ONE:
        return []
    learned = [(result, result.learned) for result in results if result.learned is not None]
    made = [(result, known) for result, known in learned if result.settled.outcome == "created"]
    if not made:
        return []
    await tx.execute("SELECT FROM streams WHERE job_id = $1 AND entity = $2 FOR NO KEY UPDATE", job_id, entity)
    owners = await ledger.owners(tx, pair, entity, [known.target_id for _, known in made])
    owners |= {known.target_id: known.source_id for result, known in learned if result.settled.outcome != "created"}
    clashes = []
    for result, known in made:
        owner = owners.setdefault(known.target_id, known.source_id)
        if owner != known.source_id:
            clashes.append(Clash(result=result, target_id=known.target_id, owner=owner))
    return clashes


def log_entries(entity: Entity, results: Sequence[Result]) -> list[Entry]:
    """Return the log rows of results."""
    return [
        Entry(issue=issue, entity=entity, source_id=result.source_id) for result in results for issue in result.issues
    ]


def not_storable(result: Result, reason: str) -> Result:
    """Return the result of a record whose own result cannot be stored."""
    message = (
        f"Freight cannot store the result of this record: {reason}. Correct the record at the source and run the job "
        f"again.{records.MAY_HAVE_ARRIVED}"
    )
    return failed(result, code=NOT_STORABLE, message=message)


def failed(result: Result, *, code: str, message: str) -> Result:
    """Return the result as that of a failed record."""
    settled = Settled(id=result.settled.id, outcome="failed", code=code, message=message)
    issue = Issue(level="error", code=code, message=message)
    return Result(source_id=result.source_id, settled=settled, issues=(issue,))
