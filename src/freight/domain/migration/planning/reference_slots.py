"""Reference slots: fill the references of a draft with the records of the target. Pure.

A record may be loaded before one to which it refers. The first pass fills what it can and leaves the other slots open.
The second pass, once everything is loaded, drafts such a record once more and fills all of its slots.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from freight.connectors.protocols import Draft, Issue, ReferenceSlot, SlotReference
from freight.model.crm import Reference


class Filling(msgspec.Struct, frozen=True, kw_only=True):
    """The result of filling one slot."""

    slot: ReferenceSlot
    items: list[Any]
    """The values of its attribute, in the source's order."""
    waits: bool
    """Whether a referenced record is still to be loaded."""
    issues: tuple[Issue, ...]
    """Issues to log once everything is loaded."""

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left out."""
        return not self.waits and not self.issues


def fill(draft: Draft, found: Mapping[Reference, str], to_come: Collection[Reference] = ()) -> Draft:
    """Return the draft with the values of its slots. `found` has ids of the target, `to_come` what is loaded later.

    While one of its records is still to be loaded, the draft keeps the incomplete slots, and no reference has issues:
    the second pass logs them, when everything is known.
    """
    fillings = [_fill(slot, found, to_come) for slot in draft.slots]
    waits = any(filling.waits for filling in fillings)
    filled = [filling for filling in fillings if filling.items]
    return msgspec.structs.replace(
        draft,
        values={**draft.values, **{filling.slot.attribute: filling.items for filling in filled}},
        multiple=draft.multiple | {filling.slot.attribute for filling in filled if filling.slot.multiple},
        issues=draft.issues if waits else (*draft.issues, *(issue for one in fillings for issue in one.issues)),
        slots=tuple(filling.slot for filling in fillings if not filling.is_complete) if waits else (),
    )


def references_only(draft: Draft) -> Draft:
    """Return an unfilled draft with only its slots, for the second pass: the first pass has written the rest."""
    return msgspec.structs.replace(draft, values={}, multiple=frozenset(), migrated=frozenset(), issues=())


def _fill(slot: ReferenceSlot, found: Mapping[Reference, str], to_come: Collection[Reference]) -> Filling:
    kept, missing, others = _sorted(slot, found, to_come)
    # Two records of the source may be one record in the target.
    targets = dict.fromkeys((one.reference[0], found[one.reference]) for one in kept if one.reference in found)
    issues = [one.if_missing for one in missing]
    if others and slot.if_several is not None:
        issues.append(slot.if_several([one.name for one in others]))
    return Filling(
        slot=slot,
        items=[slot.value(entity, target_id) for entity, target_id in targets],
        waits=any(one.reference not in found for one in kept),
        issues=tuple(issues),
    )


def _sorted(
    slot: ReferenceSlot, found: Mapping[Reference, str], to_come: Collection[Reference]
) -> tuple[list[SlotReference], list[SlotReference], list[SlotReference]]:
    """Return the references that the attribute gets, now or later, the missing ones, and those left out."""
    given = list(slot.references)
    is_known = [one.reference in found or one.reference in to_come for one in given]
    if slot.multiple:
        known = [one for one, known in zip(given, is_known, strict=True) if known]
        return known, [one for one, known in zip(given, is_known, strict=True) if not known], []
    first = is_known.index(True) if True in is_known else len(given)
    return given[first : first + 1], given[:first], given[first + 1 :]
