"""What a vendor's client repeats, what it waits for, and what it raises."""

import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tenacity import wait_none

from freight.connectors.affinity.client import AffinityClient
from freight.connectors.answers import MAX_ANSWER_BYTES
from freight.connectors.attio.client import AttioClient
from freight.connectors.errors import (
    ConnectorError,
    CredentialsRefused,
    InDoubt,
    NotFound,
    PermissionMissing,
    QuotaExhausted,
    Rejected,
    RejectedBySource,
    Unavailable,
    UnexpectedAnswer,
    UniquenessConflict,
)
from freight.connectors.http import ATTEMPTS, HttpClient
from freight.egress import AddressRefused
from support.connector_parts import RecordingPacer, Script, error

RECORDS = "/v2/objects/companies/records"
KEY = "secret-key-0123456789"
OK = httpx.Response(200, json={"data": []})
HTML = httpx.Response(502, html="<h1>Bad gateway</h1>")
FIREWALL = httpx.Response(403, html="<h1>Sorry, you have been blocked</h1>")
MAINTENANCE = httpx.Response(200, html="<h1>Back in a minute</h1>")


def attio(script: Script, pacer: RecordingPacer, **more: Any) -> AttioClient:
    return AttioClient(
        KEY, base_url="https://api.attio.com", pacer=pacer, transport=script.transport, backoff=wait_none(), **more
    )


def affinity(script: Script, pacer: RecordingPacer, **more: Any) -> AffinityClient:
    return AffinityClient(
        KEY, base_url="https://api.affinity.co", pacer=pacer, transport=script.transport, backoff=wait_none(), **more
    )


async def read(client: HttpClient) -> object:
    return await client.request("GET", "/v2/thing", kind="read", idempotent=True)


async def write(client: HttpClient, *, idempotent: bool) -> object:
    return await client.request("POST", "/v2/thing", kind="write", idempotent=idempotent, json={"a": 1})


@pytest.mark.parametrize(
    "failure",
    [
        HTML,
        FIREWALL,
        MAINTENANCE,
        error(500),
        error(503),
        error(409, "concurrent_write_conflict"),
        httpx.Response(401, html="<h1>Sign in</h1>"),
        httpx.Response(403, json={"message": "Forbidden"}),
        httpx.Response(404, text="default backend - 404"),
        httpx.Response(407, html="<h1>Proxy</h1>"),
        httpx.Response(302, headers={"Location": "https://elsewhere.example"}),
        httpx.Response(200, content=b'{"data": [{"na'),
        httpx.Response(200),
        httpx.ReadTimeout(""),
        httpx.ConnectError(""),
        httpx.RemoteProtocolError(""),
    ],
)
async def test_a_read_is_repeated_until_it_is_answered(failure, pacer):
    script = Script(failure, failure, OK)
    assert await read(attio(script, pacer)) == {"data": []}
    assert pacer.turns == ["read"] * 3


@pytest.mark.parametrize(
    "failure",
    [
        HTML,
        FIREWALL,
        MAINTENANCE,
        httpx.Response(404, text="default backend - 404"),
        httpx.Response(200, content=b"\xff{"),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.ReadTimeout(""),
        error(409, "concurrent_write_conflict"),
        error(400, "merge_in_progress"),
    ],
)
async def test_a_request_that_never_succeeds_ends_as_unavailable(failure, pacer):
    script = Script(failure)
    with pytest.raises(Unavailable):
        await write(attio(script, pacer), idempotent=True)
    assert len(script.requests) == ATTEMPTS


@pytest.mark.parametrize("answer", [httpx.Response(302, headers={"Location": "/elsewhere"}), httpx.Response(200)])
async def test_a_redirect_or_nothing_as_an_answer_is_unexpected_when_it_stays_so(answer, pacer):
    script = Script(answer)
    with pytest.raises(UnexpectedAnswer):
        await read(attio(script, pacer))
    assert len(script.requests) == ATTEMPTS


async def test_pages_of_firewalls_and_maintenance_count_as_failures_of_the_vendor(pacer):
    await read(attio(Script(FIREWALL, MAINTENANCE, OK), pacer))
    assert pacer.outcomes == ["failed", "failed", "succeeded"]


@pytest.mark.parametrize(
    "failure",
    [httpx.ConnectError(""), httpx.ConnectTimeout(""), error(409, "concurrent_write_conflict"), error(429)],
)
async def test_a_write_that_certainly_had_no_effect_is_repeated_even_if_it_is_not_idempotent(failure, pacer):
    script = Script(failure, OK)
    await write(attio(script, pacer), idempotent=False)
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    "failure",
    [
        HTML,
        FIREWALL,
        MAINTENANCE,
        error(500),
        httpx.Response(503, headers={"Retry-After": "600"}),
        httpx.ReadTimeout(""),
        httpx.RemoteProtocolError(""),
    ],
)
async def test_a_write_that_may_have_had_its_effect_is_sent_once_and_in_doubt(failure, pacer):
    script = Script(failure)
    with pytest.raises(InDoubt):
        await write(attio(script, pacer), idempotent=False)
    assert len(script.requests) == 1


async def test_failures_and_answers_are_reported_to_the_pacer(pacer):
    script = Script(HTML, httpx.ConnectError(""), error(429), error(404))
    with pytest.raises(NotFound):
        await read(attio(script, pacer))
    assert pacer.outcomes == ["failed", "failed", "succeeded", "succeeded"]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "-5"}, 0.1),
        ({"Retry-After": "nan"}, 1),
        ({"Retry-After": "31536000"}, 3600),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT", "Date": "Tue, 23 May 2023 14:42:01 GMT"}, 3600),
        ({"Retry-After": "Tue, 23 May 2023 14:42:03 GMT", "Date": "Tue, 23 May 2023 14:42:01 GMT"}, 2),
        ({"Retry-After": "Tue, 23 May 2023 14:42:01 GMT", "Date": "Tue, 23 May 2023 14:42:01 GMT"}, 0.1),
        ({"Retry-After": "3"}, 3),
        ({"Retry-After": "soon"}, 1),
        ({"Retry-After": "inf"}, 1),
        ({"Retry-After": "1e12"}, 3600),
        ({}, 1),
    ],
)
def test_attio_limits_last_as_long_as_its_own_clock_says(headers, seconds, pacer):
    now = datetime.now(UTC)
    until = attio(Script(OK), pacer)._limited_until(httpx.Headers(headers), now)
    assert until == now + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-limit-user-remaining": "0", "x-ratelimit-limit-user-reset": "17"}, 17),
        ({"X-Ratelimit-Limit-User-Remaining": "0", "X-Ratelimit-Limit-Org-Remaining": "5"}, 1),
        ({"X-Ratelimit-Limit-User-Remaining": "5", "X-Ratelimit-Limit-Org-Remaining": "5"}, None),
        ({}, None),
        ({"Retry-After": "4"}, 4),
        ({"Retry-After": "31536000"}, 3600),
        ({"X-Ratelimit-Limit-User-Remaining": "0", "X-Ratelimit-Limit-User-Reset": "31536000"}, 3600),
        ({"X-Ratelimit-Limit-User-Remaining": "0", "X-Ratelimit-Limit-User-Reset": "-3"}, 1),
        ({"X-Ratelimit-Limit-User-Remaining": "0", "X-Ratelimit-Limit-User-Reset": "soon"}, 1),
    ],
)
def test_affinity_limits_of_the_minute_last_as_long_as_its_headers_say(headers, seconds, pacer):
    now = datetime.now(UTC)
    until = affinity(Script(OK), pacer)._limited_until(httpx.Headers(headers), now)
    assert until == (None if seconds is None else now + timedelta(seconds=seconds))


async def test_a_month_that_is_used_up_says_when_it_ends(pacer):
    headers = {
        "X-Ratelimit-Limit-User-Remaining": "0",
        "X-Ratelimit-Limit-User-Reset": "3",
        "X-Ratelimit-Limit-Org-Remaining": "0",
        "X-Ratelimit-Limit-Org-Reset": "86400",
    }
    with pytest.raises(QuotaExhausted) as raised:
        await read(affinity(Script(httpx.Response(429, headers=headers)), pacer))
    assert timedelta(hours=23) < raised.value.resets_at - datetime.now(UTC) <= timedelta(hours=24)


@pytest.mark.parametrize(
    ("odd", "read_as"),
    [
        (rb'"cut \ud83d"', "cut \N{REPLACEMENT CHARACTER}"),
        (rb'{"\ude00": [1e999, -1e999, 1]}', {"\N{REPLACEMENT CHARACTER}": ["1e999", "-1e999", 1]}),
        (
            rb'["\ud83d", 123456789012345678901234567890, true]',
            ["\N{REPLACEMENT CHARACTER}", 123456789012345678901234567890, True],
        ),
        (rb'["\ud83d", "\ud83d\ude00"]', ["\N{REPLACEMENT CHARACTER}", "\N{GRINNING FACE}"]),
    ],
)
async def test_a_value_that_cannot_be_does_not_take_the_rest_of_the_answer_with_it(odd, read_as, pacer):
    answer = httpx.Response(200, content=b'{"data": [{"name": "Good"}, ' + odd + b"]}")
    assert await read(attio(Script(answer), pacer)) == {"data": [{"name": "Good"}, read_as]}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (error(401, "unauthorized"), CredentialsRefused),
        (error(403, "unauthorized"), PermissionMissing),
        (error(404, "not_found"), NotFound),
        (error(400, "uniqueness_conflict"), UniquenessConflict),
        (error(409, "uniqueness_conflict"), UniquenessConflict),
        (error(409, "slug_conflict"), Rejected),
        (httpx.Response(400, text="no JSON"), Rejected),
        (httpx.Response(501, text="not implemented"), Rejected),
        (httpx.Response(400, json=["odd"]), Rejected),
        (httpx.Response(413, html="<h1>Too large</h1>"), Rejected),
    ],
)
async def test_each_refusal_has_its_own_exception_and_is_not_repeated(answer, expected, pacer):
    script = Script(answer)
    with pytest.raises(ConnectorError) as raised:
        await read(attio(script, pacer))
    assert type(raised.value) is expected
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "expected", "said"),
    [
        (
            400,
            {"errors": [{"code": "validation", "message": "Too many.", "param": "limit"}]},
            RejectedBySource,
            "Too many.",
        ),
        (404, {"errors": [{"code": "not-found", "message": "Gone."}]}, NotFound, "Gone."),
        (
            422,
            {"errors": [{"message": "292479388 no longer exists as it has been merged into 301128758"}]},
            NotFound,
            "merged into",
        ),
        (422, {"errors": ["Plain text."]}, RejectedBySource, "Plain text."),
        (422, ["expected 99999999 to be a valid id for model Deal"], NotFound, "valid id"),
        (422, {"errors": ["Expected 7 to be a valid id for model File"]}, NotFound, "valid id"),
        (422, ["Not that.", "expected 7 to be a valid id for model List"], NotFound, "Not that. expected 7"),
        (422, "expected 7 to be a valid id for model List", NotFound, "valid id"),
        (400, ["expected 7 to be a valid id for model List"], RejectedBySource, "valid id"),
        (404, "Unknown API endpoint", NotFound, "Unknown API endpoint"),
        (400, {"message": "Message."}, RejectedBySource, "Message."),
        (400, {"detail": "Detail."}, RejectedBySource, "Detail."),
        (400, {"error": "Error."}, RejectedBySource, "Error."),
        (400, {"error": {"message": "Nested."}}, RejectedBySource, "Nested."),
        (400, ["Bare."], RejectedBySource, "Bare."),
        (400, [{"message": "Listed."}], RejectedBySource, "Listed."),
        (400, {"errors": []}, RejectedBySource, "400"),
        (400, 7, RejectedBySource, "400"),
    ],
)
async def test_affinity_errors_are_read_in_all_the_shapes_that_they_come_in(status, body, expected, said, pacer):
    with pytest.raises(Rejected) as raised:
        await read(affinity(Script(httpx.Response(status, json=body)), pacer))
    assert type(raised.value) is expected
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("body", "attribute"),
    [
        ({"message": 'Required value for attribute with ID "4125" was not provided.'}, "4125"),
        ({"message": 'A value provided for attribute with slug "domains" conflicts with another.'}, "domains"),
        ({"message": 'No attribute was found for matching_attribute slug/ID "mine".'}, "mine"),
        (
            {"message": "Invalid.", "validation_errors": [{"path": ["data", "values", "name", 0], "message": "Bad"}]},
            "name",
        ),
        ({"message": "Invalid.", "validation_errors": [{"path": ["data"], "message": "Required"}]}, None),
    ],
)
async def test_attio_refusals_name_the_attribute(body, attribute, pacer):
    with pytest.raises(Rejected) as raised:
        await read(attio(Script(httpx.Response(400, json={"code": "c", **body})), pacer))
    assert raised.value.attribute == attribute
    assert raised.value.vendor_code == "c"


@pytest.mark.parametrize("key", ["", "with space", "line\nbreak", "ключ"])
def test_something_that_cannot_be_a_key_is_refused_before_anything_is_sent(key, pacer):
    with pytest.raises(CredentialsRefused):
        AttioClient(key, base_url="https://api.attio.com", pacer=pacer)


async def test_the_key_is_in_no_message_and_no_repr(pacer):
    client = attio(Script(error(401, message=f"The key {KEY} is wrong. " + "x" * 5000)), pacer)
    with pytest.raises(CredentialsRefused) as raised:
        await read(client)
    assert KEY not in repr(client) + str(raised.value)
    assert len(str(raised.value)) < 1000


async def test_an_address_to_which_nothing_may_be_sent_is_not_waited_for(pacer):
    with pytest.raises(Unavailable, match="AddressRefused"):
        await read(attio(Script(AddressRefused("private")), pacer))


WRONG_BODY = httpx.Response(200, json={"status": "error", "message": "Try again."})


async def test_an_error_body_with_status_200_is_asked_for_again(pacer):
    page = httpx.Response(200, json={"data": [], "pagination": {"nextUrl": None}})
    assert (await affinity(Script(WRONG_BODY, page), pacer).page("/v2/persons", None)).rows == []
    assert (
        await affinity(Script(WRONG_BODY, httpx.Response(200, json=[])), pacer).page_v1("/notes", "notes", None)
    ).rows == []
    assert await attio(Script(WRONG_BODY, OK), pacer).read("/v2/objects") == []
    written = httpx.Response(200, json={"data": {"id": {}}})
    assert await attio(Script(WRONG_BODY, written), pacer).write("PUT", RECORDS, {}, idempotent=True) == {"id": {}}
    assert await attio(Script(WRONG_BODY, httpx.Response(200, json={"active": True})), pacer).identify()
    assert set(pacer.outcomes) == {"succeeded"}, "the vendor does answer"


async def test_an_error_body_with_status_200_that_stays_is_unexpected_and_that_of_a_create_in_doubt(pacer):
    script = Script(WRONG_BODY)
    with pytest.raises(UnexpectedAnswer, match="does not fit the request"):
        await attio(script, pacer).write("PUT", RECORDS, {}, idempotent=True)
    assert len(script.requests) == ATTEMPTS
    with pytest.raises(InDoubt):
        await attio(script, pacer).write("POST", RECORDS, {}, idempotent=False)
    assert len(script.requests) == ATTEMPTS + 1


async def test_a_small_answer_that_unpacks_to_a_huge_one_is_broken_off(pacer):
    bomb = gzip.compress(b" " * (MAX_ANSWER_BYTES + 1), 9)
    assert len(bomb) < 100_000
    script = Script(lambda _: httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Parts(bomb)), OK)
    assert await read(attio(script, pacer)) == {"data": []}
    assert pacer.outcomes == ["failed", "succeeded"]


async def test_a_packed_answer_is_unpacked(pacer):
    packed = gzip.compress(b'{"data": [1]}')
    script = Script(lambda _: httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Parts(packed)))
    assert await read(attio(script, pacer)) == {"data": [1]}


class Parts(httpx.AsyncByteStream):
    """A body as the network gives it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), 4096):
            yield self._body[start : start + 4096]
