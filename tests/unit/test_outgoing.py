"""Where requests may go that a client names an address for."""

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freight.egress import ON_BEHALF_OF, AddressRefused, EgressPolicy, Resolver, is_public

PUBLIC = "93.184.215.14"
LIMITS = httpx.Limits()

PRIVATE_V4 = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
]
PRIVATE_V6 = ["::/64", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2001::/32", "2001:db8::/32", "2002::/16"]


def names(**found: Sequence[str]) -> EgressPolicy:
    """A guard that allows nothing by name, in a world with these names; all others are at a public address."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return found.get(host.replace(".", "_"), [PUBLIC])

    return EgressPolicy(frozenset(), resolve=resolve)


def with_mask(network: str) -> st.SearchStrategy[int]:
    first, last = (int(end) for end in (ipaddress.ip_network(network)[0], ipaddress.ip_network(network)[-1]))
    return st.integers(first, last)


@st.composite
def textual_v4(draw: st.DrawFn, numbers: st.SearchStrategy[int]) -> str:
    """An IPv4 address as systems take it: in one to four parts, each decimal, octal or hexadecimal."""
    number = draw(numbers)
    count = draw(st.integers(1, 4))
    heads = [(number >> shift) & 0xFF for shift in (24, 16, 8)[: count - 1]]
    last = number & ((1 << (8 * (5 - count))) - 1)
    written = [draw(st.sampled_from([str, hex, lambda part: f"0{part:o}"]))(part) for part in (*heads, last)]
    return ".".join(written) + draw(st.sampled_from(["", "."]))


@st.composite
def textual_v6(draw: st.DrawFn, numbers: st.SearchStrategy[int]) -> str:
    """An IPv6 address as text: short, long, in capitals."""
    address = IPv6Address(draw(numbers))
    return f"[{draw(st.sampled_from([address.compressed, address.exploded, address.compressed.upper()]))}]"


private_v4_numbers = st.one_of([with_mask(network) for network in PRIVATE_V4])
private_hosts = st.one_of(
    textual_v4(private_v4_numbers),
    textual_v6(st.one_of([with_mask(network) for network in PRIVATE_V6])),
    textual_v6(private_v4_numbers.map(lambda number: 0xFFFF_0000_0000 | number)),
    textual_v6(private_v4_numbers.map(lambda number: int(IPv6Address("64:ff9b::")) | number)),
    textual_v6(private_v4_numbers.map(lambda number: int(IPv6Address("2002::")) | number << 80)),
    private_v4_numbers.map(lambda number: f"[::ffff:{IPv4Address(number)}]"),
)


@given(host=private_hosts, port=st.sampled_from(["", ":443", ":8443"]), path=st.sampled_from(["", "/", "/a?b=c"]))
async def test_no_text_for_a_private_address_passes(host: str, port: str, path: str) -> None:
    with pytest.raises(AddressRefused):
        await names().check(f"https://{host}{port}{path}")


@given(number=st.integers(0, 2**32 - 1))
def test_no_ipv4_address_of_a_private_range_is_public(number: int) -> None:
    address = IPv4Address(number)
    private = any(address in IPv4Network(network) for network in PRIVATE_V4)
    assert not (private and is_public(str(address)))


@given(number=st.integers(0, 2**128 - 1))
def test_only_global_unicast_ipv6_addresses_are_public(number: int) -> None:
    address = IPv6Address(number)
    carries_v4 = any(address in IPv6Network(network) for network in ("::ffff:0:0/96", "64:ff9b::/96"))
    assert carries_v4 or not is_public(str(address)) or address in IPv6Network("2000::/3")


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "//example.com/",
        "example.com",
        "",
        "https://",
        "https:///path",
        "https://user:hunter2@example.com/",
        "https://user@example.com/",
        "https://example.com\\@127.0.0.1/",
        "https://example.com:99999/",
        "https://example.com:0/",
        "https://[::1/",
        "https://a\nb/",
        "https://127。0。0。1/",
    ],
)
async def test_what_is_not_a_plain_https_url_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused) as refusal:
        await names().check(url)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    "url", ["https://example.com", "https://EXAMPLE.com:8443/hooks?a=b", "https://bücher.example/"]
)
async def test_a_name_at_a_public_address_passes(url: str) -> None:
    await names().check(url)


@pytest.mark.parametrize("found", [["10.0.0.1"], [PUBLIC, "127.0.0.1"], ["::1"], ["fe80::1%eth0"]])
async def test_a_name_is_refused_when_any_of_its_addresses_is_private(found: Sequence[str]) -> None:
    with pytest.raises(AddressRefused):
        await names(inside_example=found).check("https://inside.example/")


async def test_this_machine_s_own_name_is_refused() -> None:
    with pytest.raises(AddressRefused):
        await EgressPolicy(frozenset()).check("https://localhost/")


async def test_a_name_that_does_not_resolve_passes_and_cannot_be_connected_to() -> None:
    async def nowhere(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror

    egress_policy = EgressPolicy(frozenset(), resolve=nowhere)
    await egress_policy.check("https://not-yet.example/")
    async with httpx.AsyncClient(transport=egress_policy.transport(LIMITS)) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("https://not-yet.example/")


async def test_a_host_that_a_setting_allows_may_be_private_and_plain() -> None:
    egress_policy = EgressPolicy(frozenset({"10.0.0.1", "[::1]:8080", "inside.example:8080"}))
    for url in ("http://10.0.0.1/", "https://10.0.0.1:8443/", "http://[::1]:8080/", "http://inside.example:8080"):
        await egress_policy.check(url)
    for url in ("http://10.0.0.2/", "http://[::1]/", "http://inside.example/", "http://inside.example.com:8080/"):
        with pytest.raises(AddressRefused):
            await egress_policy.check(url)


async def test_a_tenant_whose_names_hang_keeps_nobody_else_waiting() -> None:
    released = threading.Event()

    def look_up(host: str, _: int) -> Sequence[str]:
        if host == "hangs":
            released.wait(30)
        return ["93.184.216.34"]

    resolver = Resolver(look_up, total=4, each=2)

    async def asked(who: str, host: str) -> Sequence[str]:
        ON_BEHALF_OF.set(who)
        return await resolver(host, 443)

    hanging = [asyncio.create_task(asked("one", "hangs")) for _ in range(6)]
    async with asyncio.timeout(3):
        for _ in range(5):
            assert await asyncio.create_task(asked("other", "answers")) == ["93.184.216.34"]
    assert not any(task.done() for task in hanging)
    released.set()
    assert await asyncio.gather(*hanging) == [["93.184.216.34"]] * 6


async def test_what_the_system_says_of_a_name_is_raised_where_it_was_asked_for() -> None:
    def look_up(_: str, __: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(socket.gaierror):
        await Resolver(look_up)("nowhere.test", 443)


async def test_a_lookup_has_a_deadline() -> None:
    released = threading.Event()

    def look_up(_: str, __: int) -> Sequence[str]:
        released.wait(30)
        return []

    resolver = Resolver(look_up, total=1, each=1, seconds=0.05)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await resolver("hangs", 443)
    released.set()
