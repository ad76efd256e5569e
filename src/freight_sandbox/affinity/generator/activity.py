"""Generated notes with replies, reminders and files."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from freight_sandbox.affinity.generator.lists import VANISHED_OPPORTUNITY_ID
from freight_sandbox.affinity.generator.people_graph import PeopleGraph, moment
from freight_sandbox.affinity.generator.values import in_pacific
from freight_sandbox.affinity.generator.word_lists import CITIES
from freight_sandbox.affinity.rows import File, Note, Reminder

FIRST_NOTE_ID = 1_000_001
FIRST_REMINDER_ID = 2_000_001
FIRST_FILE_ID = 3_000_001
FIRST_INTERACTION_ID = 600_001
TURN = 8
REPLIED_TO = 4
"""Of every eight notes in a row, the next two reply to the fifth."""

PLAIN = (
    "Called {who}. They will send the deck next week.",
    "Notes from {city}:\n- pricing under 5 % of spend\n- wants a lead by Q3\n\nFollow up with {who}",
    '{who} says: "not now" - but <later>. 🤝',
    "",
)
RICH = (
    ("<p>Met <strong>{who}</strong> in {city}.</p><ul><li>ARR 2.4m</li><li>raising in Q3</li></ul>",
     "Met **{who}** in {city}.\n\n* ARR 2.4m\n* raising in Q3"),
    ("<h2>Summary</h2><p>See <a href=\"https://example.com/deck_v2\">deck_v2</a> &amp; the <em>model</em>.</p>",
     "## Summary\n\nSee [deck\\_v2](https://example.com/deck_v2) & the *model*."),
    ("<p>Costs 1 * 2 &lt; 3_000 in {city}</p>", "Costs 1 \\* 2 \\< 3\\_000 in {city}"),
)  # fmt: skip
REPLIES = ("Agreed.", "Let us pass on this one.", "Who takes the next call?")
FILE_NAMES = ("Deck {}.pdf", "Zusammenfassung - Q{}.docx", 'model "final" {}.xlsx', "notes_{}", "photo {}.png")
ERRANDS = ("Follow up", "Send the memo & the model", "Check in about the round", None)
LONG_NOTE_LINES = 400


class Notes:
    """Generated notes."""

    def __init__(self, seed: int, count: int, graph: PeopleGraph, opportunities: Sequence[int]) -> None:
        self.ids: Sequence[int] = range(FIRST_NOTE_ID, FIRST_NOTE_ID + count)
        self._seed = seed
        self._graph = graph
        self._opportunities = opportunities

    def row(self, row_id: int) -> Note:
        """Return the note or reply with this id."""
        place = row_id - FIRST_NOTE_ID
        chance = random.Random(f"{self._seed} note {place}")  # noqa: S311
        written = moment(place)
        common: dict[str, Any] = {
            "id": row_id,
            "creator_id": self._graph.creator(place) or self._graph.creator(0),
            "created_at": in_pacific(written),
            "updated_at": in_pacific(written + timedelta(days=1)) if place % 6 == 0 else None,
        }
        if place % TURN in {REPLIED_TO + 1, REPLIED_TO + 2}:
            parent = row_id - place % TURN + REPLIED_TO
            return Note(**common, content=chance.choice(REPLIES), parent_id=parent)
        return Note(**common, **self._content(place, chance), **self._links(place, chance))

    def _content(self, place: int, chance: random.Random) -> dict[str, Any]:
        who, city = self._graph.outsider(chance) or {}, chance.choice(CITIES).name
        words = {"who": who.get("firstName") or "the founder", "city": city}
        if place % 331 == 200:
            return {"content": "\n".join(f"Line {number} of a long transcript." for number in range(LONG_NOTE_LINES))}
        if place % 2 == 0:
            return {"content": PLAIN[place // 2 % len(PLAIN)].format(**words)}
        html, markdown = (text.format(**words) for text in RICH[place // 2 % len(RICH)])
        return {"content": markdown, "html": html, "type": 3 if place % 97 == 11 else 2}

    def _links(self, place: int, chance: random.Random) -> dict[str, Any]:
        graph = self._graph
        if place % 23 == 7:
            # This note is attached to a meeting alone: its participants are known, the records that it is about are
            # not.
            people = _some(graph.outsiders, chance, 2) + _some(graph.users, chance, 1)
            interaction = {"interaction_id": FIRST_INTERACTION_ID + place, "interaction_type": 0, "is_meeting": True}
            return {"interaction_person_ids": people, **interaction}
        return {
            "associated_person_ids": _some(graph.outsiders, chance, (0, 1, 1, 3)[place % 4]),
            "organization_ids": _some(graph.companies.ids, chance, (1, 0, 1, 2)[place % 4]),
            "opportunity_ids": self._deals(place, chance),
            "mentioned_person_ids": _some(graph.users, chance, 1 if place % 9 == 0 else 0),
        }

    def _deals(self, place: int, chance: random.Random) -> tuple[int, ...]:
        deals = _some(self._opportunities, chance, 1 if place % 5 == 0 else 0)
        return (*deals, VANISHED_OPPORTUNITY_ID) if deals and place % 45 == 25 else deals


class Reminders:
    """Generated reminders."""

    def __init__(self, seed: int, count: int, graph: PeopleGraph, opportunities: Sequence[int]) -> None:
        self.ids: Sequence[int] = range(FIRST_REMINDER_ID, FIRST_REMINDER_ID + count)
        self._seed = seed
        self._graph = graph
        self._opportunities = opportunities

    def row(self, row_id: int) -> Reminder:
        """Return the reminder with this id."""
        place = row_id - FIRST_REMINDER_ID
        chance = random.Random(f"{self._seed} reminder {place}")  # noqa: S311
        made, status = moment(place), place % 3
        recurring = place % 5 == 4 and status != 0
        owner = _reference(self._graph.creator(place))
        return Reminder(
            id=row_id,
            type=1 if recurring else 0,
            created_at=in_pacific(made),
            completed_at=in_pacific(made + timedelta(days=9)) if status == 0 else None,
            content=ERRANDS[place % len(ERRANDS)],
            due_date=in_pacific(made + timedelta(days=14)),
            reset_type=place % 3 if recurring else None,
            reminder_days=30 if recurring else None,
            status=status,
            creator=_reference(self._graph.creator(0)),
            owner=owner or _reference(self._graph.creator(0)),
            completer=owner if status == 0 else None,
            **self._subject(place, chance),
        )

    def _subject(self, place: int, chance: random.Random) -> dict[str, Any]:
        role, ids = (
            ("person", self._graph.outsiders),
            ("organization", self._graph.companies.ids),
            ("opportunity", self._opportunities),
            ("nobody", ()),
        )[place % 4]
        subject = {role: {"id": chance.choice(ids)}} if ids else {}
        return {role: {"id": VANISHED_OPPORTUNITY_ID}} if ids and place % 36 == 14 else subject


class Files:
    """Generated files, each of some hundred bytes and some empty."""

    def __init__(self, seed: int, count: int, graph: PeopleGraph, opportunities: Sequence[int]) -> None:
        self.ids: Sequence[int] = range(FIRST_FILE_ID, FIRST_FILE_ID + count)
        self._seed = seed
        self._graph = graph
        self._opportunities = opportunities

    def row(self, row_id: int) -> File:
        """Return the file with this id."""
        place = row_id - FIRST_FILE_ID
        chance = random.Random(f"{self._seed} file {place}")  # noqa: S311
        role, ids = (
            ("organization_id", self._graph.companies.ids),
            ("person_id", self._graph.outsiders),
            ("opportunity_id", self._opportunities),
        )[place % 3]
        owner: dict[str, Any] = {role: chance.choice(ids)} if ids else {}
        if owner and place % 27 == 14:
            owner = {role: VANISHED_OPPORTUNITY_ID}
        return File(
            id=row_id,
            name=FILE_NAMES[place % len(FILE_NAMES)].format(place + 1),
            size=0 if place % 13 == 7 else chance.randrange(20, 5000),
            created_at=in_pacific(moment(place)),
            uploader_id=self._graph.creator(place),
            **owner,
        )


def _some(ids: Sequence[int], chance: random.Random, count: int) -> tuple[int, ...]:
    return tuple(chance.sample(ids, min(count, len(ids))))


def _reference(row_id: int | None) -> dict[str, Any] | None:
    return None if row_id is None else {"id": row_id}
