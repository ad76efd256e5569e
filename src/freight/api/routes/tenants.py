"""`/tenants`: the firms that use this Freight, for the platform's administrator."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.params import BodyKwarg, PathParameter, QueryParameter
from msgspec import Meta

from freight import database
from freight.api.http.auth import needs_administrator
from freight.api.http.bodies import JsonBody
from freight.api.http.errors import documented
from freight.api.http.pagination import Limit, Offset, TenantsPage, page
from freight.api.openapi import request_examples
from freight.api.schemas.responses import TENANTS
from freight.domain.tenancy import api_keys, tenants
from freight.domain.tenancy.api_keys import NewKey
from freight.domain.tenancy.audit import Actor
from freight.domain.tenancy.tenants import Tenant, TenantChange, TenantRequest
from freight.encryption import CredentialCipher
from freight.settings import Settings

TenantId = Annotated[UUID, PathParameter(description="The tenant's id.")]


class NewTenant(Tenant, frozen=True, kw_only=True):
    """A new tenant with its first key."""

    first_key: Annotated[NewKey, Meta(description="A key with every scope, shown only in this response.")]


class TenantsController(Controller):
    """Tenant administration."""

    path = "/tenants"
    tags = ("Tenants",)
    guards = (needs_administrator,)

    @get(
        operation_id="listTenants",
        summary="List tenants",
        description="All tenants by name, with their numbers of jobs by status.",
        response_description="A page of tenants.",
        responses=documented(422),
    )
    async def list(self, limit: Limit = 100, offset: Offset = 0) -> TenantsPage:
        """List tenants."""
        async with database.as_platform() as tx:
            found, total = await tenants.page(tx, limit=limit, offset=offset)
        return page(TenantsPage, found, total, path=TENANTS, limit=limit, offset=offset, filters={})

    @post(
        operation_id="createTenant",
        summary="Create a tenant",
        description="The response contains the tenant's first key, which has every scope and is shown only once.",
        dto=JsonBody[TenantRequest],
        return_dto=None,
        response_headers=[
            ResponseHeader(name="Location", value="", description="The new tenant's URL path.", documentation_only=True)
        ],
        response_description="The tenant and its first key, shown only once.",
        responses=documented(409, 413, 415, 422),
    )
    async def create(
        self,
        data: Annotated[TenantRequest, BodyKwarg(examples=request_examples.TENANT_REQUESTS)],
        actor: NamedDependency[Actor],
        cipher: NamedDependency[CredentialCipher],
        settings: NamedDependency[Settings],
    ) -> Response[NewTenant]:
        """Create a tenant."""
        async with database.as_platform() as tx:
            tenant = await tenants.create(tx, actor, data)
            key = await api_keys.issue_first(tx, cipher, actor, tenant.id, environment=settings.environment)
        answer = NewTenant(**msgspec.structs.asdict(tenant), first_key=key)
        return Response(answer, headers={"Location": f"{TENANTS}/{tenant.id}"})

    @get(
        "/{tenant_id:uuid}",
        operation_id="getTenant",
        summary="Get a tenant",
        description="The tenant's limits and retention, and its numbers of jobs by status.",
        response_description="The tenant.",
        responses=documented(404),
    )
    async def get(self, tenant_id: TenantId) -> Tenant:
        """Get a tenant."""
        async with database.as_platform() as tx:
            return await tenants.get(tx, tenant_id)

    @patch(
        "/{tenant_id:uuid}",
        operation_id="updateTenant",
        summary="Update a tenant",
        description="Omitted fields keep their values. While a tenant is suspended its keys are refused and its "
        "jobs are paused; they continue automatically when the suspension ends.",
        dto=JsonBody[TenantChange],
        return_dto=None,
        response_description="The updated tenant.",
        responses=documented(404, 409, 413, 415, 422),
    )
    async def update(
        self,
        tenant_id: TenantId,
        data: Annotated[TenantChange, BodyKwarg(examples=request_examples.TENANT_CHANGES)],
        actor: NamedDependency[Actor],
    ) -> Tenant:
        """Update a tenant."""
        async with database.as_platform() as tx:
            return await tenants.update(tx, actor, tenant_id, data)

    @delete(
        "/{tenant_id:uuid}",
        operation_id="deleteTenant",
        summary="Delete a tenant",
        description="Delete the tenant with all its data: keys, jobs, records, logs, the ledger, the audit trail."
        " This cannot be undone. Data already written remain in the targets.",
        response_description="The tenant is deleted.",
        responses=documented(404, 409, 422),
    )
    async def delete(
        self,
        tenant_id: TenantId,
        actor: NamedDependency[Actor],
        force: Annotated[bool, QueryParameter(description="Cancel live jobs instead of refusing.")] = False,
    ) -> None:
        """Delete a tenant."""
        await tenants.delete(actor, tenant_id, force=force)
