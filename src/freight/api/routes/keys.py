"""`/keys`: a tenant's API keys."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import BodyKwarg, PathParameter, QueryParameter

from freight import database
from freight.api.http.auth import requires_scope
from freight.api.http.bodies import JsonBody
from freight.api.http.errors import documented
from freight.api.http.pagination import KeysPage, Limit, Offset, page
from freight.api.openapi import request_examples
from freight.api.schemas.responses import KEYS
from freight.domain.tenancy import api_keys
from freight.domain.tenancy.api_keys import DEFAULT_OVERLAP, MAX_OVERLAP, ApiKey, Caller, KeyRequest, NewKey
from freight.domain.tenancy.audit import Actor
from freight.encryption import CredentialCipher
from freight.settings import Settings

KeyId = Annotated[UUID, PathParameter(description="The key's id.")]

LOCATION = ResponseHeader(name="Location", value="", description="The new key's URL path.", documentation_only=True)


class KeysController(Controller):
    """API key management."""

    path = "/keys"
    tags = ("Keys",)
    guards = (requires_scope("admin"),)

    @get(
        operation_id="listKeys",
        summary="List API keys",
        description="The tenant's keys, newest first, including expired and revoked ones. The keys themselves "
        "cannot be shown, because Freight stores only their digests.",
        response_description="A page of keys.",
        responses=documented(422),
    )
    async def list(self, caller: NamedDependency[Caller], limit: Limit = 100, offset: Offset = 0) -> KeysPage:
        """List API keys."""
        async with database.as_tenant(caller.tenant_id) as tx:
            found, total = await api_keys.page(tx, limit=limit, offset=offset)
        return page(KeysPage, found, total, path=KEYS, limit=limit, offset=offset, filters={})

    @post(
        operation_id="createKey",
        summary="Create an API key",
        description="The response contains the key, which is shown only once. It cannot have more scopes than the"
        " key that creates it.",
        dto=JsonBody[KeyRequest],
        return_dto=None,
        response_headers=[LOCATION],
        response_description="The key, shown only once.",
        responses=documented(413, 415, 422),
    )
    async def create(
        self,
        data: Annotated[KeyRequest, BodyKwarg(examples=request_examples.KEY_REQUESTS)],
        caller: NamedDependency[Caller],
        actor: NamedDependency[Actor],
        cipher: NamedDependency[CredentialCipher],
        settings: NamedDependency[Settings],
    ) -> Response[NewKey]:
        """Create an API key."""
        async with database.as_tenant(caller.tenant_id) as tx:
            new = await api_keys.create(tx, cipher, actor, caller, data, environment=settings.environment)
        return Response(new, headers={"Location": f"{KEYS}/{new.id}"})

    @get(
        "/{key_id:uuid}",
        operation_id="getKey",
        summary="Get an API key",
        description="The key's scopes, its expiry, and when it was last used; never the key itself.",
        response_description="The key.",
        responses=documented(404),
    )
    async def get(self, key_id: KeyId, caller: NamedDependency[Caller]) -> ApiKey:
        """Get an API key."""
        async with database.as_tenant(caller.tenant_id) as tx:
            return await api_keys.get(tx, key_id)

    @post(
        "/{key_id:uuid}/rotate",
        operation_id="rotateKey",
        summary="Rotate an API key",
        description="Create a new key with the name, scopes and lifetime of this one. The old key stays valid for"
        " `overlap_seconds`, so that you can replace it without downtime.",
        response_headers=[LOCATION],
        response_description="The new key, shown only once.",
        responses=documented(404, 409, 422),
    )
    async def rotate(
        self,
        key_id: KeyId,
        caller: NamedDependency[Caller],
        actor: NamedDependency[Actor],
        cipher: NamedDependency[CredentialCipher],
        settings: NamedDependency[Settings],
        overlap_seconds: Annotated[
            int,
            QueryParameter(
                ge=0, le=int(MAX_OVERLAP.total_seconds()), description="Seconds for which the old key stays valid."
            ),
        ] = int(DEFAULT_OVERLAP.total_seconds()),
    ) -> Response[NewKey]:
        """Rotate an API key."""
        async with database.as_tenant(caller.tenant_id) as tx:
            new = await api_keys.rotate(
                tx,
                cipher,
                actor,
                caller,
                key_id,
                overlap=timedelta(seconds=overlap_seconds),
                environment=settings.environment,
            )
        return Response(new, headers={"Location": f"{KEYS}/{new.id}"})

    @delete(
        "/{key_id:uuid}",
        operation_id="revokeKey",
        summary="Revoke an API key",
        description="The key is refused from the next request on. The last key with the scope `admin` cannot be "
        "revoked, because no further keys could be created.",
        response_description="The key is revoked.",
        responses=documented(404, 409),
    )
    async def revoke(self, key_id: KeyId, caller: NamedDependency[Caller], actor: NamedDependency[Actor]) -> None:
        """Revoke an API key."""
        async with database.as_tenant(caller.tenant_id) as tx:
            await api_keys.revoke(tx, actor, key_id)
