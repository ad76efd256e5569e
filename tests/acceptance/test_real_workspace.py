"""Real companies and people through the whole service: everything arrives, or the log says why it did not.

What the target should hold is worked out here, from what the source's API shows, and not with Freight's own code.
"""

from collections import defaultdict
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path
from typing import Any

import pycountry
import pytest

from freight_sandbox import Sandbox
from freight_sandbox import running as running_sandbox
from support import jobs, real_data, workspaces
from support.sandboxes import sandbox_options
from support.service import Service, Tenant

Values = dict[str, list[Any]]
Logged = dict[str, dict[str, list[str]]]
"""By source id and field, the values and messages of log rows."""

OTHER_NAMES = {"Turkey": "TR", "Democratic Republic of the Congo": "CD", "Russia": "RU"}
"""Countries that the ISO lists under other names."""

SET_BY_THE_TARGET = {"record_id", "created_at", "created_by"}

LOCATION_PARTS = {"streetAddress": "line_1", "city": "locality", "state": "region", "country": "country_code"}


@pytest.fixture(scope="module")
async def workspace(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    """An Affinity with the real rows, and an empty Attio."""
    folder: Path = tmp_path_factory.mktemp("workspace")
    real_data.write_workspace(folder)
    async with running_sandbox(sandbox_options(workspace=folder, unlimited=True)) as sandbox:
        yield sandbox


async def test_every_real_record_arrives_with_every_value_or_the_log_says_why(
    workspace: Sandbox, service: Service, tenant: Tenant
) -> None:
    first = await carry_over(tenant, workspace)
    assert await jobs.logs(tenant, first["id"], code="unknown_option") == []
    counts = {entity: jobs.counts(first, entity) for entity in ("companies", "people")}
    assert (counts["companies"]["read"], counts["people"]["read"]) == (3969, 382)
    for entity, collection, expected_of in (
        ("companies", "companies", company_values),
        ("people", "persons", person_values),
    ):
        rows = await workspaces.in_source(workspace, collection)
        target = await workspaces.in_target(workspace, entity)
        logged = by_record_and_field(await jobs.logs(tenant, first["id"], entity=entity))
        assert counts[entity]["created"] == counts[entity]["read"] == len(rows)
        assert target.keys() == {str(row["id"]) for row in rows}
        for row in rows:
            (record,) = target[str(row["id"])]
            compare(expected_of(row), held(record), logged[str(row["id"])])

    writes = await workspaces.writes_received(workspace)
    second = await carry_over(tenant, workspace)
    assert await workspaces.writes_received(workspace) == writes
    for entity, before in counts.items():
        assert jobs.counts(second, entity)["unchanged"] == before["read"]


async def carry_over(tenant: Tenant, workspace: Sandbox) -> dict[str, Any]:
    job = await jobs.create(tenant, workspace)
    job = await jobs.until_ended(tenant, job["id"], timeout=240)
    assert (job["status"], job["processed_records"]) == ("completed", 4351)
    for counts in job["counts"]:
        assert counts["read"] == sum(counts[name] for name in counts if name not in ("entity", "read"))
    return job


def company_values(row: dict[str, Any]) -> Values:
    """What the target should hold of a company."""
    websites = [row["domain"], *row["domains"]]
    return filled(
        affinity_id=[str(row["id"])],
        name=[row["name"].strip()],
        domains=sorted({host_of(part) for website in websites if website for part in website.split(", ")}),
        description=texts(row, "description"),
        primary_location=places(row)[:1],
        number_of_employees=numbers(row, "number-of-employees"),
        industry=sorted(option["text"] for option in value_of(row, "industry") or []),
        tags=sorted(option["text"] for option in custom_value(row, "Tags") or []),
        other_offices=[place_of(place) for place in custom_value(row, "Other Offices") or []],
    )


def person_values(row: dict[str, Any]) -> Values:
    """What the target should hold of a person."""
    return filled(
        affinity_id=[str(row["id"])],
        name=[(row["firstName"].strip(), row["lastName"].strip())],
        email_addresses=sorted(row["emailAddresses"]),
        phone_numbers=sorted({"+1" + number.replace("-", "") for number in texts(row, "phone-number")}),
        job_title=texts(row, "current-job-title"),
        primary_location=places(row)[:1],
        affinity_twitter=[text for text in [custom_value(row, "Twitter")] if text],
    )


def held(record: dict[str, Any]) -> Values:
    """What the target holds, in the same terms."""
    simple = {"domains": "domain", "email_addresses": "email_address", "phone_numbers": "phone_number"}
    found: Values = {}
    for attribute, values in record["values"].items():
        if attribute in SET_BY_THE_TARGET:
            continue
        if attribute in simple:
            found[attribute] = sorted(value[simple[attribute]] for value in values)
        elif values and values[0]["attribute_type"] == "select":
            found[attribute] = sorted(value["option"]["title"] for value in values)
        elif values and values[0]["attribute_type"] == "location":
            found[attribute] = [{part: value[part] for part in LOCATION_PARTS.values()} for value in values]
        elif attribute == "name" and values and "first_name" in values[0]:
            found[attribute] = [(value["first_name"], value["last_name"]) for value in values]
        else:
            found[attribute] = [value["value"] for value in values]
    return filled(**found)


def compare(expected: Values, found: Values, logged: dict[str, list[str]]) -> None:
    """Nothing was made up, and whatever is lacking is named in the log, by its field and its value."""
    assert found.keys() <= expected.keys()
    for attribute, wanted in expected.items():
        present = found.get(attribute, [])
        if attribute in ("primary_location", "other_offices"):
            compare_places(wanted[0], present, logged, attribute)
            for place in wanted[1:]:
                assert place["locality"] is None or place["locality"] in " ".join(logged[attribute])
            continue
        assert [value for value in present if value not in wanted] == []
        for value in wanted:
            assert value in present or value in " ".join(logged.get(attribute, [])), (attribute, value, logged)


def compare_places(
    wanted: dict[str, Any], present: list[dict[str, Any]], logged: dict[str, list[str]], attribute: str
) -> None:
    found = present[0] if present else dict.fromkeys(wanted)
    for part, value in wanted.items():
        if part == "country_code" and value is not None and found[part] is None:
            assert any(code_of(text) == value for text in logged[attribute])
        else:
            assert found[part] == value, (wanted, found)


def by_record_and_field(rows: list[dict[str, Any]]) -> Logged:
    """The log rows about values, by record and by field."""
    found: Logged = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["field"] is not None:
            found[row["source_id"]][row["field"]] += [row["value"] or "", row["message"]]
    return found


def texts(row: dict[str, Any], slug: str) -> list[str]:
    data = value_of(row, slug)
    given = data if isinstance(data, list) else [data]
    return [text.strip() for text in given if text is not None and text.strip()]


def places(row: dict[str, Any]) -> list[dict[str, Any]]:
    data = value_of(row, "location")
    given = data if isinstance(data, list) else [data]
    return [place_of(place) for place in given if place is not None]


def place_of(place: dict[str, Any]) -> dict[str, Any]:
    return {
        part: code_of(place[name]) if part == "country_code" else place[name] for name, part in LOCATION_PARTS.items()
    }


def numbers(row: dict[str, Any], slug: str) -> list[Any]:
    return [number for number in [value_of(row, slug)] if number is not None]


def value_of(row: dict[str, Any], slug: str) -> Any:
    return next((field["value"]["data"] for field in row["fields"] if field["id"] == f"affinity-data-{slug}"), None)


def custom_value(row: dict[str, Any], name: str) -> Any:
    return next((field["value"]["data"] for field in row["fields"] if field["name"] == name), None)


def host_of(website: str) -> str:
    """The host in what people have entered as a domain: some with a scheme before it, some with a query behind it."""
    return website.strip().lower().removeprefix("https://").removeprefix("www.").partition("?")[0].rstrip(":")


@cache
def code_of(country: str | None) -> str | None:
    if country is None or country in OTHER_NAMES:
        return OTHER_NAMES.get(country or "")
    try:
        return str(pycountry.countries.lookup(country).alpha_2)
    except LookupError:
        return None


def filled(**values: list[Any]) -> Values:
    return {attribute: items for attribute, items in values.items() if items}
