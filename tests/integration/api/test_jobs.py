"""Creating jobs and looking at them."""

from typing import Any
from uuid import uuid4

import pytest

from freight import database, queue
from freight.connectors.protocols import Issue
from freight.domain.migration.records import logs
from freight.domain.migration.records.logs import Entry
from freight.queue import Queue
from freight_sandbox import Sandbox
from support.errors import error_of, fields_of
from support.service import Service, Tenant, job_request

JOBS = "/api/v1/jobs"


async def created(tenant: Tenant, sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    answer = await tenant.client.post(JOBS, json=job_request(sandbox, **changes))
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = answer.json()
    return job


async def end(tenant: Tenant, job: dict[str, Any]) -> None:
    """As a worker would, so that another job over the same workspaces may follow."""
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute("UPDATE jobs SET status = 'completed', completed_at = now() WHERE id = $1", job["id"])


async def test_a_created_job_is_pending_and_found_at_its_location(tenant: Tenant, sandbox: Sandbox) -> None:
    answer = await tenant.client.post(JOBS, json=job_request(sandbox, name="The move", labels={"team": "x"}))
    assert answer.status_code == 201
    job = answer.json()
    assert answer.headers["Location"] == f"{JOBS}/{job['id']}" == job["links"]["self"]
    assert (job["status"], job["stage"], job["progress"]) == ("pending", None, None)
    assert (job["name"], job["labels"]) == ("The move", {"team": "x"})
    assert (job["source_system"], job["target_system"]) == ("affinity", "attio")
    assert job["source_workspace"]["name"] == sandbox.affinity_tenant
    assert job["source_workspace"]["base_url"] == sandbox.affinity_url
    assert job["target_workspace"]["id"] == sandbox.attio_workspace_id
    assert (job["total_records"], job["processed_records"], job["failed_records"]) == (0, 0, 0)
    assert (job["started_at"], job["completed_at"], job["error"]) == (None, None, None)
    assert job["created_at"] <= job["updated_at"]
    found = await tenant.client.get(answer.headers["Location"])
    assert found.status_code == 200
    assert found.json() == job


async def test_what_is_left_out_of_a_request_has_its_default(tenant: Tenant, sandbox: Sandbox) -> None:
    job = await created(tenant, sandbox)
    assert job["batch_size"] == 1000
    assert job["retry_policy"] == {
        "max_attempts": 5,
        "backoff": "exponential",
        "initial_delay": 2,
        "max_delay": 3600,
        "jitter": True,
    }
    assert (job["mode"], job["on_existing"]) == ("full", "fill")
    assert job["entities"] == ["companies", "people", "deals", "lists", "list_entries", "notes", "tasks", "files"]
    assert (job["mapping"], job["sample_size"]) == ({}, None)
    assert (job["name"], job["labels"]) == (None, {})


MAPPING = {
    "companies": {
        "field-1": {"to": "industry", "title": "Industry"},
        "field-2": {"skip": True},
        "field-3": {"type": "text"},
    },
    "lists": {
        "7": {"name": "Deal flow", "stage": "field-4", "fields": {"field-5": {"to": "round"}}},
        "8": {"skip": True},
    },
    "only_lists": ["7"],
    "default_owner": "jane@example.com",
    "notes": "all",
}


async def test_a_mapping_is_shown_as_it_was_given(tenant: Tenant, sandbox: Sandbox) -> None:
    job = await created(tenant, sandbox, mapping=MAPPING)
    assert job["mapping"] == MAPPING
    assert (await tenant.client.get(job["links"]["self"])).json()["mapping"] == MAPPING


async def test_a_sample_has_a_size_and_other_jobs_have_none(tenant: Tenant, sandbox: Sandbox) -> None:
    for changes, size in (
        ({"mode": "sample"}, 10),
        ({"mode": "sample", "sample_size": 25}, 25),
        ({"mode": "dry_run"}, None),
    ):
        job = await created(tenant, sandbox, **changes)
        assert (job["mode"], job["sample_size"]) == (changes["mode"], size)
        found = (await tenant.client.get(JOBS, params={"mode": job["mode"], "limit": 1})).json()["items"]
        assert [one["id"] for one in found] == [job["id"]]
        await end(tenant, job)


@pytest.mark.parametrize(
    "changes", [{"sample_size": 5}, {"mode": "dry_run", "sample_size": 5}, {"mode": "sample", "sample_size": 0}]
)
async def test_a_sample_size_that_does_not_fit_the_job_is_422(
    changes: dict[str, Any], tenant: Tenant, sandbox: Sandbox
) -> None:
    error = error_of(await tenant.client.post(JOBS, json=job_request(sandbox, **changes)), 422)
    assert list(fields_of(error)) == ["sample_size"]


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ({"companies": {"field-1": {"title": "   "}}}, "mapping.companies.field-1.title"),
        ({"lists": {"5": {"name": "\t"}}}, "mapping.lists.5.name"),
        ({"default_owner": ""}, "mapping.default_owner"),
        ({"default_owner": "Ada"}, "mapping.default_owner"),
    ],
)
async def test_blank_titles_and_what_is_no_address_are_422(
    mapping: dict[str, Any], field: str, tenant: Tenant, sandbox: Sandbox
) -> None:
    error = error_of(await tenant.client.post(JOBS, json=job_request(sandbox, mapping=mapping)), 422)
    assert list(fields_of(error)) == [field]


async def test_a_job_says_which_key_created_it_but_never_a_whole_key(tenant: Tenant, sandbox: Sandbox) -> None:
    answer = await tenant.client.post(JOBS, json=job_request(sandbox))
    started_by = answer.json()["started_by"]
    assert tenant.key[:17] in started_by
    for key in (tenant.key, sandbox.affinity_key, sandbox.attio_key):
        assert key not in answer.text


async def test_workers_are_rung_for_a_new_job(tenant: Tenant, service: Service, sandbox: Sandbox) -> None:
    redis = queue.connect(service.settings.redis_url or "")
    before = await Queue(redis).depth()
    await created(tenant, sandbox)
    assert await Queue(redis).depth() == before + 1
    await redis.aclose(close_connection_pool=True)


async def test_a_workspace_id_that_is_the_key_s_own_is_accepted(tenant: Tenant, sandbox: Sandbox) -> None:
    request = job_request(sandbox)
    request["target_config"]["workspace_id"] = sandbox.attio_workspace_id
    assert (await tenant.client.post(JOBS, json=request)).status_code == 201


async def test_a_workspace_id_that_is_not_the_key_s_own_is_refused(tenant: Tenant, sandbox: Sandbox) -> None:
    request = job_request(sandbox)
    request["target_config"]["workspace_id"] = str(uuid4())
    error = error_of(await tenant.client.post(JOBS, json=request), 422)
    assert fields_of(error) == {"target_config.workspace_id": "validation_error"}


@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_vendor_s_key_that_does_not_work_is_400_and_named(side: str, tenant: Tenant, sandbox: Sandbox) -> None:
    request = job_request(sandbox)
    request[f"{side}_config"]["api_key"] = "not-the-key"
    error = error_of(await tenant.client.post(JOBS, json=request), 400)
    assert error["error"] == "credentials_refused"
    assert fields_of(error) == {f"{side}_config.api_key": "credentials_refused"}
    assert (await tenant.client.get(JOBS)).json()["total"] == 0


@pytest.mark.parametrize("key", ["with\nline break", "with\0nul", "ключ", " "])
async def test_a_vendor_s_key_that_no_header_can_hold_is_400(key: str, tenant: Tenant, sandbox: Sandbox) -> None:
    request = job_request(sandbox)
    request["source_config"]["api_key"] = key
    error = error_of(await tenant.client.post(JOBS, json=request), 400)
    assert fields_of(error) == {"source_config.api_key": "credentials_refused"}
    assert key not in error["message"] or key == " "


@pytest.mark.parametrize(
    "base_url",
    [
        "http://169.254.169.254/latest",
        "http://127.0.0.1:1",
        "https://api.affinity.co.example.com",
        "http://api.affinity.co",
        "file:///etc/passwd",
        "https://api.affinity.co/\0",
        "https://[",
        "",
    ],
)
async def test_a_base_url_that_is_not_the_vendor_s_is_refused_and_never_called(
    base_url: str, tenant: Tenant, sandbox: Sandbox
) -> None:
    request = job_request(sandbox)
    request["source_config"]["base_url"] = base_url
    error = error_of(await tenant.client.post(JOBS, json=request), 422)
    assert fields_of(error) == {"source_config.base_url": "validation_error"}


async def test_a_password_in_a_base_url_is_not_repeated(tenant: Tenant, sandbox: Sandbox) -> None:
    request = job_request(sandbox)
    request["source_config"]["base_url"] = "https://user:hunter2@example.com"
    answer = await tenant.client.post(JOBS, json=request)
    error_of(answer, 422)
    assert "hunter2" not in answer.text


async def test_a_second_live_job_over_the_same_workspaces_is_refused_with_the_first_one_s_id(
    tenant: Tenant, sandbox: Sandbox
) -> None:
    first = await created(tenant, sandbox)
    error = error_of(await tenant.client.post(JOBS, json=job_request(sandbox)), 409)
    assert error["error"] == "live_job_exists"
    assert [detail["message"] for detail in error["details"] if detail["type"] == "job_id"] == [first["id"]]
    await end(tenant, first)
    assert (await created(tenant, sandbox))["id"] != first["id"]


async def test_jobs_are_listed_newest_first_in_pages(tenant: Tenant, sandbox: Sandbox) -> None:
    ids = []
    for _ in range(3):
        job = await created(tenant, sandbox)
        await end(tenant, job)
        ids.insert(0, job["id"])
    first = (await tenant.client.get(JOBS, params={"limit": 2})).json()
    assert [job["id"] for job in first["items"]] == ids[:2]
    assert (first["total"], first["limit"], first["offset"], first["pages"]) == (3, 2, 0, 2)
    assert (first["has_more"], first["current_page"], first["links"]["previous"]) == (True, 1, None)
    second = (await tenant.client.get(first["links"]["next"])).json()
    assert [job["id"] for job in second["items"]] == ids[2:]
    assert (second["has_more"], second["current_page"], second["links"]["next"]) == (False, 2, None)
    assert (await tenant.client.get(second["links"]["previous"])).json() == first
    assert (await tenant.client.get(first["links"]["self"])).json() == first


async def test_the_list_can_be_filtered_by_status_and_its_links_keep_the_filter(
    tenant: Tenant, sandbox: Sandbox
) -> None:
    for _ in range(2):
        await end(tenant, await created(tenant, sandbox))
    pending = await created(tenant, sandbox)
    answer = (await tenant.client.get(JOBS, params={"status": "pending"})).json()
    assert [job["id"] for job in answer["items"]] == [pending["id"]]
    completed = (await tenant.client.get(JOBS, params={"status": "completed", "limit": 1})).json()
    assert completed["total"] == 2
    following = (await tenant.client.get(completed["links"]["next"])).json()
    assert [job["status"] for job in following["items"]] == ["completed"]


async def test_a_tenant_without_jobs_has_an_empty_list(tenant: Tenant) -> None:
    page = (await tenant.client.get(JOBS)).json()
    assert (page["items"], page["total"], page["pages"], page["has_more"]) == ([], 0, 0, False)


async def test_a_job_counts_what_became_of_its_records(tenant: Tenant, sandbox: Sandbox) -> None:
    job = await created(tenant, sandbox)
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(
            """INSERT INTO streams (id, tenant_id, job_id, entity, done, read_records, created_records, updated_records,
                                    unchanged_records, skipped_records, failed_records)
               VALUES ($1, $2, $3, 'companies', false, 10, 1, 1, 1, 1, 1)""",
            uuid4(),
            tenant.id,
            job["id"],
        )
        await tx.execute("UPDATE jobs SET total_records = 10, processed_records = 5 WHERE id = $1", job["id"])
    found = (await tenant.client.get(job["links"]["self"])).json()
    assert found["counts"] == [
        {"entity": "companies", "read": 10, "created": 1, "updated": 1, "unchanged": 1, "skipped": 1, "failed": 1}
    ]
    assert found["progress"] == 0.5
    assert (await tenant.client.get(JOBS)).json()["items"][0]["counts"] == found["counts"]


async def test_a_job_that_failed_says_why(tenant: Tenant, sandbox: Sandbox) -> None:
    job = await created(tenant, sandbox)
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(
            "UPDATE jobs SET status = 'failed', error_code = 'credentials_refused', error_message = 'x' WHERE id = $1",
            job["id"],
        )
    found = (await tenant.client.get(job["links"]["self"])).json()
    assert found["error"] == {"code": "credentials_refused", "message": "x"}


async def test_a_job_s_log_is_read_oldest_first_filtered_and_in_pages(tenant: Tenant, sandbox: Sandbox) -> None:
    job = await created(tenant, sandbox)
    rows = [("companies", "warning", "a"), ("people", "warning", "a"), ("people", "error", "b"), (None, "info", "c")]
    async with database.as_tenant(tenant.id) as tx:
        entries = [
            Entry(entity=entity, source_id="1", issue=Issue(level=level, code=code, message="A sentence."))  # type: ignore[arg-type]
            for entity, level, code in rows
        ]
        await logs.write(tx, tenant.id, job["id"], entries)

    async def read(**filters: Any) -> list[tuple[str | None, str, str]]:
        answer = await tenant.client.get(job["links"]["logs"], params=filters)
        assert answer.status_code == 200, answer.text
        return [(row["entity"], row["level"], row["code"]) for row in answer.json()["items"]]

    assert await read() == rows
    assert await read(entity="people") == rows[1:3]
    assert await read(level="warning", code="a") == rows[:2]
    assert await read(limit=2, offset=1) == rows[1:3]
    page = (await tenant.client.get(job["links"]["logs"], params={"level": "warning", "limit": 1})).json()
    assert (page["total"], page["has_more"]) == (2, True)
    assert (await tenant.client.get(page["links"]["next"])).json()["items"][0]["entity"] == "people"
