"""A note becomes a copy for each of its records, where the job wants that."""

from freight.connectors.protocols import Issue, Page, Row
from freight.domain.migration.planning.fan_out import fan_out
from freight.model.crm import Company, Note, Record, note_ids, note_of
from freight.model.mapping import Mapping

ALL = Mapping(notes="all")
ISSUE = Issue(code="any", message="Any.")


def page(*records: Record) -> Page:
    return Page(rows=tuple(Row(id=one.id, record=one, issues=(ISSUE,)) for one in records), next_cursor="next")


def notes(*given: Note, mapping: Mapping = ALL) -> list[Note]:
    rows = fan_out(page(*given), mapping).rows
    assert all(isinstance(row.record, Note) and row.id == row.record.id and row.issues == (ISSUE,) for row in rows)
    return [row.record for row in rows if isinstance(row.record, Note)]


def test_a_note_becomes_one_for_each_record_that_it_is_attached_to() -> None:
    linked = Note(id="5", content="Hi", person_ids=("2", "3"), company_ids=("7",), participant_ids=("4",))
    found = notes(linked, Note(id="6", content="Hi", deal_ids=("9",)), Note(id="8", content="Hi"))
    assert [(note.id, note.part_of, note.company_ids, note.person_ids, note.deal_ids) for note in found] == [
        ("5/companies/7", "5", ("7",), (), ()),
        ("5/people/2", "5", (), ("2",), ()),
        ("5/people/3", "5", (), ("3",), ()),
        ("6/deals/9", "6", (), (), ("9",)),
        ("8", None, (), (), ()),
    ]
    assert [note.stands_in for note in found] == [True, False, False, True, True]


def test_the_copies_of_a_note_stay_the_same_when_it_is_attached_to_one_more_record() -> None:
    (before,) = notes(Note(id="5", content="Hi", company_ids=("7",)))
    after = notes(Note(id="5", content="Hi", company_ids=("7",), person_ids=("2",)))
    assert len(after) == 2
    assert before in after


def test_a_copy_has_the_id_that_ledgers_and_marks_of_earlier_versions_hold() -> None:
    (copy,) = notes(Note(id="5", content="Hi", company_ids=("7",)))
    assert note_of(copy.id) == copy.part_of == "5"
    assert note_ids(copy) == ("5", "5/companies/7")


def test_nothing_changes_where_a_note_goes_to_one_record_and_for_what_is_no_note() -> None:
    linked = Note(id="5", content="Hi", person_ids=("2", "3"))
    assert notes(linked, mapping=Mapping()) == [linked]
    others = Page(rows=(Row(id="1", record=Company(id="1")), Row(id="2", record=None, skip=ISSUE)), next_cursor=None)
    assert fan_out(others, ALL) == others
