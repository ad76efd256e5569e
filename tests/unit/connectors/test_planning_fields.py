"""Where fields go in a target that is no vendor's: it has few types, and names attributes by numbers."""

from collections.abc import Iterator, Mapping

import pytest

from freight.connectors.planning.fields import place_fields
from freight.connectors.planning.target import Capabilities, FieldOwner, TargetAttribute
from freight.model.fields import Field
from freight.model.mapping import FieldMapping
from freight.model.resolved_mapping import Place

CAPABILITIES = Capabilities(
    label="Cardfile",
    possible={
        "text": ("text", "select"),
        "number": ("number",),
        "date": ("date", "text"),
        "location": ("text",),
        "select": ("select", "text"),
        "status": ("status", "text"),
        "person": ("text",),
        "company": ("text",),
    },
    multiple=frozenset({"text"}),
    options_per_second=1,
)
SECTOR = Field(id="1", name="Sector", type="text")
REGION = Field(id="2", name="Region", type="text")
OWNER = Field(id="3", name="Owner", type="person")


def slugs(field: Field) -> Iterator[str]:
    yield field.name.lower()
    yield from (f"{field.name.lower()}_{number}" for number in range(2, 100))


def existing(slug: str, **more: object) -> TargetAttribute:
    return TargetAttribute(slug=slug, type="string", types=frozenset({"text"}), **more)  # type: ignore[arg-type]


def placed(
    *fields: Field, wanted: Mapping[str, FieldMapping] | None = None, there: tuple[TargetAttribute, ...] = ()
) -> tuple[dict[str, Place], list[str]]:
    """What becomes of the fields, by id, and the codes of what is said."""
    owner = FieldOwner(
        name="companies",
        attributes={attribute.slug: attribute for attribute in there},
        kept=frozenset({"card"}),
        standard=frozenset({"name"}),
        identifying=frozenset({"name"}),
        slugs=slugs,
    )
    places, issues = place_fields(owner, fields, wanted or {}, CAPABILITIES)
    return {place.field: place for place in places}, [issue.code for issue in issues]


def test_an_attribute_that_the_job_names_is_not_for_a_field_that_comes_before() -> None:
    wanted = {"2": FieldMapping(to="sector")}
    places, issues = placed(SECTOR, REGION, wanted=wanted)
    assert (places["2"].attribute, places["1"].attribute) == ("sector", "sector_2")
    assert issues == []


def test_an_attribute_that_was_made_for_a_field_is_not_for_one_of_that_name_that_comes_before() -> None:
    places, _ = placed(REGION, SECTOR, there=(existing("region", made_for="1", is_the_firms=False),))
    assert {id_: (place.action, place.attribute) for id_, place in places.items()} == {
        "1": ("use", "region"),
        "2": ("make", "region_2"),
    }


def test_an_attribute_of_the_firm_s_own_with_the_field_s_name_is_used_and_none_of_anybody_else_s() -> None:
    places, _ = placed(SECTOR, REGION, there=(existing("sector"), existing("region", is_the_firms=False)))
    assert [(place.action, place.attribute) for place in places.values()] == [("use", "sector"), ("make", "region_2")]


def test_an_archived_attribute_is_restored_and_one_that_cannot_be_written_is_left() -> None:
    there = (existing("sector", is_archived=True), existing("region", is_writable=False))
    places, _ = placed(SECTOR, REGION, there=there)
    assert [place.action for place in places.values()] == ["restore", "make"]


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        (FieldMapping(type="date"), "type_impossible"),
        (FieldMapping(type="select"), "options_unknown"),
        (FieldMapping(to="card"), "attribute_incompatible"),
        (FieldMapping(to="locked"), "attribute_incompatible"),
        (FieldMapping(to="name"), "standard_value_taken"),
    ],
)
def test_a_mapping_that_cannot_work_leaves_the_field_without_a_place(mapping: FieldMapping, code: str) -> None:
    there = (existing("locked", is_writable=False), existing("name"))
    places, issues = placed(SECTOR, wanted={"1": mapping}, there=there)
    assert (places, issues) == ({}, [code])


def test_two_fields_never_share_an_attribute() -> None:
    wanted = {"1": FieldMapping(to="both"), "2": FieldMapping(to="both")}
    places, issues = placed(SECTOR, REGION, wanted=wanted)
    assert (list(places), issues) == (["1"], ["attribute_taken_twice"])


def test_a_standard_attribute_is_replaced_where_the_job_says_so() -> None:
    places, issues = placed(SECTOR, wanted={"1": FieldMapping(to="name", replace=True)}, there=(existing("name"),))
    assert (places["1"].action, issues) == ("use", [])


def test_a_field_becomes_only_what_the_target_has() -> None:
    places, _ = placed(OWNER, Field(id="4", name="Tags", type="status", multiple=True))
    assert [(place.type, place.multiple) for place in places.values()] == [("text", False), ("status", False)]


def test_a_skipped_field_keeps_its_place_without_an_attribute() -> None:
    places, _ = placed(SECTOR, wanted={"1": FieldMapping(skip=True)})
    assert (places["1"].action, places["1"].attribute) == ("skip", None)
