"""Jobs from one in-memory workspace to another, created as the API creates them.

The API's request types name the systems that were registered when it was imported, so a request over HTTP cannot name
this one.
"""

from typing import Any
from uuid import UUID, uuid4

import msgspec

from freight.connectors.spec import Configuration, TargetConfiguration
from freight.domain.jobs import lifecycle
from freight.domain.jobs import model as jobs
from freight.domain.jobs.requests import JobRequest
from freight.domain.migration.steps.dispatch import changing
from freight.domain.vendors import Vendors
from freight.encryption import CredentialCipher
from freight.model.crm import Entity
from freight.queue import Queue
from support.memory import workspaces
from support.memory.drafting import link
from support.memory.spec import SPEC
from support.memory.workspaces import SourceWorkspace, Stored, TargetWorkspace
from support.service import Tenant


class Pair(msgspec.Struct, frozen=True):
    """A source and a target, empty at first, with the key of both."""

    key: str
    source: SourceWorkspace
    target: TargetWorkspace

    def copy_of(self, entity: Entity, source_id: str) -> Stored:
        """Return the only record of the target that was made of a record of the source."""
        (made,) = [one for one in self.target.of(entity) if one.values[f"{SPEC.system}_id"] == [source_id]]
        return made

    def link_to(self, entity: Entity, source_id: str) -> dict[str, str]:
        """Return the value of an attribute that refers to the copy of a record."""
        return link(entity, self.copy_of(entity, source_id).id)


def new_pair() -> Pair:
    """Return two new workspaces."""
    key = f"key-{uuid4()}"
    workspaces.SOURCES[key], workspaces.TARGETS[key] = SourceWorkspace(), TargetWorkspace()
    return Pair(key, workspaces.SOURCES[key], workspaces.TARGETS[key])


async def create(
    tenant: Tenant, pair: Pair, *, vendors: Vendors, cipher: CredentialCipher, queue: Queue, **settings: Any
) -> UUID:
    """Create a job from the pair's source to its target, and return its id."""
    request = JobRequest(
        source_system=SPEC.system,
        target_system=SPEC.system,
        source_config=Configuration(api_key=pair.key),  # type: ignore[arg-type, unused-ignore]
        target_config=TargetConfiguration(api_key=pair.key),  # type: ignore[arg-type, unused-ignore]
        **settings,
    )
    columns = await jobs.prepare(request, vendors)
    async with changing(queue, tenant.id) as changes:
        job = await lifecycle.create(changes, cipher, tenant.id, request, columns, started_by="test")
    return job.id
