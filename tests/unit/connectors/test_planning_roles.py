"""The default mapping: what fields become when a job does not say otherwise."""

import pytest

from freight.connectors.attio.standard import CAPABILITIES
from freight.connectors.planning.roles import owner_field, stage_field, value_field
from freight.model.crm import List
from freight.model.fields import Field, FieldType
from freight.model.mapping import AttributeType, ListMapping, Mapping

STATUS = Field(id="field-1", name="Priority", type="status")
NAMED_STATUS = Field(id="field-2", name="Status", type="status")
OWNERS = Field(id="field-3", name="Owners", type="person", multiple=True)
AMOUNT = Field(id="field-4", name="Amount", type="number")
DEALS = List(id="5", name="Dealflow", of="deals", fields=(STATUS, NAMED_STATUS, OWNERS, AMOUNT))


@pytest.mark.parametrize(
    ("type_", "name", "multiple", "becomes"),
    [
        ("text", "Thesis", False, "text"),
        ("text", "Aliases", True, "text"),
        ("number", "Team size", False, "number"),
        ("number", "Rounds", True, "text"),
        ("date", "Founded", False, "date"),
        ("location", "Office", True, "location"),
        ("select", "Industry", True, "select"),
        ("status", "Status", False, "status"),
        ("person", "Owner", False, "members"),
        ("person", "Referred by", False, "people"),
        ("company", "Competitors", True, "companies"),
    ],
)
def test_a_field_becomes_what_can_hold_its_values(
    type_: FieldType, name: str, multiple: bool, becomes: AttributeType
) -> None:
    field = Field(id="field-9", name=name, type=type_, multiple=multiple)
    assert CAPABILITIES.default_type(field) == becomes
    assert becomes in CAPABILITIES.possible[type_]


def test_the_stage_of_deals_is_the_status_that_is_called_so() -> None:
    assert stage_field(DEALS, Mapping()) == NAMED_STATUS


def test_a_list_without_a_status_of_that_name_has_its_first_one_for_a_stage() -> None:
    assert stage_field(List(id="5", name="Dealflow", of="deals", fields=(OWNERS, STATUS)), Mapping()) == STATUS


def test_a_job_says_which_fields_hold_stage_owner_and_value() -> None:
    mapping = Mapping(lists={"5": ListMapping(stage="field-1", owner="field-3", value="field-4")})
    assert stage_field(DEALS, mapping) == STATUS
    assert owner_field(DEALS, mapping) == OWNERS
    assert value_field(DEALS, mapping) == AMOUNT


def test_the_value_of_deals_is_nobody_s_guess() -> None:
    assert value_field(DEALS, Mapping()) is None


def test_a_job_chooses_lists_by_naming_them_or_by_leaving_some_out() -> None:
    assert Mapping().migrates_list("5")
    assert not Mapping(only_lists=["6"]).migrates_list("5")
    assert not Mapping(lists={"5": ListMapping(skip=True)}).migrates_list("5")
