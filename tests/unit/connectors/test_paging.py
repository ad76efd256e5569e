"""Pages that have no end, and cursors that are not valid any more."""

import itertools
import json as jsonlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tenacity import wait_none

from freight.connectors.attio.client import AttioClient
from freight.connectors.errors import CursorRefused, NotFound, PagingLoops, RejectedBySource
from freight.connectors.paging import MAX_EMPTY_PAGES, Paging
from support.affinity_source_parts import BASE, Paths, json, page, read_all, refusal
from support.connector_parts import RecordingPacer, Script, error

ROWS = [{"id": number} for number in range(3)]


def reading(following: Callable[[str | None], str | None], rows: Callable[[str | None], list[Any]]) -> int:
    """Read page after page; return how many there were."""
    paging, cursor = Paging("The test"), None
    for count in itertools.count(1):
        next_ = following(cursor)
        paging.follow(cursor, next_, rows(cursor))
        if next_ is None:
            return count
        cursor = next_
    raise AssertionError


@pytest.mark.parametrize("length", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("before", [0, 1, 10])
def test_cursors_that_go_round_are_noticed_whatever_the_length_of_the_circle(before, length):
    asked: list[str | None] = []

    def following(cursor: str | None) -> str:
        asked.append(cursor)
        number = 0 if cursor is None else int(cursor) + 1
        return str(number if number < before + length else before)

    with pytest.raises(PagingLoops):
        reading(following, lambda cursor: [])
    assert len(asked) <= 3 * (before + length) + 3


@pytest.mark.parametrize("length", [1, 2, 7])
def test_pages_that_come_again_under_new_cursors_are_noticed(length):
    numbers = itertools.count()

    def rows(cursor: str | None) -> list[Any]:
        return [{"id": f"{int(cursor or 0) % length}-{row}"} for row in range(3)]

    with pytest.raises(PagingLoops, match="the same pages repeatedly"):
        reading(lambda _: str(next(numbers)), rows)
    assert next(numbers) <= 4 * length + 4


def test_many_pages_are_read_to_their_end():
    def following(cursor: str | None) -> str | None:
        number = int(cursor or 0) + 1
        return None if number == 5000 else str(number)

    assert reading(following, lambda cursor: [{"id": cursor}]) == 5000


def test_rows_without_ids_may_be_alike_on_every_page():
    def following(cursor: str | None) -> str | None:
        return None if cursor == "9" else str(int(cursor or 0) + 1)

    assert reading(following, lambda _: [{"data": 1}, {"data": 1}]) == 10


def test_empty_pages_may_follow_each_other_but_not_without_end():
    numbers = itertools.count()
    with pytest.raises(PagingLoops, match="without a row"):
        reading(lambda _: str(next(numbers)), lambda _: [])
    assert next(numbers) > MAX_EMPTY_PAGES


def test_a_page_that_is_read_again_because_it_could_not_be_stored_is_no_circle():
    paging = Paging("The test")
    for cursor, following in ((None, "a"), (None, "a"), ("a", "b"), ("a", "b"), ("a", "b"), ("b", "c"), ("b", "c")):
        paging.follow(cursor, following, [{"id": cursor}])


def test_a_collection_that_is_read_from_its_start_again_is_no_circle():
    paging = Paging("The test")
    for _ in range(3):
        for cursor, following in ((None, "a"), ("a", "b"), ("b", "c"), ("c", None)):
            paging.follow(cursor, following, [{"id": cursor}])


def following_pages(*chain: str) -> dict[str, Any]:
    """Pages of people, each with a row of its own, that name each other in this order."""
    pages = {}
    for number, (here, next_) in enumerate(itertools.pairwise(chain)):
        path = "/v2/persons" if here == "start" else f"/v2/persons?cursor={here}"
        pages.setdefault(path, page([{"id": number, "type": "external"}], f"{BASE}/v2/persons?cursor={next_}"))
    return pages


@pytest.mark.parametrize("chain", [("start", "a", "a"), ("start", "a", "b", "a"), ("start", "a", "b", "c", "d", "b")])
async def test_a_stream_whose_cursors_go_round_ends_with_a_sentence(chain):
    paths = Paths(following_pages(*chain))
    with pytest.raises(PagingLoops, match="GET /v2/persons") as raised:
        await read_all(paths.reader(), "people")
    assert raised.value.code == "paging_loops"
    assert len(paths.requests) < 25


@pytest.mark.parametrize("entity", ["notes", "tasks", "files"])
async def test_a_stream_whose_tokens_lead_to_the_same_page_ends_with_a_sentence(entity):
    path, key = {
        "notes": ("/notes", "notes"),
        "tasks": ("/reminders", "reminders"),
        "files": ("/entity-files", "entity_files"),
    }[entity]
    tokens = itertools.count()
    paths = Paths({path: lambda _: json({key: ROWS, "next_page_token": f"t{next(tokens)}"})})
    with pytest.raises(PagingLoops):
        await read_all(paths.reader(), entity)
    assert len(paths.requests) < 5


REFUSED = {"errors": [{"code": "validation", "message": "The cursor is not valid.", "param": "cursor"}]}


@pytest.mark.parametrize(
    "refused",
    [
        httpx.Response(400, json=REFUSED),
        httpx.Response(404, json={"errors": [{"code": "not-found", "message": "No such cursor."}]}),
        httpx.Response(410, json=REFUSED),
        httpx.Response(422, json=REFUSED),
    ],
)
async def test_a_cursor_that_has_expired_is_told_from_other_refusals(refused):
    answers = {"/v2/persons": page(ROWS, f"{BASE}/v2/persons?cursor=a"), "/v2/persons?cursor=a": refused}
    source = Paths(answers).reader()
    first = await source.read("people", None)
    with pytest.raises(CursorRefused) as raised:
        await source.read("people", first.next_cursor)
    assert raised.value.code == "cursor_refused"
    assert (await source.read("people", None)).next_cursor == first.next_cursor


async def test_a_page_token_that_has_expired_is_told_from_other_refusals():
    def answer(request: httpx.Request) -> httpx.Response:
        if "page_token" in request.url.params:
            return httpx.Response(400, json=["Invalid page_token variable"])
        return json({"notes": [], "next_page_token": "a"})

    source = Paths({"/notes": answer}).reader()
    first = await source.read("notes", None)
    with pytest.raises(CursorRefused):
        await source.read("notes", first.next_cursor)


async def test_a_refusal_of_the_first_page_is_not_about_a_cursor():
    with pytest.raises(RejectedBySource) as raised:
        await Paths({"/v2/persons": httpx.Response(400, json=REFUSED)}).reader().read("people", None)
    assert not isinstance(raised.value, CursorRefused)


async def test_a_collection_that_is_gone_is_not_about_a_cursor():
    source = Paths({"/v2/persons": page(ROWS, f"{BASE}/v2/persons?cursor=a"), "/v2/persons?cursor=a": refusal(404)})
    reader = source.reader()
    first = await reader.read("people", None)
    with pytest.raises(NotFound):
        await reader.read("people", first.next_cursor)


def attio(answer: Any, pacer: RecordingPacer) -> tuple[AttioClient, Script]:
    script = Script(answer)
    client = AttioClient(
        "key", base_url="https://api.attio.com", pacer=pacer, transport=script.transport, backoff=wait_none()
    )
    return client, script


def listing(rows: list[Any], cursor: str | None) -> httpx.Response:
    return httpx.Response(200, json={"data": rows, "pagination": {"next_cursor": cursor}})


async def test_a_listing_of_files_whose_cursors_go_round_ends_with_a_sentence(pacer):
    def answer(request: httpx.Request) -> httpx.Response:
        cursor = request.url.params.get("cursor")
        return listing([{"id": cursor}], {None: "a", "a": "b", "b": "a"}[cursor])

    client, script = attio(answer, pacer)
    with pytest.raises(PagingLoops):
        await client.read_cursor("/v2/files", size=200, params={})
    assert len(script.requests) < 10


async def test_a_listing_of_files_whose_cursor_expires_is_read_from_its_start_once(pacer):
    expirations = iter([True])

    def answer(request: httpx.Request) -> httpx.Response:
        if "cursor" not in request.url.params:
            return listing([{"id": "1"}], "a")
        if next(expirations, False):
            return error(400, "validation_type", "Invalid cursor.")
        return listing([{"id": "2"}], None)

    client, script = attio(answer, pacer)
    assert await client.read_cursor("/v2/files", size=200, params={}) == [{"id": "1"}, {"id": "2"}]
    assert len(script.requests) == 4


async def test_a_target_that_does_not_count_its_pages_is_not_read_for_ever(pacer):
    tasks = [{"id": {"task_id": str(number)}} for number in range(50)]
    client, script = attio(httpx.Response(200, content=jsonlib.dumps({"data": tasks}).encode()), pacer)
    with pytest.raises(PagingLoops):
        await client.read_pages("/v2/tasks", size=50)
    assert len(script.requests) < 5
