"""Lists, what stands on them, and opportunities."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from freight.connectors.affinity.lists import entry_row
from freight.connectors.errors import UnexpectedAnswer
from freight.connectors.protocols import Row
from freight.model.crm import Deal, ListEntry
from freight.model.fields import Field
from freight.model.mapping import ListMapping, Mapping
from freight.model.schema import Schema
from support.affinity_source_parts import (
    BASE,
    Paths,
    a_list,
    codes,
    described,
    entry,
    field,
    json,
    page,
    person,
    read_all,
    reading,
    refusal,
)

AMOUNT = Field(id="field-1", name="Amount", type="number")
SCHEMA = Schema(
    lists=(
        a_list("1", "deals", AMOUNT),
        a_list("2", "companies", AMOUNT),
        a_list("3", "deals"),
        a_list("4", "people"),
    )
)
ASSOCIATIONS = page(
    [described("persons", "person-multi", kind="list"), described("companies", "company-multi", kind="list")]
)
NO_MORE = json({"opportunities": []})


def opportunity(id_: int, *fields: object, people: Any = None, companies: Any = None, **more: object) -> dict[str, Any]:
    links = [
        field("persons", "person-multi", people, kind="list"),
        field("companies", "company-multi", companies, kind="list"),
    ]
    row = entry(id_ * 10, "opportunity", {"id": id_, "name": f"Deal {id_}", "listId": 1, "fields": [*fields, *links]})
    row["entity"] |= more
    return row


def in_version_1(id_: int, *list_ids: int, people: tuple[int, ...] = ()) -> dict[str, Any]:
    entries = [{"id": id_ * 10, "list_id": list_id, "entity_id": id_} for list_id in list_ids]
    row = {"id": id_, "name": f"Deal {id_}", "person_ids": list(people), "organization_ids": [7]}
    return {**row, "list_entries": entries}


def vendor(entries: Any, all_of_them: Any = NO_MORE, **more: Any) -> Paths:
    return Paths(
        {
            "/v2/lists/1/list-entries": page(entries) if isinstance(entries, list) else entries,
            "/v2/lists/1/fields": ASSOCIATIONS,
            "/v2/lists/3/list-entries": page(None),
            "/v2/lists/3/fields": ASSOCIATIONS,
            "/opportunities": all_of_them,
            **more,
        }
    )


async def read(paths: Paths, mapping: Mapping | None = None) -> list[Row]:
    return list((await read_all(paths.source(SCHEMA, mapping), "deals")).rows)


async def test_an_opportunity_has_the_values_of_its_list_and_its_links():
    paths = vendor(
        [opportunity(5, field("field-1", "number", 100, kind="list"), people=[person(8)], companies=[{"id": 9}])]
    )
    (row,) = await read(paths)
    assert row.record == Deal(
        id="5", name="Deal 5", list_id="1", person_ids=("8",), company_ids=("9",), fields={"field-1": (100,)}
    )
    assert row.issues == ()
    assert [request.url.query for request in paths.asked("/v2/lists/1/list-entries")] == [b"limit=100&fieldTypes=list"]


async def test_links_that_affinity_does_not_count_as_fields_of_the_list_are_asked_for_by_name():
    metadata = page([described("persons", "person-multi", kind="enriched"), described("companies", "company-multi")])
    paths = vendor([opportunity(5)], **{"/v2/lists/1/fields": metadata})
    await read(paths)
    (asked,) = paths.asked("/v2/lists/1/list-entries")
    assert asked.url.query == b"limit=100&fieldTypes=list&fieldIds=companies&fieldIds=persons"


async def test_a_hundred_links_are_asked_for_once_more_in_the_version_that_gives_all():
    many = [person(number) for number in range(1, 101)]
    whole = in_version_1(5, 1, people=tuple(range(1, 151)))
    paths = vendor([opportunity(5, people=many), opportunity(6, people=many[:99])], **{"/opportunities/5": json(whole)})
    first, second = await read(paths)
    assert isinstance(first.record, Deal)
    assert isinstance(second.record, Deal)
    assert len(first.record.person_ids) == 150
    assert first.record.company_ids == ("7",)
    assert len(second.record.person_ids) == 99
    assert len(paths.asked("/opportunities/6")) == 0
    assert first.issues == second.issues == ()


@pytest.mark.parametrize("answer", [refusal(404), json(None)])
async def test_links_that_nobody_gives_are_named(answer):
    many = [person(number) for number in range(1, 101)]
    (row,) = await read(vendor([opportunity(5, people=many)], **{"/opportunities/5": answer}))
    assert isinstance(row.record, Deal)
    assert len(row.record.person_ids) == 100
    assert codes(row) == ["values_cut_off"]


async def test_links_are_taken_from_version_1_where_the_list_does_not_show_them():
    paths = vendor([opportunity(5)], **{"/v2/lists/1/fields": page([]), "/opportunities/5": json(in_version_1(5, 1))})
    (row,) = await read(paths)
    assert isinstance(row.record, Deal)
    assert row.record.company_ids == ("7",)


async def test_opportunities_of_lists_that_the_key_does_not_see_are_found_and_named():
    paths = vendor(
        [opportunity(5)], json({"opportunities": [in_version_1(5, 1), in_version_1(6), in_version_1(8, 99)]})
    )
    rows = {row.id: row for row in (await read(paths))[1:]}
    assert codes(rows["6"]) == codes(rows["8"]) == ["list_hidden"]
    assert rows["6"].record == Deal(id="6", name="Deal 6", company_ids=("7",))
    # The pipeline has taken it with its list already; where it has not, the values are missing.
    assert codes(rows["5"]) == ["list_read_before"]


@pytest.mark.parametrize(
    ("mapping", "skipped"),
    [
        (Mapping(only_lists=["1"]), ["6", "7"]),
        (Mapping(lists={"3": ListMapping(skip=True)}), ["7"]),
    ],
)
async def test_opportunities_of_lists_that_are_left_behind_are_skipped_with_the_reason(mapping, skipped):
    everything = json({"opportunities": [in_version_1(5, 1), in_version_1(6), in_version_1(7, 3)]})
    paths = vendor([opportunity(5)], everything)
    rows = await read(paths, mapping)
    assert [row.id for row in rows if row.skip and row.skip.code == "list_not_chosen"] == skipped
    assert paths.asked("/v2/lists/3/list-entries") == []


async def test_what_affinity_hides_is_named_and_its_name_is_not_taken_for_the_real_one():
    rows = await read(vendor([opportunity(5, name="[Hidden]")], json([in_version_1(6) | {"name": "[Hidden]"}])))
    assert [isinstance(row.record, Deal) and row.record.name for row in rows] == [None, None]
    assert all("hidden_at_source" in codes(row) for row in rows)


async def test_some_opportunities_are_read_with_the_values_of_their_list():
    one = opportunity(5, field("field-1", "number", 100, kind="list"))
    answers = {"/opportunities/5": json(in_version_1(5, 1, people=(8,))), "/v2/lists/1/list-entries/50": json(one)}
    paths = vendor([], **answers, **{"/opportunities/6": json(in_version_1(6))})
    rows = await paths.source(SCHEMA).read_some("deals", ["5", "6", "7", "none"])
    assert [row.record for row in rows] == [
        Deal(id="5", name="Deal 5", list_id="1", person_ids=("8",), company_ids=("7",), fields={"field-1": (100,)}),
        Deal(id="6", name="Deal 6", company_ids=("7",)),
    ]


UNKNOWN = httpx.Response(422, json=["expected 7 to be a valid id for model Deal"])


@pytest.mark.parametrize("answer", [refusal(404), UNKNOWN])
async def test_an_opportunity_that_does_not_exist_is_left_out_of_those_that_were_asked_for(answer):
    paths = vendor([], **{"/opportunities/7": answer, "/opportunities/6": json(in_version_1(6))})
    assert [row.id for row in await paths.source(SCHEMA).read_some("deals", ["7", "6"])] == ["6"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refusal(403), "hidden_at_source"),
        (refusal(400), "rejected_by_source"),
        (httpx.Response(422, json=["no"]), "rejected_by_source"),
        (httpx.Response(302, headers={"Location": "/elsewhere"}), "unexpected_answer"),
    ],
)
async def test_an_opportunity_that_affinity_refuses_is_named_and_the_others_are_read(answer, code):
    paths = vendor([], **{"/opportunities/7": answer, "/opportunities/6": json(in_version_1(6))})
    refused, read_ = await paths.source(SCHEMA).read_some("deals", ["7", "6"])
    assert (refused.id, refused.record, refused.skip and refused.skip.code) == ("7", None, code)
    assert refused.skip is not None
    assert "Affinity" in refused.skip.message
    assert read_.record == Deal(id="6", name="Deal 6", company_ids=("7",))


@pytest.mark.parametrize("answer", [refusal(404), refusal(403), json(None), json({"entity": None})])
async def test_an_opportunity_whose_entry_is_not_given_is_read_without_the_values_of_the_list(answer):
    paths = vendor([], **{"/opportunities/5": json(in_version_1(5, 1)), "/v2/lists/1/list-entries/50": answer})
    (row,) = await paths.source(SCHEMA).read_some("deals", ["5"])
    assert row.record == Deal(id="5", name="Deal 5", list_id="1", company_ids=("7",))
    assert codes(row) == ["list_read_before"]


async def test_a_record_that_affinity_refuses_is_found_among_many_and_named():
    def answer(request: httpx.Request) -> httpx.Response:
        ids = request.url.params.get_list("ids")
        return refusal(400) if "13" in ids else page([{"id": int(id_), "name": "Acme"} for id_ in ids])

    paths = Paths({"/v2/companies": answer})
    rows = await paths.source().read_some("companies", [str(number) for number in range(10, 20)])
    assert [row.id for row in rows] == [str(number) for number in range(10, 20)]
    assert [row.id for row in rows if row.skip and row.skip.code == "rejected_by_source"] == ["13"]
    assert len(paths.requests) <= 9


async def test_empty_pages_are_passed_and_only_a_missing_token_ends_the_stream():
    pages = [
        json({"opportunities": [in_version_1(5)], "next_page_token": "a"}),
        json({"opportunities": [], "next_page_token": "b"}),
        json({"opportunities": [in_version_1(6)], "next_page_token": None}),
    ]
    paths = vendor([], pages)
    assert [row.id for row in await read(paths)] == ["5", "6"]
    assert [request.url.query for request in paths.asked("/opportunities")] == [
        b"page_size=500",
        b"page_size=500&page_token=a",
        b"page_size=500&page_token=b",
    ]


async def test_an_empty_token_ends_the_stream_like_a_missing_one():
    paths = vendor([], json({"opportunities": [in_version_1(5)], "next_page_token": ""}))
    assert [row.id for row in await read(paths)] == ["5"]


async def test_a_token_that_leads_to_itself_is_noticed():
    with pytest.raises(UnexpectedAnswer):
        await read(vendor([], json({"opportunities": [], "next_page_token": "a"})))


@pytest.mark.parametrize("answer", [{}, {"opportunities": 5}, "text", None])
async def test_an_answer_that_is_no_page_is_not_taken_for_the_last_one(answer):
    with pytest.raises(UnexpectedAnswer):
        await read(vendor([], json(answer)))


async def test_all_lists_are_given_and_those_left_behind_with_the_reason():
    source = Paths({}).source(SCHEMA, Mapping(only_lists=["1", "2"], lists={"2": ListMapping(skip=True)}))
    rows = (await source.read_page("lists", None)).rows
    assert [row.record for row in rows] == list(SCHEMA.lists)
    assert [row.id for row in rows if row.skip] == ["2", "3", "4"]


async def test_the_entries_of_the_chosen_lists_follow_each_other():
    following = "/v2/lists/2/list-entries?cursor=x"
    twice = {"id": 9, "name": "Acme", "fields": [field("field-1", "number", 5, kind="list")]}
    paths = Paths(
        {
            "/v2/lists/1/list-entries": page(None),
            "/v2/lists/2/list-entries": page([entry(20, "company", twice)], f"{BASE}{following}"),
            following: page([entry(21, "company", twice)]),
            "/v2/lists/4/list-entries": page([entry(40, "person", {"id": 8, "firstName": "Ann"})]),
        }
    )
    rows = (await read_all(paths.source(SCHEMA, Mapping(only_lists=["1", "2", "4"])), "list_entries")).rows
    assert [row.record for row in rows] == [
        ListEntry(
            id=id_,
            list_id=list_id,
            parent=parent,
            created_at=datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC),
            fields=values,
        )
        for id_, list_id, parent, values in (
            ("20", "2", ("companies", "9"), {"field-1": (5,)}),
            ("21", "2", ("companies", "9"), {"field-1": (5,)}),
            ("40", "4", ("people", "8"), {}),
        )
    ]
    assert len(paths.requests) == 4


async def test_a_job_without_lists_has_no_entries():
    assert (await read_all(Paths({}).source(SCHEMA, Mapping(only_lists=[])), "list_entries")).rows == ()


async def test_a_list_that_is_gone_is_named_and_the_others_are_read():
    paths = Paths({"/v2/lists/2/list-entries": page([entry(20, "company", {"id": 9})])})
    rows = (await read_all(paths.source(SCHEMA, Mapping(only_lists=["1", "2"])), "list_entries")).rows
    assert [(row.id, row.skip and row.skip.code) for row in rows] == [("list-1", "list_gone"), ("20", None)]


@pytest.mark.parametrize(
    ("status", "code", "incomplete"), [(404, "list_gone", None), (403, "list_forbidden", "not_all_read")]
)
async def test_a_list_that_the_key_may_not_see_any_more_does_not_make_its_entries_count_as_deleted(
    status, code, incomplete
):
    paths = Paths(
        {
            "/v2/lists/1/list-entries": refusal(status),
            "/v2/lists/2/list-entries": page([entry(20, "company", {"id": 9})]),
        }
    )
    found = await read_all(paths.source(SCHEMA, Mapping(only_lists=["1", "2"])), "list_entries")
    assert [(row.id, row.skip and row.skip.code) for row in found.rows] == [("list-1", code), ("20", None)]
    assert (found.incomplete and found.incomplete.code) == incomplete


async def test_opportunities_of_a_list_that_the_key_may_not_see_any_more_are_read_without_it():
    answers = {"/v2/lists/1/fields": refusal(403), "/v2/lists/1/list-entries": refusal(403)}
    paths = vendor([], json({"opportunities": [in_version_1(5, 1)]}), **answers)
    found = await read_all(paths.source(SCHEMA), "deals")
    assert [(row.id, row.skip and row.skip.code) for row in found.rows] == [("list-1", "list_forbidden"), ("5", None)]
    assert found.incomplete
    assert found.incomplete.code == "not_all_read"


async def test_a_list_that_turns_private_between_two_of_its_pages_costs_what_was_not_read_of_it():
    second = "/v2/lists/1/list-entries?cursor=b"
    answers = {
        "/v2/lists/1/list-entries": page([entry(10, "company", {"id": 8})], f"{BASE}{second}"),
        second: refusal(403),
        "/v2/lists/2/list-entries": page([entry(20, "company", {"id": 9})]),
    }
    found = await read_all(Paths(answers).source(SCHEMA, Mapping(only_lists=["1", "2"])), "list_entries")
    assert [row.id for row in found.rows] == ["10", "list-1", "20"]
    (forbidden,) = (row.skip for row in found.rows if row.skip)
    assert forbidden.level == "error"
    assert "Give the key's user access" in forbidden.message
    assert found.incomplete


@pytest.mark.parametrize("change", [{"entity": None}, {"entity": {"name": "x"}}, {"type": "hologram"}, {"type": 5}])
def test_an_entry_that_does_not_say_what_it_is_for_is_accounted_for(change):
    row = entry_row({**entry(20, "company", {"id": 9}), **change}, reading("2"))
    assert row.record is None
    assert row.skip is not None
    assert row.skip.code == "unreadable_row"
