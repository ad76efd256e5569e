"""The sections of a report about values that did not arrive as they were, and what can be done about each."""

import msgspec

from freight.connectors.codes import ReportSection


class Heading(msgspec.Struct, frozen=True):
    """The title of a section, and what can be done about what it lists."""

    title: str
    advice: str


HEADINGS: dict[ReportSection, Heading] = {
    "not_writable": Heading(
        "Not writable in the target",
        "The target has no place for these, or does not let them be written. Keep elsewhere what must not be lost.",
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
        "Where one value fits and the source has several, one was taken. Map the field to another attribute, or "
        "enter the others by hand.",
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
