"""A vendor that answers nothing is waited for; one that answers others is not to blame for a record."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from freight.connectors.errors import (
    ConnectorError,
    CredentialsRefused,
    InDoubt,
    MustWait,
    Unavailable,
    UnexpectedAnswer,
)
from freight.connectors.protocols import Workspace
from freight.domain.migration.availability import MAX_FAILURES_IN_A_ROW, MAX_WAIT_SECONDS, Availability, Waits


class Vendor:
    """A target that says who it is, or fails."""

    def __init__(self, error: ConnectorError | None = None) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was not to be asked for")

    async def identify(self) -> Workspace:
        if self.error is not None:
            raise self.error
        return Workspace(id="w", name="W")


def of(vendor: Vendor) -> Availability:
    return Availability(uuid4(), Waits(), target=vendor)


@pytest.mark.parametrize("error", [Unavailable("503"), UnexpectedAnswer("A page."), InDoubt("No answer.")])
async def test_a_vendor_that_answers_nothing_is_waited_for(error):
    with pytest.raises(MustWait) as waits:
        await of(Vendor(error)).failed(Unavailable("500"))
    assert waits.value.code == "vendor_unavailable"
    assert waits.value.until > datetime.now(UTC)
    assert "continues by itself" in str(waits.value)


async def test_a_key_that_is_refused_is_not_waited_for():
    with pytest.raises(CredentialsRefused):
        await of(Vendor(CredentialsRefused())).failed(Unavailable("500"))


async def test_a_failure_at_one_record_is_the_records_while_the_vendor_answers():
    await of(Vendor()).failed(Unavailable("500"))


async def test_a_vendor_that_takes_no_record_at_all_is_waited_for():
    availability = of(Vendor())
    for _ in range(MAX_FAILURES_IN_A_ROW):
        await availability.failed(Unavailable("503"))
    with pytest.raises(MustWait):
        await availability.failed(Unavailable("503"))


async def test_answers_that_are_wrong_about_every_record_count_as_an_attempt():
    availability = of(Vendor())
    for _ in range(MAX_FAILURES_IN_A_ROW):
        await availability.failed(UnexpectedAnswer("?"))
    with pytest.raises(UnexpectedAnswer):
        await availability.failed(UnexpectedAnswer("?"))


async def test_many_failures_beside_successes_count_as_an_attempt():
    availability = of(Vendor())
    availability.succeeded()
    for _ in range(MAX_FAILURES_IN_A_ROW):
        await availability.failed(Unavailable("503"))
    with pytest.raises(Unavailable):
        await availability.failed(Unavailable("503"))


async def test_an_outage_takes_the_place_of_the_error_that_showed_it():
    with pytest.raises(MustWait):
        async with of(Vendor(Unavailable("503"))).outages_waited_for():
            raise Unavailable("503")
    with pytest.raises(UnexpectedAnswer):
        async with of(Vendor()).outages_waited_for():
            raise UnexpectedAnswer("?")


def test_waits_grow_and_are_bounded_until_the_vendor_answers():
    waits, job = Waits(), uuid4()
    seconds = [waits.next(job) for _ in range(8)]
    assert seconds[0] < 5
    assert seconds == sorted(seconds)
    assert seconds[-1] == MAX_WAIT_SECONDS
    waits.over(job)
    assert waits.next(job) == seconds[0]
