"""An in-memory connector: a vendor of workspaces that are Python objects, as a source and as a target.

It is the example of docs/connectors.md, and what tests use to change a workspace or to interrupt a write at a chosen
moment. It differs from the vendors that Freight supports: companies have no unique values, every record bears a mark
with the id of its source record, also notes, tasks and files, so that all are found by one query, and its attributes
have types and slugs of their own.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from freight.connectors import registry
from support.memory.source import MemorySource
from support.memory.spec import SPEC
from support.memory.target import MemoryTarget


@contextmanager
def registered() -> Iterator[None]:
    """Register the connector while the context lasts: the lines of a connector in `freight.connectors.registry`."""
    registry.SPECS[SPEC.system] = SPEC
    registry.SOURCES[SPEC.system] = MemorySource
    registry.TARGETS[SPEC.system] = MemoryTarget
    try:
        yield
    finally:
        for lines in (registry.SPECS, registry.SOURCES, registry.TARGETS):
            del lines[SPEC.system]
