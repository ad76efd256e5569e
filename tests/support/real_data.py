"""Real companies and people as an Affinity workspace: a folder that the sandbox can be filled from."""

import json
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(os.environ.get("FREIGHT_SHARED") or Path(__file__).parents[3] / "shared")

PLACES_THAT_ARE_NONE = {"Remote", ""}


def write_workspace(folder: Path) -> None:
    """Write companies, persons and their fields as Affinity's v2 API has them; skips the test without the data."""
    data = SHARED / "data"
    if not data.is_dir():
        pytest.skip(f"the real companies and people are not at {data} (FREIGHT_SHARED)")
    companies = [company(row) for row in _read(data / "companies.jsonl")]
    persons = [person(10_000_000 + number, row) for number, row in enumerate(_read(data / "people.jsonl"))]
    for name, rows in (
        ("companies", companies),
        ("persons", persons),
        ("fields", [*_definitions("company", companies), *_definitions("person", persons)]),
    ):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def company(row: dict[str, Any]) -> dict[str, Any]:
    """Return a company of the data as Affinity would return it."""
    domain = row["website"].removeprefix("https://").removeprefix("http://").split("/")[0].removeprefix("www.") or None
    places = [place for text in row["all_locations"].split(";") if (place := _place(text.strip())) is not None]
    return {
        "id": row["id"],
        "name": row["name"],
        "domain": domain,
        "domains": [domain] if domain else [],
        "isGlobal": True,
        "fields": [
            _enriched("description", "Description", "text", row["long_description"] or row["one_liner"] or None),
            _enriched("location", "Location", "location", places[0] if places else None),
            _enriched("number-of-employees", "Number of Employees", "number", row["team_size"]),
            _enriched(
                "industry", "Industry", "dropdown-multi", [_option(row["industry"])] if row["industry"] else None
            ),
            _global(101, "Tags", "dropdown-multi", [_option(tag) for tag in row["tags"]] or None),
            _global(102, "Other Offices", "location-multi", places[1:] or None),
        ],
    }


def person(number: int, row: dict[str, Any]) -> dict[str, Any]:
    """Return an office holder of the data as Affinity would return it: it keeps middle names and suffixes in the two
    names."""
    name, term = row["name"], row["term"]
    first = " ".join(filter(None, (name["first"], name.get("middle"))))
    if "nickname" in name:
        first += f" “{name['nickname']}”"
    numbers = [term.get("phone"), *(office.get("phone") for office in row["offices"])]
    senator = term["type"] == "sen"
    return {
        "id": number,
        "firstName": first,
        "lastName": " ".join(filter(None, (name["last"], name.get("suffix")))),
        "primaryEmailAddress": None,
        "emailAddresses": [],
        "type": "external",
        "fields": [
            _enriched("phone-number", "Phone Number", "filterable-text-multi", [n for n in numbers if n] or None),
            _enriched("current-job-title", "Current Job Title", "text", "Senator" if senator else "Representative"),
            _enriched("location", "Location", "location-multi", [_office(term), *map(_field_office, row["offices"])]),
            _global(201, "Twitter", "text", row["social"].get("twitter")),
        ],
    }


def _office(term: dict[str, Any]) -> dict[str, Any]:
    return {
        "streetAddress": term.get("office"),
        "city": "Washington",
        "state": "DC",
        "country": "United States",
        "continent": "North America",
    }


def _field_office(office: dict[str, Any]) -> dict[str, Any]:
    street = ", ".join(str(office[part]) for part in ("address", "suite", "building") if office.get(part))
    return {
        "streetAddress": street or None,
        "city": office["city"],
        "state": office["state"],
        "country": "United States",
        "continent": "North America",
    }


def _place(text: str) -> dict[str, Any] | None:
    if text in PLACES_THAT_ARE_NONE:
        return None
    city, *rest = (part.strip() for part in text.split(","))
    country = rest[-1] if rest else None
    return {
        "streetAddress": None,
        "city": city,
        "state": rest[0] if len(rest) > 1 else None,
        "country": country,
        "continent": None,
    }


def _option(text: str) -> dict[str, Any]:
    return {"dropdownOptionId": zlib.crc32(text.encode()), "text": text}


def _definitions(entity: str, rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the fields that these rows have, with every option that one of them holds."""
    by_id: dict[str, list[dict[str, Any]]] = {}
    for field in (field for row in rows for field in row["fields"]):
        by_id.setdefault(field["id"], []).append(field)
    for fields in by_id.values():
        first = fields[0]
        yield {
            "entity": entity,
            **{key: first[key] for key in ("id", "name", "type", "enrichmentSource")},
            "valueType": first["value"]["type"],
            "dropdownOptions": [
                {"id": number, "text": text, "rank": None, "color": None}
                for number, text in sorted(
                    {
                        (option["dropdownOptionId"], option["text"])
                        for field in fields
                        if field["value"]["type"] == "dropdown-multi"
                        for option in field["value"]["data"] or ()
                    }
                )
            ],
        }


def _enriched(slug: str, name: str, kind: str, data: object) -> dict[str, Any]:
    return {
        "id": f"affinity-data-{slug}",
        "name": name,
        "type": "enriched",
        "enrichmentSource": "affinity-data",
        "value": {"type": kind, "data": data},
    }


def _global(number: int, name: str, kind: str, data: object) -> dict[str, Any]:
    return {
        "id": f"field-{number}",
        "name": name,
        "type": "global",
        "enrichmentSource": None,
        "value": {"type": kind, "data": data},
    }


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as lines:
        yield from map(json.loads, lines)
