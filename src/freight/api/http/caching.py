"""Caching for repeated requests: the job list, and ETags."""

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
"""Pages that are cached per tenant; a further one replaces another."""

MAX_PAGE_BYTES = 262_144
"""Larger pages are not cached, so that a tenant takes at most four megabytes of Redis."""

ETAG_HEADER = ResponseHeader(
    name="ETag",
    value="",
    description="The version of the response: sent back as If-None-Match, it is answered with 304 while nothing "
    "has changed.",
    documentation_only=True,
)

NOT_MODIFIED: dict[int, ResponseSpec] = {
    304: ResponseSpec(data_container=None, description="Not modified since the ETag in If-None-Match.")
}

IfNoneMatch = Annotated[
    str | None, HeaderParameter(name="If-None-Match", description="The ETag of the response that you have.")
]

T = TypeVar("T")


class JobLists:
    """Pages of job lists, in Redis for all API processes.

    A page is cached for the state of all jobs of the tenant that it shows, so a stale page is never answered, whichever
    process made the change, and even if Redis was unavailable then. It is encrypted: write access to Redis does not
    allow forging responses.
    """

    def __init__(self, redis: Redis, volatile: OptionalRedis, cipher: CredentialCipher) -> None:
        self._redis = redis
        self._volatile = volatile
        self._cipher = cipher

    async def get(self, tenant_id: UUID, question: bytes, read: Callable[[], Awaitable[bytes]]) -> bytes:
        """Return the cached page as JSON, or read it from the database with `read`."""
        async with database.as_tenant(tenant_id) as tx:
            # Before the page is read, so that after a change in between it is cached under an outdated state.
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
    """Return the response with this JSON, which encodes a `T`; or 304, if the client says that it has it already."""
    # A strong ETag must differ between two encodings of one response.
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
