"""What is sent to Attio, and what becomes of its answers."""

import io
import json
from collections.abc import Sequence
from itertools import product
from typing import Any

import httpx
import msgspec
import pytest

from freight.connectors.attio.target import AttioTarget, AttioWriter
from freight.connectors.attio.writing.queries import QUERY_SIZE
from freight.connectors.errors import (
    CredentialsRefused,
    InDoubt,
    PagingLoops,
    PermissionMissing,
    PlanLimitReached,
    Rejected,
    UnexpectedAnswer,
    UniquenessConflict,
)
from freight.connectors.protocols import FileContent, References, TargetRecord, Workspace, planned_id
from freight.model.crm import Company, Deal, Entity, File, List, ListEntry, Note, Person, Task
from freight.model.mapping import Mapping
from freight.model.resolved_mapping import ListPlace, Place, ResolvedMapping
from freight.model.schema import Schema
from support.attio_parts import AFFINITY, codes, field
from support.connector_parts import RecordingPacer, Script, error

SELF = {
    "active": True,
    "scope": "record_permission:read-write object_configuration:read-write user_management:read",
    "workspace_id": "w1",
    "workspace_name": "Acme",
    "authorized_by_workspace_member_id": "m1",
}

CRM: tuple[Entity, ...] = ("companies", "people")

LISTED = ResolvedMapping(
    provenance=AFFINITY,
    entities=("companies", "list_entries"),
    lists=(ListPlace(list_id="8", name="LPs", slug="lps", parent="companies", action="use", target_id="l8"),),
)
REFERENCES = References(found={("companies", "1"): "c1"})


class FakeAttio:
    """Just enough of Attio to answer; every request but for the attributes' listing is kept as (method, path, body)."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, Any]] = []
        self.attributes: dict[str, dict[str, dict[str, Any]]] = {"companies": {}, "people": {}, "l8": {}}
        self.choices: dict[str, dict[str, Any]] = {}
        self.records: list[dict[str, Any]] = []
        self.lists: list[dict[str, Any]] = []
        self.answers: list[httpx.Response] = []
        self.hidden: set[str] = set()
        """Slugs that are taken though no listing shows them yet."""
        for slug, type_ in (("name", "text"), ("domains", "domain")):
            self.add("companies", slug, type_)
        for slug, type_ in (("name", "personal-name"), ("phone_numbers", "phone-number")):
            self.add("people", slug, type_)

    def add(self, owner: str, slug: str, type_: str, **more: object) -> None:
        self.attributes[owner][slug] = {
            "id": {"attribute_id": f"id-{slug}"},
            "api_slug": slug,
            "type": type_,
            "is_multiselect": type_ in ("domain", "phone-number"),
            "is_archived": False,
            **more,
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v2/")
        body = json.loads(request.content) if request.headers.get("Content-Type") == "application/json" else None
        if path == "objects":
            names = [name for name in self.attributes if name != "l8"]
            return data([{"id": {"object_id": f"id-{name}"}, "api_slug": name} for name in names])
        if request.method == "GET" and path.endswith("/attributes"):
            start = int(request.url.params["offset"])
            return data(list(self.attributes[path.split("/")[1]].values())[start : start + 2])
        self.requests.append((request.method, path, body))
        if self.answers:
            return self.answers.pop(0)
        match path.split("/"):
            case ["self"]:
                return httpx.Response(200, json=SELF)
            case ["workspace_members"]:
                return data([{"id": {"workspace_member_id": "m1"}, "email_address": "Ada@firm.example.com"}])
            case ["lists"]:
                return self.of_lists(request, body)
            case [*_, "query"]:
                return data(self.records[body["offset"] : body["offset"] + body["limit"]])
            case [_, owner, "attributes"]:
                return self.make(owner, body["data"])
            case [_, owner, "attributes", slug]:
                self.attributes[owner][slug] |= body["data"]
                return data({"id": {}})
            case [*_, "options" | "statuses"]:
                return self.of_choices(request, body)
            case [*_, choice]:
                self.choices.get(choice, {}).update(is_archived=False)
        return data(record("r1", **(body or {}).get("data", {}).get("values", {})))

    def make(self, owner: str, definition: dict[str, Any]) -> httpx.Response:
        slug = definition["api_slug"]
        if slug in self.hidden:
            self.hidden.remove(slug)
            self.add(owner, slug, definition["type"])
            return error(409, "slug_conflict")
        self.add(owner, slug, definition["type"], **definition)
        return data({"id": {}})

    def of_lists(self, request: httpx.Request, body: Any) -> httpx.Response:
        if request.method == "GET":
            return data(self.lists)
        slug = body["data"]["api_slug"]
        made = {"id": {"list_id": f"id-{slug}"}, **body["data"], "parent_object": [body["data"]["parent_object"]]}
        if slug in self.hidden:
            self.lists.append(made)
            return error(409, "slug_conflict")
        return data(made)

    def of_choices(self, request: httpx.Request, body: Any) -> httpx.Response:
        if request.method == "GET":
            shown = [choice for title, choice in self.choices.items() if title not in self.hidden]
            self.hidden.clear()
            return data(shown)
        title = body["data"]["title"]
        if title.casefold() in map(str.casefold, self.choices):
            return error(409, "slug_conflict")
        self.add_choice(title)
        return data({"id": {}})

    def add_choice(self, title: str, *, archived: bool = False) -> None:
        self.choices[title] = {"id": {"option_id": title}, "title": title, "is_archived": archived}

    def writes(self) -> list[tuple[str, str, Any]]:
        return [
            (method, path, body["data"])
            for method, path, body in self.requests
            if method != "GET" and not path.endswith("/query")
        ]


def data(answer: object) -> httpx.Response:
    return httpx.Response(200, json={"data": answer})


def record(id_: str, **values: list[Any]) -> dict[str, Any]:
    read = {slug: [{"value": item, "domain": item} for item in items] for slug, items in values.items()}
    return {"id": {"workspace_id": "w1", "object_id": "o1", "record_id": id_}, "values": read}


def place(action: str, slug: str = "industry", **more: Any) -> Place:
    return Place(
        owner="companies",
        field="1",
        name="Industry",
        field_type="select",
        action=action,  # type: ignore[arg-type]
        attribute=slug,
        title="Industry",
        type="select",
        **more,
    )


@pytest.fixture
def fake() -> FakeAttio:
    return FakeAttio()


@pytest.fixture
def script(fake: FakeAttio) -> Script:
    return Script(fake)


@pytest.fixture
def target(script: Script, pacer: RecordingPacer) -> AttioTarget:
    return AttioTarget("key", base_url="https://api.attio.com", pacer=pacer, transport=script.transport)


@pytest.fixture
def writer(target: AttioTarget) -> AttioWriter:
    return target.writer(ResolvedMapping(provenance=AFFINITY))


def answering(pacer: RecordingPacer, answer: httpx.Response) -> AttioTarget:
    return AttioTarget("key", base_url="https://api.attio.com", pacer=pacer, transport=Script(answer).transport)


def some(entities: Sequence[Entity] = CRM, *places: Place) -> ResolvedMapping:
    return ResolvedMapping(provenance=AFFINITY, entities=tuple(entities), places=places)


def company(**given: Any) -> Company:
    return Company(**{"id": "7", **given})


async def test_the_workspace_is_the_one_that_the_key_opens(pacer):
    found = await answering(pacer, httpx.Response(200, json=SELF)).identify()
    assert found == Workspace(id="w1", name="Acme")


async def test_a_key_without_a_list_of_scopes_is_not_doubted(pacer):
    answer = {name: value for name, value in SELF.items() if name != "scope"}
    assert (await answering(pacer, httpx.Response(200, json=answer)).identify()).id == "w1"


async def test_an_inactive_key_is_refused(pacer):
    with pytest.raises(CredentialsRefused):
        await answering(pacer, httpx.Response(200, json={"active": False})).identify()


@pytest.mark.parametrize(
    "message", ["Token was not recognised, please provide a valid token.", "A bearer token is missing."]
)
async def test_a_key_that_attio_does_not_recognise_is_refused_with_what_attio_said(pacer, message):
    with pytest.raises(CredentialsRefused, match=message):
        await answering(pacer, error(400, "missing_value", message)).identify()


async def test_a_key_that_was_revoked_meanwhile_is_refused_when_a_job_is_planned(pacer):
    with pytest.raises(CredentialsRefused):
        await answering(pacer, httpx.Response(200, json={"active": False})).plan_schema(
            Schema(), Mapping(), CRM, AFFINITY
        )


@pytest.mark.parametrize("answer", [error(404, "not_found"), error(409, "conflict")])
async def test_another_refusal_to_say_whose_key_it_is_is_not_about_the_key(pacer, answer):
    with pytest.raises(Rejected):
        await answering(pacer, answer).identify()


async def test_a_scope_that_every_job_needs_is_named(pacer):
    answer = SELF | {"scope": "record_permission:read-write object_configuration:read"}
    with pytest.raises(PermissionMissing, match="object_configuration:read-write"):
        await answering(pacer, httpx.Response(200, json=answer)).identify()


async def test_an_answer_without_a_workspace_is_unexpected(pacer):
    with pytest.raises(UnexpectedAnswer):
        await answering(pacer, httpx.Response(200, json={"active": True})).identify()


async def test_scopes_that_are_missing_are_blockers_and_nothing_else_is_asked(target, fake):
    plan = await target.plan_schema(Schema(), Mapping(), ("companies", "notes", "files"), AFFINITY)
    assert [(i.level, i.code, i.value) for i in plan.issues] == [
        ("error", "scope_missing", "note:read-write"),
        ("error", "scope_missing", "file:read-write"),
    ]
    assert plan.layout == ResolvedMapping(provenance=AFFINITY, entities=("companies", "notes", "files"))
    assert [path for _, path, _ in fake.requests] == ["self"]


async def test_a_plan_writes_nothing_and_asks_only_for_the_options_that_fields_will_use(target, fake):
    fake.add("companies", "industry", "select", id={"attribute_id": "a"})
    fake.add("companies", "region", "select")
    fake.add_choice("SaaS")
    schema = Schema(companies=(field("1", "Industry", "select", options=("SaaS", "Bio")),), users=())
    plan = await target.plan_schema(schema, Mapping(), CRM, AFFINITY)
    assert not plan.issues
    (found,) = plan.layout.places
    assert (found.action, found.options, found.new_options) == ("use", ("SaaS", "Bio"), ("Bio",))
    assert plan.layout.members == {"ada@firm.example.com": "m1"}
    assert plan.layout.deal_owner == "m1"
    assert [(method, path) for method, path, _ in fake.requests] == [
        ("GET", "self"),
        ("GET", "workspace_members"),
        ("GET", "objects/companies/attributes/industry/options"),
    ]


async def test_an_owner_who_cannot_be_told_is_only_a_matter_for_deals(target, fake):
    fake.answers = [httpx.Response(200, json=SELF | {"authorized_by_workspace_member_id": None})]
    assert codes(await target.plan_schema(Schema(users=()), Mapping(), CRM, AFFINITY)) == []


async def test_preparing_the_schema_again_changes_nothing(target, fake):
    await target.ensure_schema(some())
    assert [(method, path, body["api_slug"], body["type"]) for method, path, body in fake.writes()] == [
        ("POST", "objects/companies/attributes", "affinity_id", "text"),
        ("POST", "objects/companies/attributes", "phone_numbers", "phone-number"),
        ("POST", "objects/people/attributes", "affinity_id", "text"),
    ]
    assert not any(body["is_unique"] or body["is_required"] for _, _, body in fake.writes())
    fake.requests.clear()
    await target.ensure_schema(some())
    assert fake.requests == []


async def test_an_attribute_says_which_field_it_came_from(target, fake):
    reference = msgspec.structs.replace(place("make", "founder"), type="people", multiple=True)
    amount = msgspec.structs.replace(place("make", "amount"), type="currency")
    await target.ensure_schema(some(("companies",), reference, amount))
    (_, _, first), (_, _, second) = fake.writes()[-2:]
    assert first == {
        "title": "Industry",
        "description": "From Affinity field 1",
        "api_slug": "founder",
        "type": "record-reference",
        "is_required": False,
        "is_unique": False,
        "is_multiselect": True,
        "config": {"record_reference": {"allowed_objects": ["people"]}},
    }
    assert second["config"] == {"currency": {"default_currency_code": "USD", "display_type": "symbol"}}


async def test_an_archived_attribute_is_brought_back(target, fake):
    fake.add("people", "affinity_id", "text", is_archived=True)
    await target.ensure_schema(some(("people",)))
    assert fake.writes() == [("PATCH", "objects/people/attributes/affinity_id", {"is_archived": False})]


async def test_a_slug_that_means_something_else_stops_with_its_name(target, fake):
    fake.add("people", "affinity_id", "number")
    with pytest.raises(Rejected, match="affinity_id") as raised:
        await target.ensure_schema(some(("people",)))
    assert raised.value.attribute == "affinity_id"


async def test_an_attribute_that_somebody_makes_at_the_same_moment_is_taken(target, fake):
    fake.hidden = {"affinity_id"}
    await target.ensure_schema(some(("people",)))
    assert len(fake.writes()) == 1


async def test_an_attribute_that_attio_refuses_is_named(target, fake):
    fake.answers = [error(400, "validation_type", "No.")]
    with pytest.raises(Rejected) as raised:
        await target.ensure_schema(some(("people",)))
    assert raised.value.attribute == "affinity_id"


async def test_options_are_made_in_order_brought_back_or_left(target, fake):
    fake.add("companies", "industry", "select")
    fake.add_choice("Old", archived=True)
    fake.add_choice("Theirs")
    fake.hidden = {"Theirs"}
    wanted = place("use", options=("Old", "Theirs", "B", "A"), new_options=("Old", "Theirs", "B", "A"))
    await target.ensure_schema(some(("companies",), wanted))
    options = "objects/companies/attributes/industry/options"
    assert fake.writes()[-4:] == [
        ("PATCH", f"{options}/Old", {"is_archived": False}),
        ("POST", options, {"title": "Theirs"}),
        ("POST", options, {"title": "B"}),
        ("POST", options, {"title": "A"}),
    ]


async def test_an_archived_option_whose_title_attio_takes_for_the_same_is_brought_back(target, fake):
    fake.add("companies", "industry", "select")
    fake.add_choice("SAAS", archived=True)
    await target.ensure_schema(some(("companies",), place("use", options=("SaaS",), new_options=("SaaS",))))
    options = "objects/companies/attributes/industry/options"
    assert fake.writes()[-2:] == [
        ("POST", options, {"title": "SaaS"}),
        ("PATCH", f"{options}/SAAS", {"is_archived": False}),
    ]


async def test_lists_are_made_for_the_whole_workspace(target, fake):
    layout = ResolvedMapping(
        provenance=AFFINITY,
        entities=("lists",),
        lists=(ListPlace(list_id="8", name="LPs", slug="l8", parent="companies", action="make"),),
    )
    fake.attributes["id-l8"] = {}
    prepared = await target.ensure_schema(layout)
    assert prepared.lists[0].target_id == "id-l8"
    assert fake.writes()[0] == (
        "POST",
        "lists",
        {
            "name": "LPs",
            "api_slug": "l8",
            "parent_object": "companies",
            "workspace_access": "full-access",
            "workspace_member_access": [],
        },
    )
    made = [body for _, path, body in fake.writes() if path == "lists/id-l8/attributes"]
    assert [(body["api_slug"], body["description"]) for body in made] == [
        ("affinity_entry_id", "From Affinity list 8"),
        ("affinity_added_at", "From Affinity list 8"),
    ]


async def test_a_list_that_somebody_makes_at_the_same_moment_is_taken(target, fake):
    fake.attributes["id-l8"] = {}
    fake.hidden = {"l8"}
    lists = (ListPlace(list_id="8", name="LPs", slug="l8", parent="companies", action="make"),)
    assert (await target.ensure_schema(ResolvedMapping(provenance=AFFINITY, entities=("lists",), lists=lists))).lists[
        0
    ].target_id == "id-l8"


async def test_a_list_that_the_key_may_not_see_is_named(target, fake):
    fake.answers = [data([]), error(409, "slug_conflict"), data([])]
    lists = (ListPlace(list_id="8", name="LPs", slug="l8", parent="companies", action="make"),)
    with pytest.raises(Rejected, match="l8 that this API key cannot read"):
        await target.ensure_schema(ResolvedMapping(provenance=AFFINITY, entities=("lists",), lists=lists))


async def test_a_list_of_something_else_under_the_slug_is_named(target, fake):
    fake.lists = [{"id": {"list_id": "x"}, "api_slug": "l8", "name": "L", "parent_object": ["people"]}]
    lists = (ListPlace(list_id="8", name="LPs", slug="l8", parent="companies", action="make"),)
    with pytest.raises(Rejected, match="l8 holds other records"):
        await target.ensure_schema(ResolvedMapping(provenance=AFFINITY, entities=("lists",), lists=lists))


async def test_lists_are_not_made_for_their_deals_alone(target, fake):
    fake.attributes["deals"] = {}
    lists = (ListPlace(list_id="8", name="LPs", slug="l8", parent="deals", action="skip", stage="s"),)
    prepared = await target.ensure_schema(ResolvedMapping(provenance=AFFINITY, entities=("deals",), lists=lists))
    assert prepared.lists == lists
    assert [path for _, path, _ in fake.writes()] == ["objects/deals/attributes"]


async def test_a_record_with_a_unique_value_is_upserted_on_it(writer, script):
    draft = writer.draft(company(name="Acme", domains=("acme.com",)), References())
    written = await writer.create(draft)
    request = script.requests[-1]
    assert (request.method, request.url.params["matching_attribute"]) == ("PUT", "domains")
    assert json.loads(request.content) == {"data": {"values": draft.values}}
    values = {"name": ["Acme"], "domains": ["acme.com"], "affinity_id": ["7"]}
    assert written == TargetRecord(id="r1", source_id="7", values=values)


async def test_a_deal_is_upserted_on_its_id_with_what_a_new_one_needs(target, script):
    writer = target.writer(ResolvedMapping(provenance=AFFINITY, stages=("Lead",), deal_owner="m1"))
    draft = writer.draft(Deal(id="5", name="Round"), References())
    await writer.create(draft)
    assert script.requests[-1].url.params["matching_attribute"] == "affinity_id"
    sent = json.loads(script.requests[-1].content)["data"]["values"]
    assert sent == {**draft.values, **draft.on_create}
    assert sent["stage"] == ["Lead"]


async def test_a_record_without_unique_values_is_created_and_may_be_in_doubt(writer, fake, script):
    draft = writer.draft(Person(id="7", first_name="Jane"), References())
    await writer.create(draft)
    assert script.requests[-1].method == "POST"
    for answer in (error(500), data({}), httpx.Response(200, json={})):
        fake.answers = [answer]
        with pytest.raises(InDoubt):
            await writer.create(draft)


async def test_an_update_overwrites_the_attributes_that_it_names(writer, script):
    draft = writer.draft(company(), References())
    await writer.update(draft, "r1", {"domains": ["acme.com"]})
    request = script.requests[-1]
    assert (request.method, request.url.path) == ("PUT", "/v2/objects/companies/records/r1")
    assert json.loads(request.content) == {"data": {"values": {"domains": ["acme.com"]}}}


@pytest.mark.parametrize(
    ("code", "message", "slug"),
    [
        ("uniqueness_conflict", 'The value for attribute with ID "id-domains" conflicts.', "domains"),
        ("uniqueness_conflict", 'A value provided for attribute with slug "domains" conflicts.', "domains"),
        ("missing_value", 'Required value for attribute with ID "id-name" was not provided.', "name"),
        ("value_not_found", 'Cannot find select attribute with select option title "Bio".', "industry"),
        ("value_not_found", 'Cannot find record with ID "c9" in object "companies".', "parent"),
        ("value_not_found", 'Workspace member with ID "m9" not found.', "owner"),
        ("value_not_found", 'Cannot find select attribute with select option title "Both".', "tags"),
        ("value_not_found", "Something was not found.", None),
    ],
)
async def test_a_refusal_names_the_attribute_by_its_slug(writer, fake, code, message, slug):
    fake.answers = [error(400, code, message)]
    sent = {
        "name": ["Both"],
        "tags": ["Both"],
        "domains": ["acme.com"],
        "industry": ["Bio"],
        "parent": [{"target_object": "companies", "target_record_id": "c9"}],
        "owner": [{"referenced_actor_type": "workspace-member", "referenced_actor_id": "m9"}],
    }
    with pytest.raises(UniquenessConflict if code == "uniqueness_conflict" else Rejected) as raised:
        await writer.update(writer.draft(company(), References()), "r1", sent)
    assert raised.value.attribute == slug


PLAN_CODES = ("billing_error", "limit_reached", "particle_gate_violation", "quota_exceeded")


@pytest.mark.parametrize("code", PLAN_CODES)
@pytest.mark.parametrize("status", [400, 402, 403, 409, 429])
async def test_a_plan_that_holds_no_more_is_told_with_what_attio_said(writer, fake, code, status):
    fake.answers = [error(status, code, "Your plan allows 50,000 records.")]
    with pytest.raises(PlanLimitReached, match="Your plan allows 50,000 records") as raised:
        await writer.create(writer.draft(company(), References()))
    assert code in str(raised.value)


async def test_a_plan_that_holds_no_more_is_told_of_everything_that_is_made(target, writer, fake):
    content = FileContent(file=io.BytesIO(b"x"), size=1, content_type=None)
    unique = writer.draft(company(domains=("acme.com",)), References())
    writes = [
        lambda: writer.create(unique),
        lambda: writer.update(unique, "r1", {"name": ["Acme"]}),
        lambda: writer.create(writer.draft(Note(id="n1", content="x", company_ids=("1",)), REFERENCES)),
        lambda: writer.create(writer.draft(Task(id="t1", company_id="1"), REFERENCES)),
        lambda: writer.create(writer.draft(File(id="f1", name="x", company_id="1"), REFERENCES), content),
        lambda: target.ensure_schema(some(("companies",))),
    ]
    for write in writes:
        fake.answers = [error(403, "billing_error", "Upgrade.")]
        with pytest.raises(PlanLimitReached):
            await write()


async def test_a_plan_that_allows_no_further_list_or_option_is_told(target, fake):
    fake.add("companies", "industry", "select")
    await target.ensure_schema(some(("companies",)))
    lists = (ListPlace(list_id="8", name="LPs", slug="l8", parent="companies", action="make"),)
    option = place("use", options=("SaaS",), new_options=("SaaS",))
    for layout in (
        ResolvedMapping(provenance=AFFINITY, entities=("lists",), lists=lists),
        some(("companies",), option),
    ):
        fake.answers = [data([]), error(403, "billing_error", "Upgrade.")]
        with pytest.raises(PlanLimitReached):
            await target.ensure_schema(layout)


@pytest.mark.parametrize("holder", ["values", "entry_values"])
async def test_a_complaint_about_the_body_names_the_attribute(writer, fake, holder):
    complaint = {"path": ["data", holder, "industry", 0], "message": "Expected string"}
    fake.answers = [error(400, "validation_type", "Body payload validation error.", validation_errors=[complaint])]
    with pytest.raises(Rejected, match="Expected string") as raised:
        await writer.update(writer.draft(company(), References()), "r1", {"industry": ["Bio"]})
    assert raised.value.attribute == "industry"


async def test_one_query_finds_all_drafts_by_id_and_by_unique_value(target, writer, fake):
    await target.ensure_schema(some(("companies",)))
    fake.requests.clear()
    fake.records = [record("r1", affinity_id=["1"]), record("r2", domains=["acme.com"])]
    drafts = [
        writer.draft(Company(id="1"), References()),
        writer.draft(Company(id="2", domains=("acme.com",)), References()),
    ]
    found = await writer.find(drafts)
    assert [(item.id, item.source_id) for item in found] == [("r1", "1"), ("r2", None)]
    conditions = [{"affinity_id": {"$in": ["1", "2"]}}, {"domains": {"domain": {"$in": ["acme.com"]}}}]
    assert [body["filter"] for _, _, body in fake.requests] == [{"$or": conditions}]


async def test_before_the_schema_is_prepared_only_unique_values_are_looked_for(writer, fake):
    assert await writer.find([writer.draft(Company(id="1"), References())]) == []
    assert fake.requests == []
    await writer.find([writer.draft(Company(id="2", domains=("acme.com",)), References())])
    assert [body["filter"] for _, _, body in fake.requests] == [{"domains": {"domain": {"$in": ["acme.com"]}}}]


async def test_many_drafts_and_many_answers_are_looked_for_in_parts(writer, fake):
    fake.add("companies", "affinity_id", "text")
    fake.records = [record(f"r{number}") for number in range(1200)]
    drafts = [writer.draft(Company(id=str(number)), References()) for number in range(QUERY_SIZE + 1)]
    assert len(await writer.find(drafts)) == 1200
    # Two parts, each of which brings three pages of up to 500.
    assert len(fake.requests) == 6


async def test_records_are_read_by_their_ids(writer, fake):
    fake.records = [record("r1", name=["Acme"])]
    drafts = {"r1": writer.draft(company(), References())}
    assert await writer.read(drafts) == [TargetRecord(id="r1", source_id=None, values={"name": ["Acme"]})]
    assert [body["filter"] for _, _, body in fake.requests] == [{"record_id": {"$in": ["r1"]}}]
    assert await writer.read({}) == []
    assert await writer.find([]) == []


@pytest.mark.parametrize("answer", [{}, [5], [{"id": "r1"}]])
async def test_an_answer_that_is_no_list_of_records_is_unexpected(answer, pacer):
    writer = answering(pacer, data(answer)).writer(ResolvedMapping(provenance=AFFINITY))
    with pytest.raises(UnexpectedAnswer):
        await writer.read({"r1": writer.draft(company(), References())})


async def test_an_entry_is_matched_by_its_record_unless_that_stands_there_twice(target, fake):
    writer = target.writer(LISTED)
    for repeated, method in ((False, "PUT"), (True, "POST")):
        entry = ListEntry(id="e1", list_id="8", parent=("companies", "1"), repeated=repeated)
        fake.answers = [data({"id": {"entry_id": "x1"}, "parent_record_id": "c1", "entry_values": {}})]
        written = await writer.create(writer.draft(entry, REFERENCES))
        body = {
            "parent_record_id": "c1",
            "parent_object": "companies",
            "entry_values": {"affinity_entry_id": ["e1"]},
        }
        assert fake.writes()[-1] == (method, "lists/l8/entries", body)
        assert (written.id, written.values) == ("x1", {"parent_record": ["c1"]})


async def test_an_entry_whose_record_stands_there_several_times_already_is_added(target, fake):
    writer = target.writer(LISTED)
    fake.answers = [error(400, "multiple_match_results"), data({"id": {"entry_id": "x1"}})]
    draft = writer.draft(ListEntry(id="e1", list_id="8", parent=("companies", "1")), REFERENCES)
    assert (await writer.create(draft)).id == "x1"
    assert [method for method, _, _ in fake.writes()] == ["PUT", "POST"]


async def test_an_entry_that_somebody_made_of_the_same_record_is_found_by_the_query_that_looks_for_one_s_own(
    target, fake
):
    fake.add("l8", "affinity_entry_id", "text")
    writer = target.writer(LISTED)
    entries = [
        ListEntry(id="e1", list_id="8", parent=("companies", "1")),
        ListEntry(id="e2", list_id="8", parent=("companies", "1"), repeated=True),
    ]
    fake.records = [{"id": {"entry_id": "x1"}, "parent_record_id": "c1", "entry_values": {}}]
    found = await writer.find([writer.draft(entry, REFERENCES) for entry in entries])
    assert [(entry.id, entry.source_id, entry.values) for entry in found] == [("x1", None, {"parent_record": ["c1"]})]
    ((_, path, query),) = fake.requests
    assert path == "lists/l8/entries/query"
    assert query["filter"]["$or"] == [
        {"affinity_entry_id": {"$in": ["e1", "e2"]}},
        {"parent_record": {"target_record_id": {"$in": ["c1"]}}},
    ]


async def test_on_a_list_that_the_job_made_no_entries_of_others_are_looked_for(target, fake):
    writer = target.writer(
        ResolvedMapping(provenance=AFFINITY, lists=(msgspec.structs.replace(LISTED.lists[0], action="make"),))
    )
    entry = ListEntry(id="e1", list_id="8", parent=("companies", "1"))
    assert await writer.find([writer.draft(entry, REFERENCES)]) == []
    assert fake.requests == []


async def test_entries_of_a_list_that_does_not_exist_yet_are_nowhere(target, fake):
    writer = target.writer(
        ResolvedMapping(provenance=AFFINITY, lists=(msgspec.structs.replace(LISTED.lists[0], target_id=None),))
    )
    draft = writer.draft(ListEntry(id="e1", list_id="8", parent=("companies", "1")), REFERENCES)
    assert await writer.find([draft]) == []
    assert fake.requests == []


async def test_nothing_is_asked_about_what_exists_in_a_prediction_only(target, fake):
    planned = References(found={("companies", "1"): planned_id(("companies", "1"))})
    writer = target.writer(LISTED)
    for kind in (
        ListEntry(id="e1", list_id="8", parent=("companies", "1")),
        Note(id="n1", content="x", company_ids=("1",)),
        Task(id="t1", company_id="1"),
        File(id="f1", name="x", company_id="1"),
    ):
        assert await writer.find([writer.draft(kind, planned)]) == []
    assert fake.requests == []


async def test_notes_are_listed_under_a_limit_of_their_own(target, fake, pacer):
    writer = target.writer(ResolvedMapping(provenance=AFFINITY))
    fake.answers = [data([{"id": {"note_id": f"n{number}"}} for number in range(50)]), data([])]
    assert await writer.find([writer.draft(Note(id="n1", content="x", company_ids=("1",)), REFERENCES)]) == []
    assert pacer.turns == ["note_list", "note_list"]


@pytest.mark.parametrize(
    ("kind", "attribute"),
    [
        (Note(id="n1", content="x", company_ids=("1",)), "parent"),
        (Note(id="n1", content="x", company_ids=("1",)), "created_at"),
        (Task(id="t1", company_id="1"), "content"),
        (File(id="f1", name="x", company_id="1"), "name"),
    ],
)
async def test_what_attio_cannot_change_is_refused_by_name_without_asking(writer, fake, kind, attribute):
    with pytest.raises(Rejected) as raised:
        await writer.update(writer.draft(kind, REFERENCES), "x", {attribute: ["y"], "title": ["z"]})
    assert raised.value.attribute == attribute
    assert fake.requests == []


async def test_a_task_that_is_linked_to_nothing_is_looked_for_among_all(writer, fake, script):
    mine = {"id": {"task_id": "x1"}, "content_plaintext": "Reminder\n\n(Affinity reminder t1)", "is_completed": False}
    fake.answers = [data([mine, {"id": {"task_id": "x2"}, "content_plaintext": "other"}]), data(mine)]
    found = await writer.find([writer.draft(Task(id="t1"), References())])
    assert [(task.id, task.source_id) for task in found] == [("x1", "t1")]
    assert "linked_object" not in script.requests[0].url.params


async def test_two_files_alike_are_found_for_each_file_that_they_may_be_as_guesses(writer, fake):
    drafts = [writer.draft(File(id=id_, name="x", size=3, company_id="1"), REFERENCES) for id_ in ("f1", "f2", "f3")]
    item = {"name": "x", "content_size": 3, "object_slug": "companies", "record_id": "c1"}
    first = {"data": [{"id": {"file_id": "a"}, **item}], "pagination": {"next_cursor": "more"}}
    second = {"data": [{"id": {"file_id": "b"}, **item}, {"id": {"file_id": "c"}, **item, "content_size": 4}]}
    fake.answers = [httpx.Response(200, json=first), httpx.Response(200, json=second | {"pagination": None})]
    found = await writer.find(drafts)
    assert {(file.id, file.source_id) for file in found} == set(product(("a", "b"), ("f1", "f2", "f3")))
    assert all(file.is_guess for file in found)


async def test_an_upload_in_doubt_is_recognised_by_what_was_sent_and_not_by_what_is_listed(writer, fake):
    draft = writer.draft(File(id="f1", name="x", size=10, company_id="1"), REFERENCES)
    item = {"name": "x", "object_slug": "companies", "record_id": "c1"}
    listed, sent = ({"id": {"file_id": str(size)}, **item, "content_size": size} for size in (10, 3))
    fake.answers = [error(500)]
    with pytest.raises(InDoubt):
        await writer.create(draft, FileContent(file=io.BytesIO(b"abc"), size=3, content_type=None))
    fake.answers = [data([listed, sent])]
    assert [(file.id, file.source_id) for file in await writer.find([draft])] == [("3", "f1")]


async def test_files_whose_cursor_stands_still_end_with_a_sentence(pacer):
    answer = httpx.Response(200, json={"data": [], "pagination": {"next_cursor": "same"}})
    writer = answering(pacer, answer).writer(ResolvedMapping(provenance=AFFINITY))
    with pytest.raises(PagingLoops, match="follows itself"):
        await writer.find([writer.draft(File(id="f1", name="x", company_id="1"), REFERENCES)])


@pytest.mark.parametrize(
    ("given", "sent"), [("application/pdf", b"application/pdf"), ("a\r\nX: y", b"application/octet-stream")]
)
async def test_a_file_is_sent_with_its_name_and_its_type(writer, fake, script, given, sent):
    fake.answers = [data({"id": {"file_id": "a"}, "name": "x"})]
    content = FileContent(file=io.BytesIO(b"some bytes"), size=10, content_type=given)
    draft = writer.draft(File(id="f1", name='D "1".pdf', size=10, company_id="1"), REFERENCES)
    assert (await writer.create(draft, content)).source_id == "f1"
    body = script.requests[-1].content
    for part in (b'name="object"\r\n\r\ncompanies', b'name="record_id"\r\n\r\nc1', b"\r\n\r\nsome bytes\r\n", sent):
        assert part in body


async def test_a_file_that_may_have_arrived_is_in_doubt(writer, fake):
    draft = writer.draft(File(id="f1", name="x", company_id="1"), REFERENCES)
    content = FileContent(file=io.BytesIO(b"x"), size=1, content_type=None)
    for answer in (error(502), data({})):
        fake.answers = [answer]
        with pytest.raises(InDoubt):
            await writer.create(draft, content)
    with pytest.raises(Rejected, match="without its content"):
        await writer.create(draft)


async def test_a_list_that_was_deleted_meanwhile_is_named(target, fake):
    writer = target.writer(LISTED)
    draft = writer.draft(List(id="8", name="LPs", of="companies"), References())
    assert await writer.find([draft]) == []
    with pytest.raises(Rejected, match="deleted in Attio"):
        await writer.create(draft)
