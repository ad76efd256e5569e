"""The conformance suite of connectors: what the engine relies on, for every source and every target.

A test class inherits `SourceConformance` or `TargetConformance` and defines the fixture `subject`, which opens the
connector on a workspace of its vendor; see tests/integration/connectors/test_conformance.py.
"""

from support.conformance.sources import SourceConformance
from support.conformance.subject import Subject
from support.conformance.targets import TargetConformance

__all__ = ["SourceConformance", "Subject", "TargetConformance"]
