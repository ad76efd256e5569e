"""API v1: lists, which are not paged, and their entries, which are on request."""

from typing import Any

from litestar import get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.requests import AnyRequest, found_list, workspace_of
from freight_sandbox.affinity.v1 import shapes
from freight_sandbox.affinity.v1.fields import fields_told, numbered
from freight_sandbox.affinity.v1.paging import PAGE_PARAMETERS, page_answer
from freight_sandbox.control import answer


@get("/lists", sync_to_thread=False)
def list_lists(request: AnyRequest) -> ASGIResponse:
    """All lists that the key may see."""
    workspace = workspace_of(request)
    return answer([shapes.workspace_list(workspace, row) for row in workspace.lists])


@get("/lists/{list_id:str}", sync_to_thread=False)
def get_list(request: AnyRequest, list_id: FromPath[str]) -> ASGIResponse:
    """One list with the fields that are its own."""
    workspace = workspace_of(request)
    row = found_list(workspace, list_id)
    return answer(
        {**shapes.workspace_list(workspace, row), "fields": numbered(fields_told(workspace, row.type, row.id))}
    )


@get("/lists/{list_id:str}/list-entries", sync_to_thread=False)
def list_entries(request: AnyRequest, list_id: FromPath[str]) -> ASGIResponse:
    """All entries of a list or, where a page is asked for, one of them."""
    workspace = workspace_of(request)
    ids = workspace.entries_in(found_list(workspace, list_id).id)

    def render(entry_id: int) -> dict[str, Any]:
        entry = workspace.list_entries.row(entry_id)
        return {**shapes.entry(entry), "entity": shapes.record(workspace.record_of(entry))}

    if PAGE_PARAMETERS.isdisjoint(request.query_params):
        return answer([render(entry_id) for entry_id in ids])
    return page_answer(request, "list_entries", ids, render)
