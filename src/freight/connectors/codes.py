"""Codes of issues: the level of each, its section of the report, and the advice that goes with it.

A connector declares the codes that its own package gives in its specification. `SHARED` are those of the modules that
all connectors use. Codes are stable: clients store them.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

Level = Literal["info", "warning", "error"]

ReportSection = Literal[
    "not_writable",
    "owners",
    "members",
    "refused",
    "interpreted",
    "shared",
    "defaults",
    "kept",
    "references",
    "further_values",
    "not_shown",
    "unknown",
    "records",
    "other",
]
"""The sections of a report about values that did not arrive unchanged."""


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """One code of an issue."""

    level: Level = "warning"
    """The most severe level of the log rows that have it."""
    section: ReportSection | Literal["job", "apart"] = "other"
    """The section that counts it: `job` for the whole job, `apart` for what has a section of its own."""
    advice: str | None = None
    """What to do about records that were skipped or failed with it; None if the advice of the section suffices."""


def coded(
    section: ReportSection | Literal["job", "apart"], *codes: str, level: Level = "warning"
) -> Mapping[str, Code]:
    """Return codes of one section and level, without advice of their own."""
    return dict.fromkeys(codes, Code(level=level, section=section))


SHARED: Mapping[str, Code] = {
    # `freight.connectors.errors` and `freight.connectors.http`
    **coded("job", "cursor_refused", "rate_limited"),
    "credentials_refused": Code(level="error", advice="The vendor refuses the key. Create a new job with a valid one."),
    "file_incomplete": Code(
        level="error",
        advice="The source's storage does not deliver these files completely, even after retries. Retry the job "
        "later, or add the files by hand.",
    ),
    "in_doubt": Code(
        level="error",
        advice="The target did not confirm that it created these. Retry the job: it looks for them before it writes.",
    ),
    "not_found": Code(
        level="error",
        advice="Something that these need no longer exists. Run the job again: it reads the current state of source "
        "and target.",
    ),
    "paging_loops": Code(
        level="error",
        section="job",
        advice="The vendor's pages never end. Retry the job later, and report it to the vendor if it happens again.",
    ),
    "permission_missing": Code(
        level="error", advice="A key lacks a permission that these need. Grant it, and retry the job."
    ),
    "plan_limit_reached": Code(
        level="error",
        advice="The workspace's plan allows no more. Upgrade it or make room, and retry the job.",
    ),
    "query_too_complex": Code(
        level="error",
        advice="The vendor refuses to search for these, even one at a time. Migrate them by hand, or ask the vendor "
        "to raise the limit and retry the job.",
    ),
    "quota_exhausted": Code(
        level="error", advice="The quota of API calls is used up. Retry the job when it is renewed."
    ),
    "rejected_by_source": Code(
        level="error",
        advice="The source refuses to return these. See the reason in the example, and run the job again.",
    ),
    "rejected_by_target": Code(
        level="error",
        advice="The target refuses these. Correct in the source what the example names, and retry the job.",
    ),
    "unexpected_answer": Code(
        level="error",
        advice="The vendor gave an answer that Freight does not know. Retry the job, and report the answer if it "
        "happens again.",
    ),
    "uniqueness_conflict": Code(
        level="error",
        advice="Another record in the target has a value of these that only one record can have. Remove it from one "
        "of the two, and run the job again.",
    ),
    "vendor_error": Code(level="error", advice="The vendor cannot be reached. Retry the job."),
    "vendor_unavailable": Code(
        level="error", advice="The vendor gives no usable answer, even after retries. Retry the job later."
    ),
    # What a mapping requests and a workspace does not allow
    **coded(
        "job",
        "attribute_incompatible",
        "attribute_taken_twice",
        "list_incompatible",
        "list_taken_twice",
        "options_unknown",
        "standard_value_taken",
        "type_impossible",
        "unknown_field",
        "unknown_list",
        "unknown_member",
        level="error",
    ),
    **coded("job", "attribute_demanded", "many_options", "standard_value_replaced"),
    **coded("job", "owners_not_checked", level="info"),
    "owner_without_member": Code(section="owners"),
    # Issues of a value or a record that several connectors give, or a connector and the migration itself
    "field_not_mapped": Code(section="unknown"),
    "further_values_left_out": Code(section="further_values"),
    "internal_person": Code(
        level="info",
        advice="Internal users are members in the target. Invite those who are not members yet.",
    ),
    # Issues of a record without the records that it belongs to
    "no_parent": Code(
        advice="The records that these are attached to are not in the target. See their outcome, and run the job again."
    ),
    "only_own_company": Code(
        advice="These are attached only to your own company. Attach those that you want to another record in the "
        "source, and run the job again.",
    ),
    "only_own_people": Code(
        advice="These are attached only to internal users, who have no record in the target. Attach those that you "
        "want to another record in the source, and run the job again.",
    ),
    "parent_not_in_target": Code(
        advice="The records of these list entries are not in the target. See their outcome, and run the job again."
    ),
}
