"""What is sent to Attio, and what becomes of its answers."""

import json
from typing import Any

import httpx
import pytest
from connector_parts import RecordingPacer, Script, error

from freight.connectors.attio.target import QUERY_SIZE, AttioTarget
from freight.connectors.errors import (
    CredentialsRefused,
    InDoubt,
    PermissionMissing,
    Rejected,
    UnexpectedAnswer,
    UniquenessConflict,
)
from freight.connectors.protocols import TargetRecord, Workspace
from freight.crm import Company, Entity, Person

SELF = {
    "active": True,
    "scope": "record_permission:read-write object_configuration:read-write",
    "workspace_id": "w1",
    "workspace_name": "Acme",
}


class FakeAttio:
    """Just enough of Attio's schema and records to answer; every request is kept as (method, path, body)."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, Any]] = []
        self.attributes: dict[str, dict[str, dict[str, Any]]] = {"companies": {}, "people": {}}
        self.records: list[dict[str, Any]] = []
        self.answer: httpx.Response | None = None
        for slug, type_ in (("name", "text"), ("domains", "domain")):
            self.add("companies", slug, type_)
        for slug, type_ in (("name", "personal-name"), ("phone_numbers", "phone-number")):
            self.add("people", slug, type_)

    def add(self, entity: Entity, slug: str, type_: str, **more: object) -> None:
        self.attributes[entity][slug] = {
            "id": {"attribute_id": f"id-{slug}"},
            "api_slug": slug,
            "type": type_,
            "is_multiselect": type_ in ("domain", "phone-number"),
            "is_archived": False,
            **more,
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        path = request.url.path.removeprefix("/v2/objects/")
        if path.endswith("/query"):
            return httpx.Response(200, json={"data": self.page(body)})
        entity, _, slug = path.partition("/attributes")
        if "/attributes" in path:
            return self.schema(request, entity, slug.removeprefix("/"), body)
        return self.answer or httpx.Response(200, json={"data": record("r1", **body["data"]["values"])})

    def page(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        self.requests.append(("POST", "query", body["filter"]))
        return self.records[body["offset"] : body["offset"] + body["limit"]]

    def schema(self, request: httpx.Request, entity: str, slug: str, body: Any) -> httpx.Response:
        attributes = self.attributes[entity]
        if request.method == "GET":
            start = int(request.url.params["offset"])
            return httpx.Response(200, json={"data": list(attributes.values())[start : start + 2]})
        self.requests.append((request.method, f"{entity}/{slug}", body["data"]))
        if request.method == "PATCH":
            attributes[slug] |= body["data"]
        elif body["data"]["api_slug"] in attributes:
            return error(409, "slug_conflict")
        else:
            attributes[body["data"]["api_slug"]] = {"id": {"attribute_id": "new"}, **body["data"]}
        return httpx.Response(200, json={"data": {}})


def record(id_: str, **values: list[Any]) -> dict[str, Any]:
    read = {slug: [{"value": item, "domain": item} for item in items] for slug, items in values.items()}
    return {"id": {"workspace_id": "w1", "object_id": "o1", "record_id": id_}, "values": read}


@pytest.fixture
def fake() -> FakeAttio:
    return FakeAttio()


@pytest.fixture
def script(fake: FakeAttio) -> Script:
    return Script(fake)


@pytest.fixture
def target(script: Script, pacer: RecordingPacer) -> AttioTarget:
    return AttioTarget("key", base_url="https://api.attio.com", pacer=pacer, transport=script.transport)


def answering(pacer: RecordingPacer, answer: httpx.Response) -> AttioTarget:
    return AttioTarget("key", base_url="https://api.attio.com", pacer=pacer, transport=Script(answer).transport)


async def test_the_workspace_is_the_one_that_the_key_opens(pacer):
    found = await answering(pacer, httpx.Response(200, json=SELF)).identify()
    assert found == Workspace(id="w1", name="Acme")


async def test_a_key_without_a_list_of_scopes_is_not_doubted(pacer):
    answer = {name: value for name, value in SELF.items() if name != "scope"}
    assert (await answering(pacer, httpx.Response(200, json=answer)).identify()).id == "w1"


async def test_an_inactive_key_is_refused(pacer):
    with pytest.raises(CredentialsRefused):
        await answering(pacer, httpx.Response(200, json={"active": False})).identify()


async def test_a_scope_that_is_missing_is_named(pacer):
    answer = SELF | {"scope": "record_permission:read-write object_configuration:read"}
    with pytest.raises(PermissionMissing, match="object_configuration:read-write"):
        await answering(pacer, httpx.Response(200, json=answer)).identify()


async def test_an_answer_without_a_workspace_is_unexpected(pacer):
    with pytest.raises(UnexpectedAnswer):
        await answering(pacer, httpx.Response(200, json={"active": True})).identify()


async def test_preparing_the_schema_again_changes_nothing(target, fake):
    await target.prepare_schema(["companies", "people"])
    assert [(method, path, body["api_slug"], body["type"]) for method, path, body in fake.requests] == [
        ("POST", "companies/", "affinity_id", "text"),
        ("POST", "companies/", "phone_numbers", "phone-number"),
        ("POST", "people/", "affinity_id", "text"),
    ]
    assert not any(body["is_unique"] or body["is_required"] for _, _, body in fake.requests)
    fake.requests.clear()
    await target.prepare_schema(["companies", "people"])
    assert fake.requests == []


async def test_an_archived_attribute_is_brought_back(target, fake):
    fake.add("people", "affinity_id", "text", is_archived=True)
    await target.prepare_schema(["people"])
    assert fake.requests == [("PATCH", "people/affinity_id", {"is_archived": False})]


async def test_a_slug_that_means_something_else_stops_with_its_name(target, fake):
    fake.add("people", "affinity_id", "number")
    with pytest.raises(Rejected, match="`affinity_id`") as raised:
        await target.prepare_schema(["people"])
    assert raised.value.attribute == "affinity_id"


async def test_an_attribute_that_somebody_makes_at_the_same_moment_is_taken(target, fake, monkeypatch):
    listed = list(fake.attributes["people"].values())
    client = target._client
    real = client.list_attributes
    answers = [listed]

    async def late(entity: str) -> list[dict[str, Any]]:
        return answers.pop() if answers else await real(entity)

    monkeypatch.setattr(client, "list_attributes", late)
    fake.add("people", "affinity_id", "text")
    await target.prepare_schema(["people"])
    assert [method for method, _, _ in fake.requests] == ["POST"]


async def test_a_record_with_unique_values_is_upserted_on_them(target, script):
    written = await target.create(target.draft(Company(id="7", name="Acme", domains=("acme.com",)), {}))
    request = script.requests[-1]
    assert (request.method, str(request.url)) == (
        "PUT",
        "https://api.attio.com/v2/objects/companies/records?matching_attribute=domains",
    )
    assert written == TargetRecord(
        id="r1", source_id="7", values={"name": ["Acme"], "domains": ["acme.com"], "affinity_id": ["7"]}
    )


async def test_a_record_without_unique_values_is_created_and_may_be_in_doubt(target, fake, script):
    draft = target.draft(Person(id="7", first_name="Jane"), {})
    await target.create(draft)
    assert script.requests[-1].method == "POST"
    for answer in (error(500), httpx.Response(200, json={"data": {}}), httpx.Response(200, json={})):
        fake.answer = answer
        with pytest.raises(InDoubt):
            await target.create(draft)


async def test_an_update_overwrites_the_attributes_that_it_names(target, script):
    await target.update("companies", "r1", {"domains": ["acme.com"]})
    request = script.requests[-1]
    assert (request.method, request.url.path) == ("PUT", "/v2/objects/companies/records/r1")
    assert json.loads(request.content) == {"data": {"values": {"domains": ["acme.com"]}}}


async def test_a_conflict_names_the_attribute_by_its_slug(target, fake):
    fake.answer = error(400, "uniqueness_conflict", 'The value for attribute with ID "id-domains" conflicts.')
    with pytest.raises(UniquenessConflict) as raised:
        await target.update("companies", "r1", {"domains": ["acme.com"]})
    assert raised.value.attribute == "domains"


async def test_one_query_finds_all_drafts_by_id_and_by_unique_value(target, fake):
    await target.prepare_schema(["companies"])
    fake.requests.clear()
    fake.records = [record("r1", affinity_id=["1"]), record("r2", domains=["acme.com"])]
    drafts = [target.draft(Company(id="1"), {}), target.draft(Company(id="2", domains=("acme.com",)), {})]
    found = await target.find(drafts)
    assert [(item.id, item.source_id) for item in found] == [("r1", "1"), ("r2", None)]
    assert fake.requests == [
        (
            "POST",
            "query",
            {"$or": [{"affinity_id": {"$in": ["1", "2"]}}, {"domains": {"domain": {"$in": ["acme.com"]}}}]},
        )
    ]


async def test_before_the_schema_is_prepared_only_unique_values_are_looked_for(target, fake):
    assert await target.find([target.draft(Company(id="1"), {})]) == []
    assert fake.requests == []
    await target.find([target.draft(Company(id="2", domains=("acme.com",)), {})])
    assert fake.requests == [("POST", "query", {"$or": [{"domains": {"domain": {"$in": ["acme.com"]}}}]})]


async def test_many_drafts_and_many_answers_are_looked_for_in_parts(target, fake):
    fake.add("companies", "affinity_id", "text")
    fake.records = [record(f"r{number}") for number in range(1200)]
    drafts = [target.draft(Company(id=str(number)), {}) for number in range(QUERY_SIZE + 1)]
    assert len(await target.find(drafts)) == 1200
    # Two parts, each of which brings three pages of up to 500.
    assert len(fake.requests) == 6


async def test_records_are_read_by_their_ids(target, fake):
    fake.records = [record("r1", name=["Acme"])]
    assert await target.read("companies", {"r1"}) == [TargetRecord(id="r1", source_id=None, values={"name": ["Acme"]})]
    assert fake.requests == [("POST", "query", {"record_id": {"$in": ["r1"]}})]
    assert await target.read("companies", []) == []


@pytest.mark.parametrize("data", [{}, [5], [{"id": "r1"}]])
async def test_an_answer_that_is_no_list_of_records_is_unexpected(data, pacer):
    target = answering(pacer, httpx.Response(200, json={"data": data}))
    with pytest.raises(UnexpectedAnswer):
        await target.read("companies", ["r1"])
