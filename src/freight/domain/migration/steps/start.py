"""Start: the precheck, and the schema that the target needs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from freight import database
from freight.connectors import registry
from freight.connectors.errors import MustWait, Rejected
from freight.connectors.protocols import Discovery, Issue, Source, Target, Workspace
from freight.database import Connection
from freight.domain.current_step import Interrupted
from freight.domain.jobs import discovered_schema, usage, workspace_conflicts
from freight.domain.jobs import model as jobs
from freight.domain.jobs.discovered_schema import DiscoveredSchema, Rates
from freight.domain.jobs.earlier import JobSettings, settings_of_earlier_jobs
from freight.domain.jobs.model import Job
from freight.domain.jobs.workspace_conflicts import WORKSPACE_BUSY
from freight.domain.migration.availability import Availability
from freight.domain.migration.planning import estimates
from freight.domain.migration.planning.changes import changed_settings
from freight.domain.migration.records import ledger, logs, streams
from freight.domain.migration.records.conventions import NumericFields
from freight.domain.migration.records.leases import Lease
from freight.domain.migration.records.ledger import LedgerEntry
from freight.domain.migration.steps import runner
from freight.domain.migration.steps.runner import Failure, Step
from freight.domain.migration.steps.scheduling import BEFORE_EXTRACTION, READ_WHOLE
from freight.domain.migration.steps.worker_context import WorkerContext
from freight.model.resolved_mapping import ResolvedMapping

MAX_NAMED_BLOCKERS = 10
"""Blockers that the job's error names; a large mapping may have thousands."""

BUSY_SECONDS = 20
"""How often a job that waits for its workspaces checks whether they are free."""


async def start(context: WorkerContext, tenant_id: UUID, job_id: UUID) -> UUID | None:
    """Start a job. Return its id, or None if another worker starts it or it has been started."""

    async def read(tx: Connection, lease: Lease) -> Step:
        return _Start(context, await jobs.lock(tx, job_id), lease)

    return await runner.run("jobs", tenant_id, job_id, context.worker, read)


class _Start(Step):
    """One attempt at starting a job."""

    def __init__(self, context: WorkerContext, job: Job, lease: Lease) -> None:
        super().__init__(job, lease)
        self._context = context

    @property
    def may_begin(self) -> bool:
        job = self.job
        return not job.is_ending and job.status in ("pending", "running") and job.stage in BEFORE_EXTRACTION

    async def begin(self, tx: Connection) -> None:
        if self.job.status == "pending":
            await jobs.move(tx, self.job, "running")

    async def run(self) -> None:
        job, context = self.job, self._context
        async with context.source(job) as source, context.target(job) as target:
            async with Availability(job.id, context.waits, source=source, target=target).outages_waited_for():
                discovered = await _precheck(job, source, target, context.rates(job))
                await _schema(job, discovered, target)
            context.waits.over(job.id)

    async def give_up(self, tx: Connection, failure: Failure) -> None:
        await jobs.stop(tx, self.job.id, code=failure.code, message=failure.message)


async def _precheck(job: Job, source: Source, target: Target, rates: Rates) -> DiscoveredSchema:
    """Check whether the job can run and what it needs. Raise `Interrupted` if it must end."""
    await _enter(job, "precheck")
    for side, opened, expected in (
        ("source", await source.identify(), job.source_workspace),
        ("target", await target.identify(), job.target_workspace),
    ):
        if opened.id != expected:
            await _refuse_workspace(job, side, opened)
            raise Interrupted
    discover = await source.discover(job.entities, job.mapping)
    provenance = registry.provenance(job.source_system)
    planned = await target.plan_schema(discover.schema, job.mapping, job.entities, provenance)
    asked = source.take_usage()
    reads = None if discover.reads is None else asked.reads + discover.reads
    estimate = estimates.before_reading(
        discover.schema,
        planned.layout,
        job.entities,
        source_reads=reads,
        records_per_query=registry.target_role(job.target_system).records_per_query,
        rates=rates,
    )
    issues = [*discover.issues, *planned.issues, *_quota(job, discover)]
    blockers = [issue for issue in issues if issue.level == "error"]
    settings = JobSettings(
        mapping=job.mapping, entities=job.entities, on_existing=job.on_existing, layout=planned.layout
    )
    async with database.as_tenant(job.tenant_id) as tx:
        issues += changed_settings(await settings_of_earlier_jobs(tx, job), settings)
        earlier = await discovered_schema.read(tx, job.id)
        layout = planned.layout if earlier is None else _still_to_make(planned.layout, earlier.layout)
        await discovered_schema.save(tx, job.id, discover.schema, layout)
        await discovered_schema.save_estimate(tx, job.id, estimate, rates)
        # An attempt that failed after the precheck is repeated from the beginning.
        await logs.write(tx, job.tenant_id, job.id, await logs.not_logged(tx, job.id, issues))
        await usage.add(tx, job.id, source=asked, target=target.take_usage(), has_progressed=False)
        if blockers:
            await jobs.stop(tx, job.id, code="precheck_failed", message=_summary(blockers))
    if blockers:
        raise Interrupted
    return DiscoveredSchema(schema=discover.schema, layout=layout)


def _summary(blockers: Sequence[Issue]) -> str:
    told = " ".join(issue.message for issue in blockers[:MAX_NAMED_BLOCKERS])
    more = len(blockers) - MAX_NAMED_BLOCKERS
    return f"{told} There are {more:,} more reasons: the log and the report list all of them." if more > 0 else told


def _quota(job: Job, discover: Discovery) -> list[Issue]:
    # A sample reads little.
    if discover.calls_left is None or discover.reads is None or job.mode == "sample":
        return []
    reads = discover.reads
    if not job.writes:
        # Each file takes one further call, for its content.
        reads -= discover.schema.counts.get("files", 0)
    if discover.calls_left >= reads:
        return []
    return [
        Issue(
            level="error",
            code="quota_too_small",
            message=f"The source's account has {discover.calls_left:,} API calls left for this month, and reading it "
            f"takes about {reads:,}. Migrate fewer entities or lists, or wait until the quota is renewed.",
        )
    ]


def _still_to_make(layout: ResolvedMapping, earlier: ResolvedMapping) -> ResolvedMapping:
    """Return the layout, with lists that an earlier attempt at this job may have created still marked as its own."""
    made = {context.list_id for context in earlier.lists if context.action == "make"}
    lists = tuple(
        msgspec.structs.replace(context, action="make") if context.list_id in made else context
        for context in layout.lists
    )
    return msgspec.structs.replace(layout, lists=lists)


async def _refuse_workspace(job: Job, side: str, opened: Workspace) -> None:
    async with database.as_tenant(job.tenant_id) as tx:
        await jobs.stop(
            tx,
            job.id,
            code="workspace_changed",
            message=f"The {side}'s key now belongs to another workspace, {opened.id} ({opened.name}). "
            "Create a new job for it.",
        )


async def _schema(job: Job, discovered: DiscoveredSchema, target: Target) -> None:
    await _enter(job, "schema")
    layout = discovered.layout
    if job.writes:
        try:
            layout = await target.ensure_schema(layout)
        except Rejected as error:
            async with database.as_tenant(job.tenant_id) as tx:
                await jobs.stop(tx, job.id, code="schema_refused", message=str(error))
            raise Interrupted from error
    async with database.as_tenant(job.tenant_id) as tx:
        await discovered_schema.save(tx, job.id, discovered.schema, layout)
        if job.writes:
            await _remember_lists(tx, job, layout)
        read_whole = NumericFields.of(layout).entities.union(READ_WHOLE)
        await streams.open_all(tx, job.tenant_id, job.id, job.entities, read_whole=read_whole)
        await usage.add(tx, job.id, target=target.take_usage())
        await jobs.enter_stage(tx, await jobs.lock(tx, job.id), "extract")


async def _remember_lists(tx: Connection, job: Job, layout: ResolvedMapping) -> None:
    """Store the lists that the job has created in the ledger, where their records are matched."""
    known = await ledger.look_up(tx, job.pair, "lists", [context.list_id for context in layout.lists])
    made = [
        LedgerEntry(
            source_id=context.list_id,
            target_id=context.target_id,
            origin="created",
            values={},
            written=frozenset(),
            replaced={},
        )
        for context in layout.lists
        if context.action == "make"
        and context.target_id is not None
        and (context.list_id not in known or known[context.list_id].target_id != context.target_id)
    ]
    await ledger.remember(tx, job.tenant_id, job.id, job.pair, "lists", made)


async def _enter(job: Job, stage: str) -> None:
    async with database.as_tenant(job.tenant_id) as tx:
        current = await jobs.lock(tx, job.id)
        if not current.may_go_on:
            raise Interrupted
        is_free = current.stage is not None or not current.writes or await workspace_conflicts.hold_pair(tx, current)
        if is_free:
            await jobs.enter_stage(tx, current, stage)
        elif await workspace_conflicts.has_waited_too_long(tx, job.id):
            await jobs.stop(tx, job.id, code=WORKSPACE_BUSY, message=workspace_conflicts.GIVEN_UP)
        else:
            again = datetime.now(UTC) + timedelta(seconds=BUSY_SECONDS)
            raise MustWait(workspace_conflicts.WAITING, until=again, code=WORKSPACE_BUSY)
    if not is_free:
        raise Interrupted
