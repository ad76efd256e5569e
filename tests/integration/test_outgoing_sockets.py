"""Requests that may not arrive, and those that do, over real sockets."""

from collections.abc import AsyncIterator, Sequence

import httpx
import pytest

from freight.egress import AddressRefused, EgressPolicy
from support.receiver import Answer, Receiver, receiving

PUBLIC = "93.184.215.14"
LIMITS = httpx.Limits()


async def test_a_name_that_is_private_by_the_time_of_the_request_is_not_connected_to() -> None:
    answers = [[PUBLIC], ["127.0.0.1"]]

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return answers.pop(0)

    egress_policy = EgressPolicy(frozenset(), resolve=rebinding)
    async with receiving() as receiver:
        url = f"https://rebound.example:{receiver.address.rpartition(':')[2]}/"
        await egress_policy.check(url)
        async with httpx.AsyncClient(transport=egress_policy.transport(LIMITS)) as client:
            with pytest.raises(AddressRefused):
                await client.get(url)
    assert receiver.requests == []
    assert answers == []


async def test_a_redirect_to_a_private_address_is_refused_even_where_redirects_are_followed() -> None:
    async with receiving() as receiver, receiving() as inside:
        receiver.answers.append(Answer(302, headers={"Location": inside.url}))
        transport = EgressPolicy(frozenset({receiver.address})).transport(LIMITS)
        async with httpx.AsyncClient(transport=transport, follow_redirects=True) as client:
            with pytest.raises(AddressRefused):
                await client.get(receiver.url)
    assert (len(receiver.requests), inside.requests) == (1, [])


async def test_requests_to_an_allowed_host_arrive(receiver: Receiver) -> None:
    async with httpx.AsyncClient(transport=EgressPolicy(frozenset({"127.0.0.1"})).transport(LIMITS)) as client:
        assert (await client.post(receiver.url, content=b"x")).text == "thanks"
    assert [request.body for request in receiver.requests] == [b"x"]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver
