"""API v2: merges of duplicates, and how each ended."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from litestar import get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.collection import Gone, Merged
from freight_sandbox.affinity.errors import AffinityError
from freight_sandbox.affinity.paging import PLAIN, Paging, Properties, cursor_page, filtered
from freight_sandbox.affinity.requests import AnyRequest, decode_body, not_found, positive_integer, versioned
from freight_sandbox.affinity.rows import Company, Entity, Person
from freight_sandbox.affinity.workspace import Workspace


class Merge(msgspec.Struct, frozen=True):
    """One merge. `error` is None for one that succeeded."""

    id: int
    task_id: str
    entity: Entity
    primary_id: int
    duplicate_id: int
    at: str
    error: str | None
    is_listed: bool

    @property
    def status(self) -> str:
        """The status of the merge."""
        return "success" if self.error is None else "failed"


class Merges:
    """The merges of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._merges: list[Merge] = []

    def of(self, entity: Entity) -> list[Merge]:
        """Return the merges of companies or of persons, latest first."""
        return [merge for merge in reversed(self._merges) if merge.entity == entity]

    def begin(self, entity: Entity, primary_id: int, duplicate_id: int) -> Merge:
        """Merge the duplicate into the primary record and return the merge.

        Affinity accepts any pair of ids and finds out later whether it can be merged. Its list of merges omits those
        whose primary record is deleted or global, although their tasks exist.
        """
        error = self._error(entity, primary_id, duplicate_id)
        merge = Merge(
            id=len(self._merges) + 1,
            task_id=str(uuid4()),
            entity=entity,
            primary_id=primary_id,
            duplicate_id=duplicate_id,
            at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            error=error,
            is_listed=self._is_listed(entity, primary_id),
        )
        if error is None:
            self._workspace.merge(entity, duplicate_id, primary_id)
        self._merges.append(merge)
        return merge

    def _error(self, entity: Entity, primary_id: int, duplicate_id: int) -> str | None:
        records = self._workspace.records(entity)
        for name, row_id in (("Primary", primary_id), ("Duplicate", duplicate_id)):
            try:
                row = records.row(row_id)
            except (Gone, Merged):
                return f"{name} {entity} not found"
        if primary_id == duplicate_id:
            return f"A {entity} cannot be merged into itself"
        if isinstance(row, Person) and row.type != "external":
            return "Internal persons and collaborators cannot be merged into others"
        return None

    def _is_listed(self, entity: Entity, primary_id: int) -> bool:
        try:
            row = self._workspace.records(entity).row(primary_id)
        except (Gone, Merged):
            return False
        return not (isinstance(row, Company) and row.is_global)


FEWER = Paging(limit=25)


class CompanyPair(msgspec.Struct, frozen=True, rename="camel"):
    """The company that remains, and the one that is merged into it."""

    primary_company_id: int
    duplicate_company_id: int


class PersonPair(msgspec.Struct, frozen=True, rename="camel"):
    """The person who remains, and the one who is merged into them."""

    primary_person_id: int
    duplicate_person_id: int


@post("/v2/company-merges", status_code=202)
async def merge_companies(request: AnyRequest) -> ASGIResponse:
    """Merge two companies."""
    body = await decode_body(request, CompanyPair)
    return _begun(request, _merges(request).begin("company", body.primary_company_id, body.duplicate_company_id))


@post("/v2/person-merges", status_code=202)
async def merge_persons(request: AnyRequest) -> ASGIResponse:
    """Merge two persons."""
    body = await decode_body(request, PersonPair)
    return _begun(request, _merges(request).begin("person", body.primary_person_id, body.duplicate_person_id))


@get(["/v2/company-merges", "/v2/person-merges"], sync_to_thread=False)
def list_merges(request: AnyRequest) -> ASGIResponse:
    """List merges, latest first."""
    merges = [merge for merge in _merges(request).of(_entity(request)) if merge.is_listed]
    return _page(request, merges, _merge, lambda merge: {"status": merge.status, "taskId": merge.task_id})


@get(["/v2/company-merges/{merge_id:str}", "/v2/person-merges/{merge_id:str}"], sync_to_thread=False)
def get_merge(request: AnyRequest, merge_id: FromPath[str]) -> ASGIResponse:
    """Get a merge."""
    number = positive_integer(merge_id, "mergeId")
    for merge in _merges(request).of(_entity(request)):
        if merge.id == number and merge.is_listed:
            return versioned(request, _merge(merge))
    raise not_found(merge_id, "merge")


@get(["/v2/tasks/company-merges", "/v2/tasks/person-merges"], sync_to_thread=False)
def list_merge_tasks(request: AnyRequest) -> ASGIResponse:
    """List the tasks of merges, latest first."""
    return _page(request, _merges(request).of(_entity(request)), _task, lambda merge: {"status": merge.status})


@get(["/v2/tasks/company-merges/{task_id:str}", "/v2/tasks/person-merges/{task_id:str}"], sync_to_thread=False)
def get_merge_task(request: AnyRequest, task_id: FromPath[str]) -> ASGIResponse:
    """Get the task of a merge."""
    try:
        asked = str(UUID(task_id))
    except ValueError:
        raise AffinityError("validation", "Must be a UUID.", "taskId") from None
    for merge in _merges(request).of(_entity(request)):
        if merge.task_id == asked:
            return versioned(request, _task(merge))
    raise not_found(task_id, "task")


MERGE_OPERATIONS = (
    merge_companies,
    merge_persons,
    list_merges,
    get_merge,
    list_merge_tasks,
    get_merge_task,
)


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
    shown = filtered(request, merges, properties)
    paging = PLAIN if _entity(request) == "company" else FEWER
    return cursor_page(request, range(len(shown)), lambda place: render(shown[place]), paging)


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
