"""The structure of a report."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from freight.connectors.codes import ReportSection
from freight.domain.jobs.discovered_schema import Estimate
from freight.domain.jobs.model import Counts, PausedBy
from freight.domain.jobs.requests import Mode, OnExisting
from freight.domain.jobs.statistics import Outcomes, VendorCalls
from freight.domain.jobs.transitions import Status
from freight.domain.jobs.waiting import Waiting
from freight.domain.migration.records.logs import Level
from freight.domain.report.mapping import MappingInForce
from freight.model.crm import Entity


class ReportedWorkspace(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a job."""

    system: str
    id: str
    name: str


class ReportedError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job failed."""

    code: str
    message: str


class ReportedJob(msgspec.Struct, frozen=True, kw_only=True):
    """The job that a report is about."""

    id: UUID
    name: str | None
    mode: Mode
    sample_size: int | None
    on_existing: OnExisting
    status: Status
    paused_by: Annotated[PausedBy | None, Meta(description="Who or what paused the job; null if it is not paused.")]
    resume_at: Annotated[datetime | None, Meta(description="When the job resumes by itself, if it does.")]
    waiting_for: Annotated[Waiting | None, Meta(description="What the job waits for; null while it makes progress.")]
    source: ReportedWorkspace
    target: ReportedWorkspace
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    duration_seconds: Annotated[
        float | None, Meta(description="From the start to the end or now; null before the start.")
    ]
    error: ReportedError | None


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """An example: the first of many."""

    source_id: str | None
    value: str | None
    message: str


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why records of an entity were skipped or failed."""

    outcome: Literal["skipped", "failed"]
    code: Annotated[str, Meta(description="A stable code.")]
    records: int
    advice: Annotated[str, Meta(description="What you can do about it.")]
    example: Instance


class EntityReport(Counts, frozen=True, kw_only=True):
    """Outcomes of an entity's records, and why some were not migrated."""

    reasons: Annotated[
        list[Reason], Meta(description="Reasons of skipped and failed records, the most frequent first.")
    ]


class LeftValues(msgspec.Struct, frozen=True, kw_only=True):
    """Log rows with the same entity, code and field."""

    entity: Entity
    code: str
    field: Annotated[
        str | None, Meta(description="The field or attribute; null if the row is about none or about several.")
    ]
    fields: Annotated[
        int,
        Meta(description="How many fields this is about: 1, or the number of fields after the most frequent ones."),
    ]
    level: Level
    rows: Annotated[int, Meta(description="Number of log rows; a record that is loaded again adds to it.")]
    example: Instance


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Values that were dropped, changed or left, for one kind of reason."""

    code: ReportSection
    title: str
    advice: Annotated[str, Meta(description="What you can do about it.")]
    rows: Annotated[int, Meta(description="Number of log rows.")]
    values: list[LeftValues]


class JobIssue(msgspec.Struct, frozen=True, kw_only=True):
    """An issue about the whole job; one with the level `error` stopped it."""

    level: Level
    code: str
    message: str
    field: str | None
    value: str | None
    times: Annotated[int, Meta(description="How often it was logged: each run of the precheck logs it again.")]


class ActualCost(msgspec.Struct, frozen=True, kw_only=True):
    """The cost of the job so far."""

    vendor_calls: VendorCalls
    waited_seconds: Annotated[
        float,
        Meta(description="Time spent waiting for vendors' limits, summed over concurrent requests."),
    ]


class Uncarried(msgspec.Struct, frozen=True, kw_only=True):
    """Data of the source that is not migrated to any target."""

    code: str
    count: Annotated[int | None, Meta(description="How many there are; null for data that is never read.")]
    message: str


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """Records that an earlier job migrated and that the source no longer returns. They stay in the target."""

    entity: Entity
    records: int
    example: Instance


class MadeByTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Companies that the target creates by itself from the e-mail addresses of new people."""

    records: Annotated[int, Meta(description="How many; a dry run counts those that a full run would cause.")]
    values: Annotated[list[str], Meta(description="Their domains, at most 1,000 of them.")]
    advice: Annotated[str, Meta(description="What you can do about it.")]


class JobReport(msgspec.Struct, frozen=True, kw_only=True):
    """The report on a job."""

    job: ReportedJob
    ended: Annotated[bool, Meta(description="Whether the figures are final.")]
    remarks: Annotated[list[str], Meta(description="What to know about the figures.")]
    entities: list[EntityReport]
    outcomes: Annotated[Outcomes, Meta(description="Outcomes over all entities.")]
    sections: Annotated[
        list[Section], Meta(description="Values that were dropped, changed or left, by kind of reason.")
    ]
    issues: Annotated[list[JobIssue], Meta(description="Issues about the whole job, most severe first.")]
    further_issues: Annotated[int, Meta(description="How many further issues there are.")]
    uncarried: Annotated[list[Uncarried], Meta(description="What cannot be migrated at all.")]
    gone_from_source: list[Gone]
    made_by_target: MadeByTarget
    mapping: Annotated[
        MappingInForce | None,
        Meta(description="Where fields and lists go; null before the precheck and after the retention time."),
    ]
    estimate: Annotated[
        Estimate, Meta(description="What a full run costs, by the precheck or a dry run; null where unknown.")
    ]
    cost: ActualCost
