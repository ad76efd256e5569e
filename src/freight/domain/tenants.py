"""Tenants: the firms that use this Freight."""

from uuid import UUID, uuid4

import asyncpg

from freight.database import Connection
from freight.domain.errors import InvalidRequest, TenantExists

NAME_LENGTH = 200


async def create(tx: Connection, name: str) -> UUID:
    """Create a tenant and return its id (as the platform). Raises `InvalidRequest` or `TenantExists`."""
    name = name.strip()
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        raise InvalidRequest(f"A tenant's name is 1 to {NAME_LENGTH} printable characters.", field="name")
    tenant_id = uuid4()
    try:
        await tx.execute("INSERT INTO tenants (id, name) VALUES ($1, $2)", tenant_id, name)
    except asyncpg.UniqueViolationError:
        raise TenantExists(f"There is a tenant named {name!r} already; choose another name.") from None
    return tenant_id
