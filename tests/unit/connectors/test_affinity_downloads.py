"""What a storage delivers is the file that Affinity lists, or that file fails alone."""

import gzip
import io
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tenacity import wait_none

from freight.connectors.affinity.client import AffinityClient
from freight.connectors.affinity.delivery import SLACK, Delivery, NotDelivered, check
from freight.connectors.affinity.downloads import FILES_TO_WAIT
from freight.connectors.errors import FileIncomplete, MustWait, RejectedBySource, Unavailable
from freight.connectors.protocols import FileContent
from freight.model.crm import File
from support.affinity_source_parts import BASE, Paths
from support.connector_parts import RecordingPacer

STORED = "https://storage.example/5"
TO_STORAGE = httpx.Response(302, headers={"Location": STORED})
PDF = b"%PDF-1.7 " + b"x" * 589
S3_ERROR = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InternalError</Code><Message>Oops</Message></Error>'
MAINTENANCE = b"<!DOCTYPE html><html><body>Down for maintenance</body></html>"


def file(name: str = "deck.pdf", size: int | None = len(PDF), id_: str = "5", type_: str | None = None) -> File:
    return File(id=id_, name=name, size=size, content_type=type_)


def unannounced(content: bytes, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    """A response whose length is not announced."""

    async def parts() -> AsyncIterator[bytes]:
        yield content

    return lambda _: httpx.Response(200, content=parts(), headers=headers)


def announced(content: bytes, length: int | None = None, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    """A response that says how long it is, or wrongly how long it would be."""

    async def parts() -> AsyncIterator[bytes]:
        yield content

    length = len(content) if length is None else length
    return lambda _: httpx.Response(200, content=parts(), headers={"Content-Length": str(length), **headers})


async def fetch(wanted: File, *stored: Any) -> tuple[FileContent, bytes, Paths]:
    paths = Paths({"/entity-files/download/5": TO_STORAGE, "/5": list(stored)})
    into = io.BytesIO()
    content = await paths.client().download(wanted, into)
    return content, into.read(), paths


@pytest.mark.parametrize("stored", [announced(PDF), unannounced(PDF)])
async def test_a_file_of_the_listed_size_is_taken_and_nothing_is_said(stored):
    content, data, _ = await fetch(file(), stored)
    assert (data, content.size, content.issues) == (PDF, len(PDF), ())


@pytest.mark.parametrize(
    "faulty",
    [
        announced(PDF[:300], len(PDF)),
        unannounced(PDF[:300]),
        unannounced(S3_ERROR),
        announced(S3_ERROR),
        unannounced(MAINTENANCE),
        announced(MAINTENANCE),
        announced(b"{}", **{"Content-Type": "application/json"}),
        announced(b"Sorry", **{"Content-Type": "text/html; charset=utf-8"}),
        announced(b""),
    ],
    ids=[
        "cut off",
        "cut off unannounced",
        "storage's error unannounced",
        "storage's error",
        "page unannounced",
        "page",
        "json",
        "by type",
        "empty",
    ],
)
async def test_what_is_not_the_file_is_fetched_again_and_fails_that_file_alone_if_it_stays_so(faulty):
    content, data, paths = await fetch(file(), faulty, faulty, announced(PDF))
    assert (data, content.issues) == (PDF, ())
    assert len(paths.asked("/entity-files/download/5")) == 3
    with pytest.raises(FileIncomplete) as raised:
        await fetch(file(), faulty)
    assert raised.value.code == "file_incomplete"
    assert "'deck.pdf' (5)" in str(raised.value)


async def test_a_size_that_only_the_list_has_wrong_is_believed_to_the_storage_and_named():
    content, data, paths = await fetch(file(size=len(PDF) + 7), announced(PDF))
    assert (data, content.size) == (PDF, len(PDF))
    (issue,) = content.issues
    assert (issue.code, issue.value) == ("file_size_differs", str(len(PDF)))
    assert "'deck.pdf' with 605 bytes" in issue.message
    assert "598" in issue.message
    assert len(paths.asked("/5")) == 1


@pytest.mark.parametrize(
    ("wanted", "content"),
    [
        (file("page.html", None), MAINTENANCE),
        (file("page.html", len(MAINTENANCE)), MAINTENANCE),
        (file("no suffix", len(MAINTENANCE)), MAINTENANCE),
        (file("export", None, type_="text/html"), MAINTENANCE),
        (file("feed.xml", len(S3_ERROR)), S3_ERROR),
        (file("notes.txt", None), b"plain"),
    ],
)
async def test_a_file_that_is_itself_a_page_is_taken(wanted, content):
    _, data, _ = await fetch(wanted, announced(content))
    assert data == content


async def test_an_error_of_the_storage_is_no_xml_file_of_another_size():
    with pytest.raises(FileIncomplete):
        await fetch(file("feed.xml", 9000), announced(S3_ERROR))


@pytest.mark.parametrize("wanted", [file(size=None), file(size=10)])
async def test_a_delivery_that_is_far_too_long_is_broken_off(wanted):
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 1024 * 1024

    with pytest.raises(FileIncomplete, match="more than"):
        await fetch(wanted, lambda _: httpx.Response(200, content=endless()))
    assert sent <= 300


async def test_what_announces_to_be_far_too_long_is_not_read_at_all():
    async def body() -> AsyncIterator[bytes]:
        raise AssertionError
        yield b""

    far = {"Content-Length": str(SLACK * 3)}
    with pytest.raises(FileIncomplete):
        await fetch(file(), lambda _: httpx.Response(200, content=body(), headers=far))


async def test_a_small_body_that_unpacks_to_a_huge_file_is_broken_off():
    packed = gzip.compress(b"\0" * (4 * len(PDF) + SLACK + 1), 9)
    assert len(packed) < 100_000

    def bomb(request: httpx.Request) -> httpx.Response:
        assert request.headers["Accept-Encoding"] == "identity"
        return announced(packed, **{"Content-Encoding": "gzip"})(request)

    with pytest.raises(FileIncomplete, match="more than"):
        await fetch(file(), bomb)


async def test_a_file_that_the_storage_keeps_packed_is_unpacked():
    content, data, _ = await fetch(file(), announced(gzip.compress(PDF), **{"Content-Encoding": "gzip"}))
    assert (data, content.size, content.issues) == (PDF, len(PDF), ())


async def test_the_storage_may_send_on_to_another_region_which_gets_no_key():
    def moved(to: str) -> httpx.Response:
        return httpx.Response(307, headers={"Location": to}, content=S3_ERROR)

    paths = Paths(
        {
            "/entity-files/download/5": TO_STORAGE,
            "/5": moved("https://eu.storage.example/6"),
            "/6": moved("/7"),
            "/7": announced(PDF),
        }
    )
    into = io.BytesIO()
    await paths.client().download(file(), into)
    assert into.read() == PDF
    assert [str(request.url) for request in paths.requests[1:]] == [
        STORED,
        "https://eu.storage.example/6",
        "https://eu.storage.example/7",
    ]
    assert all("Authorization" not in request.headers for request in paths.requests[1:])


@pytest.mark.parametrize("to", [STORED, "http://plain.example/5", "file:///etc/passwd", "https://"])
async def test_redirects_without_end_or_to_somewhere_less_safe_are_refused(to):
    paths = Paths({"/entity-files/download/5": TO_STORAGE, "/5": httpx.Response(307, headers={"Location": to})})
    with pytest.raises(RejectedBySource, match="redirected"):
        await paths.client().download(file(), io.BytesIO())
    assert {request.url.host for request in paths.requests} == {"api.affinity.co", "storage.example"}


def without_storage(answers: dict[str, Any]) -> AffinityClient:
    """A client whose storage cannot be reached, except for the files that are answered."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "storage.example":
            stored = answers.get(request.url.path)
            if stored is None:
                raise httpx.ConnectError("no route")
            return stored(request)
        return httpx.Response(
            302, headers={"Location": f"https://storage.example/{request.url.path.rpartition('/')[2]}"}
        )

    transport = httpx.MockTransport(answer)
    return AffinityClient("key", base_url=BASE, pacer=RecordingPacer(), transport=transport, backoff=wait_none())


async def test_a_storage_that_is_not_there_at_all_is_waited_for_and_fails_no_file():
    answers: dict[str, Any] = {}
    client = without_storage(answers)
    for number in range(1, FILES_TO_WAIT):
        with pytest.raises(Unavailable):
            await client.download(file(id_=str(number)), io.BytesIO())
    for number in (FILES_TO_WAIT, 1, 2):
        with pytest.raises(MustWait) as raised:
            await client.download(file(id_=str(number)), io.BytesIO())
        assert raised.value.code == "vendor_unavailable"
        assert raised.value.until - datetime.now(UTC) <= timedelta(minutes=1)
    answers["/9"] = announced(PDF)
    await client.download(file(id_="9"), io.BytesIO())
    with pytest.raises(Unavailable):
        await client.download(file(id_="1"), io.BytesIO())


@pytest.mark.parametrize(
    ("delivery", "fault"),
    [
        ({"size": 598}, None),
        ({"size": 598, "announced": 598}, None),
        ({"size": 598, "announced": 120, "received": 120}, None),
        ({"size": 598, "announced": 600}, "598 of the 600 bytes that it announced"),
        ({"size": 300}, "300 bytes of the 598 that Affinity lists"),
        ({"size": 300, "beginning": b"\n <html>"}, "300 bytes of HTML"),
        ({"size": 300, "announced": 300, "beginning": b"<Error><Code>SlowDown"}, "300 bytes of XML"),
    ],
)
def test_a_delivery_is_judged_by_what_was_announced_and_what_was_listed(delivery, fault):
    whole = {"announced": None, "received": delivery["size"], "content_type": None, "beginning": PDF[:9], **delivery}
    if fault is None:
        assert check(file(), Delivery(**whole)) == ()
    else:
        with pytest.raises(NotDelivered, match=fault):
            check(file(), Delivery(**whole))
