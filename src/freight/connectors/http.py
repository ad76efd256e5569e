"""The HTTP client base of all vendors: pacing, retries, limits and error classification."""

import asyncio
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Literal

import httpx
import msgspec
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter
from tenacity.wait import wait_base

from freight import __version__
from freight.connectors.answers import (
    Accepts,
    Fault,
    Json,
    VendorErrorBody,
    any_json,
    classify,
    quoted_message,
    read_whole,
)
from freight.connectors.decoding import decode
from freight.connectors.errors import (
    ConnectorError,
    CredentialsRefused,
    InDoubt,
    MustWait,
    NotFound,
    PermissionMissing,
    PlanLimitReached,
    QueryTooComplex,
    Rejected,
    Unavailable,
)
from freight.connectors.protocols import Kind, Pacer, Usage
from freight.connectors.spec import ConnectorSpec
from freight.connectors.waits import MAX_WAIT_IN_STEP, obeyed, seconds_asked, wait_for_limit

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Params = Mapping[str, str | int | Sequence[str]]

ATTEMPTS = 6
BACKOFF = wait_exponential_jitter(max=20, jitter=1)
"""With `ATTEMPTS`, half a minute of waiting in total, in addition to the requests themselves."""

TIMEOUT = httpx.Timeout(connect=10, read=60, write=60, pool=None)

REQUEST_SECONDS = 75.0
SLOWEST_UPLOAD = 64 * 1024
"""A response must be complete after `REQUEST_SECONDS`, plus a second for each so many bytes that are sent: `TIMEOUT`
restarts with each byte, and would wait for a vendor that sends one now and then.
"""

# Servers commonly close idle connections after five seconds; a request on a connection that closes is in doubt.
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=64, keepalive_expiry=4)

NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
UNREACHABLE = (httpx.ConnectError, httpx.ConnectTimeout)
"""No connection at all, which never concerns one record. Subclasses of these are refusals to connect."""

UNREACHABLE_WAIT = 30.0
"""Seconds until the next attempt after a vendor was unreachable in all attempts."""

MAX_MESSAGE_LENGTH = 500

log = structlog.get_logger(__name__)


class QueryRetries(msgspec.Struct, frozen=True, kw_only=True):
    """How often a query is repeated after a 429: if it is too complex, waiting does not help."""

    refusals: int
    """`QueryTooComplex` is raised after so many in a row."""
    trusts_vendor: bool
    """Whether it is raised immediately if the vendor says that the query is too complex."""


class HttpClient(ABC):
    """One vendor's API with one key. Subclasses parse the vendor's errors and limits."""

    spec: ConnectorSpec
    plan_limits: frozenset[str] = frozenset()
    """The codes by which the vendor says that the account's plan is full."""
    under_way: Mapping[str, str] = {}
    """Codes of refusals that pass by themselves, and their reasons: the request had no effect and can be sent again."""

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str,
        pacer: Pacer,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        backoff: wait_base = BACKOFF,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        # HTTP libraries quote a header that they cannot send, and with it the key, in their exceptions.
        if not api_key or not all("!" <= character <= "~" for character in api_key):
            raise CredentialsRefused(
                f"The API key for {self.vendor} is empty or contains characters that no key has: copy it again."
            )
        self.base_url = httpx.URL(base_url)
        self._key = api_key
        self._pacer = pacer
        self._backoff = backoff
        self._sleep = sleep
        self._request_seconds = request_seconds
        self._usage = Usage()
        self._client = httpx.AsyncClient(
            base_url=self.base_url,
            headers={
                "Authorization": f"Bearer {api_key}",
                "Accept": "application/json",
                "User-Agent": f"freight/{__version__}",
                **(headers or {}),
            },
            timeout=TIMEOUT,
            limits=LIMITS,
            follow_redirects=False,
            verify=_tls_context(),
            transport=transport,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url}>"

    @property
    def vendor(self) -> str:
        """The vendor's name in sentences."""
        return self.spec.label

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def take_usage(self) -> Usage:
        """Return the requests and waiting times since the last call."""
        usage, self._usage = self._usage, Usage()
        return usage

    async def request(
        self,
        method: Method,
        path: str,
        *,
        kind: Kind,
        idempotent: bool,
        params: Params | None = None,
        json: object = None,
        retries: QueryRetries | None = None,
        accepts: Accepts = any_json,
    ) -> Json:
        """Send a request and decode the JSON response. One that is not accepted counts as a failure.

        `idempotent` says that the request is idempotent; only then is it repeated after a failure that may have
        followed its effect. A 429 is waited for, and a wait that is too long for a step is raised as `MustWait`. Raise
        any `ConnectorError`; `InDoubt` only if not `idempotent`, `QueryTooComplex` only with `retries`.
        """
        body = None if json is None else msgspec.json.encode(json)
        request = self._client.build_request(
            method, path, params=params, content=body, headers=None if body is None else {"Content-Type": JSON}
        )
        return await self._send(request, kind=kind, idempotent=idempotent, retries=retries, accepts=accepts)

    async def _send(
        self,
        request: httpx.Request,
        *,
        kind: Kind,
        idempotent: bool,
        retries: QueryRetries | None = None,
        accepts: Accepts = any_json,
    ) -> Json:
        what = f"{request.method} {request.url.path}"
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(_AttemptFailed),
            stop=stop_after_attempt(ATTEMPTS),
            wait=self._wait_before_repetition,
            sleep=self._sleep,
            before_sleep=self._log_repetition,
            reraise=True,
        )
        try:
            return await attempts(self._attempt, request, what, kind, idempotent, retries, accepts)
        except _AttemptFailed as failure:
            raise self._given_up(failure) from None

    def _given_up(self, failure: "_AttemptFailed") -> ConnectorError:
        if failure.is_unreachable:
            return self._must_wait(f"cannot be reached: {failure.reason}", UNREACHABLE_WAIT, "vendor_unavailable")
        return failure.error(
            f"{self.vendor} gave no usable answer to {failure.what} in {ATTEMPTS} attempts; the last time "
            f"{failure.reason}. Try again later."
        )

    def _must_wait(self, why: str, seconds: float, code: str) -> MustWait:
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        return MustWait(
            f"{self.vendor} {why}. Freight tries again at {until:%F %T} UTC; no data is lost and no action is needed.",
            until=until,
            code=code,
        )

    async def _attempt(
        self,
        request: httpx.Request,
        what: str,
        kind: Kind,
        idempotent: bool,
        retries: QueryRetries | None,
        accepts: Accepts,
    ) -> Json:
        try:
            response = await self._answer(request, what, kind, retries)
        except httpx.RequestError as error:
            await self._pacer.failed()
            reason = f"the connection failed ({type(error).__name__})"
            if idempotent or isinstance(error, NOTHING_SENT):
                raise _AttemptFailed(what, reason, is_unreachable=type(error) in UNREACHABLE) from None
            raise self._in_doubt(what, reason) from None
        answer, fault = self._read(response, accepts)
        await (self._pacer.failed() if fault is not None and fault.is_outage else self._pacer.succeeded())
        if fault is not None:
            if not idempotent:
                raise self._in_doubt(what, fault.reason)
            raise self._postponed(what, fault, response)
        if not response.is_success:
            self._raise(response, what)
        self._observe(response, what)
        return answer

    def _postponed(self, what: str, fault: Fault, response: httpx.Response) -> Exception:
        """Return the failure of an attempt that is to be repeated when the vendor asks for it."""
        asked = obeyed(seconds_asked(response.headers, "Retry-After", datetime.now(UTC)) or 0.0)
        if asked <= MAX_WAIT_IN_STEP:
            return _AttemptFailed(what, fault.reason, fault.error, wait=asked)
        why = f"gave no usable answer to {what} ({fault.reason}) and asks for a pause"
        return self._must_wait(why, asked, "vendor_unavailable")

    def _read(self, response: httpx.Response, accepts: Accepts) -> tuple[Json, Fault | None]:
        """Return the decoded response of a success, and its fault if it is worth another attempt."""
        return classify(response, accepts, self._complaint_in)

    async def _answer(
        self, request: httpx.Request, what: str, kind: Kind, retries: QueryRetries | None
    ) -> httpx.Response:
        """Send when the pacer allows it, and again while the vendor answers 429."""
        refusals = 0
        while True:
            await self._wait(self._pacer.turn(kind))
            is_read = (rate := self.spec.rates.get(kind)) is not None and rate.is_read
            self._usage = msgspec.structs.replace(
                self._usage, reads=self._usage.reads + is_read, writes=self._usage.writes + (not is_read)
            )
            response = await self._exchange(request)
            if response.status_code != 429:
                return response
            refusals += 1
            await self._pacer.succeeded()
            complaint = self._complaint_in(response)
            if complaint.code in self.plan_limits:
                return response
            if retries is not None and self._is_exhausted(retries, refusals, complaint):
                raise QueryTooComplex(f"{self.vendor} refuses {what} as too complex{quoted_message(complaint)}")
            await self._be_limited(response, what, kind, refusals, alone=retries is not None and refusals > 1)

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        """Send once; the response must be complete in time."""
        seconds = self._request_seconds + int(request.headers.get("Content-Length", 0)) / SLOWEST_UPLOAD
        try:
            async with asyncio.timeout(seconds):
                response = await self._client.send(request, stream=True)
                try:
                    return await read_whole(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise httpx.ReadTimeout("The response was not complete in time.", request=request) from None

    async def _be_limited(self, response: httpx.Response, what: str, kind: Kind, refusals: int, *, alone: bool) -> None:
        """Wait as a 429 asks. Raise `MustWait` if that is too long for a step.

        `refusals` counts those of this request in a row; `alone` says that only this request may be refused, so that
        others continue.
        """
        now = datetime.now(UTC)
        until = self._limited_until(response.headers, now)
        asked = None if until is None else (until - now).total_seconds()
        wait = wait_for_limit(asked, refusals, alone=alone)
        log.info("vendor_rate_limited", vendor=self.vendor, request=what, refusals=refusals, seconds=round(wait, 3))
        if until is not None and not alone:
            await self._pacer.pause(kind, until)
        if wait > MAX_WAIT_IN_STEP:
            times = "" if refusals == 1 else f", {refusals} times in a row"
            raise self._must_wait(f"refused {what} because of its rate limit (429){times}", wait, "rate_limited")
        if alone or asked is None or wait > asked:
            await self._wait(self._sleep(wait))

    def _wait_before_repetition(self, state: RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        return max(self._backoff(state), failure.wait if isinstance(failure, _AttemptFailed) else 0.0)

    def _is_exhausted(self, retries: QueryRetries, refusals: int, complaint: VendorErrorBody) -> bool:
        return refusals >= retries.refusals or (retries.trusts_vendor and self._says_too_complex(complaint))

    async def _wait(self, waiting: Awaitable[None]) -> None:
        began = time.monotonic()
        await waiting
        waited = self._usage.waited_seconds + time.monotonic() - began
        self._usage = msgspec.structs.replace(self._usage, waited_seconds=waited)

    def _raise(self, response: httpx.Response, what: str) -> None:
        status = response.status_code
        complaint = self._complaint_in(response)
        if complaint.code is not None and (reason := self.under_way.get(complaint.code)):
            raise _AttemptFailed(what, reason)
        remark = quoted_message(complaint)
        coded = f"{status}, {complaint.code}" if complaint.code else str(status)
        if status == 402 or complaint.code in self.plan_limits:
            raise PlanLimitReached(
                f"The plan of the account at {self.vendor} does not allow {what} ({coded}){remark} Upgrade the plan or "
                "make room there, then resume the job."
            )
        if status == 401:
            raise CredentialsRefused(f"{self.vendor} refused the API key{remark}")
        if status == 403:
            raise PermissionMissing(f"The API key has no permission for {what} at {self.vendor}{remark}")
        raise self._rejection(status, complaint, f"{self.vendor} refused {what} ({coded}){remark}")

    def _complaint_in(self, response: httpx.Response) -> VendorErrorBody:
        try:
            complaint = self._complaint(decode(response.content))
        except ValueError:
            return VendorErrorBody()
        message = complaint.message and complaint.message.replace(self._key, "(hidden)")[:MAX_MESSAGE_LENGTH]
        return msgspec.structs.replace(complaint, message=message)

    def _in_doubt(self, what: str, reason: str) -> InDoubt:
        return InDoubt(f"{what} was sent to {self.vendor}, but {reason}: check there whether it took effect.")

    def _log_repetition(self, state: RetryCallState) -> None:
        failure = state.outcome.exception() if state.outcome else None
        if isinstance(failure, _AttemptFailed):
            log.info(
                "vendor_request_repeated",
                vendor=self.vendor,
                request=failure.what,
                reason=failure.reason,
                attempt=state.attempt_number,
            )

    @abstractmethod
    def _complaint(self, body: object) -> VendorErrorBody:
        """Parse the body of an error, whatever its shape."""

    @abstractmethod
    def _limited_until(self, headers: httpx.Headers, now: datetime) -> datetime | None:
        """Return until when a 429 forbids requests, in the terms of `now`; None if the vendor did not say.

        Raise `QuotaExhausted` if the wait would take days.
        """

    def _rejection(self, status: int, complaint: VendorErrorBody, message: str) -> Rejected:
        """Return the exception for any other refusal."""
        kind = NotFound if status == 404 else Rejected
        return kind(message, status=status, vendor_code=complaint.code, attribute=complaint.attribute)

    def _says_too_complex(self, _complaint: VendorErrorBody) -> bool:
        """Return whether a 429 is about this query alone, however few others are sent."""
        return False

    def _observe(self, response: httpx.Response, what: str) -> None:  # noqa: B027
        """Record information from a successful response other than its body."""


JSON = "application/json"


class _AttemptFailed(Exception):
    """An attempt that can be repeated after `wait` seconds."""

    def __init__(
        self,
        what: str,
        reason: str,
        error: type[ConnectorError] = Unavailable,
        *,
        wait: float = 0.0,
        is_unreachable: bool = False,
    ) -> None:
        super().__init__(reason)
        self.what = what
        self.reason = reason
        self.error = error
        """The error that is raised after the last attempt."""
        self.wait = wait
        self.is_unreachable = is_unreachable


@cache
def _tls_context() -> ssl.SSLContext:
    # Loading the certificates takes some ten milliseconds, so it is done once and not for every key.
    return httpx.create_ssl_context()
