"""What PostgreSQL does not store is found among many and set apart."""

from collections.abc import Sequence

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freight import database
from freight.domain.migration.records import refusals
from freight.domain.migration.records.reservations import MAX_KEY_BYTES, key_of
from freight.tasks import worker_name
from support.service import Tenant


@pytest.mark.parametrize("bad", [set(), {0}, {9}, {3, 4}, set(range(10))], ids=str)
async def test_every_item_is_stored_once_and_those_that_are_refused_are_replaced(tenant: Tenant, bad: set[int]) -> None:
    items = ["a\0b" if place in bad else f"item {place}" for place in range(10)]
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute("CREATE TEMPORARY TABLE kept (item text) ON COMMIT DROP")

        async def write(some: Sequence[str]) -> int:
            await tx.execute("INSERT INTO kept SELECT unnest($1::text[])", list(some))
            return len(some)

        assert await refusals.store(tx, items, write, lambda _, reason: f"refused: {reason}") == len(items)
        kept = [row["item"] for row in await tx.fetch("SELECT item FROM kept")]
    assert [item for item in kept if item.startswith("item")] == [item for item in items if item.startswith("item")]
    assert sum(item.startswith("refused: invalid byte sequence") for item in kept) == len(bad)


async def test_what_is_refused_for_no_item_alone_is_raised(tenant: Tenant) -> None:
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute("CREATE TEMPORARY TABLE kept (item text PRIMARY KEY) ON COMMIT DROP")

        async def write(some: Sequence[str]) -> None:
            await tx.execute("INSERT INTO kept SELECT unnest($1::text[])", list(some))

        with pytest.raises(asyncpg.UniqueViolationError):
            await refusals.store(tx, ["a", "b", "a"], write, lambda item, _: item)


@given(st.text(st.characters(codec=None), max_size=2 * MAX_KEY_BYTES))
def test_the_key_of_any_value_can_be_stored(value: str) -> None:
    key = key_of(value)
    assert len(key.encode()) <= MAX_KEY_BYTES
    assert database.storable(key) == key
    assert key_of(value) == key


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_different_values_have_different_keys(one: str, other: str) -> None:
    assert (key_of(one) == key_of(other)) == (one == other)


def test_the_name_of_a_worker_fits_its_leases_however_long_that_of_the_host_is() -> None:
    assert len(worker_name("h" * 300)) <= 64
