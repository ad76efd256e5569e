"""A workspace that holds everything that Affinity can hold, and every oddity that its documentation warns of."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from freight_sandbox import Sandbox
from freight_sandbox import running as running_sandbox
from support.everything import companies, lists, people, talk
from support.sandboxes import sandbox_options


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Sandbox]:
    """Yield an Affinity with that workspace, for which the folder is used, and an empty Attio, both without limits."""
    write_workspace(folder)
    async with running_sandbox(sandbox_options(workspace=folder, unlimited=True, deals_enabled=True)) as sandbox:
        yield sandbox


def write_workspace(folder: Path) -> None:
    """Write the workspace as a folder that the sandbox can be filled from."""
    fields = (companies.FIELDS, people.FIELDS, *lists.FIELDS.values())
    for name, rows in {
        "fields": [line for owner in fields for line in owner.definitions()],
        "companies": companies.rows(),
        "persons": people.rows(),
        "lists": lists.lists(),
        "opportunities": lists.opportunities(),
        "list_entries": lists.entries(),
        "notes": talk.notes(),
        "reminders": talk.reminders(),
        "files": talk.files(),
    }.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
