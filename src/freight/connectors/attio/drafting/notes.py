"""Notes in the form of Attio: on one record, with author, date, other records and replies in the text."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from freight.connectors.attio import values
from freight.connectors.attio.drafting.builder import DraftBuilder, described
from freight.connectors.attio.drafting.markdown import escape, first_line, is_older_form, simplify
from freight.connectors.protocols import Attributes, Draft, Issue
from freight.model.crm import Entity, Note, Reference, Reply

MAX_TITLE_LENGTH = 80
MAX_CONTENT_BYTES = 1_000_000
"""Bytes. Attio refuses larger notes with 413 and does not document the limit."""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Attio documents that it accepts no earlier date."""

ONLY_OWN_COMPANY = Issue(
    code="only_own_company",
    message="This note is attached only to your own company, which Freight skips. If you want it in Attio, attach it "
    "to another record in the source and run the job again.",
)
ONLY_OWN_PEOPLE = Issue(
    code="only_own_people",
    message="This note is attached only to internal users, who are members in Attio and have no notes. If you want it "
    "in Attio, attach it to another record in the source and run the job again.",
)
NO_PARENT = Issue(
    code="no_parent",
    message="None of the records that this note is attached to is in Attio, and a note there needs a record. See the "
    "outcome of those records, or attach the note to another one in the source, then run the job again.",
)


COPY_FOR_OWN_COMPANY = Issue(
    code="only_own_company",
    message="This copy of a note belongs to your own company, which Freight skips. If the note is on no record in "
    "Attio, attach it to another record in the source and run the job again.",
)
COPY_WITHOUT_PARENT = Issue(
    code="no_parent",
    message="The record of this copy of a note is not in Attio, and a note there needs a record. See the outcome of "
    "that record, then run the job again.",
)


def draft_note(note: Note, builder: DraftBuilder) -> Draft:
    """Return the draft of a note with its replies; it is found by the mark in its last line, on one of its records."""
    places = _places(note, builder)
    if not places:
        return Draft(
            entity="notes",
            source_id=note.id,
            values={},
            unique={},
            multiple=frozenset(),
            skip=_why_unattached(note, builder),
        )
    text = NoteText(note, places, _created_at(note, builder), _body(note, builder), builder)
    return text.draft(builder.references.copies.get(note.id, ()))


class NoteText(msgspec.Struct, frozen=True):
    """A note in the form of Attio, which can be drafted for one of its possible records."""

    note: Note
    places: dict[Reference, dict[str, str]]
    created_at: datetime | None
    body: str
    builder: DraftBuilder

    def draft(self, copies: Sequence[Attributes]) -> Draft:
        """Return the draft for the record that has the note or, if it was never written, one of these copies."""
        note, builder = self.note, self.builder
        parent = _parent(note, self.places, copies, builder)
        content, issues = _content(self.body, f"*{_last_line(note, parent, builder)}*")
        drafted: Attributes = {"title": [_title(note)], "content": [content], "parent": [self.places[parent]]}
        if self.created_at is not None:
            drafted["created_at"] = [values.moment(self.created_at)]
        return Draft(
            entity="notes",
            source_id=note.id,
            values=drafted,
            unique={},
            multiple=frozenset(),
            issues=(*builder.issues, *issues),
            parents=(parent,),
            fixed=frozenset({"parent", "created_at"}),
            places={link: place for link, place in self.places.items() if link == parent or link in _links(note)},
            for_copy=lambda held: self.draft((held,)),
            alike=_earlier_forms(note, drafted, copies, builder),
        )


def _markdown(written: Note | Reply) -> str:
    return simplify(written.content) if written.is_markdown else escape(written.content)


def _links(note: Note) -> list[Reference]:
    """Return the records that the note is attached to, in the order of preference."""
    given: tuple[tuple[Entity, tuple[str, ...]], ...] = (
        ("deals", note.deal_ids),
        ("companies", note.company_ids),
        ("people", note.person_ids),
    )
    return [(entity, source_id) for entity, ids in given for source_id in ids]


def _places(note: Note, builder: DraftBuilder) -> dict[Reference, dict[str, str]]:
    """Return the records of Attio that can have the note, by source record, the preferred one first."""
    participants: list[Reference] = [("people", id_) for id_ in note.participant_ids] if note.stands_in else []
    own: set[Reference] = {("companies", id_) for id_ in builder.references.own_companies}
    found = builder.references.found
    return {
        link: values.record_reference(link[0], found[link])
        for link in [*_links(note), *participants]
        if link in found and link not in own
    }


def _parent(
    note: Note, places: dict[Reference, dict[str, str]], copies: Sequence[Attributes], builder: DraftBuilder
) -> Reference:
    # A note cannot be moved in Attio: an existing one stays on its record.
    held = builder.references.earlier.get(note.id, {}).get("parent", [])
    if not held and note.part_of is None:
        held = [place for copy in copies for place in copy.get("parent", [])]
    there = (link for link, place in places.items() if place in held)
    return next(there, next(iter(places)))


def _why_unattached(note: Note, builder: DraftBuilder) -> Issue:
    """Return why there is no record for the note."""
    own = any(company_id in builder.references.own_companies for company_id in note.company_ids)
    if note.part_of is not None:
        return COPY_FOR_OWN_COMPANY if own else COPY_WITHOUT_PARENT
    if own:
        return ONLY_OWN_COMPANY
    links = [*_links(note), *(("people", id_) for id_ in note.participant_ids)]
    return ONLY_OWN_PEOPLE if links and all(map(builder.own_person, links)) else NO_PARENT


def _earlier_forms(note: Note, drafted: Attributes, copies: Sequence[Attributes], builder: DraftBuilder) -> Attributes:
    """Return what an earlier job wrote in another form, if its meaning equals the draft.

    That is the note itself, in the form of Markdown of an earlier version of Freight, or a copy on the same record that
    differs only in what all copies of a note differ in.
    """
    (content,) = drafted["content"]
    own = builder.references.earlier.get(note.id, {})
    for earlier in own.get("content", []):
        if earlier == content or is_older_form(earlier, content):
            # The title is the first line of the same text.
            return {slug: own[slug] for slug in ("title", "content") if own.get(slug, drafted[slug]) != drafted[slug]}
    for copy in copies:
        for earlier in map(builder.marks.without_copies, copy.get("content", [])):
            if copy.get("parent") != drafted["parent"]:
                continue
            if earlier == builder.marks.without_copies(content):
                return {"content": copy["content"]}
            if is_older_form(earlier, builder.marks.without_copies(content)):
                return {slug: copy[slug] for slug in ("title", "content") if slug in copy}
    return {}


def _created_at(note: Note, builder: DraftBuilder) -> datetime | None:
    given = note.created_at
    if given is None or EARLIEST <= given <= datetime.now(UTC):
        return given
    kept = EARLIEST if given < EARLIEST else None
    builder.add_issue(
        "date_not_carried",
        f"Attio accepts no notes from before 1970 or from the future: this one of {_written(given)} was given "
        f"{'the earliest possible date' if kept else 'the date of the migration'}. Its own date is in its last line.",
        field="created_at",
        value=given.isoformat(),
    )
    return kept


def _title(note: Note) -> str:
    line = first_line(note.content, is_markdown=note.is_markdown)
    if len(line) <= MAX_TITLE_LENGTH:
        return line or "Note"
    words = line[:MAX_TITLE_LENGTH].rpartition(" ")[0].rstrip()
    return f"{words or line[: MAX_TITLE_LENGTH - 1]}…"


def _body(note: Note, builder: DraftBuilder) -> str:
    """Return the text of a note and, below it, of its replies."""
    parts = [_markdown(note)]
    for reply in note.replies:
        author = reply.author_id and described(builder.references.people, reply.author_id)
        by = f"Reply by {escape(author)}" if author else "Reply"
        heading = f"{by}, {_written(reply.created_at)}" if reply.created_at else by
        parts.append(f"**{heading}:**\n\n{_markdown(reply)}")
    return "\n\n".join(part.strip("\n") for part in parts if part.strip())


def _content(body: str, last: str) -> tuple[str, list[Issue]]:
    """Return a body with the last line below it, and an issue if it was cut."""
    limit = MAX_CONTENT_BYTES - len(last.encode()) - 2
    issues: list[Issue] = []
    if len(body.encode()) > limit:
        kept = body.encode()[:limit].decode(errors="ignore")
        message = (
            f"Attio accepts no notes of more than {MAX_CONTENT_BYTES:,} bytes: the last {len(body) - len(kept):,} "
            "characters of this one and its replies were left out. Split it in the source if you need them."
        )
        issues.append(Issue(code="value_truncated", message=message, field="content"))
        body = kept
    return (f"{body}\n\n{last}" if body else last), issues


def _last_line(note: Note, parent: Reference, builder: DraftBuilder) -> str:
    sentences = []
    author = note.author_id and described(builder.references.people, note.author_id)
    if author or note.created_at:
        by = f" by {author}" if author else ""
        on = f" on {_written(note.created_at)}" if note.created_at else ""
        sentences.append(f"Written{by}{on}.")
    if others := _names((link for link in _links(note) if link != parent), builder):
        sentences.append(f"Also attached to: {others}.")
    participants: list[Reference] = [("people", id_) for id_ in note.participant_ids]
    if taking_part := _names(participants, builder):
        sentences.append(f"Participants: {taking_part}.")
    return " ".join([*(escape(sentence) for sentence in sentences), builder.marks.note(note.id)])


def _names(links: Iterable[Reference], builder: DraftBuilder) -> str:
    return ", ".join(dict.fromkeys(_name(link, builder) for link in links))


def _name(link: Reference, builder: DraftBuilder) -> str:
    entity, source_id = link
    if entity == "people":
        return described(builder.references.people, source_id) or f"person {source_id}"
    return builder.references.names.get(link) or f"{builder.noun(entity)} {source_id}"


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
