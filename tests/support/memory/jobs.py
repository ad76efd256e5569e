"""Jobs from one in-memory workspace to another, created as the API creates them.

The API's request types name the systems that were registered when it was imported, so a request over HTTP cannot name
this one.
"""

from typing import Any
from uuid import uuid4

import msgspec

from freight.connectors.spec import Configuration, TargetConfiguration
from freight.domain.jobs import lifecycle
from freight.domain.jobs import model as jobs
from freight.domain.jobs.requests import JobRequest
from freight.domain.migration.steps.dispatch import changing
from freight.domain.vendors import Vendors
from freight.encryption import CredentialCipher
from freight.queue import Queue
from support.memory import workspaces
from support.memory.spec import SPEC
from support.memory.workspaces import SourceWorkspace, TargetWorkspace
from support.service import Tenant


class Pair(msgspec.Struct, frozen=True):
    """A source and a target, empty at first, with the key of both."""

    key: str
    source: SourceWorkspace
    target: TargetWorkspace


def new_pair() -> Pair:
    """Return two new workspaces."""
    key = f"key-{uuid4()}"
    workspaces.SOURCES[key], workspaces.TARGETS[key] = SourceWorkspace(), TargetWorkspace()
    return Pair(key, workspaces.SOURCES[key], workspaces.TARGETS[key])


def request(pair: Pair, **changes: Any) -> JobRequest:
    """Return a request for a job from the pair's source to its target."""
    return JobRequest(
        source_system=SPEC.system,
        target_system=SPEC.system,
        source_config=Configuration(api_key=pair.key),  # type: ignore[arg-type, unused-ignore]
        target_config=TargetConfiguration(api_key=pair.key),  # type: ignore[arg-type, unused-ignore]
        **changes,
    )


async def create(
    tenant: Tenant, pair: Pair, *, vendors: Vendors, cipher: CredentialCipher, queue: Queue, **changes: Any
) -> str:
    """Create a job, and return its id."""
    given = request(pair, **changes)
    columns = await jobs.prepare(given, vendors)
    async with changing(queue, tenant.id) as changes:
        job = await lifecycle.create(changes, cipher, tenant.id, given, columns, started_by="test")
    return str(job.id)
