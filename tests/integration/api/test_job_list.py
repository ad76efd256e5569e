"""Finding jobs again in the list of all."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from freight import database
from freight_sandbox import Sandbox
from support.errors import error_of, fields_of
from support.service import Tenant, job_request

JOBS = "/api/v1/jobs"


@pytest.fixture
async def three(tenant: Tenant, sandbox: Sandbox) -> list[dict[str, Any]]:
    """Three jobs: B, which failed, a, which is completed, and one without a name, which is pending."""
    made = []
    for name, labels, status in (
        ("B: the 50%_move", {"team": "platform", "wave": "1"}, "failed"),
        ("a: the Move", {"team": "platform", "wave": "2:3"}, "completed"),
        (None, {}, "pending"),
    ):
        answer = await tenant.client.post(JOBS, json=job_request(sandbox, name=name, labels=labels))
        made.append(answer.json())
        async with database.as_tenant(tenant.id) as tx:
            await tx.execute("UPDATE jobs SET status = $2 WHERE id = $1", made[-1]["id"], status)
    return made


async def found(tenant: Tenant, jobs: list[dict[str, Any]], **params: Any) -> list[int]:
    """Which of the jobs are listed, in the list's order."""
    answer = await tenant.client.get(JOBS, params=params)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["total"] == len(page["items"])
    ids = [job["id"] for job in jobs]
    return [ids.index(job["id"]) for job in page["items"]]


async def test_the_list_can_be_filtered(tenant: Tenant, three: list[dict[str, Any]]) -> None:
    assert await found(tenant, three) == [2, 1, 0]
    assert await found(tenant, three, status=["failed", "pending"]) == [2, 0]
    assert await found(tenant, three, mode="full") == [2, 1, 0]
    assert await found(tenant, three, name="move") == [1, 0]
    assert await found(tenant, three, name="0%_") == [0]
    assert await found(tenant, three, name="%") == [0]
    assert await found(tenant, three, label="team:platform") == [1, 0]
    assert await found(tenant, three, label=["team:platform", "wave:2:3"]) == [1]
    assert await found(tenant, three, label="team:other") == []
    assert await found(tenant, three, started_by=tenant.key[:12].upper()) == [2, 1, 0]
    assert await found(tenant, three, started_by="somebody") == []
    assert await found(tenant, three, created_after=three[0]["created_at"]) == [2, 1]
    assert await found(tenant, three, created_before=three[2]["created_at"]) == [1, 0]
    local = datetime.fromisoformat(three[1]["created_at"]).astimezone(None) + timedelta(microseconds=1)
    assert await found(tenant, three, created_before=local.isoformat(), status="completed", name="MOVE") == [1]


async def test_the_list_can_be_sorted_and_what_has_no_value_comes_last(
    tenant: Tenant, three: list[dict[str, Any]]
) -> None:
    assert await found(tenant, three, sort="created_at") == [0, 1, 2]
    assert await found(tenant, three, sort="-created_at") == [2, 1, 0]
    assert (await found(tenant, three, sort="name"))[2] == 2
    assert (await found(tenant, three, sort="-name"))[2] == 2
    assert await found(tenant, three, sort="status") == [1, 0, 2]
    await tenant.client.patch(three[0]["links"]["self"], json={"labels": {}})
    assert (await found(tenant, three, sort="-updated_at"))[0] == 0


async def test_the_links_of_a_page_keep_all_filters(tenant: Tenant, three: list[dict[str, Any]]) -> None:
    params = {
        "status": ["failed", "completed"],
        "label": ["team:platform"],
        "name": "the",
        "created_after": "2020-01-01T00:00:00+01:00",
        "sort": "created_at",
        "limit": 1,
    }
    first = (await tenant.client.get(JOBS, params=params)).json()
    second = (await tenant.client.get(first["links"]["next"])).json()
    assert [page["items"][0]["id"] for page in (first, second)] == [three[0]["id"], three[1]["id"]]
    assert (second["total"], second["has_more"]) == (2, False)
    assert (await tenant.client.get(second["links"]["previous"])).json()["items"] == first["items"]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"status": ["running", "asleep"]}, "status"),
        ({"mode": "none"}, "mode"),
        ({"sort": "tenant_id"}, "sort"),
        ({"sort": "created_at; DROP TABLE jobs"}, "sort"),
        ({"name": "\0"}, "name"),
        ({"name": ""}, "name"),
        ({"started_by": "\0"}, "started_by"),
        ({"label": "team"}, "label"),
        ({"label": "te\0am:x"}, "label"),
        ({"label": ["a:1", "a:2"]}, "label"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_after": "2026-01-01T00:00:00"}, "created_after"),
        ({"created_before": "0001-01-01T00:00:00+14:00"}, "created_before"),
    ],
)
async def test_a_filter_that_does_not_fit_is_422(params: dict[str, Any], field: str, tenant: Tenant) -> None:
    error = error_of(await tenant.client.get(JOBS, params=params), 422)
    assert list(fields_of(error)) == [field]
