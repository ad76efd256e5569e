"""Every error has one form, and its right status."""

import json
from typing import Any

import pytest

from freight.api.http.errors import STATUSES
from freight.domain.errors import DomainError
from freight.domain.jobs import search
from freight_sandbox import Sandbox
from support.errors import error_of, fields_of
from support.service import Service, Tenant, job_request

JOBS = "/api/v1/jobs"
JSON = {"Content-Type": "application/json"}


async def test_a_path_that_does_not_exist_is_404(service: Service) -> None:
    async with service.client() as client:
        for path in ("/", "/nothing", "/api", "/api/v1", "/api/v1/nothing", "/health/nothing", "/schema/nothing"):
            assert error_of(await client.get(path), 404)["error"] == "not_found"


async def test_a_method_that_is_not_offered_is_405_and_says_which_are(tenant: Tenant) -> None:
    for path, offered in ((JOBS, {"GET", "HEAD", "POST", "OPTIONS"}), ("/health/live", {"GET", "HEAD", "OPTIONS"})):
        answer = await tenant.client.delete(path)
        assert error_of(answer, 405)["error"] == "method_not_allowed"
        assert set(answer.headers["Allow"].split(", ")) == offered


@pytest.mark.parametrize(
    "job_id", ["01234567-89ab-4cde-8f01-23456789abcd", "1", "not-a-uuid", "%00", "..%2f", "'%20OR%201=1"]
)
@pytest.mark.parametrize("below", ["", "/logs"])
async def test_an_unknown_or_malformed_job_id_is_404(job_id: str, below: str, tenant: Tenant) -> None:
    assert error_of(await tenant.client.get(f"{JOBS}/{job_id}{below}"), 404)["error"] == "not_found"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"source_system": "affinity"', "malformed_json"),
        (b"source_system=affinity", "malformed_json"),
        (b"{}{}", "malformed_json"),
        (b'{"batch_size": NaN}', "malformed_json"),
        (b'{"name": "\\ud800"}', "malformed_json"),
        (b"[" * 10_000, "malformed_json"),
        (b'{"source_system": "\xff\xfe"}', "invalid_utf8"),
        (json.dumps({"name": "x"}).encode("utf-16"), "malformed_json"),
        (b"", "empty_body"),
    ],
)
async def test_a_body_that_is_not_json_is_400(body: bytes, problem: str, tenant: Tenant) -> None:
    error = error_of(await tenant.client.post(JOBS, content=body, headers=JSON), 400)
    assert error["error"] == "malformed_request"
    assert [detail["type"] for detail in error["details"]] == [problem]


async def test_a_body_of_another_type_is_415(tenant: Tenant) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/msgpack", "nonsense"):
        answer = await tenant.client.post(JOBS, content=b"{}", headers={"Content-Type": media_type})
        assert error_of(answer, 415)["error"] == "unsupported_media_type"


async def test_a_body_without_a_type_or_with_a_charset_is_read_as_json(tenant: Tenant) -> None:
    for headers in ({}, {"Content-Type": "application/json; charset=utf-8"}, {"Content-Type": "Application/JSON"}):
        error_of(await tenant.client.post(JOBS, content=b"{}", headers=headers), 422)


async def test_a_body_that_is_too_large_is_413(tenant: Tenant) -> None:
    async def in_chunks() -> Any:
        for _ in range(20):
            yield b" " * 100_000

    for content in (b" " * 2_000_000, in_chunks()):
        answer = await tenant.client.post(JOBS, content=content, headers=JSON)
        assert error_of(answer, 413)["error"] == "body_too_large"


@pytest.mark.parametrize("body", ["[]", "null", "5", '"text"', "true"])
async def test_json_that_is_no_object_is_422(body: str, tenant: Tenant) -> None:
    error = error_of(await tenant.client.post(JOBS, content=body, headers=JSON), 422)
    assert fields_of(error) == {None: "wrong_type"}


async def test_every_wrong_field_is_named_with_its_path(tenant: Tenant) -> None:
    body = {
        "source_system": "salesforce",
        "source_config": {"api_key": 5, "base": "x"},
        "target_config": {"base_url": ["x"]},
        "batch_size": 99,
        "retry_policy": {"max_attempts": "5", "backoff": "never", "initial_delay": -1},
        "mode": None,
        "entities": ["companies", "pets"],
        "mapping": {
            "companies": {"field-1": {"type": "colour", "to": "No slug"}, "field-2": []},
            "people": {"field-3": {"skip": "yes", "into": "x"}},
            "lists": {"7": {"fields": {"field-4": {"title": ""}}}, "8": None},
            "only_lists": ["7", 8],
            "notes": "some",
            "default": {},
        },
        "on_existing": "destroy",
        "name": "n" * 201,
        "labels": {"a": 5},
        "color": "red",
    }
    error = error_of(await tenant.client.post(JOBS, json=body), 422)
    assert error["error"] == "validation_error"
    assert fields_of(error) == {
        "source_system": "invalid_choice",
        "target_system": "missing",
        "source_config.api_key": "wrong_type",
        "source_config.base": "unknown_field",
        "target_config.api_key": "missing",
        "target_config.base_url": "wrong_type",
        "batch_size": "out_of_range",
        "retry_policy.max_attempts": "wrong_type",
        "retry_policy.backoff": "invalid_choice",
        "retry_policy.initial_delay": "out_of_range",
        "mode": "wrong_type",
        "entities[1]": "invalid_choice",
        "mapping.companies.field-1.type": "invalid_choice",
        "mapping.companies.field-1.to": "invalid_text",
        "mapping.companies.field-2": "wrong_type",
        "mapping.people.field-3.skip": "wrong_type",
        "mapping.people.field-3.into": "unknown_field",
        "mapping.lists.7.fields.field-4.title": "out_of_range",
        "mapping.lists.8": "wrong_type",
        "mapping.only_lists[1]": "wrong_type",
        "mapping.notes": "invalid_choice",
        "mapping.default": "unknown_field",
        "on_existing": "invalid_choice",
        "name": "out_of_range",
        "labels[...]": "wrong_type",
        "color": "unknown_field",
    }


@pytest.mark.parametrize("batch_size", [99, 10_001, 0, -1, 10**30, "1000", 1000.5, True, None, [], {}])
async def test_a_batch_size_that_does_not_fit_is_422(batch_size: Any, tenant: Tenant, sandbox: Sandbox) -> None:
    error = error_of(await tenant.client.post(JOBS, json=job_request(sandbox, batch_size=batch_size)), 422)
    assert list(fields_of(error)) == ["batch_size"]


@pytest.mark.parametrize("changes", [{"name": "a\0b"}, {"labels": {"a": "\0"}}, {"labels": {"\0": "a"}}])
async def test_text_that_the_database_cannot_hold_is_422(
    changes: dict[str, Any], tenant: Tenant, sandbox: Sandbox
) -> None:
    error = error_of(await tenant.client.post(JOBS, json=job_request(sandbox, **changes)), 422)
    assert [detail["type"] for detail in error["details"]] == ["invalid_text"]


async def test_a_choice_that_does_not_exist_is_answered_with_those_that_do(tenant: Tenant, sandbox: Sandbox) -> None:
    error = error_of(await tenant.client.post(JOBS, json=job_request(sandbox, entities=["pets"])), 422)
    message = error["details"][0]["message"]
    assert message == "Must be one of: companies, people, deals, lists, list_entries, notes, tasks, files."
    mapping = {"people": {"field-1": {"type": "colour"}}, "notes": "some"}
    error = error_of(await tenant.client.post(JOBS, json=job_request(sandbox, mapping=mapping)), 422)
    assert "checkbox, rating, select" in error["details"][0]["message"]
    assert error["details"][1]["message"] == "Must be one of: one, all."
    error = error_of(await tenant.client.get(JOBS, params={"status": "asleep"}), 422)
    assert "completed_with_errors" in error["details"][0]["message"]


@pytest.mark.parametrize(
    ("parameters", "problems"),
    [
        ({"limit": 0}, {"limit": "out_of_range"}),
        ({"limit": 1001}, {"limit": "out_of_range"}),
        ({"limit": "many"}, {"limit": "wrong_type"}),
        ({"limit": ""}, {"limit": "wrong_type"}),
        ({"limit": 10**30}, {"limit": "out_of_range"}),
        ({"offset": -1}, {"offset": "out_of_range"}),
        ({"offset": 2**63}, {"offset": "out_of_range"}),
        ({"status": "asleep"}, {"status": "invalid_choice"}),
        ({"status": "asleep", "limit": "x", "offset": -1}, {"status": "", "limit": "", "offset": ""}),
    ],
)
async def test_parameters_that_do_not_fit_are_422(
    parameters: dict[str, Any], problems: dict[str, str], tenant: Tenant
) -> None:
    fields = fields_of(error_of(await tenant.client.get(JOBS, params=parameters), 422))
    assert fields.keys() == problems.keys()
    assert all(not kind or fields[field] == kind for field, kind in problems.items())


@pytest.mark.parametrize("parameters", [{"entity": "pets"}, {"level": "loud"}, {"code": "\0"}, {"code": "A B"}])
async def test_filters_of_the_log_that_do_not_fit_are_422(
    parameters: dict[str, str], tenant: Tenant, sandbox: Sandbox
) -> None:
    job = (await tenant.client.post(JOBS, json=job_request(sandbox))).json()
    error = error_of(await tenant.client.get(job["links"]["logs"], params=parameters), 422)
    assert fields_of(error).keys() == parameters.keys()


async def test_a_vendor_that_does_not_answer_is_502(tenant: Tenant, service: Service, sandbox: Sandbox) -> None:
    request = job_request(sandbox)
    # The other vendor's address is allowed, and answers nothing that this one would.
    request["source_config"]["base_url"] = f"{sandbox.attio_url}/nowhere"
    error = error_of(await tenant.client.post(JOBS, json=request), 502)
    assert error["error"] == "vendor_unreachable"


async def test_a_crash_is_500_and_tells_nothing(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("the inside of the machine")

    monkeypatch.setattr(search, "page", crash)
    answer = await tenant.client.get(JOBS)
    assert error_of(answer, 500)["error"] == "internal_error"
    assert "machine" not in answer.text
    assert "RuntimeError" not in answer.text


async def test_a_malformed_host_is_400(service: Service) -> None:
    async with service.client() as client:
        error_of(await client.get("/health/live", headers={"Host": "a b"}), 400)


def test_every_error_of_the_domain_has_a_status() -> None:
    def kinds(kind: type[DomainError]) -> set[type[DomainError]]:
        return {kind}.union(*(kinds(below) for below in kind.__subclasses__()))

    for kind in kinds(DomainError) - {DomainError}:
        assert issubclass(kind, tuple(STATUSES)), kind
