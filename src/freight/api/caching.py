"""What makes asking again cheap: the cache of the job list, and ETags."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.datastructures import ResponseHeader
from litestar.openapi import ResponseSpec
from litestar.params import HeaderParameter
from redis.asyncio import Redis

from freight import database
from freight.api.access import HEADER
from freight.api.volatile import Volatile
from freight.domain import job_search

CACHE_SECONDS = 60

ETAG_HEADER = ResponseHeader(
    name="ETag",
    value="",
    description="Names this state of the answer: sent back as If-None-Match, it is answered with 304 while it lasts.",
    documentation_only=True,
)

NOT_MODIFIED: dict[int, ResponseSpec] = {
    304: ResponseSpec(data_container=None, description="It is still as the ETag in If-None-Match names it.")
}

IfNoneMatch = Annotated[
    str | None, HeaderParameter(name="If-None-Match", description="The ETag of the answer that the client has.")
]

T = TypeVar("T")


class JobLists:
    """Pages of job lists, in Redis for all API processes.

    A page is kept under the state of all jobs of the tenant that it shows, so one that a change has made stale is
    never found again, whoever made the change, and whether or not Redis was there to be told.
    """

    def __init__(self, redis: Redis, volatile: Volatile) -> None:
        self._redis = redis
        self._volatile = volatile

    async def get(self, tenant_id: UUID, question: bytes, read: Callable[[], Awaitable[bytes]]) -> bytes:
        """The page as JSON that answers the question, from the database by `read` if it is not known."""
        async with database.as_tenant(tenant_id) as tx:
            # Before the page is read, so that a change in between makes it known under a state that is over.
            state = await job_search.state(tx)
        key = f"freight:job-list:{tenant_id}:{hashlib.blake2b(state.encode() + question, digest_size=16).hexdigest()}"
        packed: bytes | None = await self._volatile.ask(lambda: self._redis.get(key))
        if packed is not None:
            return msgspec.msgpack.decode(packed, type=bytes)
        page = await read()
        await self._volatile.ask(lambda: self._redis.set(key, msgspec.msgpack.encode(page), ex=CACHE_SECONDS))
        return page


def conditional(request: Request[Any, Any, Any], body: bytes, if_none_match: str | None, _: type[T]) -> Response[T]:
    """The answer with this JSON, which is one of a `T`; or 304, if the client says that it has it already."""
    # A strong tag may not be the same for two encodings of one answer.
    encoding = "-gzip" if "gzip" in request.headers.get("Accept-Encoding", "") else ""
    tag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}{encoding}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": f"Accept-Encoding, {HEADER}"}
    known = {name.strip().removeprefix("W/") for name in (if_none_match or "").split(",")}
    answer: Response[Any]
    if tag in known or "*" in known:
        answer = Response(None, status_code=304, headers=headers)
    else:
        answer = Response(body, headers=headers, media_type="application/json")
    return answer
