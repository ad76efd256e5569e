"""API v2: duplicates are merged, and what became of that."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.errors import AffinityError
from freight_sandbox.affinity.filters import Properties, matches
from freight_sandbox.affinity.given import given
from freight_sandbox.affinity.merges import Merge, Merges
from freight_sandbox.affinity.requests import AnyRequest, absent, positive
from freight_sandbox.affinity.rows import Entity
from freight_sandbox.affinity.v2.paging import PLAIN, Paging, page_answer
from freight_sandbox.affinity.v2.versions import versioned

FEWER = Paging(limit=25)


class CompanyPair(msgspec.Struct, frozen=True, rename="camel"):
    """The company that stays, and the one that is merged into it."""

    primary_company_id: int
    duplicate_company_id: int


class PersonPair(msgspec.Struct, frozen=True, rename="camel"):
    """The person who stays, and the one who is merged into them."""

    primary_person_id: int
    duplicate_person_id: int


@post("/v2/company-merges", status_code=202)
async def merge_companies(request: AnyRequest) -> ASGIResponse:
    """Merge two companies."""
    body = await given(request, CompanyPair)
    return _begun(request, _merges(request).begin("company", body.primary_company_id, body.duplicate_company_id))


@post("/v2/person-merges", status_code=202)
async def merge_persons(request: AnyRequest) -> ASGIResponse:
    """Merge two persons."""
    body = await given(request, PersonPair)
    return _begun(request, _merges(request).begin("person", body.primary_person_id, body.duplicate_person_id))


@get(["/v2/company-merges", "/v2/person-merges"], sync_to_thread=False)
def list_merges(request: AnyRequest) -> ASGIResponse:
    """A page of merges, the latest first."""
    merges = [merge for merge in _merges(request).of(_entity(request)) if merge.is_listed]
    return _page(request, merges, _merge, lambda merge: {"status": merge.status, "taskId": merge.task_id})


@get(["/v2/company-merges/{merge_id:str}", "/v2/person-merges/{merge_id:str}"], sync_to_thread=False)
def get_merge(request: AnyRequest, merge_id: FromPath[str]) -> ASGIResponse:
    """One merge."""
    number = positive(merge_id, "mergeId")
    for merge in _merges(request).of(_entity(request)):
        if merge.id == number and merge.is_listed:
            return versioned(request, _merge(merge))
    raise absent(merge_id, "merge")


@get(["/v2/tasks/company-merges", "/v2/tasks/person-merges"], sync_to_thread=False)
def list_merge_tasks(request: AnyRequest) -> ASGIResponse:
    """A page of the tasks of merges, the latest first."""
    return _page(request, _merges(request).of(_entity(request)), _task, lambda merge: {"status": merge.status})


@get(["/v2/tasks/company-merges/{task_id:str}", "/v2/tasks/person-merges/{task_id:str}"], sync_to_thread=False)
def get_merge_task(request: AnyRequest, task_id: FromPath[str]) -> ASGIResponse:
    """The task of one merge."""
    try:
        asked = str(UUID(task_id))
    except ValueError:
        raise AffinityError("validation", "Must be a UUID.", "taskId") from None
    for merge in _merges(request).of(_entity(request)):
        if merge.task_id == asked:
            return versioned(request, _task(merge))
    raise absent(task_id, "task")


def _merges(request: AnyRequest) -> Merges:
    merges: Merges = request.app.state.merges
    return merges


def _entity(request: AnyRequest) -> Entity:
    return "company" if "company-merges" in request.scope["path"] else "person"


def _begun(request: AnyRequest, merge: Merge) -> ASGIResponse:
    origin = f"{request.scope['scheme']}://{request.headers['host']}"
    return versioned(request, {"taskUrl": f"{origin}/v2/tasks/{merge.entity}-merges/{merge.task_id}"}, 202)


def _page(
    request: AnyRequest,
    merges: list[Merge],
    render: Callable[[Merge], dict[str, Any]],
    properties: Callable[[Merge], Properties],
) -> ASGIResponse:
    if (condition := request.query_params.get("filter")) is not None:
        merges = [merge for merge in merges if matches(condition, properties(merge))]
    paging = PLAIN if _entity(request) == "company" else FEWER
    return page_answer(request, range(len(merges)), lambda place: render(merges[place]), paging)


def _merge(merge: Merge) -> dict[str, Any]:
    kind = merge.entity.capitalize()
    return {
        "id": merge.id,
        "status": merge.status,
        "taskId": merge.task_id,
        f"primary{kind}Id": merge.primary_id,
        f"duplicate{kind}Id": merge.duplicate_id,
        "startedAt": merge.at,
        "completedAt": merge.at,
        "errorMessage": merge.error,
    }


def _task(merge: Merge) -> dict[str, Any]:
    failed = int(merge.error is not None)
    summary = {"total": 1, "inProgress": 0, "success": 1 - failed, "failed": failed}
    return {"id": merge.task_id, "status": merge.status, "resultsSummary": summary}
