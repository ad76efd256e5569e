"""The report as a document: whatever the source's texts hold, its tables stay tables and its words are shown."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from freight.domain.jobs.discovered_schema import Estimate
from freight.domain.jobs.statistics import Outcomes, VendorCalls
from freight.domain.report import contents
from freight.domain.report.contents import Instance, JobReport
from freight.domain.report.mapping import (
    MappedFact,
    MappedField,
    MappedList,
    MappingInForce,
    Members,
    UnmatchedUser,
)
from freight.domain.report.markdown import MAX_VALUE_LENGTH, render

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])

PIECES = [
    "|", "\\", "\\|", "`", "``", "\n", "\n\n", "\r", "\t", "    ", "\u2028", "\u202e", "\0", "\ud800", "# ", "> ",
    "- ", "+ ", "* ", "1. ", "2) ", "---", "===", "| --- |", "<b>", "<img src=x>", "<!-- ", "</table>", "&amp;", "&",
    "&#124;", "[a](b)", "![a](b)", "[a]: b", "<http://x.y>", "**", "__", "~~", "{", "}", "é", "😀", "word", " ",
]  # fmt: skip

TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), min_size=1, max_size=12).map("".join)


def report(given: str) -> JobReport:
    """A report with every part, in which every text that somebody else wrote is this one."""
    instance = Instance(source_id=given, value=given, message=given)
    workspace = contents.ReportedWorkspace(system="system", id=given, name=given)
    return JobReport(
        job=contents.ReportedJob(
            id=UUID(int=7), name=given, mode="full", sample_size=None, on_existing="fill", status="failed",
            paused_by=None, resume_at=None, waiting_for=None,
            source=workspace, target=workspace, created_at=datetime.now(UTC), started_at=None, completed_at=None,
            duration_seconds=None, error=contents.ReportedError(code=given, message=given),
        ),
        ended=True,
        remarks=["A remark."],
        entities=[
            contents.EntityReport(
                entity="people", read=1, created=0, updated=0, unchanged=0, skipped=0, failed=1,
                reasons=[
                    contents.Reason(outcome="failed", code=given, records=1, advice="Do it.", example=instance)
                ],
            )
        ],
        outcomes=Outcomes(read=1, created=0, updated=0, unchanged=0, skipped=0, failed=1),
        sections=[
            contents.Section(
                code="refused", title="Refused", advice="Do it.", rows=1,
                values=[
                    contents.LeftValues(
                        entity="people", code=given, field=given, fields=1, level="warning", rows=1, example=instance
                    )
                ],
            )
        ],
        issues=[contents.JobIssue(level="error", code=given, message=given, field=given, value=given, times=1)],
        further_issues=0,
        uncarried=[contents.Uncarried(code="views", count=1, message=given)],
        gone_from_source=[contents.Gone(entity="people", records=1, example=instance)],
        made_by_target=contents.MadeByTarget(records=2, values=[given, given], advice="Do it."),
        mapping=MappingInForce(
            facts=[MappedFact(entity="people", part="name", name=given, field=given, attribute=given)],
            fields=[
                MappedField(
                    owner=given, owner_name=given, field=given, name=given, field_type="text", action="use",
                    attribute=given, title=given, type="text", multiple=False, new_options=0,
                )
            ],
            lists=[
                MappedList(
                    list_id=given, name=given, slug=given, parent="people", action="use", shared=False, stage=given,
                    owner=given, value=given,
                )
            ],
            stages=[given, given],
            new_stages=[given],
            members=Members(
                users=1, matched=0, unmatched=[UnmatchedUser(name=given, email=given)], default_owner=given,
                deal_owner=None,
            ),
            notes="one",
        ),
        estimate=Estimate(),
        cost=contents.ActualCost(
            vendor_calls=VendorCalls(source_reads=0, target_reads=0, target_writes=0), waited_seconds=0
        ),
    )  # fmt: skip


def blocks(tokens: list[Token]) -> list[str]:
    """The shape of a document: its headings, lists, tables, rows and cells."""
    return [token.type for token in tokens]


SHAPE = blocks(MARKDOWN.parse(render(report("word"))))


@settings(deadline=None)
@given(TEXTS)
@example("| --- |\n| --- |")
@example("- one")
@example("1. one")
@example("+ one")
@example("[a]: http://b.c")
@example("```\ncode")
@example("<script>alert(1)</script>")
@example("\\")
def test_no_text_changes_the_shape_of_the_document(given_text):
    tokens = MARKDOWN.parse(render(report(given_text)))
    assert blocks(tokens) == SHAPE
    inside = {part.type for token in tokens for part in token.children or ()}
    assert inside <= {"text", "text_special", "strong_open", "strong_close", "code_inline"}


@settings(deadline=None)
@given(TEXTS)
def test_every_text_is_shown_as_it_is(given_text):
    wanted = " ".join("".join(letter if letter.isprintable() else " " for letter in given_text).split())
    tokens = MARKDOWN.parse(render(report(given_text)))
    title = tokens[1]
    assert "".join(part.content for part in title.children or ()) == f"Report: {wanted or 'migration'}"
    if len(wanted) <= MAX_VALUE_LENGTH:
        cells = ["".join(part.content for part in token.children or ()) for token in tokens if token.type == "inline"]
        assert wanted in cells
