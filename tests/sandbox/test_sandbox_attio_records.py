"""What a client may rely on about writing records at the simulated Attio."""

import itertools
import re
import uuid
from typing import Any

import httpx
import pytest

from support import late

numbers = itertools.count(1)

PLAIN = {"description": None, "is_required": False, "is_unique": False, "is_multiselect": False, "config": {}}
LOCATION = {
    "line_1": "1 Market Street",
    "line_2": None,
    "line_3": None,
    "line_4": None,
    "locality": "San Francisco",
    "region": "CA",
    "postcode": "94105",
    "country_code": "US",
    "latitude": "37.77",
    "longitude": "-122.41",
}


def fresh_domain() -> str:
    return f"acme{next(numbers)}.com"


async def create(client: httpx.AsyncClient, name: str, values: dict[str, Any]) -> httpx.Response:
    return await client.post(f"/v2/objects/{name}/records", json={"data": {"values": values}})


async def upsert(client: httpx.AsyncClient, name: str, matching: str, values: dict[str, Any]) -> httpx.Response:
    return await client.put(
        f"/v2/objects/{name}/records", params={"matching_attribute": matching}, json={"data": {"values": values}}
    )


async def created(client: httpx.AsyncClient, name: str, values: dict[str, Any]) -> dict[str, Any]:
    return (await create(client, name, values)).raise_for_status().json()["data"]


async def read(client: httpx.AsyncClient, name: str, record_id: str) -> dict[str, Any]:
    return (await client.get(f"/v2/objects/{name}/records/{record_id}")).raise_for_status().json()["data"]


async def count(client: httpx.AsyncClient, name: str) -> int:
    await late.finish(client)
    return (await client.get("/_sandbox/summary")).json()["records"][name]


def emails(record: dict[str, Any]) -> list[str]:
    return [value["email_address"] for value in record["values"]["email_addresses"]]


async def test_a_record_reads_back_with_every_attribute_as_an_array(attio: httpx.AsyncClient):
    domain = fresh_domain()
    record = await created(attio, "companies", {"name": "Acme", "domains": [domain], "primary_location": LOCATION})
    assert record == await read(attio, "companies", record["id"]["record_id"])
    values = record["values"]
    assert values["description"] == []
    assert values["record_id"][0]["value"] == record["id"]["record_id"]
    assert values["created_at"][0]["value"] == record["created_at"]
    for slug, attribute_type in (("name", "text"), ("domains", "domain"), ("primary_location", "location")):
        (value,) = values[slug]
        assert value["attribute_type"] == attribute_type
        assert value["active_until"] is None
        assert value["created_by_actor"]["type"] == "api-token"
        assert value["active_from"].endswith("000Z")
    assert {key: values["primary_location"][0][key] for key in LOCATION} == LOCATION


async def test_attributes_can_be_written_by_id(attio: httpx.AsyncClient):
    name = (await attio.get("/v2/objects/companies/attributes/name")).json()["data"]
    record = await created(attio, name["id"]["object_id"], {name["id"]["attribute_id"]: ["By id"]})
    assert record["values"]["name"][0]["value"] == "By id"


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("https://Shop.Acme-{n}.co.uk/about?x=1", "shop.acme-{n}.co.uk"),
        ("ACME-{n}.io", "acme-{n}.io"),
        ("müller-{n}.de", "müller-{n}.de"),
    ],
)
async def test_domains_lose_what_an_url_has_around_them(attio: httpx.AsyncClient, given: str, stored: str):
    number = next(numbers)
    record = await created(attio, "companies", {"domains": [given.format(n=number)]})
    assert record["values"]["domains"][0]["domain"] == stored.format(n=number)


async def test_a_root_domain_knows_second_level_suffixes(attio: httpx.AsyncClient):
    number = next(numbers)
    record = await created(attio, "companies", {"domains": [f"mail.acme{number}.co.uk"]})
    assert record["values"]["domains"][0]["root_domain"] == f"acme{number}.co.uk"


@pytest.mark.parametrize("bad", ["", "acme", "acme corp", "not_a_host!", "http://", "-acme.com", "acme..com"])
async def test_what_is_no_domain_is_refused(attio: httpx.AsyncClient, bad: str):
    answer = await create(attio, "companies", {"domains": [bad]})
    assert answer.status_code == 400
    assert '"domains"' in answer.json()["message"]


async def test_emails_are_compared_in_lower_case(attio: httpx.AsyncClient):
    domain = fresh_domain()
    person = await created(attio, "people", {"email_addresses": [f"Jane.Doe@{domain.upper()}"]})
    (value,) = person["values"]["email_addresses"]
    assert value["original_email_address"] == f"Jane.Doe@{domain.upper()}"
    assert value["email_address"] == f"jane.doe@{domain}"
    assert value["email_local_specifier"] == "jane.doe"
    taken = await create(attio, "people", {"email_addresses": [f"JANE.DOE@{domain}"]})
    assert taken.json()["code"] == "uniqueness_conflict"


@pytest.mark.parametrize("bad", ["", "jane", "jane@acme", "jane@@acme.com", "jane at acme.com", "j@acme.test", "j@"])
async def test_what_is_no_email_address_is_refused(attio: httpx.AsyncClient, bad: str):
    answer = await create(attio, "people", {"email_addresses": [bad]})
    assert answer.status_code == 400
    assert '"email_addresses"' in answer.json()["message"]


async def test_phone_numbers_are_kept_in_e164(attio: httpx.AsyncClient):
    given = ["+44 20 7946 0123", {"original_phone_number": "(415) 555-0132", "country_code": "US"}]
    person = await created(attio, "people", {"phone_numbers": given})
    assert [
        (value["phone_number"], value["country_code"], value["original_phone_number"])
        for value in person["values"]["phone_numbers"]
    ] == [("+442079460123", "GB", "+44 20 7946 0123"), ("+14155550132", "US", "(415) 555-0132")]


@pytest.mark.parametrize("bad", ["12345", "(415) 555-0132", "+1 000 000 0000", "call me"])
async def test_a_phone_number_that_is_none_is_refused(attio: httpx.AsyncClient, bad: str):
    answer = await create(attio, "people", {"phone_numbers": [bad]})
    assert answer.status_code == 400
    assert answer.json()["message"] == 'An invalid value was passed to attribute with slug "phone_numbers".'
    (problem,) = answer.json()["validation_errors"]
    assert problem["message"] == "Invalid phone number, possibly due to missing country information."
    assert problem["path"] == ["original_phone_number"]


async def test_a_bad_value_is_named_by_its_attribute_and_each_fault_by_its_path_in_the_value(attio: httpx.AsyncClient):
    answer = (await create(attio, "people", {"name": [{"first_name": "Ada"}]})).json()
    assert (answer["status_code"], answer["code"]) == (400, "validation_type")
    assert answer["message"] == 'An invalid value was passed to attribute with slug "name".'
    assert [problem["path"] for problem in answer["validation_errors"]] == [["last_name"], ["full_name"]]
    assert {problem["code"] for problem in answer["validation_errors"]} == {"invalid_type"}
    for slug, value, path in (
        ("email_addresses", ["a@b.test"], ["email_address"]),
        ("email_addresses", [{"email_address": 1}], ["email_address"]),
        ("primary_location", {**LOCATION, "country_code": "XX"}, ["country_code"]),
        ("description", "", ["value"]),
    ):
        (problem,) = (await create(attio, "people", {slug: value})).json()["validation_errors"]
        assert problem["path"] == path, slug


async def test_a_location_needs_all_ten_keys(attio: httpx.AsyncClient):
    for key in LOCATION:
        location = {name: value for name, value in LOCATION.items() if name != key}
        answer = (await create(attio, "companies", {"primary_location": location})).json()
        assert answer["code"] == "validation_type"
        assert answer["validation_errors"][0]["path"] == [key]
        assert answer["validation_errors"][0]["code"] == "invalid_type"


@pytest.mark.parametrize("change", [{"country_code": "USA"}, {"country_code": "XX"}, {"latitude": "north"}, {"x": 1}])
async def test_a_location_with_nonsense_is_refused(attio: httpx.AsyncClient, change: dict[str, Any]):
    assert (await create(attio, "companies", {"primary_location": {**LOCATION, **change}})).status_code == 400


async def test_a_location_can_be_a_string(attio: httpx.AsyncClient):
    record = await created(attio, "companies", {"primary_location": "Berlin, Germany"})
    (location,) = record["values"]["primary_location"]
    assert (location["locality"], location["country_code"]) == ("Berlin", "DE")


async def test_a_name_needs_all_three_keys_or_is_a_string(attio: httpx.AsyncClient):
    full = {"first_name": "Ada", "last_name": "", "full_name": "Ada"}
    assert (await created(attio, "people", {"name": [full]}))["values"]["name"][0]["last_name"] == ""
    for key in full:
        answer = await create(attio, "people", {"name": {name: full[name] for name in full if name != key}})
        assert answer.status_code == 400
    named = await created(attio, "people", {"name": "Lovelace, Ada"})
    assert named["values"]["name"][0]["full_name"] == "Ada Lovelace"
    first_only = await created(attio, "people", {"name": "Ada"})
    assert first_only["values"]["name"][0]["first_name"] == "Ada"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"nothing": "x"}, "value_not_found"),
        ({"categories": ["Not there"]}, "value_not_found"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "system_edit_unauthorized"),
        ({"logo_url": "https://x"}, "system_edit_unauthorized"),
        ({"domains": "acme.com"}, "validation_type"),
        ({"name": ""}, "validation_type"),
        ({"name": None}, "validation_type"),
        ({"name": 5}, "validation_type"),
        ({"name": ["a", "b"]}, "multiple_values_for_single_value_attribute"),
        ({"team": [{"target_object": "people", "target_record_id": "gone"}]}, "value_not_found"),
        ({"team": [{"target_object": "companies", "target_record_id": "x"}]}, "validation_type"),
    ],
)
async def test_a_value_that_cannot_be_stored_has_its_code(attio: httpx.AsyncClient, values: dict[str, Any], code: str):
    before = await count(attio, "companies")
    answer = await create(attio, "companies", {"description": "Otherwise good", **values})
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert await count(attio, "companies") == before


async def test_an_empty_array_clears_a_value(attio: httpx.AsyncClient):
    record = await created(attio, "companies", {"name": "Acme"})
    path = f"/v2/objects/companies/records/{record['id']['record_id']}"
    cleared = await attio.put(path, json={"data": {"values": {"name": []}}})
    assert cleared.json()["data"]["values"]["name"] == []


async def test_a_taken_value_is_400_and_nothing_of_the_write_is_stored(attio: httpx.AsyncClient):
    taken, free = fresh_domain(), fresh_domain()
    owner = await created(attio, "companies", {"domains": [taken]})
    refused = await create(attio, "companies", {"name": "Second", "domains": [free, taken]})
    assert (refused.status_code, refused.json()["code"]) == (400, "uniqueness_conflict")
    assert owner["id"]["record_id"] in refused.json()["message"]

    other = await created(attio, "companies", {"name": "Other", "domains": [free]})
    path = f"/v2/objects/companies/records/{other['id']['record_id']}"
    patched = await attio.patch(path, json={"data": {"values": {"name": "Changed", "domains": [taken]}}})
    assert patched.json()["code"] == "uniqueness_conflict"
    assert await read(attio, "companies", other["id"]["record_id"]) == other


async def test_required_attributes_are_asked_for_by_id(attio: httpx.AsyncClient):
    stage = (await attio.get("/v2/objects/deals/attributes/stage")).json()["data"]["id"]["attribute_id"]
    answer = await create(attio, "deals", {"name": "Deal", "owner": "ada@sandbox-ventures.com"})
    assert answer.json()["code"] == "missing_value"
    assert stage in answer.json()["message"]
    values = {"name": "Deal", "owner": "ada@sandbox-ventures.com", "stage": "Lead", "value": 12.5}
    deal = await created(attio, "deals", values)
    assert deal["values"]["value"][0]["currency_code"] == "USD"
    assert deal["values"]["stage"][0]["status"]["title"] == "Lead"


async def test_a_taken_value_is_told_by_slug_or_by_id(attio: httpx.AsyncClient):
    attribute = (await attio.get("/v2/objects/companies/attributes/domains")).json()["data"]["id"]["attribute_id"]
    domain = fresh_domain()
    await created(attio, "companies", {"domains": [domain]})
    messages = [(await create(attio, "companies", {"domains": [domain]})).json()["message"] for _ in range(2)]
    assert sum('slug "domains"' in message for message in messages) == 1
    assert sum(attribute in message and domain in message for message in messages) == 1


async def test_deals_mirror_their_company_and_people(attio: httpx.AsyncClient):
    company = await created(attio, "companies", {"domains": [fresh_domain()]})
    people = [await created(attio, "people", {"name": name}) for name in ("Ada", "Ben")]
    values = {
        "name": "Deal",
        "stage": "Lead",
        "owner": "ada@sandbox-ventures.com",
        "associated_company": {"target_object": "companies", "target_record_id": company["id"]["record_id"]},
        "associated_people": [
            {"target_object": "people", "target_record_id": person["id"]["record_id"]} for person in people
        ],
    }
    deal = await created(attio, "deals", values)
    for name, other in (("companies", company), ("people", people[0]), ("people", people[1])):
        found = await read(attio, name, other["id"]["record_id"])
        assert [value["target_record_id"] for value in found["values"]["associated_deals"]] == [deal["id"]["record_id"]]
    await attio.delete(f"/v2/objects/people/records/{people[0]['id']['record_id']}")
    left = (await read(attio, "deals", deal["id"]["record_id"]))["values"]["associated_people"]
    assert [value["target_record_id"] for value in left] == [people[1]["id"]["record_id"]]


async def test_deals_are_upserted_on_a_unique_attribute_of_one_s_own_minding_case(attio: httpx.AsyncClient):
    attribute = {**PLAIN, "title": "Affinity ID", "api_slug": "affinity_id", "type": "text", "is_unique": True}
    (await attio.post("/v2/objects/deals/attributes", json={"data": attribute})).raise_for_status()
    deal = {"name": "Deal", "stage": "Lead", "owner": "ada@sandbox-ventures.com"}
    first = (await upsert(attio, "deals", "affinity_id", {**deal, "affinity_id": "k1"})).json()["data"]
    again = (await upsert(attio, "deals", "affinity_id", {"affinity_id": "k1", "name": "Other"})).json()["data"]
    assert again["id"] == first["id"]
    assert again["values"]["stage"][0]["status"]["title"] == "Lead"
    upper = (await upsert(attio, "deals", "affinity_id", {**deal, "affinity_id": "K1"})).json()["data"]
    assert upper["id"] != first["id"]
    assert (await create(attio, "deals", {**deal, "affinity_id": "k1"})).json()["code"] == "uniqueness_conflict"
    incomplete = await upsert(attio, "deals", "affinity_id", {"affinity_id": "k2"})
    assert incomplete.json()["code"] == "missing_value"


async def test_an_upsert_matches_appends_to_the_matching_attribute_and_replaces_others(attio: httpx.AsyncClient):
    domain = fresh_domain()
    first = {"email_addresses": [f"a@{domain}"], "phone_numbers": ["+14155550132"], "job_title": "CEO"}
    made = (await upsert(attio, "people", "email_addresses", first)).json()["data"]
    second = {"email_addresses": [f"A@{domain}", f"b@{domain}"], "phone_numbers": ["+14155550133"]}
    again = (await upsert(attio, "people", "email_addresses", second)).json()["data"]
    assert again["id"] == made["id"]
    assert emails(again) == [f"a@{domain}", f"b@{domain}"]
    assert [value["phone_number"] for value in again["values"]["phone_numbers"]] == ["+14155550133"]
    assert again["values"]["job_title"][0]["value"] == "CEO"


async def test_upserts_that_cannot_match_say_why(attio: httpx.AsyncClient):
    domain = fresh_domain()
    for letter in "ab":
        await created(attio, "people", {"email_addresses": [f"{letter}@{domain}"]})
    cases = [
        ("nothing", {"name": "X"}, "value_not_found"),
        ("job_title", {"job_title": "X"}, "matching_attribute_definition_not_unique"),
        ("email_addresses", {"name": "X"}, "missing_value"),
        ("email_addresses", {"email_addresses": [f"a@{domain}", f"b@{domain}"]}, "multiple_match_results"),
    ]
    for matching, values, code in cases:
        answer = await upsert(attio, "people", matching, values)
        assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_a_patch_puts_new_values_first_and_a_put_replaces_all(attio: httpx.AsyncClient):
    domain = fresh_domain()
    person = await created(attio, "people", {"email_addresses": [f"a@{domain}", f"b@{domain}"]})
    path = f"/v2/objects/people/records/{person['id']['record_id']}"
    values = {"email_addresses": [f"c@{domain}", f"B@{domain}"]}
    patched = (await attio.patch(path, json={"data": {"values": values}})).json()["data"]
    assert emails(patched) == [f"c@{domain}", f"a@{domain}", f"b@{domain}"]
    replaced = (await attio.put(path, json={"data": {"values": values}})).json()["data"]
    assert emails(replaced) == [f"c@{domain}", f"b@{domain}"]
    freed = await create(attio, "people", {"email_addresses": [f"a@{domain}"]})
    assert freed.status_code == 200


async def test_a_company_and_its_team_mirror_each_other(attio: httpx.AsyncClient):
    first = await created(attio, "companies", {"domains": [fresh_domain()]})
    second = await created(attio, "companies", {"domains": [fresh_domain()]})
    reference = {"target_object": "companies", "target_record_id": first["id"]["record_id"]}
    person = await created(attio, "people", {"name": "Ada", "company": reference})
    person_id = person["id"]["record_id"]

    async def team(company: dict[str, Any]) -> list[str]:
        found = await read(attio, "companies", company["id"]["record_id"])
        return [value["target_record_id"] for value in found["values"]["team"]]

    assert await team(first) == [person_id]
    member = {"target_object": "people", "target_record_id": person_id}
    path = f"/v2/objects/companies/records/{second['id']['record_id']}"
    await attio.patch(path, json={"data": {"values": {"team": [member]}}})
    assert await team(first) == []
    assert await team(second) == [person_id]
    moved = await read(attio, "people", person_id)
    assert moved["values"]["company"][0]["target_record_id"] == second["id"]["record_id"]

    assert (await attio.delete(path)).json() == {}
    assert (await read(attio, "people", person_id))["values"]["company"] == []


async def test_references_can_name_a_record_by_a_unique_value(attio: httpx.AsyncClient):
    domain = fresh_domain()
    company = await created(attio, "companies", {"domains": [domain]})
    forms = [domain, {"target_object": "companies", "domains": [{"domain": domain}]}]
    for form in forms:
        person = await created(attio, "people", {"name": "Ada", "company": form})
        assert person["values"]["company"][0]["target_record_id"] == company["id"]["record_id"]
    missing = await create(attio, "people", {"name": "Ada", "company": fresh_domain()})
    assert missing.json()["code"] == "value_not_found"


async def test_free_mail_brings_no_company(attio: httpx.AsyncClient):
    before = await count(attio, "companies")
    person = await created(attio, "people", {"email_addresses": [f"ada{next(numbers)}@gmail.com"]})
    assert await count(attio, "companies") == before
    assert (await read(attio, "people", person["id"]["record_id"]))["values"]["company"] == []


async def test_owners_are_members_by_email_or_id(attio: httpx.AsyncClient):
    member = (await attio.get("/v2/workspace_members")).json()["data"][1]
    forms = [
        member["email_address"],
        {"workspace_member_email_address": member["email_address"]},
        {
            "referenced_actor_type": "workspace-member",
            "referenced_actor_id": member["id"]["workspace_member_id"],
        },
    ]
    for owner in forms:
        deal = await created(attio, "deals", {"name": "Deal", "stage": "Lead", "owner": owner})
        assert deal["values"]["owner"][0]["referenced_actor_id"] == member["id"]["workspace_member_id"]
    stranger = await create(attio, "deals", {"name": "Deal", "stage": "Lead", "owner": "nobody@example.com"})
    assert stranger.json()["code"] == "value_not_found"


@pytest.mark.parametrize(
    ("attribute_type", "given", "field", "stored"),
    [
        ("number", 3.25, "value", 3.25),
        ("checkbox", "true", "value", True),
        ("currency", "4.99", "currency_value", 4.99),
        ("currency", {"currency_value": 4.9999}, "currency_value", 4.9999),
        ("number", {"value": -1e-7}, "value", -1e-7),
        ("number", 2**53 + 1, "value", 2**53),
        ("checkbox", {"value": False}, "value", False),
        ("text", {"value": "  ä\n"}, "value", "  ä\n"),
        ("rating", 4, "value", 4),
        ("rating", {"value": 0}, "value", 0),
        ("date", "2023-01-02T23:00:00-10:00", "value", "2023-01-03"),
        ("date", "2023-01", "value", "2023-01-01"),
        ("timestamp", "2023-01-02T13:00:00+02:00", "value", "2023-01-02T11:00:00.000000000Z"),
        ("timestamp", "2023-01-02", "value", "2023-01-02T00:00:00.000000000Z"),
    ],
)
async def test_plain_types_are_stored_as_attio_documents(
    attio: httpx.AsyncClient, attribute_type: str, given: Any, field: str, stored: Any
):
    slug = f"plain_{next(numbers)}"
    attribute = {**PLAIN, "title": slug, "api_slug": slug, "type": attribute_type}
    (await attio.post("/v2/objects/companies/attributes", json={"data": attribute})).raise_for_status()
    record = await created(attio, "companies", {slug: given})
    assert record["values"][slug][0][field] == stored
    refused = await create(attio, "companies", {slug: {"value": []}})
    assert refused.status_code == 400


@pytest.mark.parametrize(
    ("attribute_type", "given"),
    [
        ("number", "3.14"),
        ("number", True),
        ("number", 10**400),
        ("checkbox", "yes"),
        ("checkbox", 1),
        ("currency", 4.99999),
        ("currency", "4,99"),
        ("currency", {"currency_value": 5, "currency_code": "EUR"}),
        ("rating", 6),
        ("rating", -1),
        ("rating", 2.5),
        ("date", "31.01.2024"),
        ("date", "2024-02-30"),
        ("date", "10000-01-01"),
        ("timestamp", "2024-01-31T25:00:00Z"),
        ("text", 5),
        ("text", {"text": "x"}),
        ("select", "x"),
        ("status", {"status": "x"}),
        ("actor-reference", "nobody@x.com"),
        ("actor-reference", {"referenced_actor_type": "api-token", "referenced_actor_id": "x"}),
        ("record-reference", "acme.com"),
        ("domain", "acme"),
        ("email-address", "a@b.test"),
        ("phone-number", {"original_phone_number": "(415) 555-0132", "country_code": "ZZ"}),
        ("location", {"locality": "Berlin"}),
    ],
)
async def test_a_value_of_the_wrong_form_is_refused(attio: httpx.AsyncClient, attribute_type: str, given: Any):
    slug = f"strict_{attribute_type.replace('-', '_')}"
    attribute = {**PLAIN, "title": slug, "api_slug": slug, "type": attribute_type}
    await attio.post("/v2/objects/companies/attributes", json={"data": attribute})
    for value in (given, [given], None):
        answer = await create(attio, "companies", {slug: value})
        assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error")


async def test_a_suspended_member_can_still_be_named(attio: httpx.AsyncClient):
    deal = {"name": "Deal", "stage": "Lead", "owner": "cleo@sandbox-ventures.com"}
    assert (await create(attio, "deals", deal)).status_code == 200


async def test_a_deleted_record_is_gone(attio: httpx.AsyncClient):
    record = await created(attio, "companies", {"name": "Short-lived"})
    path = f"/v2/objects/companies/records/{record['id']['record_id']}"
    assert (await attio.delete(path)).json() == {}
    for answer in (await attio.get(path), await attio.delete(path)):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b'{"values":{}}', b'{"data":{"values":[]}}', b"null"])
async def test_a_body_that_is_none_is_400(attio: httpx.AsyncClient, body: bytes):
    answer = await attio.post("/v2/objects/companies/records", content=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "validation_type"


async def an_attribute(client: httpx.AsyncClient, kind: str) -> str:
    slug = f"by_{kind.replace('-', '_')}_{next(numbers)}"
    data = {**PLAIN, "title": slug, "api_slug": slug, "type": kind}
    (await client.post("/v2/objects/companies/attributes", json={"data": data})).raise_for_status()
    return slug


@pytest.mark.parametrize(
    ("kind", "value"),
    [("text", "A-1"), ("number", 4711), ("phone-number", "+442079460123"), ("domain", "by-domain.com")],
)
async def test_a_reference_may_match_by_an_attribute_that_is_not_unique(
    attio: httpx.AsyncClient, kind: str, value: object
):
    slug = await an_attribute(attio, kind)
    company = await created(attio, "companies", {slug: value})
    for reference in (
        {"target_object": "companies", slug: [value]},
        {"target_object": "companies", "target_record_reference": {"match": {slug: value}}},
        {
            "target_object": "companies",
            "target_record_reference": {"match": {slug: [value]}, "if_multiple_matches": "error"},
        },
    ):
        person = await created(attio, "people", {"company": reference})
        assert person["values"]["company"][0]["target_record_id"] == company["id"]["record_id"]


async def test_a_reference_by_match_needs_exactly_one_record(attio: httpx.AsyncClient):
    slug = await an_attribute(attio, "text")
    by_name = {"target_object": "companies", slug: ["Twice"]}
    none = await create(attio, "people", {"company": by_name})
    assert (none.status_code, none.json()["code"]) == (400, "value_not_found")
    for _ in range(2):
        await created(attio, "companies", {slug: "Twice"})
    for reference in (by_name, {"target_object": "companies", "target_record_reference": {"match": {slug: "Twice"}}}):
        several = await create(attio, "people", {"company": reference})
        assert (several.status_code, several.json()["code"]) == (400, "multiple_match_results")


@pytest.mark.parametrize(
    "reference",
    [
        {"target_record_reference": {}},
        {"target_record_reference": {"match": {}}},
        {"target_record_reference": {"match": {"name": "x", "domains": "x.com"}}},
        {"target_record_reference": {"match": {"name": ["x", "y"]}}},
        {"target_record_reference": {"match": "x"}},
        {"target_record_reference": {"match": {"name": "x"}, "if_multiple_matches": "first"}},
        {"target_record_reference": {"match": {"name": "x"}, "unheard_of": True}},
        {"name": ["x"], "domains": ["x.com"]},
    ],
)
async def test_a_reference_that_is_none_is_refused(attio: httpx.AsyncClient, reference: dict[str, Any]):
    answer = await create(attio, "people", {"company": {"target_object": "companies", **reference}})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_type")
    assert 'slug "company"' in answer.json()["message"]


async def test_a_select_is_no_attribute_to_match_by(attio: httpx.AsyncClient):
    answer = await create(attio, "people", {"company": {"target_object": "companies", "categories": ["SaaS"]}})
    assert answer.json()["code"] == "value_not_found"


async def test_what_an_upsert_creates_has_an_id_that_follows_from_its_key(attio: httpx.AsyncClient):
    domain = fresh_domain()
    made = (await upsert(attio, "companies", "domains", {"domains": [domain]})).json()["data"]["id"]["record_id"]
    plain = (await created(attio, "companies", {}))["id"]["record_id"]
    assert (uuid.UUID(made).version, uuid.UUID(plain).version) == (5, 4)
    await attio.delete(f"/v2/objects/companies/records/{made}")
    again = (await upsert(attio, "companies", "domains", {"domains": [domain]})).json()["data"]["id"]["record_id"]
    assert again == made


async def test_an_upsert_never_takes_the_id_of_a_record_that_once_held_its_key(attio: httpx.AsyncClient):
    domain = fresh_domain()
    made = (await upsert(attio, "companies", "domains", {"domains": [domain]})).json()["data"]["id"]["record_id"]
    change = {"data": {"values": {"domains": [fresh_domain()]}}}
    (await attio.put(f"/v2/objects/companies/records/{made}", json=change)).raise_for_status()
    other = (await upsert(attio, "companies", "domains", {"domains": [domain]})).json()["data"]["id"]["record_id"]
    assert other != made


async def test_moments_have_milliseconds_padded_to_nanoseconds(attio: httpx.AsyncClient):
    company = await created(attio, "companies", {"name": "Acme"})
    for moment in (company["created_at"], company["values"]["name"][0]["active_from"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000000Z", moment)


async def test_an_attribute_takes_any_number_of_values(attio: httpx.AsyncClient):
    addresses = [f"many{number}@{fresh_domain()}" for number in range(250)]
    person = await created(attio, "people", {"email_addresses": addresses})
    assert emails(person) == addresses
