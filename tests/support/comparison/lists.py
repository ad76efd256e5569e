"""Lists, the attributes of everything, and list entries."""

from collections.abc import Iterator

from support.comparison.fields import compare_fields, is_carried
from support.comparison.sides import Sides, field_of
from support.comparison.source import Row
from support.comparison.target import by_source_id, plain
from support.comparison.values import Difference, Item, compare, reference

ENTITIES = {"company": "companies", "person": "people", "opportunity": "deals"}

WITHOUT_FIELD = {"affinity_id", "phone_numbers", "affinity_entry_id", "affinity_added_at"}
"""Attributes that are made for no field."""


def compare_lists(sides: Sides) -> Iterator[Difference]:
    """Check that each list was made of one list, under its name."""
    for source_id, row in sides.source.lists.items():
        made = sides.target.lists.get(sides.list_ids.get(source_id, ""))
        if made is None:
            yield Difference("lists", source_id, frozenset(), "absent")
            continue
        name, parent = row["name"].strip(), ENTITIES[row["type"]]
        yield from compare("lists", source_id, ("name",), [Item(name, (name,))], [made["name"]])
        yield from compare("lists", source_id, ("parent_object",), [Item(parent, ())], made["parent_object"])
    for source_id in sides.list_ids.keys() - sides.source.lists.keys():
        yield Difference("lists", source_id, frozenset(), "made up")


def compare_attributes(sides: Sides) -> Iterator[Difference]:
    """Check that each attribute was made for one field, under its name and with all its options, used or not."""
    for owner, fields in sides.source.fields.items():
        left = {field["id"]: field for field in fields if is_carried(field)}
        for attribute in sides.attributes(owner):
            field = left.pop(field_of(attribute), None)
            if field is None:
                if not attribute.system and attribute.slug not in WITHOUT_FIELD:
                    yield Difference(owner, attribute.slug, frozenset(), "made up")
                continue
            name = field["name"].strip()
            yield from compare(owner, field["id"], ("title",), [Item(name, (name,))], [attribute.title])
            if attribute.type in ("select", "status"):
                titles = dict.fromkeys(text.strip() for text in field["options"])
                items = [Item(title, (title,)) for title in titles]
                yield from compare(owner, field["id"], (attribute.slug,), items, attribute.choices)
        for field_id in left:
            yield Difference(owner, field_id, frozenset(), "without attribute")


def compare_entries(sides: Sides) -> Iterator[Difference]:
    """Check that every entry is on its list once, for its record, even if others are there for the same record."""
    entries = [entry for given in sides.target.entries.values() for entry in given]
    made = by_source_id(entries, "affinity_entry_id", "entry_values")
    for source_id, row in sides.source.list_entries.items():
        match made.pop(source_id, []):
            case []:
                yield Difference("list_entries", source_id, frozenset(), "absent")
            case [entry] if entry["id"]["list_id"] == sides.list_ids.get(str(row["listId"])):
                yield from _compare_entry(sides, source_id, row, entry)
            case [_]:
                yield Difference("list_entries", source_id, frozenset(), "on another list")
            case _:
                yield Difference("list_entries", source_id, frozenset(), "twice")
    for source_id in made:
        yield Difference("list_entries", source_id, frozenset(), "made up")


def _compare_entry(sides: Sides, source_id: str, row: Row, entry: Row) -> Iterator[Difference]:
    held = entry["entry_values"]
    parent = [reference(ENTITIES[row["type"]], row["entity"], sides.known)]
    stands_for = sides.known.source_ids.get(entry["parent_record_id"])
    yield from compare("list_entries", source_id, ("parent_record",), parent, [stands_for])
    added = row["createdAt"].removesuffix("Z").partition(".")[0]
    present = [text.partition(".")[0] for text in plain(held, "affinity_added_at")]
    yield from compare("list_entries", source_id, ("affinity_added_at",), [Item(added, (added,))], present)
    yield from compare_fields(sides, "list_entries", source_id, row["entity"], held, str(row["listId"]))
