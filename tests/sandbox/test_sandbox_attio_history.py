"""What a client may rely on about the history of values at the simulated Attio."""

from typing import Any

import httpx
import pytest

from freight_sandbox import running
from support.clients import TLS
from support.sandboxes import sandbox_options

LEAD = {"value": "Lead", "active_from": "2020-01-01T00:00:00Z", "active_until": "2021-06-15T09:30:00Z"}
WON = {"value": "Won 🎉", "active_from": "2021-06-15T09:30:00Z", "active_until": None}


@pytest.fixture
async def deal(attio: httpx.AsyncClient) -> str:
    """The path of a deal."""
    values = {"name": "Deal", "stage": "In Progress", "owner": "ada@sandbox-ventures.com"}
    made = await attio.post("/v2/objects/deals/records", json={"data": {"values": values}})
    return f"/v2/objects/deals/records/{made.json()['data']['id']['record_id']}"


async def write(client: httpx.AsyncClient, path: str, slug: str, *values: dict[str, Any]) -> httpx.Response:
    body = {"data": {"replace_history": True, "values": list(values)}}
    return await client.put(f"{path}/attributes/{slug}/values", json=body)


async def stages(client: httpx.AsyncClient, path: str, **params: str) -> list[str]:
    answer = await client.get(f"{path}/attributes/stage/values", params=params)
    return [value["status"]["title"] for value in answer.raise_for_status().json()["data"]]


async def test_a_change_closes_the_value_before_and_repetition_does_not(attio: httpx.AsyncClient, deal: str):
    for title in ("In Progress", "Lost", "Lost"):
        await attio.patch(deal, json={"data": {"values": {"stage": title}}})
    assert await stages(attio, deal) == ["Lost"]
    assert await stages(attio, deal, show_historic="true") == ["In Progress", "Lost"]
    past = (await attio.get(f"{deal}/attributes/stage/values?show_historic=true")).json()["data"][0]
    assert past["active_until"] >= past["active_from"]


async def test_a_written_history_takes_the_place_of_all_values(attio: httpx.AsyncClient, deal: str):
    answer = await write(attio, deal, "stage", WON, LEAD)
    assert [value["active_from"][:4] for value in answer.json()["data"]] == ["2020", "2021"]
    assert await stages(attio, deal) == ["Won 🎉"]
    assert await stages(attio, deal, show_historic="true") == ["Lead", "Won 🎉"]
    assert await stages(attio, deal, show_historic="true", limit="1", offset="1") == ["Won 🎉"]
    record = (await attio.get(deal)).json()["data"]["values"]
    assert record["stage"][0]["active_from"] == "2021-06-15T09:30:00.000000000Z"
    found = await attio.post("/v2/objects/deals/records/query", json={"filter": {"stage": "Won 🎉"}})
    assert len(found.json()["data"]) == 1


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([], "validation_type"),
        ([LEAD] * 401, "validation_type"),
        ([{**WON, "active_from": "2999-01-01T00:00:00Z"}], "validation_type"),
        ([{**LEAD, "active_until": "2999-01-01T00:00:00Z"}], "validation_type"),
        ([{**LEAD, "active_until": LEAD["active_from"]}], "validation_type"),
        ([{**WON, "active_from": "2020-01-01"}], "validation_type"),
        ([{"value": "Lead", "active_from": "2020-01-01T00:00:00Z"}], "validation_type"),
        ([{**WON, "value": "Nowhere"}], "value_not_found"),
        ([LEAD, {**WON, "active_from": "2021-01-01T00:00:00Z"}], "multiple_values_for_single_value_attribute"),
        ([WON, {**WON, "value": "Lost"}], "multiple_values_for_single_value_attribute"),
    ],
)
async def test_a_history_that_cannot_be_is_refused_whole(
    attio: httpx.AsyncClient, deal: str, values: list[dict[str, Any]], code: str
):
    answer = await write(attio, deal, "stage", *values)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert await stages(attio, deal, show_historic="true") == ["In Progress"]


async def test_history_has_to_be_replaced_knowingly(attio: httpx.AsyncClient, deal: str):
    for data in ({"values": [LEAD]}, {"values": [LEAD], "replace_history": False}):
        answer = await attio.put(f"{deal}/attributes/stage/values", json={"data": data})
        assert answer.json()["validation_errors"][0]["path"] == ["data", "replace_history"]


async def test_relationships_and_system_attributes_have_no_history_to_write(attio: httpx.AsyncClient, deal: str):
    assert (await write(attio, deal, "associated_people", LEAD)).json()["code"] == "validation_type"
    assert (await write(attio, deal, "created_at", LEAD)).json()["code"] == "system_edit_unauthorized"
    assert (await write(attio, deal, "nothing", LEAD)).status_code == 404


async def test_entries_have_history_as_well(attio: httpx.AsyncClient, deal: str):
    new = {"name": "L", "api_slug": "historic", "parent_object": "deals", "workspace_access": "full-access"}
    await attio.post("/v2/lists", json={"data": {**new, "workspace_member_access": []}})
    tags = {"title": "Tags", "description": None, "api_slug": "tags", "type": "select", "is_required": False}
    tags = {**tags, "is_unique": False, "is_multiselect": True, "config": {}}
    await attio.post("/v2/lists/historic/attributes", json={"data": tags})
    for title in ("Lead", "Won 🎉"):
        await attio.post("/v2/lists/historic/attributes/tags/options", json={"data": {"title": title}})
    entry = {"parent_object": "deals", "parent_record_id": deal.rpartition("/")[2], "entry_values": {}}
    made = (await attio.post("/v2/lists/historic/entries", json={"data": entry})).json()["data"]["id"]["entry_id"]
    path = f"/v2/lists/historic/entries/{made}"
    overlapping = {**WON, "active_from": "2020-06-01T00:00:00Z"}
    assert (await write(attio, path, "tags", LEAD, overlapping)).status_code == 200
    twice = {**LEAD, "active_from": "2020-06-01T00:00:00Z"}
    assert (await write(attio, path, "tags", LEAD, twice)).json()["code"] == "duplicate_values"
    shown = await attio.get(f"{path}/attributes/tags/values", params={"show_historic": "true"})
    assert [value["option"]["title"] for value in shown.json()["data"]] == ["Lead", "Won 🎉"]
    assert (await write(attio, path, "parent_record", LEAD)).json()["code"] == "immutable_value"


async def test_interactions_show_no_history(attio: httpx.AsyncClient):
    made = await attio.post("/v2/objects/companies/records", json={"data": {"values": {"name": ["Acme"]}}})
    path = f"/v2/objects/companies/records/{made.json()['data']['id']['record_id']}/attributes/first_interaction/values"
    assert (await attio.get(path)).json()["data"] == []
    answer = await attio.get(path, params={"show_historic": "true"})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_type")


async def test_a_disabled_object_has_a_code_of_its_own():
    async with running(sandbox_options(companies=1, people=1, unlimited=True)) as other:
        headers = {"Authorization": f"Bearer {other.attio_key}"}
        async with httpx.AsyncClient(verify=TLS, base_url=other.attio_url, headers=headers) as client:
            answer = await write(client, "/v2/objects/deals/records/x", "stage", LEAD)
            assert (answer.status_code, answer.json()["code"]) == (400, "standard_object_disabled")
            assert (await client.post("/v2/objects/deals/records", json={"data": {"values": {}}})).status_code == 404
