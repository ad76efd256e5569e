"""Marks in texts, by which Freight recognises what it wrote: notes and tasks in Attio carry no id of another system."""

import re

NOTE = re.compile(r"\(Affinity note ([\w/.:-]+)\)[\s*_]*$", re.MULTILINE)
TASK = re.compile(r"\(Affinity reminder ([\w/.:-]+)\)\s*$")


def note_mark(source_id: str) -> str:
    """What stands at the end of a note's content."""
    return f"(Affinity note {source_id})"


def task_mark(source_id: str) -> str:
    """What stands at the end of a task's content."""
    return f"(Affinity reminder {source_id})"


ALSO_ATTACHED = re.compile(r"Also attached to: .*?\. (?=Participants: |\(Affinity note )")


def without_copies(content: str) -> str:
    """Return a note's content without what differs between its copies: the mark, and the other records in front of
    it."""
    body, mark, below = content.rpartition("(Affinity note ")
    if not mark:
        return content
    start = body.rfind("\n") + 1
    last = ALSO_ATTACHED.sub("", f"{body[start:]}{mark}")
    return f"{body[:start]}{last}{below.partition(')')[2]}"


def note_id(content: str) -> str | None:
    """The source id in a note's content, if Freight wrote it; also where somebody has written below it."""
    found = NOTE.findall(content)
    return str(found[-1]) if found else None


def task_id(content: str) -> str | None:
    """The source id in a task's content, if Freight wrote it."""
    found = TASK.search(content)
    return None if found is None else found[1]
