"""What a client may rely on about lists and their entries at the simulated Attio."""

import itertools
from typing import Any

import httpx
import pytest

numbers = itertools.count(1)

NEW_LIST = {
    "name": "Pipeline",
    "parent_object": "companies",
    "workspace_access": "full-access",
    "workspace_member_access": [],
}
ATTRIBUTE = {"description": None, "is_required": False, "is_unique": False, "is_multiselect": False, "config": {}}


async def make_list(client: httpx.AsyncClient, **changes: object) -> dict[str, Any]:
    data = {**NEW_LIST, "api_slug": f"list_{next(numbers)}", **changes}
    return (await client.post("/v2/lists", json={"data": data})).raise_for_status().json()["data"]


async def add_attribute(client: httpx.AsyncClient, name: str, slug: str, **changes: object) -> None:
    data = {**ATTRIBUTE, "title": slug, "api_slug": slug, "type": "text", **changes}
    (await client.post(f"/v2/lists/{name}/attributes", json={"data": data})).raise_for_status()


async def make_company(client: httpx.AsyncClient, **values: object) -> str:
    made = await client.post("/v2/objects/companies/records", json={"data": {"values": values}})
    return made.raise_for_status().json()["data"]["id"]["record_id"]


def entry(parent_id: str, **values: object) -> dict[str, Any]:
    return {"data": {"parent_object": "companies", "parent_record_id": parent_id, "entry_values": values}}


async def query(client: httpx.AsyncClient, name: str, **body: object) -> list[str]:
    answer = await client.post(f"/v2/lists/{name}/entries/query", json=body)
    return [found["id"]["entry_id"] for found in answer.raise_for_status().json()["data"]]


async def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.fixture
async def pipeline(attio: httpx.AsyncClient) -> str:
    """A list of companies with a key, a number and tags."""
    slug = (await make_list(attio))["api_slug"]
    await add_attribute(attio, slug, "affinity_entry_id")
    await add_attribute(attio, slug, "score", type="number")
    await add_attribute(attio, slug, "tags", type="select", is_multiselect=True)
    for title in ("Hot", "Cold"):
        await attio.post(f"/v2/lists/{slug}/attributes/tags/options", json={"data": {"title": title}})
    return slug


async def test_a_list_answers_to_slug_and_id_and_can_be_renamed(attio: httpx.AsyncClient):
    made = await make_list(attio)
    assert made["parent_object"] == ["companies"]
    for name in (made["api_slug"], made["id"]["list_id"]):
        assert (await attio.get(f"/v2/lists/{name}")).json()["data"] == made
    changed = await attio.patch(f"/v2/lists/{made['api_slug']}", json={"data": {"name": "X", "api_slug": "renamed"}})
    assert changed.json()["data"]["name"] == "X"
    assert (await attio.get(f"/v2/lists/{made['api_slug']}")).status_code == 404
    assert "renamed" in [found["api_slug"] for found in (await attio.get("/v2/lists")).json()["data"]]


async def test_a_list_needs_all_its_keys(attio: httpx.AsyncClient):
    whole = {**NEW_LIST, "api_slug": "whole"}
    for key in whole:
        data = {name: value for name, value in whole.items() if name != key}
        answer = await attio.post("/v2/lists", json={"data": data})
        assert await code(answer) == (400, "validation_type")
        assert answer.json()["validation_errors"][0]["path"] == ["data", key]


async def test_the_slug_of_a_list_can_be_taken_once(attio: httpx.AsyncClient):
    first, second = await make_list(attio), await make_list(attio)
    again = await attio.post("/v2/lists", json={"data": {**NEW_LIST, "api_slug": first["api_slug"]}})
    assert await code(again) == (409, "slug_conflict")
    taken = {"data": {"api_slug": first["api_slug"]}}
    assert await code(await attio.patch(f"/v2/lists/{second['api_slug']}", json=taken)) == (409, "slug_conflict")


async def test_somebody_has_full_access_to_a_list(attio: httpx.AsyncClient):
    member = (await attio.get("/v2/workspace_members")).json()["data"][1]["id"]["workspace_member_id"]
    full = [{"workspace_member_id": member, "level": "full-access"}]
    private = await make_list(attio, workspace_access=None, workspace_member_access=full)
    assert private["workspace_access"] is None
    assert private["workspace_member_access"] == full
    for changes in (
        {"workspace_access": None},
        {"workspace_access": "read-only", "workspace_member_access": [{**full[0], "level": "read-only"}]},
    ):
        answer = await attio.post("/v2/lists", json={"data": {**NEW_LIST, "api_slug": "closed", **changes}})
        assert await code(answer) == (400, "validation_type")
    nobody = {"workspace_member_access": [{"workspace_member_id": "nobody", "level": "full-access"}]}
    answer = await attio.post("/v2/lists", json={"data": {**NEW_LIST, "api_slug": "closed", **nobody}})
    assert await code(answer) == (400, "value_not_found")


async def test_a_list_of_an_unknown_object_is_404(attio: httpx.AsyncClient):
    data = {**NEW_LIST, "api_slug": "lost", "parent_object": "nothing"}
    assert await code(await attio.post("/v2/lists", json={"data": data})) == (404, "not_found")


async def test_a_list_has_attributes_of_its_own_with_the_rules_of_objects(attio: httpx.AsyncClient, pipeline: str):
    path = f"/v2/lists/{pipeline}/attributes"
    attributes = {found["api_slug"]: found for found in (await attio.get(path)).json()["data"]}
    assert {"parent_record", "created_at", "affinity_entry_id", "tags"} <= attributes.keys()
    listed = (await attio.get(f"/v2/lists/{pipeline}")).json()["data"]
    assert attributes["tags"]["id"]["object_id"] == listed["id"]["list_id"]
    assert attributes["created_at"]["is_writable"] is False

    taken = {**ATTRIBUTE, "title": "T", "api_slug": "tags", "type": "text"}
    await attio.patch(f"{path}/tags", json={"data": {"is_archived": True}})
    assert await code(await attio.post(path, json={"data": taken})) == (409, "slug_conflict")
    restored = await attio.patch(f"{path}/tags", json={"data": {"is_archived": False}})
    assert restored.json()["data"]["is_archived"] is False
    options = (await attio.get(f"{path}/tags/options")).json()["data"]
    assert [option["title"] for option in options] == ["Hot", "Cold"]


async def test_a_unique_attribute_of_a_list_is_unique_among_its_entries(attio: httpx.AsyncClient, pipeline: str):
    await add_attribute(attio, pipeline, "key", is_unique=True)
    company, path = await make_company(attio), f"/v2/lists/{pipeline}/entries"
    assert (await attio.post(path, json=entry(company, key="a"))).status_code == 200
    assert (await attio.post(path, json=entry(company, key="A"))).status_code == 200
    assert await code(await attio.post(path, json=entry(company, key="a"))) == (400, "uniqueness_conflict")


async def test_an_entry_reads_back_with_its_values(attio: httpx.AsyncClient, pipeline: str):
    company, path = await make_company(attio), f"/v2/lists/{pipeline}/entries"
    made = (await attio.post(path, json=entry(company, score=3, tags=["Hot"]))).json()["data"]
    assert (made["parent_object"], made["parent_record_id"]) == ("companies", company)
    assert "parent_record" not in made["entry_values"]
    assert made["entry_values"]["score"][0]["value"] == 3
    assert made["entry_values"]["affinity_entry_id"] == []
    assert made["entry_values"]["created_at"][0]["value"] == made["created_at"]
    assert (await attio.get(f"{path}/{made['id']['entry_id']}")).json()["data"] == made


async def test_the_same_record_can_be_added_twice_and_is_then_no_upsert(attio: httpx.AsyncClient, pipeline: str):
    company, path = await make_company(attio), f"/v2/lists/{pipeline}/entries"
    first = (await attio.put(path, json=entry(company, tags=["Hot"]))).json()["data"]
    again = (await attio.put(path, json=entry(company, tags=["Cold"]))).json()["data"]
    assert again["id"] == first["id"]
    assert [value["option"]["title"] for value in again["entry_values"]["tags"]] == ["Cold"]

    second = (await attio.post(path, json=entry(company))).json()["data"]
    assert second["id"] != first["id"]
    assert await code(await attio.put(path, json=entry(company))) == (400, "multiple_match_results")
    await attio.delete(f"{path}/{second['id']['entry_id']}")
    assert (await attio.put(path, json=entry(company))).json()["data"]["id"] == first["id"]


async def test_a_patch_of_an_entry_adds_and_a_put_replaces(attio: httpx.AsyncClient, pipeline: str):
    path = f"/v2/lists/{pipeline}/entries"
    made = (await attio.post(path, json=entry(await make_company(attio), tags=["Hot"], score=1))).json()["data"]
    one = f"{path}/{made['id']['entry_id']}"
    for write, expected in ((attio.patch, ["Cold", "Hot"]), (attio.put, ["Cold"])):
        values = (await write(one, json={"data": {"entry_values": {"tags": ["Cold"]}}})).json()["data"]["entry_values"]
        assert [value["option"]["title"] for value in values["tags"]] == expected
        assert values["score"][0]["value"] == 1
    cleared = await attio.patch(one, json={"data": {"entry_values": {"score": []}}})
    assert cleared.json()["data"]["entry_values"]["score"] == []


async def test_the_parent_of_an_entry_and_its_date_are_fixed(attio: httpx.AsyncClient, pipeline: str):
    path, other = f"/v2/lists/{pipeline}/entries", await make_company(attio)
    made = (await attio.post(path, json=entry(await make_company(attio)))).json()["data"]
    one = f"{path}/{made['id']['entry_id']}"
    moved = {"parent_record": [{"target_object": "companies", "target_record_id": other}]}
    for data, refusal in (
        ({"entry_values": moved}, "immutable_value"),
        ({"entry_values": {}, "parent_record_id": other}, "immutable_value"),
        ({"entry_values": {"created_at": ["2020-01-01T00:00:00Z"]}}, "system_edit_unauthorized"),
    ):
        assert await code(await attio.patch(one, json={"data": data})) == (400, refusal)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"parent_record_id": "gone"}, "value_not_found"),
        ({"parent_object": "nothing"}, "value_not_found"),
        ({"parent_object": "people"}, "validation_type"),
        ({"entry_values": {"nothing": "x"}}, "value_not_found"),
        ({"entry_values": {"tags": ["Lukewarm"]}}, "value_not_found"),
        ({"entry_values": {"tags": "Hot"}}, "validation_type"),
        ({"entry_values": None}, "validation_type"),
    ],
)
async def test_an_entry_that_cannot_be_has_a_code(
    attio: httpx.AsyncClient, pipeline: str, changes: dict[str, Any], refusal: str
):
    data = {**entry(await make_company(attio))["data"], **changes}
    answer = await attio.post(f"/v2/lists/{pipeline}/entries", json={"data": data})
    assert await code(answer) == (400, refusal)
    assert await query(attio, pipeline) == []


async def test_required_and_default_values_apply_to_entries(attio: httpx.AsyncClient, pipeline: str):
    await add_attribute(attio, pipeline, "since", type="date", default_value={"type": "dynamic", "template": "P0D"})
    hot = {"type": "static", "template": [{"option": "Hot"}]}
    path = f"/v2/lists/{pipeline}/attributes"
    assert (await attio.patch(f"{path}/tags", json={"data": {"default_value": hot}})).status_code == 200
    await add_attribute(attio, pipeline, "needed", is_required=True)
    company, entries = await make_company(attio), f"/v2/lists/{pipeline}/entries"
    assert await code(await attio.post(entries, json=entry(company))) == (400, "missing_value")
    values = (await attio.post(entries, json=entry(company, needed="x"))).json()["data"]["entry_values"]
    assert values["tags"][0]["option"]["title"] == "Hot"
    assert values["since"][0]["value"] == values["created_at"][0]["value"][:10]


async def test_entries_are_found_by_their_values_and_by_their_parents(attio: httpx.AsyncClient, pipeline: str):
    path = f"/v2/lists/{pipeline}/entries"
    root = pipeline.replace("_", "-")
    companies = [await make_company(attio, name=f"Q{number}", domains=[f"{root}-{number}.com"]) for number in (0, 1)]
    ids = []
    for number, company in enumerate((*companies, companies[0])):
        values = {"affinity_entry_id": str(number), "score": number, "tags": ["Hot"] if number else []}
        ids.append((await attio.post(path, json=entry(company, **values))).json()["data"]["id"]["entry_id"])
    parent = [[pipeline, "parent_record"], ["companies", "domains"]]
    for given, expected in (
        ({"affinity_entry_id": "1"}, [1]),
        ({"affinity_entry_id": {"$in": ["0", "2", "9"]}}, [0, 2]),
        ({"$or": [{"score": {"$lt": 1}}, {"affinity_entry_id": "2"}]}, [0, 2]),
        ({"$not": {"tags": "Hot"}}, [0]),
        ({"parent_record": {"target_record_id": {"$in": [companies[0]]}}}, [0, 2]),
        ({"parent_record": {"target_object": "companies", "target_record_id": companies[1]}}, [1]),
        ({"path": parent, "constraints": {"domain": f"{root}-1.com"}}, [1]),
        ({"path": parent, "constraints": {"root_domain": {"$contains": root}}}, [0, 1, 2]),
        ({"$and": [{"path": parent, "constraints": {"domain": f"{root}-0.com"}}, {"score": {"$gt": 0}}]}, [2]),
        ({"entry_id": {"$in": ids[1:]}}, [1, 2]),
    ):
        assert await query(attio, pipeline, filter=given) == sorted(ids[number] for number in expected), given
    by_name = [{"direction": "desc", "path": [[pipeline, "parent_record"], ["companies", "name"]]}]
    assert (await query(attio, pipeline, sorts=by_name))[0] == ids[1]
    newest = [{"direction": "desc", "attribute": "created_at"}]
    assert await query(attio, pipeline, sorts=newest, limit=2, offset=1) == [ids[1], ids[0]]


@pytest.mark.parametrize(
    "path",
    [
        [],
        "parent_record",
        [["companies", "name"]],
        [["{list}", "parent_record"], ["nothing", "name"]],
        [["{list}", "score"], ["companies", "name"]],
        [["{list}", "parent_record"], *[["companies", "team"]] * 5],
    ],
)
async def test_a_path_that_leads_nowhere_is_refused(attio: httpx.AsyncClient, pipeline: str, path: Any):
    written = [[part.format(list=pipeline) for part in pair] for pair in path] if isinstance(path, list) else path
    body = {"filter": {"path": written, "constraints": {"value": "x"}}}
    answer = await attio.post(f"/v2/lists/{pipeline}/entries/query", json=body)
    assert await code(answer) == (400, "filter_error")


async def test_the_entries_of_a_record_are_listed_across_lists(attio: httpx.AsyncClient, pipeline: str):
    other = (await make_list(attio))["api_slug"]
    company = await make_company(attio)
    for name in (pipeline, other, other):
        await attio.post(f"/v2/lists/{name}/entries", json=entry(company))
    path = f"/v2/objects/companies/records/{company}/entries"
    assert [found["list_api_slug"] for found in (await attio.get(path)).json()["data"]] == [pipeline, other, other]
    assert len((await attio.get(path, params={"limit": 2, "offset": 2})).json()["data"]) == 1
    assert (await attio.get(path, params={"limit": 1001})).status_code == 400


async def test_entries_go_with_their_record_and_references_from_entries_as_well(
    attio: httpx.AsyncClient, pipeline: str
):
    await add_attribute(attio, pipeline, "adviser", type="record-reference")
    parent, adviser = await make_company(attio), await make_company(attio)
    reference = [{"target_object": "companies", "target_record_id": adviser}]
    path = f"/v2/lists/{pipeline}/entries"
    made = (await attio.post(path, json=entry(parent, adviser=reference))).json()["data"]["id"]["entry_id"]
    await attio.delete(f"/v2/objects/companies/records/{adviser}")
    assert (await attio.get(f"{path}/{made}")).json()["data"]["entry_values"]["adviser"] == []
    await attio.delete(f"/v2/objects/companies/records/{parent}")
    assert (await attio.get(f"{path}/{made}")).status_code == 404


async def test_a_deleted_entry_is_gone_and_its_record_stays(attio: httpx.AsyncClient, pipeline: str):
    company, path = await make_company(attio), f"/v2/lists/{pipeline}/entries"
    made = (await attio.post(path, json=entry(company))).json()["data"]["id"]["entry_id"]
    assert (await attio.delete(f"{path}/{made}")).json() == {}
    assert await code(await attio.delete(f"{path}/{made}")) == (404, "not_found")
    assert (await attio.get(f"/v2/objects/companies/records/{company}")).status_code == 200
    summary = (await attio.get("/_sandbox/summary")).json()
    assert summary["entries"][pipeline] == 0
    assert summary["lists"] >= 1
