"""What a client may rely on at the simulated Affinity."""

import re

import httpx
import pytest

from freight_sandbox import Sandbox

EVERY_FIELD = {"fieldTypes": ["enriched", "global", "relationship-intelligence"]}


def first_error(answer: httpx.Response) -> dict:
    return answer.json()["errors"][0]


async def read_all(client: httpx.AsyncClient, url: str, params: dict | None = None) -> list[dict]:
    page = (await client.get(url, params=params)).raise_for_status().json()
    rows = page["data"]
    while page["pagination"]["nextUrl"] is not None:
        page = (await client.get(page["pagination"]["nextUrl"])).raise_for_status().json()
        rows += page["data"]
    return rows


async def test_who_am_i_names_the_tenant_and_the_user(affinity: httpx.AsyncClient):
    answer = (await affinity.get("/v2/auth/whoami")).json()
    assert answer["tenant"]["name"] == "Sandbox Ventures"
    assert answer["grant"]["type"] == "api-key"
    user = (await affinity.get(f"/v2/persons/{answer['user']['id']}")).json()
    assert user["type"] == "internal"
    assert user["primaryEmailAddress"] == answer["user"]["emailAddress"]


async def test_version_1_takes_the_key_as_a_basic_password_too(affinity: httpx.AsyncClient, sandbox: Sandbox):
    answer = await affinity.get("/auth/whoami", auth=("", sandbox.affinity_key))
    assert answer.json()["grant"]["type"] == "api_key"
    assert (await affinity.get("/auth/whoami")).status_code == 200


@pytest.mark.parametrize("user", ["x", "affinity", "ünï"])
async def test_version_1_takes_the_key_with_any_user_name(affinity: httpx.AsyncClient, sandbox: Sandbox, user: str):
    assert (await affinity.get("/auth/whoami", auth=(user, sandbox.affinity_key))).status_code == 200
    assert (await affinity.get("/auth/whoami", auth=(user, "wrong"))).status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Basic OmFmZmluaXR5LXNhbmRib3gta2V5", "Basic ###"])
async def test_version_2_takes_nothing_but_the_right_bearer(affinity: httpx.AsyncClient, header: str):
    answer = await affinity.get("/v2/companies", headers={"Authorization": header})
    assert answer.status_code == 401
    assert first_error(answer)["code"] == "authentication"


async def test_the_version_asked_for_is_echoed(affinity: httpx.AsyncClient):
    for version in ("2024-01-01", "2026-07-15", "2026-09-17"):
        answer = await affinity.get("/v2/companies", headers={"X-Affinity-Api-Version": version})
        assert answer.headers["X-Affinity-Api-Version"] == version


async def test_a_version_that_does_not_exist_is_refused(affinity: httpx.AsyncClient):
    answer = await affinity.get("/v2/companies", headers={"X-Affinity-Api-Version": "2027-01-01"})
    assert answer.status_code == 400
    assert first_error(answer)["param"] == "X-Affinity-Api-Version"


async def test_pages_lead_through_every_row_once_and_end(affinity: httpx.AsyncClient):
    rows = await read_all(affinity, "/v2/persons")
    ids = [row["id"] for row in rows]
    assert len(ids) == len(set(ids)) == 600
    assert ids == sorted(ids)


async def test_the_way_back_leads_to_the_page_before(affinity: httpx.AsyncClient):
    first = (await affinity.get("/v2/companies", params={"limit": 7})).json()
    second = (await affinity.get(first["pagination"]["nextUrl"])).json()
    assert first["pagination"]["prevUrl"] is None
    assert (await affinity.get(second["pagination"]["prevUrl"])).json() == first


async def test_the_next_url_keeps_host_limit_ids_and_fields(affinity: httpx.AsyncClient):
    ids = [row["id"] for row in (await read_all(affinity, "/v2/companies"))[:5]]
    params = {"limit": 2, "ids": ids, "fieldIds": ["affinity-data-location", "field-3101"]}
    next_url = httpx.URL((await affinity.get("/v2/companies", params=params)).json()["pagination"]["nextUrl"])
    assert next_url.host == affinity.base_url.host
    assert next_url.port == affinity.base_url.port
    assert next_url.params.get_list("fieldIds") == params["fieldIds"]
    assert next_url.params.get_list("ids") == [str(row_id) for row_id in ids]
    assert next_url.params["limit"] == "2"
    rows = await read_all(affinity, "/v2/companies", params)
    assert [row["id"] for row in rows] == ids
    assert all({field["id"] for field in row["fields"]} == set(params["fieldIds"]) for row in rows)


async def test_rows_have_no_fields_unless_they_are_asked_for(affinity: httpx.AsyncClient):
    bare = (await affinity.get("/v2/persons", params={"limit": 1})).json()["data"][0]
    full = (await affinity.get("/v2/persons", params={"limit": 1, **EVERY_FIELD})).json()["data"][0]
    assert "fields" not in bare
    assert {key: value for key, value in full.items() if key != "fields"} == bare
    assert full["fields"]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"ids": "x"}, "ids"),
        ({"fieldTypes": "list"}, "fieldTypes"),
        ({"fieldIds": "affinity-data-location,field-3101"}, "fieldIds"),
    ],
)
async def test_a_bad_parameter_is_named(affinity: httpx.AsyncClient, params: dict, param: str):
    answer = await affinity.get("/v2/companies", params=params)
    assert answer.status_code == 400
    assert first_error(answer) | {"message": ""} == {"code": "validation", "message": "", "param": param}


async def test_fields_are_paged_and_cover_what_rows_hold(affinity: httpx.AsyncClient):
    for entity in ("companies", "persons"):
        fields = await read_all(affinity, f"/v2/{entity}/fields", {"limit": 2})
        known = {field["id"]: field["valueType"] for field in fields}
        for row in await read_all(affinity, f"/v2/{entity}", EVERY_FIELD):
            assert {field["id"]: field["value"]["type"] for field in row["fields"]} == known


async def test_some_fields_share_their_name(affinity: httpx.AsyncClient):
    names = [field["name"] for field in await read_all(affinity, "/v2/companies/fields")]
    assert names.count("Industry") == 2


async def test_unknown_things_are_404_and_other_methods_405(affinity: httpx.AsyncClient):
    for path in ("/v2/persons/1", "/v2/nothing"):
        answer = await affinity.get(path)
        assert answer.status_code == 404
        assert first_error(answer)["code"] == "not-found"
    for path in ("/nothing", "/opportunities/1/nothing"):
        answer = await affinity.get(path)
        assert (answer.status_code, answer.json()) == (404, "Unknown API endpoint")
    refused = await affinity.post("/v2/persons")
    assert refused.status_code == 405
    assert first_error(refused)["code"] == "method-not-allowed"


async def test_merged_and_deleted_records_leave_the_way_affinity_says(affinity: httpx.AsyncClient):
    first, second, third = [row["id"] for row in (await read_all(affinity, "/v2/companies"))[-3:]]
    merge = {"entity": "company", "id": first, "state": "merged", "into": second}
    (await affinity.post("/_sandbox/records", json=merge)).raise_for_status()
    gone = {"entity": "company", "id": third, "state": "deleted"}
    (await affinity.post("/_sandbox/records", json=gone)).raise_for_status()

    merged = await affinity.get(f"/v2/companies/{first}")
    assert merged.status_code == 422
    message = first_error(merged)["message"]
    assert re.search(r"(\d+)\s+no longer exists as it has been merged into\s+(\d+)", message).groups() == (
        str(first),
        str(second),
    )
    assert (await affinity.get(f"/v2/companies/{third}")).status_code == 404
    left = [row["id"] for row in await read_all(affinity, "/v2/companies")]
    assert left[-1] == second
    assert len(left) == 248
    assert (await affinity.get("/_sandbox/summary")).json()["records"]["companies"] == 248


async def test_rate_limits_can_be_asked_for_in_both_versions(affinity: httpx.AsyncClient):
    minute = {"limit": 900, "remaining": 900, "reset": 0, "used": 0}
    assert (await affinity.get("/rate-limit")).json() == {"rate": {"api_key_per_minute": minute}}
    assert (await affinity.get("/v2/rate-limit")).json() == {"callerPerMinute": minute}
