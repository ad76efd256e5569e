"""What a client may rely on about objects, attributes, options and statuses at the simulated Attio."""

import httpx
import pytest

from freight_sandbox import Sandbox, running
from support.clients import TLS
from support.sandboxes import sandbox_options

COMPANIES, DEALS = "/v2/objects/companies/attributes", "/v2/objects/deals/attributes"
MULTISELECT = ("select", "record-reference", "actor-reference", "email-address", "phone-number", "domain")
CREATABLE = (
    *("text", "number", "checkbox", "currency", "date", "timestamp", "rating", "status", "location"),
    *MULTISELECT,
)
TEXT = {
    "title": "Source",
    "description": None,
    "api_slug": "source",
    "type": "text",
    "is_required": False,
    "is_unique": False,
    "is_multiselect": False,
    "config": {},
}


async def make(client: httpx.AsyncClient, path: str, **changes: object) -> httpx.Response:
    return await client.post(path, json={"data": {**TEXT, **changes}})


async def test_self_names_the_workspace_and_the_scopes(attio: httpx.AsyncClient, sandbox: Sandbox):
    answer = (await attio.get("/v2/self")).json()
    assert answer["active"] is True
    assert answer["workspace_id"] == sandbox.attio_workspace_id
    assert "record_permission:read-write" in answer["scope"].split()


async def test_every_start_is_another_workspace(sandbox: Sandbox):
    async with running(sandbox_options(companies=1, people=1)) as other:
        assert other.attio_workspace_id != sandbox.attio_workspace_id


async def test_the_key_is_taken_as_bearer_or_basic_user_and_no_other(attio: httpx.AsyncClient, sandbox: Sandbox):
    assert (await attio.get("/v2/objects", auth=(sandbox.attio_key, ""))).status_code == 200
    for auth in ((sandbox.attio_key, "x"), ("wrong", "")):
        answer = await attio.get("/v2/objects", auth=auth)
        assert answer.status_code == 401
        assert answer.json()["type"] == "auth_error"


async def test_deals_are_off_unless_switched_on(attio: httpx.AsyncClient):
    slugs = [found["api_slug"] for found in (await attio.get("/v2/objects")).json()["data"]]
    assert slugs[:3] == ["companies", "people", "deals"]
    async with running(sandbox_options(companies=1, people=1)) as other:
        headers = {"Authorization": f"Bearer {other.attio_key}"}
        async with httpx.AsyncClient(verify=TLS, base_url=other.attio_url, headers=headers) as client:
            slugs = [found["api_slug"] for found in (await client.get("/v2/objects")).json()["data"]]
            assert slugs == ["companies", "people"]
            assert (await client.get("/v2/objects/deals")).status_code == 404


async def test_objects_and_attributes_answer_to_slug_and_id(attio: httpx.AsyncClient):
    by_slug = (await attio.get("/v2/objects/people")).json()["data"]
    assert (await attio.get(f"/v2/objects/{by_slug['id']['object_id']}")).json()["data"] == by_slug
    attribute = (await attio.get("/v2/objects/people/attributes/company")).json()["data"]
    same = f"/v2/objects/{by_slug['id']['object_id']}/attributes/{attribute['id']['attribute_id']}"
    assert (await attio.get(same)).json()["data"] == attribute
    assert attribute["relationship"]["api_slug"] == "team"


async def test_an_attribute_needs_all_its_keys(attio: httpx.AsyncClient):
    for key in TEXT:
        body = {"data": {name: value for name, value in TEXT.items() if name != key}}
        answer = await attio.post(COMPANIES, json=body)
        assert answer.status_code == 400
        assert answer.json()["code"] == "validation_type"
        assert answer.json()["validation_errors"][0]["path"] == ["data", key]


async def test_unknown_keys_and_types_of_an_attribute_are_refused(attio: httpx.AsyncClient):
    assert (await make(attio, COMPANIES, colour="red")).json()["validation_errors"][0]["keys"] == ["colour"]
    assert (await make(attio, COMPANIES, type="personal-name")).status_code == 400
    assert (await make(attio, COMPANIES, is_multiselect=True)).status_code == 400


async def test_a_slug_can_be_taken_once_also_by_an_archived_attribute(attio: httpx.AsyncClient):
    made = await make(attio, COMPANIES, api_slug="once")
    assert made.status_code == 200
    assert made.json()["data"]["is_system_attribute"] is False
    assert (await make(attio, COMPANIES, api_slug="once")).json()["code"] == "slug_conflict"

    archived = await attio.patch(f"{COMPANIES}/once", json={"data": {"is_archived": True}})
    assert archived.json()["data"]["is_archived"] is True
    assert (await make(attio, COMPANIES, api_slug="once")).status_code == 409
    shown = {found["api_slug"] for found in (await attio.get(COMPANIES)).json()["data"]}
    everything = (await attio.get(COMPANIES, params={"show_archived": "true"})).json()["data"]
    assert "once" not in shown
    assert "once" in {found["api_slug"] for found in everything}
    assert (await attio.get(f"{COMPANIES}/once")).status_code == 200

    restored = await attio.patch(f"{COMPANIES}/once", json={"data": {"is_archived": False, "title": "Again"}})
    assert restored.json()["data"]["is_archived"] is False
    assert restored.json()["data"]["title"] == "Again"


async def test_people_and_companies_take_no_unique_attribute_and_deals_do(attio: httpx.AsyncClient):
    for name in ("people", "companies"):
        refused = await make(attio, f"/v2/objects/{name}/attributes", api_slug="key", is_unique=True)
        assert refused.status_code == 400
        assert refused.json()["message"] == "Cannot set attribute as unique."
    allowed = await make(attio, "/v2/objects/deals/attributes", api_slug="key", is_unique=True)
    assert allowed.json()["data"]["is_unique"] is True


async def test_no_attribute_becomes_unique_later_where_it_could_not_be_made_so(attio: httpx.AsyncClient):
    await make(attio, COMPANIES, api_slug="later")
    for path, status in ((f"{COMPANIES}/later", 400), (f"{DEALS}/rank", 200)):
        await make(attio, DEALS, api_slug="rank", type="number")
        assert (await attio.patch(path, json={"data": {"is_unique": True}})).status_code == status
    select = await make(attio, DEALS, api_slug="unique_choice", type="select", is_unique=True)
    assert select.json()["message"] == "Cannot set attribute as unique."


@pytest.mark.parametrize("attribute_type", CREATABLE)
async def test_every_creatable_type_can_be_made_on_objects_and_lists(attio: httpx.AsyncClient, attribute_type: str):
    new = {"name": "L", "api_slug": "typed", "parent_object": "companies", "workspace_access": "full-access"}
    await attio.post("/v2/lists", json={"data": {**new, "workspace_member_access": []}})
    slug = attribute_type.replace("-", "_")
    for path in (COMPANIES, "/v2/lists/typed/attributes"):
        made = await make(attio, path, api_slug=f"of_type_{slug}", type=attribute_type)
        assert made.json()["data"]["type"] == attribute_type
        multiple = await make(attio, path, api_slug=f"multi_{slug}", type=attribute_type, is_multiselect=True)
        assert multiple.status_code == (200 if attribute_type in MULTISELECT else 400)


async def test_a_currency_is_one_of_attio_s(attio: httpx.AsyncClient):
    for code, status in (("NTD", 200), ("EGP", 200), ("QAR", 200), ("TWD", 400), ("usd", 400)):
        config = {"currency": {"default_currency_code": code, "display_type": "code"}}
        made = await make(attio, COMPANIES, api_slug=f"in_{code}", type="currency", config=config)
        assert made.status_code == status
    assert (await attio.get(f"{COMPANIES}/in_NTD")).json()["data"]["config"]["currency"] == {
        "default_currency_code": "NTD",
        "display_type": "code",
    }


async def test_default_values_are_for_other_objects_than_people_and_companies(attio: httpx.AsyncClient):
    static = {"type": "static", "template": [{"value": 5}]}
    refused = await make(attio, COMPANIES, api_slug="with_default", type="number", default_value=static)
    assert (refused.status_code, refused.json()["code"]) == (400, "validation_type")
    made = await make(attio, DEALS, api_slug="with_default", type="number", default_value=static)
    assert made.json()["data"]["is_default_value_enabled"] is True
    assert made.json()["data"]["default_value"] == static


@pytest.mark.parametrize(
    ("attribute_type", "default"),
    [
        ("number", {"type": "static", "template": [{"value": "five"}]}),
        ("number", {"type": "static", "template": []}),
        ("number", {"type": "static", "template": 5}),
        ("number", {"type": "dynamic", "template": "P1M"}),
        ("date", {"type": "dynamic", "template": "P"}),
        ("date", {"type": "dynamic", "template": "next month"}),
        ("text", {"type": "dynamic", "template": "current-user"}),
        ("text", {"type": "other", "template": ["x"]}),
    ],
)
async def test_a_default_that_the_type_does_not_take_is_refused(
    attio: httpx.AsyncClient, attribute_type: str, default: dict[str, object]
):
    made = await make(attio, DEALS, api_slug="bad_default", type=attribute_type, default_value=default)
    assert made.status_code == 400
    assert (await attio.get(f"{DEALS}/bad_default")).status_code == 404


async def test_a_new_record_gets_the_defaults(attio: httpx.AsyncClient):
    for slug, attribute_type, default in (
        ("due_on", "date", {"type": "dynamic", "template": "P1Y2M"}),
        ("due_at", "timestamp", {"type": "dynamic", "template": "PT2H"}),
        ("keeper", "actor-reference", {"type": "dynamic", "template": "current-user"}),
        ("points", "rating", {"type": "static", "template": [3]}),
    ):
        (await make(attio, DEALS, api_slug=slug, type=attribute_type, default_value=default)).raise_for_status()
    deal = {"name": "D", "stage": "Lead", "owner": "ada@sandbox-ventures.com", "points": 5}
    made = await attio.post("/v2/objects/deals/records", json={"data": {"values": deal}})
    values = made.json()["data"]["values"]
    assert values["due_on"][0]["value"] > values["created_at"][0]["value"][:10]
    assert values["due_at"][0]["value"] > values["created_at"][0]["value"]
    assert values["keeper"][0]["referenced_actor_type"] == "api-token"
    assert values["points"][0]["value"] == 5


async def test_a_system_attribute_cannot_be_changed(attio: httpx.AsyncClient):
    answer = await attio.patch(f"{COMPANIES}/name", json={"data": {"is_archived": True}})
    assert answer.status_code == 400
    assert answer.json()["code"] == "system_edit_unauthorized"


async def test_read_only_attributes_say_so(attio: httpx.AsyncClient):
    attributes = {found["api_slug"]: found for found in (await attio.get(COMPANIES)).json()["data"]}
    assert attributes["logo_url"]["is_writable"] is False
    assert attributes["created_at"]["is_writable"] is False
    assert attributes["domains"]["is_unique"] is True
    assert attributes["domains"]["is_multiselect"] is True


async def test_an_attribute_can_get_another_slug(attio: httpx.AsyncClient):
    await make(attio, COMPANIES, api_slug="before")
    renamed = await attio.patch(f"{COMPANIES}/before", json={"data": {"api_slug": "after"}})
    assert renamed.json()["data"]["api_slug"] == "after"
    assert (await attio.get(f"{COMPANIES}/before")).status_code == 404


async def test_options_are_made_once_and_can_be_archived(attio: httpx.AsyncClient):
    path = f"{COMPANIES}/categories/options"
    made = (await attio.post(path, json={"data": {"title": "Medium"}})).json()["data"]
    again = await attio.post(path, json={"data": {"title": "Medium"}})
    assert again.status_code == 409
    assert again.json()["code"] == "slug_conflict"
    for name in ("Medium", made["id"]["option_id"]):
        changed = await attio.patch(f"{path}/{name}", json={"data": {"is_archived": True}})
        assert changed.json()["data"]["is_archived"] is True
    assert (await attio.get(path)).json()["data"] == []
    assert len((await attio.get(path, params={"show_archived": "true"})).json()["data"]) == 1
    assert (await attio.post(path, json={"data": {"title": "Medium"}})).status_code == 409
    assert (await attio.post(path, json={"data": {"title": ""}})).status_code == 400


async def test_only_select_attributes_have_options_and_status_attributes_statuses(attio: httpx.AsyncClient):
    for path in (f"{COMPANIES}/name/options", f"{COMPANIES}/categories/statuses"):
        answer = await attio.post(path, json={"data": {"title": "X"}})
        assert answer.status_code == 400
        assert answer.json()["code"] == "validation_type"


async def test_statuses_begin_with_the_standard_ones(attio: httpx.AsyncClient):
    path = "/v2/objects/deals/attributes/stage/statuses"
    assert [found["title"] for found in (await attio.get(path)).json()["data"]][:2] == ["Lead", "In Progress"]
    made = await attio.post(path, json={"data": {"title": "Due diligence", "target_time_in_status": "P1D"}})
    assert made.json()["data"]["target_time_in_status"] == "P1D"
    changed = await attio.patch(f"{path}/Due diligence", json={"data": {"title": "DD"}})
    assert changed.json()["data"]["title"] == "DD"


async def test_a_new_relationship_has_two_sides(attio: httpx.AsyncClient):
    made = await make(
        attio,
        COMPANIES,
        api_slug="advisers",
        type="record-reference",
        is_multiselect=True,
        relationship={"object": "people", "title": "Advises", "api_slug": "advises", "is_multiselect": True},
    )
    assert made.json()["data"]["relationship"]["object_slug"] == "people"
    other = (await attio.get("/v2/objects/people/attributes/advises")).json()["data"]
    assert other["relationship"]["api_slug"] == "advisers"


async def test_a_relationship_that_cannot_be_is_refused(attio: httpx.AsyncClient):
    other_side = {"object": "people", "title": "Back", "api_slug": "back", "is_multiselect": True}
    reference = {"api_slug": "forth", "type": "record-reference", "relationship": other_side}
    to_companies = {"record_reference": {"allowed_objects": ["companies"]}}
    for changes in ({"type": "text"}, {"config": to_companies}):
        assert (await make(attio, COMPANIES, **{**reference, **changes})).status_code == 400
    taken = await make(attio, COMPANIES, **{**reference, "relationship": {**other_side, "api_slug": "company"}})
    assert taken.status_code == 409
    assert (await attio.get(f"{COMPANIES}/forth")).status_code == 404


@pytest.mark.parametrize("path", ["/v2/objects/nothing", f"{COMPANIES}/nothing", "/v2/nothing"])
async def test_unknown_things_are_404(attio: httpx.AsyncClient, path: str):
    answer = await attio.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
    assert answer.json()["type"] == "invalid_request_error"


async def test_members_are_listed_with_suspended_ones(attio: httpx.AsyncClient):
    levels = [found["access_level"] for found in (await attio.get("/v2/workspace_members")).json()["data"]]
    assert levels[:3] == ["admin", "member", "suspended"]


async def test_titles_and_defaults_of_people_s_attributes_are_as_recorded(attio: httpx.AsyncClient):
    listed = (await attio.get("/v2/objects/people/attributes")).json()["data"]
    attributes = {attribute["api_slug"]: attribute for attribute in listed}
    assert {slug: attributes[slug]["title"] for slug in ("angellist", "linkedin", "strongest_connection_user")} == {
        "angellist": "AngelList",
        "linkedin": "LinkedIn",
        "strongest_connection_user": "Strongest connection",
    }
    enabled = {slug: one["default_value"] for slug, one in attributes.items() if one["is_default_value_enabled"]}
    assert enabled == {
        "created_at": {"type": "dynamic", "template": "PT0S"},
        "created_by": {"type": "dynamic", "template": "current-user"},
    }
    users = attributes["associated_users"]
    assert (users["type"], users["is_writable"], users["is_multiselect"]) == ("record-reference", True, True)
    assert len(users["config"]["record_reference"]["allowed_object_ids"]) == 1


async def test_no_record_can_refer_to_an_object_that_is_off(attio: httpx.AsyncClient):
    user = {"target_object": "users", "target_record_id": "9d8b2d3c-7a1b-4a3f-9d0e-1f6f0f6b5c11"}
    answer = await attio.post("/v2/objects/people/records", json={"data": {"values": {"associated_users": [user]}}})
    assert answer.json()["code"] == "value_not_found"


async def test_the_firm_can_have_objects_of_its_own_whose_attributes_may_be_unique(attio: httpx.AsyncClient):
    new = {"api_slug": "funds", "singular_noun": "Fund", "plural_noun": "Funds"}
    made = (await attio.post("/v2/objects", json={"data": new})).raise_for_status().json()["data"]
    assert (await attio.get("/v2/objects/funds")).json()["data"] == made
    assert (await make(attio, "/v2/objects/funds/attributes", api_slug="key", is_unique=True)).status_code == 200
    record = {"data": {"values": {"name": "Fund I", "key": "1"}}}
    answers = [await attio.post("/v2/objects/funds/records", json=record) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 400]
    assert (await attio.post("/v2/objects", json={"data": new})).json()["code"] == "slug_conflict"
    assert (await attio.post("/v2/objects", json={"data": {**new, "api_slug": "users"}})).status_code == 409
    change = {"data": {"singular_noun": "Vehicle"}}
    assert (await attio.patch("/v2/objects/funds", json=change)).json()["data"]["singular_noun"] == "Vehicle"
    for data in ({}, {"api_slug": "vehicles"}):
        assert (await attio.patch("/v2/objects/funds", json={"data": data})).status_code == 400


async def test_the_plan_limits_the_number_of_objects(attio: httpx.AsyncClient):
    await attio.put("/_sandbox/plan", json={"object_limit": 1})
    new = {"api_slug": "one_too_many", "singular_noun": "One", "plural_noun": "Many"}
    answer = await attio.post("/v2/objects", json={"data": new})
    await attio.put("/_sandbox/plan", json={})
    assert (answer.status_code, answer.json()["code"]) == (400, "quota_exceeded")
