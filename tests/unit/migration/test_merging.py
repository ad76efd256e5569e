"""Merging: promises that hold whatever a source, a target and earlier jobs hold."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freight.connectors.protocols import Attributes, Draft, TargetRecord
from freight.domain.jobs.requests import OnExisting
from freight.domain.migration.planning.merging import Merged, merge
from freight.domain.migration.records.ledger import LedgerEntry

SINGLE = ("name", "description")
MULTIPLE = ("domains", "phones")
SLUGS = (*SINGLE, *MULTIPLE)

one = st.lists(st.sampled_from("abc"), min_size=1, max_size=1)
several = st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True)
attributes = st.fixed_dictionaries({}, optional={**dict.fromkeys(SINGLE, one), **dict.fromkeys(MULTIPLE, several)})
policies = st.sampled_from(["fill", "overwrite"])
slugs = st.frozensets(st.sampled_from(SLUGS))

FRESH = LedgerEntry(source_id="1", target_id="t", origin="matched", values={}, written=frozenset(), replaced={})


class Migrated(msgspec.Struct, frozen=True):
    """A record after a job: what the target holds, and what the ledger knows."""

    target: Attributes
    known: LedgerEntry
    merged: Merged


def migrate(
    source: Attributes,
    target: Attributes,
    known: LedgerEntry = FRESH,
    policy: OnExisting = "fill",
    *,
    held: Attributes | None = None,
    automatic: frozenset[str] = frozenset(),
    migrated: frozenset[str] = frozenset(SLUGS),
    interrupted: bool = False,
) -> Migrated:
    """Run a job over one record; other records of the target hold the values `held`."""
    wanted = {
        slug: [item for item in items if item not in (held or {}).get(slug, [])] for slug, items in source.items()
    }
    draft = Draft(
        entity="companies",
        source_id="1",
        values={slug: items for slug, items in wanted.items() if items},
        unique={},
        multiple=frozenset(MULTIPLE),
        migrated=migrated,
    )
    existing = TargetRecord(id="t", source_id=None, values=target, automatic=automatic)
    merged = merge(draft, source, existing, known, policy, interrupted=interrupted)
    after = {slug: items for slug, items in {**target, **merged.sent}.items() if items}
    learned = msgspec.structs.replace(
        known, values=merged.values, written=merged.written, kept=merged.kept, refused=merged.refused
    )
    return Migrated(after, learned, merged)


@given(attributes, attributes, attributes, attributes, policies, policies)
def test_merging_twice_changes_nothing(
    first: Attributes, target: Attributes, second: Attributes, held: Attributes, before: Any, policy: Any
) -> None:
    earlier = migrate(first, target, policy=before)
    once = migrate(second, earlier.target, earlier.known, policy, held=held)
    twice = migrate(second, once.target, once.known, policy, held=held)
    assert twice.merged.sent == {}
    assert twice.target == once.target


@given(attributes, attributes, policies)
def test_a_second_job_over_the_same_two_records_learns_nothing_new(
    source: Attributes, target: Attributes, policy: Any
) -> None:
    first = migrate(source, target, policy=policy)
    second = migrate(source, first.target, first.known, policy)
    assert (second.target, second.known.values) == (first.target, first.known.values)
    assert migrate(source, second.target, second.known, policy).known == second.known


@given(attributes, attributes, attributes, attributes)
def test_under_fill_a_value_that_a_person_set_survives_whatever_the_source_does(
    first: Attributes, target: Attributes, edited: Attributes, second: Attributes
) -> None:
    earlier = migrate(first, target)
    edits = {slug: items for slug, items in edited.items() if items != earlier.target.get(slug)}
    later = migrate(second, {**earlier.target, **edits}, earlier.known)
    for slug, items in edits.items():
        if slug in SINGLE or earlier.known.values.get(slug) != items:
            assert later.target.get(slug, [])[: len(items)] == items


@given(attributes, attributes, slugs)
def test_under_fill_a_value_that_a_person_removed_stays_removed_until_the_source_changes(
    source: Attributes, target: Attributes, removed: frozenset[str]
) -> None:
    earlier = migrate(source, target)
    left = {slug: items for slug, items in earlier.target.items() if slug not in removed}
    later = migrate(source, left, earlier.known)
    assert later.target == left
    named = {issue.field for issue in later.merged.issues if issue.code == "kept_in_target"}
    assert {slug for slug in removed if slug in source and slug in earlier.known.written} <= named


@given(attributes, attributes, attributes, policies)
def test_what_freight_wrote_and_the_target_still_holds_follows_the_source(
    first: Attributes, second: Attributes, target: Attributes, policy: Any
) -> None:
    earlier = migrate(first, {})
    later = migrate(second, earlier.target, earlier.known, policy)
    assert later.target == second


@given(attributes, attributes, attributes)
def test_every_value_arrives_or_its_attribute_is_named(
    first: Attributes, target: Attributes, second: Attributes
) -> None:
    earlier = migrate(first, target)
    later = migrate(second, earlier.target, earlier.known)
    named = {issue.field for issue in later.merged.issues}
    for slug, items in second.items():
        assert set(items) <= set(later.target.get(slug, [])) or slug in named


@given(attributes, attributes, attributes)
def test_overwrite_makes_the_target_say_what_the_source_says(
    first: Attributes, target: Attributes, second: Attributes
) -> None:
    earlier = migrate(first, target)
    later = migrate(second, earlier.target, earlier.known, "overwrite")
    for slug in second.keys() | earlier.known.values.keys():
        assert later.target.get(slug, []) == second.get(slug, [])


@given(attributes, attributes, attributes, slugs, policies)
def test_what_the_job_does_not_migrate_stays_as_it_is(
    first: Attributes, target: Attributes, second: Attributes, migrated: frozenset[str], policy: Any
) -> None:
    earlier = migrate(first, target)
    given = {slug: items for slug, items in second.items() if slug in migrated}
    later = migrate(given, earlier.target, earlier.known, policy, migrated=migrated)
    for slug in set(SLUGS) - migrated:
        assert later.target.get(slug) == earlier.target.get(slug)
        assert later.known.values.get(slug) == earlier.known.values.get(slug)
        assert (slug in later.known.written) == (slug in earlier.known.written)


@given(attributes, attributes, attributes, slugs)
def test_an_update_that_was_interrupted_ends_as_if_it_had_not_been(
    first: Attributes, target: Attributes, second: Attributes, arrived: frozenset[str]
) -> None:
    earlier = migrate(first, target)
    whole = migrate(second, earlier.target, earlier.known)
    sent = {slug: items for slug, items in whole.merged.sent.items() if slug in arrived}
    partly = {slug: items for slug, items in {**earlier.target, **sent}.items() if items}
    resumed = migrate(second, partly, earlier.known, interrupted=True)
    assert resumed.target == whole.target
    assert resumed.known.values == whole.known.values
    assert {slug for slug in whole.merged.sent if slug in SINGLE} <= resumed.known.written


@pytest.mark.parametrize("policy", ["fill", "overwrite"])
def test_a_record_that_other_records_left_without_a_value_keeps_the_one_that_it_has(policy: Any) -> None:
    merged = migrate({"domains": ["a"]}, {"domains": ["b"]}, policy=policy, held={"domains": ["a"]}).merged
    assert (merged.sent, merged.refused) == ({}, {"domains": ["a"]})
