"""Generated lists, opportunities and list entries."""

import random
from collections.abc import Sequence
from functools import partial

import msgspec

from freight_sandbox.affinity.generator.fields import list_fields
from freight_sandbox.affinity.generator.people_graph import PeopleGraph, moment
from freight_sandbox.affinity.generator.values import in_utc, make_values
from freight_sandbox.affinity.rows import Entity, Field, FieldDefinition, ListEntry, Opportunity, WorkspaceList

FIRST_LIST_ID = 50_001
HIDDEN_LIST_ID = 50_000
"""A list that the key has no access to."""
FIRST_OPPORTUNITY_ID = 300_000_001
VANISHED_OPPORTUNITY_ID = FIRST_OPPORTUNITY_ID + 70_000_000
"""A deleted opportunity: notes, reminders and files still refer to it."""
FIRST_ENTRY_ID = 400_000_001
KINDS: tuple[Entity, ...] = ("opportunity", "company", "person", "company")
EMPTY_PLACE = 3
NAMES = (
    "Deal Pipeline", "Target Companies", "PeopleGraph", "Archive", "Fund II Pipeline", "Portfolio", "Limited Partners",
    "Watchlist", "Secondary Deals", "Competitors",
)  # fmt: skip
ROUNDS = ("Seed", "Series A", "Series B", "Growth", "Bridge")
MANY_PEOPLE = 130


class Layout(msgspec.Struct, frozen=True):
    """The numbers of rows, and the distribution of rows over lists.

    Kinds of lists alternate, and the fourth has no rows. Each opportunity that the key has access to has one entry; the
    remaining entries are distributed over the other lists.
    """

    lists: int
    opportunities: int
    entries: int
    companies: int
    outsiders: int

    @property
    def pipelines(self) -> list[int]:
        """The positions of the lists of opportunities."""
        return [place for place in range(self.lists) if kind(place) == "opportunity"]

    @property
    def filled(self) -> list[int]:
        """The positions of the other lists that have rows."""
        there = {"company": self.companies, "person": self.outsiders, "opportunity": 0}
        return [place for place in range(self.lists) if place != EMPTY_PLACE and there[kind(place)]]

    @property
    def visible(self) -> int:
        """How many opportunities, from the first, are on lists that the key has access to."""
        return self.opportunities - self.opportunities // 40 if self.lists else 0

    @property
    def further_entries(self) -> int:
        """The number of entries that are not of opportunities."""
        return max(0, self.entries - self.visible) if self.filled else 0


def kind(place: int) -> Entity:
    """Return the kind of record on the list at a position."""
    return KINDS[place % len(KINDS)]


class Lists:
    """Generated lists."""

    def __init__(self, layout: Layout, graph: PeopleGraph) -> None:
        self.ids: Sequence[int] = range(FIRST_LIST_ID, FIRST_LIST_ID + layout.lists)
        self._owner = graph.users[0] if graph.users else 1

    def row(self, row_id: int) -> WorkspaceList:
        """Return the list with this id."""
        place = row_id - FIRST_LIST_ID
        again = place // len(NAMES)
        return WorkspaceList(
            id=row_id,
            name=NAMES[place % len(NAMES)] + (f" {again + 1}" if again else ""),
            type=kind(place),
            creator_id=self._owner,
            owner_id=self._owner,
            is_public=place % 3 != 1,
            created_at=in_utc(moment(place)),
        )


class Opportunities:
    """Generated opportunities."""

    def __init__(self, seed: int, layout: Layout, graph: PeopleGraph) -> None:
        self.ids: Sequence[int] = range(FIRST_OPPORTUNITY_ID, FIRST_OPPORTUNITY_ID + layout.opportunities)
        self._seed = seed
        self._visible = layout.visible
        self._pipelines = layout.pipelines
        self._graph = graph

    def row(self, row_id: int) -> Opportunity:
        """Return the opportunity with this id."""
        place = row_id - FIRST_OPPORTUNITY_ID
        chance = random.Random(f"{self._seed} opportunity {place}")  # noqa: S311
        return Opportunity(
            id=row_id,
            name=self._name(place - 1 if place % 37 == 12 else place),
            list_id=self._list_id(place),
            person_ids=self._people(place, chance),
            company_ids=_sample(self._graph.companies.ids, chance, 1 if place % 4 else 3),
            is_restricted=place % 53 == 20,
            is_redacted=place % 106 == 20,
        )

    def _name(self, place: int) -> str:
        suffix = ROUNDS[place % len(ROUNDS)]
        companies = self._graph.companies
        if not companies.ids:
            return f"Opportunity {place + 1} {suffix}"
        return f"{companies.head(place % len(companies.ids))[0]} {suffix}"

    def _list_id(self, place: int) -> int:
        if place >= self._visible:
            return HIDDEN_LIST_ID
        return FIRST_LIST_ID + self._pipelines[place % len(self._pipelines)]

    def _people(self, place: int, chance: random.Random) -> tuple[int, ...]:
        if place % 211 == 100:
            return tuple(self._graph.outsiders[:MANY_PEOPLE])
        return _sample(self._graph.outsiders, chance, place % 4)


class Entries:
    """Generated list entries."""

    def __init__(self, seed: int, layout: Layout, graph: PeopleGraph) -> None:
        count = layout.visible + layout.further_entries
        self.ids: Sequence[int] = range(FIRST_ENTRY_ID, FIRST_ENTRY_ID + count)
        self.fields: list[FieldDefinition] = [
            field for place in range(layout.lists) for field in list_fields(kind(place), FIRST_LIST_ID + place, place)
        ]
        self._seed = seed
        self._visible = layout.visible
        self._pipelines = layout.pipelines
        self._filled = layout.filled
        self._graph = graph

    def row(self, row_id: int) -> ListEntry:
        """Return the entry with this id."""
        place = row_id - FIRST_ENTRY_ID
        list_place, entity_id = self._standing(place)
        return ListEntry(
            id=row_id,
            list_id=FIRST_LIST_ID + list_place,
            type=kind(list_place),
            created_at=in_utc(moment(place)),
            creator_id=self._graph.creator(place),
            entity_id=entity_id,
            cells=partial(self._cells, place, FIRST_LIST_ID + list_place),
        )

    def _standing(self, place: int) -> tuple[int, int]:
        """Return the position of the list, and the id of its record."""
        if place < self._visible:
            return self._pipelines[place % len(self._pipelines)], FIRST_OPPORTUNITY_ID + place
        number, turn = divmod(place - self._visible, len(self._filled))
        list_place = self._filled[turn]
        # A list can hold a record twice.
        nth = number - 1 if number % 40 == 39 else number
        records = self._graph.companies.ids if kind(list_place) == "company" else self._graph.outsiders
        return list_place, records[(nth + 97 * list_place) % len(records)]

    def _cells(self, place: int, list_id: int) -> list[Field]:
        chance = random.Random(f"{self._seed} entry {place}")  # noqa: S311
        return make_values((field for field in self.fields if field.list_id == list_id), chance, self._graph)


def _sample(ids: Sequence[int], chance: random.Random, count: int) -> tuple[int, ...]:
    return tuple(chance.sample(ids, min(count, len(ids))))
