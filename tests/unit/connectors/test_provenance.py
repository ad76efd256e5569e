"""Two source systems in one workspace: their marks, and so their records, never meet."""

import json
from datetime import datetime
from typing import Any

import httpx
import pytest

from freight.connectors import registry
from freight.connectors.attio.definitions import Attribute
from freight.connectors.attio.planning.attributes import field_owner
from freight.connectors.attio.planning.lists import matching_list
from freight.connectors.attio.provenance import Marks, is_made_for_field, is_mark
from freight.connectors.attio.standard import CAPABILITIES, managed_attributes, written_types
from freight.connectors.attio.target import AttioTarget
from freight.connectors.planning.fields import place_fields
from freight.connectors.planning.lists import ListDefinition
from freight.connectors.protocols import Draft, Kind, References, Writer
from freight.model.crm import Company, Deal, List, ListEntry, Note, Person, Record, Task
from freight.model.fields import Field
from freight.model.mapping import FieldMapping, Mapping
from freight.model.provenance import Provenance
from freight.model.resolved_mapping import ListPlace, ResolvedMapping

AFFINITY = registry.provenance("affinity")
HUBSPOT = Provenance(system="hubspot", label="HubSpot")
FIRST, SECOND = Marks(AFFINITY), Marks(HUBSPOT)

REFERENCES = References(found={("companies", "1"): "c1"})
RECORDS: list[Record] = [
    Company(id="7", domains=("acme.com",)),
    Person(id="7", emails=("ada@acme.com",)),
    Deal(id="7", name="Round"),
    ListEntry(id="7", list_id="8", parent=("companies", "1")),
    Note(id="7", content="Hello", company_ids=("1",)),
    Task(id="7", content="Call", company_id="1"),
]
"""What both systems have under one id."""


class NoPacer:
    """Lets every request pass."""

    async def turn(self, kind: Kind) -> None:
        """Wait for nothing."""

    async def pause(self, kind: Kind, until: datetime) -> None:
        """Ignore the pause."""

    async def succeeded(self) -> None:
        """Keep nothing."""

    async def failed(self) -> None:
        """Keep nothing."""


class MarkedAttio:
    """A workspace that holds one record of everything, marked as Affinity's, and answers every question with it."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self.records = {
            "companies": {"affinity_id": [{"value": "7"}], "domains": [{"domain": "acme.com"}]},
            "people": {"affinity_id": [{"value": "7"}], "email_addresses": [{"email_address": "ada@acme.com"}]},
            "deals": {"affinity_id": [{"value": "7"}]},
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v2/")
        match path.split("/"):
            case [_, _, "attributes"]:
                slugs = [f"{system}_{end}" for system in ("affinity", "hubspot") for end in ("id", "entry_id")]
                later = int(request.url.params["offset"]) > 0
                return data([] if later else [attribute(slug) for slug in slugs])
            case ["objects", entity, "records", "query"]:
                self.queries.append(request.content.decode())
                return data([{"id": {"record_id": "r1"}, "values": self.records[entity]}])
            case ["lists", _, "entries", "query"]:
                self.queries.append(request.content.decode())
                values = {"affinity_entry_id": [{"value": "7"}]}
                return data([{"id": {"entry_id": "r1"}, "parent_record_id": "c1", "entry_values": values}])
            case ["notes"]:
                text = "Hello\n\n(Affinity note 7)"
                found = {"parent_object": "companies", "parent_record_id": "c1", "content_plaintext": text}
                return data([{"id": {"note_id": "r1"}, "title": "Hello", "content_markdown": text, **found}])
            case ["tasks"]:
                return data([{"id": {"task_id": "r1"}, "content_plaintext": "Call\n\n(Affinity reminder 7)"}])
            case _:
                return data([])


def data(answer: object) -> httpx.Response:
    return httpx.Response(200, json={"data": answer})


def attribute(slug: str) -> dict[str, Any]:
    return {"id": {"attribute_id": slug}, "api_slug": slug, "type": "text"}


def a_writer(attio: MarkedAttio, provenance: Provenance) -> Writer:
    target = AttioTarget("key", base_url="https://api.attio.com", pacer=NoPacer(), transport=httpx.MockTransport(attio))
    place = ListPlace(list_id="8", name="LPs", slug="lps", parent="companies", action="use", target_id="l8")
    return target.writer(ResolvedMapping(provenance=provenance, lists=(place,), stages=("Lead",), deal_owner="m1"))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
async def test_a_record_of_a_second_system_is_not_that_of_the_first_with_the_same_id(record: Record) -> None:
    attio = MarkedAttio()
    writer = a_writer(attio, HUBSPOT)
    found = await writer.find([writer.draft(record, REFERENCES)])
    assert [each.source_id for each in found] in ([], [None])
    assert not any("affinity" in query for query in attio.queries)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
async def test_a_record_of_the_system_that_marked_it_is_found(record: Record) -> None:
    writer = a_writer(MarkedAttio(), AFFINITY)
    assert [found.source_id for found in await writer.find([writer.draft(record, REFERENCES)])] == ["7"]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_draft_names_no_other_system_than_its_own(record: Record) -> None:
    def drafted(provenance: Provenance) -> Draft:
        return a_writer(MarkedAttio(), provenance).draft(record, REFERENCES)

    second = drafted(HUBSPOT)
    written = json.dumps([second.values, second.unique, second.on_create, sorted(second.migrated)])
    assert "affinity" not in written.lower()
    assert "hubspot" in written.lower()
    assert drafted(AFFINITY).values != second.values


def test_the_marks_of_two_systems_differ_in_everything() -> None:
    for own, other in ((FIRST, SECOND), (SECOND, FIRST)):
        assert (own.note_id(own.note("7")), own.task_id(own.task("7"))) == ("7", "7")
        assert (own.note_id(other.note("7")), own.task_id(other.task("7"))) == (None, None)
        assert own.of_field("7") != other.of_field("7")
        assert own.of_list("7") != other.of_list("7")
        assert own.list_ending("7") != other.list_ending("7")
    for owner in ("companies", "people", "deals", "8"):
        shared = written_types(owner, FIRST).keys() & written_types(owner, SECOND).keys()
        assert not any("affinity" in slug or "hubspot" in slug for slug in shared)


@pytest.mark.parametrize("marks", [FIRST, SECOND], ids=["affinity", "hubspot"])
def test_what_bears_ids_is_known_as_a_mark_whichever_system_it_is_of(marks: Marks) -> None:
    for owner in ("companies", "people", "deals", "8"):
        added = {each.slug: is_mark(owner, each.slug, each.description) for each in managed_attributes(owner, marks)}
        assert added.pop("phone_numbers", False) is False
        assert all(added.values())
    assert not is_mark("companies", "crm_id", None)
    assert not is_mark("8", "affinity_id", None)
    assert not is_mark("8", "crm_id", "From the mailing list 2023")
    assert not is_mark("companies", "industry", marks.of_field("7"))


@pytest.mark.parametrize(
    ("description", "of_freight"),
    [
        ("From Affinity field field-12", True),
        ("From HubSpot field industry", True),
        ("From Microsoft Dynamics 365 field 7", True),
        ("From the custom field 7", False),
        ("From Affinity field 7, please do not touch", False),
        (None, False),
    ],
)
def test_an_attribute_that_freight_made_for_a_field_is_known_whichever_system_that_is_of(
    description: str | None, of_freight: bool
) -> None:
    assert is_made_for_field(description) is of_freight


def test_a_field_goes_to_no_attribute_of_another_system() -> None:
    there = {
        "affinity_id": Attribute(id="1", slug="affinity_id", type="text"),
        "industry": Attribute(id="2", slug="industry", type="text", description=FIRST.of_field("7")),
        "region": Attribute(id="3", slug="region", type="text"),
    }
    fields = [Field(id=id_, name=name, type="text") for id_, name in (("7", "Industry"), ("8", "Affinity ID"))]
    region = Field(id="9", name="Region", type="text")
    owner = field_owner("companies", there, SECOND)
    places, issues = place_fields(owner, [*fields, region], {}, CAPABILITIES)
    assert [place.attribute for place in places] == ["hubspot_industry", "hubspot_affinity_id", "region"]
    assert issues == []
    places, (issue,) = place_fields(owner, fields[:1], {"7": FieldMapping(to="affinity_id")}, CAPABILITIES)
    assert (places, issue.code) == ([], "attribute_incompatible")
    (recognised,), _ = place_fields(field_owner("companies", there, FIRST), fields[:1], {}, CAPABILITIES)
    assert (recognised.action, recognised.attribute) == ("use", "industry")


def test_a_list_that_was_made_for_one_system_is_not_that_of_another() -> None:
    given = List(id="7", name="Pipeline", of="deals")
    by_slug = ListDefinition(id="l7", slug=f"pipeline_{FIRST.list_ending('7')}", name="Pipeline", parents=("deals",))
    renamed = ListDefinition(id="l7", slug="mine", name="Mine", parents=("deals",))
    marked = Attribute(id="1", slug="affinity_entry_id", type="text", description=FIRST.of_list("7"))
    attributes = {"l7": {marked.slug: marked}}
    for there in (by_slug, renamed):
        assert matching_list(given, Mapping(), [there], attributes, FIRST) == there
        assert matching_list(given, Mapping(), [there], attributes, SECOND) is None


def test_a_label_may_hold_any_sign() -> None:
    marks = Marks(Provenance(system="odd", label="C.R.M. (beta)+", task="to-do"))
    assert marks.note_id(f"Hello {marks.note('7')}") == "7"
    assert marks.task_id(f"Call {marks.task('7')}") == "7"
    one = f"Text\nAlso attached to: Acme. Participants: Ada. {marks.note('7')}"
    assert marks.without_copies(one) == "Text\nParticipants: Ada. (C.R.M. (beta)+ note "
