"""The marks that show which source system data came from, and by which Freight recognises them.

Slugs, titles, descriptions and the marks in texts are built from the source's name, so that records of two systems with
one id are never confused. Every later version must recognise what is written: none of these forms may change.
"""

import re
from functools import cache

from freight.connectors.attio.planning.slugs import slugify
from freight.model.provenance import Provenance
from freight.model.resolved_mapping import ResolvedMapping

LABEL = r"From [^\Wa-z_]\S*(?: [^\Wa-z_]\S*)*"
"""Begins a description that Freight writes: words of a label begin with a capital letter, or a digit."""

MADE_FOR_FIELD = re.compile(rf"{LABEL} field \S+")
"""The description of an attribute that Freight made for a field of any source system."""

MADE_FOR_IDS = re.compile(rf"{LABEL} (?:record ids|list \S+)")
"""The description of an attribute in which Freight keeps ids, or when an entry was added to its list."""

FIRST_ID = "affinity_id"
"""The attribute that the first version made for ids: it has no description and is recognised by its slug."""


def is_made_for_field(description: str | None) -> bool:
    """Return whether Freight made an attribute for a field of any source system."""
    return MADE_FOR_FIELD.fullmatch(description or "") is not None


def is_mark(owner: str, slug: str, description: str | None) -> bool:
    """Return whether an attribute is a mark of any source system; fields cannot use it.

    `owner` is `companies`, `people`, `deals`, or else a list.
    """
    if slug == FIRST_ID and owner in ("companies", "people", "deals"):
        return True
    return slug.endswith(("_id", "_added_at")) and MADE_FOR_IDS.fullmatch(description or "") is not None


class Marks:
    """The marks of one source system."""

    def __init__(self, provenance: Provenance) -> None:
        system, label = provenance.system, provenance.label
        self.provenance = provenance
        self.source_id = f"{system}_id"
        """The slug of the attribute that holds a record's id at the source."""
        self.of_ids = None if self.source_id == FIRST_ID else f"From {label} record ids"
        """The description of that attribute."""
        self.entry_id = f"{system}_entry_id"
        """The same of an entry on a list."""
        self.added_at = f"{system}_added_at"
        """The slug of the attribute that holds when an entry was added to its list."""
        self.prefix = f"{system}_"
        """The prefix of a field's slug if the first choice is taken."""
        self._note = f"({label} note "
        self._task = f"({label} {provenance.task} "
        self._note_id = re.compile(rf"{re.escape(self._note)}([\w/.:-]+)\)[\s*_]*$", re.MULTILINE)
        self._task_id = re.compile(rf"{re.escape(self._task)}([\w/.:-]+)\)\s*$")
        self._also_attached = re.compile(rf"Also attached to: .*?\. (?=Participants: |{re.escape(self._note)})")

    def of_field(self, field_id: str) -> str:
        """Return the description of a field's attribute, by which it is recognised even after it is renamed."""
        return f"From {self.provenance.label} field {field_id}"

    def field_id(self, description: str | None) -> str | None:
        """Return the id of the field whose attribute has this description."""
        begin = self.of_field("")
        return description.removeprefix(begin) if description and description.startswith(begin) else None

    def of_list(self, list_id: str) -> str:
        """Return the description of what Freight adds to a list for itself, by which the list is recognised."""
        return f"From {self.provenance.label} list {list_id}"

    def list_ending(self, list_id: str) -> str:
        """Return what the slug of a list that Freight made ends with; by it the list is recognised."""
        return f"{self.prefix}{slugify(list_id).removeprefix('field_')}"

    def note(self, source_id: str) -> str:
        """Return the mark at the end of a note's content."""
        return f"{self._note}{source_id})"

    def task(self, source_id: str) -> str:
        """Return the mark at the end of a task's content."""
        return f"{self._task}{source_id})"

    def note_id(self, content: str) -> str | None:
        """Return the source id in a note's content, if Freight wrote it; even if people have written below it."""
        found = self._note_id.findall(content)
        return str(found[-1]) if found else None

    def task_id(self, content: str) -> str | None:
        """Return the source id in a task's content, if Freight wrote it."""
        found = self._task_id.search(content)
        return None if found is None else found[1]

    def without_copies(self, content: str) -> str:
        """Return a note's content without what differs between its copies: the mark and the other records before it."""
        body, mark, below = content.rpartition(self._note)
        if not mark:
            return content
        start = body.rfind("\n") + 1
        last = self._also_attached.sub("", f"{body[start:]}{mark}")
        return f"{body[:start]}{last}{below.partition(')')[2]}"


def marks_of(layout: ResolvedMapping) -> Marks:
    """Return the marks of the source system of a layout. Raise `ValueError` if the layout has none."""
    if layout.provenance is None:
        raise ValueError("A layout without provenance can be read, but not used for writing.")
    return _marks(layout.provenance)


_marks = cache(Marks)
