"""Workspaces that went wrong once: each job ends, and neither a second run nor another tenant's writes anything.

What is right in each is tested on rewritten rows in `test_awkward_workspaces.py`, `test_bad_data.py` and
`test_query_limits.py`. The folders are looked for below `FREIGHT_SHARED`.
"""

import json
from pathlib import Path

import pytest

from freight_sandbox import running
from support import migration, workspaces
from support.real_data import SHARED
from support.sandboxes import sandbox_options
from support.service import Service, Tenant

CASES = sorted(path for path in (SHARED / "cases").glob("*") if path.is_dir())


@pytest.mark.skipif(not CASES, reason=f"there are no workspaces at {SHARED / 'cases'} (FREIGHT_SHARED)")
@pytest.mark.parametrize("folder", CASES or [SHARED], ids=lambda path: path.name)
async def test_a_workspace_that_went_wrong_once_is_migrated_and_later_runs_write_nothing(
    folder: Path, service: Service, tenant: Tenant, other_tenant: Tenant
) -> None:
    request = folder / "job.json"
    changes = json.loads(request.read_text()) if request.exists() else {}
    async with running(sandbox_options(workspace=folder, unlimited=True)) as sandbox:
        job = await migration.carry(tenant, sandbox, **changes)
        counts = migration.outcomes(job)
        assert counts["companies"]["created"] == counts["companies"]["read"]
        writes = await workspaces.writes_received(sandbox)
        for same_or_other in (tenant, other_tenant):
            await migration.carry(same_or_other, sandbox, **changes)
            assert await workspaces.writes_received(sandbox) == writes
