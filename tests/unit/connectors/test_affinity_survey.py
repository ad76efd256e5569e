"""What a workspace at Affinity holds, and what its key may not read."""

from typing import Any

import pytest

from freight.connectors.affinity.discover import discover
from freight.connectors.errors import Rejected, UnexpectedAnswer
from freight.connectors.protocols import Discovery
from freight.model.crm import LOAD_ORDER, Entity, List
from freight.model.fields import Field, Option, PersonRef
from freight.model.mapping import FieldMapping, ListMapping, Mapping
from support.affinity_source_parts import BASE, Paths, described, json, page, person, refusal

ALWAYS = {
    "/v2/auth/whoami": json({"tenant": {"id": 1}, "user": {"id": 1, "emailAddress": "Ann@Firm.example"}}),
    "/v2/companies": page([]),
    "/v2/persons": page([]),
    "/v2/companies/fields": page([]),
    "/v2/persons/fields": page([]),
    "/fields": json([]),
}


def counted(total: object) -> Any:
    return page([], totalCount=total)


async def asked(answers: dict[str, Any], *entities: Entity) -> Discovery:
    return await discover(Paths({**ALWAYS, **answers}).client(), entities, Mapping())


async def companies(fields: list[Any], definitions: object = None, **more: Any) -> tuple[Field, ...]:
    answers = {"/v2/companies/fields": page(fields), "/fields": json(definitions or []), **more}
    return (await asked(answers, "companies")).schema.companies


@pytest.mark.parametrize(
    ("value_type", "type_", "multiple"),
    [
        ("text", "text", False),
        ("filterable-text", "text", False),
        ("filterable-text-multi", "text", True),
        ("number", "number", False),
        ("number-multi", "number", True),
        ("formula-number", "number", False),
        ("datetime", "date", False),
        ("location", "location", False),
        ("location-multi", "location", True),
        ("dropdown", "select", False),
        ("dropdown-multi", "select", True),
        ("ranked-dropdown", "status", False),
        ("status-dropdown", "status", False),
        ("person", "person", False),
        ("person-multi", "person", True),
        ("company", "company", False),
        ("company-multi", "company", True),
    ],
)
async def test_a_field_of_each_type_is_known(value_type, type_, multiple):
    assert await companies([described("field-1", value_type, name="Thing")]) == (
        Field(id="field-1", name="Thing", type=type_, multiple=multiple),
    )


async def test_only_what_can_be_carried_as_a_field_is_in_the_schema():
    fields = [
        described("affinity-data-location", "location", kind="enriched", source="affinity-data"),
        described("affinity-data-description", "text", kind="enriched", source="affinity-data"),
        described("field-1", "text", name="Phone Number"),
        described("last-email", "interaction", kind="relationship-intelligence"),
        described("source-of-introduction", "person", kind="relationship-intelligence"),
        described("persons", "person-multi", kind="enriched"),
        described("field-2", "hologram"),
        {"id": "field-3"},
        5,
        described("affinity-data-industry", "dropdown-multi", kind="enriched", source="affinity-data", name="Industry"),
        described("field-4", "text", name=""),
        described("field-5", "number", name="Industry"),
    ]
    assert await companies(fields) == (
        Field(id="affinity-data-industry", name="Industry", type="select", multiple=True, enriched=True),
        Field(id="field-4", name="field-4", type="text"),
        Field(id="field-5", name="Industry", type="number"),
    )


async def test_a_standard_fact_that_the_mapping_names_is_a_field_like_any_other():
    fields = [
        described("field-1", "text", name="Phone"),
        described("affinity-data-description", "text", kind="enriched", name="Description"),
        described("affinity-data-location", "location", kind="enriched", name="Location"),
    ]
    named = {
        "field-1": FieldMapping(to="telephone"),
        "affinity-data-description": FieldMapping(skip=True),
        "affinity-data-location": FieldMapping(to="place"),
    }
    client = Paths({**ALWAYS, "/v2/companies/fields": page(fields)}).client()
    found = (await discover(client, ["companies"], Mapping(companies=named))).schema.companies
    assert [field.id for field in found] == ["field-1", "affinity-data-description"]


async def test_all_pages_of_the_fields_are_read():
    following = "/v2/companies/fields?cursor=x"
    first = page([described("field-1", "text")], f"{BASE}{following}")
    second = page([described("field-2", "text")])
    answers = {"/v2/companies/fields": first, following: second}
    schema = (await asked(answers, "companies")).schema
    assert [field.id for field in schema.companies] == ["field-1", "field-2"]


def definition(id_: int, name: str, *options: str, source: str | None = "none", **more: object) -> dict[str, Any]:
    given = [{"id": number, "text": text, "rank": number, "color": 1} for number, text in enumerate(options, 1)]
    return {"id": id_, "name": name, "list_id": None, "enrichment_source": source, "dropdown_options": given, **more}


async def test_options_are_those_that_either_version_knows_and_the_newer_one_names_them():
    options = page(
        [
            {"id": 1, "text": "Crimson", "rank": 1},
            {"id": 9, "text": "Just added", "rank": 0},
            {"id": None, "text": "Odd"},
            5,
        ]
    )
    (color,) = await companies(
        [described("field-1", "dropdown")],
        [definition(1, "Color", "Red", "Blue")],
        **{"/v2/companies/fields/field-1/dropdown-options": options},
    )
    assert [(option.id, option.text) for option in color.options] == [
        ("9", "Just added"),
        ("1", "Crimson"),
        ("2", "Blue"),
    ]


async def test_options_without_ranks_keep_their_order_and_later_ones_follow():
    (color,) = await companies(
        [described("field-1", "dropdown")],
        [definition(1, "Color") | {"dropdown_options": [{"id": 3, "text": "C"}, {"id": 1, "text": "A"}]}],
        **{"/v2/companies/fields/field-1/dropdown-options": page([{"id": 1, "text": "A"}, {"id": 2, "text": "B"}])},
    )
    assert [option.text for option in color.options] == ["C", "A", "B"]


async def test_options_of_fields_that_the_job_leaves_behind_are_not_asked_for():
    fields = {"/v2/companies/fields": page([described("field-1", "dropdown"), described("field-2", "dropdown")])}
    vendor = Paths({**ALWAYS, **LISTS, **fields})
    mapping = Mapping(companies={"field-1": FieldMapping(skip=True)}, only_lists=["6"])
    await discover(vendor.client(), ["companies", "lists"], mapping)
    asked_for = [request.url.path for request in vendor.requests if request.url.path.endswith("/dropdown-options")]
    assert asked_for == ["/v2/companies/fields/field-2/dropdown-options"]


async def test_a_list_that_is_deleted_while_the_lists_are_read_is_none_of_them():
    found = await asked({**LISTS, "/v2/lists/5/fields": refusal(404)}, "lists")
    assert [given.id for given in found.schema.lists] == ["6"]
    assert found.issues == ()


async def test_options_come_from_the_version_that_knows_them_all():
    industry = described(
        "affinity-data-industry", "dropdown-multi", kind="enriched", source="affinity-data", name="Industry"
    )
    color, stage, industry_field = await companies(
        [described("field-1", "dropdown"), described("field-2", "ranked-dropdown"), industry],
        [
            definition(1, "Color", "Red", "Blue", allows_multiple=True),
            definition(9, "Industry", "Wrong"),
            definition(8, "Industry", "Software", source="affinity-data"),
        ],
        **{"/v2/companies/fields/field-2/dropdown-options": page([{"id": 7, "text": "Won", "rank": 2}])},
    )
    assert color.options == (Option(id="1", text="Red", rank=1), Option(id="2", text="Blue", rank=2))
    assert color.multiple
    assert stage.options == (Option(id="7", text="Won", rank=2),)
    assert [option.text for option in industry_field.options] == ["Software"]


LISTS = {
    "/v2/lists": page([{"id": 5, "name": "Deals", "type": "opportunity", "listSize": 0}, {"id": 6, "name": "People"}]),
    "/lists": json([{"id": 5, "type": 8, "list_size": 12}, {"id": 6, "type": 0, "list_size": 30}]),
    "/v2/lists/5/fields": page(
        [
            described("field-1", "ranked-dropdown", kind="list", name="Status"),
            described("field-2", "text", kind="global"),
            described("persons", "person-multi", kind="list"),
            described("affinity-data-location", "location", kind="enriched"),
        ]
    ),
    "/v2/lists/6/fields": page(None),
    "/v2/lists/5/saved-views": page([{"id": 1}, {"id": 2}]),
    "/v2/lists/6/saved-views": page([{"id": 3}]),
    "/v2/lists/5/list-entries": page([]),
    "/v2/opportunities": page([]),
}


async def test_lists_have_their_own_fields_only_and_the_size_that_is_right():
    found = await asked(LISTS, "deals", "lists", "list_entries")
    assert found.schema.lists == (
        List(id="5", name="Deals", of="deals", fields=(Field(id="field-1", name="Status", type="status"),), size=12),
        List(id="6", name="People", of="people", size=30),
    )
    assert found.schema.counts == {"deals": 12, "lists": 2, "list_entries": 42}
    assert found.schema.uncarried == {"saved_views": 3}
    assert found.issues == ()


@pytest.mark.parametrize(
    ("mapping", "reads"),
    [(Mapping(), 1 + 30), (Mapping(only_lists=["5"]), 1), (Mapping(lists={"6": ListMapping(skip=True)}), 1)],
)
async def test_lists_that_the_job_leaves_behind_cost_nothing(mapping, reads):
    sizes = json([{"id": 5, "type": 8, "list_size": 12}, {"id": 6, "type": 0, "list_size": 3000}])
    client = Paths({**ALWAYS, **LISTS, "/lists": sizes}).client()
    assert (await discover(client, ["list_entries"], mapping)).reads == reads


async def test_sizes_that_are_not_known_are_not_added_up():
    found = await asked({**LISTS, "/lists": json([{"id": 5, "list_size": 12}, {"id": 6, "type": 0}])}, "list_entries")
    assert found.schema.counts == {}


async def test_a_list_of_an_unknown_kind_is_named():
    found = await asked({"/v2/lists": page([{"id": 5, "name": "Odd", "type": "hologram"}, 7])}, "lists")
    assert found.schema.lists == ()
    assert [issue.code for issue in found.issues] == ["unknown_list_type"] * 2


async def test_the_firm_s_own_people_and_domains_are_known():
    users = page(
        [
            {"id": 1, "firstName": "Ann", "lastName": "Lee", "emailAddress": "ann@firm.example"},
            person(2, "Bo", primaryEmailAddress="bo@sister.example"),
            person(3, "Cy", primaryEmailAddress="cy@gmail.com"),
        ]
    )
    schema = (await asked({"/v2/users": users})).schema
    assert schema.users == (
        PersonRef(id="1", name="Ann Lee", email="ann@firm.example", internal=True),
        PersonRef(id="2", name="Bo", email="bo@sister.example", internal=True),
        PersonRef(id="3", name="Cy", email="cy@gmail.com", internal=True),
    )
    assert schema.own_domains == ("firm.example", "sister.example")


@pytest.mark.parametrize("status", [403, 404, 501])
async def test_users_that_are_not_shown_are_not_taken_for_none(status):
    schema = (await asked({"/v2/users": refusal(status)})).schema
    assert schema.users is None
    assert schema.own_domains == ("firm.example",)


async def test_what_affinity_counts_is_counted():
    answers = {
        "/v2/companies/search": counted(120),
        "/v2/persons/search": refusal(403),
        "/v2/notes": counted(7),
        "/v2/reminders": counted(True),
        "/v2/files": counted(0),
    }
    found = await asked(answers, "companies", "people", "notes", "tasks", "files")
    assert found.schema.counts == {"companies": 120, "notes": 7, "files": 0}


@pytest.mark.parametrize(
    ("monthly", "left"),
    [({"remaining": 39993}, 39993), ({"remaining": "unlimited"}, None), ({}, None), (None, None)],
)
async def test_the_calls_that_are_left_of_the_month_are_known_where_there_is_a_limit(monthly, left):
    assert (await asked({"/rate-limit": json({"rate": {"org_monthly": monthly}})})).calls_left == left


@pytest.mark.parametrize(
    ("path", "entity", "permission"),
    [
        ("/v2/companies", "companies", "Export All Organizations directory"),
        ("/v2/persons", "people", "Export All People directory"),
        ("/v2/opportunities", "deals", "Export data from Lists"),
        ("/v2/lists/5/list-entries", "list_entries", "Export data from Lists"),
    ],
)
async def test_a_missing_permission_forbids_the_job_and_says_what_to_do(path, entity, permission):
    found = await asked({**LISTS, path: refusal(403)}, *LOAD_ORDER)
    assert [(issue.level, issue.code) for issue in found.issues] == [("error", "permission_missing")]
    assert permission in found.issues[0].message
    assert (await asked({**LISTS, path: refusal(403)}, "notes")).issues == ()


@pytest.mark.parametrize("status", [403, 404])
async def test_a_single_list_that_cannot_be_read_forbids_no_job(status):
    lists = {**LISTS, "/v2/lists/5/list-entries": refusal(status), "/v2/lists/6/list-entries": page([])}
    assert (await asked(lists, "list_entries", "deals")).issues == ()


METADATA = ("/v2/companies/fields", "/v2/persons/fields", "/v2/lists/5/fields")


@pytest.mark.parametrize("path", METADATA)
async def test_fields_that_may_not_be_seen_forbid_the_job_and_are_not_lost_in_silence(path):
    (issue,) = (await asked({**LISTS, path: refusal(403)}, *LOAD_ORDER)).issues
    assert (issue.level, issue.code) == ("error", "fields_refused")
    assert "administrator" in issue.message


async def test_fields_of_a_list_that_the_job_leaves_behind_need_not_be_seen():
    client = Paths({**ALWAYS, **LISTS, "/v2/lists/5/fields": refusal(403)}).client()
    assert (await discover(client, LOAD_ORDER, Mapping(only_lists=["6"]))).issues == ()


@pytest.mark.parametrize("path", METADATA)
@pytest.mark.parametrize(("answer", "error"), [(json("odd"), UnexpectedAnswer), (refusal(400), Rejected)])
async def test_no_fields_are_taken_from_an_answer_that_does_not_name_them(path, answer, error):
    with pytest.raises(error):
        await asked({**LISTS, path: answer}, *LOAD_ORDER)


@pytest.mark.parametrize("answer", [refusal(403), json("odd")])
async def test_it_is_said_where_the_options_of_dropdowns_may_be_missing(answer):
    (issue,) = (await asked({"/fields": answer}, "companies")).issues
    assert (issue.level, issue.code) == ("warning", "definitions_refused")


async def test_no_more_is_asked_than_the_job_needs():
    vendor = Paths(ALWAYS)
    await discover(vendor.client(), ["notes"], Mapping())
    assert {request.url.path for request in vendor.requests} == {
        "/v2/auth/whoami",
        "/v2/users",
        "/v2/notes",
        "/rate-limit",
    }
    vendor = Paths({**ALWAYS, **LISTS})
    await discover(vendor.client(), LOAD_ORDER, Mapping())
    dropdowns = 1
    assert len(vendor.requests) <= 17 + 3 * 2 + dropdowns


@pytest.mark.parametrize("odd", [5, "text", None, [], [5], {"a": [1]}])
async def test_answers_in_an_unknown_form_do_not_stop_the_survey(odd):
    paths = [
        "/fields",
        "/lists",
        "/rate-limit",
        "/v2/users",
        "/v2/notes",
        "/v2/lists/5/saved-views",
        "/v2/companies/search",
    ]
    found = await asked({**LISTS, **{path: json(odd) for path in paths}}, *LOAD_ORDER)
    assert [given.id for given in found.schema.lists] == ["5"]
    assert found.schema.users is None
    assert found.calls_left is None
