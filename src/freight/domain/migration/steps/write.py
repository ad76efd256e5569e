"""Write: carry out the plan for one record, and leave out values that the target refuses."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import msgspec

from freight.connectors.errors import (
    ConnectorError,
    InDoubt,
    NotFound,
    PermissionMissing,
    QueryTooComplex,
    Rejected,
    Unavailable,
    UnexpectedAnswer,
    UniquenessConflict,
)
from freight.connectors.protocols import Attributes, Draft, Issue, Reader, TargetRecord, Writer
from freight.domain.migration.planning import plan as planning
from freight.domain.migration.planning.drafts import without_attribute, without_value
from freight.domain.migration.planning.plan import DELETED_IN_TARGET, RecordPlan
from freight.domain.migration.records.ledger import LedgerEntry
from freight.domain.migration.records.records import MAY_HAVE_ARRIVED, Outcome, Settled
from freight.domain.migration.records.results import Result
from freight.model.addresses import comparable
from freight.model.crm import File

FORBIDDEN_IN_A_ROW = 10
"""Consecutive refusals after which the key, and not the record, is taken as the cause."""


GONE = "A record to which this one belongs is gone from the target"


class Doubted(InDoubt):
    """A request that may have created a record ended without confirmation. `draft` is what was last sent."""

    def __init__(self, cause: InDoubt, draft: Draft) -> None:
        super().__init__(str(cause))
        self.draft = draft


class SourceFailed(Exception):
    """The source did not return the data to write."""

    def __init__(self, cause: ConnectorError) -> None:
        super().__init__(str(cause))
        self.cause = cause


LookUp = Callable[[Draft], Awaitable[TargetRecord | None]]
"""Finds the record of the target that a draft matches."""

Reserve = Callable[[str, str], Awaitable[None]]
"""Reserves a record of the target for a source record: takes the source id and the target id."""


class RecordWriter:
    """Carries out plans with one writer. The content of files comes from `reader`.

    `look_up` finds a file that an earlier attempt uploaded with another size than the source lists. `reserve` reserves
    each file that was written, before another one that looks the same can match it.
    """

    def __init__(
        self,
        writer: Writer,
        reader: Reader | None = None,
        look_up: LookUp | None = None,
        reserve: Reserve | None = None,
    ) -> None:
        self.target = writer
        self._reader = reader
        self._look_up = look_up
        self._reserve = reserve
        self._forbidden = 0
        self._of_delivery: dict[int, tuple[Issue, ...]] = {}

    def leave(self, plan: RecordPlan) -> Result:
        """Return the result of a plan that sends nothing."""
        if plan.skip is not None:
            return _skipped(plan, plan.skip, learned=plan.known)
        return Result(
            source_id=plan.staged.source_id,
            settled=_settled(plan, plan.outcome, plan.target_id),
            learned=plan.known,
            issues=plan.issues,
            implied=plan.implied,
        )

    def predict(self, plan: RecordPlan) -> Result:
        """Return the result of the plan if everything in it were sent and accepted."""
        if plan.write is None:
            return self.leave(plan)
        outcome: Outcome = "created" if plan.write == "create" else "updated"
        return Result(
            source_id=plan.staged.source_id,
            settled=_settled(plan, outcome, plan.target_id),
            issues=plan.issues,
            implied=plan.implied,
        )

    async def write(self, plan: RecordPlan) -> Result:
        """Send what is planned. A record that a vendor refuses fails alone.

        Raise the `ConnectorError`s that may be about the vendor and not about the record, as `SourceFailed` if the
        source gave no usable answer, and as `Doubted` if the target may have created the record.
        """
        try:
            result = await (self._create(plan) if plan.write == "create" else self._update(plan))
        except SourceFailed as failure:
            return self._refused(plan, failure.cause, failure)
        except ConnectorError as error:
            return self._refused(plan, error, error)
        self._forbidden = 0
        target_id = result.settled.target_id
        if self._reserve is not None and isinstance(plan.staged.record, File) and target_id is not None:
            await self._reserve(result.source_id, target_id)
        return result

    def of_delivery(self, plan: RecordPlan) -> tuple[Issue, ...]:
        """Remove and return the issues about the delivery of this record's content by the source."""
        return self._of_delivery.pop(plan.staged.id, ())

    def given_up(self, plan: RecordPlan, error: ConnectorError | SourceFailed) -> Result:
        """Return the result of a record about which a vendor gives no usable answer while it answers others."""
        if isinstance(error, SourceFailed):
            return _failed(
                plan, error.cause, "The source does not return this record, although it answers other requests"
            )
        return _failed(plan, error, "The target does not accept this record, although it answers other requests")

    def never_confirmed(self, plan: RecordPlan) -> Result:
        """Return the result of a record that several requests may have created, without confirmation."""
        message = (
            f"The target confirmed none of the requests to create this record, and it was not found there after any of "
            f"them, so it is not migrated. Try again later, or create it there by hand.{MAY_HAVE_ARRIVED}"
        )
        issue = Issue(level="error", code="in_doubt", message=message)
        return Result(
            source_id=plan.staged.source_id,
            settled=Settled(id=plan.staged.id, outcome="failed", code=issue.code, message=message),
            issues=(*plan.issues, issue),
        )

    def _refused(self, plan: RecordPlan, error: ConnectorError, raised: ConnectorError | SourceFailed) -> Result:
        """Return the result if the error is about the record alone; raise it otherwise."""
        by_source = isinstance(raised, SourceFailed)
        match error:
            case NotFound():
                gone = "The source no longer has this record" if by_source else GONE
                return _failed(plan, error, gone)
            case Rejected() | QueryTooComplex():
                refused = "The source refused to return this record" if by_source else "The target refused this record"
                return _failed(plan, error, refused)
            case PermissionMissing() if self._forbidden + 1 < FORBIDDEN_IN_A_ROW:
                self._forbidden += 1
                side = "source" if by_source else "target"
                return _failed(plan, error, f"The {side} refused access to this record")
            case Unavailable() | UnexpectedAnswer():
                raise raised
            case _:
                raise error

    async def _create(self, plan: RecordPlan) -> Result:
        draft, record = await self._make(plan, plan.draft)
        if record.source_id not in (None, draft.source_id):
            return _merged(plan, record)
        return Result(
            source_id=plan.staged.source_id,
            settled=_settled(plan, "created", record.id),
            learned=planning.created(draft, plan.drafted, record),
            issues=(*draft.issues, *record.issues, *self.of_delivery(plan)),
            implied=tuple(one for one in plan.implied if one in self.target.implied(draft)),
        )

    async def _make(self, plan: RecordPlan, draft: Draft) -> tuple[Draft, TargetRecord]:
        """Create the record. Leave out the values that the target refuses, one by one."""
        while True:
            try:
                return draft, await self._send(plan, draft)
            except InDoubt as error:
                raise Doubted(error, draft) from error
            except Rejected as error:
                _, draft = await self._without_refused(draft, draft.values, error, own_id=None)

    async def _send(self, plan: RecordPlan, draft: Draft) -> TargetRecord:
        file = plan.staged.record
        if not isinstance(file, File) or self._reader is None:
            return await self.target.create(draft)
        async with AsyncExitStack() as stack:
            try:
                content = await stack.enter_async_context(self._reader.open_file(file))
            except ConnectorError as error:
                raise SourceFailed(error) from error
            self._of_delivery[plan.staged.id] = content.issues
            record = None
            if plan.staged.in_flight == "create" and file.size != content.size and self._look_up is not None:
                # The plan looked for a file of the size that the source lists; the file sent has this size.
                record = await self._look_up(_sized(draft, content.size))
            return record or await self.target.create(draft, content)

    async def _update(self, plan: RecordPlan) -> Result:
        assert plan.target_id is not None  # noqa: S101 - a plan to update always says what
        draft, values = plan.draft, plan.values
        record: TargetRecord | None = None
        while values:
            try:
                record = await self.target.update(draft, plan.target_id, values)
                break
            except NotFound:
                return _skipped(plan, DELETED_IN_TARGET)
            except Rejected as error:
                slug, left = await self._without_refused(draft, values, error, own_id=plan.target_id)
                values = _to_send(values, slug, draft, left, plan.standing)
                draft = left
        outcome: Outcome = "updated" if values else "unchanged"
        if plan.staged.in_flight == "create" and plan.outcome == "created":
            outcome = "created"
        return Result(
            source_id=plan.staged.source_id,
            settled=_settled(plan, outcome, plan.target_id),
            learned=planning.updated(plan, draft, values, record),
            issues=(*plan.issues, *draft.issues[len(plan.draft.issues) :], *(record.issues if record else ())),
        )

    async def _without_refused(
        self, draft: Draft, sent: Attributes, error: Rejected, *, own_id: str | None
    ) -> tuple[str, Draft]:
        """Return the attribute that the target refused, and the draft without the refused values.

        Raise the error if it does not name an attribute.
        """
        slug = error.attribute
        if slug is None or slug not in sent:
            raise error
        if isinstance(error, UniquenessConflict):
            shared = await self._held_by_others(draft, slug, own_id)
            for value, holder in shared.items():
                draft = without_value(draft, slug, value, holder=holder)
            if shared:
                return slug, draft
        return slug, without_attribute(draft, slug, str(error))

    async def _held_by_others(self, draft: Draft, slug: str, own_id: str | None) -> dict[str, str]:
        """Return which of the draft's values of a unique attribute other records have, and which records."""
        holders = {
            comparable(str(value)): record.id
            for record in await self.target.find([draft])
            if record.id != own_id
            for value in record.values.get(slug, [])
        }
        return {
            value: holder
            for value in draft.unique.get(slug, ())
            if (holder := holders.get(comparable(value))) is not None
        }


def _to_send(values: Attributes, refused: str, before: Draft, after: Draft, standing: Attributes) -> Attributes:
    """Return the values of an update without what its draft has lost of an attribute.

    If the whole attribute was refused, none of it is sent: the rest would replace the target's values.
    """
    kept = {slug: items for slug, items in values.items() if slug != refused}
    if refused in after.values:
        gone = [item for item in before.values[refused] if item not in after.values[refused]]
        remaining = [item for item in values[refused] if item not in gone]
        if remaining != standing.get(refused, []):
            kept[refused] = remaining
    return kept


def _sized(draft: Draft, size: int) -> Draft:
    return msgspec.structs.replace(draft, values={**draft.values, "size": [size]})


def _settled(plan: RecordPlan, outcome: Outcome, target_id: str | None) -> Settled:
    return Settled(id=plan.staged.id, outcome=outcome, target_id=target_id, awaits_references=bool(plan.draft.slots))


def _failed(plan: RecordPlan, error: ConnectorError, what: str) -> Result:
    message = f"{what}: {error}"
    attribute = error.attribute if isinstance(error, Rejected) else None
    return Result(
        source_id=plan.staged.source_id,
        settled=Settled(id=plan.staged.id, outcome="failed", code=error.code, message=message),
        issues=(*plan.issues, Issue(level="error", code=error.code, message=message, field=attribute)),
    )


def _merged(plan: RecordPlan, record: TargetRecord) -> Result:
    message = (
        f"The target answered with the record {record.id}, which has the source id {record.source_id} and not that of "
        "this record. Compare the two in the target, and merge or separate them there."
    )
    return Result(
        source_id=plan.staged.source_id,
        settled=Settled(id=plan.staged.id, outcome="failed", code="merged_in_target", message=message),
        issues=(*plan.issues, Issue(level="error", code="merged_in_target", message=message, value=record.id)),
    )


def _skipped(plan: RecordPlan, why: Issue, *, learned: LedgerEntry | None = None) -> Result:
    return Result(
        source_id=plan.staged.source_id,
        settled=Settled(
            id=plan.staged.id, outcome="skipped", target_id=plan.target_id, code=why.code, message=why.message
        ),
        learned=learned,
        issues=(*plan.issues, why),
    )
