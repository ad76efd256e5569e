"""What is decided about a record that the target has already."""

import string
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freight.connectors.protocols import Attributes, Draft, Issue, TargetRecord
from freight.domain.migration.planning.drafts import without_value
from freight.domain.migration.planning.plan import RecordPlan, created, plan_update, updated, without_written
from freight.domain.migration.records.ledger import LedgerEntry
from freight.domain.migration.records.records import Staged
from freight.model.crm import Company

MULTIPLE = frozenset({"domains", "phones"})
SLUGS = ("name", "description", "domains", "phones")

texts = st.text(string.ascii_lowercase, min_size=1, max_size=3)
attributes = st.dictionaries(st.sampled_from(SLUGS), st.lists(texts, min_size=1, max_size=1, unique=True)).flatmap(
    lambda single: st.fixed_dictionaries(
        {
            slug: st.lists(texts, min_size=1, max_size=3, unique=True) if slug in MULTIPLE else st.just(items)
            for slug, items in single.items()
        }
    )
)


def draft_of(values: Attributes) -> Draft:
    return Draft(
        entity="companies", source_id="1", values=values, unique={}, multiple=MULTIPLE, migrated=frozenset(SLUGS)
    )


def decide(
    values: Attributes, current: Attributes, *, known: LedgerEntry | None = None, on_existing: Any = "fill"
) -> RecordPlan:
    staged = Staged(id=1, source_id="1", record=Company(id="1"), in_flight=None)
    existing = TargetRecord(id="t1", source_id="1", values=current)
    return plan_update(staged, draft_of(values), values, existing, known, on_existing)


def at(target_id: str, **values: list[Any]) -> TargetRecord:
    return TargetRecord(id=target_id, source_id="1", values=values)


def after(plan: RecordPlan, current: Attributes) -> Attributes:
    """The target's values once the plan has been carried out."""
    return {slug: items for slug, items in {**current, **plan.values}.items() if items}


@given(attributes, attributes)
def test_fill_never_takes_away_what_is_there(values: Attributes, current: Attributes) -> None:
    result = after(decide(values, current), current)
    for slug, items in current.items():
        assert result[slug][: len(items)] == items


@given(attributes, attributes)
def test_fill_carries_every_value_or_names_its_attribute(values: Attributes, current: Attributes) -> None:
    plan = decide(values, current)
    named = {field for issue in plan.issues for field in (issue.field or "").split(", ")}
    result = after(plan, current)
    for slug, items in values.items():
        assert set(items) <= set(result[slug]) or slug in named


@given(attributes, attributes)
def test_overwrite_makes_every_attribute_of_the_source_the_same(values: Attributes, current: Attributes) -> None:
    result = after(decide(values, current, on_existing="overwrite"), current)
    assert {slug: result[slug] for slug in values} == values


@given(attributes, attributes, st.sampled_from(["fill", "overwrite"]))
def test_a_second_plan_after_the_first_has_nothing_to_send(
    values: Attributes, current: Attributes, on_existing: str
) -> None:
    first = decide(values, current, on_existing=on_existing)
    second = decide(values, after(first, current), known=first.known, on_existing=on_existing)
    assert second.write is None


@given(attributes, attributes)
def test_what_an_update_replaces_is_remembered(values: Attributes, current: Attributes) -> None:
    plan = decide(values, current, on_existing="overwrite")
    assert plan.known is not None
    assert plan.known.replaced == {slug: current.get(slug, []) for slug in plan.values}


def test_under_fill_a_value_that_somebody_changed_in_the_target_stays_theirs() -> None:
    before = created(draft_of({"name": ["Acme"]}), {"name": ["Acme"]}, at("t1"))
    plan = decide({"name": ["Acme Ltd"]}, {"name": ["ACME!"]}, known=before)
    assert plan.write is None
    assert [(issue.code, issue.field) for issue in plan.issues] == [("kept_in_target", "name")]


def test_under_fill_a_value_that_freight_wrote_follows_the_source() -> None:
    before = created(draft_of({"name": ["Acme"]}), {"name": ["Acme"]}, at("t1"))
    plan = decide({"name": ["Acme Ltd"]}, {"name": ["Acme"]}, known=before)
    assert plan.values == {"name": ["Acme Ltd"]}


@pytest.mark.parametrize(("level", "domains"), [("info", ["new"]), ("warning", ["old", "new"])])
def test_an_old_value_stays_only_where_a_warning_says_that_a_part_of_the_new_ones_is_lacking(
    level: Any, domains: list[str]
) -> None:
    known = created(draft_of({"domains": ["old"]}), {"domains": ["old"]}, at("t1"))
    issue = Issue(level=level, code="any", message="Any.", field="domains")
    draft = msgspec.structs.replace(draft_of({"domains": ["new"]}), issues=(issue,))
    staged = Staged(id=1, source_id="1", record=Company(id="1"), in_flight=None)
    plan = plan_update(staged, draft, draft.values, at("t1", domains=["old"]), known, "fill")
    assert plan.values == {"domains": domains}


def test_what_the_target_put_in_by_itself_gives_way_to_the_source() -> None:
    before = created(draft_of({"name": ["Acme"]}), {"name": ["Acme"]}, at("t1", name=["Acme"], description=["None"]))
    values: Attributes = {"name": ["Acme"], "description": ["Anvils"]}
    assert decide(values, {"name": ["Acme"], "description": ["None"]}, known=before).values == {
        "description": ["Anvils"]
    }
    assert decide(values, {"name": ["Acme"], "description": ["Theirs"]}, known=before).write is None


def test_a_value_that_somebody_took_out_does_not_come_back() -> None:
    held: Attributes = {"phones": ["1", "2"]}
    before = created(draft_of(held), held, at("t1"))
    plan = decide({"phones": ["1", "2", "3"]}, {"phones": ["1", "9"]}, known=before)
    assert plan.values == {"phones": ["1", "9", "3"]}


def test_values_that_freight_wrote_and_nobody_touched_follow_the_source() -> None:
    held: Attributes = {"phones": ["1", "2"], "description": ["Anvils"]}
    before = created(draft_of(held), held, at("t1"))
    assert decide({"phones": ["2", "3"]}, held, known=before).values == {"phones": ["2", "3"], "description": []}


@pytest.mark.parametrize("on_existing", ["fill", "overwrite"])
def test_what_the_target_demands_is_never_cleared(on_existing: Any) -> None:
    held: Attributes = {"name": ["Acme"], "description": ["Anvils"]}
    before = created(draft_of(held), held, at("t1"))
    draft = msgspec.structs.replace(draft_of({"name": ["Acme"]}), on_create={"description": ["None"]})
    staged = Staged(id=1, source_id="1", record=Company(id="1"), in_flight=None)
    plan = plan_update(staged, draft, draft.values, at("t1", **held), before, on_existing)
    assert plan.write is None


@pytest.mark.parametrize("on_existing", ["fill", "overwrite"])
def test_what_the_job_does_not_carry_is_left_as_it_is(on_existing: Any) -> None:
    held: Attributes = {"name": ["Acme"], "description": ["Anvils"]}
    before = created(draft_of(held), held, at("t1"))
    draft = msgspec.structs.replace(draft_of({"name": ["Acme Ltd"]}), migrated=frozenset({"name"}))
    staged = Staged(id=1, source_id="1", record=Company(id="1"), in_flight=None)
    plan = plan_update(staged, draft, draft.values, at("t1", **held), before, on_existing)
    assert plan.values == {"name": ["Acme Ltd"]}
    assert plan.known is not None
    assert plan.known.values["description"] == ["Anvils"]


def test_overwrite_replaces_what_an_earlier_job_has_left_to_a_person() -> None:
    first = decide({"name": ["Acme"]}, {"name": ["Theirs"]})
    plan = decide({"name": ["Acme"]}, {"name": ["Theirs"]}, known=first.known, on_existing="overwrite")
    assert plan.values == {"name": ["Acme"]}


def test_what_freight_wrote_follows_the_source_also_after_an_update_that_the_target_refused() -> None:
    before = created(draft_of({"name": ["A"]}), {"name": ["A"]}, at("t1"))
    refused = decide({"name": ["B"]}, {"name": ["A"]}, known=before)
    assert refused.known is not None
    after_it = without_written(refused.known, {"name"}, refused)
    assert decide({"name": ["C"]}, {"name": ["A"]}, known=after_it).values == {"name": ["C"]}
    assert decide({"name": ["C"]}, {"name": ["Theirs"]}, known=after_it).write is None


@pytest.mark.parametrize("on_existing", ["fill", "overwrite"])
def test_a_value_that_is_only_left_out_of_the_draft_takes_nothing_away(on_existing: Any) -> None:
    held: Attributes = {"description": ["Anvils"], "phones": ["1", "2"]}
    before = created(draft_of(held), held, at("t1"))
    told = tuple(Issue(code="not_a_member", message="It was left out.", field=field) for field in held)
    draft = msgspec.structs.replace(draft_of({"phones": ["2"]}), issues=told)
    staged = Staged(id=1, source_id="1", record=Company(id="1"), in_flight=None)
    plan = plan_update(staged, draft, draft.values, at("t1", **held), before, on_existing)
    assert plan.values == ({} if on_existing == "fill" else {"phones": ["2"]})


def test_a_value_that_the_source_lost_and_that_stands_beside_a_person_s_is_named() -> None:
    before = created(draft_of({"phones": ["1", "2"]}), {"phones": ["1", "2"]}, at("t1"))
    plan = decide({"phones": ["2"]}, {"phones": ["1", "2", "9"]}, known=before)
    assert plan.write is None
    assert [issue.code for issue in plan.issues] == ["kept_without_source"]


@pytest.mark.parametrize(
    ("on_existing", "sent"),
    [("fill", {"description": ["Rockets"]}), ("overwrite", {"name": ["Acme"], "description": ["Rockets"]})],
)
def test_what_a_person_changed_is_written_again_by_overwrite_alone_where_the_source_did_not_change(
    on_existing: Any, sent: Attributes
) -> None:
    held: Attributes = {"name": ["Acme"], "description": ["Anvils"]}
    plan = decide(
        {"name": ["Acme"], "description": ["Rockets"]},
        {"name": ["Changed there"], "description": ["Anvils"]},
        known=created(draft_of(held), held, at("t1", **held)),
        on_existing=on_existing,
    )
    assert plan.values == sent
    named = [(issue.code, issue.field) for issue in plan.issues]
    assert named == ([("kept_in_target", "name")] if on_existing == "fill" else [])


@pytest.mark.parametrize("known", [None, created(draft_of({"name": ["A"]}), {"name": ["A"]}, at("t1"))])
def test_skip_sends_nothing_and_says_why(known: LedgerEntry | None) -> None:
    plan = decide({"name": ["B"]}, {"name": ["A"]}, known=known, on_existing="skip")
    assert plan.write is None
    assert plan.skip is not None
    assert plan.skip.code == "exists_in_target"


def test_an_update_that_an_interrupted_attempt_has_sent_counts_as_an_update() -> None:
    staged = Staged(id=1, source_id="1", record=Company(id="1"), in_flight="update")
    existing = TargetRecord(id="t1", source_id="1", values={"name": ["Acme"]})
    draft = draft_of({"name": ["Acme"]})
    plan = plan_update(staged, draft, draft.values, existing, None, "fill")
    assert (plan.write, plan.outcome) == (None, "updated")
    assert plan.known is not None
    assert plan.known.written == {"name"}


def test_a_value_that_another_record_holds_is_left_out_and_named() -> None:
    draft = msgspec.structs.replace(draft_of({"domains": ["a.com", "b.com"]}), unique={"domains": ("a.com", "b.com")})
    left = without_value(draft, "domains", "a.com", holder="t2")
    assert (left.values, left.unique) == ({"domains": ["b.com"]}, {"domains": ("b.com",)})
    assert [(issue.code, issue.value) for issue in left.issues] == [("held_by_another_record", "a.com")]
    assert without_value(left, "domains", "b.com").unique == {}


def decide_about(
    values: Attributes, existing: TargetRecord, *, known: LedgerEntry | None = None, on_existing: Any = "fill"
) -> RecordPlan:
    staged = Staged(id=1, source_id="1", record=Company(id="1"), in_flight=None)
    return plan_update(staged, draft_of(values), values, existing, known, on_existing)


def enriched(*automatic: str, **values: list[Any]) -> TargetRecord:
    """A record in which the target's own machinery wrote some attributes."""
    return TargetRecord(id="t1", source_id="1", values=values, automatic=frozenset(automatic))


def test_under_fill_what_nobody_chose_gives_way_to_the_source_also_where_freight_wrote_before() -> None:
    record = enriched("name", "description", "domains", name=["Example Domain"], description=["?"], domains=["x.com"])
    wanted: Attributes = {"name": ["Acme"], "description": ["Anvils"], "domains": ["acme.com"]}
    first = decide_about(wanted, record)
    assert first.values == {"name": ["Acme"], "description": ["Anvils"], "domains": ["x.com", "acme.com"]}
    assert first.issues == ()
    held = after(first, record.values)
    assert decide_about(wanted, enriched(**held), known=first.known).write is None

    again = enriched("name", **{**held, "name": ["Example Domain"]})
    second = decide_about(wanted, again, known=first.known)
    assert second.values == {"name": ["Acme"]}
    assert decide_about(wanted, enriched(**held), known=first.known).write is None


def test_what_a_person_chose_is_named_by_every_job_that_leaves_it() -> None:
    held: Attributes = {"name": ["Acme"], "phones": ["1", "2"]}
    known: LedgerEntry | None = created(draft_of(held), held, at("t1", **held))
    theirs: Attributes = {"name": ["Theirs"], "phones": ["1", "9"]}
    for _ in range(2):
        plan = decide(held, theirs, known=known)
        assert plan.write is None
        assert [(issue.code, issue.field, issue.value) for issue in plan.issues] == [
            ("kept_in_target", "name", '["Acme"]'),
            ("kept_in_target", "phones", '["2"]'),
        ]
        known = plan.known or known


@pytest.mark.parametrize("on_existing", ["fill", "overwrite"])
def test_what_the_target_shows_in_its_own_way_is_not_written_again(on_existing: Any) -> None:
    sent: Attributes = {"name": ["Acme  Ltd"], "phones": ["1", "2"]}
    shown: Attributes = {"name": ["Acme Ltd"], "phones": ["2", "1"]}
    known = created(draft_of(sent), sent, at("t1", **shown))
    plan = decide(sent, shown, known=known, on_existing=on_existing)
    assert (plan.write, plan.issues, plan.known) == (None, (), None)
    assert decide({**sent, "name": ["Acme AG"]}, shown, known=known).values == {"name": ["Acme AG"]}


def test_a_box_that_is_not_ticked_is_not_written_again() -> None:
    known = created(draft_of({"name": [False]}), {"name": [False]}, at("t1"))
    assert decide({"name": [False]}, {}, known=known, on_existing="overwrite").write is None


def test_a_value_that_the_target_refused_is_sent_again_only_by_overwrite_or_once_the_source_has_changed() -> None:
    wanted: Attributes = {"phones": ["1", "bad"]}
    known = created(draft_of({"phones": ["1"]}), wanted, at("t1", phones=["1"]))
    assert known.refused == {"phones": ["bad"]}
    held: Attributes = {"phones": ["1"]}
    fill = decide(wanted, held, known=known)
    assert (fill.write, [(issue.code, issue.value) for issue in fill.issues]) == (
        None,
        [("left_out_before", '["bad"]')],
    )
    assert decide(wanted, wanted, known=known).issues == ()
    assert decide(wanted, held, known=known, on_existing="overwrite").values == wanted
    assert decide({"phones": ["1", "bad", "2"]}, held, known=known).values == {"phones": ["1", "bad", "2"]}


def test_what_an_update_was_refused_is_remembered() -> None:
    before = created(draft_of({"phones": ["1"]}), {"phones": ["1"]}, at("t1", phones=["1"]))
    plan = decide({"phones": ["1", "bad"]}, {"phones": ["1"]}, known=before)
    left = draft_of({"phones": ["1"]})
    known = updated(plan, left, {}, None)
    assert known is not None
    assert known.refused == {"phones": ["bad"]}
    assert decide({"phones": ["1", "bad"]}, {"phones": ["1"]}, known=known).write is None


@given(attributes, attributes, attributes)
def test_overwrite_after_overwrite_has_nothing_to_send_whatever_people_did_between_the_jobs_before(
    values: Attributes, current: Attributes, theirs: Attributes
) -> None:
    first = decide(values, current, on_existing="overwrite")
    second = decide(values, theirs, known=first.known, on_existing="overwrite")
    held = after(second, theirs)
    assert {slug: held[slug] for slug in values} == values
    assert decide(values, held, known=second.known or first.known, on_existing="overwrite").write is None
