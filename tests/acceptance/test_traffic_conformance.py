"""What Freight asks, and what the simulated vendors answer, is as the vendors' own OpenAPI documents say."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from support import everything, migration
from support.service import Service, Tenant
from support.traffic import Exchange, Recorded, recorded
from support.traffic.specification import FOLDER, Specification, specification

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the vendors' OpenAPI documents are not here")

Json = dict[str, Any]

BEYOND_AFFINITY = {
    r"get /v2/files": "in beta since 2026",
    r"get /v2/reminders": "added in May 2026",
    r"get /v2/users": "added in May 2026",
    r"get /v2/.+/fields/.+/dropdown-options": "added in May 2026",
    r"post /v2/(companies|persons)/search": "added in June 2026",
}
"""Operations of Affinity's documentation that are younger than its document of version 2024-01-01."""

BEYOND_ATTIO = {
    r"get /v2/files": "added after March 2026",
    r"post /v2/files/upload": "added after March 2026",
    r"patch /v2/notes/.+": "added on 2026-08-25",
}
"""Operations of Attio's documentation that are younger than its document of March 2026."""

UNDECLARED = {
    "post /v2/objects/{object}/records 409": "Attio's document of October 2026 declares concurrent_write_conflict",
    "put /v2/objects/{object}/records 409": "the same",
    "patch /v2/objects/{object}/records/{record_id} 409": "the same",
}
"""Answers that the documents do not declare, with the reason why they are given nevertheless."""


@dataclass(frozen=True)
class Departure:
    """Something in answers that is known not to be as the document says."""

    what: str
    source: str
    mended: Callable[[Json], Json]
    """Takes an object of an answer, and makes it as it should be; the same object if it is."""


def _with_first_name(part: Json) -> Json:
    return {**part, "firstName": ""} if "firstName" in part and part["firstName"] is None else part


def _with_known_types(part: Json) -> Json:
    match part:
        case {"type": "hologram" | "status-dropdown", "data": _}:
            return {"type": "text", "data": None}
        case {"valueType": "hologram" | "status-dropdown"}:
            return {**part, "valueType": "text"}
        case _:
            return part


def _with_plain_links(part: Json) -> Json:
    match part:
        case {"type": "filterable-text-multi", "data": [{"link": _}, *_] as links}:
            return {**part, "data": [link["link"] for link in links]}
        case _:
            return part


DEPARTURES = (
    Departure(
        "persons without a first name",
        "Affinity's public clients take null for it, as real workspaces have it",
        _with_first_name,
    ),
    Departure(
        "value types that are younger than the document",
        "Affinity's changelog: types were added twice in 2026, and clients are told to expect more",
        _with_known_types,
    ),
    Departure(
        "links in fields of texts",
        "public clients of Affinity saw LinkedIn addresses as objects with `link` and `text`",
        _with_plain_links,
    ),
)


@pytest.fixture(scope="module")
async def workspace(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Recorded]:
    """The workspace with everything, behind relays that keep what passes."""
    async with everything.running(tmp_path_factory.mktemp("everything")) as sandbox, recorded(sandbox) as seen:
        yield seen


async def test_the_requests_and_answers_of_a_whole_migration_are_as_the_vendors_document_them(
    workspace: Recorded, service: Service, tenant: Tenant
) -> None:
    await migration.carry(tenant, workspace.sandbox)
    await migration.carry(tenant, workspace.sandbox)
    met: set[str] = set()
    affinity = Check(specification("affinity-v2"), BEYOND_AFFINITY, met)
    attio = Check(specification("attio-v2"), BEYOND_ATTIO, met)
    findings = {
        *(finding for exchange in workspace.affinity.exchanges() for finding in affinity.findings(exchange)),
        *(finding for exchange in workspace.attio.exchanges() for finding in attio.findings(exchange)),
    }
    assert sorted(findings) == []
    assert met == {departure.what for departure in DEPARTURES}


@dataclass(frozen=True)
class Check:
    """Holds a conversation against a document, but for the known departures."""

    document: Specification
    beyond: dict[str, str]
    met: set[str]
    """What of `DEPARTURES` occurred."""

    def findings(self, exchange: Exchange) -> Iterator[str]:
        request = exchange.request
        # Neither vendor has a document of anything else: Affinity's version 1, and the places where files lie.
        if not request.path.startswith("/v2/"):
            return
        found = self.document.operation(request)
        if found is None:
            name = f"{str(request.start).lower()} {request.path}"
            if not any(re.fullmatch(known, name) for known in self.beyond):
                yield f"{name} is in no document"
            return
        if exchange.answer.has_json:
            exchange.answer.body = msgspec.json.encode(self.mended(exchange.answer.json()))
        for finding in self.document.findings(*found, exchange):
            if finding.removesuffix(" is not declared") not in UNDECLARED:
                yield finding

    def mended(self, part: Any) -> Any:
        if isinstance(part, list):
            return [self.mended(item) for item in part]
        if not isinstance(part, dict):
            return part
        for departure in DEPARTURES:
            mended = departure.mended(part)
            if mended is not part:
                self.met.add(departure.what)
            part = mended
        return {key: self.mended(value) for key, value in part.items()}
