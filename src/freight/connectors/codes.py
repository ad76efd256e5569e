"""Codes of issues: what each one says about a record or a job, and where the report shows it.

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
"""The sections of a report, which are about values that did not arrive as they were."""


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """One code of an issue."""

    level: Level = "warning"
    """The gravest level of the log rows that have it."""
    section: ReportSection | Literal["job", "apart"] = "other"
    """Where the report counts it: `job` for what concerns the whole job, `apart` for what has a part of its own."""
    advice: str | None = None
    """What to do about records that were skipped or failed with it, or about what has a part of its own; None where the
    advice of the section says it."""


def coded(
    section: ReportSection | Literal["job", "apart"], *codes: str, level: Level = "warning"
) -> Mapping[str, Code]:
    """Return codes that share their section and level and have no advice of their own."""
    return dict.fromkeys(codes, Code(level=level, section=section))


SHARED: Mapping[str, Code] = {
    # `freight.connectors.errors` and `freight.connectors.http`
    **coded("job", "cursor_refused", "rate_limited"),
    "credentials_refused": Code(
        level="error", advice="The vendor refuses the key. Create a new job with one that is valid."
    ),
    "file_incomplete": Code(
        level="error",
        advice="The source's storage did not deliver these whole, also when asked again. Retry the job later, or add "
        "the files by hand.",
    ),
    "in_doubt": Code(
        level="error",
        advice="The target did not say whether it made these. Retry the job: it looks for them before it writes.",
    ),
    "not_found": Code(
        level="error",
        advice="Something that these need is gone. Run the job again: it sees what the source and the target have now.",
    ),
    "paging_loops": Code(
        level="error",
        section="job",
        advice="The vendor's pages have no end. Retry the job later, and report it to the vendor if it comes again.",
    ),
    "permission_missing": Code(
        level="error", advice="A key may not do what these need. Extend what it may do, and retry the job."
    ),
    "plan_limit_reached": Code(
        level="error",
        advice="The plan of the workspace allows no more. Upgrade it or make room, and retry the job.",
    ),
    "query_too_complex": Code(
        level="error",
        advice="The vendor refuses to look for these, also one at a time. Migrate them by hand, or ask the vendor to "
        "raise the limit and retry the job.",
    ),
    "quota_exhausted": Code(
        level="error", advice="The quota of API calls is used up. Retry the job when it is renewed."
    ),
    "rejected_by_source": Code(
        level="error",
        advice="The source refused to give these. See the reason in the example, and run the job again.",
    ),
    "rejected_by_target": Code(
        level="error",
        advice="The target refused these. Correct at the source what the example names, and retry the job.",
    ),
    "unexpected_answer": Code(
        level="error",
        advice="The vendor answered something that Freight does not know. Retry the job, and report the answer if it "
        "comes again.",
    ),
    "uniqueness_conflict": Code(
        level="error",
        advice="Another record of the target holds a value of these that is allowed only once. Remove it from one of "
        "the two, and run the job again.",
    ),
    "vendor_error": Code(level="error", advice="The vendor could not be asked. Retry the job."),
    "vendor_unavailable": Code(
        level="error", advice="The vendor gave no usable answer, also when asked again. Retry the job later."
    ),
    # What a mapping asks for and a workspace does not allow
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
    # What several connectors, or a connector and the migration itself, say of a value or a record
    "field_not_mapped": Code(section="unknown"),
    "further_values_left_out": Code(section="further_values"),
    "internal_person": Code(
        level="info",
        advice="The firm's own people are members in the target. Invite those who are not members yet.",
    ),
    # What a target says of a record without the records that it belongs to
    "no_parent": Code(
        advice="What these are attached to is not in the target. See what became of it, and run the job again."
    ),
    "only_own_company": Code(
        advice="These are attached only to the firm's own company. Attach those that are wanted to another record at "
        "the source, and run the job again.",
    ),
    "only_own_people": Code(
        advice="These are attached only to the firm's own people, who are no records in the target. Attach those that "
        "are wanted to another record at the source, and run the job again.",
    ),
    "parent_not_in_target": Code(
        advice="What is on the list here is not in the target. See what became of it, and run the job again."
    ),
}
