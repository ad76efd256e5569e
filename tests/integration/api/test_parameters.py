"""Query parameters that nothing reads are refused, on every route."""

from uuid import UUID

import pytest

from support import filled
from support.errors import error_of, fields_of
from support.service import Tenant

JOBS = "/api/v1/jobs"
JOB = f"{JOBS}/{UUID(int=1)}"


@pytest.mark.parametrize(
    "path",
    [
        *("/health", "/health/live", "/metrics", JOBS, JOB, "/api/v1/stats", "/api/v1/keys", "/api/v1/audit"),
        *(f"{JOB}/{part}" for part in ("records", "logs", "batches", "stats", "report", "events", "failed")),
        *(f"{JOB}/{part}" for part in ("records/download", "logs/download", "successful", "unprocessed")),
    ],
)
async def test_a_parameter_that_is_not_offered_is_422(path: str, tenant: Tenant) -> None:
    error = error_of(await tenant.client.get(path, params={"colour": "red"}), 422)
    assert fields_of(error) == {"colour": "unknown_parameter"}


async def test_a_change_with_a_parameter_that_is_not_offered_changes_nothing(tenant: Tenant) -> None:
    job = await filled.a_job(tenant, status="failed")
    error_of(await tenant.client.post(f"{JOBS}/{job}/retry", params={"failed_only": "false"}), 422)
    error_of(await tenant.client.delete(f"{JOBS}/{job}", params={"really": "no"}), 422)
    assert (await tenant.client.get(f"{JOBS}/{job}")).json()["status"] == "failed"


async def test_the_answer_names_the_parameter_that_may_be_meant_or_else_all(tenant: Tenant) -> None:
    for given, sentence in (
        ("outcomes", "Unknown parameter. Did you mean outcome?"),
        ("status", "Unknown parameter. Known parameters: code, cursor, entity, limit, offset, outcome, text."),
    ):
        error = error_of(await tenant.client.get(f"{JOB}/records", params={given: "failed"}), 422)
        assert error["details"][0]["message"] == sentence


async def test_a_parameter_given_twice_is_422_unless_it_is_a_list(tenant: Tenant) -> None:
    error = error_of(await tenant.client.get(JOBS, params=[("limit", "1"), ("limit", "2")]), 422)
    assert fields_of(error) == {"limit": "repeated_parameter"}
    several = [("status", "running"), ("status", "failed"), ("label", "a:b"), ("label", "c:d")]
    assert (await tenant.client.get(JOBS, params=several)).status_code == 200


async def test_a_key_is_asked_for_first(tenant: Tenant) -> None:
    assert (await tenant.client.get(JOBS, params={"x": 1}, headers={"X-API-Key": "nonsense"})).status_code == 401


async def test_a_field_that_does_not_exist_is_answered_with_one_that_is_written_like_it(tenant: Tenant) -> None:
    error = error_of(await tenant.client.post(JOBS, json={"source_sistem": "affinity"}), 422)
    messages = {detail["field"]: detail["message"] for detail in error["details"]}
    assert messages["source_sistem"] == "Unknown field. Did you mean source_system?"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"batch_size": 50}, "Must be between 100 and 10000."),
        ({"batch_size": "many"}, "Must be a whole number, not a text."),
        ({"name": "x" * 201}, "Must have at most 200 characters."),
        ({"labels": {str(number): "x" for number in range(51)}}, "Must have at most 50 entries."),
        ({"retry_policy": {"jitter": 1}}, "Must be true or false, not a whole number."),
        ({"retry_policy": {"initial_delay": -1}}, "Must be between 0 and 86400."),
    ],
)
async def test_what_does_not_fit_is_said_in_words_and_not_in_types(body: object, sentence: str, tenant: Tenant) -> None:
    job = await filled.a_job(tenant, status="pending")
    error = error_of(await tenant.client.patch(f"{JOBS}/{job}", json=body), 422)
    assert [detail["message"] for detail in error["details"]] == [sentence]
