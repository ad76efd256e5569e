"""Queries that Attio refuses as too complex, which it says like a rate limit."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from freight.connectors.attio import client
from freight.connectors.attio.client import AttioClient
from freight.connectors.attio.writing.queries import PAGE_SIZE, QUERY_SIZE, REFUSALS, Queries, Sought
from freight.connectors.errors import MustWait, PagingLoops, QueryTooComplex
from support.connector_parts import RecordingPacer, Script, error

PATH = "/v2/objects/companies/records"
HOUR = timedelta(hours=1)
IDS = [f"r{number:03}" for number in range(QUERY_SIZE)]


def item(id_: str, created_at: str = "2024-01-01T00:00:00.000000000Z") -> dict[str, Any]:
    return {"id": {"record_id": id_}, "created_at": created_at, "values": {}}


def values_in(query: dict[str, Any]) -> list[str]:
    """All that the filter of a query names."""
    filter_ = query.get("filter", {})
    conditions = filter_.get("$or", [filter_] if filter_ else [])
    found: list[str] = []
    for condition in conditions:
        (compared,) = condition.values()
        while "$in" not in compared:
            (compared,) = compared.values()
        found += compared["$in"]
    return found


class Weighing:
    """Answers queries that name no more than `most` values, and refuses others; keeps how many each named."""

    def __init__(self, most: int, *, message: str = "Rate limit exceeded, please try again later") -> None:
        self.most = most
        self.message = message
        self.asked: list[int] = []
        self.queries: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = json.loads(request.content)
        named = values_in(query)
        self.queries.append(query)
        self.asked.append(len(named))
        if len(named) > self.most:
            return error(429, "rate_limit_exceeded", self.message)
        return httpx.Response(200, json={"data": [item(id_) for id_ in named]})


class Waits:
    """Takes the place of sleeping, and adds up how long it would have been."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def __call__(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def queries(pacer: RecordingPacer, waits: Waits) -> Callable[[Any], Queries]:
    def of(answering: Any) -> Queries:
        script = answering if isinstance(answering, Script) else Script(answering)
        client = AttioClient(
            "key", base_url="https://api.attio.com", pacer=pacer, transport=script.transport, sleep=waits
        )
        return Queries(client)

    return of


def sought(ids: list[str]) -> list[Sought]:
    return [Sought("record_id", None, id_) for id_ in ids]


async def test_a_query_is_not_sorted(queries):
    attio = Weighing(most=QUERY_SIZE)
    await queries(attio).find(PATH, sought(IDS[:2]), key="record_id")
    assert attio.queries == [{"filter": {"record_id": {"$in": IDS[:2]}}, "limit": PAGE_SIZE, "offset": 0}]


async def test_what_is_found_is_given_the_oldest_first_whatever_the_order_of_ids(queries):
    found = [item("a", "2024-03-01T00:00:00Z"), item("b", "2024-01-01T00:00:00Z"), item("c", "2024-01-01T00:00:00Z")]
    asked = queries(httpx.Response(200, json={"data": found}))
    assert [one["id"]["record_id"] for one in await asked.find(PATH, sought(["x"]), key="record_id")] == ["b", "c", "a"]


async def test_a_record_that_is_made_between_two_pages_makes_none_appear_twice_or_not_at_all(queries):
    ids = [f"{number:04}" for number in range(PAGE_SIZE + 2)]

    def answer(request: httpx.Request) -> httpx.Response:
        offset = json.loads(request.content)["offset"]
        # One more stands in front when the second page is asked for.
        standing = ids if offset == 0 else ["-new", *ids]
        return httpx.Response(200, json={"data": [item(id_) for id_ in standing[offset : offset + PAGE_SIZE]]})

    found = await queries(answer).find(PATH, sought(["x"]), key="record_id")
    assert [one["id"]["record_id"] for one in found] == ids


async def test_a_query_that_weighs_too_much_is_halved_until_it_passes(queries):
    attio = Weighing(most=100)
    found = await queries(attio).find(PATH, sought(IDS), key="record_id")
    assert [one["id"]["record_id"] for one in found] == IDS
    # Each size is compared with a query that names nothing before it is given up.
    refused = [size for whole in (400, 200) for size in (*[whole] * REFUSALS, 0, whole)]
    assert attio.asked == [*refused, 100, 100, 100, 100]


async def test_a_size_that_is_too_much_is_not_tried_again(queries):
    attio = Weighing(most=100)
    asked = queries(attio)
    await asked.find(PATH, sought(IDS), key="record_id")
    attio.asked.clear()
    await asked.find(PATH, sought(IDS[:250]), key="record_id")
    assert attio.asked == [100, 100, 50]


async def test_one_query_for_different_attributes_is_halved_as_well(queries):
    attio = Weighing(most=3)
    wanted = [
        *(Sought("affinity_id", None, id_) for id_ in ("1", "2")),
        *(Sought("domains", "domain", name) for name in ("a.com", "b.com")),
    ]
    found = await queries(attio).find(PATH, wanted, key="record_id")
    assert sorted(one["id"]["record_id"] for one in found) == ["1", "2", "a.com", "b.com"]
    assert attio.queries[0]["filter"] == {
        "$or": [{"affinity_id": {"$in": ["1", "2"]}}, {"domains": {"domain": {"$in": ["a.com", "b.com"]}}}]
    }


async def test_a_query_for_a_single_value_that_weighs_too_much_is_named_and_ends(queries):
    attio = Weighing(most=0)
    with pytest.raises(QueryTooComplex, match="nothing but the record_id 'r000'"):
        await queries(attio).find(PATH, sought(IDS[:2]), key="record_id")
    assert len(attio.asked) == 2 * (REFUSALS + 2)


async def test_a_very_long_value_is_named_by_its_beginning(queries):
    with pytest.raises(QueryTooComplex) as raised:
        await queries(Weighing(most=0)).find(PATH, sought(["x" * 100_000]), key="record_id")
    assert len(str(raised.value)) < 1000


async def test_where_attio_says_that_a_query_is_too_complex_it_is_believed_at_once(queries, waits):
    attio = Weighing(most=200, message="This query is too complex.")
    await queries(attio).find(PATH, sought(IDS), key="record_id")
    assert attio.asked == [400, 0, 400, 200, 200]
    assert waits.seconds == 0


async def test_only_the_first_refusal_of_a_query_pauses_the_others(queries, pacer):
    await queries(Weighing(most=200)).find(PATH, sought(IDS), key="record_id")
    assert len(pacer.pauses) == 1


async def test_the_waits_for_a_query_outlast_the_ten_seconds_over_which_attio_adds_up(queries, waits):
    await queries(Weighing(most=200)).find(PATH, sought(IDS), key="record_id")
    assert waits.seconds > 10


@pytest.mark.parametrize("refusals", [1, 2])
async def test_a_query_waits_as_long_as_attio_says_and_not_within_the_step(queries, waits, refusals):
    now = datetime.now(UTC)
    headers = {"Retry-After": format_datetime(now + HOUR, usegmt=True), "Date": format_datetime(now, usegmt=True)}
    limit = httpx.Response(429, headers=headers)
    asked = Script(*[error(429)] * (refusals - 1), limit)
    with pytest.raises(MustWait) as raised:
        await queries(asked).find(PATH, sought(["x"]), key="record_id")
    assert raised.value.until - now == pytest.approx(HOUR, abs=timedelta(seconds=5))
    assert len(asked.requests) == refusals
    assert waits.seconds == 0


async def test_while_nothing_passes_at_all_a_query_waits_and_is_not_made_smaller(queries):
    asked: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        named = values_in(json.loads(request.content))
        asked.append(len(named))
        if len(asked) <= 30:
            return error(429, "rate_limit_exceeded")
        return httpx.Response(200, json={"data": [item(id_) for id_ in named]})

    asking = queries(answer)
    with pytest.raises(MustWait):
        await asking.find(PATH, sought(IDS), key="record_id")
    assert asked == [*[len(IDS)] * REFUSALS, *[0] * (len(asked) - REFUSALS)]
    asked += [0] * 30
    assert len(await asking.find(PATH, sought(IDS), key="record_id")) == len(IDS)
    assert set(asked) == {0, len(IDS)}


async def test_pages_that_are_the_same_again_and_again_end_with_a_sentence(queries):
    page = httpx.Response(200, json={"data": [item(f"{number:04}") for number in range(PAGE_SIZE)]})
    with pytest.raises(PagingLoops, match="the same pages repeatedly"):
        await queries(Script(page)).find(PATH, sought(["x"]), key="record_id")


class Lines:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.scores: list[float] = []

    def info(self, event: str, *, score: float, **_: object) -> None:
        assert event == "query_score_rose"
        self.scores.append(score)


async def test_the_score_of_queries_is_logged_where_it_rises(queries, monkeypatch):
    def scored(score: str) -> httpx.Response:
        return httpx.Response(200, json={"data": []}, headers={"X-Attio-Record-Query-Score": score})

    lines = Lines()
    # A logger that another test has used already keeps the configuration that it had then.
    monkeypatch.setattr(client, "log", lines)
    asked = queries(Script(*map(scored, ("0", "84", "108", "odd", "nan", "599", "600", "0"))))
    for _ in range(8):
        await asked.find(PATH, sought(["x"]), key="record_id")
    assert lines.scores == [84, 599]
