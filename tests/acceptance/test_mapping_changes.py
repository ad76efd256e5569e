"""What a job whose mapping is not that of the job before makes of what that one wrote; the precheck says it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from freight_sandbox import Sandbox
from support import firm, jobs, migration, workspaces
from support.clients import client
from support.service import Service, Tenant

Row = firm.Row


def a_field(number: int, name: str, value_type: str, *, of: str = "company", on: int | None = None, **more: Any) -> Row:
    return {
        "entity": of, "id": f"field-{number}", "name": name, "enrichmentSource": None, "valueType": value_type,
        **({"type": "global"} if on is None else {"type": "list", "listId": on}), **more,
    }  # fmt: skip


def choices(*texts: str, base: int) -> Row:
    return {
        "dropdownOptions": [{"id": base + n, "text": text, "rank": n, "color": None} for n, text in enumerate(texts)]
    }


def chosen(field: Row, text: str) -> Row:
    (option,) = [option for option in field["dropdownOptions"] if option["text"] == text]
    ranked = {"rank": option["rank"], "color": "blue"}
    return firm.value(field, {"dropdownOptionId": option["id"], "text": text, **ranked})


THESIS = a_field(1, "Thesis", "filterable-text")
REGION = a_field(2, "Region", "filterable-text")
SIZE = a_field(3, "Size", "number")
SCORE = a_field(5, "Score", "number", on=6)
STATUS = a_field(11, "Status", "ranked-dropdown", of="opportunity", on=8, **choices("New", "Won", base=1100))
PHASE = a_field(12, "Phase", "ranked-dropdown", of="opportunity", on=8, **choices("Early", "Late", base=1200))
OWNER = a_field(13, "Owner", "person", of="opportunity", on=8)
SPONSOR = a_field(14, "Sponsor", "person", of="opportunity", on=8)
AMOUNT = a_field(15, "Amount", "number", of="opportunity", on=8)
ASK = a_field(16, "Ask", "number", of="opportunity", on=8)


def colleague(number: int, first: str) -> Row:
    return {
        "id": number, "firstName": first, "lastName": "Partner", "type": "internal",
        "primaryEmailAddress": f"{first.lower()}@sandbox-ventures.com",
    }  # fmt: skip


ADA, BEN, DORA = colleague(101, "Ada"), colleague(102, "Ben"), colleague(103, "Dora")
"""The last one is no member of the target's workspace."""


def company(number: int) -> Row:
    given = firm.company(number, f"c{number}.com")
    return {**given, "fields": [firm.value(THESIS, "Bees"), firm.value(REGION, "DACH"), firm.value(SIZE, 12)]}


def deal(number: int, *fields: Row) -> Row:
    entity = {"id": number, "name": f"Round {number}", "listId": 8, "fields": list(fields)}
    return {
        "id": 80_000 + number, "type": "opportunity", "listId": 8, "createdAt": "2024-01-02T03:04:05Z",
        "creatorId": 101, "entity": entity,
    }  # fmt: skip


FIRST = deal(
    501, chosen(STATUS, "Won"), chosen(PHASE, "Late"), firm.value(OWNER, ADA), firm.value(SPONSOR, BEN),
    firm.value(AMOUNT, 10), firm.value(ASK, 20),
)  # fmt: skip
SECOND = deal(502, chosen(STATUS, "Won"), firm.value(OWNER, BEN), firm.value(AMOUNT, 30))
ENTRY = firm.entry(61, 6, company(1))
ENTRIES = [
    {**ENTRY, "entity": {**ENTRY["entity"], "fields": [firm.value(SCORE, 4)]}},
    firm.entry(71, 7, company(2)),
    FIRST,
    SECOND,
]


@pytest.fixture
async def vendors(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """An Affinity with some of everything that a mapping is about, and an empty Attio."""
    async with firm.running(
        tmp_path,
        companies=[company(1), company(2)],
        persons=[firm.person(each) for each in (ADA, BEN, DORA)],
        fields=[THESIS, REGION, SIZE, SCORE, STATUS, PHASE, OWNER, SPONSOR, AMOUNT, ASK],
        lists=[
            firm.a_list(6, "Portfolio"),
            firm.a_list(7, "Archive"),
            {**firm.a_list(8, "Pipeline"), "type": "opportunity"},
        ],
        list_entries=ENTRIES,
        opportunities=[
            {"id": id_, "name": f"Round {id_}", "listId": 8, "personIds": [], "companyIds": [1]} for id_ in (501, 502)
        ],
        notes=[{**firm.note(41), "organization_ids": [1, 2]}],
        reminders=[firm.reminder("Call", due_date="2027-01-15T09:00:00-08:00", creator={"id": 103}, owner={"id": 103})],
    ) as sandbox:
        yield sandbox


async def test_a_field_that_is_skipped_leaves_its_values_and_comes_back_without_a_gap(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    skipping = {"companies": {"field-1": {"skip": True}}}
    said = await two_jobs(tenant, vendors, {}, skipping)
    assert said == {"companies.field-1.skip": "thesis"}
    await firm.put(vendors, "companies", {**company(1), "fields": [firm.value(THESIS, "Wasps")]})
    await carry(tenant, vendors, skipping)
    assert await held(vendors, "thesis") == ["Bees", "Bees"]
    assert list(await settings_named(tenant, await carry(tenant, vendors, {}))) == ["companies.field-1.skip"]
    assert await held(vendors, "thesis") == ["Wasps", "Bees"]


async def test_a_field_that_goes_to_another_attribute_is_written_there_and_stays_in_the_first(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    said = await two_jobs(tenant, vendors, {}, {"companies": {"field-1": {"to": "belief"}}})
    assert said == {"companies.field-1.to": "thesis"}
    assert (await held(vendors, "thesis"), await held(vendors, "belief")) == (["Bees"] * 2, ["Bees"] * 2)


async def test_an_attribute_that_is_given_to_another_field_follows_that_one(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    second = {"companies": {"field-1": {"to": "region"}, "field-2": {"to": "area"}}}
    said = await two_jobs(tenant, vendors, {}, second)
    assert said == {"companies.field-1.to": "thesis", "companies.field-2.to": "region"}
    assert (await held(vendors, "region"), await held(vendors, "area")) == (["Bees"] * 2, ["DACH"] * 2)


async def test_a_standard_attribute_is_the_record_s_own_again_once_no_field_goes_there(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    said = await two_jobs(tenant, vendors, {"companies": {"field-1": {"to": "description"}}}, {})
    assert said == {"companies.field-1.to": "description"}
    assert (await held(vendors, "description"), await held(vendors, "thesis")) == ([], ["Bees"] * 2)


async def test_another_title_does_not_change_an_attribute_that_exists(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    said = await two_jobs(tenant, vendors, {}, {"companies": {"field-1": {"title": "Belief"}}})
    assert list(said) == ["companies.field-1.title"]
    attributes = (await firm.attio(vendors, "GET", "/objects/companies/attributes"))["data"]
    assert [each["title"] for each in attributes if each["api_slug"] == "thesis"] == ["Thesis"]


async def test_another_type_is_another_attribute_and_the_first_one_stays(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    said = await two_jobs(tenant, vendors, {}, {"companies": {"field-3": {"type": "text"}}})
    assert list(said) == ["companies.field-3.type"]
    attributes = (await firm.attio(vendors, "GET", "/objects/companies/attributes"))["data"]
    made = {each["type"]: each["api_slug"] for each in attributes if each["title"] == "Size"}
    assert made.keys() == {"number", "text"}
    assert (await held(vendors, made["number"]), await held(vendors, made["text"])) == ([12, 12], ["12", "12"])


async def test_a_list_that_is_skipped_stays_with_its_entries(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    said = await two_jobs(tenant, vendors, {}, {"lists": {"6": {"skip": True}, "8": {"skip": True}}})
    assert list(said) == ["lists.6.skip", "lists.8.skip"]
    assert await entries(vendors) == {"Portfolio": 1, "Archive": 1, "Pipeline": 2}
    assert len(await workspaces.in_target(vendors, "deals")) == 2


async def test_lists_that_are_not_among_the_chosen_ones_stay_with_their_entries(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    said = await two_jobs(tenant, vendors, {}, {"only_lists": ["7"]})
    assert list(said) == ["only_lists"]
    assert await entries(vendors) == {"Portfolio": 1, "Archive": 1, "Pipeline": 2}


async def test_a_list_that_goes_elsewhere_is_written_there_and_the_first_one_stays(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    elsewhere = {"lists": {"6": {"to": "our_portfolio", "name": "Our portfolio"}}}
    said = await two_jobs(tenant, vendors, {}, elsewhere)
    assert list(said) == ["lists.6.to"]
    assert await entries(vendors) == {"Portfolio": 1, "Our portfolio": 1, "Archive": 1, "Pipeline": 2}
    await carry(tenant, vendors, {})
    assert await entries(vendors) == {"Portfolio": 1, "Our portfolio": 1, "Archive": 1, "Pipeline": 2}


async def test_another_name_of_a_list_is_given_to_it_unless_a_person_gave_it_one(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await carry(tenant, vendors, {})
    for found in (await firm.attio(vendors, "GET", "/lists"))["data"]:
        if found["name"] == "Archive":
            await firm.attio(vendors, "PATCH", f"/lists/{found['api_slug']}", {"data": {"name": "Theirs"}})
    second = {"lists": {"6": {"name": "Ours"}, "7": {"name": "Attic"}}}
    said = await two_jobs(tenant, vendors, None, second)
    assert list(said) == ["lists.6.name", "lists.7.name"]
    assert await entries(vendors) == {"Ours": 1, "Theirs": 1, "Pipeline": 2}


async def test_fields_of_a_list_change_as_those_of_records_do(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    said = await two_jobs(tenant, vendors, {}, {"lists": {"6": {"fields": {"field-5": {"to": "mark"}}}}})
    assert said == {"lists.6.fields.field-5.to": "score"}
    (entry,) = await entries_of(vendors, "Portfolio")
    assert [[item["value"] for item in entry["entry_values"][slug]] for slug in ("score", "mark")] == [[4], [4]]


@pytest.mark.parametrize(
    ("role", "first", "second", "before", "after"),
    [
        ("stage", None, "field-12", ["Won", "Won"], ["Late", "Won"]),
        ("owner", None, "field-14", ["ada", "ben"], ["ben", "ben"]),
        ("value", "field-15", "field-16", [10, 30], [20, None]),
    ],
)
async def test_deals_follow_the_field_that_gives_their(
    service: Service, tenant: Tenant, vendors: Sandbox, role: str, first: Any, second: str, before: Any, after: Any
) -> None:
    first_mapping = {} if first is None else {"lists": {"8": {role: first}}}
    await carry(tenant, vendors, first_mapping)
    assert await deals(vendors, role) == before
    said = await two_jobs(tenant, vendors, None, {"lists": {"8": {role: second}}})
    assert list(said) == [f"lists.8.{role}"]
    assert await deals(vendors, role) == after


async def test_what_went_to_the_default_owner_goes_to_the_new_one(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await carry(tenant, vendors, {})
    # Each follows the one before.
    for given, owner in (("ada", "ada"), ("ben", "ben"), (None, "ben")):
        mapping = {"default_owner": f"{given}@sandbox-ventures.com"} if given else {}
        said = await two_jobs(tenant, vendors, None, mapping)
        assert list(said) == ["default_owner"]
        (task,) = (await firm.attio(vendors, "GET", "/tasks"))["data"]
        assert [await member(vendors, one["referenced_actor_id"]) for one in task["assignees"]] == [owner]


async def test_notes_that_are_written_otherwise_are_told_of(service: Service, tenant: Tenant, vendors: Sandbox) -> None:
    assert await two_jobs(tenant, vendors, {}, {"notes": "all"}) == {"notes": "one"}
    job = await carry(tenant, vendors, {})
    assert await settings_named(tenant, job) == {"notes": "all"}
    assert len(await jobs.logs(tenant, job["id"], code="further_copy_stays")) == 1


async def test_entities_that_are_left_out_stay_in_the_target(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    await carry(tenant, vendors, {})
    job = await migration.carry(tenant, vendors, entities=["companies", "people"], mapping={"notes": "all"})
    said = await settings_named(tenant, job)
    assert said == {"entities": "deals, lists, list_entries, notes, tasks, files"}
    assert await jobs.logs(tenant, job["id"], code="gone_from_source") == []
    job = await migration.carry(tenant, vendors, mapping={"companies": {"field-1": {"skip": True}}})
    assert list(await settings_named(tenant, job)) == ["companies.field-1.skip"]


async def test_another_policy_is_told_of(service: Service, tenant: Tenant, vendors: Sandbox) -> None:
    await carry(tenant, vendors, {})
    job = await migration.carry(tenant, vendors, on_existing="overwrite")
    assert await settings_named(tenant, job) == {"on_existing": "fill"}


async def test_a_dry_run_changes_no_settings_and_says_what_a_full_run_would(
    service: Service, tenant: Tenant, vendors: Sandbox
) -> None:
    other = {"companies": {"field-1": {"skip": True}}}
    await carry(tenant, vendors, {})
    said = [await settings_named(tenant, await migration.carry(tenant, vendors, mapping=other, mode="dry_run"))]
    said.append(await settings_named(tenant, await carry(tenant, vendors, other)))
    assert said == [{"companies.field-1.skip": "thesis"}] * 2


async def two_jobs(
    tenant: Tenant, vendors: Sandbox, first: dict[str, Any] | None, second: dict[str, Any]
) -> dict[str, str | None]:
    """The settings that the second job names, each with what it was; a dry run foresees its outcomes, and a third job
    like it writes nothing and names nothing."""
    if first is not None:
        await carry(tenant, vendors, first)
    predicted = await migration.carry(tenant, vendors, mapping=second, mode="dry_run")
    job = await carry(tenant, vendors, second)
    assert migration.outcomes(predicted) == migration.outcomes(job)
    assert await jobs.logs(tenant, job["id"], code="gone_from_source") == []
    before = await workspaces.writes_received(vendors)
    again = await carry(tenant, vendors, second)
    assert await workspaces.writes_received(vendors) == before
    assert await settings_named(tenant, again) == {}
    return await settings_named(tenant, job)


async def carry(tenant: Tenant, vendors: Sandbox, mapping: dict[str, Any]) -> dict[str, Any]:
    return await migration.carry(tenant, vendors, mapping=mapping)


async def settings_named(tenant: Tenant, job: dict[str, Any]) -> dict[str, str | None]:
    return {row["field"]: row["value"] for row in await jobs.logs(tenant, job["id"], code="mapping_changed")}


async def held(vendors: Sandbox, slug: str) -> list[Any]:
    """What the two companies hold in an attribute."""
    found = await workspaces.in_target(vendors, "companies")
    return [item["value"] for id_ in ("1", "2") for item in found[id_][0]["values"].get(slug, [])]


async def entries(vendors: Sandbox) -> dict[str, int]:
    """How many entries each list has that has some."""
    named = [found["name"] for found in (await firm.attio(vendors, "GET", "/lists"))["data"]]
    return {name: len(await entries_of(vendors, name)) for name in named}


async def entries_of(vendors: Sandbox, name: str) -> list[Row]:
    (slug,) = (
        found["api_slug"] for found in (await firm.attio(vendors, "GET", "/lists"))["data"] if found["name"] == name
    )
    async with client(vendors.attio_url, bearer=vendors.attio_key) as attio:
        found: list[Row] = (await attio.post(f"/v2/lists/{slug}/entries/query", json={})).json()["data"]
    return found


async def deals(vendors: Sandbox, role: str) -> list[Any]:
    """The stages, owners or values of the two deals."""
    found = await workspaces.in_target(vendors, "deals")
    shown: list[Any] = []
    for id_ in ("501", "502"):
        (item,) = found[id_][0]["values"][role] or [None]
        match role:
            case "stage":
                shown.append(item["status"]["title"])
            case "owner":
                shown.append(await member(vendors, item["referenced_actor_id"]))
            case _:
                shown.append(item and item["currency_value"])
    return shown


async def member(vendors: Sandbox, id_: str) -> str:
    """The name in front of a member's address."""
    members = (await firm.attio(vendors, "GET", "/workspace_members"))["data"]
    (email,) = (one["email_address"] for one in members if one["id"]["workspace_member_id"] == id_)
    return str(email).partition("@")[0]
