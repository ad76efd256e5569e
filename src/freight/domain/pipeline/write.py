"""Write: carry out the plan for one record, and get along with what the target refuses."""

from freight import crm
from freight.connectors.errors import InDoubt, NotFound, Rejected, Unavailable, UniquenessConflict
from freight.connectors.protocols import Attributes, Draft, Issue, Source, Target, TargetRecord
from freight.domain.batches import Result
from freight.domain.pipeline import plan as planning
from freight.domain.pipeline.plan import DELETED_IN_TARGET, Plan
from freight.domain.records import Outcome, Settled

IN_DOUBT_TRIES = 5
"""How often a create whose effect is unknown is looked up and sent again before the batch waits."""


class Writer:
    """Writes records to one target; what it writes of files it reads from `source`."""

    def __init__(self, target: Target, source: Source | None = None) -> None:
        self._target = target
        self._source = source

    def leave(self, plan: Plan) -> Result:
        """The result of a plan that sends nothing."""
        if plan.skip is not None:
            return _skipped(plan, plan.skip)
        return Result(
            source_id=plan.staged.source_id,
            settled=_settled(plan, plan.outcome, plan.target_id),
            learned=plan.known,
            issues=plan.issues,
        )

    def predict(self, plan: Plan) -> Result:
        """The result that the plan would have if everything in it were sent and accepted."""
        if plan.write is None:
            return self.leave(plan)
        outcome: Outcome = "created" if plan.write == "create" else "updated"
        return Result(
            source_id=plan.staged.source_id,
            settled=_settled(plan, outcome, plan.target_id),
            issues=plan.issues,
        )

    async def write(self, plan: Plan) -> Result:
        """Send what is planned. A record that the target refuses fails alone.

        Raises the `ConnectorError`s that are about the target and not about the record.
        """
        try:
            return await (self._create(plan) if plan.write == "create" else self._update(plan))
        except Rejected as error:
            message = f"The target refused this record: {error}"
            return Result(
                source_id=plan.staged.source_id,
                settled=Settled(id=plan.staged.id, outcome="failed", code=error.code, message=message),
                issues=(*plan.issues, Issue(level="error", code=error.code, message=message, field=error.attribute)),
            )

    async def _create(self, plan: Plan) -> Result:
        draft = plan.draft
        for _ in range(IN_DOUBT_TRIES):
            try:
                draft, target_id = await self._make(draft)
            except InDoubt:
                # It may have been made: to send it again without a look could double it.
                if (target_id := await self._look_up(draft) or "") == "":
                    continue
            return Result(
                source_id=plan.staged.source_id,
                settled=_settled(plan, "created", target_id),
                learned=planning.created(draft, plan.drafted, target_id),
                issues=draft.issues,
            )
        raise Unavailable("The target kept failing in the middle of a request that makes a record.")

    async def _make(self, draft: Draft) -> tuple[Draft, str]:
        """Create the record, leaving out one by one the values that the target refuses."""
        while True:
            try:
                return draft, (await self._send(draft)).id
            except Rejected as error:
                draft = await self._without_refused(draft, draft.values, error, own_id=None)

    async def _send(self, draft: Draft) -> TargetRecord:
        if draft.entity != "files" or self._source is None:
            return await self._target.create(draft)
        async with self._source.open_file(draft.source_id) as content:
            return await self._target.create(draft, content)

    async def _update(self, plan: Plan) -> Result:
        assert plan.target_id is not None  # noqa: S101 - a plan to update always says what
        draft, values = plan.draft, plan.values
        while values:
            try:
                await self._target.update(draft, plan.target_id, values)
                break
            except NotFound:
                return _skipped(plan, DELETED_IN_TARGET)
            except Rejected as error:
                draft = await self._without_refused(draft, values, error, own_id=plan.target_id)
                values = _still_there(values, plan.draft, draft)
        known = plan.known
        if known is not None:
            refused = plan.values.keys() - values.keys()
            known = planning.without_written(known, refused)
        return Result(
            source_id=plan.staged.source_id,
            settled=_settled(plan, "updated" if values else "unchanged", plan.target_id),
            learned=known,
            issues=(*plan.issues, *draft.issues[len(plan.draft.issues) :]),
        )

    async def _without_refused(self, draft: Draft, sent: Attributes, error: Rejected, *, own_id: str | None) -> Draft:
        """The draft without what the target complained about; raises the error if that cannot be told."""
        slug = error.attribute
        if slug is None or slug not in sent or slug not in draft.values:
            raise error
        if isinstance(error, UniquenessConflict):
            shared = await self._held_by_others(draft, slug, own_id)
            for value, holder in shared.items():
                draft = planning.without_value(draft, slug, value, holder=holder)
            if shared:
                return draft
        return planning.without_attribute(draft, slug, str(error))

    async def _held_by_others(self, draft: Draft, slug: str, own_id: str | None) -> dict[str, str]:
        """Which of the draft's values of a unique attribute stand on other records, and on which."""
        holders = {
            crm.normalise_claim(str(value)): record.id
            for record in await self._target.find([draft])
            if record.id != own_id
            for value in record.values.get(slug, [])
        }
        return {
            value: holder
            for value in draft.unique.get(slug, ())
            if (holder := holders.get(crm.normalise_claim(value))) is not None
        }

    async def _look_up(self, draft: Draft) -> str | None:
        for record in await self._target.find([draft]):
            if record.source_id == draft.source_id:
                return record.id
        return None


def _still_there(values: Attributes, before: Draft, after: Draft) -> Attributes:
    """The values to send, less what has been taken out of the draft."""
    kept = {}
    for slug, items in values.items():
        gone = [item for item in before.values.get(slug, []) if item not in after.values.get(slug, [])]
        if remaining := [item for item in items if item not in gone]:
            kept[slug] = remaining
        elif not gone:
            kept[slug] = items
    return kept


def _settled(plan: Plan, outcome: Outcome, target_id: str | None) -> Settled:
    return Settled(id=plan.staged.id, outcome=outcome, target_id=target_id, awaits_references=bool(plan.draft.pending))


def _skipped(plan: Plan, why: Issue) -> Result:
    return Result(
        source_id=plan.staged.source_id,
        settled=Settled(
            id=plan.staged.id, outcome="skipped", target_id=plan.target_id, code=why.code, message=why.message
        ),
        issues=(*plan.issues, why),
    )
