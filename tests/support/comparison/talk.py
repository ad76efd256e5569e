"""Notes with their replies, tasks and files: their words, dates, authors, and the records they are attached to."""

import html
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from support.comparison.sides import Sides
from support.comparison.source import Row
from support.comparison.values import Difference, Item, compare, member, one_of_many, reference

REPLY = re.compile(r"Reply(?: by (.+?))?, (\d{4}-\d\d-\d\d \d\d:\d\d) UTC")
NOTE = re.compile(r"Affinity note (\d+)")
TASK = re.compile(r"\(Affinity reminder (\d+)\)")

LONGEST_TASK = 2000

SINGLE = {"deals": "opportunity", "companies": "organization", "people": "person"}
"""The key under which a reminder, and with `_id` a file, names what it is about."""


def compare_notes(sides: Sides) -> Iterator[Difference]:
    """Check that every note is there once, on the right record, with its date, all words, and its replies beneath."""
    made = _by_mark(sides.target.notes, NOTE, "content_markdown")
    for source_id, row in sides.source.notes.items():
        match made.pop(source_id, []):
            case []:
                yield Difference("notes", source_id, frozenset(), "absent")
            case [note]:
                yield from _Note(sides, source_id, row, note).differences()
            case _:
                yield Difference("notes", source_id, frozenset(), "twice")
    for source_id in made:
        yield Difference("notes", source_id, frozenset(), "made up")


class _Note:
    def __init__(self, sides: Sides, source_id: str, row: Row, note: Row) -> None:
        self.sides = sides
        self.source_id = source_id
        self.row = row
        self.note = note
        found = [reply for reply in sides.source.replies.values() if str(reply["parent_id"]) == source_id]
        self.replies = sorted(found, key=lambda reply: moment(reply["created_at"]))
        self.body, _, self.footer = note["content_markdown"].rstrip().rpartition("\n")

    def differences(self) -> Iterator[Difference]:
        created_at = moment(self.row["created_at"])
        yield from self.same("created_at", created_at, moment(self.note["created_at"]), "too old")
        yield from self.compare_links()
        yield from self.same("author", self.named(self.row["creator_id"]) <= words(self.footer), True)
        yield from self.same("date", created_at.date().isoformat() in self.footer, True)
        yield from self.compare_words()
        title = tokens(self.note["title"])
        first = tokens(self.row["content"])
        yield from self.same("title", title in (first[: len(title)], ["Note"]) and len(self.note["title"]) <= 80, True)

    def compare_words(self) -> Iterator[Difference]:
        """Compare all words of the note, then those of each reply below a line with its author and date."""
        content, *replied = REPLY.split(html.unescape(self.body))
        authors, times, texts = replied[0::3], replied[1::3], replied[2::3]
        yield from self.same("content", tokens(self.row["content"]), tokens(content), "truncated")
        yield from self.same("replies", [tokens(reply["content"]) for reply in self.replies], list(map(tokens, texts)))
        written = [f"{moment(reply['created_at']):%Y-%m-%d %H:%M}" for reply in self.replies]
        yield from self.same("dates of replies", written, times)
        for reply, author in zip(self.replies, authors, strict=False):
            yield from self.same("author of a reply", self.named(reply["creator_id"]) <= words(author or ""), True)

    def same(self, name: str, wanted: object, present: object, kind: str = "missing") -> Iterator[Difference]:
        if wanted != present:
            yield Difference("notes", self.source_id, frozenset({name}), kind, (f"{wanted!r} is {present!r}"[:300],))

    def compare_links(self) -> Iterator[Difference]:
        """Check that it is attached to a deal, else a company that is not the firm itself, else a person; the others
        are named."""
        direct = self.row["associated_person_ids"]
        linked = [
            *(("deals", str(number)) for number in self.row["opportunity_ids"]),
            *(("companies", str(number)) for number in self.row["organization_ids"]),
            *(("people", str(number)) for number in dict.fromkeys([*direct, *self.row["interaction_person_ids"]])),
        ]
        possible = [link for link in linked if link in self.sides.known.carried and not self.is_own(link)]
        standing_on = self.sides.known.source_ids.get(self.note["parent_record_id"])
        yield from self.same("parent", next(iter(possible), None), standing_on)
        for entity, number in linked:
            if (entity, number) != standing_on:
                name = self.name_of(entity, number) or number
                yield from self.same(f"also on {number}", words(name) <= words(self.footer), True)

    def is_own(self, link: tuple[str, str]) -> bool:
        """Return whether this is the firm itself."""
        domains = self.sides.rows[link[0]][link[1]].get("domains", ())
        return bool({domain.lower() for domain in domains} & self.sides.source.own_domains)

    def named(self, number: int | None) -> set[str]:
        """Return the words of a person's name, if it is known."""
        return words(self.name_of("people", str(number)))

    def name_of(self, entity: str, number: str) -> str:
        row = self.sides.rows[entity].get(number, {})
        return row.get("name") or " ".join(filter(None, (row.get("firstName"), row.get("lastName"))))


def compare_tasks(sides: Sides) -> Iterator[Difference]:
    """Check that every reminder is a task, once, with its words, date, owner and records."""
    made = _by_mark(sides.target.tasks, TASK, "content_plaintext")
    for source_id, row in sides.source.tasks.items():
        match made.pop(source_id, []):
            case []:
                yield Difference("tasks", source_id, frozenset(), "absent")
            case [task]:
                yield from _compare_task(sides, source_id, row, task)
            case _:
                yield Difference("tasks", source_id, frozenset(), "twice")
    for source_id in made:
        yield Difference("tasks", source_id, frozenset(), "made up")


def _compare_task(sides: Sides, source_id: str, row: Row, task: Row) -> Iterator[Difference]:
    known = sides.known
    content, _, footer = task["content_plaintext"].rpartition("\n\n")
    wanted = (row["content"] or "").strip() or "Reminder"
    if wanted != content:
        cut = len(wanted) > LONGEST_TASK - len(footer) - 2 and wanted.startswith(content[: LONGEST_TASK - 100])
        yield Difference("tasks", source_id, frozenset({"content"}), "truncated" if cut else "missing")
    if not {row["created_at"][:10], row["creator"]["last_name"]} <= set(re.split(r"[ ()]", footer)):
        yield Difference("tasks", source_id, frozenset({"created_at", "creator"}), "missing")
    facts = (
        ("deadline_at", [moment(row["due_date"])], [moment(task["deadline_at"])]),
        ("is_completed", [row["status"] == 0], [task["is_completed"]]),
    )
    for name, expected, present in facts:
        yield from compare("tasks", source_id, (name,), [Item(value, (str(value),)) for value in expected], present)
    links = [_link(sides, entity, row[key]) for entity, key in SINGLE.items() if row[key]]
    linked = [known.source_ids[link["target_record_id"]] for link in task["linked_records"]]
    yield from compare("tasks", source_id, ("linked_records", *SINGLE.values()), links, linked)
    owners = [member(_owner(row["owner"]), known)] if row["owner"] else []
    assignees = [known.members[assignee["referenced_actor_id"]] for assignee in task["assignees"]]
    yield from compare("tasks", source_id, ("assignees", "owner"), owners, assignees)
    if row["type"] == 1:
        yield Difference("tasks", source_id, frozenset({"recurrence"}), "recurrence")


def _link(sides: Sides, entity: str, linked: Row) -> Item:
    """Return what a reminder is about; internal users are not people of the target."""
    item = reference(entity, linked, sides.known)
    is_own = entity == "people" and sides.source.people.get(str(linked["id"]), {}).get("type") == "internal"
    return Item(item.value, item.shown, "internal") if is_own else item


def _owner(owner: Row) -> Row:
    """Return a person of API v1 as API v2 names them in values."""
    kind = "internal" if owner.get("type") == 1 else "external"
    return {
        "id": owner["id"],
        "primaryEmailAddress": owner.get("primary_email"),
        "lastName": owner.get("last_name"),
        "type": kind,
    }


def compare_files(sides: Sides) -> Iterator[Difference]:
    """Check that every file is on its record, with its name and bytes, as often as in the source."""
    present = Counter((sides.known.source_ids[file.record_id], file.name, file.content) for file in sides.target.files)
    for source_id, row in sides.source.files.items():
        parents = [
            reference(entity, {"id": row[f"{key}_id"]}, sides.known)
            for entity, key in SINGLE.items()
            if row[f"{key}_id"]
        ]
        carried = [item.value for item in one_of_many(parents) if item.loss is None]
        key = (carried[0] if carried else ("", ""), row["name"], sides.source.contents[source_id])
        if not present[key]:
            yield Difference("files", source_id, frozenset(), "absent")
        present[key] -= bool(present[key])
    for (parent, name, _), count in present.items():
        if count > 0:
            yield Difference("files", name, frozenset(parent), "made up")


def moment(text: str) -> datetime:
    """Return a moment in UTC, to the second."""
    shortened = re.sub(r"\.\d+", "", text)
    return datetime.fromisoformat(shortened).astimezone(UTC)


def tokens(text: str) -> list[str]:
    """Return the words of a text without marks."""
    return re.findall(r"[^\W_]+", html.unescape(text))


def words(text: str) -> set[str]:
    """Return the same in any order."""
    return set(tokens(text))


def _by_mark(rows: list[Row], mark: re.Pattern[str], key: str) -> dict[str, list[Row]]:
    """Return what was made of each source record, by its mark."""
    made: dict[str, list[Row]] = {}
    for row in rows:
        for source_id in mark.findall(row[key])[-1:]:
            made.setdefault(source_id, []).append(row)
    return made
