"""Steps of a job share one reader or writer as long as they go by the same schema."""

from typing import Any, cast

import msgspec

from freight.domain.jobs.discovered_schema import DiscoveredSchema
from freight.domain.migration.steps.worker_context import _Opened
from freight.model.resolved_mapping import ResolvedMapping
from freight.model.schema import Schema

FOUND = DiscoveredSchema(schema=Schema(), layout=ResolvedMapping())


def test_a_writer_is_made_once_and_again_when_the_schema_has_changed() -> None:
    made: list[DiscoveredSchema] = []

    def bind(_connector: Any, _job: Any, discovered: DiscoveredSchema) -> Any:
        made.append(discovered)
        return object()

    job = cast("Any", None)
    opened = _Opened(cast("Any", None), cast("Any", None), bind)
    first = opened.bound(job, FOUND)
    assert opened.bound(job, msgspec.structs.replace(FOUND)) is first
    changed = msgspec.structs.replace(FOUND, layout=ResolvedMapping(stages=("Lead",)))
    assert opened.bound(job, changed) is not first
    assert made == [FOUND, changed]
