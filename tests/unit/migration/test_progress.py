"""Pages that go round end with a sentence; pages that are many do not."""

import pytest

from freight.connectors import errors
from freight.connectors.protocols import Page, Row
from freight.domain.migration.steps.extract import UNREADABLE
from freight.domain.migration.steps.progress import MAX_REPEATED_PAGES, PagingLoops, Progress


def page(cursor: str | None, rows: int = 100) -> Page:
    return Page(rows=tuple(Row(id=str(number), record=None) for number in range(rows)), next_cursor=cursor)


def test_a_cursor_that_leads_back_to_an_earlier_page_is_a_loop():
    progress = Progress()
    progress.note(page("b"), new=100, read=100)
    progress.note(page("c"), new=100, read=200)
    with pytest.raises(PagingLoops, match="back to an earlier page"):
        progress.note(page("b"), new=0, read=200)


def test_pages_with_ever_new_cursors_and_no_new_row_are_a_loop():
    progress = Progress()
    for number in range(MAX_REPEATED_PAGES - 1):
        progress.note(page(str(number)), new=0, read=100)
    with pytest.raises(PagingLoops, match="nothing new"):
        progress.note(page("more"), new=0, read=100)


def test_a_stream_that_is_read_from_its_start_again_is_no_loop():
    progress = Progress()
    for number in range(1000):
        progress.note(page(str(number)), new=0, read=100_000)
    progress.note(page("1000"), new=100, read=100_100)


def test_thousands_of_empty_pages_are_no_loop():
    progress = Progress()
    for number in range(9_000):
        progress.note(page(str(number), rows=0), new=0, read=0)


def test_the_last_page_ends_a_stream_whatever_it_shows():
    progress = Progress()
    progress.note(page("b"), new=0, read=0)
    progress.note(page(None), new=0, read=0)


@pytest.mark.parametrize(
    "error", [errors.CursorRefused, errors.RejectedBySource, errors.UnexpectedAnswer, errors.PagingLoops, PagingLoops]
)
def test_a_job_that_failed_at_a_page_reads_from_the_start_when_it_is_retried(
    error: type[errors.ConnectorError],
) -> None:
    assert error.code in UNREADABLE
