"""The vocabulary: what records refer to, what only one of them may hold, and how they are kept."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freight.model import crm
from freight.model.addresses import comparable
from freight.model.crm import (
    LOAD_ORDER,
    Company,
    Deal,
    Entity,
    File,
    List,
    ListEntry,
    Note,
    Person,
    Record,
    Reply,
    Task,
    UniquePart,
)
from freight.model.fields import CompanyRef, Location, PersonRef

UNIQUE: dict[Entity, UniquePart] = {"companies": "domains", "people": "emails", "list_entries": "parent"}

ids = st.text("0123456789", min_size=1, max_size=6)
texts = st.text(max_size=20)
values = st.one_of(
    texts,
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.builds(Location, city=texts),
    st.builds(PersonRef, id=ids, internal=st.booleans()),
    st.builds(CompanyRef, id=ids),
)
fields = st.dictionaries(texts, st.lists(values, max_size=3).map(tuple), max_size=3)
many_ids = st.lists(ids, max_size=3).map(tuple)
records: st.SearchStrategy[Record] = st.one_of(
    st.builds(Company, id=ids, domains=st.lists(texts, max_size=3).map(tuple), fields=fields),
    st.builds(Person, id=ids, emails=st.lists(texts, max_size=3).map(tuple), company_id=st.none() | ids, fields=fields),
    st.builds(Deal, id=ids, list_id=st.none() | ids, person_ids=many_ids, company_ids=many_ids, fields=fields),
    st.builds(List, id=ids, name=texts, of=st.sampled_from(["companies", "people", "deals"])),
    st.builds(ListEntry, id=ids, list_id=ids, parent=st.tuples(st.sampled_from(LOAD_ORDER), ids), fields=fields),
    st.builds(Note, id=ids, content=texts, person_ids=many_ids, company_ids=many_ids, participant_ids=many_ids),
    st.builds(Task, id=ids, person_id=st.none() | ids, deal_id=st.none() | ids),
    st.builds(File, id=ids, name=texts, company_id=st.none() | ids),
)


def claims_of(record: Record) -> tuple[str, ...]:
    return crm.claims(record, UNIQUE)


@given(records)
def test_a_record_is_kept_as_it_is(record: Record) -> None:
    kept = msgspec.json.decode(msgspec.json.encode(record), type=Record)
    assert kept == record
    assert crm.entity_of(kept) in LOAD_ORDER


@given(records)
def test_whatever_is_referred_to_is_named_once(record: Record) -> None:
    references = crm.references(record)
    assert len(set(references)) == len(references)


@given(records)
def test_a_record_without_all_its_claims_is_the_same_record_and_claims_nothing_else(record: Record) -> None:
    claims = claims_of(record)
    without = crm.without_claims(record, claims)
    assert without.id == record.id
    assert claims_of(without) == (claims if isinstance(record, ListEntry) else ())


def test_the_firm_s_own_people_are_no_references_but_others_are() -> None:
    named = {"owner": (PersonRef(id="1", internal=True),), "contact": (PersonRef(id="2"), CompanyRef(id="3"))}
    assert crm.references(Company(id="9", fields=named)) == (("people", "2"), ("companies", "3"))


@pytest.mark.parametrize(
    ("record", "references"),
    [
        (Person(id="1", company_id="7"), (("companies", "7"),)),
        (
            Deal(id="1", list_id="5", person_ids=("2",), company_ids=("3",)),
            (("companies", "3"), ("people", "2"), ("lists", "5")),
        ),
        (ListEntry(id="1", list_id="5", parent=("deals", "8")), (("lists", "5"), ("deals", "8"))),
        (
            Note(id="1", content="x", person_ids=("2",), deal_ids=("8",), participant_ids=("4", "2")),
            (("people", "2"), ("people", "4"), ("deals", "8")),
        ),
        (Task(id="1", company_id="3"), (("companies", "3"),)),
        (File(id="1", name="x", person_id="2"), (("people", "2"),)),
    ],
)
def test_records_refer_to_what_they_belong_to(record: Record, references: tuple[crm.Reference, ...]) -> None:
    assert crm.references(record) == references


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Acme.com ", "acme.com", True),
        ("www.acme.com", "https://acme.com/about", True),
        ("müller.de", "xn--mller-kva.de", True),
        ("mu\N{COMBINING DIAERESIS}ller.de", "M\N{LATIN CAPITAL LETTER U WITH DIAERESIS}LLER.DE", True),
        ("\uff57\uff57\uff57\uff0eacme\uff0ecom", "acme\u3002com", True),
        ("straße.de", "strasse.de", False),
    ],
)
def test_two_ways_to_write_a_domain_are_one_claim_and_two_domains_are_two(one: str, other: str, same: bool) -> None:
    (claim,) = claims_of(Company(id="1", domains=(one,)))
    assert crm.without_claims(Company(id="2", domains=(other,)), [claim]).domains == (() if same else (other,))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a@müller.de", "A@xn--mller-kva.de", True),
        ("mailto:ada@acme.com", "Ada <ada@acme.com>", True),
        ("ada@acme.com.", "ada@acme.com", True),
        ("a@straße.de", "a@strasse.de", False),
        ("ada+crm@acme.com", "ada@acme.com", False),
        ("ada@www.acme.com", "ada@acme.com", False),
    ],
)
def test_two_ways_to_write_an_address_are_one_claim_and_two_addresses_are_two(one: str, other: str, same: bool) -> None:
    (claim,) = claims_of(Person(id="1", emails=(one,)))
    left = claims_of(crm.without_claims(Person(id="2", emails=(other,)), [claim]))
    assert left == (() if same else claims_of(Person(id="2", emails=(other,))))


@pytest.mark.parametrize(
    "record",
    [
        Company(id="1", domains=("acme.com\N{ZERO WIDTH SPACE}", "so\N{SOFT HYPHEN}ft.com", "acme", "10.0.0.1", "")),
        Company(id="1", name="Acme", domains=("gmail.com", "linkedin.com/company/acme", "linkedin.com", "github.io")),
        Company(id="1", domains=("x" * 100_000, "x." * 100_000 + "com", "co.uk")),
        Person(id="1", emails=("\N{RIGHT-TO-LEFT MARK}a@acme.com", "ada lovelace@acme.com", "a@localhost", "x" * 3000)),
    ],
)
def test_an_unusable_spelling_claims_nothing(record: Record) -> None:
    assert claims_of(record) == ()


def test_of_several_addresses_in_one_text_those_that_are_lost_are_cut_out() -> None:
    company = Company(id="1", domains=("one.com, two.org (old)",))
    assert claims_of(company) == ("one.com", "two.org")
    assert claims_of(crm.without_claims(company, ["one.com"])) == ("two.org",)


@given(st.lists(texts, max_size=3), st.data())
def test_claims_are_canonical_and_short_and_what_is_lost_is_gone(given_texts: list[str], data: st.DataObject) -> None:
    for record in (Company(id="1", domains=tuple(given_texts)), Person(id="1", emails=tuple(given_texts))):
        claims = claims_of(record)
        assert all(comparable(claim) == claim and len(claim) < 255 for claim in claims)
        lost = data.draw(st.sets(st.sampled_from(claims))) if claims else set()
        assert set(claims_of(crm.without_claims(record, lost))) == set(claims) - lost


def test_the_firm_s_own_people_take_no_address_from_somebody_who_is_carried() -> None:
    assert claims_of(Person(id="1", emails=("ann@firm.example",), internal=True)) == ()


def test_the_second_entry_of_a_record_on_a_list_is_a_repeated_one() -> None:
    first = ListEntry(id="1", list_id="5", parent=("companies", "3"))
    second = ListEntry(id="2", list_id="5", parent=("companies", "3"))
    assert claims_of(first) == claims_of(second)
    assert crm.without_claims(second, claims_of(first)) == msgspec.structs.replace(second, repeated=True)


def test_the_authors_of_a_note_and_of_its_answers_are_named() -> None:
    note = Note(id="1", content="x", author_id="7", replies=(Reply(id="2", content="y", author_id="8"),))
    assert crm.people_named(note) == ("7", "8")


@given(records)
def test_nothing_is_claimed_of_what_the_target_allows_to_many(record: Record) -> None:
    assert crm.claims(record, {}) == ()
