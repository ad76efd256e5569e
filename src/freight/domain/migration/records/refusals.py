"""Refusals: find the items whose data PostgreSQL refuses, and store the others."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from freight import database
from freight.database import Connection

Item = TypeVar("Item")
Stored = TypeVar("Stored")

NOT_STORABLE = "not_storable"

MAX_REASON_LENGTH = 200
"""Characters of PostgreSQL's message that are quoted."""


async def store(
    tx: Connection,
    items: Sequence[Item],
    write: Callable[[Sequence[Item]], Awaitable[Stored]],
    instead: Callable[[Item, str], Item],
) -> Stored:
    """Write all items. Replace an item that is refused by itself with the result of `instead(item, reason)`.

    `write` may be called several times; each call is rolled back before the next one. Raise the database's error if it
    is about none of the items by itself.
    """
    written, replaced = list(items), set[int]()
    while True:
        try:
            async with database.savepoint(tx):
                return await write(written)
        except Exception as error:
            if not database.is_about_data(error):
                raise
            refused = await _refused(tx, written, range(len(written)), write)
            if not refused.keys() - replaced:
                raise
        for place, reason in refused.items():
            written[place] = instead(written[place], reason)
        replaced |= refused.keys()


async def _refused(
    tx: Connection, items: Sequence[Item], places: range, write: Callable[[Sequence[Item]], Awaitable[object]]
) -> dict[int, str]:
    """Return the indexes of the items that are refused by themselves, each with the reason, by bisection."""
    reason = await _try(tx, [items[place] for place in places], write)
    if reason is None:
        return {}
    if len(places) == 1:
        return {places.start: reason}
    middle = (places.start + places.stop) // 2
    first = await _refused(tx, items, range(places.start, middle), write)
    return first | await _refused(tx, items, range(middle, places.stop), write)


async def _try(
    tx: Connection, items: Sequence[Item], write: Callable[[Sequence[Item]], Awaitable[object]]
) -> str | None:
    """Return why these items are refused together, None if they are not. Leave nothing written."""
    if not items:
        return None
    try:
        async with database.savepoint(tx, keep=False):
            await write(items)
    except Exception as error:
        if not database.is_about_data(error):
            raise
        return reason_of(error)
    return None


def reason_of(error: Exception) -> str:
    """Return the reason of a refusal as part of a sentence."""
    said = database.storable(str(error)).partition("\n")[0].strip().rstrip(".")
    return said[:MAX_REASON_LENGTH] or type(error).__name__
