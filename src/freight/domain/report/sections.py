"""The sections of a report about values that were dropped, changed or left, with advice on each."""

import msgspec

from freight.connectors.codes import ReportSection


class Heading(msgspec.Struct, frozen=True):
    """The title of a section, and the advice on what it lists."""

    title: str
    advice: str


HEADINGS: dict[ReportSection, Heading] = {
    "not_writable": Heading(
        "Not writable in the target",
        "The target has no attribute for these, or does not allow writing them. Keep what you need elsewhere.",
    ),
    "owners": Heading(
        "Owners without a member",
        "Invite these people to the target's workspace, or name a default_owner in the mapping, and run the job again.",
    ),
    "members": Heading(
        "Members and other people",
        "In the target, internal users are members and all others are people. An attribute holds one of the two: give "
        "the field the type members or people in the mapping and run the job again. Links of deals and tasks to "
        "members can only be noted in the target by hand.",
    ),
    "refused": Heading(
        "Values that the target does not accept",
        "Correct them at the source and run the job again, or enter them in the target.",
    ),
    "interpreted": Heading(
        "Values that were interpreted",
        "Compare these with the source, and correct in the target what was misread.",
    ),
    "shared": Heading(
        "Several records or copies in one place",
        "Compare the records of these rows in the target. Merge or delete those that you do not want.",
    ),
    "defaults": Heading(
        "Filled in because the target requires it",
        "The source has no value for these, and new records in the target must have one. Set the right value there.",
    ),
    "kept": Heading(
        "Kept in the target",
        "The target holds other values than the source and keeps them because on_existing is fill, also values that "
        "the source no longer has. Every job that would otherwise have replaced them reports them again. A job whose "
        "on_existing is overwrite writes everything that differs, even if the source has not changed.",
    ),
    "references": Heading(
        "References not found",
        "The records to which these refer are not in the target. Find out why, then run the job again.",
    ),
    "further_values": Heading(
        "Further values",
        "The attribute holds one value and the source has several, so one was migrated. Map the field to another "
        "attribute, or enter the others by hand.",
    ),
    "not_shown": Heading(
        "Not shown by the source",
        "Give the user of the source's key access to these, and run the job again.",
    ),
    "unknown": Heading(
        "Unknown fields and types",
        "Freight does not know how to read these. Compare them with the source, and enter what you need by hand.",
    ),
    "records": Heading(
        "Records skipped and failed",
        "These log rows repeat the reasons of the records.",
    ),
    "other": Heading("Other", "Read the messages: each says what happened to the value."),
}
"""In the order of the report."""
