"""References to records: by id, by a matching attribute, by a plain string, or by a reference that matches.

The attribute by which a record is named need not be unique; exactly one record has to hold the value. The guide of
Attio's documentation on linking says so, and that a `target_record_reference` can also choose what happens where no
record matches, or more than one, and create the record. The keys for that are not known, so only `match` and the
refusal of several hits are simulated.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from freight_sandbox.attio.errors import AttioError, malformed, refused
from freight_sandbox.attio.given import Given, require_keys
from freight_sandbox.attio.values import RecordReference, Value

MATCHING_TYPES = frozenset({"domain", "email-address", "number", "phone-number", "text"})
SHORTCUTS = {
    "companies": "domains",
    "people": "email_addresses",
    "users": "user_id",
    "workspaces": "workspace_id",
}
"""The attribute by which a plain string names a record."""

Parser = Callable[[Given], Value]


def parse_reference(given: Given, parse: Parser) -> Value:
    """The record that is referred to; `parse` reads the value of a matching attribute."""
    raw = given.raw
    if isinstance(raw, str):
        slug, record_id = _by_shortcut(given, raw, parse)
    elif not isinstance(raw, dict):
        raise malformed((), "object", raw)
    elif "target_record_id" in raw:
        require_keys(raw, ("target_object", "target_record_id"))
        slug, record_id = raw["target_object"], raw["target_record_id"]
    else:
        slug, record_id = _by_match(given, raw, parse)
    table = given.workspace.find_table(slug) if isinstance(slug, str) else None
    if table is None:
        raise refused(f'Cannot find object with slug/ID "{slug}".', "value_not_found")
    allowed = given.attribute.allowed_objects
    if allowed is not None and table.definition.slug not in allowed:
        raise given.bad(f'Records of the object "{table.definition.slug}" are not allowed here.', "target_object")
    if record_id not in table.records:
        raise refused(
            f'Cannot find record with ID "{record_id}" in object "{table.definition.slug}".', "value_not_found"
        )
    return RecordReference(target_object=table.definition.slug, target_record_id=record_id, **given.common)


def _by_shortcut(given: Given, text: str, parse: Parser) -> tuple[str, str]:
    allowed = given.attribute.allowed_objects or []
    if len(allowed) != 1 or allowed[0] not in SHORTCUTS:
        raise given.bad("A string can only name a record where a single standard object is allowed.")
    return allowed[0], _only_holder(given, allowed[0], SHORTCUTS[allowed[0]], text, parse)


def _by_match(given: Given, raw: dict[str, Any], parse: Parser) -> tuple[str, str]:
    slug = raw.get("target_object")
    if not isinstance(slug, str):
        raise malformed(("target_object",), "string", raw.get("target_object", msgspec.UNSET))
    if "target_record_reference" in raw:
        require_keys(raw, ("target_object", "target_record_reference"))
        key, value = _match(given, raw["target_record_reference"])
    else:
        key, value = _single(given, {key: values for key, values in raw.items() if key != "target_object"}, ())
    return slug, _only_holder(given, slug, key, value, parse)


def _match(given: Given, raw: object) -> tuple[str, object]:
    """The attribute and the value of a `target_record_reference`; its value may stand without an array."""
    if not isinstance(raw, dict):
        raise malformed(("target_record_reference",), "object", raw)
    require_keys(raw, ("match",), ("if_multiple_matches",), ("target_record_reference",))
    if raw.get("if_multiple_matches", "error") != "error":
        raise given.bad(
            "The sandbox knows no other value than error.", "target_record_reference", "if_multiple_matches"
        )
    match = raw["match"]
    if not isinstance(match, dict):
        raise malformed(("target_record_reference", "match"), "object", match)
    listed = {key: value if isinstance(value, list) else [value] for key, value in match.items()}
    return _single(given, listed, ("target_record_reference", "match"))


def _single(given: Given, matching: dict[str, Any], path: tuple[str, ...]) -> tuple[str, object]:
    values = next(iter(matching.values()), None)
    if len(matching) != 1 or not isinstance(values, list) or len(values) != 1:
        raise given.bad("Exactly one matching attribute with one value is needed to refer to a record.", *path)
    return next(iter(matching)), values[0]


def _only_holder(given: Given, slug: str, identifier: str, raw: object, parse: Parser) -> str:
    """The id of the only record that holds a value. Raises 400 where there is none, or more than one."""
    table = given.workspace.find_table(slug)
    attribute = None if table is None else table.definition.find(identifier)
    if table is None or attribute is None or attribute.type not in MATCHING_TYPES:
        raise refused(f'No attribute "{identifier}" to match by was found on object "{slug}".', "value_not_found")
    wanted = parse(msgspec.structs.replace(given, attribute=attribute, raw=raw))
    candidates = table.holders(attribute, str(wanted.identity[0]))
    found = [
        record_id
        for record_id in (table.records if candidates is None else candidates)
        if any(value.identity == wanted.identity for value in table.values(table.records[record_id], attribute))
    ]
    if len(found) == 1:
        return found[0]
    raise _not_one(f'with {identifier} "{wanted.identity[0]}" in "{slug}"', len(found))


def _not_one(what: str, hits: int) -> AttioError:
    if hits == 0:
        return refused(f"Cannot find record {what}.", "value_not_found")
    return refused(f"Found {hits} records {what}, where exactly one is needed.", "multiple_match_results")
