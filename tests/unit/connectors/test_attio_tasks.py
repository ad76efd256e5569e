"""Tasks whose links Attio drops, or makes later than it answers, and how they are found again."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from freight.connectors.attio.client import AttioClient
from freight.connectors.attio.definitions import Definitions
from freight.connectors.attio.writing.catalog import AttributeCatalog
from freight.connectors.attio.writing.tasks import PAGE_SIZE, Tasks
from freight.connectors.errors import InDoubt
from freight.connectors.protocols import Draft, References
from freight.model.crm import Task
from freight.model.resolved_mapping import ResolvedMapping
from support.attio_parts import AFFINITY, MARKS, draft
from support.connector_parts import RecordingPacer, Script, error

BEGINNING = datetime(2026, 5, 15, tzinfo=UTC)
REFERENCES = References(found={("companies", "1"): "c1", ("people", "2"): "p2"})
LINK = {"target_object": "companies", "target_record_id": "c1"}


class FakeTasks:
    """Attio's tasks. `links` says what becomes of links that are sent: kept, late by one request, dropped, or only the
    first kept."""

    def __init__(self, links: str = "kept", *, on_change: str = "kept") -> None:
        self.tasks: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str]] = []
        self.failing: httpx.Response | None = None
        """The answer to everything but a create."""
        self._links = {"POST": links, "PATCH": on_change}

    def add(self, source_id: str, *, link: str | None = None, minutes: int = 0) -> dict[str, Any]:
        task = {
            "id": {"task_id": f"x{len(self.tasks)}"},
            "content_plaintext": f"Call {MARKS.task(source_id)}",
            "is_completed": False,
            "linked_records": [{"target_object_id": "companies", "target_record_id": link}] if link else [],
            "created_at": f"{BEGINNING + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S}.000000000Z",
        }
        self.tasks.append(task)
        return task

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append((request.method, request.url.path.removeprefix("/v2/")))
        if self.failing is not None and request.method != "POST":
            return self.failing
        body = json.loads(request.content)["data"] if request.content else {}
        if request.method == "GET" and request.url.path == "/v2/tasks":
            return httpx.Response(200, json={"data": self._listed(request.url.params)})
        if request.method == "POST":
            task = self.add("", minutes=len(self.tasks))
            task["content_plaintext"] = body["content"]
        else:
            found = [task for task in self.tasks if request.url.path.endswith(task["id"]["task_id"])]
            if not found:
                return error(404, "not_found")
            (task,) = found
        answer = httpx.Response(200, json={"data": task})
        if "linked_records" in body:
            links = [
                {"target_object_id": link["target_object"], "target_record_id": link["target_record_id"]}
                for link in body["linked_records"]
            ]
            kept = self._links[request.method]
            task["linked_records"] = {"dropped": [], "first": links[:1]}.get(kept, links)
            answer = answer if kept == "late" else httpx.Response(200, json={"data": task})
        return answer

    def _listed(self, params: httpx.QueryParams) -> list[dict[str, Any]]:
        shown = sorted(self.tasks, key=lambda task: task["created_at"], reverse=params.get("sort") == "created_at:desc")
        if "linked_record_id" in params:
            record = params["linked_record_id"]
            shown = [
                task for task in shown if any(link["target_record_id"] == record for link in task["linked_records"])
            ]
        offset = int(params.get("offset", 0))
        return shown[offset : offset + int(params["limit"])]


async def no_wait(_seconds: float) -> None:
    """Go on at once."""


@pytest.fixture
def store(pacer: RecordingPacer) -> Callable[[Callable[[httpx.Request], httpx.Response]], Tasks]:
    def of(fake: Callable[[httpx.Request], httpx.Response]) -> Tasks:
        transport = Script(fake).transport
        client = AttioClient("key", base_url="https://api.attio.com", pacer=pacer, transport=transport)
        known = AttributeCatalog(Definitions(client), ResolvedMapping(provenance=AFFINITY))
        return Tasks(client, known, no_wait)

    return of


def task(id_: str = "t1", **more: Any) -> Draft:
    return draft(Task(id=id_, **{"company_id": "1", **more}), REFERENCES)


async def test_a_task_that_is_linked_at_once_costs_one_request(store):
    fake = FakeTasks()
    made = await store(fake).create(task(), None)
    assert (made.values["linked_records"], made.issues, fake.requests) == ([LINK], (), [("POST", "tasks")])


async def test_links_that_come_a_moment_later_are_waited_for_and_not_sent_again(store):
    fake = FakeTasks("late")
    made = await store(fake).create(task(), None)
    assert (made.values["linked_records"], made.issues) == ([LINK], ())
    assert [method for method, _ in fake.requests] == ["POST", "GET"]


@pytest.mark.parametrize(
    ("on_change", "methods"), [("kept", ["POST", "GET", "PATCH"]), ("late", ["POST", "GET", "PATCH", "GET"])]
)
async def test_links_that_are_dropped_are_sent_again(store, on_change, methods):
    fake = FakeTasks("dropped", on_change=on_change)
    made = await store(fake).create(task(), None)
    assert (made.values["linked_records"], made.issues) == ([LINK], ())
    assert [method for method, _ in fake.requests] == methods


async def test_links_that_attio_does_not_keep_are_named(store):
    fake = FakeTasks("dropped", on_change="dropped")
    made = await store(fake).create(task(), None)
    assert [(issue.level, issue.code, issue.field, issue.value) for issue in made.issues] == [
        ("warning", "link_not_kept", "linked_records", "c1 of the companies")
    ]
    assert len(fake.tasks) == 1


@pytest.mark.parametrize(
    ("kept", "lacking"), [("dropped", "c1 of the companies, p2 of the people"), ("first", "p2 of the people")]
)
async def test_each_link_that_is_lacking_is_named(store, kept, lacking):
    made = await store(FakeTasks(kept, on_change=kept)).create(task(person_id="2"), None)
    assert made.issues[0].value == lacking


async def test_a_task_that_was_made_does_not_fail_because_its_links_cannot_be_looked_at(store):
    fake = FakeTasks("dropped")
    fake.failing = error(403, "unauthorized")
    made = await store(fake).create(task(), None)
    assert made.id == "x0"
    assert codes_of(made.issues) == ["link_not_kept"]


async def test_links_that_a_change_does_not_keep_are_named(store):
    fake = FakeTasks(on_change="dropped")
    fake.add("t1")
    changed = await store(fake).update(task(), "x0", {"linked_records": [LINK]})
    assert codes_of(changed.issues) == ["link_not_kept"]


async def test_a_change_of_something_else_does_not_look_at_links(store):
    fake = FakeTasks()
    fake.add("t1")
    changed = await store(fake).update(task(), "x0", {"is_completed": [True]})
    assert (changed.issues, len(fake.requests)) == ((), 1)


async def test_a_task_that_lost_its_link_is_found_among_all(store):
    fake = FakeTasks()
    fake.add("other", link="c1")
    fake.add("t1")
    found = await store(fake).find([task()])
    assert [(one.id, one.source_id) for one in found] == [("x1", "t1")]


async def test_a_task_that_is_found_by_its_link_needs_no_look_at_the_others(store):
    fake = FakeTasks()
    fake.add("t1", link="c1")
    assert [one.id for one in await store(fake).find([task()])] == ["x0"]
    assert len(fake.requests) == 1


async def test_a_task_whose_answer_and_whose_link_are_lost_is_found_and_not_made_twice(store):
    fake = FakeTasks("dropped")

    def losing(request: httpx.Request) -> httpx.Response:
        fake(request)
        return error(502)

    with pytest.raises(InDoubt):
        await store(losing).create(task(), None)
    assert [one.source_id for one in await store(fake).find([task()])] == ["t1"]


async def test_all_tasks_are_listed_once_and_later_only_the_newest(store):
    fake = FakeTasks()
    for number in range(3 * PAGE_SIZE):
        fake.add(f"old{number}", minutes=number)
    tasks = store(fake)
    assert await tasks.find([task("t1")]) == []
    assert [path for _, path in fake.requests] == ["tasks"] * 5
    fake.requests.clear()
    fake.add("t2", minutes=3 * PAGE_SIZE)
    found = await tasks.find([task("t2"), task("old7")])
    assert [one.source_id for one in found] == ["t2", "old7"]
    # Those of the record, the newest of all, and the two that were found.
    assert len(fake.requests) == 4


async def test_a_task_that_was_deleted_meanwhile_is_not_found(store):
    fake = FakeTasks()
    fake.add("t1")
    tasks = store(fake)
    assert [one.id for one in await tasks.find([task()])] == ["x0"]
    fake.tasks.clear()
    assert await tasks.find([task()]) == []
    fake.add("t1", minutes=5)["id"]["task_id"] = "x9"
    assert [one.id for one in await tasks.find([task()])] == ["x9"]


async def test_tasks_without_a_time_are_all_listed_again(store):
    fake = FakeTasks()
    for number in range(PAGE_SIZE + 1):
        fake.add(f"old{number}")
    tasks = store(fake)
    for listed in fake.tasks:
        listed["created_at"] = ""
    for _ in range(2):
        fake.requests.clear()
        assert await tasks.find([task()]) == []
        assert len(fake.requests) == 3


def codes_of(issues: Any) -> list[str]:
    return [issue.code for issue in issues]
