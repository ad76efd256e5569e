"""Where lists go, who owns records, and which options are made, in a target that is no vendor's."""

from freight.connectors.planning.choices import MANY, Choice, complete, complete_places, new_stages
from freight.connectors.planning.lists import ListDefinition, place_lists
from freight.connectors.planning.target import Capabilities
from freight.connectors.planning.users import resolve_default_owner, unmatched_users
from freight.connectors.protocols import Issue
from freight.model.crm import List
from freight.model.fields import Field, Option, PersonRef
from freight.model.mapping import ListMapping, Mapping
from freight.model.resolved_mapping import ListPlace, Place
from freight.model.schema import Schema

STATUS = Field(id="5", name="Status", type="status", options=(Option(id="1", text="New"), Option(id="2", text=" Won ")))
LPS = List(id="1", name="LPs", of="companies")
PIPELINE = List(id="2", name="Pipeline", of="deals", fields=(STATUS,))
MEMBERS = {"ada@firm.example.com": "m1"}


def placed(
    mapping: Mapping | None = None, *, migrated: bool = True, **existing: ListDefinition
) -> tuple[dict[str, ListPlace], list[Issue]]:
    places, issues = place_lists(
        (LPS, PIPELINE),
        mapping or Mapping(),
        {id_.removeprefix("of_"): held for id_, held in existing.items()},
        lambda given: f"list_{given.id}",
        migrated=migrated,
        target="Cardfile",
    )
    return {place.list_id: place for place in places}, issues


def held(slug: str, *parents: str) -> ListDefinition:
    return ListDefinition(id=f"id-{slug}", slug=slug, name=slug.upper(), parents=parents)


def test_a_list_is_made_or_the_one_that_was_made_earlier_is_used() -> None:
    places, issues = placed(of_1=held("lps", "companies"))
    assert {id_: (place.action, place.slug, place.target_id) for id_, place in places.items()} == {
        "1": ("use", "lps", "id-lps"),
        "2": ("make", "list_2", None),
    }
    assert (places["1"].name, places["1"].shared, places["2"].stage, issues) == ("LPs", False, "5", [])


def test_a_list_that_the_job_names_keeps_its_name_and_may_hold_entries_of_others() -> None:
    places, _ = placed(Mapping(lists={"1": ListMapping(to="lps")}), of_1=held("lps", "companies"))
    assert (places["1"].name, places["1"].shared) == ("LPS", True)


def test_a_list_of_other_records_and_one_list_for_two_are_refused_by_name() -> None:
    _, issues = placed(of_1=held("lps", "people"))
    assert [(issue.code, "Cardfile's list lps" in issue.message) for issue in issues] == [("list_incompatible", True)]
    both = Mapping(lists={"1": ListMapping(to="all"), "2": ListMapping(to="all")})
    places, issues = placed(both)
    assert (list(places), [issue.code for issue in issues]) == (["1"], ["list_taken_twice"])


def test_where_lists_are_not_migrated_those_of_deals_are_named_for_their_stages() -> None:
    places, _ = placed(migrated=False, of_2=held("pipeline", "deals"))
    assert {id_: (place.action, place.target_id, place.stage) for id_, place in places.items()} == {
        "2": ("skip", None, "5")
    }


def test_a_list_that_the_job_leaves_out_has_no_place() -> None:
    assert list(placed(Mapping(only_lists=["2"]))[0]) == ["2"]
    assert list(placed(Mapping(lists={"2": ListMapping(skip=True)}))[0]) == ["1"]


def test_the_default_owner_is_a_member_whatever_the_case_of_the_address() -> None:
    assert resolve_default_owner(Mapping(default_owner="Ada@Firm.example.com"), MEMBERS, "Cardfile") == ("m1", [])
    assert resolve_default_owner(Mapping(), MEMBERS, "Cardfile") == (None, [])
    owner, (issue,) = resolve_default_owner(Mapping(default_owner="bob@firm.example.com"), MEMBERS, "Cardfile")
    assert (owner, issue.code, "Cardfile" in issue.message) == (None, "unknown_member", True)


def test_users_who_are_no_members_are_named_and_so_is_that_none_is_known() -> None:
    users = (PersonRef(id="1", email=" ADA@firm.example.com"), PersonRef(id="2", name="Bob"))
    (issue,) = unmatched_users(Schema(users=users), MEMBERS, "Cardfile")
    assert (issue.code, issue.value) == ("owner_without_member", "2")
    assert [issue.code for issue in unmatched_users(Schema(), MEMBERS, "Cardfile")] == ["owners_not_checked"]


def test_options_that_exist_come_first_and_archived_ones_are_made_again() -> None:
    there = [Choice(id="1", title="Theirs"), Choice(id="2", title="Won", is_archived=True)]
    assert complete(["Won", "New", "Won"], there) == (("Theirs", "Won", "New"), ("Won", "New"))


def test_stages_are_those_of_the_target_and_of_the_fields_that_the_lists_name() -> None:
    schema = Schema(lists=(LPS, PIPELINE))
    found = new_stages([("1", None), ("2", "5")], schema, [Choice(id="1", title="Lead")])
    assert found == (("Lead", "New", "Won"), ("New", "Won"))


def test_very_many_options_are_worth_a_warning() -> None:
    options = tuple(Option(id=str(number), text=f"Option {number}") for number in range(MANY + 1))
    schema = Schema(companies=(Field(id="7", name="Tags", type="select", options=options),))
    place = Place(
        owner="companies", field="7", name="Tags", field_type="select", action="make", attribute="tags", type="select"
    )
    capabilities = Capabilities(label="Cardfile", possible={}, multiple=frozenset(), options_per_second=10)
    (completed,), (issue,) = complete_places([place], schema, {}, capabilities)
    assert (len(completed.new_options), issue.code) == (MANY + 1, "many_options")
    assert "about 101 seconds" in issue.message
    assert complete_places([place], Schema(), {}, capabilities) == ((place,), [])
