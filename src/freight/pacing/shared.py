"""The slots and the pace of an account in Redis, shared by all workers.

One hash per account and kind, which is kept for an hour. `slot` is when the next request may be sent, `paused_at` and
`paused_until` are the pause, `owed` and `owed_since` compensate for slots that were used late, all in microseconds of
Redis's clock; `pace` is the text of `freight.pacing.pace`. The clock may be set back and the hash may hold anything:
impossible values are repaired when they are read, never waited for.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from freight.pacing.slots import CATCH_UP, LONGEST_PAUSE, PAYMENT_SECONDS, QUIET_OWED, TOLERANCE, Slot

REDIS_TIMEOUT = 0.5
RETRY_REDIS_AFTER = 1.0

KEPT_SECONDS = 3600

FURTHEST_SLOT = 60.0
"""Seconds by which a slot can lie ahead outside a pause, in addition to twice the distance of slots: none is taken that
lies nearly so far ahead.
"""

READ = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local kept = redis.pcall('HMGET', KEYS[1], 'slot', 'paused_at', 'paused_until', 'pace', 'owed', 'owed_since')
if kept.err then
  redis.call('DEL', KEYS[1])
  kept = {}
end
local function number(text, least, most)
  local value = tonumber(text or '')
  if value and value >= least and value <= most then return value end
end
local function set(field, value)
  redis.call('HSET', KEYS[1], field, string.format('%.0f', value))
end
local paused_until = number(kept[2], 0, now) and number(kept[3], now, now + tonumber(ARGV[1])) or now
"""
"""ARGV[1]: the longest pause."""

TAKE = (
    READ
    + """
local distance, tolerance, longest_wait, furthest = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local catch_up, quiet_owed, payment = ARGV[6], tonumber(ARGV[7]), ARGV[8]
local late, late_ago = tonumber(ARGV[9]), ARGV[10]
local owed, owed_since = number(kept[5], 1, 1000000) or 0, number(kept[6], 0, now) or 0
if late > tolerance then
  if owed == 0 then owed_since = now - late_ago end
  owed = math.max(owed, late - tolerance)
end
local following = number(kept[1], 0, now + furthest) or 0
if following < now - catch_up then
  owed, owed_since = math.max(quiet_owed, owed - (now - following)), now
  following = now
end
local slot = following
if paused_until > now then slot = math.max(slot, paused_until) end
if owed > 0 and slot >= owed_since + payment then
  slot = math.max(slot, following + owed)
  owed = 0
end
local taken = slot - now <= longest_wait
if taken then
  set('slot', slot + distance)
  set('owed', owed)
  set('owed_since', owed_since)
  redis.call('EXPIRE', KEYS[1], ARGV[11])
end
return {now, slot, taken and 1 or 0, kept[4] or ''}
"""
)

PAUSE = (
    READ
    + """
if now + ARGV[2] > paused_until then
  set('paused_at', now)
  set('paused_until', now + ARGV[2])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return {now}
"""
)

CHANGE = (
    READ
    + """
local pace = kept[4] or ''
if pace == ARGV[2] then
  pace = ARGV[3]
  redis.call('HSET', KEYS[1], 'pace', pace)
  redis.call('EXPIRE', KEYS[1], ARGV[4])
end
return {now, pace}
"""
)

log = structlog.get_logger(__name__)


class Taken(NamedTuple):
    """A slot, and the state of Redis when it was granted."""

    slot: Slot
    now: float
    """Seconds on Redis's clock."""
    pace: bytes


class Shared:
    """The state of one account that all workers share. Methods return None while Redis is unavailable, which is checked
    again only after a moment.
    """

    def __init__(
        self,
        redis: Redis,
        account: str,
        *,
        timeout: float = REDIS_TIMEOUT,
        retry_after: float = RETRY_REDIS_AFTER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._account = account
        self._timeout = timeout
        self._retry_after = retry_after
        self._clock = clock
        self._take = redis.register_script(TAKE)
        self._pause = redis.register_script(PAUSE)
        self._change = redis.register_script(CHANGE)
        self._failed_at: float | None = None

    async def take(
        self, kind: str, distance: float, longest_wait: float, late: float = 0.0, late_ago: float = 0.0
    ) -> Taken | None:
        """Take the next slot if it is at most `longest_wait` ahead; the following one is `distance` seconds later.

        `late` is the delay of an earlier slot, which was used `late_ago` seconds ago.
        """
        furthest = FURTHEST_SLOT + 2 * distance
        given = (distance, TOLERANCE, longest_wait, furthest, CATCH_UP, QUIET_OWED, PAYMENT_SECONDS, late, late_ago)
        answer = await self._ask(self._take, kind, *map(_micro, given), KEPT_SECONDS)
        if answer is None:
            return None
        now, at, is_taken, pace = answer
        return Taken(Slot(at / 1e6, (at - now) / 1e6, is_taken=bool(is_taken)), now / 1e6, _bytes(pace))

    async def pause(self, kind: str, seconds: float) -> None:
        """Grant no slot for so many seconds. A shorter pause does not end a longer one."""
        await self._ask(self._pause, kind, _micro(min(seconds, LONGEST_PAUSE)), KEPT_SECONDS)

    async def change(self, kind: str, seen: bytes, new: bytes) -> bytes | None:
        """Replace the pace that was seen by a new one. Return the stored one: another if another worker was faster."""
        answer = await self._ask(self._change, kind, seen, new, KEPT_SECONDS)
        return None if answer is None else _bytes(answer[1])

    async def _ask(self, script: Any, kind: str, *args: int | bytes) -> list[Any] | None:
        if self._failed_at is not None and self._clock() < self._failed_at + self._retry_after:
            return None
        try:
            async with asyncio.timeout(self._timeout):
                answer: list[Any] = await script(
                    keys=[f"freight:pace:{self._account}:{kind}"], args=[_micro(LONGEST_PAUSE), *args]
                )
        except (RedisError, OSError) as error:
            if self._failed_at is None:
                log.warning("pacing_without_redis", account=self._account, reason=str(error) or type(error).__name__)
            self._failed_at = self._clock()
            return None
        if self._failed_at is not None:
            log.info("pacing_with_redis_again", account=self._account)
            self._failed_at = None
        return answer


def _micro(seconds: float) -> int:
    return round(seconds * 1_000_000)


def _bytes(text: bytes | str) -> bytes:
    return text.encode() if isinstance(text, str) else text
