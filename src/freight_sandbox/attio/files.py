"""Files: documents on one record, which are downloaded from a signed URL."""

import hashlib
import hmac
import time
import uuid
from typing import Any
from urllib.parse import quote

from litestar import delete, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.attio.access import READ_FILES, WRITE_FILES
from freight_sandbox.attio.content import StoredFile
from freight_sandbox.attio.errors import AttioError, malformed, not_found, refused
from freight_sandbox.attio.moments import now
from freight_sandbox.attio.requests import AnyRequest, integer, workspace_of
from freight_sandbox.attio.workspace import Workspace
from freight_sandbox.control import answer

LARGEST_FILE = 50 * 1024 * 1024
ROOM_FOR_FORM = 64 * 1024
"""The part of a multipart body that is not the file."""
SECONDS_VALID = 300


@post("/v2/files/upload", status_code=201, opt=WRITE_FILES, request_max_body_size=LARGEST_FILE + ROOM_FOR_FORM)
async def upload_file(request: AnyRequest) -> ASGIResponse:
    """Upload a file to a record."""
    workspace = workspace_of(request)
    form = await request.form()
    upload, object_name, record_id = (form.get(name) for name in ("file", "object", "record_id"))
    if not isinstance(upload, UploadFile):
        raise malformed(("file",), "a file")
    for name, text in (("object", object_name), ("record_id", record_id)):
        if not isinstance(text, str):
            raise malformed((name,), "string")
    if form.get("parent_folder_id"):
        raise not_found("Folder", str(form["parent_folder_id"]), by="ID")
    content = await upload.read()
    table, record = workspace.record(str(object_name), str(record_id))
    if len(content) > LARGEST_FILE:
        raise AttioError(413, "validation_type", "A file is 50 MB at most.")
    file = StoredFile(
        id=str(uuid.uuid4()),
        object_slug=table.definition.slug,
        record_id=record.id,
        name=upload.filename,
        content_type=upload.content_type or None,
        content=content,
        created_at=now(),
    )
    workspace.files.put(file.id, file, [record.id])
    return answer({"data": _render(workspace, file)}, 201)


@get("/v2/files", opt=READ_FILES, sync_to_thread=False)
def list_files(request: AnyRequest) -> ASGIResponse:
    """List the files on one record."""
    workspace = workspace_of(request)
    object_name, record_id = (request.query_params.get(name) for name in ("object", "record_id"))
    if object_name is None or record_id is None:
        raise refused('Query parameters "object" and "record_id" are required.')
    _, record = workspace.record(object_name, record_id)
    files = _after(workspace.files.on(record.id), request.query_params.get("cursor"))
    limit = integer(request, "limit", 50, minimum=1, maximum=200) or 50
    next_cursor = files[limit - 1].id if len(files) > limit else None
    shown = [_render(workspace, file) for file in files[:limit]]
    return answer({"data": shown, "pagination": {"next_cursor": next_cursor}})


@get("/v2/files/{file_id:str}", opt=READ_FILES, sync_to_thread=False)
def get_file(request: AnyRequest, file_id: FromPath[str]) -> ASGIResponse:
    """Get a file's metadata."""
    workspace = workspace_of(request)
    return answer({"data": _render(workspace, workspace.files.find(file_id))})


@get("/v2/files/{file_id:str}/download", opt=READ_FILES, sync_to_thread=False)
def download_file(request: AnyRequest, file_id: FromPath[str]) -> ASGIResponse:
    """Redirect to the signed URL of a file's content."""
    workspace = workspace_of(request)
    expires = str(int(time.time()) + SECONDS_VALID)
    signature = _signature(workspace, workspace.files.find(file_id).id, expires)
    place = f"{request.base_url}_storage/{file_id}?expires={expires}&signature={signature}"
    return ASGIResponse(status_code=302, headers={"location": place})


@delete("/v2/files/{file_id:str}", status_code=200, opt=WRITE_FILES, sync_to_thread=False)
def delete_file(request: AnyRequest, file_id: FromPath[str]) -> ASGIResponse:
    """Delete a file permanently."""
    workspace = workspace_of(request)
    workspace.files.remove(workspace.files.find(file_id).id)
    return answer({})


@get("/_storage/{file_id:str}", sync_to_thread=False)
def get_content(request: AnyRequest, file_id: FromPath[str]) -> ASGIResponse:
    """Return the bytes of a file to a client that has its signed URL."""
    workspace = workspace_of(request)
    expires, given = (request.query_params.get(name, "") for name in ("expires", "signature"))
    if not hmac.compare_digest(given.encode(), _signature(workspace, file_id, expires).encode()):
        raise AttioError(403, "unauthorized", "The signature is not valid.", kind="auth_error")
    if int(expires) < time.time():
        raise AttioError(403, "unauthorized", "The address has expired.", kind="auth_error")
    file = workspace.files.find(file_id)
    disposition = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
    return ASGIResponse(
        body=file.content,
        media_type=file.content_type or "application/octet-stream",
        headers={"content-disposition": disposition},
    )


FILE_OPERATIONS = (upload_file, list_files, get_file, download_file, delete_file)


def _after(files: list[StoredFile], cursor: str | None) -> list[StoredFile]:
    if cursor is None:
        return files
    ids = [file.id for file in files]
    if cursor not in ids:
        raise refused("The cursor is not valid.")
    return files[ids.index(cursor) + 1 :]


def _signature(workspace: Workspace, file_id: str, expires: str) -> str:
    return hmac.new(workspace.signing_key, f"{file_id} {expires}".encode(), hashlib.sha256).hexdigest()


def _render(workspace: Workspace, file: StoredFile) -> dict[str, Any]:
    return {
        "id": {"workspace_id": workspace.id, "file_id": file.id},
        "object_id": workspace.tables[file.object_slug].definition.id,
        "object_slug": file.object_slug,
        "record_id": file.record_id,
        "storage_provider": "attio",
        "created_by_actor": workspace.actor,
        "created_at": file.created_at,
        "file_type": "file",
        "name": file.name,
        "content_type": file.content_type,
        "content_size": len(file.content),
        "parent_folder_id": None,
    }
