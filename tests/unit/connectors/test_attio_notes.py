"""What Attio can hold of notes, reminders and files."""

import html
import re
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from freight.connectors.attio import values
from freight.connectors.attio.drafting.markdown import escape, first_line, simplify
from freight.connectors.protocols import Draft, References
from freight.model.crm import File, Note, Reply, Task
from freight.model.fields import PersonRef
from freight.model.resolved_mapping import ResolvedMapping
from support.attio_parts import MARKS, MEMBER_ID, codes, draft, workspace

ADA = PersonRef(id="1", name="Ada Love", email="ada@firm.example.com", internal=True)
WHEN = datetime(2024, 3, 1, 14, 5, tzinfo=UTC)
REFERENCES = References(
    found={
        ("companies", "1"): "c1",
        ("companies", "2"): "c2",
        ("people", "3"): "p3",
        ("people", "4"): "p4",
        ("deals", "5"): "d5",
    },
    people={"1": ADA, "3": PersonRef(id="3", name="Ann_Lee"), "4": PersonRef(id="4", email="bo@x.example.com")},
    names={("companies", "1"): "Acme * Co", ("deals", "5"): "Round A"},
    own_companies=frozenset({"2"}),
)
LAYOUT = ResolvedMapping(members={member.email: member.id for member in workspace().members})


def note(**given: object) -> Note:
    return Note(**{"id": "123", "content": "Hello", "company_ids": ("1",), **given})  # type: ignore[arg-type]


def drafted(record: Note | Task | File, references: References = REFERENCES) -> Draft:
    return draft(record, references, LAYOUT)


def content_of(given_note: Note) -> str:
    return str(drafted(given_note).values["content"][0])


def skip_of(record: Note | File) -> str | None:
    skip = drafted(record).skip
    return skip and skip.code


@pytest.mark.parametrize(
    ("links", "parent"),
    [
        ({"deal_ids": ("5",), "person_ids": ("3",)}, ("deals", "5")),
        ({"deal_ids": ("99",), "person_ids": ("3",)}, ("companies", "1")),
        ({"company_ids": ("2", "1")}, ("companies", "1")),
        ({"company_ids": ("2",), "person_ids": ("98", "3")}, ("people", "3")),
        ({"company_ids": (), "participant_ids": ("1", "4")}, ("people", "4")),
    ],
)
def test_a_note_hangs_on_the_deal_else_the_company_else_a_person_but_never_on_the_firm_itself(links, parent):
    given_draft = drafted(note(**links))
    assert given_draft.parents == (parent,)
    assert given_draft.values["parent"] == [values.record_reference(parent[0], REFERENCES.found[parent])]


def test_a_note_that_can_hang_on_nothing_says_why():
    assert skip_of(note(company_ids=("2",))) == "only_own_company"
    assert skip_of(note(company_ids=("99",))) == "no_parent"
    assert skip_of(note(company_ids=())) == "no_parent"
    assert skip_of(note(company_ids=(), person_ids=("1",), participant_ids=("1",))) == "only_own_people"
    assert skip_of(note(company_ids=(), person_ids=("1", "98"))) == "no_parent"


def test_a_note_has_its_date_author_answers_and_the_other_records_in_the_text():
    given_note = note(
        content="First line\nSecond *line*\n\nThird",
        author_id="1",
        created_at=WHEN,
        company_ids=("1", "2"),
        deal_ids=("5",),
        person_ids=("3",),
        participant_ids=("4", "77"),
        replies=(
            Reply(id="r1", content="**Yes**", is_markdown=True, author_id="3", created_at=WHEN.replace(hour=15)),
            Reply(id="r2", content="No *way*"),
        ),
    )
    given_draft = drafted(given_note)
    assert given_draft.values["title"] == ["First line"]
    assert given_draft.values["created_at"] == ["2024-03-01T14:05:00Z"]
    assert given_draft.values["content"] == [
        "First line  \nSecond \\*line\\*\n\nThird\n\n"
        "**Reply by Ann_Lee, 2024-03-01 15:05 UTC:**\n\n**Yes**\n\n"
        "**Reply:**\n\nNo \\*way\\*\n\n"
        "*Written by Ada Love on 2024-03-01 14:05 UTC. Also attached to: Acme \\* Co, company 2, Ann_Lee. "
        "Participants: bo@x.example.com, person 77. (Affinity note 123)*"
    ]
    assert not given_draft.issues


def test_a_note_without_words_is_its_last_line():
    given_draft = drafted(note(content=" \n"))
    assert given_draft.values["title"] == ["Note"]
    assert given_draft.values["content"] == ["*(Affinity note 123)*"]


@pytest.mark.parametrize(
    ("created_at", "kept"),
    [
        (datetime(1969, 12, 31, tzinfo=UTC), ["1970-01-01T00:00:00Z"]),
        (datetime(2999, 1, 1, tzinfo=UTC), None),
    ],
)
def test_a_date_that_attio_does_not_take_is_named_and_stays_in_the_text(created_at, kept):
    given_draft = drafted(note(created_at=created_at))
    assert given_draft.values.get("created_at") == kept
    assert codes(given_draft) == ["date_not_carried"]
    assert f"{created_at:%Y-%m-%d}" in given_draft.values["content"][0]


def test_a_note_that_is_too_large_is_cut_and_keeps_its_last_line():
    given_draft = drafted(note(content="é" * 600_000))
    (content,) = given_draft.values["content"]
    assert len(content.encode()) <= 1_000_000
    assert MARKS.note_id(content) == "123"
    assert codes(given_draft) == ["value_truncated"]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("word " * 30, "word " * 15 + "word…"),
        ("x" * 100, "x" * 79 + "…"),
        ("## A **bold** [link](https://x.example.com) ~~gone~~", "A bold link gone"),
        ("- [ ] `code` and snake_case\\!", "code and snake_case!"),
        ("---\n| a | b |\n|---|---|", "a | b"),
        ("<div><b>Call</b><br>with Ada</div>", "Call"),
        ("```python\n\nx = 1\n```", "x = 1"),
        ("<!-- " + "x" * 5000 + " -->\n\n==Won==", "Won"),
        ("> " * 100 + "deep", "> " * 39 + ">…"),
    ],
)
def test_the_title_is_the_first_line_in_plain_text(line, title):
    assert drafted(note(content=line, is_markdown=True)).values["title"] == [title]


@pytest.mark.parametrize(
    ("markdown", "simple"),
    [
        ("# Title\n\n- one\n- **two**", "# Title\n\n- one\n- **two**"),
        ("##### Deep", "### Deep"),
        ("##### Deep #####", "### Deep"),
        ("# C# and `#`", "# C# and \\#"),
        ("Title\n=====\nSub\ntitle\n---\ntext", "# Title\n\n## Sub title\n\ntext"),
        ("> quoted\n>> twice", "quoted\n\ntwice"),
        ("![a chart](https://x.example.com/c.png)", "[a chart](https://x.example.com/c.png)"),
        ("![](https://x.example.com/c.png 'T')", '[https://x.example.com/c.png](https://x.example.com/c.png "T")'),
        ("![as seen](on page 5)", "!\\[as seen\\](on page 5)"),
        ("wow!![a](b)", "wow\\![a](b)"),
        ("[![alt](i)](y)", "[alt](y) ([image](i))"),
        ("[see ![a *b*](i) **c**](y).", "[see a b **c**](y) ([image](i))."),
        ("| a | b |\n| --- | :-: |\n| 1 | *2* |", "a | b  \n1 | *2*"),
        ("| a | b |\n|---|---|\n| `x\\|y` | x \\| y |\n| `*` | |", "a | b  \nx|y | x | y  \n\\* |"),
        ("a | b\n-|-\n`-` | -", "a | b  \n\\- | -"),
        ("```python\nx = a*b\n```\nafter", "x = a\\*b\n\nafter"),
        ("~~~\n# no heading", "\\# no heading"),
        ("    one *x*\n      two\n\n    three", "one \\*x\\*  \n\u00a0\u00a0two\n\nthree"),
        ("use `a*b` here", "use a\\*b here"),
        ("above\n\n---\n\nbelow", "above\n\nbelow"),
        ("Revenue > 5M ARR\nC#### x", "Revenue > 5M ARR\nC#### x"),
        ("See <https://x.example.com/a> for more\n  > so", "See <https://x.example.com/a> for more\n\nso"),
        ("```a*b``` is what he ran\n*after*", "a\\*b is what he ran\n*after*"),
        ("```\n```b\n```\n*after*", "\\`\\`\\`b\n\n*after*"),
        ("~~~ two words\nx\n~~~", "two words  \nx"),
        ("[text][ref], [ref] and ![img][ref]\n\n[ref]: https://x.example.com/a_b 'T'",
         '[text](https://x.example.com/a_b "T"), [ref](https://x.example.com/a_b "T") and '
         '[img](https://x.example.com/a_b "T")'),
        ("a\n\n> [unused]: https://x.example.com\n\nb", "a\n\nb\n\n\\[unused\\]: https://x.example.com"),
        ("so[^1]\n\n[^1]: https://x.example.com", "so\\[^1\\]\n\n\\[^1\\]: https://x.example.com"),
        ("a<br>b<br/><br>c", "a  \nb\n\nc"),
        ("<p>One <b>bold</b></p><p>and <i>Two</i> <u>three</u></p>", "One **bold**\n\nand *Two* three"),
        ("<div>\n<strong> x </strong>\n</div>\n<!-- unseen -->", "**x**"),
        ("<a href='https://x.example.com'>site</a> <img src=i alt=logo> <b>half",
         "[site](https://x.example.com) [logo](i) half"),
        ("Met <John Smith>, 3<5", "Met \\<John Smith>, 3\\<5"),
        ("- a\n  - b\n    1. c\n- d", "- a\n  - b\n    1. c\n- d"),
        ("* a\n\n  b\n* c", "* a\n\n  b\n\n* c"),
        ("3. a\n3. b\n\n\n---\n1. c", "3. a\n4. b\n\n1) c"),
        ("- [ ] open\n- [x] *done*", "- [ ] open\n- [x] *done*"),
        ("==high== ~~gone~~ \\==not==", "==high== ~~gone~~ \\==not=="),
        ("a  \nb\\\nc", "a  \nb  \nc"),
        ("&copy; AT&amp;T &amp;lt; &lt;b&gt;&nbsp;&#42;", "© AT\\&T \\&lt; \\<b\\>\u00a0\\*"),
        ("<https://x.example.com/a_b> <ada@x.example.com>", "<https://x.example.com/a_b> <ada@x.example.com>"),
        ("[a](<b (c> 'say \"x\"') [d]()", '[a](<b%20(c> "say \\"x\\"") [d]()'),
        ("5 * 3 * 2, a_b_c, [x], _", "5 \\* 3 \\* 2, a_b_c, \\[x\\], \\_"),
        ("1986\\. A year\n+1\n2. b", "1986\\. A year\n+1\n2\\. b"),
        ("<i>*a*</i> `a`*b* <mark>c</mark>", "*a* a*b* ==c=="),
        ("> " * 100 + "deep", "\\> " + "> " * 99 + "deep"),
        ("[" * 1000 + "*a*", "\\[" * 1000 + "\\*a\\*"),
    ],
)  # fmt: skip
def test_what_attio_s_notes_cannot_hold_becomes_plain_text(markdown, simple):
    assert simplify(markdown) == simple
    assert simplify(simple) == simple


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("# 5 *stars*", "\\# 5 \\*stars\\*"),
        ("- a\n+ b\n1. c\n2) d", "\\- a  \n\\+ b  \n1\\. c  \n2\\) d"),
        ("https://x.example.com/a_b?c=d", "https://x.example.com/a_b?c=d"),
        ("_x_ [y](z) <b> &amp; ~~s~~ ==h== a=b", "\\_x\\_ \\[y\\](z) \\<b> \\&amp; \\~\\~s\\~\\~ \\=\\=h\\=\\= a=b"),
        ("    indented", "\u00a0\u00a0\u00a0\u00a0indented"),
        ("Title\n=", "Title  \n\\="),
        ("Title\n=====", "Title  \n\\=\\=\\=\\=="),
    ],
)
def test_plain_text_looks_in_markdown_as_it_was_written(text, escaped):
    assert escape(text) == escaped


@given(text=st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("*_[]()#`~=-+>|\\\n 1.")))
def test_no_words_are_lost_on_the_way_to_markdown(text):
    wanted = "".join(character for character in text if character.isalnum())
    for markdown in (escape(text), content_of(note(content=text))):
        assert wanted in "".join(character for character in markdown if character.isalnum())
    assert content_of(note(content=text, is_markdown=True)).endswith("*(Affinity note 123)*")
    assert len(first_line(text, is_markdown=True)) <= len(text)


PIECES = [
    "alpha", "Beta", "5M", "é", " ", "  ", "\t", "\u00a0", "\n", "\n\n", "> ", " > ", "# ", "#### ", " #", "```", "~~~",
    "`", "|", "a|b\n-|-\n", "|c|d|\n", "---", ":-", "===", "==", "=", "!", "![", "[", "](", "][", "]", ")", "[x]: ",
    "[^1]", "[x]", "[ ] ", "*", "**", "***", "_", "__", "~~", "- ", "+ ", "1. ", "3) ", "    ", "\\", "&", "amp;",
    "&lt;", "<http://x.example.com>", ">", "<",
]  # fmt: skip
HTML = [
    "<b>", "</b>", "<i>", "</i>", "<mark>", "</mark>", "<br>", "<p>", "</p>", "<a href=x>", "</a>", "<!-- c -->",
    "<img src=y alt=z>", "<u>", "<x y>",
]  # fmt: skip
MARKDOWN = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
MARKDOWN_WITH_HTML = st.lists(st.sampled_from([*PIECES, *HTML]), max_size=30).map("".join)
TEXT = st.text(
    alphabet=st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("*_[]()#`~=-+>|\\\n 1.&;:<!a\u00a0")
)
JUDGE = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def displayed(markdown: str) -> str:
    """What another program shows of Markdown."""
    return html.unescape(re.sub(r"<[^>]*>", "", JUDGE.render(markdown)))


def lines_of(text: str) -> list[list[str]]:
    return [line.split() for line in text.split("\n") if line.split()]


@given(markdown=MARKDOWN_WITH_HTML)
def test_what_has_been_simplified_is_not_simplified_further(markdown):
    once = simplify(markdown)
    assert simplify(once) == once


@given(markdown=MARKDOWN)
def test_nothing_that_markdown_shows_is_lost(markdown):
    kept = (character for character in displayed(simplify(markdown)) if not character.isspace())
    assert all(character in kept for character in displayed(markdown) if not character.isspace())


@given(text=TEXT | MARKDOWN_WITH_HTML)
def test_markdown_of_a_plain_text_shows_that_text(text):
    assert lines_of(displayed(escape(text))) == lines_of(text)
    assert simplify(escape(text)) == escape(text)


@given(text=TEXT, markdown=MARKDOWN_WITH_HTML)
def test_the_whole_content_of_a_note_is_in_the_form_that_freight_writes(text, markdown):
    reply = Reply(id="1", content=markdown, is_markdown=True, author_id="3", created_at=WHEN)
    content = content_of(note(content=text, replies=(reply,), author_id="1", created_at=WHEN, person_ids=("3",)))
    assert simplify(content) == content


OLDER_FORMS = [
    ("[![alt](i)](y)", "[[alt](i)](y)"),
    ("| a | b |\n|---|---|\n| `x\\|y` | z |", "a | b  \nx\\\\ | y | z  "),
    ("Title\n=====\n\n##### Deep #####", "Title\n=====\n\n### Deep #####"),
    ("[text][ref]\n\n[ref]: https://x.example.com", "[text][ref]\n\n[ref]: https://x.example.com"),
    ("a<br>b <b>c</b> <u>+5%</u>", "a<br>b <b>c</b> <u>+5%</u>"),
    ("    one *x*\n\nthree", "    one *x*\n\nthree"),
    ("> a\n\n---\n\n1. x", "a\n\n\n\n1. x"),
    ("```python\nx = 1\n\ny = 2\n```", "x = 1  \n  \ny = 2  "),
    ("5 * 3, [x], &copy; AT&amp;T", "5 * 3, [x], &copy; AT&amp;T"),
]
"""Notes, and the Markdown that Freight wrote of them before a parser read them."""


@pytest.mark.parametrize(("markdown", "older"), OLDER_FORMS)
def test_a_note_in_the_form_of_an_earlier_version_says_the_same(markdown, older):
    given_note = note(content=markdown, is_markdown=True)
    values_now = drafted(given_note).values
    (content,) = values_now["content"]
    assert older != simplify(markdown)
    before = {**values_now, "title": ["As it was"], "content": [content.replace(simplify(markdown), older)]}
    same = {"title": before["title"], "content": before["content"]}
    for known in ({"earlier": {"123": before}}, {"copies": {"123": (before,)}}):
        assert drafted(given_note, msgspec.structs.replace(REFERENCES, **known)).alike == same
        changed = msgspec.structs.replace(given_note, content=f"{markdown}\n\nand more")
        assert drafted(changed, msgspec.structs.replace(REFERENCES, **known)).alike == {}


@pytest.mark.parametrize(("before", "after"), [("*a* b", "a b"), ("+5%", "-5%"), ("# a", "a"), ("- a", "* a")])
def test_a_note_in_the_present_form_differs_by_its_marks_alone(before, after):
    earlier = drafted(note(content=before, is_markdown=True)).values
    given_draft = drafted(
        note(content=after, is_markdown=True), msgspec.structs.replace(REFERENCES, earlier={"123": earlier})
    )
    assert given_draft.alike == {}


@given(
    id_=st.integers(min_value=1).map(str) | st.sampled_from(["12/companies/5"]),
    before=st.text(max_size=30),
    below=st.sampled_from(["", "\n", "\n\nSomebody's own words"]),
)
def test_a_note_is_recognised_by_its_mark_whatever_stands_around_it(id_, before, below):
    assert MARKS.note_id(f"{before}(Affinity note 7)\n{before}*{MARKS.note(id_)}*{below}") == id_
    assert MARKS.note_id(f"{MARKS.note(id_)} in the middle") is None


def test_copies_of_a_note_are_alike_whichever_way_they_were_written():
    links = {"company_ids": ("1",), "person_ids": ("3", "4"), "participant_ids": ("77",), "author_id": "1"}
    one, copy = note(**links), note(id="123/companies/1", part_of="123", **{**links, "person_ids": ()})
    contents = [content_of(one), content_of(copy)]
    assert len(set(contents)) == 2
    assert len({MARKS.without_copies(content) for content in contents}) == 1
    assert MARKS.without_copies(content_of(note(**{**links, "content": "Hi"}))) != MARKS.without_copies(contents[0])


@pytest.mark.parametrize(
    ("held", "parent", "alike"),
    [("companies", ("companies", "1"), True), ("people", ("people", "3"), True), ("deals", ("deals", "5"), False)],
)
def test_a_note_stays_where_an_earlier_job_put_a_copy_of_it(held, parent, alike):
    given_note = note(person_ids=("3",), deal_ids=("5",))
    copy = drafted(note(id=f"123/{held}/{parent[1]}", part_of="123", **{"company_ids": (), LINKS[held]: (parent[1],)}))
    changed = {} if alike else {"content": ["Something else"]}
    copies = {"123": ({**copy.values, **changed},)}
    given_draft = drafted(given_note, msgspec.structs.replace(REFERENCES, copies=copies))
    assert given_draft.parents == (parent,)
    assert given_draft.alike == ({"content": copy.values["content"]} if alike else {})
    assert list(given_draft.places) == [("deals", "5"), ("companies", "1"), ("people", "3")]


LINKS = {"companies": "company_ids", "people": "person_ids", "deals": "deal_ids"}


def test_the_draft_for_a_copy_is_what_the_note_would_have_been_if_the_copy_had_been_known():
    given_note = note(person_ids=("3",), deal_ids=("5",))
    copy = drafted(note(id="123/people/3", part_of="123", company_ids=(), person_ids=("3",))).values
    known = drafted(given_note, msgspec.structs.replace(REFERENCES, copies={"123": (copy,)}))
    unknown = drafted(given_note)
    assert unknown.parents == (("deals", "5"),)
    assert unknown.for_copy is not None
    found = unknown.for_copy(copy)
    assert (found.parents, found.values, found.alike) == (known.parents, known.values, known.alike)


def test_only_the_first_copy_of_a_note_goes_to_a_participant():
    links = {"company_ids": ("99",), "participant_ids": ("4",)}
    first, other = (
        note(id="123/companies/99", part_of="123", stands_in=is_first, **links) for is_first in (True, False)
    )
    assert drafted(first).parents == (("people", "4"),)
    assert skip_of(other) == "no_parent"
    own = note(id="123/companies/2", part_of="123", company_ids=("2",), stands_in=False)
    assert skip_of(own) == "only_own_company"


def test_a_task_has_its_dates_owner_and_records():
    task = Task(
        id="9",
        content="Call",
        due_at=WHEN,
        created_at=WHEN,
        completed_at=WHEN,
        completed=True,
        recurrence="every 3 days",
        owner=ADA,
        creator=PersonRef(id="2", name="Bob"),
        person_id="3",
        company_id="88",
        deal_id="5",
    )
    given_draft = drafted(task)
    assert given_draft.values == {
        "content": ["Call\n\nCreated 2024-03-01 by Bob (Affinity reminder 9)"],
        "deadline_at": ["2024-03-01T14:05:00Z"],
        "is_completed": [True],
        "linked_records": [values.record_reference("deals", "d5"), values.record_reference("people", "p3")],
        "assignees": [values.actor_reference(MEMBER_ID)],
    }
    assert given_draft.parents == (("deals", "5"), ("people", "3"))
    assert codes(given_draft) == ["reference_not_found", "recurrence_not_carried", "completion_date_not_carried"]


def test_a_task_about_nothing_is_still_a_task():
    given_draft = drafted(Task(id="9"))
    assert given_draft.values == {"content": ["Reminder\n\n(Affinity reminder 9)"], "is_completed": [False]}
    assert given_draft.skip is None


LONG_TEXTS = st.builds(
    lambda character, number, rest: character * number + rest,
    st.sampled_from(["a", "é", "😀", "a 😀"]),
    st.integers(500, 2100),
    st.text(alphabet=" a😀\n", max_size=5),
)


@given(text=LONG_TEXTS)
def test_a_task_is_never_longer_than_attio_takes_and_says_what_is_missing(text):
    given_draft = drafted(Task(id="9", content=text))
    (content,) = given_draft.values["content"]
    assert len(content.encode("utf-16-le")) // 2 <= 2000
    assert MARKS.task_id(content) == "9"
    left_out = "".join(issue.value or "" for issue in given_draft.issues)
    assert content.removesuffix("\n\n(Affinity reminder 9)") + left_out == (text.strip() or "Reminder")


def test_the_owner_of_a_task_who_is_no_member_is_named_or_replaced():
    task = Task(id="9", owner=PersonRef(id="2", name="Bob", internal=True))
    assert codes(drafted(task)) == ["owner_without_member"]
    replaced = draft(task, REFERENCES, msgspec.structs.replace(LAYOUT, default_owner="m2"))
    assert replaced.values["assignees"] == [values.actor_reference("m2")]
    assert codes(replaced) == ["owner_replaced"]


def test_a_file_hangs_on_its_record():
    given_draft = drafted(File(id="9", name="Deck.pdf", size=5, person_id="3", company_id="99"))
    assert given_draft.values == {
        "name": ["Deck.pdf"],
        "size": [5],
        "parent": [values.record_reference("people", "p3")],
    }
    assert given_draft.parents == (("people", "3"),)


def test_a_file_that_attio_cannot_take_says_why():
    assert skip_of(File(id="9", name="x", company_id="99")) == "no_parent"
    assert skip_of(File(id="9", name="x")) == "no_parent"
    assert skip_of(File(id="9", name="x", company_id="1", size=50 * 1024 * 1024)) is None
    assert skip_of(File(id="9", name="x", company_id="1", size=50 * 1024 * 1024 + 1)) == "file_too_large"
    assert skip_of(File(id="9", name="x", person_id="1")) == "only_own_people"


def test_a_reminder_about_a_colleague_says_so_by_name():
    (issue,) = drafted(Task(id="9", person_id="1", company_id="1")).issues
    assert (issue.code, issue.field, issue.value) == ("internal_person_in_task", "linked_records", "Ada Love")
    assert "Ada Love (person 1)" in issue.message


def test_a_file_without_its_record_calls_that_record_by_its_name():
    known = msgspec.structs.replace(REFERENCES, names={("companies", "99"): "Gamma"})
    skip = drafted(File(id="9", name="x", company_id="99", deal_id="8"), known).skip
    assert skip is not None
    assert "attached to the opportunity 8, Gamma (company 99), which is not in Attio" in skip.message
