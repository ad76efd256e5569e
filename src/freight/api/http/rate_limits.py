"""Rate limits: the number of requests of a tenant, or of an address without a key.

Requests are counted in Redis by one script, so the limits hold exactly for all API processes together. Without Redis
requests pass.

The script is our own because a request counts against several windows at once or against none, and libraries such as
`limits` count one window per command.
"""

import asyncio
import ipaddress
import math
import time
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import uuid4
from weakref import WeakValueDictionary

from litestar.connection import ASGIConnection
from litestar.datastructures import ResponseHeader
from litestar.exceptions import TooManyRequestsException
from litestar.handlers.base import BaseRouteHandler
from redis.asyncio import Redis

from freight.api.http import request_log
from freight.api.http.brake import Brake
from freight.api.http.optional_redis import OptionalRedis
from freight.api.http.validation import Problem
from freight.domain.tenancy.api_keys import Administrator, Caller
from freight.domain.tenancy.tenants import Limits
from freight.settings import Settings

CREATES_JOB = "creates_job"
"""Mark in the `opt` of the operation to which the limits on creations apply."""

CREATIONS = "creations"

NOT_BY_ADDRESS = "not_by_address"
"""Mark in the `opt` of operations that are not counted by address, but by key or not at all."""

NEVER_REFUSED = "never_refused"
"""Mark in the `opt` of operations that are never refused: an emergency must not wait for a dashboard that polls."""

EMERGENCY_SECONDS = 0.2
"""The minimum interval of such requests of one tenant after its limit is reached."""

MINUTE, HOUR = 60, 3600

HEADERS = [
    ResponseHeader(name=name, value="", description=description, documentation_only=True)
    for name, description in (
        ("X-RateLimit-Limit", "Requests allowed by the limit that is closest to being reached."),
        ("X-RateLimit-Remaining", "Requests left within that limit."),
        ("X-RateLimit-Reset", "When another request becomes available, in seconds since 1970."),
    )
]

# Each counter is the set of its requests by when they were admitted, in microseconds of Redis's own clock. A request is
# admitted by all windows or counts in none. ARGV: the request's id, then counter, limit and length of each window.
ADMIT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local counts, longest, admitted = {}, {}, 1
for _, key in ipairs(KEYS) do
    local kind = redis.call('TYPE', key).ok
    if kind ~= 'zset' and kind ~= 'none' then redis.call('DEL', key) end
    -- No request was admitted later than now, unless the clock was put back.
    redis.call('ZREMRANGEBYSCORE', key, string.format('(%.0f', now + 1000000), '+inf')
end
for w = 2, #ARGV, 3 do
    local key, limit, length = KEYS[tonumber(ARGV[w])], tonumber(ARGV[w + 1]), tonumber(ARGV[w + 2])
    counts[w] = redis.call('ZCOUNT', key, string.format('(%.0f', now - length), '+inf')
    if counts[w] >= limit then admitted = 0 end
    longest[key] = math.max(longest[key] or 0, length)
end
for key, length in pairs(longest) do
    redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now - length))
    if admitted == 1 then
        redis.call('ZADD', key, string.format('%.0f', now), ARGV[1])
        redis.call('PEXPIRE', key, string.format('%.0f', length / 1000))
    end
end
local answer = {admitted}
for w = 2, #ARGV, 3 do
    local key, limit, length = KEYS[tonumber(ARGV[w])], tonumber(ARGV[w + 1]), tonumber(ARGV[w + 2])
    local since = string.format('(%.0f', now - length)
    local leaving = redis.call('ZRANGEBYSCORE', key, since, '+inf', 'WITHSCORES', 'LIMIT',
        math.max(0, counts[w] - limit), 1)
    table.insert(answer, math.max(0, limit - counts[w] - admitted))
    table.insert(answer, string.format('%.0f', (leaving[2] or now) + length - now))
end
return answer
"""

Connection = ASGIConnection[Any, Any, Any, Any]


class Window(NamedTuple):
    """A number of requests within any period of so many seconds."""

    name: str
    counter: str
    limit: int
    seconds: int


class Standing(NamedTuple):
    """The state of a window after a request."""

    window: Window
    remaining: int
    seconds: float
    """Seconds until another request is allowed."""


class Limiter:
    """Counts requests. `admit…` set the response's rate-limit headers, or raise the 429."""

    def __init__(self, redis: Redis, volatile: OptionalRedis, settings: Settings) -> None:
        self._settings = settings
        self._volatile = volatile
        self._redis = redis
        self._emergencies: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._script = redis.register_script(ADMIT)
        self._brake = Brake()

    async def admit_anybody(self, connection: Connection, handler: BaseRouteHandler) -> None:
        """Count a request that needs no key. This is a guard."""
        if not handler.opt.get(NOT_BY_ADDRESS):
            await self.admit_without_key(connection)

    async def admit_without_key(self, connection: Connection) -> None:
        """Count a request of an address without a valid key."""
        limit = self._settings.keyless_requests_per_minute
        window = Window("requests a minute without a valid key", "requests", limit, MINUTE)
        await self._admit(connection, f"address:{_subscriber(connection)}", [window])

    async def admit(self, connection: Connection, handler: BaseRouteHandler, caller: Caller | Administrator) -> None:
        """Count a request of a tenant, or of the administrator."""
        own = caller.limits if isinstance(caller, Caller) else Limits()
        kinds = ("requests", CREATIONS) if handler.opt.get(CREATES_JOB) else ("requests",)
        windows = [
            Window(
                f"{kind} {per}",
                kind,
                getattr(own, field) if getattr(own, field) is not None else getattr(self._settings, field),
                seconds,
            )
            for kind in kinds
            for per, seconds, field in (
                ("a minute", MINUTE, f"{kind}_per_minute"),
                ("an hour", HOUR, f"{kind}_per_hour"),
            )
        ]
        who = f"tenant:{caller.tenant_id}" if isinstance(caller, Caller) else f"administrator:{caller.key_id}"
        await self._admit(connection, who, windows, never_refused=bool(handler.opt.get(NEVER_REFUSED)))

    async def _admit(
        self, connection: Connection, who: str, windows: Sequence[Window], *, never_refused: bool = False
    ) -> None:
        limited = [window for window in windows if window.limit]
        request = uuid4().bytes
        answer = await self._ask(who, request, limited) if limited else None
        if answer is None:
            return
        admitted, *numbers = map(int, answer)
        standings = [
            Standing(window, remaining, microseconds / 1_000_000)
            for window, remaining, microseconds in zip(limited, numbers[::2], numbers[1::2], strict=True)
        ]
        tightest = _show_tightest(connection, standings)
        if admitted:
            if creations := [window.counter for window in limited if window.counter == CREATIONS]:
                self._give_back_if_refused(connection, who, request, creations[0], standings)
        elif never_refused:
            async with self._emergencies.setdefault(who, asyncio.Lock()):
                await asyncio.sleep(EMERGENCY_SECONDS)
        else:
            await self._brake.refused(who)
            raise _refusal(tightest)

    def _give_back_if_refused(
        self, connection: Connection, who: str, request: bytes, counter: str, standings: Sequence[Standing]
    ) -> None:
        """Count a creation that fails as a request only."""

        async def give_back() -> None:
            await self._volatile.ask(lambda: self._redis.zrem(_key(who, counter), request))
            if others := [standing for standing in standings if standing.window.counter != counter]:
                _show_tightest(connection, others)

        connection.scope["state"][request_log.ON_REFUSAL] = give_back

    async def _ask(self, who: str, request: bytes, windows: Sequence[Window]) -> list[Any] | None:
        counters = list(dict.fromkeys(window.counter for window in windows))
        numbers = [
            number
            for window in windows
            for number in (counters.index(window.counter) + 1, window.limit, window.seconds * 1_000_000)
        ]
        keys = [_key(who, counter) for counter in counters]
        return await self._volatile.ask(lambda: self._script(keys=keys, args=[request, *numbers]))


def _key(who: str, counter: str) -> str:
    return f"freight:limits:{who}:{counter}"


def _show_tightest(connection: Connection, standings: Sequence[Standing]) -> Standing:
    """Set the response's headers to the window that is closest to its limit, and return it."""
    tightest = min(standings, key=lambda standing: (standing.remaining, -standing.seconds))
    request_log.headers(connection.scope).update(
        {
            "X-RateLimit-Limit": str(tightest.window.limit),
            "X-RateLimit-Remaining": str(tightest.remaining),
            "X-RateLimit-Reset": str(math.ceil(time.time() + tightest.seconds)),
        }
    )
    return tightest


def _refusal(standing: Standing) -> TooManyRequestsException:
    wait = math.ceil(standing.seconds)
    problem = Problem(
        type=f"{standing.window.counter}_exceeded",
        message=f"{standing.window.limit} {standing.window.name} are allowed; the next in {wait} seconds.",
        field=None,
    )
    return TooManyRequestsException(extra=[problem], headers={"Retry-After": str(wait)})


def _subscriber(connection: Connection) -> str:
    """Return the address, or for IPv6 its network, because a single subscriber has a whole one."""
    if connection.client is None:
        return "unknown"
    try:
        address = ipaddress.ip_address(connection.client.host)
    except ValueError:
        return "unknown"
    return str(address if address.version == 4 else ipaddress.ip_network((address, 64), strict=False))
