"""Companies, people and deals, value by value."""

from collections.abc import Iterator
from typing import Any

from support.comparison.fields import FACTS, compare_fields, is_phone
from support.comparison.sides import Sides
from support.comparison.source import Row, values
from support.comparison.target import OBJECTS, plain
from support.comparison.values import COUNTRIES, Difference, Item, compare, member, one_of_many, phone, place, reference

OTHER_NAMES = {
    "primary_location": ("location",),
    "company": ("company_id",),
    "email_addresses": ("emails",),
    "associated_people": ("person_ids",),
    "associated_company": ("company_ids",),
}
"""What the log may call an attribute besides its slug."""


def compare_records(sides: Sides) -> Iterator[Difference]:
    """Compare all records, and find those that are in the target only."""
    compare_one = {"companies": _Company, "people": _Person, "deals": _Deal}
    for entity in OBJECTS:
        yield from _strangers(sides, entity)
        for source_id, row in sides.rows[entity].items():
            match sides.records[entity].get(source_id, []):
                case []:
                    yield Difference(entity, source_id, frozenset(), "absent")
                case [record]:
                    yield from compare_one[entity](sides, entity, source_id, row, record["values"]).differences()
                case _:
                    yield Difference(entity, source_id, frozenset(), "twice")


def _strangers(sides: Sides, entity: str) -> Iterator[Difference]:
    """Find records that were not migrated; Attio creates companies itself, one for each new domain of an e-mail
    address."""
    people = sides.target.records["people"]
    domains = {email.rpartition("@")[2] for person in people for email in plain(person["values"], "email_addresses")}
    for record in sides.target.records[entity]:
        source_ids = plain(record["values"], "affinity_id")
        if source_ids and source_ids[0] not in sides.rows[entity]:
            yield Difference(entity, source_ids[0], frozenset(), "made up")
        if not source_ids and not (entity == "companies" and set(plain(record["values"], "domains")) <= domains):
            yield Difference(entity, record["id"]["record_id"], frozenset(), "made up")


class _Record:
    """One record of the source with what the target holds of it."""

    def __init__(self, sides: Sides, entity: str, source_id: str, row: Row, held: dict[str, Any]) -> None:
        self.sides = sides
        self.entity = entity
        self.source_id = source_id
        self.row = row
        self.held = held
        self.data = values(row)

    def differences(self) -> Iterator[Difference]:
        for slug, items in self.expected().items():
            yield from compare(
                self.entity,
                self.source_id,
                (slug, *FACTS.get(slug, ()), *OTHER_NAMES.get(slug, ())),
                items,
                self.sides.held(self.held, slug),
                defaults=self.defaults().get(slug),
            )
        yield from self.further_differences()

    def expected(self) -> dict[str, list[Item]]:
        raise NotImplementedError

    def defaults(self) -> dict[str, dict[str, str]]:
        return {}

    def further_differences(self) -> Iterator[Difference]:
        yield from compare_fields(self.sides, self.entity, self.source_id, self.row, self.held, self.entity)

    def facts(self) -> dict[str, list[Item]]:
        places = as_list(self.data.get("affinity-data-location"))
        return {
            "description": self.texts("description"),
            "linkedin": self.texts("linkedin"),
            "primary_location": one_of_many([item for part in places for item in place(part)]),
            "phone_numbers": self.phones(COUNTRIES.get(places[0]["country"] or "") if places else None),
        }

    def texts(self, slug: str) -> list[Item]:
        given = [text for key in FACTS[slug] for text in as_list(self.data.get(key))]
        return one_of_many([item for text in given for item in text_item(text)])

    def phones(self, country: str | None) -> list[Item]:
        fields = [field for field in self.sides.source.fields[self.entity] if is_phone(field)]
        texts = [text for field in fields for text in as_list(self.data.get(field["id"]))]
        return list({item.value: item for text in texts for item in phone(text, country)}.values())

    def claims(self, slug: str, given: dict[str, str]) -> list[Item]:
        """Domains or e-mail addresses, each of which only one record can hold."""
        own = plain(self.held, slug)
        records = self.sides.target.records[self.entity]
        everywhere = {value for record in records for value in plain(record["values"], slug)}
        return [
            Item(value, (text.strip(),), None if value in own else "claimed" if value in everywhere else "malformed")
            for value, text in given.items()
        ]


class _Company(_Record):
    def expected(self) -> dict[str, list[Item]]:
        websites = [text for text in (self.row["domain"], *self.row["domains"]) if text]
        return {
            "name": text_item(self.row["name"]),
            "domains": self.claims("domains", {host(text): text for text in websites}),
            **self.facts(),
        }


class _Person(_Record):
    def expected(self) -> dict[str, list[Item]]:
        first, last = ((self.row[key] or "").strip() for key in ("firstName", "lastName"))
        emails = {email.strip().lower(): email for email in self.row["emailAddresses"]}
        return {
            "name": [Item((first, last), (first, last))] if first or last else [],
            "email_addresses": self.claims("email_addresses", emails),
            "job_title": self.texts("job_title"),
            "company": self.employer(),
            **self.facts(),
        }

    def employer(self) -> list[Item]:
        named = as_list(self.data.get(FACTS["company"][0]))
        items = [reference("companies", part, self.sides.known) for part in named]
        if any(item.loss is None for item in items):
            return items
        return [*items, *(Item(company, ()) for company in self.sides.joined(self.held))]


class _Deal(_Record):
    def expected(self) -> dict[str, list[Item]]:
        known = self.sides.known
        companies = [reference("companies", {"id": number}, known) for number in self.row["organization_ids"]]
        stage = self.cell("Status")
        return {
            "name": text_item(self.row["name"]),
            "associated_people": [self.person(number) for number in self.row["person_ids"]],
            "associated_company": one_of_many(companies),
            "stage": [] if stage is None else text_item(stage["text"]),
            "owner": one_of_many([member(part, known) for part in as_list(self.cell("Owners"))]),
        }

    def defaults(self) -> dict[str, dict[str, str]]:
        stages = next(given for given in self.sides.target.attributes["deals"] if given.slug == "stage").choices
        return {
            "name": {"Untitled opportunity": "unnamed"},
            "stage": {stages[0]: "stage defaulted"},
            "owner": {self.sides.target.key_holder: "owner defaulted"},
        }

    def further_differences(self) -> Iterator[Difference]:
        yield from ()

    def cell(self, name: str) -> Any:
        fields = self.sides.source.fields.get(str(self.row["listId"]), [])
        return next((self.data.get(field["id"]) for field in fields if field["name"] == name), None)

    def person(self, number: int) -> Item:
        row = self.sides.source.people.get(str(number), {"type": "external"})
        item = reference("people", {"id": number}, self.sides.known)
        return Item(item.value, item.shown, "internal") if row["type"] == "internal" else item


def host(website: str) -> str:
    """Return the host in what people enter as a domain."""
    text = website.strip().lower().removeprefix("https://").removeprefix("http://").partition("/")[0]
    text = text.removeprefix("www.")
    return text if text.isascii() else text.encode("idna").decode()


def text_item(text: Any) -> list[Item]:
    """Return a text, which may also come as a link; none for an empty one."""
    plain_text = (text["link"] if isinstance(text, dict) else text).strip()
    return [Item(plain_text, (plain_text[:100],))] if plain_text else []


def as_list(data: Any) -> list[Any]:
    """Return the values in what may be one, several or none."""
    return data if isinstance(data, list) else [] if data is None else [data]
