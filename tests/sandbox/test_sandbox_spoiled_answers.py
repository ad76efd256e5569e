"""What a client may rely on about answers that come late, wrong, cut, or never, and about pages that go round."""

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from freight_sandbox import Sandbox, running
from support.clients import TLS
from support.sandboxes import sandbox_options

COMPANIES = "/v2/objects/companies/records"
NEVER = 0.2
"""Seconds after which a test takes an answer for one that never comes."""


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    """Enough of everything for more than two pages."""
    options = sandbox_options(companies=350, people=20, notes=8, files=3, unlimited=True)
    async with running(options) as sandbox:
        yield sandbox


@pytest.fixture
async def affinity(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {sandbox.affinity_key}"}
    async with httpx.AsyncClient(verify=TLS, base_url=sandbox.affinity_url, headers=headers) as client:
        yield client
        await client.delete("/_sandbox/faults")


@pytest.fixture
async def attio(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {sandbox.attio_key}"}
    async with httpx.AsyncClient(verify=TLS, base_url=sandbox.attio_url, headers=headers) as client:
        yield client
        await client.delete("/_sandbox/faults")


async def fault(client: httpx.AsyncClient, kind: str, **given: Any) -> None:
    (await client.post("/_sandbox/faults", json={"kind": kind, **given})).raise_for_status()


async def create(client: httpx.AsyncClient, name: str) -> httpx.Response:
    return await client.post(COMPANIES, json={"data": {"values": {"name": name}}})


async def stored(client: httpx.AsyncClient, name: str) -> int:
    answer = await client.post(f"{COMPANIES}/query", json={"filter": {"name": name}})
    return len(answer.raise_for_status().json()["data"])


LATE_MILLISECONDS = 1000
"""Longer than a request takes on a machine that does much else."""


async def test_a_write_takes_effect_a_while_after_the_gateway_has_given_up(attio: httpx.AsyncClient) -> None:
    await fault(attio, "late_server_error_after_write", times=1, milliseconds=LATE_MILLISECONDS)
    began = time.monotonic()
    answer = await create(attio, "Late")
    assert time.monotonic() - began < LATE_MILLISECONDS / 1000
    assert answer.status_code == 504
    assert answer.headers["content-type"].startswith("text/html")
    assert await stored(attio, "Late") == 0
    async with asyncio.timeout(60):
        while await stored(attio, "Late") == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert await stored(attio, "Late") == 1


async def test_a_late_write_that_the_vendor_refuses_has_no_effect_and_harms_nothing(
    attio: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    await fault(attio, "late_server_error_after_write", times=1, milliseconds=10)
    refused = await attio.post(COMPANIES, json={"data": {"values": {"no_such_attribute": 1}}})
    assert refused.status_code == 504
    await asyncio.sleep(0.2)
    gc.collect()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_an_error_that_says_that_it_is_a_success_has_no_effect(attio: httpx.AsyncClient) -> None:
    for kind in ("wrong_body", "html_success"):
        await fault(attio, kind, times=1)
        answer = await create(attio, kind)
        assert answer.status_code == 200
        assert "data" not in answer.text
        assert await stored(attio, kind) == 0


async def test_a_limit_comes_with_whatever_wait_is_given(affinity: httpx.AsyncClient, attio: httpx.AsyncClient) -> None:
    for text in ("31536000", "-1", "soon", "1795748498", "Wed, 21 Oct 2099 07:28:00 GMT"):
        for client, path in ((affinity, "/v2/companies"), (attio, "/v2/objects")):
            await fault(client, "odd_wait", times=1, headers={"Retry-After": text})
            answer = await client.get(path)
            assert (answer.status_code, answer.headers.get_list("retry-after")) == (429, [text])


async def test_the_headers_of_a_fault_take_the_place_of_the_vendor_s(affinity: httpx.AsyncClient) -> None:
    headers = {"X-Ratelimit-Limit-User-Remaining": "0", "X-Ratelimit-Limit-User-Reset": "1795748498"}
    await fault(affinity, "odd_wait", times=1, headers=headers)
    answer = await affinity.get("/v2/companies")
    assert {name: answer.headers.get_list(name) for name in headers} == {name: [headers[name]] for name in headers}
    assert answer.headers["x-ratelimit-limit-user"] == "900"


async def test_a_vendor_that_is_unavailable_says_until_when(attio: httpx.AsyncClient) -> None:
    await fault(attio, "unavailable", times=1, headers={"Retry-After": "120"})
    answer = await attio.get("/v2/objects")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "120")


async def test_a_cut_answer_is_none(affinity: httpx.AsyncClient, attio: httpx.AsyncClient) -> None:
    for client, path in ((affinity, "/v2/companies"), (attio, "/v2/objects")):
        await fault(client, "truncated", times=1)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await client.get(path)
        assert (await client.get(path)).status_code == 200


async def test_a_drip_ends_after_all_its_bytes(attio: httpx.AsyncClient) -> None:
    await fault(attio, "drip", times=1, milliseconds=1)
    dripped = await attio.get("/v2/self")
    assert dripped.json() == (await attio.get("/v2/self")).json()
    assert dripped.elapsed.total_seconds() > len(dripped.content) / 1000


async def test_an_answer_that_never_comes_is_counted_as_none(affinity: httpx.AsyncClient) -> None:
    await affinity.delete("/_sandbox/counters")
    await fault(affinity, "hang", times=1)
    with pytest.raises(httpx.ReadTimeout):
        await affinity.get("/v2/companies", timeout=NEVER)
    assert (await affinity.get("/v2/companies")).status_code == 200
    counted = (await affinity.get("/_sandbox/counters")).json()["requests"]
    assert sorted(entry["status"] for entry in counted) == [0, 200]


async def test_cursors_expire_and_first_pages_do_not(affinity: httpx.AsyncClient) -> None:
    first = (await affinity.get("/v2/companies")).json()
    first_of_v1 = (await affinity.get("/notes", params={"page_size": 5})).json()
    token = {"page_size": 5, "page_token": first_of_v1["next_page_token"]}
    await fault(affinity, "cursor_expired")
    second = await affinity.get(first["pagination"]["nextUrl"])
    assert (second.status_code, second.json()["errors"][0]["message"]) == (400, "The cursor is not valid.")
    second_of_v1 = await affinity.get("/notes", params=token)
    assert (second_of_v1.status_code, second_of_v1.json()) == (422, ["Invalid page_token variable"])
    assert (await affinity.get("/v2/companies")).json() == first


async def test_only_cursors_of_readings_that_began_before_expire(affinity: httpx.AsyncClient) -> None:
    first = (await affinity.get("/v2/companies")).json()
    await fault(affinity, "old_cursors_expired")
    for _ in range(2):
        assert (await affinity.get(first["pagination"]["nextUrl"])).status_code == 400
    assert (await affinity.get("/v2/persons")).status_code == 200
    assert (await affinity.get(first["pagination"]["nextUrl"])).status_code == 400
    assert (await affinity.get("/v2/companies")).json() == first
    assert (await affinity.get(first["pagination"]["nextUrl"])).status_code == 200


async def test_pages_go_round_from_the_third_on(affinity: httpx.AsyncClient) -> None:
    await fault(affinity, "cursor_loop")
    urls = ["/v2/companies"]
    for _ in range(5):
        urls.append((await affinity.get(urls[-1])).json()["pagination"]["nextUrl"])
    second, third = urls[1:3]
    assert second != third
    assert urls[3:] == [second, third, second]


async def test_tokens_of_version_1_go_round_too(affinity: httpx.AsyncClient) -> None:
    await fault(affinity, "cursor_loop")
    tokens = [None]
    for _ in range(4):
        page = (await affinity.get("/notes", params={"page_size": 3, **token_of(tokens[-1])})).json()
        tokens.append(page["next_page_token"])
    assert tokens[1] == tokens[3] != tokens[2] == tokens[4]


def token_of(token: str | None) -> dict[str, str]:
    return {} if token is None else {"page_token": token}


@pytest.mark.parametrize(
    ("kind", "content_type", "begin"),
    [("storage_error", "application/xml", b"<?xml"), ("storage_html", "text/html; charset=UTF-8", b"<html>")],
)
async def test_the_storage_hands_out_an_error_as_if_it_were_the_file(
    affinity: httpx.AsyncClient, kind: str, content_type: str, begin: bytes
) -> None:
    whole = await download(affinity)
    await fault(affinity, kind, times=1)
    wrong = await download(affinity)
    assert (wrong.status_code, wrong.headers["content-type"]) == (200, content_type)
    assert wrong.content.startswith(begin)
    assert (await download(affinity)).content == whole.content


async def test_the_storage_ends_in_the_middle_without_a_word(affinity: httpx.AsyncClient) -> None:
    whole = await download(affinity)
    await fault(affinity, "storage_truncated", times=1)
    half = await download(affinity)
    assert "content-length" not in half.headers
    assert half.content == whole.content[: len(whole.content) // 2]


async def test_the_storage_leads_once_to_another_of_its_addresses(affinity: httpx.AsyncClient) -> None:
    await fault(affinity, "storage_redirect")
    moved = await download(affinity, follow=False)
    assert moved.status_code == 307
    assert (await download(affinity)).status_code == 200


async def test_the_storage_meets_other_faults_only_where_they_name_its_path(affinity: httpx.AsyncClient) -> None:
    await fault(affinity, "server_error", times=1, path_prefix="/userfiles/")
    assert (await affinity.get("/v2/companies")).status_code == 200
    assert (await download(affinity)).status_code == 500
    await fault(affinity, "server_error", path_prefix="/v2/")
    assert (await download(affinity)).status_code == 200


async def download(affinity: httpx.AsyncClient, *, follow: bool = True) -> httpx.Response:
    """What the storage answers about the first file."""
    (file, *_) = (await affinity.get("/entity-files")).json()["entity_files"]
    place = await affinity.get(f"/entity-files/download/{file['id']}")
    async with httpx.AsyncClient(verify=TLS, follow_redirects=follow) as storage:
        return await storage.get(place.headers["location"])
