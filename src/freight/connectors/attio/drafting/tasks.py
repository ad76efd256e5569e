"""Tasks, files and lists in the form of Attio."""

from datetime import UTC

from freight.connectors.attio import values
from freight.connectors.attio.drafting.builder import DraftBuilder
from freight.connectors.protocols import Attributes, Draft, Issue
from freight.model.crm import Entity, File, List, Reference, Task

MAX_TASK_LENGTH = 2000
"""Characters, as Attio documents; counted in UTF-16, because an emoji may count as two."""

MAX_FILE_BYTES = 50 * 1024 * 1024
"""Bytes, of the 50 MB that Attio documents."""


def draft_task(task: Task, builder: DraftBuilder) -> Draft:
    """Return the draft of a task, which is found by the mark at its end."""
    links = _links(task)
    references = [_linked(link, builder) for link in links]
    drafted: Attributes = {
        "content": [_content(task, builder)],
        "deadline_at": [values.moment(task.due_at)] if task.due_at else [],
        "is_completed": [task.completed],
        "linked_records": values.ordered(reference for reference in references if reference is not None),
        "assignees": [assignee] if task.owner and (assignee := builder.own(task.owner, field="assignees")) else [],
    }
    if task.recurrence is not None:
        builder.add_issue(
            "recurrence_not_carried",
            f"This {builder.noun('tasks')} recurs ({task.recurrence}), and tasks in Attio cannot: it was migrated "
            f"once. Set up the recurrence in Attio by other means.",
            field="recurrence",
            value=task.recurrence,
        )
    if task.completed_at is not None:
        builder.add_issue(
            "completion_date_not_carried",
            "Attio itself records when a task is completed: the date of this one was left out.",
            field="completed_at",
            value=values.moment(task.completed_at),
            info=True,
        )
    filled = {slug: items for slug, items in drafted.items() if items}
    return Draft(
        entity="tasks",
        source_id=task.id,
        values=filled,
        unique={},
        multiple=frozenset({"linked_records"} & filled.keys()),
        migrated=frozenset(drafted),
        fixed=frozenset({"content"}),
        issues=tuple(builder.issues),
        parents=tuple(link for link in links if link in builder.references.found),
    )


def draft_file(file: File, builder: DraftBuilder) -> Draft:
    """Return the draft of a file, which is found by its name and size on the record that it is attached to."""
    links = _links(file)
    parent = next((link for link in links if link in builder.references.found), None)
    skip: Issue | None = None
    if parent is None:
        skip = _without_parent(links, builder)
    elif file.size is not None and file.size > MAX_FILE_BYTES:
        skip = _too_large(file.size)
    drafted: Attributes = {"name": [file.name]}
    if file.size is not None:
        drafted["size"] = [file.size]
    if parent is not None:
        drafted["parent"] = [values.record_reference(parent[0], builder.references.found[parent])]
    return Draft(
        entity="files",
        source_id=file.id,
        values=drafted,
        unique={},
        multiple=frozenset(),
        issues=tuple(builder.issues),
        skip=skip,
        parents=(parent,) if parent is not None else (),
        fixed=frozenset(drafted),
    )


def draft_list(given: List, builder: DraftBuilder) -> Draft:
    """Return the draft of a list, which exists already; the layout names it."""
    place = builder.layout.of_list(given.id)
    skip = None
    if place is None or place.action == "skip":
        skip = Issue(
            level="info", code="list_not_carried", message="The job does not migrate this list.", value=given.name
        )
    return Draft(
        entity="lists",
        source_id=given.id,
        values={} if place is None else {"name": [place.name]},
        unique={},
        multiple=frozenset(),
        skip=skip,
        container=None if place is None else place.target_id,
    )


def _linked(link: Reference, builder: DraftBuilder) -> dict[str, str] | None:
    if (colleague := builder.own_person(link)) is not None:
        builder.add_issue(
            "internal_person_in_task",
            f"This {builder.noun('tasks')} is about {builder.called(link)}, an internal user. Internal users are "
            f"members in Attio and not people, so the link was left out. If you need it, assign the task to that "
            f"member in Attio.",
            field="linked_records",
            value=colleague.name or colleague.email or colleague.id,
        )
        return None
    entity, _ = link
    if (target_id := builder.references.found.get(link)) is None:
        what = f"A record that this {builder.noun('tasks')} is about"
        builder.issues.append(builder.not_found(link, field="linked_records", what=what))
        return None
    return values.record_reference(entity, target_id)


def _links(record: Task | File) -> list[Reference]:
    given: tuple[tuple[Entity, str | None], ...] = (
        ("deals", record.deal_id),
        ("companies", record.company_id),
        ("people", record.person_id),
    )
    return [(entity, source_id) for entity, source_id in given if source_id is not None]


def _content(task: Task, builder: DraftBuilder) -> str:
    text = (task.content or "").strip() or builder.noun("tasks").capitalize()
    origin = []
    if task.created_at is not None:
        creator = task.creator and (task.creator.name or task.creator.email)
        origin.append(f"Created {task.created_at.astimezone(UTC):%Y-%m-%d}{f' by {creator}' if creator else ''}")
    ending = "\n\n" + " ".join([*origin, builder.marks.task(task.id)])
    kept = _cut(text, MAX_TASK_LENGTH - _length(ending))
    if kept != text:
        builder.add_issue(
            "value_truncated",
            f"Attio accepts tasks of at most {MAX_TASK_LENGTH} characters: the last {len(text) - len(kept)} of this "
            f"one "
            "were left out. Note them elsewhere in Attio if you need them.",
            field="content",
            value=text[len(kept) :],
        )
    return kept + ending


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _cut(text: str, length: int) -> str:
    return text.encode("utf-16-le", "surrogatepass")[: 2 * length].decode("utf-16-le", "ignore")


def _without_parent(links: list[Reference], builder: DraftBuilder) -> Issue:
    if links and all(builder.own_person(link) is not None for link in links):
        return Issue(
            code="only_own_people",
            message=f"This file is attached to {_enumerated(links, builder)}, an internal user. Internal users are "
            f"members in Attio and have no files. If you want it in Attio, attach it to another record in the source "
            f"and run the job again.",
        )
    return Issue(
        code="no_parent",
        message=f"This file is attached to {_enumerated(links, builder) or 'no record at all'}, which is not in Attio, "
        "and a file there needs a record. See the outcome of that record, then run the job again.",
    )


def _enumerated(links: list[Reference], builder: DraftBuilder) -> str:
    return ", ".join(map(builder.called, links))


def _too_large(size: int) -> Issue:
    return Issue(
        code="file_too_large",
        message=f"This file has {size:,} bytes, and Attio accepts at most {MAX_FILE_BYTES:,}. Keep it elsewhere and "
        f"put "
        "a link to it into Attio.",
        value=str(size),
    )
