"""Merges that clients asked for, and what became of them."""

from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from freight_sandbox.affinity.collection import Gone, Merged
from freight_sandbox.affinity.rows import Company, Entity, Person
from freight_sandbox.affinity.workspace import Workspace


class Merge(msgspec.Struct, frozen=True):
    """One merge. `error` is None for one that succeeded."""

    id: int
    task_id: str
    entity: Entity
    primary_id: int
    duplicate_id: int
    at: str
    error: str | None
    is_listed: bool

    @property
    def status(self) -> str:
        """How it ended."""
        return "success" if self.error is None else "failed"


class Merges:
    """The merges of one workspace, the latest first."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._merges: list[Merge] = []

    def of(self, entity: Entity) -> list[Merge]:
        """Return the merges of companies or of persons."""
        return [merge for merge in reversed(self._merges) if merge.entity == entity]

    def begin(self, entity: Entity, primary_id: int, duplicate_id: int) -> Merge:
        """Merge the duplicate into the primary record and return what became of it.

        Affinity takes any pair of ids and finds out later whether it can be merged. Its list of merges leaves out those
        whose primary record is gone or global, although their tasks are there.
        """
        error = self._error(entity, primary_id, duplicate_id)
        merge = Merge(
            id=len(self._merges) + 1,
            task_id=str(uuid4()),
            entity=entity,
            primary_id=primary_id,
            duplicate_id=duplicate_id,
            at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            error=error,
            is_listed=self._is_listed(entity, primary_id),
        )
        if error is None:
            self._workspace.merge(entity, duplicate_id, primary_id)
        self._merges.append(merge)
        return merge

    def _error(self, entity: Entity, primary_id: int, duplicate_id: int) -> str | None:
        records = self._workspace.records(entity)
        for name, row_id in (("Primary", primary_id), ("Duplicate", duplicate_id)):
            try:
                row = records.row(row_id)
            except (Gone, Merged):
                return f"{name} {entity} not found"
        if primary_id == duplicate_id:
            return f"A {entity} cannot be merged into itself"
        if isinstance(row, Person) and row.type != "external":
            return "Internal persons and collaborators cannot be merged into others"
        return None

    def _is_listed(self, entity: Entity, primary_id: int) -> bool:
        try:
            row = self._workspace.records(entity).row(primary_id)
        except (Gone, Merged):
            return False
        return not (isinstance(row, Company) and row.is_global)
