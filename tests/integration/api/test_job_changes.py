"""Changing jobs and deleting them."""

from typing import Any

import pytest

from freight import database
from freight_sandbox import Sandbox
from support.errors import error_of, fields_of
from support.service import Tenant, job_request

JOBS = "/api/v1/jobs"


@pytest.fixture
async def job(tenant: Tenant, sandbox: Sandbox) -> dict[str, Any]:
    request = job_request(sandbox, name="First", labels={"team": "a"})
    made: dict[str, Any] = (await tenant.client.post(JOBS, json=request)).json()
    return made


async def bring_into(tenant: Tenant, job: dict[str, Any], status: str) -> None:
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute("UPDATE jobs SET status = $2 WHERE id = $1", job["id"], status)


async def test_everything_but_the_workspaces_can_be_changed_while_a_job_is_pending(
    tenant: Tenant, job: dict[str, Any]
) -> None:
    changes = {
        "name": "Second",
        "labels": {"team": "b"},
        "batch_size": 500,
        "retry_policy": {"max_attempts": 2, "backoff": "fixed", "initial_delay": 1, "max_delay": 5, "jitter": False},
        "on_existing": "skip",
        "entities": ["people"],
        "mapping": {"people": {"field-1": {"to": "nickname"}}, "default_owner": "jane@example.com"},
    }
    answer = await tenant.client.patch(job["links"]["self"], json=changes)
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert {name: changed[name] for name in changes} == changes
    assert changed["updated_at"] > job["updated_at"]
    assert (await tenant.client.get(job["links"]["self"])).json() == changed


async def test_what_is_left_out_of_a_change_stays_and_null_takes_away(tenant: Tenant, job: dict[str, Any]) -> None:
    for changes, expected in (
        ({}, ("First", {"team": "a"})),
        ({"labels": {}}, ("First", {})),
        ({"name": None}, (None, {})),
    ):
        changed = (await tenant.client.patch(job["links"]["self"], json=changes)).json()
        assert (changed["name"], changed["labels"]) == expected
    await tenant.client.patch(job["links"]["self"], json={"entities": ["people"]})
    changed = (await tenant.client.patch(job["links"]["self"], json={"entities": None})).json()
    assert changed["entities"] == job["entities"]
    await tenant.client.patch(job["links"]["self"], json={"mapping": {"notes": "all"}})
    changed = (await tenant.client.patch(job["links"]["self"], json={"mapping": {"only_lists": []}})).json()
    assert changed["mapping"] == {"only_lists": []}
    changed = (await tenant.client.patch(job["links"]["self"], json={"mapping": None})).json()
    assert changed["mapping"] == {}


@pytest.mark.parametrize("status", ["running", "paused", "completed", "completed_with_errors", "failed", "cancelled"])
async def test_later_only_the_name_and_the_labels_can_be_changed(
    status: str, tenant: Tenant, job: dict[str, Any]
) -> None:
    await bring_into(tenant, job, status)
    error = error_of(await tenant.client.patch(job["links"]["self"], json={"batch_size": 200, "name": "Other"}), 409)
    assert "pending" in error["message"]
    assert status in error["message"]
    error_of(await tenant.client.patch(job["links"]["self"], json={"mapping": None}), 409)
    assert (await tenant.client.get(job["links"]["self"])).json()["name"] == "First"
    answer = await tenant.client.patch(job["links"]["self"], json={"name": "Other", "labels": {"x": "y"}})
    assert (answer.json()["name"], answer.json()["labels"]) == ("Other", {"x": "y"})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"batch_size": 99}, "batch_size"),
        ({"batch_size": None}, "batch_size"),
        ({"labels": None}, "labels"),
        ({"name": "a\0b"}, "name"),
        ({"entities": ["pets"]}, "entities[0]"),
        ({"retry_policy": {"max_attempts": 0}}, "retry_policy.max_attempts"),
        ({"status": "completed"}, "status"),
        ({"source_config": {}}, "source_config"),
        ({"mapping": {"companies": {"field-1": {"to": "Not a slug"}}}}, "mapping.companies.field-1.to"),
        ({"mapping": {"lists": {"7": {"fields": {"f": {"type": "x"}}}}}}, "mapping.lists.7.fields.f.type"),
        ({"mode": "sample"}, "mode"),
    ],
)
async def test_a_change_that_does_not_fit_is_422(
    changes: dict[str, Any], field: str, tenant: Tenant, job: dict[str, Any]
) -> None:
    error = error_of(await tenant.client.patch(job["links"]["self"], json=changes), 422)
    assert list(fields_of(error)) == [field]


@pytest.mark.parametrize("status", ["pending", "running", "paused"])
async def test_a_job_that_has_not_ended_cannot_be_deleted(status: str, tenant: Tenant, job: dict[str, Any]) -> None:
    await bring_into(tenant, job, status)
    error = error_of(await tenant.client.delete(job["links"]["self"]), 409)
    assert error["error"] == "state_conflict"
    assert status in error["message"]
    assert "completed" in error["message"]


@pytest.mark.parametrize("status", ["completed", "completed_with_errors", "failed", "cancelled"])
async def test_a_deleted_job_is_found_nowhere_and_its_keys_are_erased(
    status: str, tenant: Tenant, job: dict[str, Any]
) -> None:
    await bring_into(tenant, job, status)
    answer = await tenant.client.delete(job["links"]["self"])
    assert (answer.status_code, answer.content) == (204, b"")
    for path in ("", "/batches", "/logs"):
        error_of(await tenant.client.get(f"{JOBS}/{job['id']}{path}"), 404)
    for action in ("pause", "resume", "cancel", "retry"):
        error_of(await tenant.client.post(f"{JOBS}/{job['id']}/{action}"), 404)
    error_of(await tenant.client.delete(job["links"]["self"]), 404)
    assert (await tenant.client.get(JOBS)).json()["total"] == 0
    async with database.as_tenant(tenant.id) as tx:
        row = await tx.fetchrow("SELECT source_credentials, target_credentials FROM jobs WHERE id = $1", job["id"])
    assert row is not None
    assert (row["source_credentials"], row["target_credentials"]) == (b"", b"")
