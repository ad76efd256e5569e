"""Whatever a workspace holds arrives or is named, the job ends, and no other record suffers.

`FREIGHT_SEEDS` names further seeds, separated by commas, as in `FREIGHT_SEEDS=11,12,13`.
"""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import idna
import pytest

from freight_sandbox import running as running_sandbox
from support import adversary, jobs, migration, workspaces
from support.everything.definitions import Row
from support.sandboxes import sandbox_options
from support.service import Service, Tenant

SEEDS = [int(seed) for seed in os.environ.get("FREIGHT_SEEDS", "1,2").split(",")]

COLLECTIONS = {"companies": "companies", "people": "persons"}

STANDARD = {
    "affinity-data-phone-number": ("phone_numbers",),
    "affinity-data-description": ("description",),
    "affinity-data-linkedin-url": ("linkedin",),
}
"""Where the facts go that Affinity keeps as fields."""

DAY_OR_NUMBER = re.compile(r"\d{4}-\d\d-\d\d|\+\d+")

SHOWN = 20
"""Characters of a value by which a log row is recognised as one about it."""


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_odd_value_arrives_or_is_named_and_a_second_run_writes_nothing(
    seed: int, service: Service, tenant: Tenant, tmp_path: Path
) -> None:
    rows = adversary.write_workspace(tmp_path, seed)
    async with running_sandbox(sandbox_options(workspace=tmp_path, unlimited=True)) as sandbox:
        job = await jobs.create(tenant, sandbox, retry_policy={"max_attempts": 2})
        job = await jobs.until_ended(tenant, job["id"], timeout=120)
        assert job["error"] is None
        said = await migration.said(tenant, job["id"])
        for entity, collection in COLLECTIONS.items():
            held = await workspaces.in_target(sandbox, entity)
            outcomes = {row["source_id"]: row for row in await migration.records(tenant, job["id"], entity=entity)}
            named = _by_record(said, entity)
            assert outcomes.keys() == {str(row["id"]) for row in rows[collection]}
            for row in rows[collection]:
                source_id = str(row["id"])
                assert list(_neither_held_nor_named(row, held.get(source_id, []), named[source_id])) == []
                if adversary.is_plain(row):
                    assert (outcomes[source_id]["outcome"], named[source_id]) == ("created", [])
        writes = await workspaces.writes_received(sandbox)
        again = await jobs.until_ended(tenant, (await jobs.create(tenant, sandbox))["id"], timeout=120)
        assert again["error"] is None
        assert await workspaces.writes_received(sandbox) == writes


def _by_record(said: list[dict[str, Any]], entity: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in said:
        if row["entity"] == entity:
            found[row["source_id"]].append(row)
    return found


def _neither_held_nor_named(row: Row, records: list[Row], named: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The values of a source row that are neither in the target nor in a row of the log."""
    if any(entry.get("outcome") in ("skipped", "failed") for entry in named):
        return
    assert len(records) == 1, f"{row['id']} is {len(records)} records of the target"
    held = records[0]["values"]
    for names, given in _values(row):
        texts = [text for name in names for item in held.get(name, ()) for text in _texts(item)]
        for value in given:
            shown = _plain(_shown(value))
            if not shown or _is_held(value, shown, texts):
                continue
            if not any(_names(entry, names, value, shown) for entry in named):
                yield names[0], shown[:200]


def _values(row: Row) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """What a row holds: the names that an attribute goes by, and the values for it."""
    if "emailAddresses" in row:
        yield ("email_addresses", "emails", "email"), row["emailAddresses"]
        yield ("name",), [row["firstName"] or "", row["lastName"] or ""]
    else:
        yield ("domains", "domain"), row["domains"]
        yield ("name",), [row["name"]]
    for field in row["fields"]:
        data = field["value"]["data"]
        slug = field["name"].lower().replace(" ", "_")
        yield (*STANDARD.get(field["id"], ()), slug, field["name"]), data if isinstance(data, list) else [data]


def _shown(value: Any) -> str:
    match value:
        case None:
            return ""
        case {"firstName": _} | {"name": _}:
            return str(value["id"])
        case dict():
            # A place: each of its parts is looked at on its own by the connector; the country is enough here.
            return value.get("country") or ""
        case str():
            return value
        case _:
            return str(value)


def _texts(item: Row) -> Iterator[str]:
    """All that a value of the target says; names of hosts also in their own letters."""
    for part in item.values():
        if isinstance(part, str | int | float):
            yield str(part)
            if "xn--" in str(part):
                yield ".".join(idna.decode(label) for label in str(part).rpartition("@")[2].split("."))


def _is_held(value: Any, shown: str, texts: list[str]) -> bool:
    if isinstance(value, dict):
        # References and countries are held as ids and codes: how many there are is compared in other tests.
        return bool(texts)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return any(_number(text) == float(value) for whole in texts for text in whole.split("\n"))
    return any(shown in held or (_is_part(text) and held in shown) for text in texts if (held := _plain(text)))


def _is_part(text: str) -> bool:
    """Whether a text of the target is a date, a number, an address or a host, which stands within what was typed."""
    return " " not in text and ("." in text or bool(DAY_OR_NUMBER.fullmatch(text)))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _names(entry: dict[str, Any], names: tuple[str, ...], given: Any, shown: str) -> bool:
    field = (entry["field"] or "").casefold()
    if not any(name.casefold() in field for name in names):
        return False
    quoted = (entry["value"] or "").strip()
    if quoted and isinstance(given, str) and given.replace("\0", "").strip().startswith(quoted):
        # A row quotes only the beginning of a long value.
        return True
    value = _plain(quoted)
    # A part of what was typed may be named on its own, such as one of two addresses.
    return shown[:SHOWN] in value + _plain(entry["message"]) or bool(value and value in shown)


@cache
def _plain(text: str) -> str:
    """A text as it is compared: letters and digits alone, the same in every width, case and script of digits."""
    kept = (character for character in unicodedata.normalize("NFKC", text).casefold() if character.isalnum())
    return "".join(str(unicodedata.decimal(character, character)) for character in kept)
