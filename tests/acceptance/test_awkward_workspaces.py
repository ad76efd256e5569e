"""Workspaces with awkward values: what is usable arrives, the rest is named, no other record suffers.

Each is migrated three times: into an empty target, again, and for a tenant who has no ledger. Only the first writes.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from freight_sandbox import Sandbox, running
from support import adversary, jobs, workspaces
from support.clients import client
from support.sandboxes import sandbox_options
from support.service import Service, Tenant

Values = dict[str, list[Any]]

PARTS = {
    "domain": "domain",
    "email-address": "email_address",
    "phone-number": "phone_number",
    "currency": "currency_value",
}
"""What the value of an attribute is called, where it is not `value`."""


@dataclass(frozen=True)
class Outcome:
    """What the first of the three runs did."""

    job: dict[str, Any]
    companies: dict[str, Values]
    """Plain values by source id and attribute."""
    people: dict[str, Values]
    logs: list[dict[str, Any]]

    def said(self, *codes: str) -> set[tuple[str, str, str | None]]:
        """Code, source id and value of the log rows with these codes."""
        return {(row["code"], row["source_id"], row["value"]) for row in self.logs if row["code"] in codes}

    def about(self, source_id: str) -> set[str]:
        """The codes of what is said of a record's own values."""
        by_the_target = "company_made_by_target"
        return {row["code"] for row in self.logs if row["source_id"] == source_id and row["code"] != by_the_target}


@pytest.fixture
def migrated(service: Service, tenant: Tenant, other_tenant: Tenant, tmp_path: Path) -> Any:
    """Runs a workspace three times and returns what the first run did."""

    async def migrate(
        companies: Sequence[dict[str, Any]] = (),
        persons: Sequence[dict[str, Any]] = (),
        *,
        before: Any = None,
        **changes: Any,
    ) -> Outcome:
        async with vendors(tmp_path, companies, persons) as sandbox:
            if before is not None:
                await before(sandbox)
            job = await completed(tenant, sandbox, **changes)
            logs = await jobs.logs(tenant, job["id"])
            outcome = Outcome(job, await held(sandbox, "companies"), await held(sandbox, "people"), logs)
            written = await workspaces.writes_received(sandbox)
            for same_or_other in (tenant, other_tenant):
                await completed(same_or_other, sandbox, **changes)
                assert await workspaces.writes_received(sandbox) == written
            return outcome

    return migrate


@asynccontextmanager
async def vendors(
    folder: Path, companies: Sequence[dict[str, Any]], persons: Sequence[dict[str, Any]]
) -> AsyncIterator[Sandbox]:
    for name, rows in (("companies", companies), ("persons", [adversary.USER, *persons])):
        (folder / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    async with running(sandbox_options(workspace=folder, unlimited=True)) as sandbox:
        yield sandbox


async def completed(tenant: Tenant, sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    job = await jobs.create(tenant, sandbox, **changes)
    job = await jobs.until_ended(tenant, job["id"])
    assert job["status"] == "completed", job["error"]
    return job


async def held(sandbox: Sandbox, entity: str) -> dict[str, Values]:
    records = await workspaces.in_target(sandbox, entity)
    assert all(len(same) == 1 for same in records.values())
    return {id_: plain(same[0]["values"]) for id_, same in records.items()}


def plain(values: dict[str, list[dict[str, Any]]]) -> Values:
    return {
        slug: [item.get(PARTS.get(item["attribute_type"], "value")) for item in items] for slug, items in values.items()
    }


def company(number: int, name: str, domain: str | None = None, *fields: dict[str, Any]) -> dict[str, Any]:
    domains = [] if domain is None else [domain]
    return {"id": number, "name": name, "domain": domain, "domains": domains, "isGlobal": False, "fields": fields}


def person(number: int, name: str, email: str | None = None, *fields: dict[str, Any]) -> dict[str, Any]:
    emails = [] if email is None else [email]
    return {
        "id": number,
        "firstName": name,
        "lastName": "Person",
        "primaryEmailAddress": email,
        "emailAddresses": emails,
        "type": "external",
        "fields": fields,
    }


def enriched(id_: str, name: str, type_: str, data: object) -> dict[str, Any]:
    value = {"type": type_, "data": data}
    return {"id": id_, "name": name, "type": "enriched", "enrichmentSource": "affinity-data", "value": value}


def own(number: int, name: str, type_: str, data: object) -> dict[str, Any]:
    value = {"type": type_, "data": data}
    return {"id": f"field-{number}", "name": name, "type": "global", "enrichmentSource": None, "value": value}


def description(text: str) -> dict[str, Any]:
    return enriched("affinity-data-description", "Description", "text", text)


def phone(*numbers: str) -> dict[str, Any]:
    return enriched("affinity-data-phone-number", "Phone Number", "filterable-text-multi", list(numbers))


def country(name: str) -> dict[str, Any]:
    place = {"streetAddress": None, "city": None, "state": None, "country": name, "continent": None}
    return enriched("affinity-data-location", "Location", "location-multi", [place])


async def test_a_host_in_two_spellings_is_the_domain_of_the_first_company_and_no_record_is_overwritten(
    migrated: Any,
) -> None:
    spellings = [
        (
            "quelle.co.jp",
            "\uff57\uff57\uff57\uff0e\uff51\uff55\uff45\uff4c\uff4c\uff45\uff0e\uff43\uff4f\uff0e\uff4a\uff50",
        ),
        ("westwind.example.com", "www.www.WestWind.example.com."),
        ("hana\u3002example\u3002com", "https://www\u3002hana\u3002example\u3002com/about"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
    ]
    companies = [
        company(100 + number, f"Company {number}", domain, description(f"Number {number}"))
        for number, domain in enumerate(domain for pair in spellings for domain in pair)
    ]
    outcome = await migrated(companies)
    assert {id_: values["description"] for id_, values in outcome.companies.items()} == {
        str(100 + number): [f"Number {number}"] for number in range(8)
    }
    hosts = ["quelle.co.jp", "westwind.example.com", "hana.example.com", "xn--bcher-kva.example"]
    assert [outcome.companies[str(id_)]["domains"] for id_ in range(100, 108)] == [
        domains for host in hosts for domains in ([host], [])
    ]
    assert outcome.said("claimed_by_another_record") == {
        ("claimed_by_another_record", str(101 + 2 * number), host) for number, host in enumerate(hosts)
    }


async def test_an_unusable_spelling_takes_nothing_from_the_record_with_the_usable_one(migrated: Any) -> None:
    companies = [
        company(101, "Old import", "lace.example.com\u200b"),
        company(102, "Lace", "lace.example.com"),
        company(103, "Soft", "si\u00adlk.example.com"),
        company(104, "Silk", "silk.example.com"),
    ]
    people = [
        person(201, "Joan", "joan@lace.example.com\u2060"),
        person(202, "Joan", "joan@lace.example.com"),
        person(203, "Right", "\u200fbuyer@silk.example.com"),
        person(204, "Space", "space@silk.example.com\u00a0"),
        person(205, "Long", "x" * 2800 + "@silk.example.com"),
    ]
    outcome = await migrated(companies, people)
    assert {id_: values["domains"] for id_, values in outcome.companies.items()} == {
        "101": [], "102": ["lace.example.com"], "103": [], "104": ["silk.example.com"],
    }  # fmt: skip
    assert {id_: values["email_addresses"] for id_, values in outcome.people.items()} == {
        "201": [], "202": ["joan@lace.example.com"], "203": [], "204": ["space@silk.example.com"], "205": [],
    }  # fmt: skip
    named = {(code, id_) for code, id_, _ in outcome.said("invalid_domain", "invalid_email")}
    assert named == {
        ("invalid_domain", "101"), ("invalid_domain", "103"), ("invalid_email", "201"), ("invalid_email", "203"),
        ("invalid_email", "205"),
    }  # fmt: skip
    assert not outcome.said("claimed_by_another_record")


async def test_a_telephone_number_is_the_one_that_is_written_or_is_named(migrated: Any) -> None:
    people = [
        person(201, "Remark", "a@p.example.com", phone("+49 89 636 48018 mobil")),
        person(202, "Letters", "b@p.example.com", phone("+918080808abc")),
        person(203, "Range", "c@p.example.com", phone("+49 30 901820 bis 25")),
        person(204, "Mask", "d@p.example.com", phone("+33 6 7X XX XX 12")),
        person(205, "Vanity", "e@p.example.com", phone("1-800-FLOWERS"), country("United States")),
        person(206, "National", "f@p.example.com", phone("070 123 45 67 (Axel)"), country("Schweden")),
        person(207, "Two", "g@p.example.com", phone("+1 202 224 3121 / +1 202 224 3122 ext. 7")),
        person(
            208,
            "Own",
            "h@p.example.com",
            phone("\u0660\u0663\u0660 \u0669\u0660\u0661\u0668\u0662\u0660"),
            country("DE"),
        ),
    ]
    outcome = await migrated(persons=people)
    assert {id_: values["phone_numbers"] for id_, values in outcome.people.items()} == {
        "201": ["+498963648018"],
        "202": [],
        "203": ["+4930901820"],
        "204": [],
        "205": ["+18003569377"],
        "206": ["+46701234567"],
        "207": ["+12022243121", "+12022243122"],
        "208": ["+4930901820"],
    }
    assert {id_: outcome.about(id_) for id_ in outcome.people} == {
        "201": {"remark_left_out"},
        "202": {"invalid_phone_number"},
        "203": {"remark_left_out"},
        "204": {"invalid_phone_number"},
        "205": {"phone_country_assumed", "phone_rewritten"},
        "206": {"phone_country_assumed", "remark_left_out"},
        "207": {"phone_extension_dropped"},
        "208": {"phone_country_assumed"},
    }


async def test_every_host_in_a_web_address_arrives(migrated: Any) -> None:
    written = {
        "http://https://one.example.com": ["one.example.com"],
        "http:/two.example.com": ["two.example.com"],
        "https://www.three.example.com/ , https://www.four.example.org/": ["three.example.com", "four.example.org"],
        "five.example.com / six.example.org": ["five.example.com", "six.example.org"],
        "http:\\\\seven.example.com": ["seven.example.com"],
        "mailto:info@eight.example.com": ["eight.example.com"],
        "https//nine.example.com": ["nine.example.com"],
        "Ten Ltd., no web site": [],
    }
    companies = [company(100 + number, f"Company {number}", text) for number, text in enumerate(written)]
    outcome = await migrated(companies)
    assert [outcome.companies[str(100 + number)]["domains"] for number in range(8)] == list(written.values())
    assert outcome.said("invalid_domain", "remark_left_out") == {
        ("remark_left_out", "105", "info@eight.example.com"),
        ("invalid_domain", "107", "Ten Ltd., no web site"),
    }


@pytest.mark.parametrize("on_existing", ["fill", "overwrite"])
async def test_a_profile_on_a_platform_is_not_the_platform(migrated: Any, on_existing: str) -> None:
    async def linkedin_exists(sandbox: Sandbox) -> None:
        async with client(sandbox.attio_url, bearer=sandbox.attio_key) as attio:
            body = {"data": {"values": {"domains": ["linkedin.com"], "name": "LinkedIn"}}}
            (await attio.post("/v2/objects/companies/records", json=body)).raise_for_status()

    companies = [
        company(101, "Dawn Dairy", "https://www.linkedin.com/company/dawn-dairy", description("Makes cheese")),
        company(102, "Echo Energy", "https://de.linkedin.com/company/echo"),
        company(103, "Fox Fabrics", "facebook.com/foxfabrics"),
        company(104, "Gate Garden", "https://sites.google.com/view/gate"),
        company(105, "Hill Hotel", "gmail.com"),
        company(106, "Iris", "iris.github.io"),
        company(107, "Jade", "jade.github.io"),
    ]
    outcome = await migrated(companies, before=linkedin_exists, on_existing=on_existing)
    assert {id_: (values["name"], values["domains"]) for id_, values in outcome.companies.items()} == {
        "101": (["Dawn Dairy"], []),
        "102": (["Echo Energy"], []),
        "103": (["Fox Fabrics"], []),
        "104": (["Gate Garden"], []),
        "105": (["Hill Hotel"], []),
        "106": (["Iris"], ["iris.github.io"]),
        "107": (["Jade"], ["jade.github.io"]),
    }
    assert outcome.companies["101"]["linkedin"] == ["https://linkedin.com/company/dawn-dairy"]
    assert outcome.companies["103"]["facebook"] == ["https://facebook.com/foxfabrics"]
    assert {(code, id_) for code, id_, _ in outcome.said("profile_not_a_domain", "free_mail_domain")} == {
        *(("profile_not_a_domain", str(id_)) for id_ in range(101, 105)),
        ("free_mail_domain", "105"),
    }


NUMBERS = {"field-11": {"type": "number"}}


async def test_a_number_in_a_text_that_can_be_read_in_two_ways_is_named(migrated: Any) -> None:
    texts = {
        "0,5": [0.5], "2.345,67": [2345.67], "2,345.67": [2345.67], "2,345": [], "$2,000.50": [2000.5], "(700)": [-700],
        "\u22127": [-7], "2e3": [2000], "\u0664\u066b\u0665": [4.5], "5 678": [5678], "N/A": [], "75%": [75],
    }  # fmt: skip
    companies = [
        company(100 + number, f"Company {number}", None, own(11, "Revenue", "text", text))
        for number, text in enumerate(texts)
    ]
    outcome = await migrated(companies, mapping={"companies": NUMBERS})
    assert [outcome.companies[str(100 + number)]["revenue"] for number in range(len(texts))] == list(texts.values())
    assert outcome.said("ambiguous_number", "value_not_convertible", "unit_left_out") == {
        ("ambiguous_number", "103", "2,345"), ("unit_left_out", "104", "$2,000.50"),
        ("value_not_convertible", "110", "N/A"), ("unit_left_out", "111", "75%"),
    }  # fmt: skip


async def test_every_number_arrives_as_far_as_the_target_can_hold_it_and_the_rest_is_named_with_the_true_reason(
    migrated: Any,
) -> None:
    numbers: list[tuple[object, list[float], str | None]] = [
        (9007199254740993, [9007199254740992], "16 digits"),
        (100000000000000000000, [1e20], None),
        (1e308, [1e308], None),
        (5e-324, [0], "4 decimals"),
        (-0.0, [0], None),
        (0.30000000000000004, [0.3], "4 decimals"),
        (-1e21, [-1e21], None),
        ("NaN", [], "a form that Freight does not know"),
        (True, [], "a form that Freight does not know"),
    ]
    companies = [
        company(100 + number, f"Company {number}", None, own(11, "Amount", "number", given))
        for number, (given, _, _) in enumerate(numbers)
    ]
    companies.append(company(120, "Equal", None, own(12, "Rounds", "number-multi", [1000000, 1000000, 250000])))
    companies.append(company(121, "Alike", None, own(13, "Aliases", "filterable-text-multi", ["two", "two", "three"])))
    outcome = await migrated(companies)
    for number, (_, kept, reason) in enumerate(numbers):
        id_ = str(100 + number)
        assert outcome.companies[id_]["amount"] == kept
        messages = [row["message"] for row in outcome.logs if row["source_id"] == id_]
        assert [(reason or "") in message for message in messages] == ([] if reason is None else [True])
    assert outcome.companies["120"]["rounds"] == ["1000000\n1000000\n250000"]
    assert outcome.companies["121"]["aliases"] == ["two\ntwo\nthree"]
