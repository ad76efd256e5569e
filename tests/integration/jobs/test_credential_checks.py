"""What a client is told about a vendor that cannot say whose key it is, and what that means for others' keys."""

import hashlib
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from freight.domain.credential_checks import identify
from freight.domain.errors import CredentialsRefused, VendorUnreachable
from freight.domain.vendors import Vendors
from freight.settings import Settings
from support.receiver import Answer, Receiver, receiving

WHOAMI = Answer(200, b'{"tenant":{"id":5,"name":"Contoso","subdomain":"contoso"},"user":{"id":1}}')
SELF = Answer(200, b'{"active":true,"workspace_id":"w1","workspace_name":"Contoso"}')


def limited(seconds: int) -> Answer:
    return Answer(
        429, b'{"errors":[{"code":"rate-limit","message":"Too many requests."}]}', {"Retry-After": f"{seconds}"}
    )


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
async def vendor() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def another() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def vendors(redis: Redis, vendor: Receiver, another: Receiver) -> Vendors:
    return Vendors(Settings(vendor_hosts=f"{vendor.address},{another.address}"), redis, workers=lambda: 1)


async def asked(vendors: Vendors, vendor: Receiver, key: str, **given: Any) -> str:
    """The name of the workspace, or what is said instead."""
    try:
        found = await identify(
            vendors.source,
            "affinity",
            side="source",
            api_key=key,
            base_url=f"http://{vendor.address}",
            resolve=vendors.resolve,
            **given,
        )
    except VendorUnreachable as error:
        return str(error)
    return found.name


async def test_one_key_s_rate_limit_holds_up_neither_another_key_nor_another_vendor_s_host(
    vendors: Vendors, vendor: Receiver, another: Receiver
) -> None:
    vendor.answers += [limited(300), WHOAMI]
    another.answers.append(WHOAMI)
    began = time.monotonic()
    assert "rate limit" in await asked(vendors, vendor, "first")
    assert "rate limit" in await asked(vendors, vendor, "first")
    assert await asked(vendors, vendor, "second") == "Contoso"
    assert await asked(vendors, another, "first") == "Contoso"
    assert (len(vendor.requests), len(another.requests)) == (2, 1)
    assert time.monotonic() - began < 10


async def test_one_key_s_failures_open_the_circuit_of_no_other(vendors: Vendors, vendor: Receiver) -> None:
    vendor.answers += [Answer(503)] * 200
    for _ in range(10):
        said = await asked(vendors, vendor, "first", seconds=0.3)
    assert "it limited or did not answer earlier requests with this key" in said
    vendor.answers.clear()
    vendor.answers.append(WHOAMI)
    assert await asked(vendors, vendor, "second") == "Contoso"


async def test_a_wait_that_is_known_is_said_at_once_with_its_end(vendors: Vendors, vendor: Receiver) -> None:
    vendor.answers.append(limited(300))
    await asked(vendors, vendor, "key")
    began = time.monotonic()
    said = await asked(vendors, vendor, "key")
    assert time.monotonic() - began < 5
    assert said.startswith("The source's key could not be checked: Affinity allows no further requests")
    assert "UTC" in said
    assert len(vendor.requests) == 1


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([Answer(429)] * 20, "it answered 429 because of its rate limit"),
        ([Answer(503)] * 20, "it did not answer, or answered with a server error, within 0.3 seconds"),
    ],
)
async def test_a_vendor_that_gives_no_usable_answer_in_time_is_blamed_for_what_it_did(
    vendors: Vendors, vendor: Receiver, answers: list[Answer], reason: str
) -> None:
    vendor.answers += answers
    assert reason in await asked(vendors, vendor, "key", seconds=0.3)


async def test_a_vendor_that_is_silent_did_not_answer(vendors: Vendors) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        url = f"http://{host}"
        own = Vendors(Settings(vendor_hosts=host), Redis(port=1), workers=lambda: 1)
        with pytest.raises(VendorUnreachable, match=r"it did not answer within 0.3 seconds"):
            await identify(
                own.source, "affinity", side="source", api_key="key", base_url=url, resolve=own.resolve, seconds=0.3
            )


async def test_a_vendor_that_redirects_to_another_address_is_not_followed(
    vendors: Vendors, vendor: Receiver, another: Receiver
) -> None:
    vendor.answers += [Answer(302, headers={"Location": another.url})] * 20
    assert "could not be checked" in await asked(vendors, vendor, "key", seconds=0.3)
    assert vendor.requests
    assert another.requests == []


async def test_a_name_that_does_not_resolve_is_said_at_once(vendors: Vendors) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(VendorUnreachable, match=r"'crm.example' does not resolve.*target_config.base_url"):
        await identify(
            vendors.target, "attio", side="target", api_key="key", base_url="https://crm.example", resolve=resolve
        )


async def test_a_refused_key_is_the_client_s(vendors: Vendors, vendor: Receiver) -> None:
    vendor.answers.append(Answer(401, b'{"errors":[{"code":"authentication","message":"No."}]}'))
    with pytest.raises(CredentialsRefused):
        await asked(vendors, vendor, "key")


async def test_no_key_stands_in_redis(vendors: Vendors, vendor: Receiver, redis: Redis) -> None:
    vendor.answers.append(WHOAMI)
    await asked(vendors, vendor, "a-very-secret-key")
    keys = [key.decode() for key in await redis.keys("freight:pace:*")]
    assert not any("a-very-secret-key" in key for key in keys)
    digest = hashlib.sha256(b"a-very-secret-key").hexdigest()
    assert f"freight:pace:affinity:{vendor.address}:key:{digest}:read" in keys


async def test_accounts_of_jobs_at_different_hosts_have_paces_of_their_own(
    vendors: Vendors, vendor: Receiver, another: Receiver, redis: Redis
) -> None:
    vendor.answers.append(SELF)
    another.answers.append(SELF)
    for receiver in (vendor, another):
        target = vendors.target("attio", api_key="key", base_url=f"http://{receiver.address}", account="w1")
        await target.identify()
        await target.aclose()
        assert await redis.exists(f"freight:pace:attio:{receiver.address}:w1:read")
