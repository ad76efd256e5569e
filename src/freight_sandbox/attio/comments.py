"""Comments, in threads on records and list entries, with a chosen author and date."""

import uuid
from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, UnsetType

from freight_sandbox.attio.access import READ_COMMENTS, WRITE_COMMENTS
from freight_sandbox.attio.content import Comment, Thread
from freight_sandbox.attio.errors import AttioError, not_found, refused
from freight_sandbox.attio.moments import backdated, now
from freight_sandbox.attio.requests import AnyRequest, page, read_data, workspace_of
from freight_sandbox.attio.workspace import Workspace
from freight_sandbox.control import answer, error_answer

MOST_COMMENTS = 80
"""The number of comments that are listed with a thread."""


class Author(msgspec.Struct):
    """The author of a comment."""

    type: Literal["workspace-member"]
    id: str


class OnRecord(msgspec.Struct):
    """The record of a new thread."""

    object: str
    record_id: str


class OnEntry(msgspec.Struct):
    """The list entry of a new thread."""

    list: str
    entry_id: str


class NewComment(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A comment to be created: a reply in a thread, or the first comment of a new one."""

    format: Literal["plaintext"]
    content: str
    author: Author
    created_at: str | UnsetType = UNSET
    thread_id: str | UnsetType = UNSET
    record: OnRecord | UnsetType = UNSET
    entry: OnEntry | UnsetType = UNSET


def _camel_case_answer(_: AnyRequest, error: AttioError) -> Response[bytes]:
    """Return the answer of this operation: Attio documents `statusCode` in place of `status_code` for its 400."""
    body = dict(error.body)
    if error.status == 400:
        body = {"statusCode": body.pop("status_code"), **body}
    return error_answer(body, error.status)


@post("/v2/comments", status_code=200, opt=WRITE_COMMENTS, exception_handlers={AttioError: _camel_case_answer})
async def create_comment(request: AnyRequest) -> ASGIResponse:
    """Create a comment."""
    workspace = workspace_of(request)
    new = await read_data(request, NewComment)
    created_at = now() if new.created_at is UNSET else backdated(new.created_at, ("data", "created_at"))
    author = next((one for one in workspace.members if one.id["workspace_member_id"] == new.author.id), None)
    if author is None:
        raise refused(f'Workspace member with ID "{new.author.id}" not found.', "value_not_found")
    thread = _thread_for(workspace, new)
    comment = Comment(
        id=str(uuid.uuid4()), content_plaintext=new.content, author_id=new.author.id, created_at=created_at
    )
    thread.comments.append(comment)
    workspace.threads.put(thread.id, thread, [thread.entry_id or thread.record_id])
    workspace.announce("comment.created", {"comment_id": comment.id})
    return answer({"data": _render_comment(workspace, thread, comment)})


@get("/v2/comments/{comment_id:str}", opt=READ_COMMENTS, sync_to_thread=False)
def get_comment(request: AnyRequest, comment_id: FromPath[str]) -> ASGIResponse:
    """Get a comment."""
    workspace = workspace_of(request)
    return answer({"data": _render_comment(workspace, *_comment(workspace, comment_id))})


@delete("/v2/comments/{comment_id:str}", status_code=200, opt=WRITE_COMMENTS, sync_to_thread=False)
def delete_comment(request: AnyRequest, comment_id: FromPath[str]) -> ASGIResponse:
    """Delete a comment; deleting the first one deletes the thread."""
    workspace = workspace_of(request)
    thread, comment = _comment(workspace, comment_id)
    if comment is thread.comments[0]:
        workspace.threads.remove(thread.id)
    else:
        thread.comments.remove(comment)
    workspace.announce("comment.deleted", {"comment_id": comment_id})
    return answer({})


@get("/v2/threads", opt=READ_COMMENTS, sync_to_thread=False)
def list_threads(request: AnyRequest) -> ASGIResponse:
    """List the threads on a record or a list entry, or all of them."""
    workspace = workspace_of(request)
    shown = page(request, _wanted(request, workspace), default=10, maximum=50)
    return answer({"data": [_render_thread(workspace, thread, MOST_COMMENTS) for thread in shown]})


@get("/v2/threads/{thread_id:str}", opt=READ_COMMENTS, sync_to_thread=False)
def get_thread(request: AnyRequest, thread_id: FromPath[str]) -> ASGIResponse:
    """Get a thread with all of its comments."""
    workspace = workspace_of(request)
    thread = workspace.threads.find(thread_id)
    rendered = _render_thread(workspace, thread, len(thread.comments))
    return answer({"data": rendered, "pagination": {"next_cursor": None}})


COMMENT_OPERATIONS = (create_comment, get_comment, delete_comment, list_threads, get_thread)


def _thread_for(workspace: Workspace, new: NewComment) -> Thread:
    """Return the thread that a comment replies to, or a new one. Raise 400."""
    if [new.thread_id, new.record, new.entry].count(UNSET) != 2:
        raise refused("A comment is on exactly one of: a thread, a record, a list entry.")
    if not isinstance(new.thread_id, UnsetType):
        return _existing_thread(workspace, new.thread_id)
    if not isinstance(new.record, UnsetType):
        return _thread_on_record(workspace, new.record)
    if not isinstance(new.entry, UnsetType):
        return _thread_on_entry(workspace, new.entry)
    raise TypeError("One of the three has just been counted.")


def _existing_thread(workspace: Workspace, thread_id: str) -> Thread:
    found = workspace.threads.items.get(thread_id)
    if found is None:
        raise refused(f'There is no thread with ID "{thread_id}".', "value_not_found")
    return found


def _thread_on_record(workspace: Workspace, target: OnRecord) -> Thread:
    table = workspace.find_table(target.object)
    if table is None or target.record_id not in table.records:
        raise refused(f'Record with ID "{target.record_id}" not found.', "value_not_found")
    return Thread(id=str(uuid.uuid4()), object_id=table.definition.id, record_id=target.record_id)


def _thread_on_entry(workspace: Workspace, target: OnEntry) -> Thread:
    table = workspace.find_list(target.list)
    entry = None if table is None else table.records.get(target.entry_id)
    if table is None or entry is None or entry.parent_record_id is None:
        raise refused(f'Entry with ID "{target.entry_id}" not found.', "value_not_found")
    return Thread(
        id=str(uuid.uuid4()),
        object_id=workspace.tables[table.definition.parent_object].definition.id,
        record_id=entry.parent_record_id,
        list_id=table.definition.id,
        entry_id=entry.id,
    )


def _comment(workspace: Workspace, comment_id: str) -> tuple[Thread, Comment]:
    for thread in workspace.threads.items.values():
        for comment in thread.comments:
            if comment.id == comment_id:
                return thread, comment
    raise not_found("Comment", comment_id, by="ID")


def _wanted(request: AnyRequest, workspace: Workspace) -> Iterable[Thread]:
    given = {name: request.query_params.get(name) for name in ("object", "record_id", "list", "entry_id")}
    for holder, target in (("object", "record_id"), ("list", "entry_id")):
        if (given[holder] is None) != (given[target] is None):
            raise refused(f"{holder} and {target} go together.")
    target_id = given["entry_id"] or given["record_id"]
    return workspace.threads.items.values() if target_id is None else workspace.threads.on(target_id)


def _render_thread(workspace: Workspace, thread: Thread, most: int) -> dict[str, Any]:
    comments = sorted(thread.comments, key=lambda comment: comment.created_at)
    return {
        "id": {"workspace_id": workspace.id, "thread_id": thread.id},
        "comments": [_render_comment(workspace, thread, comment) for comment in comments[:most]],
        "has_more_comments": len(comments) > most,
        "created_at": thread.comments[0].created_at,
    }


def _render_comment(workspace: Workspace, thread: Thread, comment: Comment) -> dict[str, Any]:
    entry = None if thread.entry_id is None else {"entry_id": thread.entry_id, "list_id": thread.list_id}
    return {
        "id": {"workspace_id": workspace.id, "comment_id": comment.id},
        "thread_id": thread.id,
        "content_plaintext": comment.content_plaintext,
        "entry": entry,
        "record": {"record_id": thread.record_id, "object_id": thread.object_id},
        "resolved_at": None,
        "resolved_by": {"type": None, "id": None},
        "created_at": comment.created_at,
        "author": {"type": "workspace-member", "id": comment.author_id},
    }
