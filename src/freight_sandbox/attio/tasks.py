"""Tasks: a line of text, assigned to members, about records."""

import uuid
from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from litestar import delete, get, patch, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, Meta, UnsetType

from freight_sandbox.attio.access import DELETE_TASKS, READ_TASKS, WRITE_TASKS
from freight_sandbox.attio.automation import LINK_DELAY
from freight_sandbox.attio.content import Assignee, LinkedRecord, Task
from freight_sandbox.attio.errors import AttioError, Path, below, refused
from freight_sandbox.attio.moments import format_moment, moment_of, now
from freight_sandbox.attio.parsing import parse_value
from freight_sandbox.attio.requests import (
    AnyRequest,
    RequestValue,
    flag,
    page,
    read_data,
    require_keys,
    workspace_of,
)
from freight_sandbox.attio.schema import Attribute
from freight_sandbox.attio.values import ActorReference, RecordReference
from freight_sandbox.attio.workspace import Workspace
from freight_sandbox.control import answer
from freight_sandbox.faults import FaultKind, Faults

SORTS = ("created_at:asc", "created_at:desc", "completed_at:asc", "completed_at:desc")


class NewTask(msgspec.Struct, forbid_unknown_fields=True):
    """A task to be created."""

    content: Annotated[str, Meta(max_length=2000)]
    format: Literal["plaintext"]
    deadline_at: str | None
    is_completed: bool
    linked_records: list[Any]
    assignees: list[Any]


class TaskChange(msgspec.Struct, forbid_unknown_fields=True):
    """Changes of a task; its content cannot be changed."""

    deadline_at: str | UnsetType | None = UNSET
    is_completed: bool | UnsetType = UNSET
    linked_records: list[Any] | UnsetType = UNSET
    assignees: list[Any] | UnsetType = UNSET


@get("/v2/tasks", opt=READ_TASKS, sync_to_thread=False)
def list_tasks(request: AnyRequest) -> ASGIResponse:
    """List tasks, oldest first unless another order is requested."""
    workspace = workspace_of(request)
    shown = page(request, _sorted(request, _wanted(request, workspace)), default=500, maximum=500)
    return answer({"data": [_render(workspace, task) for task in shown]})


@post("/v2/tasks", status_code=200, opt=WRITE_TASKS)
async def create_task(request: AnyRequest) -> ASGIResponse:
    """Create a task.

    In recorded traffic of May 2026 the answer to a task that named a person had no links. Whether Attio drops them or
    attaches them later is not known, so there is a fault for each.
    """
    workspace = workspace_of(request)
    new = await read_data(request, NewTask)
    stamp, links = now(), _linked(workspace, new.linked_records)
    dropped, late = (_applies(request, kind) for kind in ("task_links_dropped", "task_links_late"))
    task = Task(
        id=str(uuid.uuid4()),
        content_plaintext=new.content,
        deadline_at=_deadline(new.deadline_at),
        completed_at=stamp if new.is_completed else None,
        linked_records=[] if dropped or late else links,
        assignees=_assigned(workspace, new.assignees),
        created_at=stamp,
    )
    _store(workspace, task)
    workspace.announce("task.created", {"task_id": task.id})
    if late:
        workspace.late.schedule(LINK_DELAY, partial(_link_late, workspace, task.id, links))
    return answer({"data": _render(workspace, task)})


@get("/v2/tasks/{task_id:str}", opt=READ_TASKS, sync_to_thread=False)
def get_task(request: AnyRequest, task_id: FromPath[str]) -> ASGIResponse:
    """Get a task."""
    workspace = workspace_of(request)
    return answer({"data": _render(workspace, workspace.tasks.find(task_id))})


@patch("/v2/tasks/{task_id:str}", opt=WRITE_TASKS)
async def change_task(request: AnyRequest, task_id: FromPath[str]) -> ASGIResponse:
    """Change the deadline of a task, its completion, its records or its assignees."""
    workspace = workspace_of(request)
    change = await read_data(request, TaskChange)
    task = workspace.tasks.find(task_id)
    deadline = task.deadline_at if change.deadline_at is UNSET else _deadline(change.deadline_at)
    linked = task.linked_records if change.linked_records is UNSET else _linked(workspace, change.linked_records)
    assigned = task.assignees if change.assignees is UNSET else _assigned(workspace, change.assignees)
    task.deadline_at, task.linked_records, task.assignees = deadline, linked, assigned
    if change.is_completed is not UNSET:
        task.completed_at = (task.completed_at or now()) if change.is_completed else None
    _store(workspace, task)
    workspace.announce("task.updated", {"task_id": task.id})
    return answer({"data": _render(workspace, task)})


@delete("/v2/tasks/{task_id:str}", status_code=200, opt=DELETE_TASKS, sync_to_thread=False)
def delete_task(request: AnyRequest, task_id: FromPath[str]) -> ASGIResponse:
    """Delete a task permanently."""
    workspace = workspace_of(request)
    workspace.tasks.remove(workspace.tasks.find(task_id).id)
    workspace.announce("task.deleted", {"task_id": task_id})
    return answer({})


TASK_OPERATIONS = (list_tasks, create_task, get_task, change_task, delete_task)


def _store(workspace: Workspace, task: Task) -> None:
    workspace.tasks.put(task.id, task, [link.target_record_id for link in task.linked_records])


def _applies(request: AnyRequest, kind: FaultKind) -> bool:
    faults: Faults = request.app.state.faults
    return faults.applies(kind, request.method, request.scope["path"])


def _link_late(workspace: Workspace, task_id: str, links: list[LinkedRecord]) -> None:
    """Attach the links of a new task, unless it was given others in the meantime."""
    task = workspace.tasks.items.get(task_id)
    if task is not None and not task.linked_records:
        task.linked_records = [
            link for link in links if link.target_record_id in workspace.table(link.target_object_id).records
        ]
        _store(workspace, task)


def _wanted(request: AnyRequest, workspace: Workspace) -> Iterable[Task]:
    object_name, record_id = (request.query_params.get(name) for name in ("linked_object", "linked_record_id"))
    if (object_name is None) != (record_id is None):
        raise refused("linked_object and linked_record_id go together.")
    if object_name is None or record_id is None:
        tasks: Iterable[Task] = workspace.tasks.items.values()
    else:
        tasks = workspace.tasks.on(workspace.record(object_name, record_id)[1].id)
    completed, assignee = flag(request, "is_completed"), request.query_params.get("assignee")
    if completed is not None:
        tasks = (task for task in tasks if (task.completed_at is not None) is completed)
    if assignee is None:
        return tasks
    member = workspace.find_member(assignee)
    wanted = None if member is None else member.id["workspace_member_id"]
    if assignee in {"", "null"}:
        return (task for task in tasks if not task.assignees)
    return (task for task in tasks if wanted in {one.referenced_actor_id for one in task.assignees})


def _sorted(request: AnyRequest, tasks: Iterable[Task]) -> Iterable[Task]:
    sort = request.query_params.get("sort", SORTS[0])
    if sort not in SORTS:
        raise refused(f'Query parameter "sort" must be one of {", ".join(SORTS)}.')
    field, _, direction = sort.partition(":")
    if field == "created_at":
        return tasks if direction == "asc" else reversed(list(tasks))
    return sorted(tasks, key=lambda task: task.completed_at or "", reverse=direction == "desc")


def _deadline(text: str | None) -> str | None:
    return None if text is None else format_moment(moment_of(text, ("data", "deadline_at")))


def _linked(workspace: Workspace, raw: list[Any]) -> list[LinkedRecord]:
    links = [_link(workspace, item, ("data", "linked_records", place)) for place, item in enumerate(raw)]
    return list(dict.fromkeys(links))


def _link(workspace: Workspace, raw: Any, path: Path) -> LinkedRecord:
    """Return the record that is named by an id, a matching attribute, or a plain domain or e-mail address."""
    if isinstance(raw, dict) and "target_record_id" in raw:
        require_keys(raw, ("target_object", "target_record_id"), path=path)
        if workspace.find_list(str(raw["target_object"])) is not None:
            raise refused("Only standard or custom object records can be linked to.")
        table, record = workspace.record(str(raw["target_object"]), str(raw["target_record_id"]))
        return LinkedRecord(table.definition.slug, record.id)
    by_string = None if not isinstance(raw, str) else ["people" if "@" in raw else "companies"]
    attribute = Attribute(
        slug="linked_records", title="Linked records", type="record-reference", allowed_objects=by_string
    )
    found = _parsed(workspace, raw, attribute, path)
    if not isinstance(found, RecordReference):
        raise TypeError("A record reference was expected.")
    return LinkedRecord(found.target_object, found.target_record_id)


def _assigned(workspace: Workspace, raw: list[Any]) -> list[Assignee]:
    attribute = Attribute(slug="assignees", title="Assignees", type="actor-reference")
    found = [_parsed(workspace, item, attribute, ("data", "assignees", place)) for place, item in enumerate(raw)]
    ids = [one.referenced_actor_id for one in found if isinstance(one, ActorReference) and one.referenced_actor_id]
    return [Assignee(member_id) for member_id in dict.fromkeys(ids)]


def _parsed(workspace: Workspace, raw: Any, attribute: Attribute, path: Path) -> object:
    """Parse a reference by the rules of values; for tasks, one to something that does not exist is a 404."""
    try:
        return parse_value(RequestValue(raw, attribute, workspace, now(), workspace.actor))
    except AttioError as error:
        if error.code == "value_not_found":
            raise AttioError(404, "not_found", str(error)) from None
        raise below(error, path) from None


def _render(workspace: Workspace, task: Task) -> dict[str, Any]:
    return {
        "id": {"workspace_id": workspace.id, "task_id": task.id},
        "content_plaintext": task.content_plaintext,
        "deadline_at": task.deadline_at,
        "is_completed": task.completed_at is not None,
        "completed_at": task.completed_at,
        "linked_records": task.linked_records,
        "assignees": task.assignees,
        "created_by_actor": workspace.actor,
        "created_at": task.created_at,
    }
