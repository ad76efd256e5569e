"""API v2: notes and their replies."""

import html
from collections.abc import Callable, Sequence
from typing import Any

from litestar import get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.collection import Collection
from freight_sandbox.affinity.errors import AffinityError
from freight_sandbox.affinity.filters import Properties, matches
from freight_sandbox.affinity.links import links
from freight_sandbox.affinity.requests import AnyRequest, entity_of, found, workspace_of
from freight_sandbox.affinity.rows import Note
from freight_sandbox.affinity.times import in_utc, moment
from freight_sandbox.affinity.v2.paging import Paging, page_answer
from freight_sandbox.affinity.v2.people import company_data, opportunity_data, person_data
from freight_sandbox.affinity.v2.versions import version_of, versioned
from freight_sandbox.affinity.workspace import Workspace

NOTES = Paging(limit=20, least=0, countable=True)
INCLUDES = frozenset({"companiesPreview", "personsPreview", "opportunitiesPreview", "repliesCount"})
INTERACTIONS = ("meeting", "call", "chat-message", "email")
MOST_PREVIEWED = 100


@get("/v2/notes", sync_to_thread=False)
def list_notes(request: AnyRequest) -> ASGIResponse:
    """A page of notes; replies are not among them."""
    return _notes_page(request, workspace_of(request).roots())


@get(
    ["/v2/companies/{row_id:str}/notes", "/v2/persons/{row_id:str}/notes", "/v2/opportunities/{row_id:str}/notes"],
    sync_to_thread=False,
)
def list_record_notes(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """A page of the notes about a record and, of a company, about its people."""
    workspace, entity = workspace_of(request), entity_of(request)
    row = found(workspace.records(entity), row_id, entity)
    keys = [(entity, row.id)]
    if entity == "company":
        keys += [("person", person_id) for person_id in workspace.staff_of(row.id)]
    return _notes_page(request, sorted({note_id for key in keys for note_id in workspace.notes.by(links).get(key, ())}))


@get("/v2/notes/{note_id:str}", sync_to_thread=False)
def get_note(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """One note, or one reply."""
    workspace = workspace_of(request)
    includes = _includes(request)
    return versioned(
        request, note_shape(workspace, found(workspace.notes, note_id, "note"), includes, version_of(request))
    )


@get("/v2/notes/{note_id:str}/replies", sync_to_thread=False)
def list_replies(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """A page of the replies to a note."""
    workspace = workspace_of(request)
    return _notes_page(request, workspace.replies_to(found(workspace.notes, note_id, "note").id))


@get("/v2/notes/{note_id:str}/attached-persons", sync_to_thread=False)
def list_attached_persons(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """A page of the people that a note is about."""
    workspace = workspace_of(request)
    ids = found(workspace.notes, note_id, "note").associated_person_ids
    return _attached(request, workspace.persons, ids, lambda row_id: person_data(workspace, row_id))


@get("/v2/notes/{note_id:str}/attached-companies", sync_to_thread=False)
def list_attached_companies(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """A page of the companies that a note is about."""
    workspace = workspace_of(request)
    ids = found(workspace.notes, note_id, "note").organization_ids
    return _attached(request, workspace.companies, ids, lambda row_id: company_data(workspace, row_id))


@get("/v2/notes/{note_id:str}/attached-opportunities", sync_to_thread=False)
def list_attached_opportunities(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """A page of the opportunities that a note is about."""
    workspace, version = workspace_of(request), version_of(request)
    ids = found(workspace.notes, note_id, "note").opportunity_ids
    rows = workspace.opportunities
    return _attached(request, rows, ids, lambda row_id: opportunity_data(workspace, version, rows.row(row_id)))


def _attached(
    request: AnyRequest, rows: Collection[Any], ids: Sequence[int], render: Callable[[int], object]
) -> ASGIResponse:
    return page_answer(request, sorted(row_id for row_id in ids if row_id in rows), render, NOTES)


def _notes_page(request: AnyRequest, ids: Sequence[int]) -> ASGIResponse:
    workspace, version, includes = workspace_of(request), version_of(request), _includes(request)
    notes = workspace.notes
    if (condition := request.query_params.get("filter")) is not None:
        ids = [row_id for row_id in ids if matches(condition, _properties(notes.row(row_id)))]
    return page_answer(request, ids, lambda row_id: note_shape(workspace, notes.row(row_id), includes, version), NOTES)


def _properties(note: Note) -> Properties:
    return {
        "id": note.id,
        "creator.id": note.creator_id,
        "createdAt": moment(note.created_at),
        "updatedAt": None if note.updated_at is None else moment(note.updated_at),
    }


def _includes(request: AnyRequest) -> list[str]:
    includes = request.query_params.getall("includes", [])
    if unknown := [name for name in includes if name not in INCLUDES]:
        raise AffinityError("validation", f"'{unknown[0]}' cannot be included.", "includes")
    return includes


def note_shape(workspace: Workspace, note: Note, includes: Sequence[str], version: str) -> dict[str, Any]:
    """A note or a reply, with what else was asked for."""
    content: dict[str, Any] = {
        "id": note.id,
        "type": _kind(note),
        "content": {"html": note.html or f"<p>{html.escape(note.content, quote=False)}</p>"},
        "creator": person_data(workspace, note.creator_id or 1),
        "mentions": [
            {"id": number, "type": "person", "person": person_data(workspace, person_id)}
            for number, person_id in enumerate(note.mentioned_person_ids, start=1)
        ],
        "createdAt": in_utc(note.created_at),
        "updatedAt": None if note.updated_at is None else in_utc(note.updated_at),
    }
    if note.interaction_id is not None:
        kind = INTERACTIONS[note.interaction_type or 0]
        content["interaction"] = {"id": note.interaction_id, "type": kind}
    if note.parent_id is not None:
        return {**content, "parent": {"id": note.parent_id}}
    if note.type == 3:
        content["transcriptId"] = None
    return content | {name: _included(workspace, note, name, version) for name in includes}


def _kind(note: Note) -> str:
    if note.parent_id is not None:
        return "ai-notetaker-reply" if note.type == 3 else "user-reply"
    if note.type == 3:
        return "ai-notetaker"
    return "entities" if note.interaction_id is None else "interaction"


def _included(workspace: Workspace, note: Note, name: str, version: str) -> Any:
    if name == "repliesCount":
        return len(workspace.replies_to(note.id))
    if name == "personsPreview":
        return _preview([person_data(workspace, row_id) for row_id in note.associated_person_ids])
    if name == "companiesPreview":
        return _preview([company_data(workspace, row_id) for row_id in note.organization_ids])
    rows = workspace.opportunities
    known = [rows.row(row_id) for row_id in note.opportunity_ids if row_id in rows]
    return _preview([opportunity_data(workspace, version, row) for row in known])


def _preview(data: list[dict[str, Any]]) -> dict[str, Any]:
    return {"data": data[:MOST_PREVIEWED], "totalCount": len(data)}
