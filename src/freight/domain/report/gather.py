"""Gather a report from counters and from rows that the database has grouped. No records are read one by one."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import msgspec

from freight.connectors import registry
from freight.connectors.codes import ReportSection
from freight.connectors.protocols import MADE_BY_TARGET
from freight.connectors.spec import NotMigrated
from freight.database import Connection, Row
from freight.domain.errors import NotFound
from freight.domain.jobs import discovered_schema
from freight.domain.jobs import model as jobs
from freight.domain.jobs.model import Job
from freight.domain.jobs.statistics import Outcomes, VendorCalls
from freight.domain.jobs.transitions import LIVE
from freight.domain.report.codes import advice_on, code_of, section_of
from freight.domain.report.contents import (
    ActualCost,
    EntityReport,
    Gone,
    Instance,
    JobIssue,
    JobReport,
    LeftValues,
    MadeByTarget,
    Reason,
    ReportedError,
    ReportedJob,
    ReportedWorkspace,
    Section,
    Uncarried,
)
from freight.domain.report.mapping import mapping_in_force
from freight.domain.report.sections import HEADINGS
from freight.model.crm import LOAD_ORDER, Entity

FIELDS_PER_CODE = 100
"""Fields listed for one code of one entity; the others are summed in one row."""

MAX_ISSUES = 1000
"""Issues about the whole job that a report lists."""

MAX_VALUES = 1000
"""Values listed of the records that the target creates by itself."""

DRY_RUN = "Nothing was written: the figures show what a full run would do."
PAUSED: dict[str, str] = {
    "person": "The job was paused by a person. Resume it to continue.",
    "quota": "The job waits for a vendor's quota of API calls. It continues by itself when the quota is renewed.",
    "plan": "The job is paused because a workspace has reached the limit of its plan. Upgrade the plan or make room, "
    "then resume the job.",
    "vendor": "The job is paused because a vendor was unavailable, or made it wait, for 24 hours. Resume it when the "
    "vendor is available again.",
    "suspension": "The job is paused because its tenant is suspended. It continues when the suspension is lifted.",
}
"""Why a job is paused, by who or what paused it."""

NOT_ENDED = "The job has not ended: the figures will change."
ERASED = "The job's retention time has passed: the mapping and the source's data in the log were erased."


async def job_report(tx: Connection, job: Job) -> JobReport:
    """Return the report of a job as it is now."""
    discovered = await discovered_schema.read(tx, job.id)
    cost, erased = await _cost(tx, job.id)
    counts = (await jobs.counts(tx, [job.id]))[job.id]
    reasons = await _reasons(tx, job.id)
    left = await _left_values(tx, job.id)
    issues, further_issues = await _issues(tx, job.id)
    uncarried = {} if discovered is None else discovered.schema.uncarried
    return JobReport(
        job=_reported(job),
        ended=job.status not in LIVE,
        remarks=_remarks(job, erased=erased),
        entities=[
            EntityReport(**msgspec.structs.asdict(one), reasons=[given for of, given in reasons if of == one.entity])
            for one in counts
        ],
        outcomes=Outcomes(**{name: sum(getattr(one, name) for one in counts) for name in Outcomes.__struct_fields__}),
        sections=_sections([row for row in left if code_of(row.code).section != "apart"], reasons),
        issues=issues,
        further_issues=further_issues,
        uncarried=_uncarried(registry.source_role(job.source_system).not_migrated, uncarried, left),
        gone_from_source=_gone(left),
        made_by_target=await _made_by_target(tx, job.id),
        mapping=None if discovered is None else mapping_in_force(discovered.layout, discovered.schema),
        estimate=await discovered_schema.estimate(tx, job.id),
        cost=cost,
    )


def _reported(job: Job) -> ReportedJob:
    same = {name: getattr(job, name) for name in set(ReportedJob.__struct_fields__) & set(Job.__struct_fields__)}
    source = ReportedWorkspace(system=job.source_system, id=job.source_workspace, name=job.source_workspace_name)
    target = ReportedWorkspace(system=job.target_system, id=job.target_workspace, name=job.target_workspace_name)
    seconds = None if job.started_at is None else (job.completed_at or datetime.now(UTC)) - job.started_at
    return ReportedJob(
        **same,
        source=source,
        target=target,
        duration_seconds=None if seconds is None else round(seconds.total_seconds(), 1),
        error=None if job.error_code is None else ReportedError(code=job.error_code, message=job.error_message or ""),
    )


def _remarks(job: Job, *, erased: bool) -> list[str]:
    sample = f"A sample: up to {job.sample_size} records of each entity, with everything that they refer to."
    said = {
        DRY_RUN: not job.writes,
        sample: job.mode == "sample",
        NOT_ENDED: job.status in LIVE,
        PAUSED.get(job.paused_by or "", ""): job.status == "paused" and job.paused_by in PAUSED,
        "" if job.waiting_for is None else f"The job waits: {job.waiting_for.message}": job.waiting_for is not None,
        ERASED: erased,
    }
    return [remark for remark, holds in said.items() if holds]


async def _cost(tx: Connection, job_id: UUID) -> tuple[ActualCost, bool]:
    """Return the cost of the job, and whether its data has been erased."""
    row = await tx.fetchrow(
        """SELECT source_reads, target_reads, target_writes, waited_seconds, purged_at IS NOT NULL AS erased
           FROM jobs WHERE id = $1""",
        job_id,
    )
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    calls = VendorCalls(**{name: row[name] for name in VendorCalls.__struct_fields__})
    return ActualCost(vendor_calls=calls, waited_seconds=round(row["waited_seconds"], 1)), row["erased"]


async def _reasons(tx: Connection, job_id: UUID) -> list[tuple[Entity, Reason]]:
    rows = await tx.fetch(
        """SELECT entity, outcome, code, count(*) AS records, min(id) AS example FROM records
           WHERE job_id = $1 AND code IS NOT NULL AND outcome IN ('skipped', 'failed')
           GROUP BY entity, outcome, code ORDER BY records DESC, entity, outcome, code""",
        job_id,
    )
    examples = await _examples(tx, "records", job_id, rows)
    return [
        (
            row["entity"],
            Reason(
                outcome=row["outcome"],
                code=row["code"],
                records=row["records"],
                advice=advice_on(row["code"]),
                example=examples[row["example"]],
            ),
        )
        for row in rows
    ]


async def _left_values(tx: Connection, job_id: UUID) -> list[LeftValues]:
    rows = await tx.fetch(
        """WITH counted AS (
               SELECT entity, code, level, field, count(*) AS rows, min(id) AS example FROM logs
               WHERE job_id = $1 AND entity IS NOT NULL GROUP BY entity, code, level, field
           ), ranked AS (
               SELECT *, row_number() OVER (PARTITION BY entity, code, level ORDER BY rows DESC, field) <= $2 AS told
               FROM counted
           )
           SELECT entity, code, level, CASE WHEN told THEN field END AS field, count(*) AS fields,
                  sum(rows)::bigint AS rows, min(example) AS example
           FROM ranked GROUP BY entity, code, level, told, CASE WHEN told THEN field END
           ORDER BY told DESC, rows DESC, entity, code, field""",
        job_id,
        FIELDS_PER_CODE,
    )
    examples = await _examples(tx, "logs", job_id, rows)
    left = [LeftValues(**{**row, "example": examples[row["example"]]}) for row in rows]
    return sorted(left, key=lambda row: LOAD_ORDER.index(row.entity))


async def _examples(
    tx: Connection, table: Literal["records", "logs"], job_id: UUID, rows: Iterable[Row]
) -> Mapping[int, Instance]:
    value = "value" if table == "logs" else "NULL AS value"
    found = await tx.fetch(
        f"SELECT id, source_id, message, {value} FROM {table} WHERE job_id = $1 AND id = ANY($2)",
        job_id,
        [row["example"] for row in rows],
    )
    return {
        row["id"]: Instance(source_id=row["source_id"], value=row["value"], message=row["message"]) for row in found
    }


async def _issues(tx: Connection, job_id: UUID) -> tuple[list[JobIssue], int]:
    rows = await tx.fetch(
        """SELECT level, code, message, field, value, count(*) AS times, count(*) OVER () AS total FROM logs
           WHERE job_id = $1 AND entity IS NULL GROUP BY level, code, message, field, value
           ORDER BY array_position(ARRAY['error', 'warning', 'info'], level::text), min(id) LIMIT $2""",
        job_id,
        MAX_ISSUES,
    )
    issues = [JobIssue(**{name: row[name] for name in JobIssue.__struct_fields__}) for row in rows]
    return issues, rows[0]["total"] - len(rows) if rows else 0


def _sections(left: Sequence[LeftValues], reasons: Iterable[tuple[Entity, Reason]]) -> list[Section]:
    of_records = {(entity, reason.code) for entity, reason in reasons}
    found: dict[ReportSection, list[LeftValues]] = {code: [] for code in HEADINGS}
    for row in left:
        tells_reason = (row.field is None or code_of(row.code).advice) and (row.entity, row.code) in of_records
        found["records" if tells_reason else section_of(row.code)].append(row)
    return [
        Section(
            code=code,
            title=HEADINGS[code].title,
            advice=HEADINGS[code].advice,
            rows=sum(row.rows for row in values),
            values=values,
        )
        for code, values in found.items()
        if values
    ]


def _gone(left: Iterable[LeftValues]) -> list[Gone]:
    return [
        Gone(entity=row.entity, records=row.rows, example=row.example) for row in left if row.code == "gone_from_source"
    ]


async def _made_by_target(tx: Connection, job_id: UUID) -> MadeByTarget:
    rows = await tx.fetch(
        """SELECT value, count(*) OVER () AS total FROM logs
           WHERE job_id = $1 AND code = $2 AND value IS NOT NULL GROUP BY value ORDER BY value LIMIT $3""",
        job_id,
        MADE_BY_TARGET,
        MAX_VALUES,
    )
    return MadeByTarget(
        records=rows[0]["total"] if rows else 0, values=[row["value"] for row in rows], advice=advice_on(MADE_BY_TARGET)
    )


def _uncarried(
    not_migrated: Mapping[str, NotMigrated], counted: Mapping[str, int], left: Sequence[LeftValues]
) -> list[Uncarried]:
    counts: dict[str, int | None] = dict(counted)
    for code, given in not_migrated.items():
        if not given.is_read:
            counts[code] = None
        elif given.counted_by is not None:
            counts[code] = sum(row.rows for row in left if row.code == given.counted_by)
    return [
        Uncarried(
            code=code,
            count=count,
            message=not_migrated[code].message if code in not_migrated else "These cannot be written to the target.",
        )
        for code, count in counts.items()
    ]
