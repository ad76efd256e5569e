"""Waits that vendors ask for: read whatever they look like, bounded, and kept outside of a step if they are long."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tenacity import wait_none

from freight.connectors.affinity.client import AffinityClient
from freight.connectors.attio.client import AttioClient
from freight.connectors.errors import InDoubt, MustWait, QuotaExhausted
from freight.connectors.http import HttpClient
from freight.connectors.waits import (
    MAX_WAIT,
    MAX_WAIT_IN_STEP,
    PROMPT_REFUSALS,
    REFUSED_WAIT,
    obeyed,
    seconds_asked,
    wait_for_limit,
)
from support.connector_parts import RecordingPacer, Script, error

NOW = datetime(2026, 11, 27, 12, 0, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
OK = httpx.Response(200, json={"data": []})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        (" 2.5 ", 2.5),
        ("0", 0),
        ("-4", 0),
        ("Fri, 27 Nov 2026 12:00:09 GMT", 9),
        ("Fri, 27 Nov 2026 11:00:00 GMT", 0),
        (f"{EPOCH + 17}", 17),
        (f"{(EPOCH + 17) * 1000}", 17),
        (f"{(EPOCH + 17) * 1_000_000}", 17),
        (f"{EPOCH - 5}", 0),
        ("31536000", 31536000),
        ("1e300", 1e300),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("-inf", None),
        ("soon", None),
        ("3, 3", None),
        ("Fri, 99 Nov 99999999999999999999 12:00:09 GMT", None),
        ("\N{ARABIC-INDIC DIGIT THREE} apples", None),
    ],
)
def test_a_wait_is_seconds_or_a_date_and_the_time_since_1970_is_never_taken_for_seconds(text, seconds):
    headers = httpx.Headers([(b"Retry-After", text.encode())])
    assert seconds_asked(headers, "Retry-After", NOW) == seconds


def test_a_date_is_compared_with_the_clock_of_the_server():
    headers = httpx.Headers({"Retry-After": "Tue, 23 May 2023 14:42:03 GMT", "Date": "Tue, 23 May 2023 14:42:01 GMT"})
    assert seconds_asked(headers, "Retry-After", NOW) == 2


def test_no_wait_is_kept_for_longer_than_an_hour():
    assert [obeyed(seconds) for seconds in (0, 5, 3600, 31536000, 1e300)] == [0, 5, 3600, 3600, 3600]
    assert obeyed(0, at_least=1) == 1


def test_the_waits_for_one_request_grow_until_they_are_no_longer_kept_within_the_step():
    waits = [wait_for_limit(1.0, refusals, alone=False) for refusals in range(1, 9)]
    assert waits == [1.0] * PROMPT_REFUSALS + [2.0, 4.0, 8.0, REFUSED_WAIT]
    untold = [wait_for_limit(None, refusals, alone=False) for refusals in range(1, 7)]
    assert 1 <= untold[0] <= 2
    assert untold[-1] == REFUSED_WAIT > MAX_WAIT_IN_STEP


class Waits:
    """Takes the place of sleeping, and keeps how long it would have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


def attio(script: Script, pacer: RecordingPacer, waits: Waits) -> AttioClient:
    return AttioClient(
        "key",
        base_url="https://api.attio.com",
        pacer=pacer,
        transport=script.transport,
        backoff=wait_none(),
        sleep=waits,
    )


def affinity(script: Script, pacer: RecordingPacer) -> AffinityClient:
    return AffinityClient(
        "key", base_url="https://api.affinity.co", pacer=pacer, transport=script.transport, backoff=wait_none()
    )


async def read(client: HttpClient) -> object:
    return await client.request("GET", "/v2/thing", kind="read", idempotent=True)


async def test_a_rate_limit_is_never_a_failure_and_never_keeps_a_step_for_long(pacer, waits):
    script = Script(*[error(429)] * 60, OK)
    client = attio(script, pacer, waits)
    steps = 0
    while len(script.requests) < 60:
        with pytest.raises(MustWait) as raised:
            await read(client)
        steps += 1
        assert raised.value.code == "rate_limited"
        assert timedelta(seconds=REFUSED_WAIT - 5) < raised.value.until - datetime.now(UTC)
        assert len(script.requests) <= 8 * steps
        if 60 - len(script.requests) < 8:
            break
    assert await read(client) == {"data": []}
    assert set(pacer.outcomes) == {"succeeded"}


async def test_a_short_wait_pauses_the_account_and_stays_within_the_step(pacer, waits):
    limited = httpx.Response(429, headers={"Retry-After": "7"})
    assert await read(attio(Script(limited, OK), pacer, waits)) == {"data": []}
    ((kind, until),) = pacer.pauses
    assert kind == "read"
    assert timedelta(seconds=5) < until - datetime.now(UTC) <= timedelta(seconds=7)
    assert waits.seconds == [], "the pacer lets nobody send before"


@pytest.mark.parametrize(("asked", "kept"), [("600", 600), ("31536000", MAX_WAIT), ("{epoch}", MAX_WAIT)])
async def test_a_long_wait_pauses_the_account_and_gives_the_step_its_lease_back(asked, kept, pacer):
    headers = {"Retry-After": asked.format(epoch=int(datetime.now(UTC).timestamp()) + 86400)}
    script = Script(httpx.Response(429, headers=headers))
    with pytest.raises(MustWait) as raised:
        await read(affinity(script, pacer))
    assert raised.value.code == "rate_limited"
    wait = raised.value.until - datetime.now(UTC)
    assert wait.total_seconds() == pytest.approx(kept, abs=5)
    ((kind, until),) = pacer.pauses
    assert kind == "read"
    assert timedelta(0) <= raised.value.until - until < timedelta(seconds=1)
    assert len(script.requests) == 1


async def test_a_reset_in_seconds_since_1970_is_no_wait_of_years(pacer):
    reset = int(datetime.now(UTC).timestamp()) + 40
    headers = {"X-Ratelimit-Limit-User-Remaining": "0", "X-Ratelimit-Limit-User-Reset": str(reset)}
    with pytest.raises(MustWait) as raised:
        await read(affinity(Script(httpx.Response(429, headers=headers)), pacer))
    assert (raised.value.until - datetime.now(UTC)).total_seconds() == pytest.approx(40, abs=5)


@pytest.mark.parametrize(
    ("reset", "days"), [("86400", 1), ("1e15", 31), ("nan", 1 / 24), ("-1", 1 / 24), ("{epoch}", 2)]
)
async def test_a_used_up_month_has_a_date_within_a_month_whatever_affinity_says(reset, days, pacer):
    epoch = int(datetime.now(UTC).timestamp()) + 2 * 86400
    headers = {
        "X-Ratelimit-Limit-Org-Remaining": "0",
        "X-Ratelimit-Limit-Org-Reset": reset.format(epoch=epoch),
    }
    with pytest.raises(QuotaExhausted) as raised:
        await read(affinity(Script(httpx.Response(429, headers=headers)), pacer))
    assert (raised.value.resets_at - datetime.now(UTC)) / timedelta(days=1) == pytest.approx(days, abs=0.01)


async def test_an_unavailable_vendor_is_tried_again_when_it_says(pacer, waits):
    busy = httpx.Response(503, headers={"Retry-After": "6"})
    assert await read(attio(Script(busy, OK), pacer, waits)) == {"data": []}
    assert waits.seconds == [6]
    assert pacer.pauses == []


@pytest.mark.parametrize(("asked", "kept"), [("1800", 1800), ("31536000", MAX_WAIT)])
async def test_a_vendor_that_is_unavailable_for_long_is_waited_for_outside_of_the_step(asked, kept, pacer, waits):
    script = Script(httpx.Response(503, headers={"Retry-After": asked}))
    with pytest.raises(MustWait) as raised:
        await read(attio(script, pacer, waits))
    assert raised.value.code == "vendor_unavailable"
    assert (raised.value.until - datetime.now(UTC)).total_seconds() == pytest.approx(kept, abs=5)
    assert len(script.requests) == 1
    assert pacer.outcomes == ["failed"]


async def test_a_create_that_met_an_unavailable_vendor_is_in_doubt_whatever_the_vendor_asks(pacer, waits):
    client = attio(Script(httpx.Response(503, headers={"Retry-After": "1800"})), pacer, waits)
    with pytest.raises(InDoubt):
        await client.request("POST", "/v2/thing", kind="write", idempotent=False, json={})
