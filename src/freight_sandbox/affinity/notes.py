"""Notes that clients write, in either version."""

import html
import re

from freight_sandbox.affinity.given import refused, require_links
from freight_sandbox.affinity.requests import AnyRequest, workspace_of
from freight_sandbox.affinity.rows import Note
from freight_sandbox.affinity.times import moment

HTML = 2
LINE_END = re.compile(r"<br\s*/?>|</(?:p|li)>")
TAG = re.compile(r"<[^>]*>")


def text_of(markup: str) -> str:
    """The text of HTML, a line for each paragraph."""
    return html.unescape(TAG.sub("", LINE_END.sub("\n", markup))).strip()


def add_note(request: AnyRequest, note: Note) -> None:
    """Add a note. Raises `AffinityError` if it hangs on nothing, or on what is not there."""
    workspace = workspace_of(request)
    about = (*note.associated_person_ids, *note.organization_ids, *note.opportunity_ids)
    if note.parent_id is not None:
        if about or note.parent_id not in workspace.notes:
            raise refused(request, "A reply hangs on a note that is there, and on nothing else.", "parent")
    elif not about:
        raise refused(request, "A note needs a person, a company or an opportunity, or a note to reply to.", "persons")
    try:
        moment(note.created_at)
    except ValueError:
        raise refused(request, "The time of creation is no time with an offset.", "createdAt") from None
    require_links(request, note)
    workspace.put("notes", note)


def delete_note_with_replies(request: AnyRequest, note: Note) -> None:
    """Delete a note and the replies to it."""
    workspace = workspace_of(request)
    for row_id in (*workspace.replies_to(note.id), note.id):
        workspace.delete("notes", row_id)
