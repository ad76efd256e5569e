"""Matching: whichever records the target holds, each is at most one draft, and never another's."""

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from freight.connectors.protocols import Draft, TargetRecord
from freight.domain.migration.planning.matching import Matches, TargetIndex, assign
from freight.model.crm import Entity

SOURCE_IDS = ("1", "2", "3", "4")
DOMAINS = ("a.com", "b.com", "c.com")


def draft(source_id: str, *domains: str, entity: Entity = "companies", container: str | None = None) -> Draft:
    return Draft(
        entity=entity,
        source_id=source_id,
        values={"domains": list(domains)} if domains else {},
        unique={"domains": domains} if domains else {},
        multiple=frozenset({"domains"}),
        container=container,
    )


def held(
    target_id: str, *domains: str, source_id: str | None = None, is_guess: bool = False, container: str | None = None
) -> TargetRecord:
    return TargetRecord(
        id=target_id, source_id=source_id, values={"domains": list(domains)}, is_guess=is_guess, container=container
    )


def index_of(
    found: Sequence[TargetRecord],
    *,
    owners: Mapping[str, str] | None = None,
    staged_ids: Sequence[str] = SOURCE_IDS,
) -> TargetIndex:
    return TargetIndex(found, {"domains"}, owners=owners or {}, staged_ids=staged_ids)


def ids(assigned: Mapping[str, TargetRecord]) -> dict[str, str]:
    return {source_id: record.id for source_id, record in assigned.items()}


def test_the_source_id_that_a_record_carries_counts_more_than_a_value_and_a_reservation() -> None:
    index = index_of([held("t1", "a.com"), held("t2", source_id="1")])
    assert ids(assign([draft("1", "a.com")], index, {"t2": "9"})) == {"1": "t2"}


def test_a_value_is_compared_as_the_target_compares_it() -> None:
    assert ids(assign([draft("1", "A.com")], index_of([held("t1", "a.com")]), {})) == {"1": "t1"}


def test_a_value_counts_only_in_the_list_in_which_the_draft_would_hold_it() -> None:
    index = index_of([held("t1", "a.com", container="list 1")])
    assert assign([draft("1", "a.com", container="list 2")], index, {}) == {}
    assert ids(assign([draft("1", "a.com", container="list 1")], index, {})) == {"1": "t1"}


def test_of_two_drafts_that_match_one_record_the_first_gets_it_and_the_second_its_next_one() -> None:
    index = index_of([held("t1", "a.com"), held("t2", "b.com")])
    assert ids(assign([draft("1", "a.com"), draft("2", "a.com", "b.com"), draft("3", "a.com")], index, {})) == {
        "1": "t1",
        "2": "t2",
    }


def test_a_record_of_a_source_record_that_is_gone_is_taken_over_and_of_one_that_exists_never() -> None:
    found = [held("t1", "a.com", source_id="9"), held("t2", "b.com"), held("t3", "c.com", source_id="4")]
    index = index_of(found, owners={"t2": "3"})
    drafts = [draft("1", "a.com"), draft("2", "b.com", "c.com")]
    assert ids(assign(drafts, index, {})) == {"1": "t1"}
    assert ids(assign(drafts, index_of(found, owners={"t2": "3"}, staged_ids=("1", "2")), {})) == {"1": "t1", "2": "t2"}


def test_of_files_that_are_alike_each_draft_gets_one_of_its_own_that_no_other_owns() -> None:
    found = [held(id_, source_id=source_id, is_guess=True) for id_ in ("f1", "f2", "f3") for source_id in ("1", "2")]
    drafts = [draft("1", entity="files"), draft("2", entity="files")]
    assert ids(assign(drafts, index_of(found), {})) == {"1": "f1", "2": "f2"}
    assert ids(assign(drafts, index_of(found, owners={"f1": "9"}), {})) == {"1": "f2", "2": "f3"}
    assert ids(assign(drafts, index_of(found, owners={"f1": "2"}), {"f3": "9"})) == {"1": "f2", "2": "f1"}


def test_what_is_reserved_for_a_draft_comes_before_what_only_looks_alike() -> None:
    index = index_of([held(id_, source_id="1", is_guess=True) for id_ in ("f1", "f2")])
    assert ids(assign([draft("1", entity="files")], index, {"f2": "1"})) == {"1": "f2"}


def test_a_draft_loses_the_values_of_other_records_and_keeps_those_of_its_own() -> None:
    index = index_of([held("t1", "a.com"), held("t2", "b.com")])
    wanted = draft("1", "a.com", "b.com", "c.com")
    matches = Matches(index, assign([wanted], index, {}))
    assert matches.of(wanted) == index.found[0]
    left = matches.without_values_of_others(wanted, "t1")
    assert (left.values, left.unique) == ({"domains": ["a.com", "c.com"]}, {"domains": ("a.com", "c.com")})
    assert [(issue.code, issue.value) for issue in left.issues] == [("held_by_another_record", "b.com")]


def test_a_new_entry_of_a_record_that_is_on_the_list_already_keeps_its_values_and_is_not_unique() -> None:
    index = index_of([held("t1", "a.com")])
    further = draft("1", "a.com", entity="list_entries")
    left = Matches(index, {}).without_values_of_others(further, None)
    assert (left.values, left.unique, left.issues) == ({"domains": ["a.com"]}, {}, ())


drafts_of_a_chunk = st.lists(
    st.builds(
        lambda source_id, domains: draft(source_id, *domains),
        st.sampled_from(SOURCE_IDS),
        st.lists(st.sampled_from(DOMAINS), max_size=3, unique=True),
    ),
    max_size=4,
    unique_by=lambda one: one.source_id,
)
target_records = st.lists(
    st.builds(
        lambda number, domains, source_id, is_guess: held(
            f"t{number}", *domains, source_id=source_id, is_guess=is_guess and source_id is not None
        ),
        st.integers(1, 5),
        st.lists(st.sampled_from(DOMAINS), max_size=2, unique=True),
        st.none() | st.sampled_from((*SOURCE_IDS, "9")),
        st.booleans(),
    ),
    max_size=5,
    unique_by=lambda record: record.id,
)
by_target_id = st.dictionaries(st.sampled_from([f"t{number}" for number in range(1, 6)]), st.sampled_from(SOURCE_IDS))


@given(drafts_of_a_chunk, target_records, by_target_id, by_target_id)
def test_each_record_is_one_draft_and_none_that_is_another_s(
    drafts: list[Draft], found: list[TargetRecord], owners: dict[str, str], reserved: dict[str, str]
) -> None:
    index = index_of(found, owners=owners)
    assigned = assign(drafts, index, reserved)
    assert len(set(ids(assigned).values())) == len({record.id for record in assigned.values()}) == len(assigned)
    for source_id, record in assigned.items():
        if record.source_id == source_id and not record.is_guess:
            continue
        assert reserved.get(record.id, source_id) == source_id
        assert owners.get(record.id, source_id) == source_id
        assert record.source_id in (None, "9", source_id)


@given(drafts_of_a_chunk, target_records, by_target_id, by_target_id)
def test_a_draft_that_gets_no_record_has_no_free_one(
    drafts: list[Draft], found: list[TargetRecord], owners: dict[str, str], reserved: dict[str, str]
) -> None:
    index = index_of(found, owners=owners)
    assigned = assign(drafts, index, reserved)
    taken = {**{record.id: source_id for source_id, record in assigned.items()}, **reserved}
    for one in drafts:
        if one.source_id not in assigned:
            assert all(taken.get(record.id, one.source_id) != one.source_id for record in index.candidates(one))


@given(drafts_of_a_chunk, target_records, by_target_id)
def test_an_attempt_that_is_repeated_finds_what_it_reserved(
    drafts: list[Draft], found: list[TargetRecord], reserved: dict[str, str]
) -> None:
    index = index_of(found)
    assigned = assign(drafts, index, reserved)
    again = {**reserved, **{record.id: source_id for source_id, record in assigned.items()}}
    assert assign(drafts, index, again) == assigned


@given(drafts_of_a_chunk, target_records, st.integers(0, 4))
def test_two_chunks_never_get_the_same_record(drafts: list[Draft], found: list[TargetRecord], middle: int) -> None:
    index = index_of(found)
    first = assign(drafts[:middle], index, {})
    second = assign(drafts[middle:], index, {record.id: source_id for source_id, record in first.items()})
    carried = {record.source_id: record.id for record in found if record.source_id is not None and not record.is_guess}
    assert set(ids(first).values()).isdisjoint(ids(second).values())
    assert all(carried.get(one.source_id) is None or one.source_id in {**first, **second} for one in drafts)
