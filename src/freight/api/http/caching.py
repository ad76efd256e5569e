"""What makes asking again cheap: the cache of the job list, and ETags."""

import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from litestar import Request, Response
from litestar.datastructures import ResponseHeader
from litestar.openapi import ResponseSpec
from litestar.params import HeaderParameter
from redis.asyncio import Redis

from freight import database
from freight.api.http.auth import HEADER
from freight.api.http.optional_redis import OptionalRedis
from freight.domain.jobs import search
from freight.encryption import CredentialCipher, SecretError

CACHE_SECONDS = 60

PAGES_EACH = 16
"""Pages that are kept of a tenant: a further one takes the place of another."""

MAX_PAGE_BYTES = 262_144
"""A larger page is not kept, so that a tenant takes at most four megabytes of Redis."""

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

    A page is kept for the state of all jobs of the tenant that it shows, so one that a change has made stale is never
    answered again, whichever process made the change, and whether or not Redis could be reached then. It is sealed:
    who can write to Redis cannot choose what is answered.
    """

    def __init__(self, redis: Redis, volatile: OptionalRedis, cipher: CredentialCipher) -> None:
        self._redis = redis
        self._volatile = volatile
        self._cipher = cipher

    async def get(self, tenant_id: UUID, question: bytes, read: Callable[[], Awaitable[bytes]]) -> bytes:
        """The page as JSON that answers the question, from the database by `read` if it is not known."""
        async with database.as_tenant(tenant_id) as tx:
            # Before the page is read, so that a change in between makes it known under a state that is over.
            state = await search.state(tx)
        digest = hashlib.blake2b(state.encode() + question, digest_size=16)
        key = f"freight:job-list:{tenant_id}:{digest.digest()[0] % PAGES_EACH}"
        page_name = f"job list {tenant_id} {digest.hexdigest()}"
        sealed: bytes | None = await self._volatile.ask(lambda: self._redis.get(key))
        if sealed is not None:
            with contextlib.suppress(SecretError):
                return self._cipher.open(sealed, bound_to=page_name).encode()
        page = await read()
        if len(page) <= MAX_PAGE_BYTES:
            new = self._cipher.seal(page.decode(), bound_to=page_name)
            await self._volatile.ask(lambda: self._redis.set(key, new, ex=CACHE_SECONDS))
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
