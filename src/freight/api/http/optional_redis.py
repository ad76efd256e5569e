"""Redis as an optional service: its contents make responses faster or fewer, never right or wrong."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.exceptions import RedisError, ResponseError

TIMEOUT = 5.0
RETRY_AFTER = 5.0

T = TypeVar("T")

log = structlog.get_logger()


class OptionalRedis:
    """Queries Redis, and logs once when it becomes unavailable and once when it is back."""

    def __init__(self) -> None:
        self._is_unavailable = False
        self._retry_at = 0.0

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T | None:
        """Return the result, or None while Redis is unavailable."""
        if self._is_unavailable:
            if time.monotonic() < self._retry_at:
                return None
            # Other requests need not wait for the one that tries.
            self._retry_at = time.monotonic() + TIMEOUT + RETRY_AFTER
        try:
            async with asyncio.timeout(TIMEOUT):
                answer = await question()
        except ResponseError as error:
            if not str(error).startswith("WRONGTYPE"):
                self._unavailable(error)
                return None
            # Only this key has an unexpected type.
            log.warning(
                "redis_key_unusable", reason=str(error), consequence="The cache was not used for this response."
            )
            return None
        except (RedisError, OSError) as error:
            self._unavailable(error)
            return None
        if self._is_unavailable:
            log.info("redis_back", consequence="Requests are limited and cached again.")
            self._is_unavailable = False
        return answer

    def _unavailable(self, error: Exception) -> None:
        if not self._is_unavailable:
            log.warning(
                "redis_unavailable",
                reason=str(error) or type(error).__name__,
                consequence="Requests are not limited and nothing is cached until it is back.",
            )
        self._is_unavailable, self._retry_at = True, time.monotonic() + RETRY_AFTER
