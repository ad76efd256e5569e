"""The parts of a report about values that did not arrive as they were: which codes of the log each is about."""

from typing import Literal

import msgspec

from freight.connectors.protocols import MADE_BY_TARGET

SectionCode = Literal[
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


class Heading(msgspec.Struct, frozen=True):
    """What a section is called, and what can be done about what it lists."""

    title: str
    advice: str


HEADINGS: dict[SectionCode, Heading] = {
    "not_writable": Heading(
        "Not writable in the target",
        "The target has no place for these, or lets nobody write them. Note elsewhere what must not be lost.",
    ),
    "owners": Heading(
        "Owners without a member",
        "Invite these people to the target's workspace, or name a default_owner in the mapping, and run the job again.",
    ),
    "members": Heading(
        "Members and other people",
        "In the target the firm's own people are members, and all others are people. An attribute holds one of the "
        "two: give the field the type members or people in the mapping and run the job again. Links of deals and tasks "
        "to members can only be noted in the target by hand.",
    ),
    "refused": Heading(
        "Values that the target does not take",
        "Correct them at the source and run the job again, or enter them in the target.",
    ),
    "interpreted": Heading(
        "Read or written otherwise than typed",
        "Compare these with the source, and correct in the target what is not as it was meant.",
    ),
    "shared": Heading(
        "Several records or copies in one place",
        "Compare what these rows name in the target. Merge or delete there what is not wanted.",
    ),
    "defaults": Heading(
        "Filled in because the target demands it",
        "The source has no value for these, and new records in the target must have one. Set the right one there.",
    ),
    "kept": Heading(
        "Kept in the target",
        "The target holds other values than the source, and they stay because on_existing is fill, also some that the "
        "source has lost. Every job that would have written over them says so again. A job whose on_existing is "
        "overwrite writes all that differs, also where the source has not changed since.",
    ),
    "references": Heading(
        "References not found",
        "What these point to is not in the target. See what became of it, then run the job again.",
    ),
    "further_values": Heading(
        "Further values",
        "Where one value fits and the source has several, one was taken. Lead the field elsewhere in the mapping, or "
        "note the others by hand.",
    ),
    "not_shown": Heading(
        "Not shown by the source",
        "Give the user of the source's key access to these, and run the job again.",
    ),
    "unknown": Heading(
        "Unknown fields and types",
        "Freight cannot tell what these values are. Compare them with the source, and enter what is needed by hand.",
    ),
    "records": Heading(
        "Records skipped and failed",
        "These rows of the log say the same as the reasons of the records.",
    ),
    "other": Heading("Other", "Read the messages: each says what became of the value."),
}
"""In the order of the report."""

CODES: dict[SectionCode, frozenset[str]] = {
    "not_writable": frozenset(
        {
            "association_left_out",
            "completion_date_not_carried",
            "continent_not_carried",
            "date_not_carried",
            "equal_values_left_out",
            "not_changeable",
            "not_writable",
            "phone_extension_dropped",
            "recurrence_not_carried",
            "page_left_out",
            "remark_left_out",
            "unit_left_out",
        }
    ),
    "owners": frozenset(
        {
            "owner_replaced",
            "owner_without_member",
        }
    ),
    "members": frozenset(
        {
            "internal_person_in_deal",
            "internal_person_in_field",
            "internal_person_in_task",
            "not_a_member",
        }
    ),
    "interpreted": frozenset(
        {
            "damaged_text",
            "date_uncertain",
            "file_size_differs",
            "phone_country_assumed",
            "phone_rewritten",
            "rounded",
            "unknown_person_type",
        }
    ),
    "shared": frozenset(
        {
            "double_not_removed",
            "double_removed",
            "further_copy_stays",
            "restored_after_overwrite",
            "sent_twice",
            "taken_over",
        }
    ),
    "refused": frozenset(
        {
            "ambiguous_number",
            "claimed_by_another_record",
            "free_mail_domain",
            "held_by_another_record",
            "left_out_before",
            "invalid_domain",
            "invalid_email",
            "invalid_phone_number",
            "profile_not_a_domain",
            "refused_by_target",
            "shared_domain",
            "unknown_country",
            "unknown_option",
            "value_not_convertible",
            "value_too_long",
            "value_truncated",
        }
    ),
    "defaults": frozenset({"name_defaulted", "owner_defaulted", "stage_defaulted"}),
    "kept": frozenset({"kept_in_target", "kept_without_source"}),
    "references": frozenset({"link_not_kept", "reference_not_found", "references_not_written"}),
    "further_values": frozenset({"further_values_left_out", "replaced_by_field"}),
    "not_shown": frozenset(
        {
            "hidden_at_source",
            "list_forbidden",
            "list_gone",
            "list_hidden",
            "list_read_before",
            "not_all_read",
            "reply_without_note",
            "values_cut_off",
        }
    ),
    "unknown": frozenset(
        {
            "field_not_mapped",
            "field_type_changed",
            "unknown_value_type",
            "unreadable_value",
        }
    ),
}

APART = frozenset({"gone_from_source", MADE_BY_TARGET})
"""Codes that have a part of the report of their own, and no place in its sections."""

JOB_CODES = frozenset(
    {
        "attribute_demanded",
        "attribute_incompatible",
        "attribute_taken_twice",
        "batch_retried",
        "create_in_doubt",
        "cursor_refused",
        "database_unavailable",
        "deals_disabled",
        "definitions_refused",
        "fields_refused",
        "job_cancelled",
        "job_paused",
        "job_went_on",
        "job_resumed",
        "job_retried",
        "list_incompatible",
        "list_needs_deals",
        "list_not_chosen",
        "list_taken_twice",
        "many_options",
        "mapping_changed",
        "no_deal_owner",
        "no_progress",
        "options_unknown",
        "owners_not_checked",
        "paging_loops",
        "precheck_failed",
        "queued",
        "quota_too_small",
        "rate_limited",
        "retrying",
        "schema_refused",
        "scope_missing",
        "standard_value_replaced",
        "standard_value_taken",
        "type_impossible",
        "unknown_field",
        "unknown_list",
        "unknown_list_type",
        "unknown_member",
        "waited_too_long",
        "workspace_busy",
        "workspace_changed",
    }
)
"""Codes of what concerns the whole job, which a report tells one by one, each with its message."""

_BY_CODE = {code: section for section, codes in CODES.items() for code in codes}


def section_of(code: str) -> SectionCode:
    """The section that a log row with this code belongs to; one that is not known belongs to `other`."""
    return _BY_CODE.get(code, "other")
