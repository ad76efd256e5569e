"""What is read of records and entries in Attio: who wrote it, and in which form."""

import json
from datetime import datetime
from typing import Any

import httpx
import pytest

from freight.connectors.attio.profiles import page
from freight.connectors.attio.target import AttioTarget, AttioWriter
from freight.connectors.attio.values import moment, read_automatic, read_moment, read_values
from freight.connectors.protocols import References, TargetRecord
from freight.domain.migration.planning.reference_slots import fill
from freight.model.crm import Company, ListEntry, Person
from freight.model.resolved_mapping import ListPlace, Place, ResolvedMapping
from support.attio_parts import AFFINITY
from support.connector_parts import RecordingPacer, Script

TYPES = {"name": "text", "categories": "select", "company": "record-reference", "owner": "actor-reference"}

LISTED = ResolvedMapping(
    provenance=AFFINITY,
    entities=("companies", "list_entries"),
    lists=(ListPlace(list_id="8", name="LPs", slug="lps", parent="companies", action="use", target_id="l8"),),
    places=(
        Place(
            owner="8", field="1", name="Fit", field_type="text", action="use", attribute="fit", title="Fit", type="text"
        ),
    ),
)
REFERENCES = References(found={("companies", "1"): "c1"})


def by(actor: str | None, **value: Any) -> dict[str, Any]:
    """A value that such an actor wrote."""
    return {**value, **({} if actor is None else {"created_by_actor": {"type": actor, "id": None}})}


def answering(
    pacer: RecordingPacer, item: dict[str, Any], layout: ResolvedMapping | None = None
) -> tuple[AttioWriter, Script]:
    """The writer of an Attio that answers every question with one record, and has the attribute `affinity_id`."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/objects"):
            return httpx.Response(200, json={"data": []})
        if request.url.path.endswith("/attributes"):
            slugs = ("affinity_id", "affinity_entry_id") if request.url.params["offset"] == "0" else ()
            found = [{"id": {"attribute_id": slug}, "api_slug": slug, "type": "text"} for slug in slugs]
            return httpx.Response(200, json={"data": found})
        many = request.url.path.endswith("/query")
        return httpx.Response(200, json={"data": [item] if many else item})

    script = Script(answer)
    target = AttioTarget("key", base_url="https://api.attio.com", pacer=pacer, transport=script.transport)
    return target.writer(layout or ResolvedMapping(provenance=AFFINITY)), script


@pytest.mark.parametrize(
    ("actors", "automatic"),
    [
        (["system"], True),
        (["system", "system"], True),
        (["system", "workspace-member"], False),
        (["api-token"], False),
        (["app"], False),
        (["workspace-member"], False),
        ([None], False),
        ([], False),
    ],
)
def test_an_attribute_is_automatic_where_attio_itself_wrote_all_that_stands_there(actors, automatic):
    values = {"categories": [by(actor, option={"title": f"C{number}"}) for number, actor in enumerate(actors)]}
    assert read_automatic(TYPES, values) == ({"categories"} if automatic else set())


def test_a_value_that_is_none_does_not_make_an_attribute_automatic():
    values = {"name": [by("system", value=None)], "categories": [by("system", option=None), "odd"]}
    assert read_automatic(TYPES, values) == frozenset()


def test_only_attributes_that_freight_writes_are_called_automatic():
    assert read_automatic(TYPES, {"logo_url": [by("system", value="https://x")]}) == frozenset()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-01-02T03:04:05.123456+00:00", "2024-01-02T03:04:05.123000000Z"),
        ("2024-01-02T03:04:05.999999+00:00", "2024-01-02T03:04:05.999000000Z"),
        ("2024-01-02T04:04:05+01:00", "2024-01-02T03:04:05.000000000Z"),
    ],
)
def test_a_moment_reads_back_as_it_was_written_though_attio_keeps_milliseconds(written, read):
    assert read_moment(read) == moment(datetime.fromisoformat(written))


@pytest.mark.parametrize("type_", ["workspace-member", "app", "api-token", "system"])
def test_an_actor_is_read_as_what_it_is(type_):
    given = {"owner": [{"referenced_actor_type": type_, "referenced_actor_id": "m1"}]}
    assert read_values(TYPES, given) == {"owner": [{"referenced_actor_type": type_, "referenced_actor_id": "m1"}]}


async def test_whatever_is_read_found_created_or_updated_says_what_is_automatic(pacer):
    values = {
        "affinity_id": [by("api-token", value="7")],
        "name": [by("system", value="Example Domain")],
        "description": [by("workspace-member", value="Ours")],
    }
    writer, _ = answering(pacer, {"id": {"record_id": "r1"}, "values": values})
    drafted = writer.draft(Company(id="7", name="Acme"), References())
    (read,) = await writer.read({"r1": drafted})
    (found,) = await writer.find([drafted])
    created = await writer.create(drafted)
    updated = await writer.update(drafted, "r1", {"name": ["Acme"]})
    assert [record.automatic for record in (read, found, created, updated)] == [{"name"}] * 4


async def test_a_record_whose_link_comes_later_is_created_all_the_same(pacer):
    writer, _ = answering(pacer, {"id": {"record_id": "r1"}, "values": {"affinity_id": [by("api-token", value="9")]}})
    drafted = fill(writer.draft(Person(id="9", emails=("a@b.com",), company_id="1"), REFERENCES), REFERENCES.found)
    assert "company" in drafted.values
    assert await writer.create(drafted) == TargetRecord(id="r1", source_id="9", values={"affinity_id": ["9"]})


async def test_an_entry_without_its_parent_among_the_values_is_read_whole(pacer):
    entry = {
        "id": {"entry_id": "x1"},
        "parent_record_id": "c1",
        "parent_object": "companies",
        "created_at": "2026-05-15T10:00:00.123000000Z",
        "entry_values": {
            "entry_id": [by("system", value="x1")],
            "created_at": [by("system", value="2026-05-15T10:00:00.123000000Z")],
            "affinity_entry_id": [by("api-token", value="e1")],
            "fit": [by("system", value="Good")],
        },
    }
    writer, script = answering(pacer, entry, LISTED)
    drafted = writer.draft(ListEntry(id="e1", list_id="8", parent=("companies", "1")), REFERENCES)
    (found,) = await writer.find([drafted])
    assert found == TargetRecord(
        id="x1",
        source_id="e1",
        values={"affinity_entry_id": ["e1"], "fit": ["Good"], "parent_record": ["c1"]},
        container="l8",
        automatic=frozenset({"fit"}),
    )
    assert await writer.read({"x1": drafted}) == [found]
    assert await writer.create(drafted) == await writer.update(drafted, "x1", {"fit": ["Good"]}) == found
    query = next(json.loads(sent.content) for sent in script.requests if sent.url.path.endswith("/query"))
    assert "sorts" not in query


@pytest.mark.parametrize(
    "written",
    [
        "https://www.linkedin.com/company/acme/",
        "http://linkedin.com/company/acme",
        "www.LinkedIn.com/company/acme",
        "linkedin.com/company/acme",
        "https://linkedin.com/company/acme",
    ],
)
async def test_a_profile_is_written_as_the_source_has_it_and_reads_back_as_written(pacer, written):
    read_back = {
        "affinity_id": [by("api-token", value="7")],
        "linkedin": [by("system", value="https://linkedin.com/company/acme")],
    }
    writer, _ = answering(pacer, {"id": {"record_id": "r1"}, "values": read_back})
    drafted = writer.draft(Company(id="7", linkedin=written), References())
    other = writer.draft(Company(id="8", linkedin="http://linkedin.com/company/acme//"), References())
    assert drafted.values["linkedin"] == [written]
    for record in (
        *await writer.read({"r1": drafted}),
        *await writer.find([drafted, other]),
        await writer.create(drafted),
        await writer.update(drafted, "r1", {}),
    ):
        assert record.values["linkedin"] == [written]


async def test_the_profile_of_another_page_is_read_as_it_stands(pacer):
    standing = "https://linkedin.com/company/other"
    writer, _ = answering(pacer, {"id": {"record_id": "r1"}, "values": {"linkedin": [by("system", value=standing)]}})
    drafted = writer.draft(Company(id="7", linkedin="linkedin.com/company/acme"), References())
    assert [record.values["linkedin"] for record in await writer.read({"r1": drafted})] == [[standing]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://twitter.com/Acme", "https://x.com/Acme/"),
        ("https://facebook.com/profile.php?id=1", "www.facebook.com/profile.php?id=1"),
    ],
)
def test_addresses_of_one_page_are_the_same(one, other):
    assert page(one) == page(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("acme", "linkedin.com/acme"),
        ("https://de.linkedin.com/in/ada", "https://linkedin.com/in/ada"),
        ("facebook.com/profile.php?id=1", "facebook.com/profile.php?id=2"),
        ("linkedin.com/in/a linkedin.com/in/b", "linkedin.com/in/a"),
        ("n/a", "n/b"),
        ("linkedin.com", "https://linkedin.com"),
    ],
)
def test_addresses_that_may_be_of_two_pages_are_not_the_same(one, other):
    assert page(one) != page(other)
