"""The parts of a report about values that did not arrive as they were: which codes of the log each is about."""

from typing import Literal

import msgspec

SectionCode = Literal[
    "not_writable",
    "owners",
    "refused",
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
    "refused": Heading(
        "Values that the target does not take",
        "Correct them at the source and run the job again, or enter them in the target.",
    ),
    "defaults": Heading(
        "Filled in because the target demands it",
        "The source has no value for these, and new records in the target must have one. Set the right one there.",
    ),
    "kept": Heading(
        "Kept in the target",
        "The target holds other values, which stay, or values and copies of notes for which the source has nothing any "
        "more. A job whose on_existing is overwrite replaces the values; delete the copies that are not wanted.",
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
            "not_changeable",
            "not_writable",
            "phone_extension_dropped",
            "recurrence_not_carried",
        }
    ),
    "owners": frozenset(
        {
            "internal_person_in_field",
            "not_a_member",
            "owner_replaced",
            "owner_without_member",
        }
    ),
    "refused": frozenset(
        {
            "claimed_by_another_record",
            "held_by_another_record",
            "invalid_domain",
            "invalid_email",
            "invalid_phone_number",
            "refused_by_target",
            "rounded",
            "unknown_country",
            "unknown_option",
            "value_not_convertible",
            "value_too_long",
            "value_truncated",
        }
    ),
    "defaults": frozenset({"name_defaulted", "owner_defaulted", "stage_defaulted"}),
    "kept": frozenset({"further_copy_stays", "kept_in_target", "kept_without_source"}),
    "references": frozenset({"link_not_kept", "list_not_carried", "reference_not_found", "references_not_written"}),
    "further_values": frozenset({"further_values_left_out", "replaced_by_field"}),
    "not_shown": frozenset(
        {
            "hidden_at_source",
            "list_gone",
            "list_hidden",
            "list_read_before",
            "not_all_read",
            "reply_without_note",
            "values_cut_off",
        }
    ),
    "unknown": frozenset({"field_not_mapped", "field_type_changed", "unknown_value_type", "unreadable_value"}),
}

_BY_CODE = {code: section for section, codes in CODES.items() for code in codes}


def section_of(code: str) -> SectionCode:
    """The section that a log row with this code belongs to; one that is not known belongs to `other`."""
    return _BY_CODE.get(code, "other")
