"""Codes of issues in the report: the section that counts each, and advice."""

from collections.abc import Mapping

from freight.connectors import registry
from freight.connectors.codes import Code, ReportSection, coded

OWN: Mapping[str, Code] = {
    **coded("not_writable", "not_changeable"),
    **coded("refused", "left_out_before", level="info"),
    **coded("refused", "claimed_by_another_record", "held_by_another_record", "refused_by_target"),
    **coded("shared", "double_removed", "further_copy_stays", "taken_over", level="info"),
    **coded("shared", "double_not_removed", "restored_after_overwrite", "sent_twice"),
    **coded("kept", "kept_in_target", "kept_without_source", level="info"),
    **coded("references", "references_not_written", level="error"),
    **coded("not_shown", "reply_without_note"),
    **coded(
        "job",
        "precheck_failed",
        "quota_too_small",
        "schema_refused",
        "workspace_busy",
        "workspace_changed",
        level="error",
    ),
    **coded("job", "create_in_doubt", "database_unavailable", "mapping_changed", "waited_too_long"),
    **coded("job", "no_progress", "queued", "retrying"),
    **coded(
        "job",
        "batch_retried",
        "job_cancelled",
        "job_paused",
        "job_resumed",
        "job_retried",
        "job_went_on",
        level="info",
    ),
    **coded("apart", "gone_from_source"),
    "cancelled": Code(
        level="error", advice="The job was cancelled before it reached these. Create a new job to migrate them."
    ),
    "credentials_unreadable": Code(
        level="error", advice="The stored keys can no longer be decrypted. Create a new job with valid keys."
    ),
    "deleted_in_target": Code(
        advice="These were deleted in the target after an earlier job had written them. Restore those that you need "
        "there."
    ),
    "exists_in_target": Code(
        level="info",
        advice="These exist in the target already. A job whose on_existing is fill or overwrite writes to them.",
    ),
    "internal_error": Code(
        level="error", advice="An internal error of Freight. Retry the job, and report the error if it occurs again."
    ),
    "job_failed": Code(
        level="error", advice="The job failed before it reached these. See the error of the job, and retry it."
    ),
    "merged_in_target": Code(
        level="error",
        advice="The target treats two records of the source as one. Compare them there, and merge or separate them.",
    ),
    "not_storable": Code(
        level="error",
        advice="The database cannot store these. Correct at the source what the example names, and run the job again.",
    ),
    "timed_out": Code(
        level="error",
        advice="The step for these did not finish within its time limit. Retry the job later.",
    ),
}
"""The codes of the migration itself, whatever the vendors. Those of connectors are in their specifications."""


def code_of(code: str) -> Code:
    """Return the specification of a code. An unknown one belongs to the section `other`."""
    return OWN.get(code) or registry.code(code) or Code()


def section_of(code: str) -> ReportSection:
    """Return the section that counts a log row about a record with this code."""
    section = code_of(code).section
    return "other" if section == "job" or section == "apart" else section


def advice_on(code: str) -> str:
    """Return the advice on records that were skipped or failed with this code."""
    return code_of(code).advice or "The message of the example says what happened and what you can do."
