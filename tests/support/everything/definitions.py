"""Fields of an Affinity workspace, one of every value type for whatever can have fields, and values for them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Row = dict[str, Any]

NUMBERS = (12, None, 3.5, 0, -7.25, 1234567.123456, 0.00004, 9007199254740991)
TEXTS = ("Plain words", None, "Two\nlines", "  space around  ", "Ünïcödé 漢字 🚀", "")
DAYS = (
    "2024-01-15T08:00:00.000Z",
    "2024-07-01T07:00:00.000Z",
    None,
    "2024-03-10T08:00:00.000Z",
    "2024-03-11T07:00:00.000Z",
    "2024-11-03T07:00:00.000Z",
    "2024-11-04T08:00:00Z",
    "1999-12-31T08:00:00.000Z",
)
"""Days as Affinity keeps them, midnight in California, in winter, in summer and where the clocks change."""

OPTIONS = ("SaaS", "saas", "  B2B  Sales ", "B2B  Sales", "R&D / “deep” tech, other", "Not used anywhere")
"""Twins in capitals and small letters, and twins that differ only by space around them."""
STAGES = ("New", "Meeting | call", "Term sheet", "Won 🎉", "Passed")
MANY = tuple(f"Market {number:03}" for number in range(1, 131))
"""More options than a page of them holds."""


@dataclass(frozen=True)
class Field:
    """A field, and a way to write its values."""

    id: str
    name: str
    value_type: str
    type: str = "global"
    source: str | None = None
    options: tuple[str, ...] = ()

    def definition(self, entity: str, list_id: int | None = None) -> Row:
        """Return the field as a line of `fields.jsonl`."""
        place = {} if list_id is None else {"listId": list_id}
        choices = {"dropdownOptions": [self._choice(text) for text in self.options]} if self.options else {}
        return {"entity": entity, "valueType": self.value_type, **self._head, **place, **choices}

    def holding(self, data: Any) -> Row:
        """Return the field with a value, as a record shows it."""
        return {**self._head, "value": {"type": self.value_type, "data": data}}

    def chosen(self, text: str) -> Row:
        """Return an option as a value names it; it may be one that was deleted since."""
        number = self.options.index(text) if text in self.options else 999
        ranked = {"rank": number, "color": "blue"} if self.value_type == "ranked-dropdown" else {}
        return {"dropdownOptionId": self._number * 1000 + number, "text": text, **ranked}

    @property
    def _head(self) -> Row:
        return {"id": self.id, "name": self.name, "type": self.type, "enrichmentSource": self.source}

    @property
    def _number(self) -> int:
        return int(self.id.removeprefix("field-"))

    def _choice(self, text: str) -> Row:
        chosen = self.chosen(text)
        return {"id": chosen["dropdownOptionId"], "text": text, "rank": chosen.get("rank"), "color": None}


@dataclass(frozen=True)
class Fields:
    """The fields of companies, of persons or of one list, with values that records take by turns."""

    entity: str
    list_id: int | None
    every_type: Sequence[tuple[Field, Sequence[Any]]]
    others: Sequence[Field] = field(default=())

    def definitions(self) -> list[Row]:
        """Return the lines of `fields.jsonl`."""
        fields = [*(given for given, _ in self.every_type), *self.others]
        return [given.definition(self.entity, self.list_id) for given in fields]

    def values(self, turn: int) -> list[Row]:
        """Return a value for each field that has one of every type, empty ones among them."""
        return [given.holding(values[turn % len(values)]) for given, values in self.every_type]

    def __getitem__(self, name: str) -> Field:
        """Return the first field with this name."""
        return next(given for given in [*(one for one, _ in self.every_type), *self.others] if given.name == name)


def person(
    number: int, first: str | None, last: str | None = None, email: str | None = None, *, kind: str = "external"
) -> Row:
    """Return a person as a value names them."""
    return {"id": number, "firstName": first, "lastName": last, "primaryEmailAddress": email, "type": kind}


def company(number: int, name: str, domain: str | None = None) -> Row:
    """Return a company as a value names it."""
    return {"id": number, "name": name, "domain": domain}


def place(
    city: str | None,
    country: str | None,
    *,
    street: str | None = None,
    state: str | None = None,
    continent: str | None = None,
) -> Row:
    """Return a location."""
    return {"streetAddress": street, "city": city, "state": state, "country": country, "continent": continent}


BERLIN = place("Berlin", "Germany", street="Torstraße 1\nHinterhaus", continent="Europe")
BOSTON = place("Boston", "United States", street="1 Main St", state="MA", continent="North America")
PLACES = (
    BERLIN,
    None,
    BOSTON,
    place("Oslo", None),
    place(None, None),
    place("Poseidonis", "Atlantis"),
    place(None, None, continent="Asia"),
)

ADA = person(1, "Ada", "Admin", "ada@sandbox-ventures.com", kind="internal")
BEN = person(2, "Ben", "Broker", "Ben@Sandbox-Ventures.com", kind="internal")
CLEO = person(3, "Cleo", "Former", "cleo@sandbox-ventures.com", kind="internal")
DORA = person(4, "Dora", "Departed", "dora@sandbox-ventures.com", kind="internal")
EVA = person(9, "Eva", "Erased", "eva@sandbox-ventures.com", kind="internal")
"""Users: the first three are members of the target, one of them suspended; the last is gone from the source, too."""
CONSULTANT = person(10, "Carl", "Consultant", "carl@elsewhere.example.com", kind="collaborator")

ANNA = person(2001, "Anna", "Ordinary", "anna@plain.example.com")
BERT = person(2002, "Bert", "Ordinary", "bert@plain.example.com")
NOBODY = person(2999, "Nobody", "Knows", "nobody@gone.example.com")
"""Somebody whom no collection shows."""

PLAIN = company(1001, "Plain", "plain.example.com")
OTHER = company(1002, "Other", "other.example.com")
NOTHING = company(1999, "Nothing", "gone.example.com")
"""A company that no collection shows."""


def every_type(first: int, type_: str = "global") -> list[tuple[Field, Sequence[Any]]]:
    """Return a field of each value type with values by turns, numbered from `first`."""
    kinds: list[tuple[str, str, Sequence[Any]]] = [
        ("Comment", "text", TEXTS),
        ("Ticker", "filterable-text", ("ABC", None, "x" * 300)),
        ("Aliases", "filterable-text-multi", (["one"], None, ["two", "three", "two"])),
        ("Amount", "number", NUMBERS),
        ("Rounds", "number-multi", ([1, 2.5], None, [3])),
        ("Score", "formula-number", ({"calculatedValue": 3.25}, {"calculatedValue": None}, None)),
        ("Day", "datetime", DAYS),
        ("Second office", "location", PLACES),
        ("Offices", "location-multi", ([BERLIN, BOSTON], None, [BOSTON])),
        ("Known to", "person", (ANNA, None, NOBODY, BEN)),
        ("Board", "person-multi", ([ANNA, BERT], None, [BERT, NOBODY, ADA])),
        ("Owners", "person-multi", ([ADA], [BEN, CLEO], None, [DORA], [EVA, ADA], [ANNA], [CONSULTANT])),
        ("Parent", "company", (PLAIN, None, NOTHING)),
        ("Investors", "company-multi", ([PLAIN, OTHER], None, [OTHER, NOTHING])),
        ("Hologram", "hologram", ({"beams": 3}, None)),
    ]  # fmt: skip
    made: list[tuple[Field, Sequence[Any]]] = [
        (Field(f"field-{first + number}", name, value_type, type_), values)
        for number, (name, value_type, values) in enumerate(kinds)
    ]
    return made + _choosable(first + len(kinds), type_)


def _choosable(first: int, type_: str) -> list[tuple[Field, Sequence[Any]]]:
    sector, tags, priority = (
        Field(f"field-{first + number}", name, value_type, type_, options=options)
        for number, (name, value_type, options) in enumerate(
            (
                ("Sector", "dropdown", OPTIONS),
                ("Tags", "dropdown-multi", OPTIONS),
                ("Priority", "ranked-dropdown", STAGES),
            )
        )
    )
    return [
        (sector, (*map(sector.chosen, OPTIONS[:5]), None, sector.chosen("Deleted since"))),
        (tags, ([tags.chosen("SaaS"), tags.chosen("saas")], None, [tags.chosen(text) for text in OPTIONS[2:5]])),
        (priority, (*map(priority.chosen, STAGES), None)),
    ]


def renamed(fields: list[tuple[Field, Sequence[Any]]], old: str, new: str) -> list[tuple[Field, Sequence[Any]]]:
    """Return the same fields, one of them under another name."""
    return [(replace(given, name=new) if given.name == old else given, values) for given, values in fields]
