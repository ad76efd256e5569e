"""Files and their owners, in both versions."""

from typing import Any

import msgspec
from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET

from freight_sandbox.affinity.paging import COUNTABLE, Properties, cursor_page, filtered, offset_page
from freight_sandbox.affinity.requests import (
    OWNERS,
    AnyRequest,
    find_row,
    ids_about,
    refused,
    require_links,
    versioned,
    workspace_of,
)
from freight_sandbox.affinity.rows import File, in_utc, now, parse_time
from freight_sandbox.affinity.storage import ANY_BYTES, content_type, download_url
from freight_sandbox.control import answer


@get("/entity-files", sync_to_thread=False)
def list_files_v1(request: AnyRequest) -> ASGIResponse:
    """List files, newest first."""
    rows = workspace_of(request).files
    of_owner = set(ids_about(request, rows))
    made = sorted(
        ((parse_time(at), row_id) for at, ids in rows.by(_created_at).items() for row_id in ids), reverse=True
    )
    ids = [row_id for _, row_id in made if row_id in of_owner]
    return offset_page(request, "entity_files", ids, lambda row_id: _file_v1(rows.row(row_id)))


@get("/entity-files/{file_id:str}", sync_to_thread=False)
def get_file_v1(request: AnyRequest, file_id: FromPath[str]) -> ASGIResponse:
    """Get a file's metadata."""
    return answer(_file_v1(find_row(workspace_of(request).files, file_id, "file")))


@get("/entity-files/download/{file_id:str}", sync_to_thread=False)
def download_file_v1(request: AnyRequest, file_id: FromPath[str]) -> ASGIResponse:
    """Redirect to the storage, with a URL that is valid for a minute."""
    file = find_row(workspace_of(request).files, file_id, "file")
    return answer({}, 302, {"location": download_url(request, file)})


@post("/entity-files", status_code=200, request_max_body_size=None)
async def upload_files_v1(request: AnyRequest) -> ASGIResponse:
    """Upload files to one record."""
    form = await request.form()
    uploads = [part for part in form.values() if isinstance(part, UploadFile)]
    subjects = {name: str(form[name]) for name in OWNERS if name in form}
    if not uploads or len(subjects) != 1 or not all(text.isdecimal() for text in subjects.values()):
        raise refused(request, "A file and one of person_id, organization_id, opportunity_id are needed.", "file")
    owners = {name: int(text) for name, text in subjects.items()}
    files = [await _store_upload(request, upload, owners) for upload in uploads]
    return answer({"entity_files": [_file_v1(file) for file in files]})


@get("/v2/files", sync_to_thread=False)
def list_files(request: AnyRequest) -> ASGIResponse:
    """List files."""
    files = workspace_of(request).files
    ids = filtered(request, files.ids, lambda row_id: _properties(files.row(row_id)))
    return cursor_page(request, ids, lambda row_id: _file_v2(files.row(row_id)), COUNTABLE)


@get("/v2/files/{file_id:str}", sync_to_thread=False)
def get_file(request: AnyRequest, file_id: FromPath[str]) -> ASGIResponse:
    """Get a file, with a download URL that is valid for a minute."""
    file = find_row(workspace_of(request).files, file_id, "file")
    return versioned(request, {**_file_v2(file), "downloadUrl": download_url(request, file)})


FILE_OPERATIONS = (
    list_files_v1,
    get_file_v1,
    download_file_v1,
    upload_files_v1,
    list_files,
    get_file,
)


def _created_at(file: File) -> tuple[str]:
    return (file.created_at,)


def _file_v1(file: File) -> dict[str, Any]:
    """Return a file's metadata."""
    content: dict[str, Any] = msgspec.to_builtins(file)
    content.pop("content", None)
    return content


async def _store_upload(request: AnyRequest, upload: UploadFile, owners: dict[str, int]) -> File:
    workspace, content = workspace_of(request), await upload.read()
    file = File(
        id=workspace.files.new_id(),
        name=upload.filename,
        size=len(content),
        created_at=now(),
        uploader_id=workspace.user.id,
        content_type=upload.content_type or UNSET,
        content=content.decode(errors=ANY_BYTES),
        **owners,
    )
    require_links(request, file)
    workspace.put("files", file)
    return file


def _properties(file: File) -> Properties:
    return {"createdAt": parse_time(file.created_at), "creator.id": file.uploader_id}


def _file_v2(file: File) -> dict[str, Any]:
    return {
        "id": file.id,
        "name": file.name,
        "size": file.size,
        "type": content_type(file),
        "creator": None if file.uploader_id is None else {"id": file.uploader_id},
        "createdAt": in_utc(file.created_at),
        "updatedAt": None,
    }
