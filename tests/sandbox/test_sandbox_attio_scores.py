"""What a client may rely on about the scores of queries at the simulated Attio, and about their limits."""

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from freight_sandbox import Sandbox, running
from freight_sandbox.attio.errors import AttioError
from freight_sandbox.attio.query import Body, QueryScores, ScoreLimits, score_of
from freight_sandbox.attio.schema import AttioObject
from freight_sandbox.attio.tables import Table
from freight_sandbox.attio.values import SYSTEM
from freight_sandbox.limits import SlidingWindow
from support import clients
from support.sandboxes import sandbox_options

HEADER = "x-attio-record-query-score"
BY_AGE = [{"attribute": "created_at", "direction": "asc"}]
Client = httpx.AsyncClient


@pytest.fixture(scope="module")
async def scoring() -> AsyncIterator[Sandbox]:
    async with running(sandbox_options(companies=1, people=1, unlimited=True)) as started:
        yield started


@pytest.fixture
async def client(scoring: Sandbox) -> AsyncIterator[Client]:
    """An Attio with five companies, whose limits are lifted for the next test."""
    async with clients.client(scoring.attio_url, bearer=scoring.attio_key) as client:
        while (await client.get("/_sandbox/summary")).json()["records"]["companies"] < 5:
            body = {"data": {"values": {"name": "Acme"}}}
            (await client.post("/v2/objects/companies/records", json=body)).raise_for_status()
        yield client
        await set_limits(client)


async def set_limits(client: Client, **limits: int) -> None:
    (await client.put("/_sandbox/query-limits", json=limits)).raise_for_status()


async def query(client: Client, **body: Any) -> httpx.Response:
    return await client.post("/v2/objects/companies/records/query", json=body)


def a_table(size: int) -> Table[AttioObject]:
    table = Table(AttioObject("things", "Thing", "Things", []))
    for _ in range(size):
        table.add("2026-01-01T00:00:00.000000000Z", SYSTEM)
    return table


@pytest.mark.parametrize(("size", "score"), [(0, 0), (1, 0), (5, 84), (8, 108), (11, 125)])
def test_a_sorted_query_scores_as_in_recorded_traffic(size: int, score: int):
    assert score_of(a_table(size), Body(sorts=BY_AGE)) == score


def test_a_filter_costs_what_it_compares_with():
    ids = {"record_id": {"$in": ["a", "b", "c"]}}
    path = {"path": [["things", "company"], ["companies", "name"]], "constraints": {"$eq": "x"}}
    table = a_table(5)
    assert score_of(table, Body()) == 0
    assert score_of(table, Body(filter=ids)) == 3
    assert score_of(table, Body(filter={"$or": [ids, path, {"name": "x"}]})) == 5
    assert score_of(table, Body(filter=ids, sorts=BY_AGE)) == 87


async def test_every_query_that_finds_something_tells_its_score(client: Client):
    assert (await query(client)).headers[HEADER] == "0"
    assert (await query(client, sorts=BY_AGE)).headers[HEADER] == "84"
    assert HEADER not in (await query(client, filter={"name": "Nobody"})).headers


async def test_the_queries_of_entries_tell_their_score_too(client: Client):
    new = {"name": "Scored", "api_slug": "scored", "parent_object": "companies", "workspace_access": "full-access"}
    await client.post("/v2/lists", json={"data": {**new, "workspace_member_access": []}})
    company = (await query(client)).json()["data"][0]["id"]["record_id"]
    entry = {"parent_record_id": company, "parent_object": "companies", "entry_values": {}}
    await client.post("/v2/lists/scored/entries", json={"data": entry})
    assert (await client.post("/v2/lists/scored/entries/query", json={})).headers[HEADER] == "0"


async def test_a_query_beyond_the_limit_is_refused_however_often_it_is_asked(client: Client):
    await client.delete("/_sandbox/counters")
    await set_limits(client, per_query=90)
    assert (await query(client, sorts=BY_AGE)).status_code == 200
    for _ in range(3):
        answer = await query(client, sorts=[*BY_AGE, *BY_AGE])
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limit_exceeded")
        assert "reduce the complexity" in answer.json()["message"]
        assert parsedate_to_datetime(answer.headers["retry-after"])
    counters = (await client.get("/_sandbox/counters")).json()
    assert counters["rate_limited"] == 3


async def test_a_query_with_fewer_ids_fits_where_a_long_one_does_not(client: Client):
    await set_limits(client, per_query=100)
    ids = [str(number) for number in range(200)]
    assert (await query(client, filter={"name": {"$in": ids}})).status_code == 429
    for half in (ids[:100], ids[100:]):
        assert (await query(client, filter={"name": {"$in": half}})).status_code == 200


def test_the_sum_of_scores_is_limited_within_ten_seconds():
    now = [1000.0]
    scores = QueryScores(ScoreLimits(per_10_seconds=200), clock=lambda: now[0])
    table = a_table(5)
    assert [scores.admit(table, Body(sorts=BY_AGE)) for _ in range(2)] == [84, 84]
    with pytest.raises(AttioError) as refused:
        scores.admit(table, Body(sorts=BY_AGE))
    assert (refused.value.status, "complexity" in str(refused.value)) == (429, False)
    assert parsedate_to_datetime(refused.value.headers["retry-after"]).timestamp() == 1010
    assert scores.admit(table, Body()) == 0
    now[0] += 10
    assert scores.admit(table, Body(sorts=BY_AGE)) == 84


def test_a_window_makes_room_as_what_it_admitted_grows_old():
    now = [0.0]
    window = SlidingWindow(10, 10, lambda: now[0])
    assert window.admit(4) is None
    now[0] = 3
    assert window.admit(6) is None
    now[0] = 4
    assert (window.admit(4), window.admit(5), window.admit(11)) == (10, 13, 14)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"per_query":"x"}', b'{"per_minute":1}'])
async def test_limits_that_are_none_are_refused(client: Client, body: bytes):
    assert (await client.put("/_sandbox/query-limits", content=body)).status_code == 422
