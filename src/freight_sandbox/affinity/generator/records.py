"""Generated companies and persons: every row is derived from the seed and its position, so none is stored.

Most rows are ordinary. The others are at fixed intervals, one prime for each oddity of real workspaces.
"""

import random
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from freight_sandbox.affinity.generator.fields import (
    COMPANY_OFFICES,
    COMPANY_SECTOR,
    DESCRIPTION,
    EMPLOYEES,
    FIRST_SECTOR_ID,
    FOUNDED,
    INDUSTRY,
    INDUSTRY_AGAIN,
    JOB_TITLE,
    LINKEDIN,
    LOCATION,
    MET_AT,
    ORGANIZATION,
    PAST_TITLES,
    PERSON_INDUSTRY,
    PERSON_LINKEDIN,
    PERSON_LOCATION,
    PERSON_OFFICES,
    PHONE,
)
from freight_sandbox.affinity.generator.values import location
from freight_sandbox.affinity.generator.word_lists import (
    CITIES,
    COMPANY_FIRST_WORDS,
    COMPANY_SECOND_WORDS,
    COMPANY_SUFFIXES,
    FIRST_NAMES,
    FREE_MAIL,
    INDUSTRIES,
    INVALID_PHONES,
    JOB_TITLES,
    LAST_NAMES,
    SECTORS,
    UNUSUAL_NAMES,
    City,
)
from freight_sandbox.affinity.rows import Company, Field, Person

FIRST_COMPANY_ID = 200_000_001
FIRST_PERSON_ID = 100_000_001
INTERNAL_PERSONS = 8
OWN_DOMAIN = "sandbox-ventures.com"
NAME_PAIRS = len(COMPANY_FIRST_WORDS) * len(COMPANY_SECOND_WORDS)
NAME_STEP = 619  # shares no factor with NAME_PAIRS, so stepping visits every pair once


def is_collaborator(person_id: int) -> bool:
    """Return whether the person is an external one with access to a part of the workspace."""
    return (person_id - FIRST_PERSON_ID) % 29 == 12


class Companies:
    """Generated companies."""

    def __init__(self, seed: int, count: int) -> None:
        self.ids: Sequence[int] = range(FIRST_COMPANY_ID, FIRST_COMPANY_ID + count)
        self._seed = seed
        self.head = lru_cache(maxsize=4096)(self._head)

    def row(self, row_id: int) -> Company:
        """Return the company with this id."""
        place = row_id - FIRST_COMPANY_ID
        chance = random.Random(f"{self._seed} company {place}")  # noqa: S311
        name, domains, city = self.head(place)
        if place % 59 == 31:
            domains = [
                *domains,
                chance.choice((f"http://www.{_slug(name)}.com/about", f"not_a_host_{place}!", f"acme corp {place}")),
            ]
        return Company(
            id=row_id,
            name=name,
            domain=domains[0] if domains else None,
            domains=domains,
            is_global=place % 13 == 3,
            fields=_company_fields(place, name, city, chance),
        )

    def _head(self, place: int) -> tuple[str, list[str], City]:
        """Return name, valid domains and city, which the company's people need."""
        chance = random.Random(f"{self._seed} company head {place}")  # noqa: S311
        city = chance.choice(CITIES)
        first, second = self._words(place)
        suffix = chance.choice(COMPANY_SUFFIXES)
        if place % 41 == 12:
            return f"{first} {second} Europe", self.head(place - 1)[1][:1], city
        if place % 23 == 7:
            return f"{first} {second}{suffix}", [], city
        # When all pairs of words are used, they repeat with a number.
        slug = _slug(first + second) + (str(place // NAME_PAIRS + 1) if place >= NAME_PAIRS else "")
        domains = [slug + city.suffix]
        if place % 17 == 5:
            domains += [f"{slug}-group.com", f"mail.{slug}-group.com"]
        return f"{first} {second}{suffix}", domains, city

    def _words(self, place: int) -> tuple[str, str]:
        pair = (place * NAME_STEP + self._seed) % NAME_PAIRS
        first, second = divmod(pair, len(COMPANY_SECOND_WORDS))
        return COMPANY_FIRST_WORDS[first], COMPANY_SECOND_WORDS[second]


class Persons:
    """Generated persons who work for generated companies."""

    def __init__(self, seed: int, count: int, companies: Companies) -> None:
        self.ids: Sequence[int] = range(FIRST_PERSON_ID, FIRST_PERSON_ID + count)
        self._seed = seed
        self._companies = companies

    def row(self, row_id: int) -> Person:
        """Return the person with this id."""
        place = row_id - FIRST_PERSON_ID
        chance = random.Random(f"{self._seed} person {place}")  # noqa: S311
        internal = place < INTERNAL_PERSONS
        first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
        if internal:
            emails, employer = [f"{_slug(first)}{place + 1}@{OWN_DOMAIN}"], None
        else:
            employer = self._employer(place, chance)
            emails = _emails(place, first, last, self._domain(employer, chance), chance)
        shown_first, shown_last = _shown_name(place, first, last, chance)
        return Person(
            id=row_id,
            first_name=first if internal else shown_first,
            last_name=last if internal else shown_last,
            primary_email_address=emails[0] if emails else None,
            email_addresses=emails,
            type="internal" if internal else "collaborator" if is_collaborator(row_id) else "external",
            fields=self._person_fields(place, employer, chance),
        )

    def _employer(self, place: int, chance: random.Random) -> int | None:
        """Return the position of the company that the person works for."""
        if place % 9 == 4 or not self._companies.ids:
            return None
        return chance.randrange(len(self._companies.ids))

    def _domain(self, employer: int | None, chance: random.Random) -> str:
        domains = [] if employer is None else self._companies.head(employer)[1]
        return domains[0] if domains and chance.random() < 0.9 else chance.choice(FREE_MAIL)

    def _person_fields(self, place: int, employer: int | None, chance: random.Random) -> list[Field]:
        city = CITIES[chance.randrange(len(CITIES))] if employer is None else self._companies.head(employer)[2]
        title = chance.choice(JOB_TITLES)
        past = [title, chance.choice(JOB_TITLES)] if place % 3 == 0 else None
        phones = [city.phone.format(chance.randrange(100, 200))] if place % 2 == 0 else None
        if place % 43 == 10:
            phones = [*(phones or []), chance.choice(INVALID_PHONES)]
        offices = [location(city, chance), location(chance.choice(CITIES), chance)] if place % 19 == 9 else None
        handle = f"{chance.choice(FIRST_NAMES)}-{place}".lower()
        return [
            JOB_TITLE.holding(title if place % 5 else None),
            PAST_TITLES.holding(past),
            ORGANIZATION.holding(self._organization(place, employer)),
            PHONE.holding(phones),
            PERSON_LOCATION.holding(location(city, chance) if place % 4 else None),
            PERSON_INDUSTRY.holding(None),
            PERSON_LINKEDIN.holding(f"https://www.linkedin.com/in/{_slug(handle)}" if place % 3 else None),
            PERSON_OFFICES.holding(offices),
            MET_AT.holding(f"Demo day {2015 + place % 11}" if place % 8 == 0 else None),
        ]

    def _organization(self, place: int, employer: int | None) -> dict[str, Any] | None:
        if place % 61 == 20:
            return {"id": FIRST_COMPANY_ID + 90_000_000 + place, "name": "Vanished Company", "domain": None}
        if employer is None:
            return None
        name, domains, _ = self._companies.head(employer)
        return {"id": FIRST_COMPANY_ID + employer, "name": name, "domain": domains[0] if domains else None}


def _company_fields(place: int, name: str, city: City, chance: random.Random) -> list[Field]:
    industry = chance.choice(INDUSTRIES)
    sector = chance.randrange(len(SECTORS))
    offices = [location(city, chance), location(chance.choice(CITIES), chance)] if place % 19 == 9 else None
    return [
        DESCRIPTION.holding(f"{name} serves {industry.lower()} from {city.name}." if place % 6 else None),
        INDUSTRY.holding([industry] if place % 5 else None),
        INDUSTRY_AGAIN.holding([industry] if place % 10 == 1 else None),
        LINKEDIN.holding(f"https://www.linkedin.com/company/{_slug(name)}" if place % 4 else None),
        LOCATION.holding(location(city, chance) if place % 7 else None),
        EMPLOYEES.holding(chance.randrange(1, 5000)),
        FOUNDED.holding(chance.randrange(1950, 2026) if place % 3 else None),
        COMPANY_SECTOR.holding(
            {"dropdownOptionId": FIRST_SECTOR_ID + sector, "text": SECTORS[sector]} if place % 2 else None
        ),
        COMPANY_OFFICES.holding(offices),
    ]


def _emails(place: int, first: str, last: str, domain: str, chance: random.Random) -> list[str]:
    """Return addresses that no other person has: they contain the person's position."""
    if place % 7 == 3:
        return []
    local = f"{_slug(first)}.{_slug(last)}{place}"
    if place % 53 == 15:
        return [chance.choice((f"{local} at {domain}", f"{local}@@{domain}", f"{local}@{domain}.test", f"{local}@"))]
    if place % 13 == 6:
        return [f"{local}@{chance.choice(FREE_MAIL)}"]
    if place % 11 == 5:
        return [f"{local}@{domain}", f"{local}.private@gmail.com"]
    return [f"{local}@{domain}"]


def _shown_name(place: int, first: str, last: str, chance: random.Random) -> tuple[str, str | None]:
    if place % 31 == 17:
        return first, None
    if place % 37 == 19:
        return "", last
    if place % 47 == 21:
        return chance.choice(UNUSUAL_NAMES)
    return first, last


@lru_cache(maxsize=4096)
def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9-]+", "", plain.replace(" ", "-")).strip("-")
