"""The references between the rows of a generated workspace."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec

from freight_sandbox.affinity.collection import Source
from freight_sandbox.affinity.generator.records import (
    FIRST_COMPANY_ID,
    FIRST_PERSON_ID,
    INTERNAL_PERSONS,
    Companies,
    Persons,
    is_collaborator,
)
from freight_sandbox.affinity.rows import Company, Field, Person

R = TypeVar("R", bound=Company | Person)
FORMER_USER_ID = FIRST_PERSON_ID - 5
"""A user who has left: referred to, but in no collection."""

VANISHED_PERSON_ID = FIRST_PERSON_ID + 80_000_000
FIRST_MOMENT = datetime(2021, 1, 4, 17, 5, 9, 250_000, tzinfo=UTC)
MOMENT_STEP = timedelta(hours=7, minutes=11, seconds=13)
MOMENTS = 5000


class PeopleGraph:
    """The people and companies that other rows refer to."""

    def __init__(self, companies: Companies, persons: Persons) -> None:
        self.companies = companies
        self.persons = persons
        self.users: Sequence[int] = persons.ids[:INTERNAL_PERSONS]
        self.outsiders: Sequence[int] = persons.ids[INTERNAL_PERSONS:]
        # The first few are enough, as there may be millions of people.
        first = self.outsiders[:2000]
        self._collaborators = [row_id for row_id in first if is_collaborator(row_id)] or self.outsiders
        self._person_data = lru_cache(maxsize=4096)(self._read_person)

    def user(self, chance: random.Random) -> dict[str, Any] | None:
        """Return an internal user."""
        return self._person_data(chance.choice(self.users)) if self.users else None

    def outsider(self, chance: random.Random) -> dict[str, Any] | None:
        """Return an external person; some are in no collection, and some are collaborators."""
        if not self.outsiders:
            return None
        draw = chance.random()
        if draw < 0.02:
            vanished = VANISHED_PERSON_ID + chance.randrange(100)
            return _data(Person(vanished, "Vanished", "Person", None, [], "external"))
        return self._person_data(chance.choice(self._collaborators if draw > 0.9 else self.outsiders))

    def company(self, chance: random.Random) -> dict[str, Any] | None:
        """Return a company."""
        if not self.companies.ids:
            return None
        place = chance.randrange(len(self.companies.ids))
        name, domains, _ = self.companies.head(place)
        return {"id": FIRST_COMPANY_ID + place, "name": name, "domain": domains[0] if domains else None}

    def creator(self, place: int) -> int | None:
        """Return the creator of the row at a position: mostly a user, sometimes one who has left, or None."""
        if place % 17 == 5:
            return None
        if place % 19 == 7 or not self.users:
            return FORMER_USER_ID
        return self.users[place % len(self.users)]

    def _read_person(self, person_id: int) -> dict[str, Any]:
        return _data(self.persons.row(person_id))


class Enlarged(Generic[R]):
    """Companies or persons with additional fields."""

    def __init__(self, rows: Source[R], further: Callable[[int], list[Field]]) -> None:
        self.ids = rows.ids
        self._rows = rows
        self._further = further

    def row(self, row_id: int) -> R:
        """Return the row with all its fields."""
        row = self._rows.row(row_id)
        return msgspec.structs.replace(row, fields=[*(row.fields or ()), *self._further(row_id)])


def moment(place: int) -> datetime:
    """Return a time for the row at a position."""
    return FIRST_MOMENT + place % MOMENTS * MOMENT_STEP


def _data(row: Person) -> dict[str, Any]:
    return {
        "id": row.id,
        "firstName": row.first_name,
        "lastName": row.last_name,
        "primaryEmailAddress": row.primary_email_address,
        "type": row.type,
    }
