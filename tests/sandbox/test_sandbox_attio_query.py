"""What a client may rely on about finding records at the simulated Attio."""

from typing import Any

import httpx
import pytest

from support import late
from support.clients import TLS

BY_AGE = [{"direction": "asc", "attribute": "created_at"}]
NAMES = ("Alpha Works", "Beta Labs", "Gamma Works", "Delta 100%")


@pytest.fixture(scope="module", autouse=True)
async def filled(sandbox) -> None:
    headers = {"Authorization": f"Bearer {sandbox.attio_key}"}
    async with httpx.AsyncClient(verify=TLS, base_url=sandbox.attio_url, headers=headers) as client:
        attribute = {
            "title": "Affinity ID",
            "description": None,
            "api_slug": "affinity_id",
            "type": "text",
            "is_required": False,
            "is_unique": False,
            "is_multiselect": False,
            "config": {},
        }
        (await client.post("/v2/objects/companies/attributes", json={"data": attribute})).raise_for_status()
        score = {**attribute, "title": "Score", "api_slug": "score", "type": "number"}
        (await client.post("/v2/objects/companies/attributes", json={"data": score})).raise_for_status()
        options = "/v2/objects/companies/attributes/categories/options"
        (await client.post(options, json={"data": {"title": "SaaS"}})).raise_for_status()
        for number, name in enumerate(NAMES):
            values = {"name": name, "domains": [f"q{number}.com"], "affinity_id": str(number), "score": number}
            if number == 0:
                values["categories"] = ["SaaS"]
            body = {"data": {"values": values}}
            (await client.post("/v2/objects/companies/records", json=body)).raise_for_status()


async def query(client: httpx.AsyncClient, name: str = "companies", **body: Any) -> httpx.Response:
    return await client.post(f"/v2/objects/{name}/records/query", json=body)


async def found(client: httpx.AsyncClient, **body: Any) -> list[str]:
    records = (await query(client, **body)).raise_for_status().json()["data"]
    return [record["values"]["name"][0]["value"] for record in records]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"affinity_id": "2"}, [2]),
        ({"affinity_id": {"$in": ["0", "3", "99"]}}, [0, 3]),
        ({"name": {"$eq": "beta labs"}}, [1]),
        ({"name": {"$contains": "WORKS"}}, [0, 2]),
        ({"name": {"$starts_with": "delta"}}, [3]),
        ({"name": {"$ends_with": "labs"}}, [1]),
        ({"domains": "Q1.com"}, [1]),
        ({"domains": {"domain": {"$in": ["q0.com", "q2.com"]}}}, [0, 2]),
        ({"domains": {"root_domain": "q3.com"}}, [3]),
        ({"score": {"$gte": 1, "$lt": 3}}, [1, 2]),
        ({"categories": "SaaS"}, [0]),
        ({"categories": {"$not_empty": True}}, [0]),
        ({"$not": {"categories": {"$not_empty": True}}}, [1, 2, 3]),
        ({"$and": [{"name": {"$contains": "works"}}, {"affinity_id": "2"}]}, [2]),
        ({"$or": [{"affinity_id": "0"}, {"domains": {"$in": ["q3.com"]}}]}, [0, 3]),
        ({"$or": [{"affinity_id": "0"}, {"score": {"$gt": 2}}]}, [0, 3]),
        ({"name": {"$contains": "works"}, "affinity_id": "0"}, [0]),
        ({"created_at": {"$gt": "2020-01-01T00:00:00Z"}}, [0, 1, 2, 3]),
        ({"created_at": {"$lt": "2020-01-01T00:00:00Z"}}, []),
    ],
)
async def test_filters_find_what_they_say(attio: httpx.AsyncClient, given: dict[str, Any], expected: list[int]):
    assert await found(attio, filter=given, sorts=BY_AGE) == [NAMES[number] for number in expected]


async def test_records_are_found_by_id(attio: httpx.AsyncClient):
    records = (await query(attio, sorts=BY_AGE)).json()["data"]
    ids = [record["id"]["record_id"] for record in records[1:3]]
    assert await found(attio, filter={"record_id": {"$in": [*ids, "gone"]}}, sorts=BY_AGE) == [NAMES[1], NAMES[2]]


async def test_people_are_found_by_email_and_company(attio: httpx.AsyncClient):
    person = {"email_addresses": ["Jane@q0.com"], "name": "Doe, Jane", "phone_numbers": ["+14155550132"]}
    made = (await attio.post("/v2/objects/people/records", json={"data": {"values": person}})).json()["data"]
    await late.finish(attio)
    (linked,) = (await query(attio, "people", filter={"record_id": made["id"]["record_id"]})).json()["data"]
    company = linked["values"]["company"][0]["target_record_id"]
    for given in (
        {"email_addresses": "JANE@q0.com"},
        {"email_addresses": {"email_domain": {"$eq": "q0.com"}}},
        {"phone_numbers": "+14155550132"},
        {"name": {"first_name": "jane"}},
        {"company": {"target_record_id": {"$in": [company]}}},
        {"company": {"target_object": "companies", "target_record_id": company}},
    ):
        records = (await query(attio, "people", filter=given)).json()["data"]
        assert [record["id"] for record in records] == [made["id"]], given


async def test_records_are_found_over_their_references(attio: httpx.AsyncClient):
    person = {"email_addresses": ["path@q1.com"], "name": "Path, Ada"}
    made = (await attio.post("/v2/objects/people/records", json={"data": {"values": person}})).json()["data"]
    await late.finish(attio)
    over = [["people", "company"], ["companies", "affinity_id"]]
    records = (await query(attio, "people", filter={"path": over, "constraints": {"$eq": "1"}})).json()["data"]
    assert [record["id"] for record in records] == [made["id"]]
    there_and_back = [["companies", "team"], ["people", "company"], ["companies", "name"]]
    assert await found(attio, filter={"path": there_and_back, "constraints": {"value": NAMES[1]}}) == [NAMES[1]]


async def test_a_limit_may_be_written_as_a_float(attio: httpx.AsyncClient):
    assert await found(attio, limit=2.0, offset=1.0, sorts=BY_AGE) == list(NAMES[1:3])
    assert (await query(attio, limit=2.5)).status_code == 400


async def test_what_is_not_sorted_comes_in_the_order_of_the_ids(attio: httpx.AsyncClient):
    everything = [record["id"]["record_id"] for record in (await query(attio)).json()["data"]]
    assert everything == sorted(everything)
    pages = [(await query(attio, limit=2, offset=offset)).json()["data"] for offset in (0, 2)]
    assert [record["id"]["record_id"] for page in pages for record in page] == everything[:4]
    some = (await query(attio, filter={"affinity_id": {"$not_empty": True}})).json()["data"]
    ids = [record["id"]["record_id"] for record in some]
    assert ids == sorted(ids)
    await attio.delete(f"/v2/objects/companies/records/{await a_company(attio)}")
    assert [record["id"]["record_id"] for record in (await query(attio)).json()["data"]] == everything


async def a_company(client: httpx.AsyncClient) -> str:
    made = await client.post("/v2/objects/companies/records", json={"data": {"values": {"name": "Passing"}}})
    return made.json()["data"]["id"]["record_id"]


async def test_pages_and_sorts(attio: httpx.AsyncClient):
    assert await found(attio, sorts=BY_AGE, limit=2) == list(NAMES[:2])
    assert await found(attio, sorts=BY_AGE, limit=2, offset=2) == list(NAMES[2:])
    assert await found(attio, sorts=BY_AGE, limit=2, offset=4) == []
    assert await found(attio, sorts=[{"direction": "desc", "attribute": "created_at"}]) == list(NAMES[::-1])
    assert await found(attio, sorts=[{"direction": "desc", "attribute": "score"}], limit=1) == [NAMES[3]]
    assert await found(attio, sorts=[{"direction": "asc", "attribute": "name"}]) == sorted(NAMES)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"nothing": "x"}, "unknown_filter_attribute_slug"),
        ({"name": {"$neq": "x"}}, "invalid_filter_operator"),
        ({"categories": {"$in": ["SaaS"]}}, "invalid_filter_operator"),
        ({"domains": {"original": "x"}}, "invalid_filter_field"),
        ({"created_by": {"referenced_actor_id": "x"}}, "invalid_filter_field"),
        ({"$not": {"$or": [{"name": "x"}]}}, "filter_error"),
        ({"$not": {"name": {"$starts_with": "a", "$ends_with": "b"}}}, "filter_error"),
        ({"$or": {"name": "x"}}, "filter_error"),
        ({"score": {"$gt": "many"}}, "filter_error"),
        ({"score": {"$gt": [1]}}, "filter_error"),
        ({"affinity_id": {"$in": [{}]}}, "filter_error"),
        ({"name": None}, "filter_error"),
        ({"created_at": {"$gt": "2020-01-01"}}, "filter_error"),
    ],
)
async def test_a_filter_that_attio_does_not_know_is_refused(attio: httpx.AsyncClient, given: dict[str, Any], code: str):
    answer = await query(attio, filter=given)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_a_part_of_a_location_that_is_not_there_is_passed_over(attio: httpx.AsyncClient):
    made = await attio.post(
        "/v2/objects/people/records", json={"data": {"values": {"primary_location": "Lyon, France"}}}
    )
    for given, count in (({"locality": {"$contains": "lyo"}}, 1), ({"line_1": {"$contains": "lyo"}}, 0)):
        answer = await query(attio, "people", filter={"primary_location": given})
        assert [record["id"] for record in answer.json()["data"]] == [made.json()["data"]["id"]] * count
    by_line = [{"direction": "asc", "attribute": "primary_location", "field": "line_1"}]
    assert (await query(attio, "people", sorts=by_line)).status_code == 200


@pytest.mark.parametrize(
    "sort", [{"direction": ["asc"]}, {"direction": "asc"}, {"direction": "up", "attribute": "name"}]
)
async def test_a_malformed_sort_is_refused(attio: httpx.AsyncClient, sort: dict[str, Any]):
    assert (await query(attio, sorts=[sort])).status_code == 400


@pytest.mark.parametrize("body", [{"limit": 501}, {"limit": 0}, {"offset": -1}, {"limt": 5}, {"filter": []}])
async def test_a_malformed_query_is_refused(attio: httpx.AsyncClient, body: dict[str, Any]):
    assert (await query(attio, **body)).status_code == 400


async def test_a_changed_value_is_found_under_the_new_one_only(attio: httpx.AsyncClient):
    made = (await attio.post("/v2/objects/people/records", json={"data": {"values": {"job_title": "Chief"}}})).json()
    path = f"/v2/objects/people/records/{made['data']['id']['record_id']}"
    await attio.patch(path, json={"data": {"values": {"job_title": "Adviser"}}})
    assert (await query(attio, "people", filter={"job_title": "Chief"})).json()["data"] == []
    assert len((await query(attio, "people", filter={"job_title": "Adviser"})).json()["data"]) == 1
    await attio.delete(path)
    assert (await query(attio, "people", filter={"job_title": "Adviser"})).json()["data"] == []


async def test_a_telephone_number_is_found_without_its_plus_sign_and_not_without_its_country(attio: httpx.AsyncClient):
    person = {"phone_numbers": ["+84901234567"]}
    made = (await attio.post("/v2/objects/people/records", json={"data": {"values": person}})).json()["data"]
    for given, expected in (
        ("+84901234567", [made["id"]]),
        ("84901234567", [made["id"]]),
        ({"$in": ["84901234567"]}, [made["id"]]),
        ({"phone_number": {"$starts_with": "+8490"}}, [made["id"]]),
        ("0901234567", []),
    ):
        records = (await query(attio, "people", filter={"phone_numbers": given})).json()["data"]
        assert [record["id"] for record in records] == expected, given


async def test_records_can_be_sorted_and_filtered_by_an_interaction_that_none_has(attio: httpx.AsyncClient):
    by_last = [{"direction": "desc", "attribute": "last_interaction", "field": "interacted_at"}]
    assert sorted(await found(attio, sorts=by_last)) == sorted(await found(attio))
    recent = {"last_interaction": {"interacted_at": {"$gte": "2026-01-01T00:00:00Z"}}}
    assert await found(attio, filter=recent) == []


async def test_a_query_may_ask_for_more_beside_the_values(attio: httpx.AsyncClient):
    assert await found(attio, expand=["record"], sorts=BY_AGE) == await found(attio, sorts=BY_AGE)
